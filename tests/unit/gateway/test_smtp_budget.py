"""The memory budget: nothing is lost of it, whoever waits, gives up or is cancelled."""

import asyncio

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
