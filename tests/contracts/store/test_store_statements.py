"""Statements that run on the driver's own cursor keep SQLAlchemy's rules, and tell no values; leases share a read."""

import asyncio
import importlib
import traceback

import pytest
from sqlalchemy import bindparam, delete, insert, select, update

from delivery.errors import StoreConflict, StoreUnavailable
from delivery.items import State
from delivery.store import items as rows
from delivery.store.schema import workers
from delivery.store.statements import _ALL, SET, Statement, compile_all

ADD = Statement(insert(workers), workers.c.keys())
RENAME = Statement(update(workers).where(workers.c.id == bindparam("worker")).values(host="elsewhere"))
LATER = Statement(insert(workers), workers.c.keys(), raw=["started_at"])
TAKE = Statement(delete(workers).where(workers.c.id == bindparam("worker")).returning(workers.c.host, *workers.c))

_SOME = workers.c.id.in_(bindparam(SET, expanding=True))
HOSTS = Statement(select(workers.c.host, workers.c.id).where(_SOME, workers.c.host == bindparam("host")))
REMOVE = Statement(delete(workers).where(_SOME))


def kept(conn):
    return [tuple(row) for row in conn.execute(select(workers).order_by(workers.c.id))]


def test_every_statement_of_the_house_can_be_compiled_for_each_kind_of_database(store):
    importlib.import_module("delivery.safebox.box")  # with all that stores anything
    store.db.read_now(compile_all)
    kind = store.db.read_now(lambda conn: conn.dialect.name)
    assert len(_ALL) > 40
    assert all(kind in one._forms for one in _ALL)


async def test_values_are_bound_as_their_types_say(store):
    now = store.clock()
    rows = [{"id": name, "host": "here", "started_at": now} for name in ("a", "b")]
    await store.db.write(lambda conn: ADD.insert_each(conn, rows))
    await store.db.write(lambda conn: RENAME.run(conn, {"worker": "b"}))
    assert await store.db.read(kept) == [("a", "here", now), ("b", "elsewhere", now)]


async def test_what_was_taken_goes_back_as_it_was(store):
    now = store.clock()
    await store.db.write(lambda conn: ADD.run(conn, {"id": "a", "host": "here", "started_at": now}))

    def again(conn):
        host, name, _, started_at = TAKE.first(conn, {"worker": "a"})
        LATER.run(conn, {"id": name, "host": f"{host} again", "started_at": started_at})
        return TAKE.first(conn, {"worker": "nobody"})

    assert await store.db.write(again) is None
    assert await store.db.read(kept) == [("a", "here again", now)]


async def test_a_conflict_is_told_without_values(store):
    row = {"id": "a", "host": "secret-host", "started_at": store.clock()}
    await store.db.write(lambda conn: ADD.run(conn, row))
    with pytest.raises(StoreConflict) as conflict:
        await store.db.write(lambda conn: ADD.run(conn, row))
    assert "secret-host" not in "".join(traceback.format_exception(conflict.value))
    await store.db.write(lambda conn: ADD.run(conn, row | {"id": "b"}))
    assert len(await store.db.read(kept)) == 2


async def test_leases_that_are_asked_for_together_share_reads(store, monkeypatch):
    claims = store.claims()
    await claims.register()
    for _ in range(20):
        await store.accept()
    leased = await claims.lease(100, [])
    reads = 0
    read = store.db.read

    async def counted(work):
        nonlocal reads
        reads += 1
        return await read(work)

    monkeypatch.setattr(store.db, "read", counted)
    questions = [{one.item.id: one.token} for one in leased]
    questions[7] = {leased[7].item.id: leased[7].token - 1}
    answers = await asyncio.gather(*(claims.still_ours(question) for question in questions))
    assert [bool(answer) for answer in answers] == [number != 7 for number in range(20)]
    assert reads == (0 if store.db.backing.name == "sqlite" else 1), "a file is asked at once; a server once for all"
    await claims.retire()


async def test_a_file_that_cannot_be_looked_at_now_is_asked_as_a_server_is(store, monkeypatch):
    claims = store.claims()
    await claims.register()
    await store.accept()
    [leased] = await claims.lease(1, [])
    tokens = {leased.item.id: leased.token}

    def busy(_work):
        raise StoreUnavailable("somebody else looks")

    monkeypatch.setattr(store.db.backing, "try_read", busy)
    assert await claims.still_ours(tokens) == set(tokens)
    await claims.retire()


