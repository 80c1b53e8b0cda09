"""What a database must offer below `Database`: connections that keep their promise, turns, and locks of workers."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from pathlib import Path
from typing import Protocol, TypeVar

from sqlalchemy import Connection, Engine

from delivery.errors import StoreUnavailable

T = TypeVar("T")


class WorkerLock(Protocol):
    """What a worker holds while it lives; the system takes it from a dead one."""

    def held(self) -> bool:
        """Is it still ours? A lost connection to a server loses it."""

    def release(self) -> None:
        """Let go. May be called twice."""


class Backing(Protocol):
    """One kind of database, open."""

    @property
    def name(self) -> str:
        """`sqlite` or `postgresql`."""

    @property
    def writers(self) -> int:
        """How many transactions may write at once."""

    @property
    def reader(self) -> Engine:
        """Connections that read."""

    def writing(self) -> AbstractContextManager[Connection]:
        """A connection whose commits are durable when they return; after an error it is not used again."""

    @property
    def upgrader(self) -> Engine:
        """Connections for changing tables, without the limits that writing has."""

    @property
    def generation(self) -> int:
        """Grows when the database turns out to be another one than before: its files were taken away or replaced."""

    def turn(self) -> AbstractContextManager[None]:
        """This process's turn to write, where processes must be ordered."""

    def prove_commit(self, conn: Connection) -> None:
        """After a commit: raises StoreUnavailable(certain=False) if it went to a file that is no longer there."""

    def try_read(self, work: Callable[[Connection], T]) -> T:
        """Run one `Statement` that reads, in this thread, without waiting for anybody. Raises StoreUnavailable where
        that cannot be.
        """

    def truncate_log(self) -> None:
        """Truncate the database's log, whose pages may hold what was deleted. Blocks; raises StoreUnavailable."""

    @property
    def lock_grace(self) -> float:
        """Seconds in which a living worker that lost its lock takes it again: who is without it for longer is dead."""

    def lock(self, worker: str) -> WorkerLock | None:
        """Take a worker's lock; None while someone else holds it."""

    def close(self) -> None:
        """Let go of every connection."""


def backing_for(url: str, *, readers: int, patience: timedelta) -> Backing:
    """The database that a URL names: `sqlite:///PATH` (absolute: four slashes) or `postgresql://…`."""
    scheme, _, rest = url.partition("://")
    if scheme == "sqlite" and rest.startswith("/") and len(rest) > 1:
        from delivery.store.sqlite import SqliteBacking

        return SqliteBacking(Path(rest[1:]), readers=readers, patience=patience)
    if scheme in ("postgresql", "postgres", "postgresql+psycopg"):
        from delivery.store.postgresql import PostgresBacking

        return PostgresBacking(f"postgresql+psycopg://{rest}", readers=readers, patience=patience)
    raise StoreUnavailable("the database is none of sqlite:///PATH, postgresql://…")
