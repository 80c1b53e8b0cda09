"""What every database beneath the store promises."""

import asyncio
import os
import socket
import threading
import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from mailhosts import wait_for
from postgres import Server
from sqlalchemy import insert, select, text

from delivery.errors import StoreConflict, StoreUnavailable
from delivery.store import postgresql
from delivery.store.database import Database
from delivery.store.schema import namespaces, workers

TCP_REPAIR = 19  # linux/tcp.h: a connection that is closed says nothing


def add_worker(name, now):
    def work(conn):
        conn.execute(insert(workers).values(id=name, host="here", started_at=now))
        return 1

    return work


def names(conn):
    return sorted(conn.execute(select(workers.c.id)).scalars())


async def test_a_write_is_seen_by_every_later_read(store):
    assert await store.db.write(add_worker("one", store.clock())) == 1
    assert await store.db.read(names) == ["one"]


async def test_a_read_is_of_one_moment_however_many_questions_it_asks(store):
    """Books that are read while mail flows add up, else `queue audit` and `audit verify` cry wolf."""

    def twice(conn):
        before = names(conn)
        store.db.write_now(add_worker("between", store.clock()))
        return before, names(conn)

    assert await store.db.read(twice) == ([], [])
    assert await store.db.read(names) == ["between"]


async def test_works_that_wait_together_share_a_commit_and_keep_their_results(store):
    results = await asyncio.gather(*(store.db.write(add_worker(f"w{n}", store.clock())) for n in range(300)))
    assert results == [1] * 300
    assert len(await store.db.read(names)) == 300


async def test_a_work_that_raises_takes_back_only_itself(store):
    started = threading.Event()

    def hold(_conn):  # so that the others wait together, and share the next transaction
        started.wait(10)

    def bad(conn):
        add_worker("bad", store.clock())(conn)
        raise LookupError("its own")

    held = asyncio.create_task(store.db.write(hold))
    rest = [asyncio.create_task(store.db.write(work)) for work in _around(bad, store.clock())]
    await asyncio.sleep(0)
    started.set()
    await held
    outcomes = await asyncio.gather(*rest, return_exceptions=True)
    assert [type(one) for one in outcomes] == [int, LookupError, int]
    assert await store.db.read(names) == ["after", "before"]


def _around(work, now):
    return [add_worker("before", now), work, add_worker("after", now)]


async def test_a_violated_key_is_its_own_callers_conflict(store):
    await store.db.write(add_worker("one", store.clock()))
    with pytest.raises(StoreConflict):
        await store.db.write(add_worker("one", store.clock()))
    assert await store.db.write(add_worker("two", store.clock())) == 1


@pytest.mark.postgres
async def test_a_value_that_cannot_be_held_is_its_own_callers_conflict(postgres_server, open_store):
    """It would else undo whatever shares its transaction, again with each try."""
    store = open_store(postgres_server.url(postgres_server.new_database()))
    works = [add_worker(name, store.clock()) for name in ("before", "a\0b", "after")]
    outcomes = await asyncio.gather(*map(store.db.write, works), return_exceptions=True)
    assert [type(one) for one in outcomes] == [int, StoreConflict, int]
    assert await store.db.read(names) == ["after", "before"]


async def test_an_error_tells_no_values(store):
    await store.db.write(add_worker("secret", store.clock()))
    with pytest.raises(StoreConflict) as caught:
        await store.db.write(add_worker("secret", store.clock()))
    told = "".join(traceback.format_exception(caught.value))
    assert "workers" in told
    assert "secret" not in told.replace('add_worker("secret"', "")


async def test_foreign_keys_hold(store):
    orphan = insert(namespaces).values(name="x", created_at=store.clock())
    await store.db.write(lambda conn: conn.execute(orphan))
    with pytest.raises(StoreConflict):
        await store.db.write(
            lambda conn: conn.execute(
                text("INSERT INTO links (digest, namespace, participant_id, created_at) VALUES (:d, 'x', 'nobody', 1)"),
                {"d": b"1"},
            )
        )


