"""Numbers in another writing: what is read so, and what is left alone."""

from base64 import b64encode, urlsafe_b64encode
from hashlib import sha512

import pytest

from rules.budget import Budget
from rules.disguise import disguised
from rules.encoded import is_packed, numbers_decoded
from rules.finding import Confidence
from rules.matching import Matcher
from rules.normalise import normalise

LETTER = "The social security number of Lena Brandt is 536-22-1234, and nobody else may know it."


def _sure(matcher: Matcher, text: str) -> set[str]:
    return {f.detector for f in matcher.scan_text(text) if f.confidence.rank >= Confidence.MEDIUM.rank}


@pytest.mark.parametrize(
    ("said", "digits"),
    [
        ("five hundred thirty-six, twenty-two, twelve thirty-four", "536,22,1234"),
        ("five thirty six twenty two twelve thirty four", "536221234"),
        ("forty-seven sixteen dash thirty-seven ninety-one dash forty-two oh two dash nineteen sixty-eight",
         "4716-3791-4202-1968"),
        ("five hundred and thirty-six then twenty-two then one two three four", "536-22-1234"),
        ("Fourteen hundred, twenty, eleven eleven", "1400,20,1111"),
        ("%35%33%36%2D%32%32%2d1234", "536-22-1234"),
    ],
)  # fmt: skip
def test_numbers_are_spelt_in_digits(said: str, digits: str) -> None:
    segments = numbers_decoded(f"It is {said}")
    assert [text for _, text in segments] == ["It is ", digits, ""]
    assert [start for start, _ in segments] == [0, 6, 6 + len(said)]


@pytest.mark.parametrize(
    "text",
    [
        "twenty people, thirty cats and forty-two dogs",
        "nineteen eighty-five was a good year",
        "one two three four five six seven eight nine",  # each digit a word: patterns of their own look for that
        "hundred twenty twenty twenty twenty twenty",
        "%35%33 and 100 %",
        "2026-11-22 10.20.30.40",
    ],
)
def test_other_words_and_signs_stay(text: str) -> None:
    assert numbers_decoded(text) == []


@pytest.mark.parametrize(
    "text",
    [
        f"take this: {b64encode(LETTER.encode()).decode()} bye",
        f"x={urlsafe_b64encode(LETTER.replace('Lena', 'Zoë ÿÿ').encode()).decode().rstrip('=')}&y=1",
        LETTER.encode().hex(),
        LETTER.encode().hex().upper(),
        "My social is five hundred thirty-six, twenty-two, twelve thirty-four",
        "https://x.example/form?ssn=%35%33%36%2d%32%32%2d%31%32%33%34",
    ],
)
def test_a_number_in_another_writing_is_found(matcher: Matcher, text: str) -> None:
    assert "us.ssn" in _sure(matcher, text)


def test_lines_are_unpacked_together(matcher: Matcher) -> None:
    for ahead in range(3):
        packed = b64encode((" " * ahead + "-" * 48 + LETTER * 2).encode()).decode()
        lines = "\n".join(packed[start : start + 60] for start in range(0, len(packed), 60))
        assert "us.ssn" in _sure(matcher, f"please unpack\n\n{lines}\n\nthanks")


def test_keys_and_digests_say_nothing() -> None:
    for seed in range(40):
        digest = sha512(bytes([seed])).digest() * 8
        for text in (b64encode(digest).decode(), digest.hex()):
            data = text.encode()
            marks = [end for end in range(6, len(data)) if is_packed(data, end)]
            assert disguised(normalise(text), marks, Budget()) is None


def test_the_place_is_that_of_the_writing(matcher: Matcher) -> None:
    text = "Grüße\n\nsee\n" + b64encode(LETTER.encode()).decode() + "\n"
    finding = next(f for f in matcher.scan_text(text) if f.detector == "us.ssn")
    assert [hit.place for hit in finding.hits] == ["text > line 4"]
    said = "Grüße\n\n\nMy social: five hundred thirty-six,\ntwenty-two,\ntwelve thirty-four\n"
    finding = next(f for f in matcher.scan_text(said) if f.detector == "us.ssn")
    assert [hit.place for hit in finding.hits] == ["text > line 4"]


def _marks(text: str) -> list[int]:
    return [end for end in range(6, len(text)) if is_packed(text.encode(), end)]


def test_neighbours_share_what_stands_between_them() -> None:
    """With surroundings of its own for each, a text of many would be read forty times over."""
    text = ("3" * 30 + " ") * 2000
    besides = disguised(normalise(text), _marks(text), Budget())
    assert besides is not None
    assert len(besides.normal.text) < len(text)


def test_a_number_is_found_among_many_neighbours(matcher: Matcher) -> None:
    packed = b64encode(b"her ssn 536-22-1234").decode()
    noise = " ".join(b64encode(b"line 1000000%d" % number).decode() for number in range(200))
    assert "us.ssn" in _sure(matcher, f"{noise} {packed} {noise}")
    finding = next(f for f in matcher.scan_text(f"{noise}\n{packed}\n{noise}") if f.detector == "us.ssn")
    assert [hit.place for hit in finding.hits] == ["text > line 2"]


def test_unpacking_is_paid_for() -> None:
    text = ("3" * 30 + " ") * 2000
    budget = Budget(8000)
    disguised(normalise(text), _marks(text), budget)
    assert budget.spent
