"""The schema: fresh and migrated are the same; an older one is upgraded after a copy; a newer one is refused."""

import asyncio
import errno
import re
import shutil
import socket
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect, select, text

from delivery.errors import SchemaOutdated, StoreUnavailable
from delivery.store import upgrade as upgrade_module
from delivery.store.database import Database
from delivery.store.schema import metadata, namespaces
from delivery.store.upgrade import MIGRATIONS, migrate, newest, prepare, revision, upgrade

STEP = """
import sqlalchemy as sa
from alembic import op

revision = "{number}"
down_revision = "{before}"
branch_labels = None
depends_on = None


def upgrade() -> None:
    {what}
"""


def described(conn):
    """Everything of the schema that can be asked of a database."""
    found = inspect(conn)
    told = {}
    for table in found.get_table_names():
        told[table] = {
            "columns": {
                column["name"]: (str(column["type"]), column["nullable"], str(column["default"]))
                for column in found.get_columns(table)
                if table != "alembic_version"
            },
            "primary": found.get_pk_constraint(table)["constrained_columns"],
            "foreign": sorted(
                (key["constrained_columns"], key["referred_table"], key["referred_columns"])
                for key in found.get_foreign_keys(table)
            ),
            "unique": sorted(key["column_names"] for key in found.get_unique_constraints(table)),
            "indexes": sorted(
                (key["name"], key["column_names"], bool(key["unique"]), _options(key))
                for key in found.get_indexes(table)
            ),
        }
    return told


def _options(index):
    return sorted((name, str(value)) for name, value in index.get("dialect_options", {}).items())


@pytest.fixture
def empty_url(request, store_url, tmp_path):
    """A database of the same kind without any table."""
    if store_url.startswith("sqlite"):
        (tmp_path / "migrated.db").touch()
        return f"sqlite:///{tmp_path}/migrated.db"
    server = request.getfixturevalue("postgres_server")
    return server.url(server.new_database(template="template0"))


def test_a_fresh_schema_and_a_migrated_one_are_the_same(store_url, empty_url):
    with Database.open(store_url) as fresh, Database.open(empty_url) as migrated:
        migrated.write_now(migrate)
        assert described_in(migrated) == described_in(fresh)
        assert migrated.read_now(revision) == fresh.read_now(revision) == newest()


def described_in(db):
    return db.read_now(described)


def test_the_tables_in_the_code_are_those_of_the_steps(empty_url):
    def differences(conn):
        return compare_metadata(MigrationContext.configure(conn), metadata)

    with Database.open(empty_url) as db:
        db.write_now(migrate)
        assert db.read_now(differences) == []


def test_the_first_namespace_is_there(store_url):
    with Database.open(store_url) as db:
        assert db.read_now(lambda conn: conn.execute(select(namespaces.c.name)).scalars().all()) == ["default"]


def test_the_steps_are_in_the_package_and_numbered_without_gaps():
    numbers = sorted(path.name[:4] for path in (MIGRATIONS / "versions").glob("[0-9]*.py"))
    assert numbers == [f"{number:04d}" for number in range(1, len(numbers) + 1)]


@pytest.fixture
def next_version(tmp_path):
    """The steps of a version to come."""
    folder = tmp_path / "migrations"
    shutil.copytree(MIGRATIONS, folder, ignore=shutil.ignore_patterns("__pycache__"))
    number = int(newest()) + 1
    what = 'op.add_column("workers", sa.Column("mood", sa.Text()))'
    (folder / "versions" / f"{number:04d}_mood.py").write_text(
        STEP.format(number=f"{number:04d}", before=newest(), what=what)
    )
    return folder


async def test_an_older_embedded_schema_is_upgraded_after_a_copy(sqlite_store, next_version):
    store = sqlite_store
    message_id = await store.accept()
    done = prepare(store.db, next_version)
    assert (done.before, done.after) == (newest(), newest(next_version))
    assert "mood" in store.db.read_now(lambda conn: [one["name"] for one in inspect(conn).get_columns("workers")])
    assert [story.line.item.message_id for story in await store.stories(message_id)] == [message_id]
    assert done.copy.stat().st_mode & 0o077 == 0
    with sqlite3.connect(done.copy) as copy:
        assert copy.execute("SELECT id FROM messages").fetchall() == [(message_id,)]
        assert copy.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    copy.close()
    assert prepare(store.db, next_version) is None


