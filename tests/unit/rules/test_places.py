"""Where a hit stands, as a person would follow it: the cell, the page, the line."""

import pytest

from rules.content import Content, Part
from rules.finding import Hit
from rules.matching import Matcher
from rules.normalise import normalise
from rules.places import Places

SSN = "536-22-1234"


def hits(matcher: Matcher, part: Part) -> list[Hit]:
    return [hit for f in matcher.scan(Content((part,))).findings if f.detector == "us.ssn" for hit in f.hits]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        (f"SSN {SSN}", "notes.txt"),
        (f"SSN {SSN}\n", "notes.txt"),
        (f"a\nb\r\nSSN {SSN}\nc", "notes.txt > line 3"),
        (f"SSN {SSN}\nc", "notes.txt > line 1"),
        (f"{'x' * 60} 4111\n1111 1111\n5\u200b\u00ad3\ufb01\r\nSSN {SSN}", "notes.txt > line 4"),
        (f"a\n\n{SSN[:7]}\n{SSN[7:]}\nb", "notes.txt > line 3"),
    ],
)
def test_the_line_of_a_plain_text(matcher: Matcher, text: str, place: str) -> None:
    assert [hit.place for hit in hits(matcher, Part("notes.txt", text))] == [place]


def test_the_mark_at_or_before_it(matcher: Matcher) -> None:
    text = f"Name\tSSN\r\nA\u00ad\u00adn\u200bn\t{SSN}\r\nBo\t601-44-1234"
    marks = tuple(
        (text.index(cell), name)
        for cell, name in (("SSN", "B1"), ("A", "A2"), ("536", "B2"), ("Bo", "A3"), ("601", "B3"))
    )
    found = hits(matcher, Part("pay.xlsx > Salaries (hidden)", text, marks))
    assert [hit.place for hit in found] == ["pay.xlsx > Salaries (hidden) > B2", "pay.xlsx > Salaries (hidden) > B3"]


def test_readings_of_one_place_count_once_whatever_their_lines(matcher: Matcher) -> None:
    readings = (Part("body", f"SSN {SSN}"), Part("body", f"\n\nSSN {SSN}"))
    (finding,) = matcher.scan(Content(readings)).findings
    assert finding.count() == 1


def test_before_the_first_mark_and_without_a_place() -> None:
    assert Places(Part("a", "xy\nz", ((2, "page 1"),))).of(1) == "a"
    assert Places(Part("", "x\nz")).of(2) == "line 2"
    assert Places(Part("other headers", "x\nz")).of(2) == "other headers"
    places = Places(Part("a", "x\nz\n"))
    assert [places.of(offset) for offset in (2, 0, 3)] == ["a > line 2", "a > line 1", "a > line 2"]


@pytest.mark.parametrize(
    "text", ["a\r\n\u00ad\u00adb\u200b \u2776\u203a\ufb01 5=\n6", "x" * 60 + " 12 34\n56 \n7\ufdfa8"]
)
def test_every_plain_character_is_led_back_to_itself(text: str) -> None:
    normal = normalise(text)
    origin = normal.origin(text)
    led = [origin(offset) for offset in range(len(normal.text))]
    assert led == sorted(led)
    for char, offset in zip(normal.text, led, strict=True):
        if char.isalnum() and char in text and text.count(char) == 1:
            assert text[offset] == char
