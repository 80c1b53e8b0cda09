"""Messages that are scanned together: in each is found what is found in it alone."""

import json
import random
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from rules.content import Content, Part
from rules.detector import Detector
from rules.finding import Scanned
from rules.matching import Matcher

HUGE = r"(?i)\b[A-Z]{2}\d{2}[A-Z0-9]{0,12}(?:[ .-][A-Z0-9]{1,12}){1,8}\b"  # too large for the engine
Make = Callable[..., tuple[Detector, ...]]
HELD_OUT = Path(__file__).parents[3] / "bench" / "held_out.jsonl"


def message(*texts: str) -> Content:
    return Content(tuple(Part(place, text) for place, text in zip(("subject", "body", "a.txt"), texts, strict=False)))


def together(matcher: Matcher, contents: Sequence[Content]) -> list[Scanned]:
    found = [scanned for scanned in matcher.scan_within(contents, 1_000_000) if scanned is not None]
    assert len(found) == len(contents)
    return found


def ids(scanned: Scanned) -> list[str]:
    return [finding.detector for finding in scanned.findings]


def groups_of(texts: Sequence[str], seed: int, count: int) -> list[list[Content]]:
    rng = random.Random(seed)
    return [[message(*rng.choices(texts, k=rng.randint(0, 3))) for _ in range(rng.randint(2, 9))] for _ in range(count)]


def test_each_has_its_own_findings(matcher: Matcher) -> None:
    texts = [json.loads(line)["text"] for line in HELD_OUT.read_text("utf-8").splitlines()]
    found = 0
    for group in groups_of(texts, seed=20261123, count=150):
        alone = [matcher.scan(content) for content in group]
        assert together(matcher, group) == alone
        found += sum(bool(scanned.findings) for scanned in alone)
    assert found > 300


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("His number is 536-22", "-1234 and no other"),
        ("Social security number:", "536221234"),
        ("4929 1308 4213", "0002"),
        ("routing number", "021000021"),
        ("metformin insulin diabetes", "hypertension chemotherapy oncology"),
        ("\u202e4321", "-22-635\u202c"),
        ("five three six two two", "one two three four"),
    ],
)
def test_nothing_is_written_across_two_messages(matcher: Matcher, first: str, second: str) -> None:
    pairs = [message("", first), message("", second)]
    assert together(matcher, pairs) == [matcher.scan(content) for content in pairs]
    assert together(matcher, pairs[::-1]) == [matcher.scan(content) for content in pairs[::-1]]


def test_terms_add_up_within_a_message_only(make_detectors: Make) -> None:
    words = {"terms": {"alpha": 2, "beta": 2}, "medium": 4, "within": 1_000_000}
    matcher = Matcher(make_detectors(x={"words": words}))
    found = together(matcher, [message("alpha", "x"), message("beta", "y"), message("beta", "alpha"), message()])
    assert [ids(scanned) for scanned in found] == [[], [], ["x"], []]


def test_what_would_take_more_steps_is_left(matcher: Matcher) -> None:
    calm, flood = message("", "My SSN is 536-22-1234."), message("", "536-22-1234, " * 400)
    spoken = message("", "five three six two two one two three four " * 130)
    turned = message("", "\u202e4321-22-635\u202c x\n" * 200)  # what it says is seen when it is read once more
    (found,) = together(matcher, [calm])
    assert ids(found) == ["us.ssn"]
    assert matcher.scan_within([calm, calm], 100) == [found, found]
    assert matcher.scan_within([calm, flood, calm], 100) == [None, None, None]
    assert matcher.scan_within([calm, turned, calm], 600) == [found, None, None]
    for slow in (flood, spoken, turned):
        assert matcher.scan_within([slow], 100) == [None]


def test_a_flood_is_told_in_its_own_message_only(builtin: tuple[Detector, ...]) -> None:
    tight = Matcher(builtin, most_steps=200)
    calm, flood = message("", "My SSN is 536-22-1234."), message("", "536-22-1234, " * 400)
    assert any(fact.unreadable for fact in tight.scan(flood).content.files)
    assert tight.scan_within([calm, flood], 1_000_000) == [None, None]
    assert tight.scan_within([calm, calm], 1_000_000) == [tight.scan(calm)] * 2


@pytest.mark.parametrize("regex", [HUGE, r"(?U)ab{1,3}\d"])
def test_patterns_that_the_engine_does_not_take(make_detectors: Make, regex: str) -> None:
    matcher = Matcher(make_detectors(x={"patterns": [{"regex": regex}]}, y={"patterns": [{"regex": r"q{5}"}]}))
    assert matcher.slow_notes
    group = [
        message("", text) for text in ("ab12 cd-ef 99", "none", "ab1 qqqqq abb2", "qqqqq", "cd-ef 99 ab12 cd-ef 99")
    ]
    found = together(matcher, group)
    assert found == [matcher.scan(content) for content in group]
    assert any("x" in ids(scanned) for scanned in found)


def test_long_and_many(matcher: Matcher) -> None:
    long = message("", "word " * 4_000 + "SSN 536-22-1234")
    short = message("", "SSN 536-22-1234")
    many = message(*("x" * 100 for _ in range(3)))
    for group in ([long, short], [short] * 40, [many, short], [short], []):
        assert together(matcher, group) == [matcher.scan(content) for content in group]
