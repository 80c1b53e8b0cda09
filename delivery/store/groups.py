"""Group commit: works that wait at the same time share a transaction, and works of one kind share its statements too.

A work is a kind (a function) and a value: `kind(conn, values)` does what several callers ask for, and returns a result
for each value. Works of one kind share a savepoint; if one of them fails, that is undone, and each is done again alone,
in a savepoint of its own.
"""

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import structlog
from sqlalchemy import Connection
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, SQLAlchemyError

from delivery.errors import StoreUnavailable
from delivery.store.backing import Backing
from delivery.store.failures import blocked_each_other, chained, translate
from delivery.store.statements import execute_plain

GROUP: Final = 256  # works in one transaction at most: bounds how long the first of them waits
WAITING: Final = 20_000  # works that may wait; past that the store counts as unavailable
_TRIES: Final = 4  # of one work that others' transactions stand in the way of

Kind: TypeAlias = Callable[[Connection, Sequence[Any]], Sequence[Any]]

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Done:
    value: Any


@dataclass(frozen=True, slots=True)
class _Failed:
    error: BaseException


class Job:
    """One work, and who waits for it: a thread (`future`), or a task of an event loop (`waiter`)."""

    __slots__ = ("_claim", "future", "kind", "outcome", "value", "waiter")

    def __init__(
        self,
        kind: Kind,
        value: Any,
        *,
        future: "Future[Any] | None" = None,
        waiter: "asyncio.Future[Any] | None" = None,
    ) -> None:
        self.kind, self.value = kind, value
        self.future, self.waiter = future, waiter
        self.outcome: _Done | _Failed | None = None
        self._claim = threading.Lock()

    def claim(self) -> bool:
        """Take the job, to do it or to cancel it. False: somebody else took it first."""
        return self._claim.acquire(blocking=False)

    def end(self, outcome: _Done | _Failed) -> None:
        """Tell a thread that waits; a task is told by `_tell`. The value is let go of."""
        self.outcome, self.value = outcome, None
        if self.future is None:
            return
        if isinstance(outcome, _Done):
            self.future.set_result(outcome.value)
        else:
            self.future.set_exception(outcome.error)

    def refuse(self, error: Exception) -> None:
        """Give the task that waits an error, unless a writer has begun the work; in the task's own loop."""
        if self.outcome is None and self.claim():
            self.end(_Failed(error))
            self.wake()

    def wake(self) -> None:
        """Tell the task that waits; in its own loop."""
        if self.waiter is None or self.waiter.done() or self.outcome is None:
            return
        if isinstance(self.outcome, _Done):
            self.waiter.set_result(self.outcome.value)
        else:
            self.waiter.set_exception(self.outcome.error)


def each(conn: Connection, works: Sequence[Callable[[Connection], Any]]) -> list[Any]:
    """The kind of works that are plain functions: each runs alone in a savepoint."""
    return [work(conn) for work in works]


class JobQueue:
    """Jobs on their way to the writer threads."""

    def __init__(self) -> None:
        self._jobs: deque[Job] = deque()
        self._ready = threading.Condition()
        self._closed = False

    def put(self, jobs: Sequence[Job]) -> bool:
        """Queue jobs. False: closed, or too many wait."""
        with self._ready:
            if self._closed or len(self._jobs) >= WAITING:
                return False
            self._jobs.extend(jobs)
            self._ready.notify()
            return True

    def take(self) -> list[Job] | None:
        """Wait for jobs and take up to GROUP; None once closed and empty."""
        with self._ready:
            while not self._jobs:
                if self._closed:
                    return None
                self._ready.wait()
            taken = [self._jobs.popleft() for _ in range(min(GROUP, len(self._jobs)))]
            if self._jobs:
                self._ready.notify()
            return taken

    def close(self) -> None:
        """Take no more jobs; those that wait are still given out."""
        with self._ready:
            self._closed = True
            self._ready.notify_all()

    def refuse_rest(self, error: Exception) -> None:
        """Give what nobody took an error (a writer that hangs)."""
        with self._ready:
            refused = _start(list(self._jobs))
            self._jobs.clear()
        for job in refused:
            job.end(_Failed(error))
        _tell(refused)


def run_group(backing: Backing, jobs: list[Job]) -> None:
    """Run jobs in one transaction and resolve their futures after the commit. Raises nothing."""
    started: list[Job] = []
    try:
        outcomes = _transaction(backing, jobs, started)
    except SQLAlchemyError as cause:
        if blocked_each_other(cause) and started:
            _one_by_one(backing, started)
        else:
            _refuse(started or _start(jobs), _unavailable(cause), cause)
    except StoreUnavailable as cause:
        _refuse(started or _start(jobs), cause, cause)
    except Exception as cause:  # noqa: BLE001 - the writer must outlive anything, or every later caller waits forever
        _refuse(started or _start(jobs), _surprised(cause), cause)
    else:
        _resolve(started, outcomes)


def _unavailable(cause: SQLAlchemyError, *, certain: bool = True) -> StoreUnavailable:
    """The error for all callers of a group whose transaction failed as a whole, whatever one of them did wrong."""
    error = translate(cause, certain=certain)
    return error if isinstance(error, StoreUnavailable) else StoreUnavailable(str(error), certain=certain)


