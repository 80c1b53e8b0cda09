"""Words and phrases found in one pass, against a plain search."""

import random
import re

import pytest

from rules.budget import Budget
from rules.errors import EngineFailed
from rules.literals import Literals
from rules.words import Term, TermPlace

NAMES = (("ssn",), ("card", "number"), ("w", "2"), ("né",), ("mrn",), ("c.i",), ("routing",))
TERMS = ("icu", "blood pressure", "s/p", "hiv", "tumor", "x-ray of the chest", "café")


@pytest.fixture(scope="module")
def literals() -> Literals:
    return Literals([Term(0, text, 1) for text in TERMS], NAMES)


def named(literals: Literals, text: str) -> set[tuple[int, int]]:
    found: set[tuple[int, int]] = set()
    literals.read(text.encode(), Budget(), lambda number, ends: found.update((number, end) for end in ends), None)
    return found


def terms(literals: Literals, text: str) -> set[str]:
    return {seen.term.text for seen in places(literals, text)}


def places(literals: Literals, text: str) -> list[TermPlace]:
    found: list[TermPlace] = []
    literals.read(text.encode(), Budget(), lambda number, ends: None, found.append)
    return found


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("ssn 1", 0),
        ("SSN:1", 0),
        ("_Ssn_", 0),
        ("patientSsn", 0),
        ("ssnNumber", 0),
        ("cardnumber", 1),
        ("CARD\nNUMBER", 1),
        ("Card_Number", 1),
        ("card  number", 1),
        ("mycardnumbers", 1),
        ("W-2", 2),
        ("NÉ le", 3),
        ("né le", 3),
        ("form w-2", 2),
        ("reroutings", 6),
    ],
)
def test_a_name_is_found(literals: Literals, text: str, number: int) -> None:
    assert number in {found for found, _ in named(literals, text)}


@pytest.mark.parametrize("text", ["lessn", "ssnx", "assn", "SSNS", "xw-2", "carte number", "mrns", "éssn", "ssné"])
def test_a_short_name_stands_alone(literals: Literals, text: str) -> None:
    assert named(literals, text) == set()


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("in the ICU.", {"icu"}),
        ("difficult", set()),
        ("blood\npressure, Tumors", {"blood pressure", "tumor"}),
        ("s/p stroke", {"s/p"}),
        ("éicu icué 1icu _icu", set()),
        ("x-ray of the\tchest CAFé", {"x-ray of the chest", "café"}),
    ],
)
def test_a_term_is_a_whole_word(literals: Literals, text: str, found: set[str]) -> None:
    assert terms(literals, text) == found


def test_as_a_plain_search_finds_them(literals: Literals) -> None:
    """Terms in random texts: every whole word in any case, with any sign that parts words between its pieces."""
    rng = random.Random(1)
    pieces = [
        "icu",
        "HIV",
        "hiv",
        "s/p",
        "Tumor",
        "tumors",
        "blood",
        "pressure",
        " ",
        "-",
        "\n",
        "_",
        "1",
        "x",
        "é",
        ".",
    ]
    for _ in range(300):
        text = "".join(rng.choices(pieces, k=12))
        expected = {
            term
            for term in ("icu", "blood pressure", "s/p", "hiv", "tumor")
            if re.search(rf"(?<!\w){term.replace(' ', '[ _-]')}s?(?!\w)", text.replace("\n", " "), re.IGNORECASE)
        }
        assert terms(literals, text) == expected, text


def test_a_word_across_two_blocks_is_found_once(literals: Literals) -> None:
    text = "x" * ((1 << 20) - 6) + " blood pressure"
    found = places(literals, text)
    assert [place.start for place in found] == [(1 << 20) - 5]


def test_phrases_that_share_a_piece() -> None:
    phrases = ("chronic kidney disease", "the kidney disease", "kidney disease of", "kidney disease")
    literals = Literals([Term(0, text, 1) for text in phrases], ())
    assert terms(literals, "Chronic\nKidney-Disease of") == {phrases[0], phrases[2], phrases[3]}
    assert terms(literals, "the kidney disease") == {phrases[1], phrases[3]}
    assert terms(literals, "chronic_kidney diseases") == {phrases[0]}
    assert terms(literals, "kidney  disease, idney disease o") == set()


def test_what_the_engine_does_not_take_is_told() -> None:
    with pytest.raises(EngineFailed, match="longer"):
        Literals([Term(0, "x" * 20_000, 1)], ())


def test_nothing_to_look_for() -> None:
    assert places(Literals([], ()), "anything") == []
