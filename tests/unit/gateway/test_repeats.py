"""Texts that come again: found in them what was found before, searched no more often than needed, kept by nobody."""

import pickle
import threading
from concurrent.futures import ThreadPoolExecutor
from copy import copy
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.repeats import SealedRepeats
from rules.content import Content, Part
from rules.finding import Confidence, Finding, Hit
from rules.matching import UNFINISHED, Matcher
from rules.pack import load_builtin
from rules.repeats import LOOKED_UP_FROM, Searched

PROSE = "The quarter's figures go to the supplier before Tuesday.\n" * 400
SSN = "Her social security number is 536-22-1234.\n"


class Counting(SealedRepeats):
    """Counts what was searched."""

    def __init__(self) -> None:
        super().__init__()
        self.times = 0

    def searched(self, part: Part, left: int, search):  # type: ignore[no-untyped-def]
        def counted() -> Searched:
            self.times += 1
            return search()

        return super().searched(part, left, counted)


@pytest.fixture(scope="module")
def plain() -> Matcher:
    return Matcher(load_builtin())


@pytest.fixture
def matcher(plain: Matcher) -> Matcher:
    """One that remembers; it shares what was compiled."""
    made = copy(plain)
    made._repeats = Counting()
    return made


def times(matcher: Matcher) -> int:
    assert isinstance(matcher._repeats, Counting)
    return matcher._repeats.times


def scan(matcher: Matcher, *parts: Part, why: bool = False) -> tuple[Finding, ...]:
    return matcher.scan(Content(parts), why=why).findings


def test_a_text_is_searched_twice_and_then_known(matcher: Matcher, plain: Matcher) -> None:
    part = Part("report.txt", PROSE + SSN)
    expected = scan(plain, part)
    assert [finding.detector for finding in expected] == ["us.ssn"]
    for _ in range(5):
        assert scan(matcher, part) == expected
    assert times(matcher) == 2


def test_a_text_in_which_nothing_is_found_is_known_too(matcher: Matcher) -> None:
    for _ in range(5):
        assert scan(matcher, Part("report.txt", PROSE)) == ()
    assert times(matcher) == 2


def test_one_digit_makes_another_text(matcher: Matcher) -> None:
    middle = len(PROSE) // 2 + 500
    for _ in range(3):
        assert scan(matcher, Part("a.txt", PROSE)) == ()
    number = " SSN 536-22-1234 "
    hidden = PROSE[:middle] + number + PROSE[middle + len(number) :]
    assert len(hidden) == len(PROSE)
    (finding,) = scan(matcher, Part("a.txt", hidden))
    assert finding.values() == {"536221234"}


def test_a_hit_stands_in_the_file_at_hand(matcher: Matcher, plain: Matcher) -> None:
    for name in ("one.txt", "two.txt", "mail > three.txt"):
        part = Part(name, PROSE + SSN)
        assert scan(matcher, part) == scan(plain, part)
    (finding,) = scan(matcher, Part("four.txt", PROSE + SSN))
    assert finding.hits[0].place == "four.txt > line 401"


def test_marks_and_headers_tell_texts_apart(matcher: Matcher, plain: Matcher) -> None:
    text = PROSE + SSN
    parts = [
        Part("a.txt", text),
        Part("a.pdf", text, ((0, "page 1"), (100, "page 2"))),
        Part("a.pdf", text, ((0, "page 1"), (len(PROSE), "page 2"))),
        Part("headers", text),
        Part("", text),
    ]
    for _ in range(3):
        for part in parts:
            assert scan(matcher, part) == scan(plain, part)


def test_sheets_with_many_marks_are_searched_each_time(matcher: Matcher, plain: Matcher) -> None:
    marks = tuple((place, f"A{place}") for place in range(5000))
    part = Part("a.xlsx", PROSE + SSN, marks)
    for _ in range(3):
        assert scan(matcher, part) == scan(plain, part)


def test_short_texts_are_no_matter_of_it(matcher: Matcher) -> None:
    for _ in range(3):
        assert len(scan(matcher, Part("a.txt", SSN))) == 1
    assert times(matcher) == 0


def test_why_is_found_out_each_time(matcher: Matcher) -> None:
    part = Part("report.txt", PROSE + SSN)
    for _ in range(3):
        scan(matcher, part)
    (finding,) = scan(matcher, part, why=True)
    assert finding.hits[0].because is not None


def test_what_a_text_cost_it_costs_each_time(plain: Matcher) -> None:
    flood = Part("flood.txt", "SSN 536-22-1234, 219-09-9998;" * 2000)
    needed = 0

    class Noting(SealedRepeats):
        def searched(self, part: Part, left: int, search):  # type: ignore[no-untyped-def]
            nonlocal needed
            came = super().searched(part, left, search)
            needed = came.steps
            return came

    made = copy(plain)
    made._repeats = Noting()
    for _ in range(3):
        assert not made.scan(Content((flood,))).content.files
    assert needed > 1000
    made._most_steps = needed * 3 // 2
    assert not made.scan(Content((flood,))).content.files
    twice = (flood, replace(flood, place="again.txt"))
    facts = made.scan(Content(twice)).content.files
    assert [(fact.place, fact.unreadable, fact.reason) for fact in facts] == [("again.txt", True, UNFINISHED)]


