"""What owners and admins do with SafeBoxes, and what time does: recall, close, delete, release, unlock."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final

import structlog
from sqlalchemy import Connection

from delivery.errors import StoreUnavailable
from delivery.safebox.boxkey import RECALL_REASON, BoxKey
from delivery.safebox.desk import Desk, act_of_keeper
from delivery.safebox.headers import address_key
from delivery.safebox.lifecycle import MOVES, Act, may, state_at
from delivery.safebox.profile import Profile
from delivery.safebox.records import BoxRecord, BoxSummary, GuestSummary
from delivery.store.accounts import clear_throttles
from delivery.store.audit import EventKind, record
from delivery.store.box_contents import bytes_of, count_documents, destroy_contents, events_of, messages_of
from delivery.store.boxes import (
    BoxRow,
    BoxState,
    ParticipantRow,
    Role,
    destroy_key,
    due_to_close,
    due_to_delete,
    get_box,
    list_boxes,
    move_box,
    participants_of,
    set_lock,
    set_released,
)

_BATCH: Final = 100
_EVERY: Final = 60.0  # seconds between two rounds
MAX_REASON: Final = 2000

log = structlog.get_logger()


class Keeping:
    """Every act: True done, False not possible (any more) or done before, None no such box or guest."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def list(self, namespace: str | None = None, *, states: tuple[str, ...] = ()) -> tuple[BoxSummary, ...]:
        """Boxes, newest first, at most 1000; None: of every namespace (commands only)."""
        wanted = tuple(BoxState(state) for state in states)
        now = self._desk.clock()

        def work(conn: Connection) -> tuple[BoxSummary, ...]:
            boxes = list_boxes(conn, namespace, wanted)
            return tuple(_summary(box, participants_of(conn, box.namespace, box.id), now) for box in boxes)

        return await self._desk.db.read(work)

    async def show(self, box_id: str, namespace: str = "default") -> BoxRecord | None:
        """One box with its guests, counts and history, without its content. It outlives the content."""
        now = self._desk.clock()

        def work(conn: Connection) -> BoxRecord | None:
            box = get_box(conn, namespace, box_id)
            if box is None:
                return None
            return BoxRecord(
                _summary(box, participants_of(conn, namespace, box_id), now),
                box.message_id,
                box.closed_at,
                box.recalled_at,
                box.deleted_at,
                len(messages_of(conn, namespace, box_id)),
                count_documents(conn, namespace, box_id),
                bytes_of(conn, namespace, box_id),
                tuple((at, kind, participant) for at, kind, participant, _ in events_of(conn, namespace, box_id)),
            )

        return await self._desk.db.read(work)

    async def recall(self, box_id: str, reason: str, actor: str, namespace: str = "default") -> bool | None:
        """Deny access at once. `reason` is what guests read on the page; it may be empty."""
        now = self._desk.clock()
        reason = reason.strip()[:MAX_REASON]

        def change(conn: Connection, box: BoxRow) -> bool:
            key = BoxKey.of(self._desk.vault, box)
            sealed = key.seal_text(RECALL_REASON, box.id, reason) if key and reason else None
            values = {"state": BoxState.RECALLED, "recalled_at": now, "recall_reason_sealed": sealed}
            return move_box(conn, namespace, box_id, _sources(BoxState.RECALLED), **values)

        return await self._act(namespace, box_id, change, kind=EventKind.BOX_RECALLED, actor=actor, reason=reason)

    async def close(self, box_id: str, actor: str, namespace: str = "default", *, force: bool = False) -> bool | None:
        """End contributions; reading goes on until the retention ends, which now begins earlier.

        `force`: even where the box's profile allows no closing by hand.
        """
        now = self._desk.clock()

        def change(conn: Connection, box: BoxRow) -> bool:
            if not force and not Profile.model_validate(box.profile).life.manual_close:
                return False
            retention = None if box.deletes_at is None else box.deletes_at - box.closes_at
            values = {"state": BoxState.CLOSED, "closed_at": now, "closes_at": min(now, box.closes_at)}
            if retention is not None:
                values["deletes_at"] = min(now, box.closes_at) + retention
            return move_box(conn, namespace, box_id, _sources(BoxState.CLOSED), **values)

        return await self._act(namespace, box_id, change, kind=EventKind.BOX_CLOSED, actor=actor)

    async def delete(self, box_id: str, actor: str, namespace: str = "default", *, force: bool = False) -> bool | None:
        """Destroy the key, then the content. The audit record stays.

        `force`: even where the box's profile allows no deletion by hand.
        """
        now = self._desk.clock()
        gone: list[str] = []

        def change(conn: Connection, box: BoxRow) -> bool:
            allowed = force or Profile.model_validate(box.profile).life.manual_deletion
            return allowed and _destroy(conn, box, gone, now)

        done = await self._act(
            namespace,
            box_id,
            change,
            kind=EventKind.BOX_DELETED,
            actor=actor,
        )
        if done:
            await self._forget(gone)
        return done

    async def release(self, box_id: str, address: str, actor: str, namespace: str = "default") -> bool | None:
        """Let a mailed code suffice for one guest who was invited by fallback. False: it does already."""
        now = self._desk.clock()

        def change(conn: Connection, guest: ParticipantRow) -> bool:
            return guest.by_fallback and set_released(conn, namespace, guest.id, now)

        return await self._act_on_guest(
            namespace, box_id, address, actor=actor, kind=EventKind.BOX_RELEASED, act=Act.RELEASE, change=change
        )

    async def unlock_guest(self, box_id: str, address: str, actor: str, namespace: str = "default") -> bool | None:
        """Take a guest's lock off, and forget the wrong codes. False: they were not locked."""

        def change(conn: Connection, guest: ParticipantRow) -> bool:
            clear_throttles(conn, namespace, guest.id)
            return set_lock(conn, namespace, guest.id, None)

        return await self._act_on_guest(
            namespace, box_id, address, actor=actor, kind=EventKind.BOX_UNLOCKED, act=Act.UNLOCK, change=change
        )

    # -- time -----------------------------------------------------------------------------------------------------

    async def run(self, stop: asyncio.Event) -> None:
        """Keep house until told to stop. Safe to run in every worker: each move happens once."""
        while not stop.is_set():
            try:
                await self.keep_house(self._desk.clock())
            except StoreUnavailable as error:
                log.warning("safebox.house_not_kept", why=str(error))
            try:
                async with asyncio.timeout(_EVERY):
                    await stop.wait()
            except TimeoutError:
                continue

    async def keep_house(self, now: datetime) -> int:
        """Close and delete what is due; how many boxes moved."""
        moved = 0
        for box in await self._desk.db.read(lambda conn: due_to_delete(conn, now, _BATCH)):
            moved += await self._delete_due(box, now)
        for box in await self._desk.db.read(lambda conn: due_to_close(conn, now, _BATCH)):
            moved += await self._close_due(box, now)
        return moved

    async def _close_due(self, due: BoxRow, now: datetime) -> bool:
        def work(conn: Connection) -> bool:
            box = get_box(conn, due.namespace, due.id)
            if box is None or box.closes_at > now:  # a late answer kept it open
                return False
            values = {"state": BoxState.CLOSED, "closed_at": box.closes_at}
            if not move_box(conn, box.namespace, box.id, frozenset({BoxState.OPEN}), **values):
                return False
            record(conn, self._desk.vault, [act_of_keeper(EventKind.BOX_CLOSED, box, "")], now)
            return True

        return await self._desk.db.write(work)

    async def _delete_due(self, due: BoxRow, now: datetime) -> bool:
        gone: list[str] = []

        def work(conn: Connection) -> bool:
            box = get_box(conn, due.namespace, due.id)
            if box is None or box.deletes_at is None or box.deletes_at > now or not _destroy(conn, box, gone, now):
                return False
            record(conn, self._desk.vault, [act_of_keeper(EventKind.BOX_DELETED, box, "")], now)
            return True

        done = await self._desk.db.write(work)
        if done:
            await self._forget(gone)
        return done

    # -- within ---------------------------------------------------------------------------------------------------

    async def _act(
        self,
        namespace: str,
        box_id: str,
        change: Callable[[Connection, BoxRow], bool],
        *,
        kind: EventKind,
        actor: str,
        reason: str = "",
    ) -> bool | None:
        now = self._desk.clock()

        def work(conn: Connection) -> bool | None:
            box = get_box(conn, namespace, box_id)
            if box is None:
                return None
            if not change(conn, box):
                return False
            record(conn, self._desk.vault, [act_of_keeper(kind, box, actor, reason=reason)], now)
            return True

        return await self._desk.db.write(work)

    async def _act_on_guest(
        self,
        namespace: str,
        box_id: str,
        address: str,
        *,
        actor: str,
        kind: EventKind,
        act: Act,
        change: Callable[[Connection, ParticipantRow], bool],
    ) -> bool | None:
        now = self._desk.clock()

        def work(conn: Connection) -> bool | None:
            box = get_box(conn, namespace, box_id)
            guest = None if box is None else _guest(participants_of(conn, namespace, box_id), address)
            if box is None or guest is None:
                return None
            state = state_at(box.state, box.closes_at, box.deletes_at, now)
            if not may(state, act) or not change(conn, guest):
                return False
            record(conn, self._desk.vault, [act_of_keeper(kind, box, actor, participant_id=guest.id)], now)
            return True

        return await self._desk.db.write(work)

    async def _forget(self, blobs: Sequence[str]) -> None:
        """The key is destroyed and that is committed: now the files go, and the log's old pages."""
        for name in blobs:
            try:
                await asyncio.to_thread(self._desk.blobs.delete, name)
            except StoreUnavailable:
                log.warning("safebox.blob_left_behind")  # the sweep takes it
        await self._desk.db.tidy()


