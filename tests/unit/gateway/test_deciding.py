"""Quick messages that are ready together are scanned together; what one of them does to it is its own affair."""

import asyncio
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from gateway.deciding import BatchScanner
from rules.content import Content, Part
from rules.errors import EngineFailed
from rules.finding import Scanned


@dataclass
class Noting:
    """A matcher that notes how many it was given at once; it fails at a text that says so."""

    given: list[int] = field(default_factory=list)
    alone: int = 0
    threads: set[int] = field(default_factory=set)

    def scan(self, content: Content) -> Scanned:
        self.alone += 1
        self.threads.add(threading.get_ident())
        if any(part.text == "fail" for part in content.parts):
            raise EngineFailed("at this one")
        return Scanned((), content)

    def scan_within(self, contents: Sequence[Content], steps: int) -> list[Scanned | None]:
        assert 0 < steps < 5_000
        self.given.append(len(contents))
        if any(part.text == "fail" for content in contents for part in content.parts):
            raise EngineFailed("at one of them")
        return [None if content.parts[0].text == "long" else Scanned((), content) for content in contents]


def text(said: str) -> Content:
    return Content((Part("body", said),))


async def test_those_of_one_turn_are_scanned_as_one_and_some_at_a_time() -> None:
    scanner, matcher = BatchScanner(), Noting()
    contents = [text(str(number)) for number in range(19)]
    scanned = await asyncio.gather(*(scanner.scan(matcher, content) for content in contents))
    assert [one.content for one in scanned] == contents
    assert matcher.given == [8, 8, 3]
    assert (await scanner.scan(matcher, contents[0])).content == contents[0]
    assert matcher.given == [8, 8, 3, 1]
    assert matcher.alone == 0


async def test_only_whose_message_it_is_fails() -> None:
    scanner, matcher = BatchScanner(), Noting()
    contents = [text(said) for said in ("a", "fail", "b")]
    scanned = await asyncio.gather(*(scanner.scan(matcher, one) for one in contents), return_exceptions=True)
    assert [type(one) for one in scanned] == [Scanned, EngineFailed, Scanned]
    with pytest.raises(EngineFailed, match="at this one"):
        await scanner.scan(matcher, text("fail"))


async def test_what_takes_long_is_scanned_by_itself_in_a_thread() -> None:
    scanner, matcher = BatchScanner(), Noting()
    contents = [text(said) for said in ("a", "long", "b")]
    scanned = await asyncio.gather(*(scanner.scan(matcher, one) for one in contents))
    assert [one.content for one in scanned] == contents
    assert (matcher.given, matcher.alone) == ([3], 1)
    assert matcher.threads.isdisjoint({threading.get_ident()})


async def test_a_client_that_has_gone_is_not_waited_for() -> None:
    scanner, matcher = BatchScanner(), Noting()
    waits = [asyncio.create_task(scanner.scan(matcher, text(str(number)))) for number in range(3)]
    await asyncio.sleep(0)
    waits[1].cancel()
    done = await asyncio.gather(*waits, return_exceptions=True)
    assert [type(one) for one in done] == [Scanned, asyncio.CancelledError, Scanned]
    assert matcher.given == [2]
    gone = asyncio.create_task(scanner.scan(matcher, text("x")))
    await asyncio.sleep(0)
    gone.cancel()
    await asyncio.sleep(0.01)
    assert (await scanner.scan(matcher, text("y"))).content == text("y")


async def test_after_a_reload_each_is_scanned_by_the_matcher_that_was_in_force() -> None:
    scanner, old, new = BatchScanner(), Noting(), Noting()
    waits = [scanner.scan(matcher, text("x")) for matcher in (old, new, old, new, new)]
    await asyncio.gather(*waits)
    assert (old.given, new.given) == ([2], [3])
