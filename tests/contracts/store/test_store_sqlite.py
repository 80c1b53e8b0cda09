"""What SQLite alone can suffer: files that vanish, disks that fill, locks of others, settings that do not hold."""

import asyncio
import errno
import shutil
import sqlite3
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from sqlalchemy import delete, insert, select, text

from delivery.errors import StoreFull, StoreUnavailable
from delivery.items import State
from delivery.store.database import Database
from delivery.store.schema import workers
from delivery.store.upgrade import prepare
from delivery.store.vault import Vault
from delivery.store.workers import dead_workers


def add_worker(name, now):
    def work(conn):
        conn.execute(insert(workers).values(id=name, host="here", started_at=now))
        return 1

    return work


def names(conn):
    return sorted(conn.execute(select(workers.c.id)).scalars())


@pytest.fixture
def store(sqlite_url, open_store):
    return open_store(sqlite_url, patience=0.3)


@pytest.fixture
def file(store):
    return store.db.backing.path


@pytest.mark.parametrize("opened", [lambda of: of.reader.connect(), lambda of: of.writing()], ids=["reader", "writer"])
def test_every_connection_keeps_the_promised_settings(store, opened):
    wanted = {
        "journal_mode": "wal",
        "synchronous": 2,
        "foreign_keys": 1,
        "secure_delete": 1,
        "temp_store": 2,
        "busy_timeout": 300,
    }
    with opened(store.db.backing) as conn, conn.begin():
        found = {name: conn.exec_driver_sql(f"PRAGMA {name}").scalar() for name in wanted}
    assert found == wanted


async def test_no_lock_to_be_had_is_a_store_that_waits(store, file, monkeypatch):
    """No descriptor is left, the folder is gone: who looks for locks tries again, and does not end."""
    claims = store.claims()
    await claims.register()
    monkeypatch.setattr("delivery.store.sqlite.os.open", _no_descriptor_left)
    for act in (lambda: store.db.backing.lock("other"), lambda: dead_workers(store.db.backing, ["other"])):
        with pytest.raises(StoreUnavailable, match="Too many open files"):
            act()
    monkeypatch.undo()
    shutil.rmtree(file.parent)
    with pytest.raises(StoreUnavailable, match="No such file"):
        await claims.keep_lock()


def _no_descriptor_left(*_words, **_more):
    raise OSError(errno.EMFILE, "Too many open files")


def test_who_writes_keeps_the_connection_until_something_goes_wrong(store):
    def driver():
        with store.db.backing.writing() as conn:
            return conn.connection.driver_connection

    first = driver()
    store.db.write_now(names)
    assert driver() is first
    with pytest.raises(RuntimeError), store.db.backing.writing():
        raise RuntimeError
    assert driver() is not first


def test_a_reader_cannot_write(store):
    with pytest.raises(StoreUnavailable):
        store.db.read_now(add_worker("x", store.clock()))


def test_settings_that_do_not_hold_are_an_error(store, file, monkeypatch):
    """A file system without shared memory gives no WAL: then nothing is written at all."""
    monkeypatch.setattr("delivery.store.sqlite._SETTINGS", {"synchronous": ("NORMAL", 2)})
    with Database.open(store.url) as db, pytest.raises(StoreUnavailable, match="synchronous"):
        db.read_now(names)


def test_the_files_are_for_their_owner_alone(store, file):
    store.db.write_now(names)
    for path in (file, Path(f"{file}-wal"), Path(f"{file}-shm"), Path(f"{file}.turns")):
        assert path.stat().st_mode & 0o077 == 0, path
    assert file.parent.stat().st_mode & 0o077 == 0


def test_who_looks_in_from_outside_takes_nothing_away(tmp_path):
    """Whoever closes the last connection deletes the log: a new store must be seen to be in use from the start."""
    path = tmp_path / "data" / "sealgate.db"
    look = f"import sqlite3; c = sqlite3.connect({str(path)!r}); c.execute('SELECT count(*) FROM workers'); c.close()"
    with Database.open(f"sqlite:///{path}") as db:
        prepare(db)
        assert db.read_now(names) == []
        log = Path(f"{path}-wal").stat().st_ino
        subprocess.run([sys.executable, "-c", look], check=True)
        assert Path(f"{path}-wal").stat().st_ino == log


async def test_locked_by_another_program_then_free(store, file):
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreUnavailable) as caught:
        await store.db.write(add_worker("x", store.clock()))
    assert caught.value.certain
    other.execute("ROLLBACK")
    other.close()
    assert await store.db.write(add_worker("y", store.clock())) == 1
    assert await store.db.read(names) == ["y"]


