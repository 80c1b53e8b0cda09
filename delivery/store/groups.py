"""Group commit: works that wait together share a transaction, each in a savepoint of its own."""

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

import structlog
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError, IntegrityError, SQLAlchemyError

from delivery.errors import StoreUnavailable
from delivery.store.backing import Backing
from delivery.store.failures import blocked_each_other, chained, translate
from delivery.store.statements import say

GROUP: Final = 256  # works in one transaction at most: bounds how long the first of them waits
WAITING: Final = 20_000  # works that may wait; past that the store counts as unavailable
_TRIES: Final = 4  # of one work that others' transactions stand in the way of

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Job:
    """One work and who waits for it: a thread on `future`, or a task of an event loop on `waiter`, told of `future`."""

    work: Callable[[Connection], Any]
    future: "Future[Any]"
    waiter: "asyncio.Future[Any] | None" = None


class JobQueue:
    """Jobs on their way to the writer threads."""

    def __init__(self) -> None:
        self._jobs: deque[Job] = deque()
        self._ready = threading.Condition()
        self._closed = False

    def put(self, job: Job) -> bool:
        """Queue a job. False: closed, or too many wait."""
        with self._ready:
            if self._closed or len(self._jobs) >= WAITING:
                return False
            self._jobs.append(job)
            self._ready.notify()
            return True

    def take(self) -> list[Job] | None:
        """Wait for jobs and take up to GROUP; None once closed and empty."""
        with self._ready:
            while not self._jobs:
                if self._closed:
                    return None
                self._ready.wait()
            return [self._jobs.popleft() for _ in range(min(GROUP, len(self._jobs)))]

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
            job.future.set_exception(error)
        _tell(refused)


@dataclass(frozen=True, slots=True)
class _Done:
    value: Any


@dataclass(frozen=True, slots=True)
class _Failed:
    error: BaseException


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
        _refuse(started or _start(jobs), StoreUnavailable(f"the database failed: {type(cause).__name__}"), cause)
    else:
        _resolve(started, outcomes)


def _unavailable(cause: SQLAlchemyError, *, certain: bool = True) -> StoreUnavailable:
    """What all callers of a group get, whatever one of them did wrong."""
    error = translate(cause, certain=certain)
    return error if isinstance(error, StoreUnavailable) else StoreUnavailable(str(error), certain=certain)


def _start(jobs: list[Job]) -> list[Job]:
    """Those whose callers still wait; from here on they cannot be cancelled."""
    return [job for job in jobs if job.future.set_running_or_notify_cancel()]


def _transaction(backing: Backing, jobs: list[Job], started: list[Job]) -> list[_Done | _Failed]:
    with backing.turn(), backing.writer.connect() as conn:
        try:
            transaction = conn.begin()
            started.extend(_start(jobs))
            try:
                outcomes = [_run(conn, job) for job in started]
            except BaseException:
                transaction.rollback()
                raise
            _commit(backing, conn)
        except BaseException:
            conn.invalidate()  # whatever it was, the next group gets a connection that is checked anew
            raise
        return outcomes


def _run(conn: Connection, job: Job) -> _Done | _Failed:
    try:
        return _Done(_in_savepoint(conn, job.work))
    except IntegrityError as cause:
        return _Failed(chained(translate(cause), cause))
    except DBAPIError:
        raise  # full, locked, gone: SQLite may have undone everything, so the whole group is undone
    except SQLAlchemyError as cause:
        return _Failed(chained(translate(cause), cause))
    except Exception as error:  # noqa: BLE001 - a work's own error is its caller's: it is handed over, not dropped
        return _Failed(error)


def _in_savepoint(conn: Connection, work: Callable[[Connection], Any]) -> Any:
    """What `begin_nested` does, at a tenth of its cost."""
    say(conn, "SAVEPOINT work")
    try:
        value = work(conn)
    except BaseException:
        say(conn, "ROLLBACK TO SAVEPOINT work")
        say(conn, "RELEASE SAVEPOINT work")
        raise
    say(conn, "RELEASE SAVEPOINT work")
    return value


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
            again = Job(job.work, Future())
            try:
                outcomes = _transaction(backing, [again], [])
            except SQLAlchemyError as cause:
                if blocked_each_other(cause) and not last:
                    continue
                _refuse([job], _unavailable(cause), cause)
            except StoreUnavailable as cause:
                _refuse([job], cause, cause)
            except Exception as cause:  # noqa: BLE001 - as in run_group
                _refuse([job], StoreUnavailable(f"the database failed: {type(cause).__name__}"), cause)
            else:
                _resolve([job], outcomes)
            break


def _resolve(jobs: list[Job], outcomes: list[_Done | _Failed]) -> None:
    for job, outcome in zip(jobs, outcomes, strict=True):
        if isinstance(outcome, _Done):
            job.future.set_result(outcome.value)
        else:
            job.future.set_exception(outcome.error)
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
        if job.waiter is None or job.waiter.done():
            continue
        error = job.future.exception()
        if error is not None:
            job.waiter.set_exception(error)
        else:
            job.waiter.set_result(job.future.result())


def _refuse(jobs: list[Job], error: StoreUnavailable, cause: BaseException) -> None:
    log.warning("store.unavailable", error=str(error), works=len(jobs))
    for job in jobs:
        # one exception object for each: tracebacks of several callers must not grow on one
        job.future.set_exception(chained(type(error)(str(error), certain=error.certain), cause))
    _tell(jobs)
