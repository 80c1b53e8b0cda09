"""A queue in which much waits: what is done often costs what it always does, what is done to all is done in steps."""

from dataclasses import replace
from datetime import timedelta

import pytest

from delivery.appetite import LEASES
from delivery.circuits import Circuit
from delivery.fairness import Urgency
from delivery.items import Destination, Lane, Reply, State
from delivery.store import circuits, items, lapses, messages, waits, workers
from delivery.store.statements import execute_plain
from delivery.store.waits import Place, change_all, made_due, made_due_for, postponed
from keys.tokens import new_id
from policy.decision import Route

RELAY = Lane(Destination(Route.RELAY))
GONE = Reply(451, "4.4.1", "nobody answers")
_EVERY = 50  # instructions between two counts


async def crowd(store, count, *, due_in=timedelta(hours=1), lease=None, **values):
    """So many items of one message that wait; their message."""
    message = await store.accept(store.item("first@there.test"))
    first = (await store.only(message)).line.item
    at = store.clock() + due_in
    given = {"next_at": at, "state": State.DUE, "urgency": int(Urgency.RETRY), "last_reply": str(GONE), **values}
    copies = [items.ItemRow(replace(first, id=new_id(), **given), store.clock(), lease=lease) for _ in range(count)]
    await store.db.write(lambda conn: items.insert_items(conn, copies))
    return message


async def instructions(store, work):
    """About how many instructions SQLite takes for a work, once its statements are prepared. The work is undone."""

    def counted(conn):
        counts = []
        driver = conn.connection.dbapi_connection
        for _ in range(2):
            counts.clear()
            execute_plain(conn, "SAVEPOINT before")
            driver.set_progress_handler(lambda: counts.append(1), _EVERY)
            try:
                work(conn)
            finally:
                driver.set_progress_handler(None, 0)
            execute_plain(conn, "ROLLBACK TO SAVEPOINT before")
            execute_plain(conn, "RELEASE SAVEPOINT before")
        return len(counts)

    return await store.db.write(counted)


def often(now, worker, leased):
    """What is done for every message, or every few seconds."""
    ids = [one.item.id for one in leased]
    tokens = {one.item.id: one.token for one in leased}
    endings = [items.Ending(one.item, State.SENT, one.token) for one in leased]
    message = leased[0].item.message_id
    return {
        "outlook": items.due_at,
        "lease": lambda conn: items.lease_due(conn, "w", now, until=now, limit=LEASES, urgent=5),
        "confirm": lambda conn: items.tokens_held(conn, worker, ids[:1]),
        "renew": lambda conn: items.renew(conn, worker, tokens, now),
        "give back": lambda conn: items.give_back(conn, worker, tokens, now),
        "defer": lambda conn: items.move(conn, ids[0], State.LEASED, State.DUE, 1),
        "end": lambda conn: items.end_each(conn, endings, now),
        "free lapsed": lambda conn: lapses.free(
            conn, [lapses.Lease(one.item.id, one.token, one.until) for one in leased]
        ),
        "look at leases": lambda conn: lapses.leases_beside(conn, worker, ids),
        "free the dead": lambda conn: workers.retire_workers(conn, ["gone"]),
        "clocks": lambda conn: waits.step(conn, waits.made_due_beyond(now, now + timedelta(hours=3))),
        "open": lambda conn: messages.find_message(conn, message),
        "finish": lambda conn: messages.finish_messages(conn, [message], now),
        "forget": lambda conn: messages.purge_history(conn, now - timedelta(days=30)),
    }


async def test_what_is_done_often_costs_the_same_however_much_waits(sqlite_store):
    store = sqlite_store
    claims = store.claims()
    await crowd(store, 300)
    await crowd(store, 900, due_in=timedelta(seconds=-1))
    leased = await claims.lease(LEASES, ())
    assert len(leased) == LEASES
    works = often(store.clock(), claims.worker, leased)
    few = {name: await instructions(store, work) for name, work in works.items()}
    await crowd(store, 5000)
    in_hand = await crowd(store, 1500, state=State.LEASED, lease=(claims.worker, store.clock()))
    assert (await store.states(in_hand)).count(State.LEASED) == 1500
    grow = {"look at leases", "free the dead"}  # with what is leased: a few thousand at most
    many = {name: await instructions(store, work) for name, work in works.items() if name not in grow}
    assert {name: (few[name], many[name]) for name in many if many[name] > few[name] * 1.2 + 3} == {}


