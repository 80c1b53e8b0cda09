"""Mails cut apart as the standard library's parser cuts them."""

import base64
import random
import re
from email import message_from_bytes
from email.message import Message
from email.policy import compat32
from pathlib import Path

import pytest

from delivery.safebox.entities import MAX_DEPTH, Entity, TooComplex, from_base64, parse_entities
from delivery.safebox.mail import parse_mail

MESSAGES = Path(__file__).parents[3] / "messages"
MIXED = b"Content-Type: multipart/mixed; boundary=b\r\n"
FOLDED = b"Content-Type: multipart/alternative;\r\n\tboundary=c\r\n\r\n"
NOISE = random.Random(1).randbytes(300_000)
PACKED = base64.encodebytes(NOISE).replace(b"\n", b"\r\n")
ODD = {
    "empty": b"",
    "no header": b"no header\r\n--b\r\n",
    "two parts": MIXED + b"\r\nbefore\r\n--b\r\n\r\none\r\n--b\r\nX: 1\r\n\r\ntwo\r\n\r\n--b--\r\nbehind\r\n--b\r\n",
    "no end": MIXED + b"\r\n--b\r\n\r\none\r\n--b \t\r\n\r\ntwo\r\n",
    "no delimiter": MIXED + b"\r\nonly text\r\n",
    "no boundary": b"Content-Type: multipart/mixed\r\n\r\n--b\r\n\r\none\r\n",
    "closed at once": MIXED + b"\r\nseen\r\n--b--\r\n--b\r\nhidden\r\n",
    "opened and closed": MIXED + b"\r\n--b\r\n--b--\r\n\r\none\r\n--b--\r\n",
    "twice": MIXED + b"\r\n--b\r\n--b\r\n\r\none\r\n--b\r\n--b",
    "nested": MIXED
    + b"\r\n--b\r\n"
    + FOLDED
    + b"--c\r\n\r\none\r\n--c\r\n\r\ntwo\r\n--b\r\n\r\nthree\r\n--c--\r\n--b--\r\n",
    "outer in header": MIXED + b"\r\n--b\r\n" + FOLDED + b"--c\r\nX: 1\r\n--b\r\n\r\ntwo\r\n--b--\r\n",
    "line feeds": MIXED.replace(b"\r", b"") + b"\n--b\n\none\n--b--\n",
    "carriage returns": MIXED.replace(b"\n", b"") + b"\r--b\r\rone\r--b--\r",
    "digest": MIXED.replace(b"mixed", b"digest") + b"\r\n--b\r\n\r\nSubject: in\r\n\r\none\r\n--b--\r\n",
    "no blank line": b"Subject: x\r\nno header\r\n\r\nbody\r\n",
    "a first line that goes on": b" goes on\r\nSubject: x\r\n\r\nbody",
    "from": b"From a@b.example\r\nSubject: x\r\n\r\nFrom there on\r\n",
    "the body begins with from": b"Subject: x\r\nFrom there on\r\nbody\r\n",
    "not for ascii": b"Content-Type: multipart/mixed; boundary*=utf-8''b%C3%BC\r\n\r\n--b\xc3\xbc\r\n\r\none\r\n",
    "eight bits": MIXED.replace(b"=b", b'="b\xfc"') + b"\r\n--b\xfc\r\n\r\n\xfc\r\n--b\xfc--\r\n",
    "longer delimiter": MIXED + b"\r\n--b\r\n\r\none\r\n--bc\r\nstill one\r\n--b--x\r\nand on\r\n--b--",
    "large": MIXED
    + b"\r\n--b\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    + PACKED
    + b"\r\n--b\r\nContent-Transfer-Encoding: Quoted-Printable\r\n\r\n"
    + b"=41 caf=C3=A9 and so on=\r\n" * 12_000
    + b"--b\r\n\r\n"
    + b"as it is\r\n" * 40_000
    + b"--b--\r\n",
}