async def test_what_is_copied_is_what_was_there_before_the_upgrade(sqlite_store, next_version, monkeypatch):
    """Two upgrades at once: the second finds all done, and does not put the new schema where the copy of the old is."""
    done, first = [], upgrade_module.revision

    def overtaken(conn):
        found = first(conn)
        if not done:  # between the first look and our turn, somebody else does all of it
            done.append(None)
            done.append(upgrade(sqlite_store.db, next_version))
        return found

    monkeypatch.setattr(upgrade_module, "revision", overtaken)
    assert upgrade(sqlite_store.db, next_version) is None
    with closing(sqlite3.connect(done[1].copy)) as copy:
        assert copy.execute("SELECT version_num FROM alembic_version").fetchone() == (newest(),)


def test_a_copy_that_fails_leaves_no_part_of_it_and_the_one_before(sqlite_store, next_version, monkeypatch):
    folder = sqlite_store.db.backing.path.parent
    before = folder / f"sealgate.db.schema-{newest()}"
    before.write_bytes(b"the one before")
    (folder / f"{before.name}.partial").write_bytes(b"what a killed upgrade left")
    monkeypatch.setattr(upgrade_module, "_fsync", _no_room)
    with pytest.raises(StoreUnavailable, match="no space left"):
        upgrade(sqlite_store.db, next_version)
    assert sorted(folder.glob("*.schema-*")) == [before] and before.read_bytes() == b"the one before"
    assert sqlite_store.db.read_now(revision) == newest()
    monkeypatch.undo()
    assert upgrade(sqlite_store.db, next_version).copy == before
    assert sorted(folder.glob("*.schema-*")) == [before]


def _no_room(*_words):
    raise OSError(errno.ENOSPC, "No space left on device")


async def test_nobody_upgrades_beneath_a_gateway_that_works(store, next_version):
    claims = store.claims()
    await claims.register()
    with pytest.raises(SchemaOutdated, match=f"still works with it \\(on {re.escape(socket.gethostname())}\\): stop"):
        await asyncio.to_thread(upgrade, store.db, next_version)
    assert store.db.read_now(revision) == newest()
    await claims.retire()
    assert (await asyncio.to_thread(upgrade, store.db, next_version)).after == newest(next_version)


def test_a_step_that_fails_leaves_everything_as_it_was(sqlite_store, next_version):
    (step,) = (next_version / "versions").glob("*_mood.py")
    step.write_text(step.read_text() + '    op.execute("INSERT INTO nothing VALUES (1)")\n')
    before = described_in(sqlite_store.db)
    with pytest.raises(StoreUnavailable):
        upgrade(sqlite_store.db, next_version)
    assert described_in(sqlite_store.db) == before
    assert sqlite_store.db.read_now(revision) == newest()


def test_a_newer_schema_is_refused(store_url):
    with Database.open(store_url) as db:
        db.write_now(lambda conn: conn.execute(text("UPDATE alembic_version SET version_num = '9999'")))
        for act in (prepare, upgrade):
            with pytest.raises(SchemaOutdated, match="newer"):
                act(db)


@pytest.mark.postgres
def test_a_server_is_upgraded_only_when_asked(postgres_server, next_version):
    with Database.open(postgres_server.url(postgres_server.new_database(template="template0"))) as db:
        with pytest.raises(SchemaOutdated, match="db upgrade"):
            prepare(db)
        assert upgrade(db).after == newest()
        assert prepare(db) is None
        with pytest.raises(SchemaOutdated, match="db upgrade"):
            prepare(db, next_version)
        assert upgrade(db, next_version).after == newest(next_version)
        assert upgrade(db, next_version) is None


def test_whoever_only_looks_changes_no_schema(sqlite_store, next_version):
    with pytest.raises(SchemaOutdated, match="db upgrade"):
        prepare(sqlite_store.db, next_version, make=False)
    assert sqlite_store.db.read_now(revision) == newest()
    assert prepare(sqlite_store.db, make=False) is None


def test_a_missing_folder_is_made_for_its_owner_alone(tmp_path):
    folder = tmp_path / "deep" / "data"
    with Database.open(f"sqlite:///{folder}/sealgate.db") as db:
        assert prepare(db).before is None
        assert prepare(db) is None
    assert folder.stat().st_mode & 0o777 == 0o700
    assert Path(folder, "sealgate.db").stat().st_mode & 0o777 == 0o600
