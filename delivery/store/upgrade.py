"""The schema: made where there is none, upgraded where it is older, refused where it is newer.

The number of the schema stands in `alembic_version`. `prepare` is what `serve` does at start; `upgrade` what
`db upgrade` does. An SQLite file is copied before it is upgraded; a server's backups are its admin's.
"""

import os
import sqlite3
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, insert, inspect, select, text

from delivery.errors import SchemaOutdated, StoreUnavailable
from delivery.store import schema_audit, schema_boxes, schema_people, schema_tls  # noqa: F401  # tables of the metadata
from delivery.store.backing import Backing
from delivery.store.database import Database
from delivery.store.failures import translated
from delivery.store.schema import metadata, namespaces, workers
from delivery.store.sqlite import SqliteBacking
from delivery.store.workers import dead_workers

MIGRATIONS: Final = Path(__file__).parent / "migrations"
DEFAULT_NAMESPACE: Final = "default"
_UPGRADE_LOCK: Final = 0x5EA16A7E  # PostgreSQL advisory lock: one upgrade at a time


@dataclass(frozen=True, slots=True)
class Upgraded:
    """From which number to which; `copy` is the file that holds the database as it was, if one was made."""

    before: str | None
    after: str
    copy: Path | None = None


def newest(folder: Path = MIGRATIONS) -> str:
    """The number of the schema that this version works with."""
    return max(path.name.split("_")[0] for path in (folder / "versions").glob("[0-9]*_*.py"))


def revision(conn: Connection) -> str | None:
    """The number of the database's schema; None: it has none."""
    if not inspect(conn).has_table("alembic_version"):
        return None
    found: str | None = conn.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return found


def prepare(db: Database, folder: Path = MIGRATIONS, *, make: bool = True) -> Upgraded | None:
    """Make the data folder, the file and the schema where they are missing; upgrade an older embedded schema.

    `make` False: a missing file is StoreUnavailable. Only the service makes one: where the database was taken away, an
    empty one in its place would say that there is no mail. An older schema is SchemaOutdated then: whoever only looks,
    with a new version beside the old one that still runs, must not change it under that one's feet.

    None: nothing was to do. Raises SchemaOutdated where a server's schema is missing or older (`db upgrade` is the next
    step) or any schema is newer than this version; StoreUnavailable where the database cannot be reached.
    """
    backing = db.backing
    if isinstance(backing, SqliteBacking):
        if not make and not backing.path.exists():
            raise StoreUnavailable(
                f"there is no database {backing.path}: `sealgate serve` makes it when it first starts"
            )
        _make_file(backing.path)
    found, wanted = db.read_now(revision), newest(folder)
    if found == wanted:
        return None
    if not make or not isinstance(backing, SqliteBacking):
        _refuse_newer(found, wanted)
        raise SchemaOutdated(
            "the database's schema is missing or older than this version: stop every `sealgate serve` on it, then run "
            "`sealgate db upgrade`"
        )
    return upgrade(db, folder)


def upgrade(db: Database, folder: Path = MIGRATIONS) -> Upgraded | None:
    """Bring the schema to this version's, whatever it is now. None: it is already. Raises as `prepare` does."""
    backing = db.backing
    if isinstance(backing, SqliteBacking):
        _make_file(backing.path)
    found, wanted, copy = db.read_now(revision), newest(folder), None
    if found == wanted:
        return None
    _refuse_newer(found, wanted)
    engine = db.backing.upgrader
    try:
        with translated(), backing.turn(), engine.begin() as conn:
            _one_at_a_time(conn)
            found = revision(conn)  # somebody else may have been first
            if found == wanted:
                return None
            _refuse_newer(found, wanted)
            if found is None:
                create_schema(conn, wanted)
            else:
                _refuse_beside_others(conn, backing)
                if isinstance(backing, SqliteBacking):  # copied within our turn: nobody writes into what is copied
                    copy = _copy(backing.path, found)
                _run_steps(conn, folder)
            _check_references(conn)
    finally:
        engine.dispose()
    return Upgraded(found, wanted, copy)