async def test_a_database_error_is_never_raised_raw(store):
    with pytest.raises(StoreUnavailable):
        await store.db.read(lambda conn: conn.execute(text("SELECT * FROM no_such_table")))
    with pytest.raises(StoreUnavailable):
        await store.db.write(lambda conn: conn.execute(text("SELECT * FROM no_such_table")))
    assert await store.db.read(names) == []


async def test_a_work_must_not_wait_for_another_work(store):
    with pytest.raises(RuntimeError, match="must not wait"):
        await store.db.write(lambda _conn: store.db.write_now(names))


async def test_a_read_inside_a_write_sees_what_is_committed(store):
    def work(conn):
        add_worker("new", store.clock())(conn)
        return store.db.read_now(names)

    assert await store.db.write(work) == []


async def test_reads_inside_reads_wait_for_no_second_connection(store):
    together = threading.Barrier(4, timeout=10)  # all readers at once, each with its connection in hand

    def work(conn):
        together.wait()
        return store.db.read_now(lambda inner: (inner is conn, names(inner)))

    assert await asyncio.gather(*(store.db.read(work) for _ in range(4))) == [(True, [])] * 4
    with pytest.raises(ZeroDivisionError):
        await store.db.read(lambda _conn: store.db.read_now(lambda _inner: 1 / 0))
    assert await store.db.read(names) == []


async def test_cancelled_before_its_group_starts_a_work_never_runs(store):
    release, ran, held = threading.Event(), [], []
    for _ in range(store.db.backing.writers):  # every writer is busy
        begun = threading.Event()

        def hold(_conn, begun=begun):
            begun.set()
            release.wait(10)

        held.append(asyncio.create_task(store.db.write(hold)))
        await store.until(begun.is_set)
    waiting = asyncio.create_task(store.db.write(ran.append))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    release.set()
    await asyncio.gather(*held)
    await store.db.write(names)
    assert ran == []


async def test_commands_write_without_a_loop(store):
    with ThreadPoolExecutor(4) as threads:
        done = list(threads.map(lambda n: store.db.write_now(add_worker(f"w{n}", store.clock())), range(20)))
    assert done == [1] * 20


async def test_two_processes_take_turns(store, open_store):
    other = open_store(store.url)

    def count(conn):
        (number,) = conn.execute(select(workers.c.host).where(workers.c.id == "n").with_for_update()).one()
        conn.execute(workers.update().where(workers.c.id == "n").values(host=str(int(number) + 1)))

    await store.db.write(lambda conn: conn.execute(insert(workers).values(id="n", host="0", started_at=store.clock())))
    await asyncio.gather(*(one.db.write(count) for _ in range(60) for one in (store, other)))
    assert await store.db.read(lambda conn: conn.execute(select(workers.c.host)).scalar()) == "120"


async def test_a_worker_lock_is_free_only_when_its_holder_is_gone(store, open_store):
    other = open_store(store.url)
    lock = store.db.backing.lock("w1")
    assert lock is not None
    assert lock.held()
    assert other.db.backing.lock("w1") is None
    lock.release()
    lock.release()
    assert not lock.held()
    taken = other.db.backing.lock("w1")
    assert taken is not None
    taken.release()


def _owed(port, to):
    """Bytes that a server on loopback has sent, and that were not acknowledged yet."""
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        local, remote, _, queues = line.split()[1:5]
        if local.endswith(f":{port:04X}") and remote.endswith(f":{to:04X}"):
            return int(queues.partition(":")[0], 16)
    return 0