def leaves(part: Entity) -> list[tuple[str, bytes]]:
    if part.parts is None:
        return [(part.head.get_content_type(), part.octets())]
    return [leaf for child in part.parts for leaf in leaves(child)]


def expected(part: Message) -> list[tuple[str, bytes]]:
    """The leaves, as the standard library has them; of a mail within a mail nothing."""
    if part.get_content_maintype() == "message":
        return [(part.get_content_type(), b"")]
    if part.is_multipart():
        return [leaf for child in part.get_payload() for leaf in expected(child)]
    return [(part.get_content_type(), part.get_payload(decode=True))]


def assert_same(raw: bytes) -> None:
    known = expected(message_from_bytes(raw, policy=compat32))
    found = [(kind, b"" if kind.startswith("message/") else octets) for kind, octets in leaves(parse_entities(raw))]
    assert found == known


@pytest.mark.parametrize("name", ODD)
def test_mails_are_cut_as_the_standard_library_cuts_them(name: str) -> None:
    assert_same(ODD[name])


@pytest.mark.slow  # all messages of the tests
def test_all_messages_of_the_tests_are_cut_alike() -> None:
    mails = sorted(MESSAGES.rglob("*.eml"))
    assert len(mails) > 400
    for mail in mails:
        assert_same(mail.read_bytes())


@pytest.mark.parametrize("change", [b"", b"=", b"==", b"!", b"A", b"AB", b"ABC=", b"\n"])
@pytest.mark.parametrize("place", [0, 1, 2, 3, 400])
def test_base64_that_breaks_the_rules_is_decoded_as_the_standard_library_does(change: bytes, place: int) -> None:
    for data in (PACKED[:800], PACKED[:801], PACKED[:802].rstrip(), PACKED[:600] + b"=\r\nand a footer, none of it"):
        odd = data[:place] + change + data[place:]
        head = b"Content-Transfer-Encoding: base64\r\n\r\n"
        message = message_from_bytes(head + up_to_the_padding(odd), policy=compat32)
        assert from_base64(odd) == message.get_payload(decode=True)


def up_to_the_padding(data: bytes) -> bytes:
    """As far as the padding that fits: behind it Pythons of 2026 read on, those before did not."""
    digits = paddings = 0
    for at, sign in enumerate(data):
        if sign == ord("="):
            paddings += 1
            if digits % 4 >= 2 and digits % 4 + paddings >= 4:
                return data[: at + 1]
        elif re.match(rb"[A-Za-z0-9+/]", bytes([sign])):
            digits, paddings = digits + 1, 0
    return data


def test_what_is_cut_too_often_is_refused() -> None:
    raw = b"text\r\n"
    for depth in range(MAX_DEPTH + 2):
        raw = b"Content-Type: multipart/mixed; boundary=%d\r\n\r\n--%d\r\n%s" % (depth, depth, raw)
    with pytest.raises(TooComplex):
        parse_entities(raw)
    assert parse_mail(raw).is_unreadable


def test_a_forwarded_mail_is_handed_over_as_it_stands() -> None:
    inner = b"Subject: in\r\nX-Odd:   spaced\r\n\tout\r\n\r\nFrom here\r\nand on"
    raw = MIXED + b"\r\n--b\r\nContent-Type: message/rfc822\r\n\r\n" + inner + b"\r\n--b--\r\n"
    (document,) = parse_mail(raw).documents
    assert (document.name, document.content) == ("in.eml", inner)


@pytest.mark.parametrize("encoding", [b"base64", b"7bit"])
def test_an_encoded_forwarded_mail_is_decoded_where_it_is_encoded(encoding: bytes) -> None:
    inner = b"Subject: in\r\n\r\nbody\r\n"
    head = b"Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    (document,) = parse_mail(head + (base64.encodebytes(inner) if encoding == b"base64" else inner)).documents
    assert (document.name, document.content) == ("in.eml", inner)
