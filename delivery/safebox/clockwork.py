"""What happens to SafeBoxes as time passes: closing, reminding, deleting, and forgetting uploads that nobody sent.

The times are in the database, so nothing is missed while no worker runs; each move happens once, whichever worker makes
it.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

import structlog
from sqlalchemy import Connection

from delivery.doubting import is_doubted
from delivery.errors import DeliveryError, KeysUnavailable, StoreUnavailable
from delivery.safebox.authority import TIME, standing_of
from delivery.safebox.desk import act_of_keeper
from delivery.safebox.ending import Ending, EndNotices
from delivery.safebox.inviting import PreparedInvitation
from delivery.safebox.keeping import destroy_box, documents_to_remember
from delivery.safebox.lifecycle import Act, sources, state_at
from delivery.safebox.profile import MOST_REMINDERS, stored_profile
from delivery.safebox.reminding import next_reminder_at
from delivery.safebox.uploading import Uploading
from delivery.store.audit import EventKind, record
from delivery.store.box_people import count_reminder, due_to_expire, due_to_remind, mark_told_of_end, set_next_reminder
from delivery.store.boxes import BoxRow, BoxState, GuestState, due_to_close, due_to_delete, get_box, move_box
from delivery.store.doubts import WAIT
from keys.errors import KeysError

_BATCH: Final = 100
_EVERY: Final = 60.0  # seconds between two rounds
_WAITING: Final = (GuestState.INVITED, GuestState.NOTIFIED)

Due = Callable[[Connection, datetime, int], tuple[BoxRow, ...]]
Move = Callable[[BoxRow, datetime], Awaitable[bool]]

log = structlog.get_logger()


class Clockwork(Ending, Uploading):
    """The chores of SafeBoxes; every worker runs them."""

    _doubted = False

    async def run(self, stop: asyncio.Event) -> None:
        """Every minute do what is due, until told to stop; not while the clock may be ahead (`delivery.doubting`)."""
        while not stop.is_set():
            try:
                now = self._desk.clock()
                if not await self._doubts(now):
                    await self.do_due_chores(now, stop)
            except StoreUnavailable as error:
                log.warning("safebox.house_not_kept", why=str(error))
            try:
                async with asyncio.timeout(_EVERY):
                    await stop.wait()
            except TimeoutError:
                continue

    async def _doubts(self, now: datetime) -> bool:
        doubts = await is_doubted(self._desk.db, now)
        if doubts != self._doubted:
            self._doubted = doubts
            if doubts:
                log.error("safebox.clock_doubted", now=str(now), waits_hours=WAIT // timedelta(hours=1))
            else:
                log.info("safebox.clock_believed", now=str(now))
        return doubts

    async def do_due_chores(self, now: datetime, stop: asyncio.Event | None = None) -> int:
        """Delete, close, remind and warn where it is due at `now`; how many boxes something was done for.

        Deletion comes first, so that nobody is reminded of what is about to be deleted; then closing, so that nobody is
        reminded of a closed box.
        """
        chores: tuple[tuple[Due, Move], ...] = (
            (due_to_delete, self._delete_due),
            (due_to_close, self._close_due),
            (due_to_remind, self._remind_due),
            (due_to_expire, self._warn_due),
        )
        moved = 0
        for due, move in chores:
            seen: set[str] = set()
            while stop is None or not stop.is_set():
                batch = await self._desk.db.read(lambda conn, due=due: due(conn, now, _BATCH))  # type: ignore[misc]  # mypy cannot infer a lambda with a default
                fresh = [box for box in batch if box.id not in seen]
                for box in fresh:
                    seen.add(box.id)
                    try:
                        moved += await move(box, now)
                    except (KeysUnavailable, KeysError, ValueError) as broken:  # of this box alone: the others go on
                        log.error("safebox.box_not_kept", box=box.id, error=type(broken).__name__)
                if not fresh or len(batch) < _BATCH:
                    break
        await self.drop_unsent(now)
        return moved

    async def _close_due(self, due: BoxRow, now: datetime) -> bool:
        notices = await asyncio.to_thread(self.closing_notices, due, TIME, now)

        def work(conn: Connection) -> bool:
            box = get_box(conn, due.namespace, due.id, hold=True)
            if box is None or box.closes_at != due.closes_at:  # a late answer kept it open
                return False
            values = {"state": BoxState.CLOSED, "closed_at": box.closes_at, "remind_at": None}
            if not move_box(conn, box.namespace, box.id, sources(Act.CLOSE), closing_at=box.closes_at, **values):
                return False
            record(conn, self._desk.vault, [act_of_keeper(EventKind.BOX_CLOSED, box, "")], now)
            self.send_end_notices(conn, box, notices, now)
            return True

        return await self._once(work, notices)

    async def _delete_due(self, due: BoxRow, now: datetime) -> bool:
        """Delete a box. If it was never closed (no worker ran then), one notice tells people of both ends."""
        notices = EndNotices()
        if due.state is BoxState.OPEN:
            notices = await asyncio.to_thread(self.closing_notices, due, TIME, now)
        gone: list[str] = []

        def work(conn: Connection) -> bool:
            box = get_box(conn, due.namespace, due.id, hold=True)
            if box is None or (box.state, box.deletes_at) != (due.state, due.deletes_at):
                return False
            kept = documents_to_remember(conn, self._desk.vault, box)
            if not destroy_box(conn, box, gone, now):
                return False
            event = replace(act_of_keeper(EventKind.BOX_DELETED, box, ""), erasable=kept)
            record(conn, self._desk.vault, [event], now)
            self.send_end_notices(conn, box, notices, now)
            return True

        done = await self._once(work, notices)
        if done:
            await self._forget(gone)
        return done

    async def _warn_due(self, due: BoxRow, now: datetime) -> bool:
        """Tell guests who can still read a box that its content will be deleted: once, late rather than never."""
        notices = await asyncio.to_thread(self.deletion_notices, due, now)

        def work(conn: Connection) -> bool:
            standing = standing_of(conn, due.namespace, due.id, TIME, hold=True)
            if standing is None or not mark_told_of_end(conn, due.namespace, due.id, due.expiring_at):
                return False
            return not self.refused(standing, Act.WARN) and self.send_end_notices(conn, standing.box, notices, now)

        return await self._once(work, notices)

    async def _once(self, work: Callable[[Connection], bool], notices: EndNotices) -> bool:
        """Run `work`. If it gives False, another worker has done it, and our notices are discarded."""
        try:
            done = await self._desk.db.write(work)
        except DeliveryError as error:
            self.discard_end_notices(notices, error)
            raise
        if done:
            self._desk.post.wake()
        else:
            self.discard_end_notices(notices, DeliveryError("somebody else was first"))
        return done

    async def _remind_due(self, due: BoxRow, now: datetime) -> bool:
        """Remind everybody who has not opened a box, and set the next time. Missed reminders are not sent later."""
        then = next_reminder_at(stored_profile(due.profile), due.closes_at, now)
        prepared = await asyncio.to_thread(self._reminders, due)
        sent: list[PreparedInvitation] = []

        def work(conn: Connection) -> bool:
            sent.clear()
            box = get_box(conn, due.namespace, due.id, hold=True)
            if box is None or not set_next_reminder(conn, box.namespace, box.id, due.remind_at, then):
                return False
            standing = standing_of(conn, due.namespace, due.id, TIME)
            if standing is None or self.refused(standing, Act.REMIND):
                return False
            for one in prepared:
                if not count_reminder(conn, box.namespace, one.participant_id, MOST_REMINDERS):
                    continue
                event = act_of_keeper(EventKind.BOX_REMINDED, box, "", participant_id=one.participant_id)
                record(conn, self._desk.vault, [event], now)
                self._desk.inviter.send(conn, box, one, now)
                sent.append(one)
            return bool(sent)

        try:
            done = await self._desk.db.write(work)
        except DeliveryError as error:
            self._discard(prepared, error)
            raise
        went = {one.participant_id for one in sent}
        self._discard([one for one in prepared if one.participant_id not in went], DeliveryError("not sent"))
        if done:
            self._desk.post.wake()
        return done

    def _reminders(self, due: BoxRow) -> list[PreparedInvitation]:
        """Reminders, composed before the transaction, for those who have not opened the box."""
        standing = self._desk.db.read_now(lambda conn: standing_of(conn, due.namespace, due.id, TIME))
        now = self._desk.clock()
        if standing is None or standing.box.remind_at != due.remind_at:
            return []
        box = standing.box
        if state_at(box.state, box.closes_at, box.deletes_at, now) is not BoxState.OPEN:
            return []
        waiting = (
            one
            for one in standing.people
            if one.state in _WAITING
            and one.removed_at is None
            and one.recalled_at is None
            and one.reminders < MOST_REMINDERS
        )
        called = (self.prepare_notice(standing, one, "reminder") for one in waiting)
        return [one for one in called if one is not None]
