"""Reading the bounces that come back to us: which recipient, what became of it, why.

Whoever can send us mail can send us this. Nothing here raises, and everything read is bounded; that the mail came to an
address only we could make is for the caller to check.
"""

import base64
import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes
from email.message import Message
from email.policy import compat32
from quopri import decodestring
from typing import Final

_READ_BYTES: Final = 1 << 20  # of a bounce; the status part stands before what is returned
_RECIPIENTS: Final = 1000
_PARTS: Final = 50
_DEPTH: Final = 4
_STATUS_TYPES: Final = ("message/delivery-status", "message/global-delivery-status")
_RETURNED_TYPES: Final = (
    "message/rfc822", "message/global", "text/rfc822-headers", "message/global-headers", "message/rfc822-headers",
)  # fmt: skip
_STATUS: Final = re.compile(r"\b([245])\.(\d{1,3})\.(\d{1,3})\b")
_BY_CLASS: Final = {"2": "delivered", "4": "delayed", "5": "failed"}
_ACTIONS: Final = frozenset({"failed", "delayed", "delivered", "relayed", "expanded"})
_CONTROLS: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff\u2028\u2029]+")
_ESCAPED: Final = re.compile(r"\\x\{([0-9A-Fa-f]{2,6})\}")
_QMAIL: Final = "This is the qmail-send program"


@dataclass(frozen=True, slots=True)
class DsnRecipient:
    """What a bounce says of one recipient. `action`: failed, delayed, delivered, relayed or expanded."""

    final: str
    original: str | None
    action: str
    status: str  # 5.1.1
    diagnostic: str  # one printable line, at most 500 characters


@dataclass(frozen=True, slots=True)
class Dsn:
    """A bounce, read. `message_id` is that of the message it tells of, with its brackets, if it came back."""

    recipients: tuple[DsnRecipient, ...]
    message_id: str | None = None


def read_dsn(raw: bytes) -> Dsn | None:
    """What a bounce says: a DSN (RFC 3464, 6533), or one in the manner of Exim or qmail. None: not one we can read."""
    head, body = _split(raw[:_READ_BYTES])
    message = _headers(head)
    fields: list[dict[str, str]] = []
    message_id = None
    for part, content in _parts(message, body, _DEPTH):
        kind = _content_type(part)
        if kind in _STATUS_TYPES and not fields:
            fields = list(_groups(_decoded(part, content)))
        elif kind in _RETURNED_TYPES and message_id is None:
            message_id = (
                _one_line(str(_headers(_split(_decoded(part, content))[0]).get("Message-ID") or ""), 250) or None
            )
    recipients = tuple(found for group in fields[1:] if (found := _recipient(group)) is not None)[:_RECIPIENTS]
    if recipients:
        return Dsn(recipients, message_id)
    recipients = _exim(message) or _qmail(body)
    return Dsn(recipients, message_id) if recipients else None


# --- MIME, as little as it takes ------------------------------------------------------------------------------------


def _split(raw: bytes) -> tuple[bytes, bytes]:
    found = re.search(rb"\r?\n\r?\n", raw)
    if raw[:2] == b"\r\n" or raw[:1] == b"\n":
        return b"", raw.lstrip(b"\r\n")
    return (raw, b"") if found is None else (raw[: found.start()], raw[found.end() :])


def _headers(head: bytes) -> "Message[str, str]":
    return message_from_bytes(head[:65_536] + b"\r\n\r\n", policy=compat32)


def _content_type(message: "Message[str, str]") -> str:
    try:
        return message.get_content_type()
    except (ValueError, LookupError, TypeError, AttributeError):  # the stdlib's parser meets a stranger's header
        return "text/plain"


def _boundary(message: "Message[str, str]") -> bytes | None:
    try:
        boundary = message.get_boundary()
    except (ValueError, LookupError, TypeError, AttributeError):
        return None
    return boundary.encode("utf-8", "surrogateescape") if boundary else None


