"""One letter of a box as pages show it: for guests, and for those who keep the box."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Final

from markupsafe import Markup

from delivery.safebox.contents import BoxDocument, BoxMessage, OpenBox
from delivery.safebox.inplace import PICTURES
from delivery.safebox.participants import Person
from delivery.speech import phrase
from portal.web.formatted import has_remote_pictures, page_markup, text_markup
from portal.web.language import _, count, say

_KINDS: Final = {
    "pdf": phrase("PDF document"),
    "document": phrase("Document"),
    "spreadsheet": phrase("Spreadsheet"),
    "presentation": phrase("Presentation"),
    "picture": phrase("Picture"),
    "text": phrase("Text"),
    "archive": phrase("Archive"),
    "mail": phrase("E-mail"),
}

_SMALL: Final = 16_000  # characters that are cleaned within half a millisecond
_FILE: Final = "FILE"  # where the name has no ending
_MARKS: Final = {"docx": "DOC", "xlsx": "XLS", "pptx": "PPT", "jpeg": "JPG", "tiff": "TIF", "html": "HTM"}
_BY_ENDING: Final = {
    "DOC": phrase("Word document"),
    "XLS": phrase("Excel workbook"),
    "PPT": phrase("PowerPoint presentation"),
}


@dataclass(frozen=True, slots=True)
class ShownDocument:
    """One line in the list of documents."""

    document: BoxDocument
    path: str
    mark: str  # PDF, JPG: up to four letters for the little sheet
    kind: str  # `PDF document`


@dataclass(frozen=True, slots=True)
class ShownMessage:
    """One letter. `body` is clean. `frame`: where it stands as it was formatted, or empty."""

    id: str
    author: Person
    written_at: datetime
    to: str
    is_mine: bool
    is_cut: bool
    is_unreadable: bool
    body: Markup = field(repr=False)
    frame: str
    has_remote: bool
    shows_remote: bool
    documents: tuple[ShownDocument, ...]


async def shown_messages(
    here: str, messages: Sequence[BoxMessage], to: Callable[[BoxMessage], str], key: str = "", *, remote: bool = False
) -> tuple[ShownMessage, ...]:
    """`shown_message` of each; `to`: who reads it, in words. Cleaning a large mail takes a while: not in the loop. With
    a small one a turn of threads takes longer.
    """

    def shown() -> tuple[ShownMessage, ...]:
        return tuple(shown_message(here, one, to(one), key, remote=remote) for one in messages)

    is_small = sum(len(one.text) + len(one.html or "") for one in messages) < _SMALL
    return shown() if is_small else await asyncio.to_thread(shown)


def shown_message(here: str, message: BoxMessage, to: str, key: str = "", *, remote: bool = False) -> ShownMessage:
    """Clean it; this takes a while for a large mail. `to`: who reads it, in words. `remote`: with pictures from the
    internet, asked for by `key`.
    """
    inline = pictures_of(message)
    path = partial(_picture_path, here, inline)
    body = page_markup(message.html, path) if message.html else None
    frame = f"{here}/formatted/{message.id}" if message.html and body is not None else ""
    shows = remote and bool(frame)
    return ShownMessage(
        id=message.id,
        author=message.author,
        written_at=message.written_at,
        to=to,
        is_mine=message.author.is_reader,
        is_cut=message.is_cut,
        is_unreadable=message.is_unreadable,
        body=body if body is not None and body.strip() else text_markup(message.text),
        frame=f"{frame}?pictures={key}" if shows else frame,
        has_remote=bool(frame) and has_remote_pictures(message.html or ""),
        shows_remote=shows,
        documents=tuple(shown_document(here, one) for one in message.documents if not _is_inline(one, body)),
    )


def to_whom(box: OpenBox, message: BoxMessage) -> str:
    """Who reads a letter, in words for the one who reads it too; empty: they wrote it themselves."""
    if message.only_for is not None:
        return for_one(message.only_for)
    if message.author.is_reader:
        return ""
    others = len([person for person in box.people if not person.is_reader and person.id != message.author.id])
    if not others:
        return _("to you")
    return count(others, "to you and {number} other", "to you and {number} others")


def for_one(person: Person) -> str:
    """The sentence that a letter was written for one guest alone, for whoever looks at it."""
    return _("to you alone") if person.is_reader else _(phrase("to {name} alone", name=person.name or person.address))


def pictures_of(message: BoxMessage) -> dict[str, str]:
    """Content id -> document id, of the pictures that a mail shows within its text."""
    shown = [one for one in message.documents if one.content_id and one.type in PICTURES]
    return {one.content_id: one.id for one in shown if one.content_id}


def _picture_path(here: str, inline: dict[str, str], content_id: str) -> str | None:
    document = inline.get(content_id)
    return f"{here}/pictures/{document}" if document else None


def _is_inline(document: BoxDocument, body: Markup | None) -> bool:
    """Whether a document is shown within the text: then it is not listed among the documents too."""
    return body is not None and document.content_id is not None and f"/pictures/{document.id}" in body


def shown_document(here: str, document: BoxDocument) -> ShownDocument:
    """One line of the list: its path, its mark, and what kind of file people call it."""
    ending = document.name.rpartition(".")[2] if "." in document.name else ""
    mark = (
        _MARKS.get(ending.lower()) or ending.upper()
        if 1 <= len(ending) <= 4 and ending.isalnum() and ending.isascii()
        else _FILE
    )
    known = _BY_ENDING.get(mark) or _KINDS.get(document.kind)
    kind = _(known) if known else _("File") if mark == _FILE else say("{ending} file", ending=mark)
    return ShownDocument(document, f"{here}/documents/{document.id}", mark, kind)
