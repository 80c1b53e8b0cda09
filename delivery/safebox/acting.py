"""How every act of owners, admins and time is done: checked against the table of `lifecycle.py`, then done and recorded
in one transaction.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import structlog
from sqlalchemy import Connection

from delivery.errors import StoreUnavailable
from delivery.safebox.authority import DONE, ActResult, Principal, Standing, standing_of
from delivery.safebox.desk import Desk, act_of_keeper
from delivery.safebox.headers import address_key
from delivery.safebox.lifecycle import Act, Actor, forbidden, refusal, state_at
from delivery.safebox.profile import stored_profile
from delivery.speech import phrase
from delivery.store.audit import EventKind, record
from delivery.store.boxes import ParticipantRow, Role, touch_box

# Does the act, within the transaction. Returns "", or the sentence that says why it cannot be done after all.
Change = Callable[[Connection, Standing], str]
ChangeGuest = Callable[[Connection, Standing, ParticipantRow], str]  # the same, done to one participant
_Change = Callable[[Connection, Standing, ParticipantRow | None], str]
LATE = phrase("Somebody else was faster: look at the message again.")
NOBODY = phrase("Nobody of that address takes part in the message.")

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class ActRequest:
    """What is to be done: which act, on which box, by whom, and why.

    `guest` is the address of the participant it is done to, and `role` tells apart several roles of that address; with
    `guest` empty the act concerns the whole box. `force`: an admin overrides what the profile forbids. `reason` goes
    into the audit event.
    """

    namespace: str
    box_id: str
    by: Principal
    act: Act
    guest: str = field(default="", repr=False)
    role: Role | None = None
    reason: str = field(default="", repr=False)
    force: bool = False


class Acting:
    """The base of the classes whose methods are acts.

    An act returns an `ActResult` (done, or refused with a sentence); or None, where there is no such box, or none that
    this person may know of.
    """

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def _do(
        self, request: ActRequest, kind: EventKind, change: Change, *, erasable: Mapping[str, Any] | None = None
    ) -> ActResult | None:
        """Check that the act is allowed now, run `change`, and record the audit event `kind`, in one transaction.

        `erasable` becomes part of the event and can be erased later; `change` may still fill it.
        """

        def work(conn: Connection) -> ActResult | None:
            told = {} if erasable is None else erasable
            return self._done(conn, request, kind, lambda conn, standing, _guest: change(conn, standing), told)

        return await self._desk.db.write(work)

    async def _do_to(self, request: ActRequest, kind: EventKind, change: ChangeGuest) -> ActResult | None:
        """As `_do`, with the participant that `request.guest` names given to `change`."""

        def to_guest(conn: Connection, standing: Standing, guest: ParticipantRow | None) -> str:
            return NOBODY if guest is None else change(conn, standing, guest)

        return await self._desk.db.write(lambda conn: self._done(conn, request, kind, to_guest, {}))

    def _done(
        self, conn: Connection, request: ActRequest, kind: EventKind, change: _Change, erasable: Mapping[str, Any]
    ) -> ActResult | None:
        standing = self._allowed(conn, request, hold=True)
        if not isinstance(standing, Standing):
            return standing
        guest = person_of(standing, request.guest, request.role) if request.guest else None
        if sentence := change(conn, standing, guest):
            return ActResult(False, sentence)
        now, whom = self._desk.clock(), guest.id if guest else None
        touch_box(conn, request.namespace, request.box_id, now)
        event = act_of_keeper(kind, standing.box, request.by.name, participant_id=whom, reason=request.reason)
        record(conn, self._desk.vault, [replace(event, erasable=erasable)], now)
        return DONE

    def _allowed(self, conn: Connection, request: ActRequest, *, hold: bool = False) -> Standing | ActResult | None:
        """The box and the role that `request.by` has in it, if the act is allowed now; else a result with the sentence
        that refuses it; or None where there is no such box for them. `hold`: lock the box's row until the transaction
        ends.
        """
        standing = standing_of(conn, request.namespace, request.box_id, request.by, hold=hold)
        if standing is None:
            return None
        sentence = self.refused(standing, request.act, force=request.force)
        return ActResult(False, sentence) if sentence else standing

    def refused(self, standing: Standing, act: Act, *, force: bool = False) -> str:
        """The sentence that refuses this act now; empty: it is allowed.

        What the profile forbids does not bind time, nor an admin with `force`.
        """
        box, actor = standing.box, standing.actor
        state = state_at(box.state, box.closes_at, box.deletes_at, self._desk.clock())
        sentence = refusal(state, act, actor)
        insists = actor is Actor.TIME or (force and actor is Actor.ADMIN)
        return sentence if sentence or insists else forbidden(stored_profile(box.profile), act)

    async def _forget(self, blobs: Sequence[str]) -> None:
        """Delete blob files, and the old pages of the database's log. Call it only after the transaction that destroyed
        their key was committed.
        """
        for name in blobs:
            try:
                await asyncio.to_thread(self._desk.blobs.delete, name)
            except StoreUnavailable:
                log.warning("safebox.blob_left_behind")  # the sweep takes it
        await self._desk.db.truncate_log()


def person_of(standing: Standing, address: str, role: Role | None = None) -> ParticipantRow | None:
    """The participant with this address, never the owner. Of several roles `role` decides; None: the guest first."""
    wanted = address_key(address)
    mine = [one for one in standing.people if one.address_key == wanted and one.role is not Role.OWNER]
    if role is not None:
        mine = [one for one in mine if one.role is role]
    return min(mine, key=lambda one: one.role is not Role.GUEST, default=None)