async def test_a_process_that_keeps_the_turn_is_not_waited_for_longer(store, sqlite_url, open_store):
    other = open_store(sqlite_url)
    with other.db.backing.turn(), pytest.raises(StoreUnavailable, match="busy"):
        await store.db.write(add_worker("x", store.clock()))
    assert await store.db.write(add_worker("y", store.clock())) == 1
    assert await store.db.read(names) == ["y"], "the work that was given up did not run later"


async def test_a_lock_whose_file_is_gone_is_lost_and_taken_again(store, sqlite_url, open_store):
    """Whoever looks for it makes the file anew, and finds the worker dead."""
    claims, other = store.claims(), open_store(sqlite_url)
    await claims.register()
    await claims.keep_lock()
    [file] = (store.folder / "data/workers").glob("*.lock")
    file.unlink()
    assert dead_workers(other.db.backing, [claims.worker]) == [claims.worker]
    await claims.keep_lock()
    assert dead_workers(other.db.backing, [claims.worker]) == []
    await claims.retire()


async def test_the_file_is_taken_away_and_comes_back(store, file, tmp_path):
    await store.db.write(add_worker("before", store.clock()))
    away = tmp_path / "away"
    away.mkdir()
    for path in file.parent.glob("sealgate.db*"):
        shutil.move(path, away / path.name)
    with pytest.raises(StoreUnavailable):
        await store.db.write(add_worker("lost", store.clock()))
    with pytest.raises(StoreUnavailable):
        await store.db.read(names)
    assert not file.exists(), "no empty database takes its place"
    for path in away.iterdir():
        shutil.move(path, file.parent / path.name)
    assert await store.db.write(add_worker("after", store.clock())) == 1
    assert await store.db.read(names) == ["after", "before"]


async def test_a_commit_to_a_file_that_vanished_meanwhile_is_no_commit(store, file):
    def vanish(conn):
        add_worker("x", store.clock())(conn)
        file.unlink()

    with pytest.raises(StoreUnavailable) as caught:
        await store.db.write(vanish)
    assert not caught.value.certain


async def test_a_log_that_vanished_is_noticed(store, file):
    await store.db.write(add_worker("x", store.clock()))
    Path(f"{file}-wal").unlink()
    Path(f"{file}-shm").unlink()
    await store.db.write(add_worker("y", store.clock()))
    store.db.close()
    with Database.open(store.url) as db:
        assert "y" in db.read_now(names), "what was called durable is in the files that are there"


async def test_replaced_by_an_older_copy_it_goes_on_with_that(store, file, tmp_path):
    await store.db.write(add_worker("kept", store.clock()))
    store.db.backing.truncate_log()
    shutil.copy(file, tmp_path / "copy")
    await store.db.write(add_worker("gone", store.clock()))
    (tmp_path / "copy").replace(file)
    Path(f"{file}-wal").unlink()
    Path(f"{file}-shm").unlink()
    assert await store.db.write(add_worker("new", store.clock())) == 1
    assert await store.db.read(names) == ["kept", "new"]


async def test_replaced_by_a_new_database_nothing_is_kept_under_keys_that_it_has_not(store, file, tmp_path):
    """What was sealed under a key of the old database could never be opened again: it is not taken."""
    await store.accept()
    with Database.open(f"sqlite:///{tmp_path}/new.db") as db:
        prepare(db)
    for path in file.parent.glob("sealgate.db*"):
        path.unlink()
    (tmp_path / "new.db").rename(file)
    with pytest.raises(StoreUnavailable):
        await store.accept()
    message_id = await store.accept()
    store.vault = store.queue.vault = Vault(store.db, store.keyring)  # as after a restart
    opened, _ = await store.queue.open_items(message_id)
    assert opened.readable
    async with store.working():
        await store.until_state(message_id, State.SENT)


async def test_a_worker_that_a_restored_database_forgot_is_known_again(store, file):
    """Or its leases would be taken from it every two seconds."""
    async with store.working() as worker:
        await store.db.write(lambda conn: conn.execute(delete(workers)))
        await worker._claims.take_over(())
        assert await store.db.read(names) == [worker.id]


async def test_a_worker_waits_for_a_store_that_does_not_answer_yet(store, file):
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    stop, worker = asyncio.Event(), store.worker()
    running = asyncio.create_task(worker.run(stop))
    with pytest.raises(StoreUnavailable):
        await store.db.write(names)
    assert not running.done()
    other.execute("ROLLBACK")
    other.close()
    await store.until(lambda: worker._taking)
    stop.set()
    await running