def _parts(message: "Message[str, str]", body: bytes, depth: int) -> "Iterator[tuple[Message[str, str], bytes]]":
    boundary = _boundary(message)
    if boundary is None or depth == 0 or not _content_type(message).startswith("multipart/"):
        yield message, body
        return
    pieces = re.split(rb"(?:\A|\r?\n)--" + re.escape(boundary) + rb"[ \t]*(?:--[^\n]*)?(?=\r?\n|\Z)", body)
    for piece in pieces[1 : _PARTS + 1]:
        stripped = re.sub(rb"\A\r?\n", b"", piece, count=1)
        head, content = _split(stripped)
        yield from _parts(_headers(head), content, depth - 1)


def _decoded(part: "Message[str, str]", content: bytes) -> bytes:
    encoding = str(part.get("Content-Transfer-Encoding") or "").strip().lower()
    try:
        if encoding == "base64":
            return base64.b64decode(re.sub(rb"\s+", b"", content))
        if encoding == "quoted-printable":
            return decodestring(content)
    except (binascii.Error, ValueError):
        pass
    return content


# --- what stands in it ----------------------------------------------------------------------------------------------


def _groups(content: bytes) -> Iterator[dict[str, str]]:
    """The groups of fields, names in lower case; of a field given twice the first counts."""
    text = content.decode("utf-8", "replace").replace("\r\n", "\n").strip("\n")
    for block in re.split(r"\n[ \t]*\n", text)[: _RECIPIENTS + 1]:
        fields: dict[str, str] = {}
        for line in re.sub(r"\n[ \t]+", " ", block).split("\n"):
            name, colon, value = line.partition(":")
            if colon:
                fields.setdefault(name.strip().lower(), _one_line(value, 500))
        yield fields


def _recipient(fields: dict[str, str]) -> DsnRecipient | None:
    final = _address(fields.get("final-recipient", ""))
    original = _address(fields.get("original-recipient", ""))
    diagnostic = fields.get("diagnostic-code", "")
    found = _STATUS.search(fields.get("status", "")) or _STATUS.search(diagnostic)
    action = fields.get("action", "").lower().split(" ")[0]
    if action not in _ACTIONS:
        action = _BY_CLASS[found[1]] if found else ""
    if not (final or original) or not action:
        return None
    status = f"{found[1]}.{int(found[2])}.{int(found[3])}" if found else f"{'5' if action == 'failed' else '2'}.0.0"
    return DsnRecipient(
        final or original, original or None, action, status, diagnostic.partition(";")[2].strip() or diagnostic
    )


def _address(typed: str) -> str:
    """The address of `rfc822; a@b` or `utf-8; …`, of which the first word is its type."""
    kind, semicolon, address = typed.partition(";")
    address = (address if semicolon else kind).strip().strip("<>").strip()
    if kind.strip().lower() == "utf-8":
        address = _ESCAPED.sub(lambda found: _character(found[1]), address)
    return _one_line(address, 320)


def _character(digits: str) -> str:
    number = int(digits, 16)
    return chr(number) if number < 0x110000 else "?"


def _exim(message: "Message[str, str]") -> tuple[DsnRecipient, ...]:
    named = _one_line(str(message.get("X-Failed-Recipients") or ""), 20_000)
    addresses = [each.strip().strip("<>") for each in named.split(",")]
    return tuple(DsnRecipient(each, None, "failed", "5.0.0", "") for each in addresses if "@" in each)[:_RECIPIENTS]


def _qmail(body: bytes) -> tuple[DsnRecipient, ...]:
    text = body[:65_536].decode("utf-8", "replace").replace("\r\n", "\n")
    if _QMAIL not in text[:2000]:
        return ()
    recipients = []
    for paragraph in text.split("\n\n")[1:_RECIPIENTS]:
        if paragraph.startswith("---"):
            break
        found = re.match(r"<([^<>\n]{3,320})>:\n(.*)", paragraph, re.DOTALL)
        if found:
            status = _STATUS.search(found[2])
            recipients.append(
                DsnRecipient(found[1], None, "failed", status[0] if status else "5.0.0", _one_line(found[2], 500))
            )
    return tuple(recipients)


def _one_line(text: str, limit: int) -> str:
    return _CONTROLS.sub(" ", text).strip()[:limit]
