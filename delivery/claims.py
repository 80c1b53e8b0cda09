"""A worker's claims on items: its name, its lock, its leases, and taking over from workers that died.

A worker holds a lock that is freed when it ends, however it ends. Items leased by a worker whose lock is free become
due again; so do items whose lease nobody renews (lapses.py). Each lease has a fencing token, which grows: a worker that
has lost an item finds that its token no longer counts.
"""

import asyncio
import socket
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Final

import structlog
from sqlalchemy import Connection

from delivery.circuits import LONGEST as LONGEST_CIRCUIT
from delivery.circuits import Circuit
from delivery.errors import StoreUnavailable
from delivery.items import Lane, LeasedItem
from delivery.lapses import Lapses
from delivery.queue import Clock
from delivery.store import items as rows
from delivery.store import lapses, pauses, waits, workers
from delivery.store.backing import WorkerLock
from delivery.store.circuits import is_open, open_circuits
from delivery.store.database import Database
from delivery.store.gathering import Gathering
from keys.tokens import new_id

LEASE: Final = timedelta(seconds=60)
STRAY: Final = timedelta(seconds=10)  # a lease of ours that is not in hand for so long is stray, not just on its way
_GUARD: Final = 2.0  # seconds between looks at our lock, where nobody can take it away (files)
_LAST_LOOKS: Final = 5  # how often the lock of a worker that seems dead is looked at before its items are taken
_LOCK_WAITS: Final = (0.0, 0.1, 0.2, 0.4)  # seconds

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class QueueStatus:
    """When the next item of each urgency is due, which domains are paused, and which circuits are open."""

    due_at: Mapping[int, datetime]
    paused: frozenset[str]
    circuits: tuple[Circuit, ...]

    def due_in(self, now: datetime) -> timedelta | None:
        """How long until something is due; None: nothing waits."""
        return min(self.due_at.values()) - now if self.due_at else None

    def levels(self, now: datetime) -> list[int]:
        """The urgencies of which something is due, the most urgent first."""
        return sorted(urgency for urgency, at in self.due_at.items() if at <= now)


