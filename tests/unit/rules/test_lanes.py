"""How patterns are compiled together, and where runs of digits lie."""

import random
import re
from itertools import pairwise

import pytest

from rules.dense import NARROW_MATCH, RUN_DIGITS, WIDEST_MATCH, intersection, run_end, widened, windows
from rules.engine import Engine, Expression
from rules.lanes import Lane, lane_of, lean


@pytest.mark.parametrize(
    ("regex", "lane"),
    [
        (r"(?i)\b(?:ssn|social) \d{9}\b", Lane.WORDS),
        (r"\bAKIA[A-Z2-7]{16}\b", Lane.WORDS),
        (r"\b\d{3}[- ]\d{2}[- ]\d{4}\b", Lane.NUMBERS),
        (r"(?i)\b[1-9][A-Z][A-Z0-9]\d", Lane.OTHERS),
        (r"\b(?P<value>\d{9})[A-Z]", Lane.NUMBERS),
        (r"\b[A-Z]{6}[A-Z0-9]{2}\b", Lane.CAPITALS),
        (r"\b[A-ZÑ&]{4}\d{6}", Lane.CAPITALS),
        (r"(?i)\b[A-Z]{6}\d{2}\b", Lane.OTHERS),
        (r"\b[A-Za-z]{2}\d{2}", Lane.OTHERS),
        (r"[A-Z0-9]{2}\.\d", Lane.CAPITALS),
        (r"\b[5KL][1-9A-HJ-NP-Za-km-z]{50}\b", Lane.OTHERS),
        (r"[A-Za-z] \(\d", Lane.CAPITALS),
        (r"\$2[abxy]\$\d{2}", Lane.CAPITALS),
        (r"[^a-z]\d", Lane.OTHERS),
        (r".\d", Lane.OTHERS),
    ],
)
def test_patterns_that_begin_alike_share_a_lane(regex: str, lane: Lane) -> None:
    assert lane_of(regex) is lane


@pytest.mark.parametrize(
    ("regex", "sought"),
    [
        (r"\b[A-Za-z][ ._-][A-Za-z][ ._-]\d[ ._-]\d\b", r"(?:\b|_)[A-Za-z][ ._-]\d[ ._-]\d\b"),
        (r"\b[A-Z][ ][A-Z][ ]{2}\d{2}", r"(?:\b|_)[A-Z][ ]{2}\d{2}"),
        (r"\b[A-Z-][ ][A-Z-][ ]\d", r"\b[A-Z-][ ][A-Z-][ ]\d"),  # what begins it may stand behind another sign
        (r"\b[A-Z][0-9][A-Z][0-9]\d", r"\b[A-Z][0-9][A-Z][0-9]\d"),
        (r"[A-Z][ ][A-Z][ ]\d", r"[A-Z][ ][A-Z][ ]\d"),
    ],
)
def test_a_lean_pattern_ends_wherever_the_pattern_does(regex: str, sought: str) -> None:
    assert lean(regex) == sought
    rng = random.Random(3)
    engine = Engine([Expression(regex), Expression(sought)])
    for _ in range(300):
        text = "".join(rng.choices("Ab ._-12\n", k=40))
        ends: tuple[set[int], set[int]] = (set(), set())
        for block in engine.ends(text.encode()):
            for event in block:
                ends[event >> 40].add(event & ((1 << 40) - 1))
        assert ends[0] <= ends[1], text


SIGNS = r"[\t\n\f\r -/:-@\[-`{-~]"
RUN = re.compile(rf"\d(?:{SIGNS}{{0,7}}\d){{{RUN_DIGITS - 1},}}")


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine([Expression(run_end(RUN_DIGITS))])


def runs(engine: Engine, text: str) -> list[int]:
    return [event & ((1 << 40) - 1) for block in engine.ends(text.encode()) for event in block]


@pytest.mark.parametrize(
    "text", ["1234567", "x 1-2-3-4-5-6-7.", "1234567é", "536-22-1234 ", "1" * 5000, "1       2" * 9]
)
def test_a_run_ends_once(engine: Engine, text: str) -> None:
    assert len(runs(engine, text)) == 1


@pytest.mark.parametrize("widest", [NARROW_MATCH, WIDEST_MATCH])
def test_windows_hold_every_run_and_what_stands_about_it(engine: Engine, widest: int) -> None:
    """As plain expressions find the runs, in random texts of digits, signs and words."""
    rng = random.Random(7)
    pieces = ["1", "22", "333", "4444444", " ", "-", "        ", ",\n", "word ", "é", "x", "m" * 700, "9 " * 400]
    for _ in range(200):
        text = "".join(rng.choices(pieces, k=30))
        data = text.encode()
        found = list(windows(data, runs(engine, text), widest))
        assert all(stop < start for (_, stop), (start, _) in pairwise(found))
        for run in RUN.finditer(text):
            start, end = len(text[: run.start()].encode()), len(text[: run.end()].encode())
            before, behind = max(0, start - widest), min(len(data), end + widest)
            assert any(first <= before and behind <= last for first, last in found), (text, run)


def test_wider_windows_hold_what_narrow_ones_do_and_more() -> None:
    rng = random.Random(9)
    for _ in range(100):
        places = sorted(rng.sample(range(5000), 8))
        narrow = list(zip(places[::2], places[1::2], strict=True))
        wide = widened(narrow, 80, 5000)
        assert all(stop < start for (_, stop), (start, _) in pairwise(wide))
        for start, stop in narrow:
            assert any(first <= max(0, start - 80) and min(5000, stop + 80) <= last <= 5000 for first, last in wide)
    assert widened([], 80, 5000) == []


def test_a_long_run_ends_where_a_short_one_does() -> None:
    engine = Engine([Expression(run_end(7)), Expression(run_end(9))])
    rng = random.Random(5)
    for _ in range(200):
        text = "".join(rng.choices(["1", "22", " ", "-", "x", "        ", "word", "."], k=40))
        ends: tuple[set[int], set[int]] = (set(), set())
        for block in engine.ends(text.encode()):
            for event in block:
                ends[event >> 40].add(event & ((1 << 40) - 1))
        assert ends[1] <= ends[0], text


def test_a_very_long_run_is_held_whole(engine: Engine) -> None:
    text = "m" * 1000 + "1 " * 100_000 + "m" * 1000
    ((first, last),) = windows(text.encode(), runs(engine, text))
    assert first <= 1000 - WIDEST_MATCH
    assert last >= 201_000 - 1 + WIDEST_MATCH


@pytest.mark.parametrize(
    ("one", "other", "both"),
    [
        ([(0, 9)], [(2, 3), (5, 20)], [(2, 3), (5, 9)]),
        ([(0, 2), (4, 6)], [(1, 5)], [(1, 2), (4, 5)]),
        ([(0, 2)], [(2, 4)], []),
        ([], [(0, 9)], []),
    ],
)
def test_what_lies_in_both(
    one: list[tuple[int, int]], other: list[tuple[int, int]], both: list[tuple[int, int]]
) -> None:
    assert intersection(one, other) == intersection(other, one) == both
