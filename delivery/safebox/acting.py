"""How every act of owners, admins and time is done: asked of the table, changed and recorded in one transaction."""

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

# Changes what the act is about, in the transaction. A sentence: somebody else was first, or it makes no sense.
Change = Callable[[Connection, Standing], str]
LATE = phrase("Somebody else was faster: look at the message again.")
NOBODY = phrase("Nobody of that address takes part in the message.")

log = structlog.get_logger()


class Acting:
    """Each act: a `Said`, or None where there is no such box (for this person)."""

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
        """`erasable`: goes into the act's event; `change` may fill it."""
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
        """Why this one may not do it now; empty: they may. Time and insisting admins stand above the profile."""
        box, actor = standing.box, standing.actor
        state = state_at(box.state, box.closes_at, box.deletes_at, self._desk.clock())
        sentence = refusal(state, act, actor)
        insists = actor is Actor.TIME or (force and actor is Actor.ADMIN)
        return sentence if sentence or insists else forbidden(stored_profile(box.profile), act)

    async def _forget(self, blobs: Sequence[str]) -> None:
        """The key is destroyed and that is committed: now the files go, and the log's old pages."""
        for name in blobs:
            try:
                await asyncio.to_thread(self._desk.blobs.delete, name)
            except StoreUnavailable:
                log.warning("safebox.blob_left_behind")  # the sweep takes it
        await self._desk.db.tidy()


def person_of(standing: Standing, address: str, role: Role | None = None) -> ParticipantRow | None:
    """Who takes part under this address: a guest before anybody else; never the owner, whose box it is."""
    wanted = address_key(address)
    mine = [one for one in standing.people if one.address_key == wanted and one.role is not Role.OWNER]
    if role is not None:
        mine = [one for one in mine if one.role is role]
    return min(mine, key=lambda one: one.role is not Role.GUEST, default=None)
