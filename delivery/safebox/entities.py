"""A raw mail cut into its entities, as the standard library's parser cuts it, without ever holding up other threads.

That parser and its `get_payload` work on all of a mail at once, and keep every other thread waiting meanwhile: a second
for 40 MB. Here a mail stays the bytes it is: its parts are places in it, found by the lines that begin with two dashes,
and what is encoded is decoded some megabytes at a time. Only headers are read by the standard library.
"""

import binascii
import re
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field
from email.message import Message
from email.parser import BytesHeaderParser
from email.policy import compat32
from typing import Final

import pybase64

from policy.reader.turns import copied, find, from_quoted_printable, without

MAX_DEPTH: Final = 50
MAX_PARTS: Final = 2000
_SOME: Final = 1 << 20  # bytes
_SMALL: Final = 1 << 18  # bytes of a body that the standard library may decode
_LONGEST: Final = 1 << 16  # bytes of a header's name, and of blanks behind a delimiter
_HEADER: Final = re.compile(rb"From |[!-9;-~]*:|[\t ]")
_LINE_END: Final = re.compile(rb"\r\n|\r|\n")
_TAIL: Final = re.compile(rb"(--)?[ \t]{0,%d}(?:\r\n|\r|\n|\Z)" % _LONGEST)
_ALPHABET: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="
_NOT_BASE64: Final = bytes(set(range(256)) - set(_ALPHABET))
_PADDING: Final = re.compile(rb"=+")


class TooComplex(ValueError):
    """The mail has more parts, or nests them deeper, than anything people send."""


@dataclass(frozen=True, slots=True)
class Entity:
    """One entity (RFC 2045 2.4): its header alone, and where in the mail its body stands.

    `parts`: of a multipart whose delimiters are there; of anything else None.
    """

    head: Message
    raw: bytes = field(repr=False)
    start: int
    stop: int
    parts: "tuple[Entity, ...] | None" = field(default=None, repr=False)

    def body(self) -> bytes:
        """As it stands in the mail."""
        return copied(self.raw, self.start, self.stop)

    def octets(self) -> bytes:
        """The body without its transfer encoding; what is wrongly encoded as `Message.get_payload` gives it."""
        encoding = str(self.head.get("content-transfer-encoding", "")).lower()
        if self.stop - self.start <= _SMALL or encoding in ("x-uuencode", "uuencode", "uue", "x-uue"):
            self.head.set_payload(self.raw[self.start : self.stop].decode("ascii", "surrogateescape"))
            payload = self.head.get_payload(decode=True)
            self.head.set_payload("")
            return payload if isinstance(payload, bytes) else b""
        if encoding == "quoted-printable":
            return from_quoted_printable(self.body())
        return from_base64(self.body()) if encoding == "base64" else self.body()


def parse_entities(raw: bytes) -> Entity:
    """The entity that is the whole mail. Raises TooComplex, or what the standard library raises about a header."""
    return _EntityParser(raw).entity(0, len(raw), "text/plain", 0)


def head_of(raw: bytes) -> Message:
    """The header of a mail."""
    return _head(raw, 0, len(raw))[0]


def from_base64(data: bytes) -> bytes:
    """The bytes that base64 text stands for. Malformed text is read as `email` does: to the first fitting padding."""
    lines = without(data, b"\r\n")
    try:
        return pybase64.b64decode(lines + b"=" * (-len(lines) % 4), validate=True)
    except binascii.Error:
        pass
    clean = without(lines, _NOT_BASE64)
    stop, padded = len(clean), 0
    for run in _PADDING.finditer(clean):
        behind = (run.start() - padded) % 4
        if behind >= 2 and behind + len(run[0]) >= 4:
            stop = run.start()
            break
        padded += len(run[0])
    clean = without(copied(clean, 0, stop), b"=")
    if len(clean) % 4 == 1:
        return lines
    return pybase64.b64decode(clean + b"=" * (-len(clean) % 4), validate=True)


