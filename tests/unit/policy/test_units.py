"""Durations and sizes as people write them."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.units import parse_duration, parse_size, show_duration, show_size


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("30 seconds", 30),
        ("1 second", 1),
        ("5 minutes", 300),
        ("1.5 hours", 5400),
        ("5days", 432000),
        ("2 WEEKS", 1209600),
    ],
)
def test_durations(written: str, seconds: int) -> None:
    assert parse_duration(written) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "written", ["", "5", "5 dyas", "days", "-5 days", "1e3 days", 5, None, True, "9" * 400 + " days", "٣ days"]
)
def test_what_is_no_duration(written: object) -> None:
    with pytest.raises(ValueError):
        parse_duration(written)


@pytest.mark.parametrize(
    ("written", "size"), [("50 MiB", 52428800), ("10 MB", 10_000_000), ("512 b", 512), ("1.5kib", 1536), (77, 77)]
)
def test_a_size_is_read_in_bytes(written: object, size: int) -> None:
    assert parse_size(written) == size


@pytest.mark.parametrize("written", ["", "5", "50 mbs", "-1 MB", -1, None, True, 1.5, "9" * 400 + " MB", 2**80])
def test_what_is_no_size(written: object) -> None:
    with pytest.raises(ValueError):
        parse_size(written)


@given(st.integers(0, 10**9))
def test_what_is_shown_is_read_again(number: int) -> None:
    assert parse_duration(show_duration(timedelta(seconds=number))) == timedelta(seconds=number)
    assert parse_size(show_size(number)) == number
