"""The receiver of DATA: any cut into chunks gives the same bytes, and only CRLF.CRLF ends a message."""

import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gateway.smtp.data import LARGEST_HEADER, LONGEST_LINE, MOST_RECEIVED, DataReceiver, Flaw

TOKENS = st.sampled_from(
    [
        b"\r\n",
        b"\r",
        b"\n",
        b".",
        b"..",
        b"\r\n.",
        b"\n.\n",
        b"\r.\r",
        b"a",
        b"Subject: x",
        b"\r\n.\n",
        b"\n.\r\n",
        b"\xff",
    ]
)
BODIES = st.lists(TOKENS, max_size=30).map(b"".join)
CUTS = st.lists(st.integers(1, 7), max_size=60)


def chunks(data: bytes, cuts: list[int]) -> list[bytes]:
    pieces, at = [], 0
    for cut in cuts:
        if at >= len(data):
            break
        pieces.append(data[at : at + cut])
        at += cut
    if at < len(data):
        pieces.append(data[at:])
    return pieces


def feed(receiver: DataReceiver, pieces: list[bytes]) -> bytes | None:
    """What stands behind the end; None if it never came."""
    behind = None
    for piece in pieces:
        if behind is not None:
            behind += piece
        else:
            behind = receiver.feed(piece)
    return behind


def stuffed(message: bytes) -> bytes:
    """What a client sends for a message of whole lines."""
    return re.sub(rb"^\.", b"..", message, flags=re.MULTILINE) + b".\r\n"


def reference(wire: bytes, *, normalise: bool) -> tuple[bytes | None, bytes, bool]:
    """The slow and plain way: message, rest, and whether a lone CR or LF was in it."""
    end = (b"\r\n" + wire).find(b"\r\n.\r\n")
    if end < 0:
        return None, b"", False
    text, rest = (b"\r\n" + wire)[: end + 2], wire[end + 3 :]
    is_bare = re.search(rb"\r(?!\n)|(?<!\r)\n", text) is not None
    if normalise:
        text = re.sub(rb"\r\n|\r|\n", b"\r\n", text)
    lines = text.split(b"\r\n")[1:]
    return b"\r\n".join(line[1:] if line.startswith(b".") else line for line in lines), rest, is_bare


@given(BODIES, CUTS, st.booleans())
@example(b"a\n.x\r\n.\r\n", [2], True)
@example(b".\r\n", [1, 1, 1], False)
@example(b"a\r\n.\rb\r\n.\r\n", [3, 1, 1, 1], True)
def test_any_chunks_give_what_the_reference_gives(wire: bytes, cuts: list[int], normalise: bool) -> None:
    receiver = DataReceiver(max_bytes=10**6, normalise=normalise)
    behind = feed(receiver, chunks(wire, cuts))
    message, rest, is_bare = reference(wire, normalise=normalise)
    if message is None:
        assert behind is None
        return
    assert behind == rest
    raw = receiver.message()
    if is_bare and not normalise:
        assert receiver.flaw is Flaw.BARE_NEWLINE
        assert raw == b""
    else:
        assert receiver.flaw is None
        assert raw == message


@given(st.lists(st.binary(max_size=20).filter(lambda b: not set(b) & set(b"\r\n\0")), max_size=20), CUTS)
def test_every_message_arrives_as_it_was_sent(lines: list[bytes], cuts: list[int]) -> None:
    message = b"".join(line + b"\r\n" for line in lines)
    receiver = DataReceiver(max_bytes=10**6)
    assert feed(receiver, chunks(stuffed(message) + b"NOOP\r\n", cuts)) == b"NOOP\r\n"
    assert receiver.message() == message
    assert receiver.flaw is None


@pytest.mark.parametrize(
    "ending", [b"\n.\n", b"\r.\r", b"\n.\r\n", b"\r\n.\n", b"\r\n.\r", b"\n.\r", b"\r.\n", b"\r\n\0.\r\n"]
)
@pytest.mark.parametrize("normalise", [False, True])
@pytest.mark.parametrize("cut", range(12))
def test_no_other_ending_ends_a_message(ending: bytes, normalise: bool, cut: int) -> None:
    smuggled = b"Subject: a\r\n\r\nb" + ending + b"MAIL FROM:<evil@example.com>\r\nDATA\r\nsecond\r\n"
    receiver = DataReceiver(max_bytes=10**6, normalise=normalise)
    assert feed(receiver, [smuggled[: 12 + cut], smuggled[12 + cut :]]) is None
    assert receiver.feed(b".\r\n") == b""
    raw = receiver.message()
    if normalise and b"\0" not in ending:
        assert receiver.flaw is None
        assert b"MAIL FROM:<evil@example.com>" in raw
        assert not re.search(rb"\r(?!\n)|(?<!\r)\n", raw)
        assert b"\r\n.\r\n" not in raw  # nothing that a next hop could take for an end
    else:
        assert receiver.flaw in {Flaw.BARE_NEWLINE, Flaw.NUL}


