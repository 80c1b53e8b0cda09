"""The audit chain: what is committed is chained once, signed and shipped; whatever is done to it afterwards shows."""

import asyncio
import json
from datetime import timedelta
from functools import partial

import pytest
from sqlalchemy import delete, insert, select, text, update

from delivery.errors import StoreUnavailable
from delivery.store import links
from delivery.store.audit import Event, EventKind, record
from delivery.store.erasing import SearchProgress, erase_person, search_further
from delivery.store.schema_audit import audit_checkpoints, audit_events, audit_links
from delivery.trail.keeping import TrailKeeper, shown
from delivery.trail.proof import read_shipped, verify


class Receiver:
    """A place that keeps what it gets, or refuses it."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.down = False

    async def send(self, line: str) -> None:
        if self.down:
            raise StoreUnavailable("down")
        self.lines.append(line)


@pytest.fixture
def keeper(store):
    made = TrailKeeper(store.db, store.vault, store.clock, every=timedelta(minutes=5))
    yield made
    asyncio.run(made._let_go())


def note(store, count: int = 1, **values) -> None:
    persons = {"recipient": "bob@there.test"}
    events = [Event(EventKind.ITEM_SENT, "default", facts={"n": n}, persons=persons, **values) for n in range(count)]
    store.db.write_now(lambda conn: record(conn, store.vault, events, store.clock()))


def proof(store, shipped=()):
    return store.db.read_now(lambda conn: verify(conn, store.vault, store.clock(), shipped))


def change(store, statement) -> None:
    store.db.write_now(lambda conn: conn.execute(statement))


async def chained(store, keeper, count: int = 7) -> None:
    note(store, count)
    assert await keeper.turn()


async def test_every_event_is_chained_once_and_the_end_is_signed(store, keeper):
    await chained(store, keeper)
    assert await keeper.turn()
    found = proof(store)
    assert (found.holds, found.events, found.checkpoints, found.waiting) == (True, 7, 1, 0)


async def test_more_events_than_a_page(store, keeper):
    await chained(store, keeper, 2300)
    assert proof(store).events == 2300


async def test_a_checkpoint_comes_when_its_time_has_come(store, keeper):
    await chained(store, keeper, 1)
    for minutes, count in ((1, 1), (3, 1), (2, 2)):
        store.clock.advance(minutes=minutes)
        await chained(store, keeper, 1)
        assert len(store.db.read_now(links.checkpoints)) == count
    store.clock.advance(hours=1)
    await keeper.turn()
    assert len(store.db.read_now(links.checkpoints)) == 2  # nothing happened: nothing to sign


@pytest.mark.parametrize(
    ("column", "value"),
    [
        (audit_events.c.kind, "item.bounced"),
        (audit_events.c.facts, {"n": 99}),
        (audit_events.c.commitments, {}),
        (audit_events.c.message_id, "another"),
        (audit_events.c.sealed, b"x"),
        (audit_events.c.persons, {"recipient": {"salt": "00", "value": "eve@there.test"}}),
    ],
)
async def test_a_changed_event_shows(store, keeper, column, value):
    await chained(store, keeper)
    change(store, update(audit_events).where(audit_events.c.id == 4).values({column: value}))
    found = proof(store)
    assert not found.holds
    assert "link 4" in found.faults[0]


async def test_an_event_moved_in_time_shows(store, keeper):
    await chained(store, keeper)
    change(store, update(audit_events).where(audit_events.c.id == 2).values(at=store.clock() - timedelta(days=1)))
    assert "(link 2) was changed" in proof(store).faults[0]


async def test_a_missing_event_shows(store, keeper):
    await chained(store, keeper)
    change(store, delete(audit_events).where(audit_events.c.id == 3))
    assert proof(store).faults == ["the event of link 3 (row 3) is missing"]


async def test_an_event_taken_out_with_its_link_shows(store, keeper):
    await chained(store, keeper)
    change(store, delete(audit_links).where(audit_links.c.number == 3))
    assert "links 3 to 3 are missing" in proof(store).faults


async def test_a_trail_cut_off_shows(store, keeper):
    await chained(store, keeper)
    for table in (audit_links.c.number, audit_events.c.id):
        change(store, delete(table.table).where(table > 5))
    assert "the chain was cut off: a checkpoint of 2026-03-02 09:00 names link 7" in proof(store).faults


async def test_a_chain_written_anew_shows(store, keeper):
    """Whoever knows how links are made can make others, but cannot sign them."""
    await chained(store, keeper)
    change(store, update(audit_events).where(audit_events.c.id == 1).values(kind="item.bounced"))
    change(store, delete(audit_links))

    def again(conn):
        links.append(conn, links.Head(), links.unlinked(conn, 0))

    store.db.write_now(again)
    assert "the chain was written anew" in proof(store).faults[0]
    change(store, update(audit_checkpoints).values(link=store.db.read_now(links.head).link))
    assert "is not signed by this installation" in proof(store).faults[0]


async def test_cut_off_with_its_checkpoints_shows_by_those_that_were_shipped(store):
    place = Receiver()
    keeper = TrailKeeper(store.db, store.vault, store.clock, every=timedelta(minutes=5), ship=[("far", place)])
    await chained(store, keeper)
    await keeper._let_go()
    shipped = read_shipped(f"Mar  2 09:00:00 host sealgate: {line}\n" for line in place.lines)
    assert proof(store, shipped).shipped == 1
    assert proof(store, shipped).holds
    change(store, delete(audit_checkpoints))
    change(store, delete(audit_links).where(audit_links.c.number > 5))
    change(store, delete(audit_events).where(audit_events.c.id > 5))
    assert proof(store).holds  # nothing here tells
    assert proof(store, shipped).faults == ["the chain was cut off: the shipped checkpoint of line 1 names link 7"]


async def test_a_forged_shipped_checkpoint_shows(store, keeper):
    await chained(store, keeper)
    (made,) = store.db.read_now(links.checkpoints)
    line = shown(store.vault, made)
    forged = read_shipped([json.dumps(line | {"at": "2026-03-02T10:00:00Z"})])
    assert "not signed by this installation" in proof(store, forged).faults[0]
    with pytest.raises(ValueError, match="line 2 holds no checkpoint"):
        read_shipped([json.dumps(line), '{"number": 1}'])


async def test_an_event_slipped_in_shows(store, keeper):
    await chained(store, keeper)
    row = store.db.read_now(lambda conn: conn.execute(select(audit_events).limit(1)).one())
    values = dict(row._mapping) | {"id": -5, "event": "slipped", "at": store.clock() - timedelta(hours=1)}
    change(store, insert(audit_events).values(values))
    await keeper.turn()
    assert "1 events older than 2 minutes are in no chain" in proof(store).faults[0]


async def test_what_was_just_written_only_waits(store, keeper):
    await chained(store, keeper)
    note(store, 3)
    assert (proof(store).holds, proof(store).waiting) == (True, 3)


async def test_erasing_a_person_breaks_nothing(store, keeper):
    await chained(store, keeper)
    store.db.write_now(lambda conn: erase_person(conn, "default", "bob@there.test"))
    assert proof(store).holds
    assert all(not event["persons"] for event in await store.events())


async def test_a_long_trail_is_looked_through_before_anybody_waits(store, keeper, monkeypatch):
    """A page at a time; no more is kept of it than which events to change, and what comes meanwhile goes, too."""
    monkeypatch.setattr("delivery.store.erasing._PAGE", 3)
    await chained(store, keeper)
    before = len(await store.events())
    pages, looked = 0, SearchProgress()
    while (further := store.db.read_now(partial(_look, looked))) != looked:
        pages, looked = pages + 1, further
    assert pages == -(-before // 3) > 1
    note(store, 1)  # while the admin's command gets its turn to write
    assert store.db.write_now(lambda conn: erase_person(conn, "default", "bob@there.test", looked)) == before + 1
    assert len(looked.ids) == before
    assert all(not event["persons"] for event in await store.events())
    assert store.db.write_now(lambda conn: erase_person(conn, "default", "bob@there.test")) == 0


@pytest.mark.parametrize("store_url", [pytest.param("postgresql", marks=pytest.mark.postgres)], indirect=True)
async def test_what_is_committed_behind_others_is_erased_too(store, keeper):
    """PostgreSQL numbers rows before they are committed: one may come in among those that were looked at."""
    await chained(store, keeper, 2)
    first = len(await store.events())
    late, look = store.db.backing.upgrader, SearchProgress()
    event = Event(EventKind.ITEM_SENT, "default", persons={"recipient": "bob@there.test"})
    with late.connect() as slow, slow.begin():
        record(slow, store.vault, [event], store.clock())
        note(store, 1)
        while (further := store.db.read_now(partial(_look, look))) != look:
            look = further
        assert len(look.ids) == first + 1
    late.dispose()
    assert store.db.write_now(lambda conn: erase_person(conn, "default", "bob@there.test", look)) == first + 2
    assert all(not event["persons"] for event in await store.events())


def _look(looked, conn):
    return search_further(conn, "default", "bob@there.test", looked)


async def test_one_chains_for_all_and_another_takes_over(store, keeper, open_store):
    other = open_store(store.url)
    second = TrailKeeper(other.db, other.vault, other.clock, every=timedelta(minutes=5))
    await chained(store, keeper)
    assert not await second.turn()
    note(store, 2)
    await keeper._let_go()
    assert await second.turn()
    note(other, 2)
    assert await second.turn()
    assert not await keeper.turn()
    await second._let_go()
    assert (proof(store).holds, proof(store).events) == (True, 11)


@pytest.mark.parametrize("store_url", [pytest.param("postgresql", marks=pytest.mark.postgres)], indirect=True)
async def test_what_is_committed_late_is_chained_late(store_url, open_store):
    """On PostgreSQL a transaction may commit after one that began later: its rows come after theirs.

    SQLite has one writer at a time.
    """
    store = open_store(store_url)
    keeper = TrailKeeper(store.db, store.vault, store.clock, every=timedelta(minutes=5))
    late = [Event(EventKind.ITEM_SENT, "default", facts={"late": True})]
    with store.db.backing.writing() as conn, conn.begin():
        record(conn, store.vault, late, store.clock())
        await chained(store, keeper, 2)
        assert proof(store).events == 2
    await keeper.turn()
    assert (proof(store).events, proof(store).waiting) == (3, 0)
    # and where another process takes over in between
    with store.db.backing.writing() as conn, conn.begin():
        record(conn, store.vault, late, store.clock())
        await chained(store, keeper, 2)
        await keeper._let_go()
        await chained(store, keeper, 1)
    await keeper.turn()
    await keeper._let_go()
    assert (proof(store).events, proof(store).waiting, proof(store).holds) == (7, 0, True)


async def test_a_place_that_is_down_gets_all_of_it_later(store):
    place = Receiver()
    keeper = TrailKeeper(store.db, store.vault, store.clock, every=timedelta(minutes=5), ship=[("far", place)])
    place.down = True
    for _ in range(3):
        await chained(store, keeper, 2)
        store.clock.advance(minutes=6)
    assert place.lines == []
    place.down = False
    await keeper.turn()
    await keeper._let_go()
    assert [json.loads(line)["number"] for line in place.lines] == [2, 4, 6]


async def test_a_store_that_fails_is_tried_again(sqlite_store):
    keeper = TrailKeeper(sqlite_store.db, sqlite_store.vault, sqlite_store.clock, every=timedelta(minutes=5))
    await chained(sqlite_store, keeper)
    change(sqlite_store, text("ALTER TABLE audit_links RENAME TO gone"))
    note(sqlite_store, 1)
    with pytest.raises(StoreUnavailable):
        await keeper.turn()
    change(sqlite_store, text("ALTER TABLE gone RENAME TO audit_links"))
    await keeper._let_go()
    assert await keeper.turn()
    await keeper._let_go()
    assert proof(sqlite_store).events == 8
