"""The database: short transactions, in threads; writes in groups that share one commit.

`await db.write(work)` queues `work(conn)` for a writer thread. The writer takes what is queued, runs each work in a
SAVEPOINT of its own inside one transaction, commits, and only then resolves the futures: a result in the caller's
hand is on disk. A work that raises takes back its own savepoint and gives its error to its own caller; a failure of
the database itself undoes the whole group, and every caller gets StoreUnavailable. The next group starts with a fresh
connection, so that the store recovers by itself.

`await db.write_one(kind, value)` is for what each message does: `kind(conn, values)` is called once for the values of
all who wait, and says in a few statements what would be many.

SQLite has one writer thread a process and a lock file that orders processes; PostgreSQL has a few writer threads,
which may run a group again, work by work, where two groups blocked each other: a work must do nothing but use its
connection.
"""

import asyncio
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from datetime import timedelta
from typing import Final, Self, TypeVar

from sqlalchemy import Connection

from delivery.errors import StoreUnavailable
from delivery.store.backing import Backing, backing_for
from delivery.store.failures import busy, translated
from delivery.store.gathering import Gathering
from delivery.store.groups import Job, JobQueue, each, run_group
from delivery.threads import Threads

T = TypeVar("T")
V = TypeVar("V")

PATIENCE: Final = timedelta(seconds=5)  # how long a lock of someone else is waited for
_CLOSING: Final = 30.0  # seconds a writer gets to end its group when we close


