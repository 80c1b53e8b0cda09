"""What is in a hurry goes once the loop has nothing else to do, what is patient goes along with it."""

import asyncio

from delivery.store.gathering import Gathering


async def _sent(sent: list[list[str]], many: int) -> None:
    async with asyncio.timeout(10):
        while len(sent) < many:
            await asyncio.sleep(0)


async def test_what_is_asked_for_in_one_moment_goes_together() -> None:
    sent: list[list[str]] = []
    gathering = Gathering(asyncio.get_running_loop(), sent.append)
    gathering.add("a")
    gathering.add("b")
    await _sent(sent, 1)
    gathering.add("c")
    await _sent(sent, 2)
    assert sent == [["a", "b"], ["c"]]


async def test_what_is_patient_goes_with_the_next_that_is_in_a_hurry() -> None:
    sent: list[list[str]] = []
    gathering = Gathering(asyncio.get_running_loop(), sent.append)
    gathering.add_patient("later", 3600)
    for _ in range(20):
        await asyncio.sleep(0)
    assert sent == []
    gathering.add("now")
    await _sent(sent, 1)
    assert sent == [["later", "now"]], "what was there first goes first"


async def test_what_is_patient_goes_alone_in_the_end_and_takes_along_what_has_just_come() -> None:
    sent: list[list[str]] = []
    gathering = Gathering(asyncio.get_running_loop(), sent.append)
    gathering.add_patient("first", 0.001)
    await _sent(sent, 1)
    gathering.add_patient("second", 0.0)
    gathering.add("third")
    await _sent(sent, 2)
    for _ in range(20):
        await asyncio.sleep(0)
    assert sent[0] == ["first"]
    assert sorted(sent[1]) == ["second", "third"]
    assert len(sent) == 2, "nothing is sent twice, and nothing empty"


async def test_too_many_do_not_wait() -> None:
    sent: list[list[int]] = []
    gathering = Gathering(asyncio.get_running_loop(), sent.append)
    for number in range(300):
        gathering.add_patient(number, 3600)
    assert [len(some) for some in sent] == [256]
