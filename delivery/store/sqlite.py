"""SQLite beneath the store: set to survive a power cut, and watched, so that a vanished file is noticed."""

import fcntl
import os
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any, Final, TypeVar
from urllib.parse import quote

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DisconnectionError, SQLAlchemyError
from sqlalchemy.pool import ConnectionPoolEntry, NullPool, QueuePool

from delivery.errors import StoreUnavailable
from delivery.store.failures import as_unavailable
from delivery.store.statements import execute_plain

T = TypeVar("T")

# A power cut lost 20 of 20 commits under synchronous=NORMAL and none under FULL. temp_store: sorting must not write
# rows to a file of its own. secure_delete: what is deleted is overwritten, not only unlinked.
_SETTINGS: Final = {
    "journal_mode": ("WAL", "wal"),
    "synchronous": ("FULL", 2),
    "foreign_keys": ("ON", 1),
    "secure_delete": ("ON", 1),
    "temp_store": ("MEMORY", 2),
    "cell_size_check": ("ON", 1),
    "trusted_schema": ("OFF", 0),
    "wal_autocheckpoint": (
        "4000",
        4000,
    ),  # pages, 16 MB: a page written often is copied less often; `truncate_log` truncates
}
_IDENTITY: Final = "sealgate.identity"  # key of what a pooled connection's files were when it was made


