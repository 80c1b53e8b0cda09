"""Patterns, addresses and bounds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.message import Address, AddressInvalid
from policy.patterns import Addresses, Bound, PatternInvalid, TextPattern, as_domain, check_entry, whole_number
from policy.route import domain_matches
from policy.units import parse_size


@given(st.text(max_size=50))
def test_a_text_fits_itself_as_a_pattern(text: str) -> None:
    assert TextPattern.glob(text).matches(text)


@given(st.text(max_size=30), st.text(max_size=80))
def test_no_text_breaks_a_pattern(pattern: str, text: str) -> None:
    TextPattern.glob(pattern).matches(text)
    try:
        TextPattern.regex(pattern).matches(text)
    except PatternInvalid as cause:
        assert str(cause)


def test_a_pattern_has_a_bound() -> None:
    with pytest.raises(PatternInvalid):
        TextPattern.regex("a" * 5000)
    with pytest.raises(PatternInvalid):
        TextPattern.regex("((a{1000}){1000}){1000}")


@pytest.mark.parametrize(
    ("pattern", "domain", "fits"),
    [
        ("example.com", "example.com", True),
        ("example.com", "sub.example.com", False),
        ("*.example.com", "example.com", False),
        ("*.example.com", "a.b.example.com", True),
        ("*.example.com", "notexample.com", False),
        ("*.example.com", ".example.com", False),
    ],
)
def test_a_domain_pattern_fits_its_domain_or_all_below(pattern: str, domain: str, fits: bool) -> None:
    assert domain_matches(pattern, domain) is fits


@pytest.mark.slow
@given(st.from_regex(r"[a-z0-9.@*?-]{1,30}", fullmatch=True), st.emails())
def test_entries_are_refused_or_looked_up(entry: str, address: str) -> None:
    try:
        check_entry(entry)
        found = Addresses.of([entry])
    except (PatternInvalid, AddressInvalid):
        return
    assert isinstance(Address.parse(address) in found, bool)


@given(st.emails())
def test_every_address_is_among_itself_and_its_domain(text: str) -> None:
    address = Address.parse(text)
    assert address in Addresses.of([f"*@{address.domain}"])
    if not any(c in text for c in "*?"):
        assert address in Addresses.of([text])
        assert Address.parse(text.swapcase()) in Addresses.of([text])


@pytest.mark.slow
def test_thousands_of_entries_are_one_look_up() -> None:
    many = Addresses.of([f"user{n}@example.com" for n in range(20_000)] + [f"*.d{n}.example" for n in range(20_000)])
    assert Address.parse("USER19999@example.com") in many
    assert Address.parse("x@a.d19999.example") in many
    assert Address.parse("x@d19999.example") not in many


@pytest.mark.parametrize(
    ("written", "value", "holds"),
    [
        ("> 10", 10, False),
        (">= 10", 10, True),
        ("<10", 9, True),
        ("= 3", 3, True),
        (5, 5, True),
        (5, 4, False),
        ("7", 8, True),
    ],
)
def test_a_bound_holds_for_the_numbers_it_names(written: object, value: int, holds: bool) -> None:
    assert Bound.parse(written, whole_number).holds(value) is holds


@pytest.mark.parametrize("written", ["", ">", "> > 1", "x", "-1", True, 1.5, None, [], "> 1.5", "=> 3"])
def test_what_is_no_bound(written: object) -> None:
    with pytest.raises(ValueError):
        Bound.parse(written, whole_number)


def test_a_bound_of_sizes() -> None:
    assert Bound.parse("> 10 MB", parse_size).holds(10_000_001)
    assert str(Bound.parse("< 2 MiB", parse_size)) == "less than 2 MiB"


def test_domains_are_a_labels() -> None:
    assert as_domain("MÜLLER.example") == "xn--mller-kva.example"
    with pytest.raises(PatternInvalid):
        as_domain("a..b")
