"""How every act of owners, admins and time is done: checked against the table of `lifecycle.py`, then done and recorded
in one transaction.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
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
LATE = phrase("Somebody else was faster: look at the message again.")
NOBODY = phrase("Nobody of that address takes part in the message.")

log = structlog.get_logger()


class Acting:
    """The base of the classes whose methods are acts.

    An act returns a `Said` (done, or refused with a sentence), or None: there is no such box, or none for this person.
    """

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def _act(
        self,
        namespace: str,
        box_id: str,
        by: By,
        act: Act,
        change: Change,
        *,
        kind: EventKind,
        reason: str = "",
        force: bool = False,
        participant_id: str | None = None,
        erasable: Mapping[str, Any] | None = None,
    ) -> Said | None:
        """Do one act. `change` does it; `kind` is its audit event; `force`: an admin insists against the profile.

        `erasable` goes into the event, where it can be erased later; `change` may still fill it.
        """
        now = self._desk.clock()

        def work(conn: Connection) -> Said | None:
            standing = standing_of(conn, namespace, box_id, by, hold=True)
            if standing is None:
                return None
            sentence = self.refused(standing, act, force=force) or change(conn, standing)
            if sentence:
                return Said(False, sentence)
            touch_box(conn, namespace, box_id, now)
            event = act_of_keeper(kind, standing.box, by.name, participant_id=participant_id, reason=reason)
            record(conn, self._desk.vault, [replace(event, erasable=erasable or {})], now)
            return DONE

        return await self._desk.db.write(work)

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
