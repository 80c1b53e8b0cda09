"""Pauses, trying now what waits, and where mail piles up: kept in the database, so that every worker obeys."""

from datetime import timedelta

from delivery.couriers.courier import Deferred
from delivery.items import Reply, State
from delivery.store import pauses
from delivery.store.ages import STEPS

LATER = Deferred(Reply(451, "4.7.1", "come back"))


async def test_a_pause_is_begun_once_and_ended_once(store):
    assert await store.admin.pause("one.test", "root")
    assert not await store.admin.pause("one.test", "root")
    assert store.db.read_now(pauses.paused) == {"one.test": store.clock()}
    assert await store.admin.resume("one.test", "root")
    assert not await store.admin.resume("one.test", "root")
    assert store.db.read_now(pauses.paused) == {}
    acts = [event for event in await store.events() if event["kind"].startswith("queue.")]
    assert [(act["kind"], act["facts"], act["persons"]) for act in acts] == [
        ("queue.paused", {"domain": "one.test"}, {"actor": "root"}),
        ("queue.resumed", {"domain": "one.test"}, {"actor": "root"}),
    ]


async def test_nothing_goes_to_a_paused_domain_and_all_else_does(store):
    await store.admin.pause("one.test", "root")
    async with store.working():
        await store.until(lambda: store.workers[0]._paused == {"one.test"})
        waits = await store.accept(store.item("a@one.test"))
        goes = await store.accept(store.item("b@two.test"))
        await store.until_state(goes, State.SENT)
        assert (await store.only(waits)).line.item.state is State.DUE
        await store.admin.resume("one.test", "root")
        await store.until_state(waits, State.SENT)
    assert sorted(store.courier.recipients) == ["a@one.test", "b@two.test"]
    await store.conserved()


async def test_all_mail_waits_and_goes_on(store):
    await store.admin.pause("*", "root")
    async with store.working():
        await store.until(lambda: store.workers[0]._paused == {"*"})
        message_id = await store.accept(store.item("a@one.test"))
        store.again()
        assert (await store.only(message_id)).line.item.state is State.DUE
        await store.admin.resume("*", "root")
        await store.until_state(message_id, State.SENT)


async def test_a_domain_is_tried_now_and_no_other(store):
    store.courier.answers = {"a@one.test": LATER, "b@two.test": LATER}
    one, two = await store.accept(store.item("a@one.test")), await store.accept(store.item("b@two.test"))
    async with store.working():
        for message_id in (one, two):

            async def tried(message_id=message_id):
                return (await store.only(message_id)).line.item.attempts == 1

            await store.until(tried)
        store.courier.answers.clear()
        assert await store.admin.drain("one.test", "root") == 1
        assert await store.admin.drain("nowhere.test", "root") == 0
        await store.until_state(one, State.SENT)
    assert (await store.only(two)).line.item.state is State.DUE


async def test_piles_by_domain_and_age(store):
    for hours, recipients in ((30, ["a@one.test"]), (1, ["b@one.test", "c@two.test"]), (0, ["d@one.test"])):
        store.clock.now -= timedelta(hours=hours)
        await store.accept(*(store.item(recipient) for recipient in recipients))
        store.clock.now += timedelta(hours=hours)
    await store.accept(store.item("e@two.test", state=State.HELD))
    found, paused = await store.admin.stats()
    assert paused == {}
    assert [(pile.domain, pile.items, pile.held) for pile in found] == [("one.test", 3, 0), ("two.test", 2, 1)]
    assert found[0].oldest_at == store.clock() - timedelta(hours=30)
    hour = next(number for number, step in enumerate(STEPS) if step > timedelta(hours=1))
    wanted = [0] * (len(STEPS) + 1)
    wanted[0] = wanted[hour] = wanted[-1] = 1
    assert list(found[0].by_age) == wanted
    assert len((await store.admin.stats(limit=1))[0]) == 1
