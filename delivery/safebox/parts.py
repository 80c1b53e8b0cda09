"""The parts of a mail: which are its body, and which are documents."""

import base64
import binascii
from contextlib import suppress
from dataclasses import dataclass, field
from email.message import Message
from email.utils import collapse_rfc2231_value
from typing import Final

from delivery.safebox.headers import MAX_HEADER, all_headers, decoded, text_of_octets
from delivery.safebox.names import clean_name, clean_type, kind_of

MAX_DEPTH: Final = 50
MAX_PARTS: Final = 2000
_MAX_CONTENT_ID: Final = 250


class TooOdd(ValueError):
    """More parts or deeper than anything people send."""


@dataclass(frozen=True, slots=True)
class MailDocument:
    """One attachment or inline picture; name and type are clean."""

    name: str = field(repr=False)
    type: str
    kind: str
    content: bytes = field(repr=False)
    content_id: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Unit:
    """One stretch of the body: as text, as html, or both ways."""

    text: str | None = field(repr=False)
    html: str | None = field(repr=False)


def make_document(
    name: str, content_type: str, content: bytes, position: int, content_id: str | None = None
) -> MailDocument:
    """A document with its name and type made safe."""
    content_type = clean_type(content_type)
    name = clean_name(name, content_type, position)
    return MailDocument(name, content_type, kind_of(name, content_type), content, content_id)


@dataclass(slots=True)
class _Found:
    units: list[Unit] = field(default_factory=list)
    documents: list[MailDocument] = field(default_factory=list)
    parts: int = 0


def bodies_and_documents(message: Message) -> tuple[list[Unit], list[MailDocument]]:
    """What to show, and what to offer for download. Raises TooOdd, or what the standard library raises."""
    found = _Found()
    _walk(message, found, 0)
    return found.units, found.documents


def _walk(part: Message, found: _Found, depth: int) -> None:
    found.parts += 1
    if depth > MAX_DEPTH or found.parts > MAX_PARTS:
        raise TooOdd("too many parts, or too deep")
    kind = part.get_content_type()
    if part.is_multipart() and part.get_content_maintype() == "multipart":
        if kind == "multipart/alternative":
            _alternative(part, found, depth)
        else:
            for child in _children(part):
                _walk(child, found, depth + 1)
    elif _is_body(part):
        text = _text(part)
        found.units.append(Unit(None, text) if kind == "text/html" else Unit(text, None))
    else:
        found.documents.append(_document(part, len(found.documents) + 1))


def _alternative(part: Message, found: _Found, depth: int) -> None:
    """Of several forms of one thing: the text and the last html are shown as one; what else they bring is kept."""
    inner = _Found(parts=found.parts)
    for child in _children(part):
        _walk(child, inner, depth + 1)
    texts = [unit.text for unit in inner.units if unit.text is not None]
    htmls = [unit.html for unit in inner.units if unit.html is not None]
    if texts or htmls:
        found.units.append(Unit("\n\n".join(texts) if texts else None, htmls[-1] if htmls else None))
    found.parts = inner.parts
    found.documents.extend(inner.documents)


def _children(part: Message) -> list[Message]:
    payload = part.get_payload()
    return [child for child in payload if isinstance(child, Message)] if isinstance(payload, list) else []


def _is_body(part: Message) -> bool:
    if part.get_content_type() not in ("text/plain", "text/html") and not _is_broken_multipart(part):
        return False
    return _disposition(part) != "attachment" and not _file_name(part)


def _is_broken_multipart(part: Message) -> bool:
    """A multipart without a boundary: the parser leaves its payload as text."""
    return part.get_content_maintype() == "multipart" and not part.is_multipart()


def _text(part: Message) -> str:
    octets = _octets(part)
    text = text_of_octets(octets, str(_parameter(part, "content-type", "charset") or "utf-8"))
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "")


def _octets(part: Message) -> bytes:
    payload = part.get_payload(decode=True)
    return payload if isinstance(payload, bytes) else b""


def _document(part: Message, position: int) -> MailDocument:
    headers = all_headers(part)
    ids = headers.get("content-id", [""])[0].strip()[:_MAX_CONTENT_ID]
    content_id = ids.strip("<>").strip() or None
    name = _file_name(part)
    if part.get_content_maintype() == "message" and part.is_multipart():
        return _nested(part, name, position)
    return make_document(name, part.get_content_type(), _octets(part), position, content_id)


def _nested(part: Message, name: str, position: int) -> MailDocument:
    """A mail within the mail, or a report: whole, as a document."""
    inner = _children(part)
    content = b"".join(one.as_bytes() for one in inner)
    if part.get_content_type() != "message/rfc822":
        return make_document(name, part.get_content_type(), content, position)
    if str(part.get("content-transfer-encoding", "")).strip().lower() == "base64":  # RFC 2046 5.2.1 forbids it
        with suppress(binascii.Error):
            content = base64.b64decode(content, validate=False)
    subject = decoded(next(iter(all_headers(inner[0]).get("subject", [])), ""))
    return make_document(
        name or f"{subject.replace('/', '_')[:100] or 'message'}.eml", "message/rfc822", content, position
    )


def _file_name(part: Message) -> str:
    name = _parameter(part, "content-disposition", "filename") or _parameter(part, "content-type", "name")
    return decoded(collapse_rfc2231_value(name)) if name else ""


def _disposition(part: Message) -> str:
    return str(next(iter(all_headers(part).get("content-disposition", [])), ""))[:100].partition(";")[0].strip().lower()


def _parameter(part: Message, header: str, name: str) -> str | tuple[str | None, str | None, str] | None:
    values = all_headers(part).get(header)
    if not values or len(values[0]) > MAX_HEADER:  # the parser takes quadratic time for parameters
        return None
    return part.get_param(name, header=header)
