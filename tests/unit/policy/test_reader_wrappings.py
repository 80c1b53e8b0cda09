"""Signed, packed and written wrappings are opened; encrypted ones are told; nothing raises or unpacks without end."""

import binascii
import bz2
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.extraction.extract import extract
from policy.extraction.message import read_message
from policy.reader.cms import unwrap_cms
from policy.reader.openpgp import armoured, looks_pgp, unwrap_pgp
from policy.reader.written import is_written, written_files

ROOM = 1_000_000
TEXT = b"SSN 536-22-1234"
OID = b"\x2a\x86\x48\x86\xf7\x0d\x01"
DATA = b"\x06\x09" + OID + b"\x07\x01"


def der(tag: int, *parts: bytes) -> bytes:
    body = b"".join(parts)
    length = bytes([len(body)]) if len(body) < 128 else b"\x84" + len(body).to_bytes(4, "big")
    return bytes([tag]) + length + body


def content_info(kind: bytes, *body: bytes) -> bytes:
    return der(0x30, der(6, OID + kind), der(0xA0, der(0x30, *body)))


def signed(octets: bytes) -> bytes:
    return content_info(b"\x07\x02", der(2, b"\1"), der(0x31), der(0x30, DATA, der(0xA0, octets)), der(0x31))


def compressed(data: bytes) -> bytes:
    zlib_oid = der(0x30, der(6, OID + b"\x09\x10\x03\x08"))
    content = der(0x30, DATA, der(0xA0, der(4, zlib.compress(data))))
    return content_info(b"\x09\x10\x01\x09", der(2, b"\0"), zlib_oid, content)


def packet(tag: int, body: bytes) -> bytes:
    return bytes([0xC0 | tag, 0xFF]) + len(body).to_bytes(4, "big") + body


LITERAL = packet(11, b"t\0\0\0\0\0" + TEXT)
SIGNED = {
    "one piece": signed(der(4, TEXT)),
    "pieces": signed(der(0x24, der(4, TEXT[:8]), der(4, TEXT[8:]))),
    "pieces without an end": signed(b"\x24\x80" + der(4, TEXT[:8]) + der(4, TEXT[8:]) + b"\0\0"),
    "no octet string": signed(der(0x30, TEXT)),
    "compressed": compressed(TEXT),
    "PEM": b"-----BEGIN PKCS7-----\n" + binascii.b2a_base64(signed(der(4, TEXT))) + b"-----END PKCS7-----\n",
    "torn": signed(der(4, TEXT) + bytes(200))[:-190],
}
PACKED = {
    "literal": LITERAL,
    "not packed": packet(8, b"\0" + LITERAL),
    "deflate": packet(8, b"\1" + zlib.compress(LITERAL)[2:-4]),
    "zlib": packet(8, b"\2" + zlib.compress(LITERAL)),
    "bzip2": packet(8, b"\3" + bz2.compress(LITERAL)),
    "old header": b"\xaf" + LITERAL[6:],
    "behind a marker": packet(10, b"PGP") + LITERAL,
}


@pytest.mark.parametrize("data", SIGNED.values(), ids=SIGNED)
def test_what_is_signed_is_read(data: bytes) -> None:
    assert TEXT in b"".join(unwrap_cms(data, ROOM).contents)


def test_a_detached_signature_holds_nothing() -> None:
    data = content_info(b"\x07\x02", der(2, b"\1"), der(0x31), der(0x30, DATA), der(0x31))
    found = unwrap_cms(data, ROOM)
    assert (found.contents, found.whole, found.is_encrypted) == ([], True, False)
    assert not extract("smime.p7s", data).files[0].unreadable


@pytest.mark.parametrize("kind", [b"\x07\x03", b"\x07\x06", b"\x09\x10\x01\x17"])
def test_what_is_enveloped_is_encrypted(kind: bytes) -> None:
    assert unwrap_cms(content_info(kind, der(2, b"\0")), ROOM).is_encrypted


def test_a_signed_document_is_read_as_what_it_is() -> None:
    content = extract("notes.csv.p7m", signed(der(4, b"name;ssn\nA;536-22-1234\n")))
    assert [fact.name for fact in content.files] == ["notes.csv.p7m", "notes.csv"]
    assert not any(fact.unreadable for fact in content.files)


@pytest.mark.parametrize("data", PACKED.values(), ids=PACKED)
def test_what_is_packed_is_read(data: bytes) -> None:
    found = unwrap_pgp(data, ROOM)
    assert found.contents == [TEXT] and found.whole
    assert looks_pgp(data) or data[0] == 0xCA