class _EntityParser:
    """Finds the entities of one mail."""

    def __init__(self, raw: bytes) -> None:
        self._raw = raw
        self._dashed = _dashed(raw)
        self._parts = 0

    def entity(self, start: int, stop: int, default: str, depth: int) -> Entity:
        """What stands there; the line end before `stop` is the delimiter's, if one follows."""
        self._parts += 1
        if depth > MAX_DEPTH or self._parts > MAX_PARTS:
            raise TooComplex("too many parts, or too deep")
        raw = self._raw
        head, body = _head(raw, start, stop)
        head.set_default_type(default)
        if head.get_content_maintype() != "multipart":
            return Entity(head, raw, body, _before_line_end(raw, body, stop) if depth else stop)
        boundary = head.get_boundary()
        if boundary is None:
            return Entity(head, raw, body, stop)
        lines = self._delimiters(boundary, body, stop)
        if not lines or lines[0].closing:
            return Entity(head, raw, body, lines[0].start if lines else stop)
        inner = "message/rfc822" if head.get_content_type() == "multipart/digest" else "text/plain"
        places = _between(lines, stop)
        return Entity(head, raw, body, stop, tuple(self.entity(*place, inner, depth + 1) for place in places))

    def _delimiters(self, boundary: str, start: int, stop: int) -> "list[_Line]":
        try:
            separator = b"--" + boundary.encode("ascii", "surrogateescape")
        except UnicodeEncodeError:  # no line can be it
            return []
        found: list[_Line] = []
        raw, dashed = self._raw, self._dashed
        for at in dashed[bisect_left(dashed, start) : bisect_left(dashed, stop)]:
            if raw.startswith(separator, at) and (tail := _TAIL.match(raw, at + len(separator), stop)):
                found.append(_Line(at, tail.end(), tail[1] is not None))
        return found


@dataclass(frozen=True, slots=True)
class _Line:
    start: int
    end: int
    closing: bool


def _between(lines: Sequence[_Line], stop: int) -> list[tuple[int, int]]:
    """The parts between delimiters. Several that follow at once are one, a closing one behind an opening one too."""
    found: list[tuple[int, int]] = []
    at = 0
    while at < len(lines) and not lines[at].closing:
        while at + 1 < len(lines) and lines[at + 1].start == lines[at].end:
            at += 1
        found.append((lines[at].end, lines[at + 1].start if at + 1 < len(lines) else stop))
        at += 1
    return found


def _dashed(raw: bytes) -> list[int]:
    """Where lines begin with two dashes."""
    found = [0] if raw.startswith(b"--") else []
    for needle in (b"\n--", b"\r--"):
        at = find(raw, needle)
        while at >= 0:
            found.append(at + 1)
            at = find(raw, needle, at + 1)
    return sorted(found)


def _head(raw: bytes, start: int, stop: int) -> tuple[Message, int]:
    """The header that begins there, and where the body does."""
    last = end = start
    while end < stop and _HEADER.match(raw, end, min(stop, end + _LONGEST)):
        last, end = end, _next_line(raw, end, stop)
    head = BytesHeaderParser(policy=compat32).parsebytes(raw[start:end])
    if head.get_payload():  # a last line such as `From there on...` is the body's first
        head.set_payload("")
        return head, last
    blank = _LINE_END.match(raw, end, stop)
    return head, blank.end() if blank else end


def _next_line(raw: bytes, at: int, stop: int) -> int:
    for start in range(at, stop, _SOME):
        if match := _LINE_END.search(raw, start, min(stop, start + _SOME)):
            split = match[0] == b"\r" and match.end() < stop and raw.startswith(b"\n", match.end())
            return match.end() + split
    return stop


def _before_line_end(raw: bytes, start: int, stop: int) -> int:
    if raw.endswith(b"\r\n", start, stop):
        return stop - 2
    return stop - 1 if raw.endswith((b"\r", b"\n"), start, stop) else stop
