"""Line ends: in one pass, and as counting them says."""

from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from delivery.lines import has_bare_newline, has_dot_line


def counted(raw: bytes) -> bool:
    whole = raw.count(b"\r\n")
    return not raw.count(b"\n") == whole == raw.count(b"\r")


def test_every_short_text_is_judged_as_counting_does() -> None:
    for length in range(6):
        for letters in product(b"\r\na.\0", repeat=length):
            raw = bytes(letters)
            assert has_bare_newline(raw) == counted(raw), raw
            assert has_dot_line(raw) == (b"\n." in raw), raw


@given(st.lists(st.sampled_from([b"\r\n", b"\r", b"\n", b".", b"a" * 70, b"\0\xff"]), max_size=60).map(b"".join))
def test_longer_ones_too(raw: bytes) -> None:
    assert has_bare_newline(raw) == counted(raw)


def test_the_last_of_many_lines_is_looked_at() -> None:
    lines = (b"x" * 76 + b"\r\n") * 50_000
    assert not has_bare_newline(lines)
    assert not has_dot_line(b"." + lines)
    assert has_dot_line(lines + b".")
    assert has_bare_newline(lines + b"\n")
    assert has_bare_newline(lines + b"a\rb\r\n")
    assert has_bare_newline(lines[:-2] + b"\r")