def test_too_big_is_told_after_the_end_and_kept_nowhere() -> None:
    receiver = DataReceiver(max_bytes=100)
    assert receiver.feed(b"x" * 99) is None
    assert receiver.held == 99
    assert receiver.feed(b"yy\r\n") is None
    assert receiver.flaw is Flaw.TOO_BIG
    assert receiver.held == 0
    assert receiver.feed(b"\r\n.\r\nQUIT\r\n") == b"QUIT\r\n"
    assert receiver.message() == b""


def test_exactly_the_limit_is_taken() -> None:
    receiver = DataReceiver(max_bytes=100)
    assert receiver.feed(b"x" * 98 + b"\r\n.\r\n") == b""
    assert len(receiver.message()) == 100
    assert receiver.flaw is None


@pytest.mark.parametrize("length", [998, 1000, 65_536, LONGEST_LINE])
def test_long_lines_are_taken_as_they_came(length: int) -> None:
    receiver = DataReceiver(max_bytes=10**8)
    wire = b"Subject: a\r\n\r\n" + b"x" * length + b"\r\nend\r\n.\r\n"
    assert feed(receiver, [wire[at : at + 4096] for at in range(0, len(wire), 4096)]) == b""
    assert receiver.message() == wire[:-3]
    assert receiver.flaw is None


def test_an_endless_line_is_refused() -> None:
    receiver = DataReceiver(max_bytes=10**8)
    feed(receiver, [b"\r\n", *[b"x" * 4096] * (LONGEST_LINE // 4096 + 1), b"\r\n.\r\n"])
    assert receiver.flaw is Flaw.LONG_LINE


@pytest.mark.slow
def test_an_endless_header_is_refused() -> None:
    receiver = DataReceiver(max_bytes=10**8)
    lines = [b"X-Line: %06d\r\n" % number for number in range(100_000)]
    assert feed(receiver, [*lines, b"\r\nbody\r\n.\r\n"]) == b""
    receiver.message()
    assert receiver.flaw is Flaw.LARGE_HEADER


def test_a_large_body_behind_a_small_header_is_no_large_header() -> None:
    receiver = DataReceiver(max_bytes=10**8)
    feed(receiver, [b"A: b\r\n\r\n", b"line\r\n" * (LARGEST_HEADER // 3), b".\r\n"])
    receiver.message()
    assert receiver.flaw is None


@pytest.mark.parametrize(("count", "flaw"), [(MOST_RECEIVED, None), (MOST_RECEIVED + 1, Flaw.LOOPS)])
def test_received_lines_are_counted_in_the_header_only(count: int, flaw: Flaw | None) -> None:
    receiver = DataReceiver(max_bytes=10**6, before=b"Received: ours\r\n")
    wire = b"RECEIVED : by x\r\n" * (count - 1) + b"received: y\r\n\r\n" + b"Received: body\r\n" * 60 + b".\r\n"
    assert receiver.feed(wire) == b""
    raw = receiver.message()
    assert receiver.flaw is flaw
    assert raw.startswith(b"Received: ours\r\n")


@settings(max_examples=300)
@given(st.binary(max_size=200), CUTS)
@pytest.mark.slow
def test_random_bytes_do_no_harm(wire: bytes, cuts: list[int]) -> None:
    receiver = DataReceiver(max_bytes=50)
    feed(receiver, chunks(wire, cuts))
    assert len(receiver.message()) <= 50


def test_what_comes_in_drops_is_not_kept_in_drops() -> None:
    """An object of Python costs forty bytes: a message that comes byte by byte must not cost forty times its size."""
    receiver = DataReceiver(max_bytes=10**6, before=b"Received: x\r\n")
    text = b"Subject: x\r\n\r\n" + b"y" * 50_000 + b"\r\n"
    for at in range(len(text)):
        assert receiver.feed(text[at : at + 1]) is None
    assert len(receiver._pieces) < 5
    assert receiver.feed(b".\r\n") == b""
    assert receiver.message() == b"Received: x\r\n" + text
