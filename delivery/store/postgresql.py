"""PostgreSQL beneath the store: commits that wait for the disk, waits that end, locks that a dead worker loses."""

import hashlib
from collections.abc import Callable, Iterator, MutableMapping
from contextlib import contextmanager, suppress
from datetime import timedelta
from functools import partial
from typing import Any, Final, TypeVar

from psycopg.errors import Diagnostic
from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import ConnectionPoolEntry, NullPool, QueuePool

from delivery.errors import StoreUnavailable
from delivery.store.failures import translate

T = TypeVar("T")

_UNREPLICATED: Final = "sealgate.unreplicated"  # key of what a pooled connection's server said of its last commit

_ASKED_AFTER: Final = {  # by the server, whose own defaults let a machine that vanished keep its locks for two hours
    "tcp_keepalives_idle": 10,
    "tcp_keepalives_interval": 5,
    "tcp_keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}

WRITERS: Final = 3  # groups at once: enough that one waits for the disk while the next fills


class PostgresBacking:
    """One PostgreSQL database, shared by any number of processes."""

    name = "postgresql"
    writers = WRITERS
    lock_grace = 1.9  # a server that restarts takes every lock; workers look at theirs every two seconds

    def __init__(self, url: str, *, readers: int, patience: timedelta) -> None:
        self._url = url
        self._patience = patience
        # what one read asks in several statements is of one moment, as it is with SQLite
        self._reader = self._pooled(readers, isolation_level="REPEATABLE READ")
        self._writer = self._pooled(WRITERS)

    @property
    def reader(self) -> Engine:
        """Pooled; each is tried before use, so that a restarted server is no error."""
        return self._reader

    def writing(self) -> Connection:
        """Of the pool, one for each writer thread."""
        return self._writer.connect()

    @property
    def upgrader(self) -> Engine:
        """The same connections as for writing: PostgreSQL needs no others."""
        return self._writer

    @property
    def generation(self) -> int:
        """A server's database is not replaced beneath us."""
        return 0

    @contextmanager
    def turn(self) -> Iterator[None]:
        """The server orders its writers."""
        yield

    def prove_commit(self, conn: Connection) -> None:
        """The server answers for its commits; but one whose standby was waited for in vain counts as done, too."""
        if conn.info.pop(_UNREPLICATED, False):
            raise StoreUnavailable("no standby confirmed the commit: a failover would lose it", certain=False)

    def try_read(self, work: Callable[[Connection], T]) -> T:
        """Nobody knows how long a server takes to answer."""
        raise StoreUnavailable("a server is asked in a thread")

    def truncate_log(self) -> None:
        """The server keeps its own log; the threat model says what that means."""

    def lock(self, worker: str) -> "SessionLock | None":
        """An advisory lock of a connection of its own: the server takes it when the connection ends."""
        engine = self._engine(poolclass=NullPool)
        try:
            return SessionLock.take(engine, worker)
        except SQLAlchemyError as cause:
            raise translate(cause) from cause

    def close(self) -> None:
        """Let go of every pooled connection."""
        self._reader.dispose()
        self._writer.dispose()

    def _pooled(self, size: int, **more: Any) -> Engine:
        return self._engine(
            **more,
            poolclass=QueuePool,
            pool_size=size,
            max_overflow=0,
            pool_timeout=self._patience.total_seconds(),
            pool_pre_ping=True,
        )

    def _engine(self, **pooling: Any) -> Engine:
        seconds = max(1, round(self._patience.total_seconds()))
        engine = create_engine(
            self._url,
            connect_args={
                "connect_timeout": max(2, seconds),
                "application_name": "sealgate",
                # a server that vanishes without a word must not hold a thread for hours
                "keepalives_idle": 10,
                "keepalives_interval": 5,
                "keepalives_count": 3,
                "tcp_user_timeout": 30_000,
            },
            hide_parameters=True,  # values of a failed statement must not reach a traceback or the log
            **pooling,
        )
        milliseconds = round(self._patience.total_seconds() * 1000)

        def prepare(connection: Any, entry: ConnectionPoolEntry) -> None:
            _prepare(connection, milliseconds)
            connection.add_notice_handler(partial(_listen, entry.info))

        event.listen(engine, "connect", prepare)
        return engine


def _prepare(connection: Any, lock_timeout_ms: int) -> None:
    """Set and verify what our promises need."""
    with connection.cursor() as cursor:
        cursor.execute("SET synchronous_commit TO on")
        cursor.execute(f"SET lock_timeout TO {lock_timeout_ms:d}")
        cursor.execute("SET statement_timeout TO '60s'")
        cursor.execute("SET idle_in_transaction_session_timeout TO '120s'")
        cursor.execute("SET TIME ZONE 'UTC'")
        for setting, value in _ASKED_AFTER.items():
            cursor.execute(f"SET {setting} TO {value:d}")
        for setting in ("fsync", "synchronous_commit"):
            cursor.execute(f"SHOW {setting}")
            if cursor.fetchone()[0] != "on":
                raise StoreUnavailable(f"PostgreSQL runs with {setting} off: a commit would not last")
    connection.commit()


def _listen(info: MutableMapping[Any, Any], said: Diagnostic) -> None:
    """Where synchronous replication was asked for and a wait for it is ended (by a time limit, by somebody's cancel),
    the commit succeeds all the same, and a warning is all that tells. By its place, which no language changes."""
    if said.source_function == "SyncRepWaitForLSN":
        info[_UNREPLICATED] = True


class SessionLock:
    """A worker's lock: held while its connection to the server lives."""

    def __init__(self, conn: Connection) -> None:
        self._conn: Connection | None = conn

    @classmethod
    def take(cls, engine: Engine, worker: str) -> "SessionLock | None":
        """None while another connection holds it."""
        conn = engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        try:
            taken = conn.execute(text("SELECT pg_try_advisory_lock(:key)"), {"key": _key(worker)}).scalar()
        except BaseException:
            conn.close()
            raise
        if not taken:
            conn.close()
            return None
        return cls(conn)

    def held(self) -> bool:
        """Asks the server: a connection that broke has lost the lock."""
        if self._conn is None:
            return False
        try:
            self._conn.execute(text("SELECT 1"))
        except SQLAlchemyError:
            self.release()
            return False
        return True

    def release(self) -> None:
        """Ends the connection, and with it the lock."""
        if self._conn is not None:
            with suppress(SQLAlchemyError):
                self._conn.close()
            self._conn = None


def _key(worker: str) -> int:
    """A signed 64-bit number for a worker's id."""
    return int.from_bytes(hashlib.sha256(f"sealgate worker {worker}".encode()).digest()[:8], "big", signed=True)