async def test_a_file_that_is_no_database(store, file):
    await store.db.read(names)
    file.with_name("junk").write_bytes(b"this is not a database, and longer than a header" * 100)
    file.with_name("junk").replace(file)
    with pytest.raises(StoreUnavailable):
        await store.db.write(add_worker("x", store.clock()))
    with pytest.raises(StoreUnavailable):
        await store.db.read(names)


async def test_full_and_then_not(store):
    """SQLite's own limit on pages gives the very error of a full disk (SQLITE_FULL)."""

    def fill(conn):
        pages = conn.exec_driver_sql("PRAGMA page_count").scalar()
        conn.exec_driver_sql(f"PRAGMA max_page_count={pages}")
        conn.execute(insert(workers).values(id="big", host="x" * 200_000, started_at=store.clock()))

    others = [add_worker(f"w{n}", store.clock()) for n in range(3)]
    outcomes = await asyncio.gather(
        *(store.db.write(work) for work in [others[0], fill, *others[1:]]), return_exceptions=True
    )
    assert isinstance(outcomes[1], StoreFull)
    assert await store.db.write(add_worker("after", store.clock())) == 1
    kept = await store.db.read(names)
    promised = [f"w{n}" for n, outcome in enumerate([outcomes[0], *outcomes[2:]]) if outcome == 1]
    assert kept == sorted([*promised, "after"]), "who was told done is there, who was told full is not"


async def test_a_commit_that_fails_fails_for_all(store):
    """A reference checked only at the commit breaks there: nobody in the group may believe that it was done."""

    def late_failure(conn):
        conn.exec_driver_sql("PRAGMA defer_foreign_keys=ON")
        conn.execute(
            text("INSERT INTO links (digest, namespace, participant_id, created_at) VALUES (x'01', 'default', 'no', 1)")
        )

    works = [add_worker("one", store.clock()), late_failure, add_worker("two", store.clock())]
    jobs = [asyncio.create_task(store.db.write(work)) for work in works]
    outcomes = await asyncio.gather(*jobs, return_exceptions=True)
    assert isinstance(outcomes[1], StoreUnavailable)
    told = [name for name, outcome in zip(["one", "two"], [outcomes[0], outcomes[2]], strict=True) if outcome == 1]
    assert await store.db.read(names) == told
    assert await store.db.write(add_worker("three", store.clock())) == 1


async def test_tidying_leaves_nothing_of_what_was_deleted(store, file):
    secret = "a-value-that-must-not-stay"
    await store.db.write(add_worker(secret, store.clock()))
    await store.db.write(lambda conn: conn.execute(workers.delete()))
    await store.db.truncate_log()
    for path in file.parent.rglob("*"):
        if path.is_file():
            assert secret.encode() not in path.read_bytes(), path


def test_the_disk_is_full_for_real(tmp_path, sqlite_url):
    """A process that may write no larger file gets EFBIG, as it would ENOSPC; with the limit gone it goes on."""
    script = textwrap.dedent(
        """
        import resource, sys
        from datetime import UTC, datetime
        from pathlib import Path
        from sqlalchemy import insert
        from delivery.errors import StoreUnavailable
        from delivery.store.blobs import Blobs
        from delivery.store.database import Database
        from delivery.store.schema import workers

        db = Database.open(sys.argv[1])
        blobs = Blobs(Path(sys.argv[2]))
        def add(name):
            return lambda conn: conn.execute(
                insert(workers).values(id=name, host="x" * 200_000, started_at=datetime.now(UTC)))
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
        for attempt in (lambda: db.write_now(add("full")), lambda: blobs.keep(b"x" * 300_000)):
            try:
                attempt()
            except StoreUnavailable as error:
                print(type(error).__name__)
        print(len(list(Path(sys.argv[2]).rglob("*"))))
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        db.write_now(add("after"))
        blobs.keep(b"x" * 300_000)
        print(db.read_now(lambda conn: [row.id for row in conn.execute(workers.select())]))
        db.close()
        """
    )
    done = subprocess.run(
        [sys.executable, "-c", script, sqlite_url, str(tmp_path / "blobs")], capture_output=True, text=True, check=True
    )
    lines = [line for line in done.stdout.splitlines() if "warning" not in line]
    assert lines[0].startswith("Store")
    assert lines[1:] == ["StoreFull", "0", "['after']"]
