"""Letters that look like digits or like other letters, and numbers that are displayed otherwise than stored."""

import json
from pathlib import Path

import pytest

from rules.content import Content, Part
from rules.direction import displayed
from rules.disguise import undisguised
from rules.finding import Confidence
from rules.matching import Matcher

SSN = "536221234"
DISPLAYED = Path(__file__).with_name("displayed.jsonl")


def sure(matcher: Matcher, text: str, detector: str = "us.ssn") -> set[str]:
    found = matcher.scan(Content((Part("subject", "hello"), Part("body", text)))).findings
    return {value for f in found if f.detector == detector for value in f.values(Confidence.MEDIUM)}


@pytest.mark.parametrize(
    "text",
    [
        "SSN 536-22-l234",
        "SSN S36-22-1234",
        "SSN 53б-22-1234",
        "SSN 5З6-22-1234",
        "Her number: 536 22 I234 (SSN)",
        "ЅЅN: 536221234",
        "\u202e4321-22-635\u202c is her SSN",
        "\u200f1234 22 536",
        "SSN \u202e\u202d1234\u202c-22-\u202d536\u202c\u202c",
        "五三六-二二-一二三四",
    ],
)
def test_what_people_read_as_a_number_is_one(matcher: Matcher, text: str) -> None:
    assert SSN in sure(matcher, text)


def test_labels_and_letters_of_other_scripts(matcher: Matcher) -> None:
    assert sure(matcher, "DЕ89 З704 0044 0532 0130 00", "iban") == {"DE89370400440532013000"}
    assert sure(matcher, "раssроrt number 548812347", "us.passport") == {"548812347"}


@pytest.mark.parametrize(
    "text",
    [
        "IS 2002 1234567",
        "B12 1234567",
        "в 2002 году 1234567",
        "hello Il 12345 67",
        "二〇〇二年",
        "SOS 123 4567",
    ],
)
def test_what_stays_as_it_is(text: str) -> None:
    assert undisguised(text) == text


def test_a_letter_between_digits_is_read_as_the_one_it_looks_like() -> None:
    assert undisguised("Привет, 2х3") == "Привет, 2x3"  # by an x of ours, not of theirs: no digit comes of it


def test_a_disguised_value_is_told_where_it_stands(matcher: Matcher) -> None:
    text = "a\r\n\u00e4\r\n" + "x " * 2000 + "\r\nSSN 53б-22-1234\r\n"
    (finding,) = (f for f in matcher.scan(Content((Part("notes.txt", text),))).findings if f.detector == "us.ssn")
    assert {hit.place for hit in finding.hits} == {"notes.txt > line 4"}


@pytest.mark.parametrize(
    ("stored", "shown"),
    [
        ("SSN \u202e4321-22-635\u202c ok", "SSN 536-22-1234 ok"),
        ("\u202bSSN 536-22-1234\u202c", "SSN 536-22-1234"),
        ("a \u2067536-22-1234\u2069 b", "a 536-22-1234 b"),
        ("\u202e\u202d1234\u202c-22-\u202d536\u202c\u202c", "536-22-1234"),
        ("\u2068abc\u2069 1", "abc 1"),
        ("\u202c\u2069plain", "plain"),
        ("a \u202e321\u202c b", "a 123 b"),
        ("\u202b536 \u2066ab\u2069\u202c", "ab 536"),
        ("\u2067\u2068ab\u2069 \u206812\u2069\u2069", "12 ab"),
        ("\u202d\u05d0\u05d1\u202c", "\u05d0\u05d1"),
        ("\u200f\u062712,5%", "%12,5\u0627"),
        ("1\t\u202e21 \t2", "1\t12 \t2"),
    ],
)
def test_lines_as_displayed(stored: str, shown: str) -> None:
    assert displayed(stored) == shown


@pytest.mark.parametrize(("stored", "shown"), [json.loads(line) for line in DISPLAYED.read_text().splitlines()])
def test_lines_as_another_program_displays_them(stored: str, shown: str) -> None:
    """Marks, embeddings and isolates in any order; shown as python-bidi 0.6 (the unicode-bidi of Rust) has it."""
    assert displayed(stored) == shown


@pytest.mark.parametrize(
    "text", ["1234\u200f-22\u2066536-", "\u061c1234-22\u2066536\u200f-", "\u2069536\u202b22-1234\u2067-"]
)
def test_a_number_in_pieces_that_are_displayed_in_order(matcher: Matcher, text: str) -> None:
    assert SSN in sure(matcher, f"SSN\n{text}")


@pytest.mark.parametrize("line", ["\u2068" * 4000, "a\u2066b\u2069" * 1000, "\u202e\u202d" * 2000, "\u2069" * 4000])
def test_a_line_of_nothing_but_controls(line: str) -> None:
    assert set(displayed(line)) <= {"a", "b"}


@pytest.mark.slow
@pytest.mark.parametrize("flood", ["\u202e" * 50_000 + "1", "\u20681" * 2_000, "5\u202e3\u202c" * 1_000])
def test_no_flood_of_controls_stalls(flood: str) -> None:
    assert len(displayed(flood)) <= len(flood)


@pytest.mark.parametrize("word", ["M1" * 400_000, "б" * 400_000 + "!" + "x1" * 400_000])
def test_a_long_word_is_looked_at_once(word: str) -> None:
    """Not from each of its letters on to its end. The same sign stands for the others of its script."""
    assert undisguised(f"{word} p\u0430y") == f"{word} pay"
