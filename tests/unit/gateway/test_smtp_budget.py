"""The memory budget: nothing is lost of it, whoever waits, gives up or is cancelled."""

import asyncio
import random
from contextlib import ExitStack

import pytest

from gateway.smtp.budget import MemoryBudget


async def test_what_is_there_is_had_at_once_and_given_back() -> None:
    budget = MemoryBudget(100)
    with budget.share() as share:
        assert await share.reach(60, 0)
        assert await share.reach(50, 0)
        assert (budget.free, share.held) == (40, 60)
    assert budget.free == 100


async def test_more_than_there_is_will_never_be_had() -> None:
    assert not await MemoryBudget(100).take(101, 1000)


async def test_who_waits_gets_it_in_order() -> None:
    budget = MemoryBudget(100)
    assert await budget.take(90, 0)
    order: list[int] = []

    async def want(number: int, amount: int) -> None:
        assert await budget.take(amount, 1000)
        order.append(number)

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(want(1, 50))
        tasks.create_task(want(2, 5))  # would fit, and waits all the same: the large are not starved
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert order == []
        budget.give(90)
    assert order == [1, 2]
    assert budget.free == 45


async def test_who_gives_up_leaves_the_rest_to_others() -> None:
    budget = MemoryBudget(100)
    assert await budget.take(90, 0)
    assert not await budget.take(50, 0.01)
    assert await budget.take(10, 0)
    budget.give(100)
    assert budget.free == 100


async def test_who_is_cancelled_leaves_the_rest_to_others() -> None:
    budget = MemoryBudget(100)
    assert await budget.take(90, 0)
    first = asyncio.ensure_future(budget.take(50, 1000))
    second = asyncio.ensure_future(budget.take(10, 1000))
    await asyncio.sleep(0)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    assert await second
    assert budget.free == 0


async def test_cancelled_in_the_moment_of_its_turn_it_is_given_back() -> None:
    budget = MemoryBudget(100)
    assert await budget.take(100, 0)
    waiter = asyncio.ensure_future(budget.take(50, 1000))
    await asyncio.sleep(0)
    budget.give(100)
    waiter.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiter
    assert budget.free == 100


async def test_one_client_leaves_room_for_others() -> None:
    budget = MemoryBudget(100, 75)
    assert await budget.take(60, 0, "hog")
    waiting = asyncio.ensure_future(budget.take(20, 1000, "hog"))  # in line before the other, and not in its way
    await asyncio.sleep(0)
    assert await budget.take(25, 0.01, "other")
    assert not await budget.take(76, 1000, "hog")
    budget.give(60, "hog")
    assert await waiting
    assert budget.free == 55


async def test_who_waits_asks_the_others_to_give_way() -> None:
    budget = MemoryBudget(100)
    with budget.share("slow", lambda: slow.drop()) as slow, budget.share("other") as other:
        assert await slow.reach(90, 0)
        assert await other.reach(50, 1000)
        assert (slow.held, other.held, budget.free) == (0, 50, 50)
    assert budget.free == 100


async def grow(budget: MemoryBudget, client: str, size: int, most: int, step: int = 5) -> int:
    """A message of undeclared size: room is asked for as it comes, and given back once it is dealt with."""
    with budget.share(client, most=most) as share:
        for held in range(step, size + step, step):
            assert await share.reach(min(held, size), 1000)
            await asyncio.sleep(0)
        share.complete()
        await asyncio.sleep(0)
        return share.held


async def test_messages_that_grow_do_not_end_up_waiting_for_each_other() -> None:
    """Each would hold a third, and none get more: all of them come to their end instead."""
    budget = MemoryBudget(100)
    async with asyncio.timeout(10):
        assert await asyncio.gather(*(grow(budget, "one", 60, 60) for _ in range(6))) == [60] * 6
    assert budget.free == 100


async def test_one_clients_part_is_no_trap_either() -> None:
    budget = MemoryBudget(1000, 100)
    async with asyncio.timeout(10):
        done = await asyncio.gather(*(grow(budget, client, 60, 60) for client in ("one", "two") * 4))
    assert done == [60] * 8
    assert budget.free == 1000


@pytest.mark.parametrize("seed", range(20))
async def test_whatever_grows_together_ends(seed: int) -> None:
    rng = random.Random(seed)
    budget = MemoryBudget(100, 80)
    jobs = []
    for _ in range(30):
        most = rng.randint(1, 80)
        jobs.append(grow(budget, rng.choice("abc"), rng.randint(1, most), most, rng.randint(1, 12)))
    async with asyncio.timeout(10):
        await asyncio.gather(*jobs)
    assert budget.free == 100


async def test_a_message_larger_than_it_was_to_be_is_not_refused_for_that() -> None:
    budget = MemoryBudget(100)
    async with asyncio.timeout(10):
        assert await asyncio.gather(*(grow(budget, "one", 30, 10) for _ in range(3))) == [30] * 3
    assert budget.free == 100


async def test_what_is_complete_keeps_nothing_free_for_itself() -> None:
    budget = MemoryBudget(100)
    with budget.share("one", most=90) as one, budget.share("two", most=90) as two:
        assert await one.reach(40, 1000)
        assert not await two.reach(20, 0.01)  # the first could not come to its end any more
        waiting = asyncio.ensure_future(two.reach(20, 1000))
        await asyncio.sleep(0)
        one.complete()
        assert await waiting
    assert budget.free == 100


async def test_who_sends_more_than_declared_holds_up_nobody() -> None:
    """It lacks nothing by its own word, so it stands first in line; others are served past it."""
    budget = MemoryBudget(100)
    with budget.share("liar", most=10) as liar, budget.share("other", most=40) as other:
        assert await liar.reach(10, 1000)
        assert await other.reach(30, 1000)
        waiting = asyncio.ensure_future(liar.reach(90, 1000))
        await asyncio.sleep(0)
        async with asyncio.timeout(5):
            assert await other.reach(40, 1000)
        other.drop()
        assert await waiting
    assert budget.free == 100


async def test_a_client_whose_messages_have_to_wait_keeps_no_other_waiting() -> None:
    """Only its slow one could come to its end: its many others get no more, and stand before the newcomer."""
    budget = MemoryBudget(1000, 750)
    with ExitStack() as stack:
        slow = stack.enter_context(budget.share("crowd", most=100))
        assert await slow.reach(60, 1000)
        crowd = [stack.enter_context(budget.share("crowd", most=100)) for _ in range(16)]
        for one in crowd:
            assert await one.reach(40, 1000)
        steps = [asyncio.ensure_future(one.reach(45, 1000)) for one in crowd]
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert sum(step.done() for step in steps) == 2
        other = stack.enter_context(budget.share("other", most=101))
        async with asyncio.timeout(5):
            assert await other.reach(101, 1000)
        for step in steps:
            step.cancel()
        await asyncio.gather(*steps, return_exceptions=True)
    assert budget.free == 1000
