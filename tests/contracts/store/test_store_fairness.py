"""Who is leased first, and destinations that are left alone, on every database."""

import asyncio
from datetime import timedelta

from delivery.circuits import FAILURES, FIRST_PROBE
from delivery.couriers.courier import Deferred
from delivery.fairness import LETTERS, Urgency
from delivery.items import Destination, Kind, Lane, Reply, State
from delivery.store.circuits import open_circuits
from policy.decision import Route

GONE = Deferred(Reply(451, "4.4.1", "Connecting failed: refused"), unreached=True)
GREY = Deferred(Reply(450, "4.2.0", "greylisted"))


async def leased(store, limit, **given):
    found = await store.claims().lease(limit, (), **given)
    return [one.item.recipient for one in found]


async def test_a_code_is_leased_before_ten_thousand_mails(store):
    await store.queue.accept(store.message(), [store.item(f"{n}@there.test") for n in range(LETTERS * 3)])
    await store.accept(store.item("letter@there.test"), sender="bob@example.com")
    await store.accept(store.item("notice@there.test", kind=Kind.NOTICE))
    await store.accept(store.item("code@there.test", kind=Kind.NOTICE, at_once=True))
    claims = store.claims()
    ours = await claims.lease(0, (), urgent=5)
    assert sorted(one.item.recipient for one in ours) == ["code@there.test", "notice@there.test"]
    assert {one.item.urgency for one in ours} == {Urgency.CODE, Urgency.OWN}
    others = await leased(store, 5)
    assert "letter@there.test" in others
    assert len(others) == 5


async def test_a_second_mailing_does_not_wait_for_the_first(store):
    for number in range(40):
        recipients = [store.item(f"{number}-{n}@there.test") for n in range(50)]
        await store.queue.accept(store.message(sender="first@example.com"), recipients)
    store.clock.advance(seconds=10)
    await store.queue.accept(store.message(sender="second@example.com"), [store.item("early@there.test")])
    assert "early@there.test" in await leased(store, LETTERS * 2)  # of 2001 that wait


async def test_what_failed_stands_behind_what_is_new_and_still_gets_a_share(store):
    store.courier.answers = {"old@there.test": GREY}
    old = await store.accept(store.item("old@there.test"))
    async with store.working():

        async def tried():
            return (await store.only(old)).line.item.attempts == 1

        await store.until(tried)
    assert (await store.only(old)).line.item.urgency == Urgency.RETRY
    store.clock.advance(hours=1)
    await store.accept(*(store.item(f"new{n}@there.test") for n in range(40)))
    found = await leased(store, 20)
    assert "old@there.test" in found
    assert len(found) == 20


async def test_busy_lanes_and_paused_domains_are_passed_over(store):
    await store.accept(store.item("a@one.test"), store.item("b@two.test"))
    await store.accept(store.item("c@in.test", kind=Kind.NOTICE))
    relay = Destination(Route.RELAY)
    claims = store.claims()
    assert await claims.lease(10, [Lane(relay), Lane(relay, urgent=True)], urgent=10) == []
    ours = await claims.lease(10, [Lane(relay)], urgent=10)
    assert [one.item.recipient for one in ours] == ["c@in.test"]
    assert await leased(store, 10, paused=["one.test"]) == ["b@two.test"]


async def circuits_of(store):
    return await store.db.read(open_circuits)


