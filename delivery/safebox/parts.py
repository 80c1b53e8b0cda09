"""The parts of a mail: which are its body, and which are documents."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from email.utils import collapse_rfc2231_value
from typing import Final

from delivery.safebox.entities import Entity, from_base64, head_of
from delivery.safebox.headers import MAX_HEADER, all_headers, decoded, text_of_octets
from delivery.safebox.names import clean_name, clean_type, kind_of

_MAX_CONTENT_ID: Final = 250
_SOME: Final = 1 << 20  # characters


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


def bodies_and_documents(mail: Entity) -> tuple[list[Unit], list[MailDocument]]:
    """What to show, and what to offer for download. Raises what the standard library raises."""
    found = _Found()
    _walk(mail, found)
    return found.units, found.documents


def _walk(part: Entity, found: _Found) -> None:
    if part.parts is not None:
        if part.head.get_content_type() == "multipart/alternative":
            _alternative(part.parts, found)
        else:
            for child in part.parts:
                _walk(child, found)
    elif _is_body(part):
        text = _text(part)
        is_page = part.head.get_content_type() == "text/html"
        found.units.append(Unit(None, text) if is_page else Unit(text, None))
    else:
        found.documents.append(_document(part, len(found.documents) + 1))


def _alternative(parts: Sequence[Entity], found: _Found) -> None:
    """Of several forms of one thing: the text and the last html are shown as one; what else they bring is kept."""
    inner = _Found()
    for child in parts:
        _walk(child, inner)
    texts = [unit.text for unit in inner.units if unit.text is not None]
    htmls = [unit.html for unit in inner.units if unit.html is not None]
    if texts or htmls:
        found.units.append(Unit("\n\n".join(texts) if texts else None, htmls[-1] if htmls else None))
    found.documents.extend(inner.documents)


def _is_body(part: Entity) -> bool:
    """Text; and a multipart without its delimiters, which is shown as one."""
    head = part.head
    if head.get_content_type() not in ("text/plain", "text/html") and head.get_content_maintype() != "multipart":
        return False
    return _disposition(part) != "attachment" and not _file_name(part)


def _text(part: Entity) -> str:
    text = text_of_octets(part.octets(), str(_parameter(part, "content-type", "charset") or "utf-8"))
    if "\r" not in text and "\0" not in text:
        return text
    pieces: list[str] = []
    start = 0
    while start < len(text):
        stop = text.find("\n", start + _SOME) + 1 or len(text)
        pieces.append(text[start:stop].replace("\r\n", "\n").replace("\r", "\n").replace("\0", ""))
        start = stop
    return "".join(pieces)


def _document(part: Entity, position: int) -> MailDocument:
    ids = all_headers(part.head).get("content-id", [""])[0].strip()[:_MAX_CONTENT_ID]
    content_id = ids.strip("<>").strip() or None
    name = _file_name(part)
    if part.head.get_content_maintype() == "message":
        return _nested(part, name, position)
    return make_document(name, part.head.get_content_type(), part.octets(), position, content_id)


def _nested(part: Entity, name: str, position: int) -> MailDocument:
    """A mail within the mail, or a report: whole and as it stands, as a document."""
    content = part.body()
    if part.head.get_content_type() != "message/rfc822":
        return make_document(name, part.head.get_content_type(), content, position)
    head = head_of(content)
    encoding = str(part.head.get("content-transfer-encoding", "")).strip().lower()
    if encoding == "base64" and not head.keys():  # against RFC 2046 5.2.1, and yet it is
        content = from_base64(content)
        head = head_of(content)
    subject = decoded(next(iter(all_headers(head).get("subject", [])), ""))
    return make_document(
        name or f"{subject.replace('/', '_')[:100] or 'message'}.eml", "message/rfc822", content, position
    )


def _file_name(part: Entity) -> str:
    name = _parameter(part, "content-disposition", "filename") or _parameter(part, "content-type", "name")
    return decoded(collapse_rfc2231_value(name)) if name else ""


def _disposition(part: Entity) -> str:
    return (
        str(next(iter(all_headers(part.head).get("content-disposition", [])), ""))[:100]
        .partition(";")[0]
        .strip()
        .lower()
    )


def _parameter(part: Entity, header: str, name: str) -> str | tuple[str | None, str | None, str] | None:
    values = all_headers(part.head).get(header)
    if not values or len(values[0]) > MAX_HEADER:  # the parser takes quadratic time for parameters
        return None
    return part.head.get_param(name, header=header)