class SqliteBacking:
    """One SQLite file, used by at most a few processes of one machine."""

    name = "sqlite"
    writers = 1
    lock_grace = 0.0  # nobody can take an flock away

    def __init__(self, path: Path, *, readers: int, patience: timedelta) -> None:
        self.path = path
        self._patience_seconds = patience.total_seconds()
        self._turns = path.with_name(f"{path.name}.turns")
        self._turns_file: int | None = None
        self._generation = 0
        self._lock_folder = path.with_name("workers")
        self._reader = self._engine(readers, "BEGIN", query_only=True)
        self._writer = self._engine(1, "BEGIN IMMEDIATE", query_only=False)
        self._glancer = self._engine(1, "BEGIN", query_only=True, patience=0.0)
        self._glancing: Connection | None = None  # kept: to take it from the pool takes longer than to use it
        self._one_glances = threading.RLock()
        self._writing: Connection | None = None  # kept likewise
        self._one_writes = threading.Lock()

    @property
    def reader(self) -> Engine:
        """Connections that cannot write."""
        return self._reader

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """The one connection that writes, kept from transaction to transaction unless something went wrong in one."""
        with self._one_writes:
            if self._writing is not None and not self._same_files(self._writing.info):
                self._end_writing()
                self._forget_connections()
            if self._writing is None:
                self._writing = self._writer.connect()
            try:
                yield self._writing
            except BaseException:
                self._end_writing()
                raise

    def _end_writing(self) -> None:
        """Close the connection that writes. Only while holding the lock."""
        _end(self._writing)
        self._writing = None

    @property
    def generation(self) -> int:
        """How often the files turned out to be others than before."""
        return self._generation

    def try_read(self, work: Callable[[Connection], T]) -> T:
        """By a connection of its own that waits for no lock. A statement without BEGIN is a transaction of its own."""
        if not self._one_glances.acquire(blocking=False):
            raise StoreUnavailable("somebody else looks")
        try:
            if self._glancing is None or not self._same_files(self._glancing.info):
                self._close_glance()
                self._glancing = self._glancer.connect()
            found = work(self._glancing)
            if self._glancing.in_transaction():  # it said more than one statement of ours
                self._glancing.rollback()
            return found
        except SQLAlchemyError as cause:
            self._close_glance()
            raise StoreUnavailable("the database cannot be read without waiting") from cause
        finally:
            self._one_glances.release()

    def _close_glance(self) -> None:
        """Close the connection that glances. Only while holding the lock."""
        _end(self._glancing)
        self._glancing = None

    @contextmanager
    def turn(self) -> Iterator[None]:
        """A lock file orders processes first come, first served; SQLite's own waiting is a lottery that starves."""
        with as_unavailable("cannot wait for a turn to write"):
            if self._turns_file is None:
                self._turns_file = os.open(self._turns, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            fcntl.flock(self._turns_file, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(self._turns_file, fcntl.LOCK_UN)

    def prove_commit(self, conn: Connection) -> None:
        """SQLite goes on writing to an unlinked file: what it then calls durable is lost. So the files are compared."""
        if not self._same_files(conn.info):
            self._forget_connections()
            raise StoreUnavailable("the database file was taken away or replaced", certain=False)

    def truncate_log(self) -> None:
        """Checkpoint and truncate the write-ahead log; readers in the way leave it for the next time."""
        if _size(self._log) == 0:
            return
        try:
            conn = self._connect(query_only=False)
            try:
                conn.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            finally:
                conn.close()
        except sqlite3.Error as cause:
            raise StoreUnavailable("the database's log cannot be truncated now") from cause

    @property
    def upgrader(self) -> Engine:
        """Connections that may rebuild tables: references are checked at the end of the upgrade, not row by row."""

        def connect() -> sqlite3.Connection:
            conn = self._connect(query_only=False)
            conn.execute("PRAGMA foreign_keys=OFF")
            return conn

        engine = create_engine("sqlite://", creator=connect, poolclass=NullPool, hide_parameters=True)
        event.listen(engine, "begin", lambda conn: execute_plain(conn, "BEGIN IMMEDIATE"))
        return engine

    def lock(self, worker: str) -> "FileLock | None":
        """A lock file in `workers` beside the database. Raises StoreUnavailable: no descriptors are left, no folder."""
        with as_unavailable("cannot take a worker's lock"):
            self._lock_folder.mkdir(mode=0o700, exist_ok=True)
            return FileLock.take(self._lock_folder / f"{worker}.lock")

    def close(self) -> None:
        """Readers first: the last connection to go checkpoints the log, which one that only reads cannot."""
        with self._one_glances:
            self._close_glance()
        self._glancer.dispose()
        self._reader.dispose()
        with self._one_writes:
            self._end_writing()
        self._writer.dispose()
        if self._turns_file is not None:
            os.close(self._turns_file)
            self._turns_file = None

    def _forget_connections(self) -> None:
        """All of them: SQLite shares the state of a log within a process, and the old one would live on in the new.
        One in the middle of a transaction ends with it: who writes finds out after the commit.
        """
        self._generation += 1
        with self._one_glances:
            self._close_glance()
        if self._one_writes.acquire(blocking=False):
            try:
                self._end_writing()
            finally:
                self._one_writes.release()
        self._glancer.dispose()
        self._reader.dispose()
        self._writer.dispose()

    def _same_files(self, info: Mapping[Any, Any]) -> bool:
        found = _identity(self.path)
        return found is not None and found == info.get(_IDENTITY)

    @property
    def _log(self) -> Path:
        return self.path.with_name(f"{self.path.name}-wal")

    def _engine(self, size: int, begin: str, *, query_only: bool, patience: float | None = None) -> Engine:
        patience = self._patience_seconds if patience is None else patience
        engine = create_engine(
            "sqlite://",
            creator=lambda: self._connect(query_only=query_only, patience=patience),
            poolclass=QueuePool,
            pool_size=size,
            max_overflow=0,
            pool_timeout=patience,
            hide_parameters=True,  # values of a failed statement must not reach a traceback or the log
        )

        def remember(_connection: Any, entry: ConnectionPoolEntry) -> None:
            entry.info[_IDENTITY] = _identity(self.path)

        def recognise(_connection: Any, entry: ConnectionPoolEntry, _proxy: Any) -> None:
            if not self._same_files(entry.info):
                self._forget_connections()
                raise DisconnectionError("the database file was taken away or replaced")

        event.listen(engine, "connect", remember)
        event.listen(engine, "checkout", recognise)
        event.listen(engine, "begin", lambda conn: execute_plain(conn, begin))
        return engine

    def _connect(self, *, query_only: bool, patience: float | None = None) -> sqlite3.Connection:
        # mode=rw: a file that is gone is an error, not a reason to make an empty one
        conn = sqlite3.connect(
            f"file:{quote(str(self.path.absolute()))}?mode=rw",
            uri=True,
            timeout=self._patience_seconds if patience is None else patience,
            isolation_level=None,  # SQLAlchemy's `begin` event says BEGIN
            check_same_thread=False,
            cached_statements=256,
        )
        try:
            for setting, (value, expected) in _SETTINGS.items():
                conn.execute(f"PRAGMA {setting}={value}")
                if (found := conn.execute(f"PRAGMA {setting}").fetchone()[0]) != expected:
                    raise StoreUnavailable(f"SQLite does not keep {setting}={value} here (it says {found})")
            conn.execute("SELECT count(*) FROM sqlite_master").fetchone()  # makes the log file, if it was not there
            if query_only:
                conn.execute("PRAGMA query_only=ON")
        except BaseException:
            conn.close()
            raise
        return conn


def _end(kept: Connection | None) -> None:
    """Close a connection whose state nobody knows."""
    if kept is not None:
        with suppress(SQLAlchemyError):
            kept.invalidate()
            kept.close()


def _identity(path: Path) -> tuple[int, int, int] | None:
    """Which files these are: device, number of the database and number of its log; None where one is missing."""
    with suppress(OSError):
        base = os.stat(path)  # noqa: PTH116 - twice a transaction, at half the cost of Path.stat
        return base.st_dev, base.st_ino, os.stat(f"{path}-wal").st_ino  # noqa: PTH116 - likewise
    return None


def _size(path: Path) -> int:
    with suppress(OSError):
        return path.stat().st_size
    return 0


def _is_gone(descriptor: int) -> bool:
    return os.fstat(descriptor).st_nlink == 0


class FileLock:
    """A worker's lock: an flock that ends with the process, however that ends."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self._path = path
        self._descriptor: int | None = descriptor

    @classmethod
    def take(cls, path: Path) -> "FileLock | None":
        """None while another holder lives."""
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        if _is_gone(descriptor):  # its last holder took it away just now
            os.close(descriptor)
            return None
        return cls(path, descriptor)

    def held(self) -> bool:
        """True until released. Nobody can take an flock away, but the file may go: then the lock means nothing."""
        if self._descriptor is not None and _is_gone(self._descriptor):
            os.close(self._descriptor)
            self._descriptor = None
        return self._descriptor is not None

    def release(self) -> None:
        """The file goes first, so that nobody finds a file whose lock means nothing."""
        if self._descriptor is not None:
            with suppress(OSError):
                self._path.unlink()
            os.close(self._descriptor)
            self._descriptor = None