def _destroy(conn: Connection, box: BoxRow, gone: list[str], now: datetime) -> bool:
    """Key first, then content; `gone` gets the blob files for after the commit."""
    gone.clear()  # the transaction may be run again
    values = {"state": BoxState.DELETED, "deleted_at": now}
    if not move_box(conn, box.namespace, box.id, _sources(BoxState.DELETED), **values):
        return False
    destroy_key(conn, box.namespace, box.id)
    gone.extend(destroy_contents(conn, box.namespace, box.id))
    return True


def _sources(target: BoxState) -> frozenset[BoxState]:
    """The states that may move to `target`."""
    return frozenset(state for state, targets in MOVES.items() if target in targets)


def _guest(people: tuple[ParticipantRow, ...], address: str) -> ParticipantRow | None:
    wanted = address_key(address)
    return next((one for one in people if one.role is Role.GUEST and one.address_key == wanted), None)


def _summary(box: BoxRow, people: tuple[ParticipantRow, ...], now: datetime) -> BoxSummary:
    return BoxSummary(
        box.id,
        box.namespace,
        box.owner,
        state_at(box.state, box.closes_at, box.deletes_at, now),
        box.profile_name,
        box.by_fallback,
        box.created_at,
        box.closes_at,
        box.deletes_at,
        tuple(
            GuestSummary(one.id, one.address, one.state, one.locked_at, one.released_at, one.by_fallback)
            for one in people
            if one.role is Role.GUEST
        ),
    )
