"""No excerpt shows more than the last two characters of any value."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rules.masking import MASK, Masker, mask_value
from rules.matching import Matcher
from rules.normalise import normalise

VALUES = [
    "536-22-1234",
    "912-70-1234",
    "4716 3791 4202 1968",
    "4716379142021968",
    "GB82 WEST 1234 5698 7654 32",
    "DE89370400440532013000",
    "ABA 122000247",
    "SWIFT: BOFAUS3N",
    "BOFAUS3NXXX",
    "account number: 87654321",
    "MRN 00412345",
    "NPI 1234567893",
    "DEA AB1234563",
    "1EG4-TE5-MK73",
    "ICD-10: E11.9",
    "metformin",
    "type 2 diabetes",
    "HbA1c",
]
PIECES = st.sampled_from([*VALUES, "and", "\n", ", ", "Her SSN is", "ä", "(", ")", "-", "\u200b", "x 12 y"])


@example(["type 2 diabetes", "(", "type 2 diabetes", "536-22-1234"], "")
@given(st.lists(PIECES, max_size=14), st.sampled_from([" ", "", "\n", "; "]))
def test_no_excerpt_shows_a_value(matcher: Matcher, pieces: list[str], glue: str) -> None:
    text = glue.join(pieces)
    normal = normalise(text).text
    hits = [hit for finding in matcher.scan_text(text) for hit in finding.hits]
    for hit in hits:
        own = normal[hit.start : hit.end]
        assert mask_value(own) in hit.excerpt or MASK * len(own) in hit.excerpt
        for other in hits:
            value = normal[other.start : other.end]
            assert len(mask_value(value).lstrip(MASK)) <= 2
            for length in range(5, len(value) + 1):  # shorter ends can be those of other words
                assert value[-length:] not in hit.excerpt
            assert value not in hit.excerpt
            assert other.value not in hit.excerpt


def test_an_excerpt_shows_the_place(matcher: Matcher) -> None:
    (finding,) = matcher.scan_text("Dear Bob,\nher SSN is 536-22-1234, thank you.")
    assert finding.hits[0].excerpt == "Dear Bob, her SSN is •••••••••34, thank you."


def test_a_phrase_with_a_number_is_masked_where_it_was_no_hit(matcher: Matcher) -> None:
    findings = {f.detector: f for f in matcher.scan_text("type 2 diabetes; also type 2 diabetes536-22-1234")}
    assert "diab" not in findings["us.ssn"].hits[0].excerpt


def test_neighbours_are_masked_whole(matcher: Matcher) -> None:
    findings = {finding.detector: finding for finding in matcher.scan_text("SSN 536-22-1234 card 4716379142021968")}
    assert findings["us.ssn"].hits[0].excerpt == "SSN •••••••••34 card ••••••••••••••••"
    assert findings["payment.card"].hits[0].excerpt == "SSN ••••••••••• card ••••••••••••••68"


def test_a_value_cut_by_the_window_is_masked() -> None:
    text = "4716379142021968 " + "x" * 20 + " 536-22-1234"
    masker = Masker(text, [(0, 16), (38, 49)])
    assert "1968" not in masker.excerpt(38, 49)
    assert "8" not in masker.excerpt(38, 49)


def test_values_that_overlap_show_nothing() -> None:
    masker = Masker("ABCDEFGHIJKL", [(0, 8), (2, 12)])
    assert masker.excerpt(0, 8) == MASK * 12


@pytest.mark.parametrize(("value", "shown"), [("", ""), ("12", "••"), ("12345", "•••••"), ("123456", "••••56")])
def test_short_values_show_nothing(value: str, shown: str) -> None:
    assert mask_value(value) == shown