async def test_leasing_costs_the_same_however_much_is_due(sqlite_store):
    store, now = sqlite_store, sqlite_store.clock()

    def lease(conn):
        items.lease_due(conn, "w", now, until=now, limit=LEASES, urgent=5)

    await crowd(store, 900, due_in=timedelta(seconds=-1))
    few = await instructions(store, lease)
    await crowd(store, 5000, due_in=timedelta(seconds=-1))
    assert await instructions(store, lease) <= few * 1.2 + 3


@pytest.fixture
def steps(store, monkeypatch):
    """Steps are small, and what each of them changed is kept."""
    monkeypatch.setattr(waits, "STEP", 10)
    real, taken = waits.step, []

    def step(conn, change, place=waits.START):
        changed, ended = real(conn, change, place)
        taken.append(changed)
        return changed, ended

    monkeypatch.setattr(waits, "step", step)
    return taken


async def next_tries(store, message):
    return [story.line.item.next_at for story in await store.stories(message)]


async def test_what_waited_for_a_destination_goes_in_steps_and_nothing_else_does(store, steps):
    now, later = store.clock(), store.clock() + timedelta(hours=1)
    ours = await crowd(store, 25)  # all at the same moment
    spread = await crowd(store, 15, urgency=int(Urgency.MAIL), due_in=timedelta(minutes=5))
    elsewhere = await crowd(store, 12, destination=Destination(Route.PARTNER, "st-mary"))
    greylisted = await crowd(store, 8, last_reply="450 4.2.0 come again")
    assert await change_all(store.db, made_due(RELAY, now)) == 40
    assert set(await next_tries(store, ours)) == set(await next_tries(store, spread)) == {now}
    assert later in await next_tries(store, elsewhere)
    assert later in await next_tries(store, greylisted)
    assert max(steps) <= 10
    assert await change_all(store.db, made_due_for(["there.test"], now)) == 20
    assert set(await next_tries(store, elsewhere)) == {now}


async def test_what_has_a_time_of_its_own_does_not_wait_for_a_probe(store, steps):
    now = store.clock()
    due, probe = timedelta(seconds=-1), now + timedelta(minutes=10)
    waiting = await crowd(store, 25, due_in=due)
    ending = await crowd(store, 15, due_in=due, expires_at=now + timedelta(minutes=9))
    assert (
        await change_all(store.db, postponed(Circuit(RELAY, now, probe, 0, GONE), now)) == 27
    )  # the first of each, too
    assert (await next_tries(store, waiting)).count(probe) == 26
    assert (await next_tries(store, ending)).count(probe) == 1
    assert max(steps) <= 10


async def test_a_step_that_is_made_again_changes_what_it_changed(store, steps):
    """Where two transactions stood in each other's way."""
    await crowd(store, 15)
    change = made_due(RELAY, store.clock())
    with pytest.raises(RuntimeError):

        def undone(conn):
            assert waits.step(conn, change, Place())[0] == 10
            raise RuntimeError

        await store.db.write(undone)
    assert await change_all(store.db, change) == 15


async def test_a_clock_that_was_far_ahead_keeps_no_writer_waiting_when_it_is_set_right(store, steps):
    message = await crowd(store, 35, due_in=timedelta(days=400))
    claims = store.claims()
    assert [await claims.take_over(()) for _ in range(5)] == [10, 10, 10, 5, 0]
    assert set(await next_tries(store, message)) == {store.clock()}


@pytest.mark.parametrize("is_open", [True, False])
async def test_nothing_waits_for_a_circuit_that_was_closed_meanwhile(store, is_open):
    until = store.clock() + timedelta(minutes=10)
    circuit = Circuit(RELAY, store.clock(), until, 3, GONE)
    message = await store.accept()
    claims = store.claims()
    (leased,) = await claims.lease(1, ())
    if is_open:
        await store.db.write(lambda conn: circuits.put_circuit(conn, circuit))
    await claims.put_off({leased.item.id: leased.token}, circuit, until)
    item = (await store.only(message)).line.item
    assert item.state is State.DUE
    assert item.next_at == (until if is_open else store.clock())
    assert item.attempts == 0


@pytest.mark.parametrize("domain", ["", "there.test"])
async def test_draining_a_domain_closes_what_kept_it_waiting(store, domain):
    until = store.clock() + timedelta(minutes=10)
    circuit = Circuit(replace(RELAY, domain=domain), store.clock(), until, 3, GONE)
    await store.db.write(lambda conn: circuits.put_circuit(conn, circuit))
    message = await crowd(store, 3)
    assert await store.admin.drain("elsewhere.test", "root") == 0
    assert len(await store.admin.unreached()) == 1
    assert await store.admin.drain("there.test", "root") == 3
    assert await store.admin.unreached() == []
    assert set(await next_tries(store, message)) == {store.clock()}
    assert (await store.kinds()).count("queue.drained") == 1