def create_schema(conn: Connection, number: str | None = None) -> None:
    """Make every table in an empty database, and write down the schema's number."""
    metadata.create_all(conn)
    conn.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)"))
    conn.execute(text("INSERT INTO alembic_version VALUES (:number)"), {"number": number or newest()})
    if conn.execute(select(namespaces.c.name).limit(1)).first() is None:
        conn.execute(insert(namespaces).values(name=DEFAULT_NAMESPACE, created_at=datetime.now(UTC)))


def _refuse_newer(found: str | None, wanted: str) -> None:
    if found is not None and found > wanted:
        raise SchemaOutdated(
            f"the database's schema is {found}, newer than this version's {wanted}: install the version that made it"
        )


def _refuse_beside_others(conn: Connection, backing: Backing) -> None:
    """A gateway of the older version would go on writing what the newer schema does not take, or wrongly."""
    rows = conn.execute(select(workers.c.id, workers.c.host)).all()
    dead = dead_workers(backing, [row.id for row in rows])
    if hosts := sorted({row.host for row in rows if row.id not in dead}):
        raise SchemaOutdated(
            f"the database's schema is older than this version, and a `sealgate serve` still works with it "
            f"(on {', '.join(hosts)}): stop it first"
        )


def _make_file(path: Path) -> None:
    """Make the folder and an empty file, where there is none. A file that is there is never opened: closing it again
    would let go of the locks of every connection that this process has to it (POSIX locks are the process's), and the
    next program that looks into the database would then take the log away from beneath us.
    """
    try:
        if path.exists():
            return
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        os.close(descriptor)
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        os.fsync(folder)
        os.close(folder)
    except OSError as cause:
        raise StoreUnavailable(f"cannot make {path}: {os.strerror(cause.errno or 0)}") from cause


def _one_at_a_time(conn: Connection) -> None:
    if conn.dialect.name == "postgresql":
        conn.execute(text("SET LOCAL lock_timeout = 0"))
        conn.execute(text("SET LOCAL statement_timeout = 0"))
        conn.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _UPGRADE_LOCK})


def _check_references(conn: Connection) -> None:
    if conn.dialect.name == "sqlite" and conn.exec_driver_sql("PRAGMA foreign_key_check").first() is not None:
        raise StoreUnavailable("the upgraded database has rows that refer to nothing; it was left as it was")


def _run_steps(conn: Connection, folder: Path) -> None:
    from alembic import command  # some hundred milliseconds, needed once in a version's life
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(folder))
    config.attributes["connection"] = conn
    command.upgrade(config, "head")


def migrate(conn: Connection, folder: Path = MIGRATIONS) -> None:
    """Run every step on an empty or older database, in the connection's transaction."""
    _run_steps(conn, folder)


def _copy(path: Path, number: str) -> Path:
    """A whole copy beside the database, readable by its owner alone, on disk before the upgrade begins.

    It has its name only once it is whole: what a kill or a full disk left of one is no copy.
    """
    copy = path.with_name(f"{path.name}.schema-{number}")
    partial = copy.with_name(f"{copy.name}.partial")
    _drop(partial)
    try:
        os.close(os.open(partial, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(partial)) as target:
            source.backup(target)
        _fsync(partial, os.O_RDONLY)
        partial.replace(copy)
        _fsync(copy.parent, os.O_RDONLY | os.O_DIRECTORY)
    except (OSError, sqlite3.Error) as cause:
        _drop(partial)
        raise StoreUnavailable(f"cannot copy the database to {copy} before its upgrade: {_why(cause)}") from cause
    return copy


def _drop(partial: Path) -> None:
    for name in (partial.name, f"{partial.name}-journal"):
        with suppress(OSError):
            partial.with_name(name).unlink(missing_ok=True)


def _fsync(path: Path, flags: int) -> None:
    descriptor = os.open(path, flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _why(cause: Exception) -> str:
    return (os.strerror(cause.errno or 0) if isinstance(cause, OSError) else str(cause)).lower()
