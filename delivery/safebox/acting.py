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
from delivery.safebox.authority import DONE, By, Said, Standing, standing_of
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
class Deed:
    """Who does which act with which box, and why.

    `guest`: the address of whom it is done to, and in which `role` where they have several; empty: to the whole box.
    `force`: an admin insists against the profile. The `reason` goes into the audit event.
    """

    namespace: str
    box_id: str
    by: By
    act: Act
    guest: str = field(default="", repr=False)
    role: Role | None = None
    reason: str = field(default="", repr=False)
    force: bool = False


class Acting:
    """The base of the classes whose methods are acts.

    An act returns a `Said` (done, or refused with a sentence), or None: there is no such box, or none for this person.
    """

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def _do(
        self, deed: Deed, kind: EventKind, change: Change, *, erasable: Mapping[str, Any] | None = None
    ) -> Said | None:
        """Do it, where this one may now: `change` does it, and `kind` is the audit event that tells of it.

        `erasable` goes into the event, where it can be erased later; `change` may still fill it.
        """

        def work(conn: Connection) -> Said | None:
            told = {} if erasable is None else erasable
            return self._done(conn, deed, kind, lambda conn, standing, _guest: change(conn, standing), told)

        return await self._desk.db.write(work)

    async def _do_to(self, deed: Deed, kind: EventKind, change: ChangeGuest) -> Said | None:
        """Do it to the guest whom the deed names."""

        def to_guest(conn: Connection, standing: Standing, guest: ParticipantRow | None) -> str:
            return NOBODY if guest is None else change(conn, standing, guest)

        return await self._desk.db.write(lambda conn: self._done(conn, deed, kind, to_guest, {}))

    def _done(
        self, conn: Connection, deed: Deed, kind: EventKind, change: _Change, erasable: Mapping[str, Any]
    ) -> Said | None:
        standing = self._allowed(conn, deed, hold=True)
        if not isinstance(standing, Standing):
            return standing
        guest = person_of(standing, deed.guest, deed.role) if deed.guest else None
        if sentence := change(conn, standing, guest):
            return Said(False, sentence)
        now, whom = self._desk.clock(), guest.id if guest else None
        touch_box(conn, deed.namespace, deed.box_id, now)
        event = act_of_keeper(kind, standing.box, deed.by.name, participant_id=whom, reason=deed.reason)
        record(conn, self._desk.vault, [replace(event, erasable=erasable)], now)
        return DONE

    def _allowed(self, conn: Connection, deed: Deed, *, hold: bool = False) -> Standing | Said | None:
        """The box as it stands for this one, if they may do it now; else the sentence that says why not, or None where
        there is no such box for them. `hold`: nobody else changes it until the transaction ends.
        """
        standing = standing_of(conn, deed.namespace, deed.box_id, deed.by, hold=hold)
        if standing is None:
            return None
        sentence = self.refused(standing, deed.act, force=deed.force)
        return Said(False, sentence) if sentence else standing

    def refused(self, standing: Standing, act: Act, *, force: bool = False) -> str:
        """Why this actor may not do it now; empty: they may. Time and insisting admins may act against the profile."""
        box, actor = standing.box, standing.actor
        state = state_at(box.state, box.closes_at, box.deletes_at, self._desk.clock())
        sentence = refusal(state, act, actor)
        insists = actor is Actor.TIME or (force and actor is Actor.ADMIN)
        return sentence if sentence or insists else forbidden(stored_profile(box.profile), act)

    async def _forget(self, blobs: Sequence[str]) -> None:
        """Delete blob files, and old pages of the database's log. Only after the key's destruction is committed."""
        for name in blobs:
            try:
                await asyncio.to_thread(self._desk.blobs.delete, name)
            except StoreUnavailable:
                log.warning("safebox.blob_left_behind")  # the sweep takes it
        await self._desk.db.tidy()


def person_of(standing: Standing, address: str, role: Role | None = None) -> ParticipantRow | None:
    """The participant with this address, of several the guest; never the owner."""
    wanted = address_key(address)
    mine = [one for one in standing.people if one.address_key == wanted and one.role is not Role.OWNER]
    if role is not None:
        mine = [one for one in mine if one.role is role]
    return min(mine, key=lambda one: one.role is not Role.GUEST, default=None)