@pytest.mark.slow
def test_with_any_number_of_steps_it_finds_what_another_finds(plain: Matcher) -> None:
    flood = Part("flood.txt", "SSN 536-22-1234, 219-09-9998;" * 600)
    assert len(flood.text) > LOOKED_UP_FROM
    twice = Content((flood, replace(flood, place="again.txt")))
    made, other = copy(plain), copy(plain)
    made._repeats = SealedRepeats()
    for _ in range(3):
        made.scan(Content((flood,)))
    for most in range(300, 36_000, 900):
        made._most_steps = other._most_steps = most
        one, two = made.scan(twice), other.scan(twice)
        assert one.findings == two.findings
        assert one.content == two.content


def test_what_is_too_long_is_searched_each_time_and_nobody_waits_for_it() -> None:
    repeats, part = SealedRepeats(), Part("a.txt", PROSE)
    hit = Hit("536221234", Confidence.HIGH, "a.txt > line 1", 0, 9, "•••")
    answer = Searched(({0: [hit] * 5000},), 7, whole=True)
    times: list[int] = []

    def search() -> Searched:
        times.append(1)
        return answer

    for _ in range(4):
        assert repeats.searched(part, 99, search) == answer
    assert len(times) == 4
    assert len(repeats._not_kept) == 1
    assert not repeats._kept._kept


def test_a_result_that_cannot_be_kept_is_given_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> bytes:
        raise MemoryError

    repeats, part = SealedRepeats(), Part("a.txt", PROSE)
    answer = Searched(({},), 7, whole=True)
    monkeypatch.setattr("gateway.repeats.pickle.dumps", fails)
    for _ in range(3):
        assert repeats.searched(part, 99, lambda: answer) == answer


def test_what_was_not_searched_to_its_end_is_not_kept(plain: Matcher) -> None:
    flood = Part("flood.txt", "SSN 536-22-1234, 219-09-9998;" * 2000)
    made = copy(plain)
    made._repeats = SealedRepeats()
    made._most_steps = 100
    for _ in range(3):
        assert made.scan(Content((flood,))).content.files
    made._most_steps = plain._most_steps
    assert made.scan(Content((flood,))).findings == plain.scan(Content((flood,))).findings


def test_nothing_that_was_found_is_kept_in_clear(matcher: Matcher) -> None:
    for _ in range(3):
        scan(matcher, Part("report.txt", PROSE + SSN))
    repeats = matcher._repeats
    assert isinstance(repeats, SealedRepeats)
    held = pickle.dumps((repeats._looks, repeats._kept._kept, repeats._kept._salt))
    assert b"536221234" not in held
    assert b"supplier" not in held
    assert not repeats._searching


def test_threads_that_bring_the_same_text_wait_for_the_first() -> None:
    repeats, part = SealedRepeats(), Part("a.txt", PROSE)
    begun, go_on = threading.Event(), threading.Event()
    seen: list[str] = []
    answer = Searched(({},), 7, whole=True)

    def slow() -> Searched:
        seen.append("slow")
        begun.set()
        assert go_on.wait(30)
        return answer

    def never() -> Searched:
        seen.append("again")
        return answer

    repeats.searched(part, 99, lambda: answer)  # noted
    with ThreadPoolExecutor(4) as pool:
        first = pool.submit(repeats.searched, part, 99, slow)
        assert begun.wait(30)
        others = [pool.submit(repeats.searched, part, 99, never) for _ in range(3)]
        go_on.set()
        assert [first.result(30), *(other.result(30) for other in others)] == [answer] * 4
    assert seen == ["slow"]


def test_a_search_that_fails_holds_nobody_up() -> None:
    repeats, part = SealedRepeats(), Part("a.txt", PROSE)

    def fails() -> Searched:
        raise RuntimeError

    repeats.searched(part, 99, lambda: Searched((), 0, whole=False))
    for _ in range(2):
        with pytest.raises(RuntimeError):
            repeats.searched(part, 99, fails)
    assert repeats.searched(part, 99, lambda: Searched((), 9, whole=True)).steps == 9


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, 3), min_size=2, max_size=8), st.data())
def test_a_matcher_that_remembers_finds_what_another_finds(order: list[int], data: st.DataObject) -> None:
    plain, remembering = _pair()
    texts = [
        PROSE[: LOOKED_UP_FROM + 100]
        + data.draw(st.sampled_from([SSN, "card 4012 8888 8888 1881\n", "x" * 43 + "\n", "\u202e" + SSN]))
        for _ in range(4)
    ]
    for index in order:
        part = Part(f"{index}.txt", texts[index])
        assert scan(remembering, part) == scan(plain, part)


def _pair() -> tuple[Matcher, Matcher]:
    if not _MADE:
        _MADE.append(Matcher(load_builtin()))
    made = copy(_MADE[0])
    made._repeats = SealedRepeats()
    return _MADE[0], made


_MADE: list[Matcher] = []