@pytest.mark.slow
@pytest.mark.postgres
def test_a_lock_outlives_no_machine_that_vanished(postgres_server, free_port, monkeypatch):
    """The connection ends without a word, as where the power or the network goes: only asking tells the server."""
    monkeypatch.setitem(postgresql._ASKED_AFTER, "tcp_keepalives_idle", 1)
    server = Server(postgres_server.binaries, free_port())
    try:
        with Database.open(server.url(server.new_database())) as db:
            lock = db.backing.lock("w1")
            wire = socket.socket(fileno=os.dup(lock._conn.connection.driver_connection.fileno()))
            told = {name: lock._conn.execute(text(f"SHOW {name}")).scalar() for name in postgresql._ASKED_AFTER}
            assert told == {
                "tcp_keepalives_idle": "1", "tcp_keepalives_interval": "5", "tcp_keepalives_count": "3",
                "tcp_user_timeout": "30000",
            }  # fmt: skip
            try:
                wire.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, 1)
            except PermissionError:
                pytest.xfail("nobody here may let a connection vanish (a container without CAP_NET_ADMIN?)")
            assert db.backing.lock("w1") is None
            ours = wire.getsockname()[1]
            wait_for(lambda: not _owed(server.port, ours), why="the server has nothing to say again")
            wire.close()
            lock.release()  # says nothing to the server
            assert wait_for(lambda: db.backing.lock("w1"), why="the server lets go of it")
    finally:
        server.remove()


async def test_a_surprise_leaves_open_whether_the_commit_happened(store, monkeypatch):
    """It may have come after the commit: a blob file that the rows name must not be taken away then."""
    real = store.db.backing.prove_commit

    def fails(conn):
        real(conn)
        raise LookupError("a bug")

    monkeypatch.setattr(store.db.backing, "prove_commit", fails)
    with pytest.raises(StoreUnavailable) as caught:
        await store.accept(raw=b"x" * 500_000)
    assert not caught.value.certain
    monkeypatch.undo()
    async with store.working():
        await store.until(lambda: store.courier.deliveries)
    assert store.courier.deliveries[0].message.raw == b"x" * 500_000


@pytest.mark.postgres
async def test_a_commit_that_no_standby_confirms_is_none(postgres_server, open_store):
    """The server calls it done when the wait is ended, and only warns; after a failover it would be gone."""
    store = open_store(postgres_server.url(postgres_server.new_database()))
    await store.db.write(add_worker("before", store.clock()))
    postgres_server.execute("ALTER SYSTEM SET synchronous_standby_names = 'nobody'")
    postgres_server.execute("SELECT pg_reload_conf()")
    try:
        writing = asyncio.create_task(store.db.write(add_worker("alone", store.clock())))
        while not writing.done():
            await asyncio.to_thread(
                postgres_server.execute,
                "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'",
            )
        with pytest.raises(StoreUnavailable, match="standby") as caught:
            await writing
        assert not caught.value.certain
    finally:
        postgres_server.execute("ALTER SYSTEM RESET synchronous_standby_names")
        postgres_server.execute("SELECT pg_reload_conf()")
    assert await store.db.write(add_worker("after", store.clock())) == 1


async def test_closed_it_says_so(store_url, open_store):
    store = open_store(store_url)
    store.db.close()
    store.db.close()
    with pytest.raises(StoreUnavailable):
        await store.db.write(names)
    with pytest.raises(StoreUnavailable):
        await store.db.read(names)


def test_a_url_of_another_kind_is_refused():
    with pytest.raises(StoreUnavailable, match="sqlite"):
        Database.open("mysql://x")
    with pytest.raises(StoreUnavailable):
        Database.open("sqlite://")


async def test_works_of_a_kind_are_done_at_once_and_one_that_is_wrong_alone(store):
    calls = []

    def add(conn, values):
        calls.append(list(values))
        return [add_worker(name, store.clock())(conn) and name.upper() for name in values]

    await store.db.write(add_worker("taken", store.clock()))
    wanted = ["a", "b", "taken", "c"]
    outcomes = await asyncio.gather(*(store.db.write_one(add, name) for name in wanted), return_exceptions=True)
    assert [one if isinstance(one, str) else type(one) for one in outcomes] == ["A", "B", StoreConflict, "C"]
    assert calls == [wanted, ["a"], ["b"], ["taken"], ["c"]], "all at once; then, undone, each by itself"
    assert await store.db.read(names) == ["a", "b", "c", "taken"]


async def test_who_stops_waiting_before_the_writer_begins_is_not_done(store):
    task = asyncio.create_task(store.db.write(add_worker("never", store.clock())))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await store.db.write(add_worker("one", store.clock())) == 1
    assert await store.db.read(names) == ["one"]