def test_bombs_end() -> None:
    bomb = packet(8, b"\2" + zlib.compress(bytes(5_000_000)))
    assert not unwrap_pgp(bomb, ROOM).whole
    assert not unwrap_cms(compressed(bytes(5_000_000)), ROOM).whole
    deep = LITERAL
    for _ in range(40):
        deep = packet(8, b"\0" + deep)
    assert not unwrap_pgp(deep, ROOM).whole


def test_armour_with_and_without_its_checksum() -> None:
    lines = binascii.b2a_base64(LITERAL)
    for text in (lines, lines + b"=abcd\n", b"Version: 1\n\n" + lines, b"\n" + lines.rstrip() + b"=abcd\r\n"):
        block = b"hello\r\n-----BEGIN PGP MESSAGE-----\r\n" + text + b"-----END PGP MESSAGE-----\r\n"
        assert list(armoured(block)) == [LITERAL]


def test_one_that_cannot_be_taken_apart_counts_as_encrypted() -> None:
    mail = b"From: a@b.example\n\n-----BEGIN PGP MESSAGE-----\n\n????\n-----END PGP MESSAGE-----\n"
    assert any(fact.encrypted for fact in read_message(mail).content.files)


def test_random_bytes_are_rarely_taken_for_pgp() -> None:
    assert not any(looks_pgp(bytes([first]) + bytes(range(50, 90))) for first in range(256))


XX = bytes.maketrans(bytes(range(32, 96)), b"+-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
WRITTEN = {
    "uuencode": b"begin 644 a.txt\n/4U-.(#4S-BTR,BTQ,C,T\n`\nend\n",
    "uuencode without end": b"see:\r\nbegin 644 a.txt\r\n/4U-.(#4S-BTR,BTQ,C,T\r\n",
    "xxencode": b"begin 644 a.txt\n" + b"/4U-.(#4S-BTR,BTQ,C,T".translate(XX) + b"\n+\nend\n",
    "base64": b"begin-base64 644 a.txt\nU1NOIDUzNi0yMi0xMjM0\n====\n",
    "yEnc": b"=ybegin line=128 size=15 name=a.txt\r\n" + bytes(byte + 42 for byte in TEXT) + b"\r\n=yend size=15\r\n",
}


@pytest.mark.parametrize("data", WRITTEN.values(), ids=WRITTEN)
def test_files_in_a_text_are_read(data: bytes) -> None:
    assert is_written(data)
    assert any(content and TEXT in content for _, content in written_files(data))


@pytest.mark.parametrize(
    "begin",
    [
        b"=ybegin line=128 size=15 name=a.txt\r\n",
        b"begin 644 a.txt\r\n",
        b"begin-base64 644 a.txt\r\n",
        b"(This file must be converted with BinHex 4.0)\r\n:",
    ],
)
def test_files_that_begin_and_never_end_are_not_read_in_each_other(begin: bytes) -> None:
    data = b"\r\n".join(begin + b"#5@A12345 and more of it" * 3 for _ in range(150))
    assert sum(len(content or b"") for _, content in written_files(data)) <= 2 * len(data)


def test_a_text_that_only_says_so_holds_none() -> None:
    assert not is_written(b"we begin 644 metres from here, and begin again\nbegin\nend")


@given(st.binary(max_size=300))
def test_no_bytes_raise(data: bytes) -> None:
    unwrap_cms(b"\x30\x80" + data, ROOM)
    unwrap_pgp(b"\xc8" + data, ROOM)
    list(written_files(b"begin 644 a\n" + data + b"\n(This file must be converted with BinHex 4.0)\n:" + data + b":"))


def test_pieces_of_a_message_in_one() -> None:
    head = b'Content-Type: message/partial; id="1"; number=%d; total=2\n\n'
    first, second = b"Subject: x\n\nSSN 536-", b"22-1234\n"
    parts = [b"--b\n" + head % 1 + first, b"\n--b\n" + head % 2 + second, b"\n--b--\n"]
    mail = b"From: a@b.example\nContent-Type: multipart/mixed; boundary=b\n\n" + b"".join(parts)
    message = read_message(mail)
    assert any("536-22-1234" in part.text for part in message.content.parts)
    assert not any(fact.unreadable for fact in message.content.files)
    alone = read_message(b"From: a@b.example\n" + head % 1 + first)
    assert any(fact.unreadable for fact in alone.content.files)


@pytest.mark.parametrize(
    ("first", "second"), [("SSN 536-", "22-1234"), ("SSN 536-22", "-1234"), ("SSN 536-22 -\r\n\r\n", "  1234")]
)
def test_a_number_over_two_texts(first: str, second: str) -> None:
    parts = "".join(f"--b\r\nContent-Type: text/plain\r\n\r\n{text}\r\n" for text in (first, second))
    mail = f"From: a@b.example\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n{parts}--b--\r\n"
    read = [part.text for part in read_message(mail.encode()).content.parts]
    assert any("".join(text.split()).endswith("536-22-1234") for text in read)