async def test_a_dead_destination_is_left_alone_and_its_mail_goes_when_it_is_back(store):
    store.courier.answers = {f"{n}@dead.test": GONE for n in range(50)}
    async with store.working(split_domains=True) as worker:
        first = [await store.accept(store.item(f"{n}@dead.test")) for n in range(FAILURES)]

        async def is_open():
            return bool(await circuits_of(store))

        await store.until(is_open)
        (circuit,) = await store.admin.unreached()
        assert (circuit.lane.domain, circuit.reply.status) == ("dead.test", "4.4.1")
        tries = len(store.courier.deliveries)
        late = [await store.accept(store.item(f"{n}@dead.test")) for n in range(10, 20)]
        well = await store.accept(store.item("a@alive.test"))
        await store.until_state(well, State.SENT)

        async def waits():
            items = [(await store.only(message)).line.item for message in late]
            return all(item.state is State.DUE and item.next_at >= circuit.until for item in items)

        await store.until(waits)
        assert [(await store.only(message)).line.item.attempts for message in late] == [0] * 10
        assert len(store.courier.deliveries) == tries + 1  # the one to somewhere else
        store.courier.answers.clear()
        store.again(seconds=FIRST_PROBE.total_seconds() + 1)
        for message in (*first, *late):  # those tried before were to wait for minutes
            await store.until_state(message, State.SENT)
        await store.until(lambda: worker._breaker.blocking_circuit(circuit.lane) is None)
        assert await circuits_of(store) == []
    await store.conserved()


async def test_a_circuit_keeps_nothing_from_its_fallback_or_its_end(store):
    store.courier.answers = {f"{n}@dead.test": GONE for n in range(50)}
    async with store.working(split_domains=True):
        for n in range(FAILURES):
            await store.accept(store.item(f"{n}@dead.test"))

        async def is_open():
            return bool(await circuits_of(store))

        await store.until(is_open)
        ends = await store.accept(store.item("9@dead.test", expires_after=timedelta(seconds=10)))
        store.again(seconds=11)
        await store.until_state(ends, State.BOUNCED)
    assert "5.4.7" in (await store.only(ends)).line.item.last_reply


async def test_an_admin_who_drains_closes_the_circuit(store):
    store.courier.answers = {f"{n}@dead.test": GONE for n in range(50)}
    async with store.working(split_domains=True):
        waiting = [await store.accept(store.item(f"{n}@dead.test")) for n in range(FAILURES)]

        async def is_open():
            return bool(await circuits_of(store))

        await store.until(is_open)
        store.courier.answers.clear()
        store.clock.advance(seconds=6)  # what the worker wrote itself it believes for a while
        assert await store.admin.retry((await store.only(waiting[0])).line.item.id, "root")
        await store.until_state(waiting[0], State.SENT)
        await store.admin.drain("dead.test", "root")
        for message in waiting:
            await store.until_state(message, State.SENT)
        assert await circuits_of(store) == []


async def test_greylisting_is_no_reason_to_leave_a_destination_alone(store):
    store.courier.answers = {f"{n}@grey.test": GREY for n in range(50)}
    async with store.working(split_domains=True) as worker:
        waiting = [await store.accept(store.item(f"{n}@grey.test")) for n in range(FAILURES * 2)]

        async def tried():
            return all([(await store.only(message)).line.item.attempts == 1 for message in waiting])

        await store.until(tried)
        assert await circuits_of(store) == []
        store.courier.answers.clear()
        store.again(minutes=6)  # within the first wait and its spread
        for message in waiting:
            await store.until_state(message, State.SENT)
        assert worker.id


async def test_our_own_mail_is_not_held_up_by_a_lane_that_is_full(store, make):
    courier = store.courier
    courier.gate = asyncio.Event()
    async with store.working(limits=make.limits(deliveries=2, per_lane=2)):
        for number in range(6):
            await store.accept(store.item(f"{number}@there.test"))
        code = await store.accept(store.item("guest@there.test", kind=Kind.NOTICE, at_once=True))
        await store.until(lambda: "guest@there.test" in courier.recipients)
        assert len(courier.recipients) == 3  # two of the others, and this
        courier.gate.set()
        await store.until_state(code, State.SENT)


async def test_a_circuit_that_nothing_probes_is_forgotten(store):
    store.courier.answers = {f"{n}@dead.test": GONE for n in range(50)}
    async with store.working(split_domains=True) as worker:
        for n in range(FAILURES):
            await store.accept(store.item(f"{n}@dead.test"))

        async def is_open():
            return bool(await circuits_of(store))

        await store.until(is_open)
        await worker._house.purge()
        assert await is_open()
    store.clock.advance(hours=3)
    await worker._house.purge()
    assert await circuits_of(store) == []