async def test_to_look_at_once_sees_what_was_committed_just_before_and_holds_nothing_up(store):
    if store.db.backing.name != "sqlite":
        with pytest.raises(StoreUnavailable):
            store.db.try_read(kept)
        return
    for many, name in enumerate(("a", "b"), 1):
        row = {"id": name, "host": "h", "started_at": store.clock()}
        await store.db.write(lambda conn, row=row: ADD.run(conn, row))
        assert store.db.try_read(lambda conn: len(HOSTS.rows_for(conn, ["a", "b"], {"host": "h"}))) == many
        assert len(store.db.try_read(kept)) == many  # SQLAlchemy's own way begins a transaction: it is ended, too
    await store.db.truncate_log()  # a read that were still open would keep the log
    path = store.db.backing.path
    assert path.with_name(f"{path.name}-wal").stat().st_size == 0


async def test_one_who_stops_waiting_takes_the_answer_from_nobody_else(store):
    claims = store.claims()
    await claims.register()
    await store.accept()
    (leased,) = await claims.lease(1, [])
    asked = [asyncio.create_task(claims.still_ours({leased.item.id: leased.token})) for _ in range(3)]
    await asyncio.sleep(0)
    asked[0].cancel()
    asked[1].cancel()
    assert await asked[2] == {leased.item.id}
    await claims.retire()


async def test_many_rows_go_by_few_statements(store):
    now = store.clock()
    rows = [{"id": f"w{number:02}", "host": "here", "started_at": now} for number in range(37)]
    await store.db.write(lambda conn: ADD.insert_each(conn, rows))
    await store.db.write(lambda conn: ADD.insert_each(conn, []))
    assert await store.db.read(kept) == [(row["id"], "here", now) for row in rows]
    with pytest.raises(StoreConflict):
        await store.db.write(lambda conn: ADD.insert_each(conn, [rows[0] | {"id": "new"}, rows[0]]))
    assert len(await store.db.read(kept)) == 37


async def test_a_statement_for_a_set_takes_any_number_and_counts(store):
    now = store.clock()
    ids = [f"w{number:04}" for number in range(1100)]
    await store.db.write(
        lambda conn: ADD.insert_each(conn, [{"id": one, "host": "here", "started_at": now} for one in ids])
    )
    some = ids[5:1090]
    assert len(await store.db.read(lambda conn: HOSTS.rows_for(conn, [*some, "nobody"], {"host": "here"}))) == 1085
    assert await store.db.write(lambda conn: REMOVE.run_for(conn, [*some, "nobody"], {})) == 1085
    assert await store.db.write(lambda conn: REMOVE.run_for(conn, [], {})) == 0
    assert len(await store.db.read(kept)) == 15


async def test_of_items_that_end_together_those_that_are_gone_are_told(store):
    """Statements for many say only how many: who was late is found out one by one."""
    claims = store.claims()
    await claims.register()
    for _ in range(4):
        await store.accept()
    leased = await claims.lease(100, [])
    endings = [rows.Ending(one.item, State.SENT, one.token) for one in leased]
    endings[2] = rows.Ending(leased[2].item, State.SENT, leased[2].token + 1)
    gone = await store.db.write(lambda conn: rows.end_each(conn, endings, store.clock()))
    assert gone == {leased[2].item.id}
    left = await store.db.read(lambda conn: rows.find_items(conn, [one.item.id for one in leased]))
    assert [one.item.id for one in left] == [leased[2].item.id]
    await claims.retire()


async def test_rows_are_read_by_name_as_their_types_say(store):
    now = store.clock()
    await store.db.write(
        lambda conn: ADD.insert_each(conn, [{"id": name, "host": "here", "started_at": now} for name in ("a", "b")])
    )
    query = Statement(select(workers).where(workers.c.host == bindparam("at")).order_by(workers.c.id))

    def read(conn):
        return query.row(conn, {"at": "here"}), query.row(conn, {"at": "nowhere"}), query.rows(conn, {"at": "here"})

    first, none, every = await store.db.read(read)
    assert first == {"id": "a", "host": "here", "started_at": now}
    assert none is None
    assert [row["id"] for row in every] == ["a", "b"]
