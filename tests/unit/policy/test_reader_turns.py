"""Work in pieces gives what one call gives."""

import base64
import binascii
import random
import re
from collections.abc import Iterator

import pytest

from policy.reader import turns
from policy.reader.boundaries import guess_boundary
from policy.reader.telltales import Telltale, telltales
from policy.reader.transfer import _in_lines
from rules.content import Part, in_short

SIGNS = ("a", "b", "\r\n", "\n", "=", "=\n", "=41", " ", "--", "é", "\U0001f600", "\ud800")


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "_SOME", 7)
    monkeypatch.setattr(turns, "_SEARCHED", 7)
    monkeypatch.setattr(turns, "_WIDEST", 8)
    monkeypatch.setattr(turns, "_STRIDE", 5)
    monkeypatch.setattr(turns, "_LEAPS", 2)


def texts(count: int = 200) -> Iterator[str]:
    rng = random.Random(1)
    return ("".join(rng.choices(SIGNS, k=rng.randrange(40))) for _ in range(count))


def test_what_is_looked_for_is_found_where_one_look_finds_it() -> None:
    for text in texts():
        data = text.encode("utf-8", "surrogatepass")
        for needle in (b"a", b"=\n", b"\n--", b"--a", b"nothing"):
            assert turns.find(data, needle) == data.find(needle)
            assert turns.find(data, needle, 5) == data.find(needle, 5)
            assert turns.holds(text, needle.decode()) == (needle.decode() in text)
        for pattern in (re.compile(rb"\n--a?"), re.compile(rb"\A-"), re.compile(rb"b(?=\r?\n)")):
            found, expected = turns.search(pattern, data), pattern.search(data)
            assert (found and found.span()) == (expected and expected.span())
        assert turns.has_halves(text) == ("\ud800" in text)


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"they begin", {Telltale.BEGIN}),
        (b"\xff" * (1 << 20) + b"-----BEGIN PGP MESSAGE-----\nbegin", {Telltale.ARMOUR, Telltale.BEGIN}),
        (b"x" * ((1 << 20) - 9) + b"(This file must be converted with BinHex 4.0)", {Telltale.BINHEX}),
        (b"----BEGIN, Begin, This file must be converted with BinHex", set()),
    ],
)
def test_signs_of_what_is_written_in_a_text(data: bytes, told: set[Telltale]) -> None:
    assert telltales(data) == told


def test_what_is_taken_out_or_decoded_is_the_same() -> None:
    for text in texts():
        data = text.encode("utf-8", "surrogatepass")
        assert turns.without(data, b"\r\n=") == data.translate(None, b"\r\n=")
        assert turns.from_quoted_printable(data) == binascii.a2b_qp(data)
        assert turns.encoded(text) == text.encode("utf-8", "replace")
        assert turns.copied(data, 3) == data[3:]
        assert turns.copied(data, 2, 11) == data[2:11]
        for codec in ("utf-8", "utf-16-le", "utf-32-be", "cp1252", "iso8859-1", "gb18030"):
            assert turns.decoded(data, codec, "replace") == data.decode(codec, "replace")
    with pytest.raises(UnicodeDecodeError):
        turns.decoded("größer und größer".encode("cp1252"), "utf-8")


def test_each_is_kept_once_and_in_order() -> None:
    long = "x" * (1 << 17)
    others = [long, long[:-70_000] + "y" + long[-69_999:], long + "", "b", "a", "b"]
    kept = turns.Once(others).all()
    assert kept == tuple(dict.fromkeys(others))
    assert in_short(others[0]) == in_short(others[1]), "these are told apart by a look at all of them"
    assert len({Part("p", text) for text in others}) == 4
    assert len({Part("p", "t", ((0, "A1"),)), Part("p", "t", ((0, "A2"),)), Part("p", "t", ((0, "A1"),))}) == 2


@pytest.mark.parametrize("before", ["", "\n", "some words\r\n", "x\n--\n--y\nz\n"])
def test_a_delimiter_is_guessed_wherever_it_stands(before: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "_WIDEST", 4096)
    body = f"{before}--here\r\nContent-Type : text/plain\r\n\r\n--there\ncontent-disposition: inline\n".encode()
    assert guess_boundary(body) == b"here"
    assert guess_boundary(b"--here\r\nSubject: none\r\n") is None


def test_base64_in_lines_reads_as_it_does_without_their_ends() -> None:
    """Whatever is done to lines of one length: what they decode to is what the alphabet in them says."""
    rng = random.Random(11)
    quick = 0
    for _ in range(400):
        width = rng.choice([76, 76, 64, 60, 75])
        packed = base64.b64encode(rng.randbytes(rng.randrange(3000)))
        body = bytearray(b"\r\n".join(packed[at : at + width] for at in range(0, len(packed), width)))
        for _ in range(rng.choice([0, 0, 1, 2]) if body else 0):
            at = rng.randrange(len(body))
            more = rng.choice([b"=", b"==", b"\r\n", b"\n", b"!", b"A", b"AAAA", b" ", b"", b"\r\nAAAA"])
            body[at : at + rng.randrange(3)] = more
        whole = _in_lines(bytes(body))
        if whole is not None:
            quick += 1
            assert whole == base64.b64decode(body.translate(None, b"\r\n"), validate=True)
    assert quick > 50