class Claims:
    """One worker's claims, over one database. Every method but `register` may raise StoreUnavailable."""

    def __init__(
        self, db: Database, clock: Clock, longest_wait: timedelta, *, seconds: Callable[[], float] = time.monotonic
    ) -> None:
        """`longest_wait`: how long an item may wait between two tries. `seconds`: a monotonic clock."""
        self.worker = new_id()
        self._db = db
        self._clock = clock
        self._seconds = seconds
        self._lapses = Lapses(LEASE, STRAY)
        self._longest_wait = 2 * max(longest_wait, LONGEST_CIRCUIT)  # waits are spread, and a clock may be a bit off
        self._lock: WorkerLock | None = None
        self._proved_at: float | None = None  # by `seconds`: when our lock was last seen to be ours
        self._proving = asyncio.Lock()
        self._asking: Gathering[_Question] | None = None
        self._reading: set[asyncio.Future[dict[str, int]]] = set()  # answers under way
        self._unlocked: dict[str, float] = {}  # workers whose lock is free, and since when, by `seconds`

    async def register(self) -> None:
        """Take the lock and enter the worker in the database; again if the lock was lost. Raises StoreUnavailable."""
        for wait in _LOCK_WAITS:  # another worker that looks whether we live holds it for a moment
            if self._lock is None:
                await asyncio.sleep(wait)
                asked = self._seconds()
                self._lock = await asyncio.to_thread(self._db.backing.lock, self.worker)
                self._proved_at = asked if self._lock is not None else None
        if self._lock is None:
            raise StoreUnavailable("the worker's lock is held by someone else")
        now = self._clock()
        await self._db.write(lambda conn: workers.register_worker(conn, self.worker, socket.gethostname(), now))

    async def keep_lock(self) -> None:
        """See that the lock is still ours (a server that restarted took it), and take it again if not."""
        async with self._proving:
            await self._keep_lock()

    async def _keep_lock(self) -> None:
        asked = self._seconds()
        if self._lock is not None and await asyncio.to_thread(self._lock.held):
            self._proved_at = asked
            return
        if self._lock is not None:
            log.warning("worker.lock_lost", worker=self.worker)
        self._lock = self._proved_at = None
        await self.register()

    @property
    def lock_check_seconds(self) -> float:
        """Seconds between two checks of our own lock; several fit into the time after which others take us for dead."""
        return self._db.backing.lock_grace / 4 or _GUARD

    @property
    def still_holds_lock(self) -> bool:
        """Whether it is certain that no other worker took us for dead; if one did, it sends what we send, too."""
        grace = self._db.backing.lock_grace
        return not grace or (self._proved_at is not None and self._seconds() - self._proved_at < grace * 3 / 4)

    async def _check_lock(self) -> None:
        if not self.still_holds_lock:
            async with self._proving:
                if not self.still_holds_lock:  # nobody else made sure meanwhile
                    await self._keep_lock()

    async def lease(
        self,
        limit: int,
        busy: Collection[Lane],
        paused: Collection[str] = (),
        *,
        urgent: int = 0,
        levels: Collection[int] = rows.LEVELS,
    ) -> list[LeasedItem]:
        """Lease up to `limit` due items, and up to `urgent` urgent ones beside them.

        Items of busy lanes and paused domains are passed over. `levels`: the urgencies of which something is due.
        """
        await self._check_lock()
        now = self._clock()
        lease = partial(
            rows.lease_due,
            worker=self.worker,
            now=now,
            until=now + LEASE,
            limit=limit,
            urgent=urgent,
            levels=levels,
            busy=busy,
            paused=paused,
        )
        return await self._db.write(lease)

    async def queue_status(self) -> "QueueStatus":
        """Read all of it in one transaction."""

        def look(conn: Connection) -> QueueStatus:
            return QueueStatus(rows.due_at(conn), frozenset(pauses.paused(conn)), tuple(open_circuits(conn)))

        return await self._db.read(look)

    async def renew(self, tokens: Mapping[str, int]) -> None:
        """Hold these leases for another term."""
        if tokens:
            until = self._clock() + LEASE
            await self._db.write(lambda conn: rows.renew(conn, self.worker, tokens, until))

    async def still_ours(self, tokens: Mapping[str, int]) -> set[str]:
        """The ids of those items whose lease is still ours, read from the database during this call."""
        await self._check_lock()
        ids = list(tokens)
        held: Mapping[str, int]
        try:
            held = self._db.try_read(lambda conn: rows.tokens_held(conn, self.worker, ids))
        except StoreUnavailable:
            held = await self._held(tokens)
        return {item for item, token in tokens.items() if held.get(item) == token}

    async def _held(self, tokens: Mapping[str, int]) -> Mapping[str, int]:
        """The tokens that the database has for these items, read in a thread; calls of one busy moment share a read."""
        if self._asking is None or self._asking.loop is not asyncio.get_running_loop():
            self._asking = Gathering(asyncio.get_running_loop(), self._ask)
        question = _Question(tokens, self._asking.loop.create_future())
        self._asking.add(question)
        return await question.answer

    def _ask(self, asked: "list[_Question]") -> None:
        ids = [item for question in asked for item in question.tokens]
        reading = asyncio.ensure_future(self._db.read(lambda conn: rows.tokens_held(conn, self.worker, ids)))
        self._reading.add(reading)
        reading.add_done_callback(partial(self._answer, asked))

    def _answer(self, asked: "list[_Question]", read: "asyncio.Future[dict[str, int]]") -> None:
        self._reading.discard(read)
        error = asyncio.CancelledError() if read.cancelled() else read.exception()
        for question in asked:
            if question.answer.done():
                continue
            if isinstance(error, asyncio.CancelledError):
                question.answer.cancel()
            elif error is not None:
                question.answer.set_exception(error)
            else:
                question.answer.set_result(read.result())

    async def give_back(self, tokens: Mapping[str, int], after: timedelta | None = None) -> None:
        """Let items go, uncounted: due at once, or after a while."""
        if tokens:
            next_at = None if after is None else self._clock() + after
            await self._db.write(lambda conn: rows.give_back(conn, self.worker, tokens, next_at))

    async def put_off(self, tokens: Mapping[str, int], circuit: Circuit, until: datetime) -> None:
        """Let go of items of an open circuit, uncounted, until then. If it has been closed meanwhile, they are due at
        once: whoever closed it made due what waited for it, and could not see these.
        """
        now = self._clock()

        def wait(conn: Connection) -> None:
            rows.give_back(conn, self.worker, tokens, until if is_open(conn, circuit.lane) else now)

        await self._db.write(wait)

    async def take_over(self, in_hand: Collection[str]) -> int:
        """Make due again what dead workers and lapsed leases hold, and what a wrong clock put off; how many items."""
        now = self._clock()
        others, leases = await self._db.read(
            lambda conn: (
                workers.other_workers(conn, self.worker),
                lapses.leases_beside(conn, self.worker, in_hand),
            )
        )
        lapsed = self._lapses.find_lapsed(leases, self._seconds())
        dead = await self._confirmed_dead(await asyncio.to_thread(workers.dead_workers, self._db.backing, others))

        def free(connection: Connection) -> tuple[int, int]:
            workers.register_worker(connection, self.worker, socket.gethostname(), now)  # a restored database forgot us
            freed = workers.retire_workers(connection, dead) + lapses.free(connection, lapsed)
            return freed, waits.step(connection, waits.made_due_beyond(now, now + self._longest_wait))[0]

        freed, brought = await self._db.write(free)
        if dead or freed:
            log.info("worker.took_over", workers=len(dead), items=freed)
        if brought:
            log.warning("worker.clock_went_back", items=brought)
        return freed + brought

    async def _confirmed_dead(self, unlocked: Sequence[str]) -> list[str]:
        """Those of the unlocked workers that are dead: their lock has been free for longer than a living one leaves it.

        Two checks may both fall into moments in which a living worker lost its lock (if its connection is cut again and
        again), so the last ones follow faster than a worker checks its own lock.
        """
        now = self._seconds()
        self._unlocked = {worker: self._unlocked.get(worker, now) for worker in unlocked}
        grace = self._db.backing.lock_grace
        dead = [worker for worker, since in self._unlocked.items() if now - since >= grace]
        for _ in range(_LAST_LOOKS if grace else 0):
            if dead:
                await asyncio.sleep(self.lock_check_seconds / (_LAST_LOOKS - 1))
                still = await asyncio.to_thread(workers.dead_workers, self._db.backing, dead)
                for alive in set(dead).difference(still):
                    del self._unlocked[alive]
                dead = still
        return dead

    async def retire(self) -> None:
        """Make due whatever is still leased to us, take our name out of the database, and release the lock."""
        try:
            await self._db.write(lambda conn: workers.retire_workers(conn, [self.worker]))
        finally:
            if self._lock is not None:
                await asyncio.to_thread(self._lock.release)
                self._lock = None


@dataclass(frozen=True, slots=True)
class _Question:
    tokens: Mapping[str, int]
    answer: "asyncio.Future[dict[str, int]]"


@dataclass(frozen=True, slots=True)
class OurLease:
    """What a courier asks before the final dot: `delivery.couriers.courier.Lease`."""

    claims: Claims
    tokens: Mapping[str, int]

    async def confirm(self) -> bool:
        """True while every item of the delivery is ours. A store that does not answer proves nothing: False."""
        try:
            return await self.claims.still_ours(self.tokens) == set(self.tokens)
        except StoreUnavailable:
            return False
