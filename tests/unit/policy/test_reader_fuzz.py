"""What the standard library's parser would show of any message is among what the reader gives."""

import email
import email.policy
import email.utils
from collections.abc import Iterator
from email.message import EmailMessage, Message

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from policy.extraction.message import read_message
from policy.reader.mime import read_mime

MARK = "536-22-1234"
_LINES = st.sampled_from(
    [
        b"",
        b" ",
        b"--b",
        b"--b--",
        b"--c",
        b"--c--",
        b"--bc",
        b"text 536-22-1234",
        b"536-22-1234",
        b"no colon here",
        b"U1NOIDUzNi0yMi0xMjM0",
        b"NTM2LTIyLTEyMzQ=",
        b"=35=33=36=2D22-1234",
        b"536-22=",
        b"-1234",
        b"Content-Type: text/plain",
        b"Content-Type: text/html; charset=utf-8",
        b"content-type: multipart/mixed; boundary=b",
        b'Content-Type: multipart/alternative; boundary="c"',
        b"Content-Type: multipart/mixed; boundary*0=b; boundary*1=c",
        b"Content-Type: message/rfc822",
        b"Content-Type: multipart/digest; boundary=b",
        b"Content-Type: x",
        b"Content-Type: text/plain; charset=utf-7",
        b'Content-Type: text/plain; name="=?utf-8?q?536-22-1234?="',
        b"Content-Transfer-Encoding: base64",
        b"Content-Transfer-Encoding: quoted-printable",
        b"Content-Transfer-Encoding: 7bit",
        b"Content-Transfer-Encoding: x-uuencode",
        b"Content-Disposition: attachment",
        b"Content-Disposition: attachment; filename*0=536-22; filename*1=-1234",
        b"Subject: =?utf-8?b?NTM2LTIyLTEyMzQ=?=",
        b"Subject: 536-",
        b" 22-1234",
        b"\tfolded",
        b"From: a@b.example",
        b"MIME-Version: 1.0",
        b"From nobody Mon",
        b"begin 644 a",
        b"end",
        b"\xff\xfe5\x003\x006\x00",
        b"\xfc\xe9",
    ]
)
_MESSAGES = st.builds(
    lambda lines, end: end.join(lines), st.lists(_LINES, max_size=40), st.sampled_from([b"\r\n", b"\n"])
)


def shown(message: Message) -> Iterator[str]:
    """Subject, names and texts as a program built on the standard library shows them."""
    subject = _tried(lambda: message["subject"])
    if subject:
        yield subject
    for part in _walk(message):
        name = _tried(part.get_filename)
        if name:
            yield name
        if part.is_multipart():
            continue
        if part.get_content_maintype() == "text":
            text = _tried(part.get_content) if isinstance(part, EmailMessage) else None
            if isinstance(text, str):
                yield text


def _walk(message: Message) -> Iterator[Message]:
    yield message
    payload = message.get_payload()
    for part in payload if isinstance(payload, list) else ():
        yield from _walk(part)


def _tried(read):  # type: ignore[no-untyped-def]  # the parser under comparison raises what it likes
    try:
        return read()
    except Exception:  # noqa: BLE001
        return None


def squeezed(text: str) -> str:
    """Without white space and what the two parsers replace by different signs."""
    return "".join(text.replace("\ufffd", "").split())


@pytest.mark.slow
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(_MESSAGES)
def test_nothing_the_standard_library_shows_is_missed(raw: bytes) -> None:
    read = squeezed("".join(part.text for part in read_message(raw).content.parts))
    for text in shown(email.message_from_bytes(raw, policy=email.policy.default)):
        if MARK in squeezed(text):
            assert MARK in read


@pytest.mark.slow
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(_MESSAGES)
def test_every_text_is_read_whole(raw: bytes) -> None:
    message = read_message(raw)
    if any(fact.unreadable for fact in message.content.files):
        return
    read = squeezed("".join(part.text for part in message.content.parts))
    parsed = email.message_from_bytes(raw, policy=email.policy.default)
    for part in _walk(parsed):
        if part.get_content_type() == "text/plain" and not part.is_multipart() and isinstance(part, EmailMessage):
            text = _tried(part.get_content)
            if isinstance(text, str) and text.isascii():
                for line in text.splitlines():
                    assert squeezed(line) in read


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=2000))
def test_no_bytes_raise(raw: bytes) -> None:
    assert read_mime(raw).items is not None


@settings(max_examples=100, deadline=None)
@given(
    st.text(st.characters(exclude_categories=["Cc", "Cs"]), max_size=200),
    # not utf-16: the standard library takes its bytes 0D and 0A for line ends, and writes something else
    st.sampled_from(["utf-8", "iso-8859-1", "iso-2022-jp", "cp1251"]),
)
def test_texts_written_by_the_standard_library_are_read(text: str, charset: str) -> None:
    message = EmailMessage()
    body = text.encode(charset, "ignore").decode(charset).replace("\r", "").replace("\0", "")
    try:
        message.set_content(body, charset=charset)
    except (UnicodeError, LookupError, ValueError):
        return
    read = "".join(part.text for part in read_message(message.as_bytes()).content.parts)
    assert squeezed(body) in squeezed(read)