class Database:
    """One database, open. Made by `open`; safe to use from any thread and any event loop."""

    def __init__(self, backing: Backing, *, pool: int, patience: timedelta) -> None:
        self._backing = backing
        self._patience = patience.total_seconds()
        self._jobs = JobQueue()
        self._readers = Threads(pool, thread_name_prefix="store-read")
        self._here = threading.local()  # of each thread: does it write, and what its event loop gathers
        self._closed = False
        self.note: Callable[[int, float], None] = lambda _works, _seconds: None  # of each group: works, and how long
        self._writers = [
            threading.Thread(target=self._write_groups, name=f"store-write-{number}", daemon=True)
            for number in range(backing.writers)
        ]
        for writer in self._writers:
            writer.start()

    @classmethod
    def open(cls, url: str, *, pool: int = 4, patience: timedelta = PATIENCE) -> Self:
        """Open `sqlite:///PATH` or `postgresql://…` with `pool` readers. Connects on first use.

        The schema is `delivery.store.upgrade`'s: an SQLite file is never made here, so that one that vanished while
        we run is not replaced by an empty one.
        """
        return cls(backing_for(url, readers=pool, patience=patience), pool=pool, patience=patience)

    @property
    def backing(self) -> Backing:
        """What is below: for schema upgrades and worker locks."""
        return self._backing

    async def write(self, work: Callable[[Connection], T]) -> T:
        """Run `work` in a write transaction; its result, once the commit is durable.

        Raises StoreUnavailable; StoreConflict for a violated key that `work` did not catch; or what `work` raised.
        Where the caller is cancelled before the group starts, `work` never runs; after that it does.
        """
        result: T = await self.write_one(each, work)
        return result

    async def write_one(
        self, kind: Callable[[Connection, Sequence[V]], Sequence[T]], value: V, *, patience: float = 0.0
    ) -> T:
        """As `write`, of what `kind` does for a value. Others' values may be done in the same call, which may be made
        again for fewer of them: it must do nothing but use its connection. Kinds that are equal are one.

        With `patience` it waits up to so many seconds for something to share a commit with: a commit alone costs what
        one for many costs.
        """
        if self._closed:
            raise StoreUnavailable("the database is closed")
        gathering = self._gathering()
        waiter: asyncio.Future[T] = gathering.loop.create_future()
        job = Job(kind, value, waiter=waiter)
        if patience:
            gathering.add_patient(job, patience)
        else:
            gathering.add(job)
        try:
            return await waiter
        except asyncio.CancelledError:
            job.claim()  # unless a writer has begun it, nobody does it
            raise

    def write_now(self, work: Callable[[Connection], T]) -> T:
        """`write`, for commands and tests: waits in this thread. Never call it inside another work."""
        if getattr(self._here, "writes", False):
            raise RuntimeError("a work must not wait for another work")
        future: Future[T] = Future()
        job = Job(each, work, future=future)
        if self._closed or not self._jobs.put([job]):
            raise StoreUnavailable("the database is closed")
        with suppress(TimeoutError):
            return future.result(self._patience)
        if job.claim():
            raise busy()
        return future.result()

    async def read(self, work: Callable[[Connection], T]) -> T:
        """Run `work` in a read transaction in a thread. Raises StoreUnavailable, or what `work` raised."""
        if self._closed:
            raise StoreUnavailable("the database is closed")
        return await asyncio.get_running_loop().run_in_executor(self._readers, self.read_now, work)

    def read_now(self, work: Callable[[Connection], T]) -> T:
        """`read`, in this thread. Sees what is committed, also when called inside a write's work.

        Inside a read's work it goes by the same connection, and sees the same moment: readers that each held one and
        waited for a second would wait for each other.
        """
        if self._closed:
            raise StoreUnavailable("the database is closed")
        reading: Connection | None = getattr(self._here, "reading", None)
        if reading is not None:
            return work(reading)
        with translated(), self._backing.reader.connect() as conn, conn.begin():
            self._here.reading = conn
            try:
                return work(conn)
            finally:
                self._here.reading = None

    def try_read(self, work: Callable[[Connection], T]) -> T:
        """Run one `Statement` that reads what is committed, in this thread: for a row found by its key that is quicker
        than a switch of threads. Raises StoreUnavailable also if it would have to wait, or the database is a server:
        then `read` it.
        """
        if self._closed:
            raise StoreUnavailable("the database is closed")
        return self._backing.try_read(work)

    async def read_quickly(self, work: Callable[[Connection], T]) -> T:
        """As `try_read`; where that cannot be, as `read`."""
        try:
            return self.try_read(work)
        except StoreUnavailable:
            return await self.read(work)

    async def truncate_log(self) -> None:
        """Let go of the log's old pages, which may hold what was deleted since. Cheap when nothing was written."""
        await asyncio.get_running_loop().run_in_executor(self._readers, self._backing.truncate_log)

    def close(self) -> None:
        """Let the writers end what is queued, then let go of every connection. May be called twice."""
        if self._closed:
            return
        self._closed = True
        self._jobs.close()
        for writer in self._writers:
            writer.join(_CLOSING)
        self._jobs.refuse_rest(StoreUnavailable("the database is closed"))
        self._readers.shutdown(wait=True)
        self._backing.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _gathering(self) -> Gathering[Job]:
        """Of the event loop that runs in this thread."""
        loop = asyncio.get_running_loop()
        gathering: Gathering[Job] | None = getattr(self._here, "gathering", None)
        if gathering is None or gathering.loop is not loop:
            gathering = self._here.gathering = Gathering(loop, self._hand_over)
        return gathering

    def _hand_over(self, jobs: list[Job]) -> None:
        if self._jobs.put(jobs):
            asyncio.get_running_loop().call_later(self._patience, _give_up, jobs)
        else:
            for job in jobs:
                job.refuse(StoreUnavailable("the database is closed, or too many wait for it"))

    def _write_groups(self) -> None:
        self._here.writes = True
        while (group := self._jobs.take()) is not None:
            began = time.perf_counter()
            run_group(self._backing, group)
            self.note(len(group), time.perf_counter() - began)


def _give_up(jobs: list[Job]) -> None:
    """Still queued after so long: the writer waits for someone else's lock. What has begun is waited for."""
    for job in jobs:
        if job.outcome is None:
            job.refuse(busy())