def _surprised(cause: Exception) -> StoreUnavailable:
    """The error after what nobody foresaw: not `certain`, since nobody knows whether the commit happened."""
    return StoreUnavailable(f"the database failed: {type(cause).__name__}", certain=False)


def _start(jobs: list[Job]) -> list[Job]:
    """Those whose callers still wait; from here on they cannot be cancelled."""
    return [job for job in jobs if job.claim()]


def _transaction(backing: Backing, jobs: list[Job], started: list[Job]) -> list[_Done | _Failed]:
    with backing.turn(), backing.writing() as conn:
        try:
            transaction = conn.begin()
            started.extend(_start(jobs))
            try:
                outcomes = _run(conn, started)
            except BaseException:
                transaction.rollback()
                raise
            _commit(backing, conn)
        except BaseException:
            conn.invalidate()  # whatever it was, the next group gets a connection that is checked anew
            raise
        return outcomes


def _run(conn: Connection, jobs: list[Job]) -> list[_Done | _Failed]:
    """Do them kind by kind; their outcomes in the order of the jobs."""
    kinds: dict[Kind, list[int]] = {}
    for at, job in enumerate(jobs):
        kinds.setdefault(job.kind, []).append(at)
    outcomes: dict[int, _Done | _Failed] = {}
    for kind, places in kinds.items():
        values = [jobs[at].value for at in places]
        outcomes.update(zip(places, _together(conn, kind, values), strict=True))
    return [outcomes[at] for at in range(len(jobs))]


def _together(conn: Connection, kind: Kind, values: list[Any]) -> list[_Done | _Failed]:
    if len(values) > 1 and kind is not each:
        with suppress(_Undone):
            return [_Done(result) for result in _in_savepoint(conn, kind, values)]
    return [_alone(conn, kind, value) for value in values]


def _alone(conn: Connection, kind: Kind, value: Any) -> _Done | _Failed:
    try:
        return _Done(_in_savepoint(conn, kind, [value])[0])
    except _Undone as undone:
        cause = undone.cause
        return _Failed(chained(translate(cause), cause) if isinstance(cause, SQLAlchemyError) else cause)


class _Undone(Exception):
    """Something failed for a reason of its own, which is its caller's; what it did is undone."""

    def __init__(self, cause: Exception) -> None:
        super().__init__()
        self.cause = cause


def _in_savepoint(conn: Connection, kind: Kind, values: list[Any]) -> Sequence[Any]:
    """What `begin_nested` does, at a tenth of its cost. Raises _Undone, or what undid the whole transaction."""
    execute_plain(conn, "SAVEPOINT work")
    try:
        results = kind(conn, values)
    except Exception as cause:
        if isinstance(cause, DBAPIError) and not isinstance(cause, IntegrityError | DataError):
            raise  # full, locked, gone: SQLite may have undone everything, so the whole group is undone
        execute_plain(conn, "ROLLBACK TO SAVEPOINT work")
        execute_plain(conn, "RELEASE SAVEPOINT work")
        raise _Undone(cause) from cause
    execute_plain(conn, "RELEASE SAVEPOINT work")
    return results


def _commit(backing: Backing, conn: Connection) -> None:
    try:
        conn.commit()
    except SQLAlchemyError as cause:
        log.warning("store.commit_failed", error=type(cause).__name__)
        raise _unavailable(cause, certain=False) from cause
    backing.prove_commit(conn)


def _one_by_one(backing: Backing, jobs: list[Job]) -> None:
    """Run again, each in a transaction of its own, what was undone because groups blocked each other."""
    for job in jobs:
        for last in (*(False,) * (_TRIES - 1), True):
            again = Job(job.kind, job.value)
            try:
                outcomes = _transaction(backing, [again], [])
            except SQLAlchemyError as cause:
                if blocked_each_other(cause) and not last:
                    continue
                _refuse([job], _unavailable(cause), cause)
            except StoreUnavailable as cause:
                _refuse([job], cause, cause)
            except Exception as cause:  # noqa: BLE001 - as in run_group
                _refuse([job], _surprised(cause), cause)
            else:
                _resolve([job], outcomes)
            break


def _resolve(jobs: list[Job], outcomes: list[_Done | _Failed]) -> None:
    for job, outcome in zip(jobs, outcomes, strict=True):
        job.end(outcome)
    _tell(jobs)


def _tell(jobs: Sequence[Job]) -> None:
    """Wake the tasks that wait for these jobs: each loop once, since every call into it costs a turn of threads."""
    loops: dict[asyncio.AbstractEventLoop, list[Job]] = {}
    for job in jobs:
        if job.waiter is not None:
            loops.setdefault(job.waiter.get_loop(), []).append(job)
    for loop, mine in loops.items():
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(_wake, mine)


def _wake(jobs: Sequence[Job]) -> None:
    for job in jobs:
        job.wake()


def _refuse(jobs: list[Job], error: StoreUnavailable, cause: BaseException) -> None:
    log.warning("store.unavailable", error=str(error), works=len(jobs))
    for job in jobs:
        # one exception object for each: tracebacks of several callers must not grow on one
        job.end(_Failed(chained(type(error)(str(error), certain=error.certain), cause)))
    _tell(jobs)
