"""What people write and attach: text and documents, sealed part by part while they arrive. Nothing of it touches a disk
in the clear, and nothing is kept in memory but the text and one piece.
"""

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, Final, TypeVar, cast

from aiohttp import BodyPartReader, MultipartReader, StreamReader, web

from delivery.safebox.answers import AnswerDraft
from delivery.safebox.limits import AnswerLimits, AnswerRefused, TooMuch
from delivery.safebox.uploads import Upload
from delivery.speech import phrase
from portal.services import services_of
from portal.web.downloads import clean_name
from portal.web.forms import check_origin
from portal.web.render import _, count, say, size
from portal.web.troubles import FormTooOld, TooSlow, Trouble
from rules.content import FileKind

T = TypeVar("T")

_PIECE: Final = 256 * 1024
_SECONDS: Final = 60  # a piece must come in
_GRACE: Final = 300  # seconds that any upload may take
_SLOWEST: Final = 2048  # bytes a second, from then on
_TOKEN_BYTES: Final = 200
_OVERHEAD: Final = 256 * 1024  # of the form around text and documents
_MOST_PARTS: Final = 200
_LONGEST_NAME: Final = 1000
_LONGEST_LINE: Final = 1000  # bytes of one between parts: a boundary has 70 at most
_KINDS: Final = {
    FileKind.DOCUMENT: phrase("text documents"),
    FileKind.SPREADSHEET: phrase("spreadsheets"),
    FileKind.PRESENTATION: phrase("presentations"),
    FileKind.PDF: phrase("PDF files"),
    FileKind.ARCHIVE: phrase("archives"),
    FileKind.IMAGE: phrase("pictures"),
    FileKind.TEXT: phrase("plain text"),
    FileKind.HTML: phrase("web pages"),
    FileKind.MESSAGE: phrase("e-mails"),
    FileKind.EXECUTABLE: phrase("programs"),
    FileKind.UNKNOWN: phrase("other files"),
}


@dataclass(frozen=True, slots=True)
class FilesField:
    """Where files are added to a form: what it takes, and what waits there already. `path`: where uploads begin."""

    limits: AnswerLimits
    path: str
    waiting: tuple[Upload, ...] = ()

    @property
    def kinds(self) -> str:
        """Which kinds it takes, as a list in words; empty: any."""
        return ", ".join(_(_KINDS[kind]) for kind in self.limits.kinds)


@dataclass(slots=True)
class Pace:
    """Tells whether something arrives fast enough."""

    octets: int = 0
    since: float = field(default_factory=monotonic)

    def check(self, octets: int) -> None:
        """Raises TooSlow for an upload that only keeps the connection busy."""
        self.octets += octets
        if monotonic() - self.since > _GRACE + self.octets / _SLOWEST:
            raise TooSlow("upload")

    async def within(self, reading: Awaitable[T]) -> T:
        """Raises TooSlow where nothing comes at all."""
        return await _in_time(reading)


@dataclass(slots=True)
class Arriving:
    """The fields and files of a form that have arrived so far."""

    draft: AnswerDraft
    limits: AnswerLimits
    text: str = field(default="", repr=False)
    once: str = ""  # the id of the form, so that what it sends is taken once
    to: str = ""  # whom it is for alone, where the form asks
    documents: int = 0
    pace: Pace = field(default_factory=Pace)

    @property
    def is_empty(self) -> bool:
        """Nothing was written, and nothing attached."""
        return not self.text.strip() and not self.documents


class _Lines:
    """The body of a form, as aiohttp's reader of parts asks for it. The first line begins the first part: nobody writes
    anything before it, and lines without end there would be read one by one, without a turn for anybody else.
    """

    def __init__(self, content: StreamReader) -> None:
        self._content = content
        self._before = 0  # lines before the head of the first part

    async def readline(self, *, max_line_length: int | None = None) -> bytes:
        """A line of a part's head, which has a limit; else one between parts. Raises ValueError, LineTooLong."""
        if max_line_length is not None:
            self._before = -4  # no more than these stand behind the last part
            return await self._content.readline(max_line_length=max_line_length)
        self._before += 1
        if self._before > 1:
            raise ValueError("something stands before the first part")
        return await self._content.readline(max_line_length=_LONGEST_LINE)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._content, name)


async def parts_of(request: web.Request, cookie: str = "") -> MultipartReader:
    """The parts of multipart/form-data, with the token checked, which stands first, so that nothing else is read from a
    foreign form. Raises a Trouble, ValueError and HttpProcessingError (heads of parts that are none).

    `cookie`: of a session that has ended, from which the page with the form was made.
    """
    if request.content_type != "multipart/form-data" or "Content-Encoding" in request.headers:
        raise Trouble("not a form of ours")
    parts = MultipartReader(request.headers, cast(StreamReader, _Lines(request.content)))
    try:
        first = await _in_time(parts.next())
    except RuntimeError as odd:  # aiohttp's word for a field `_charset_` that is too long
        raise Trouble("not a form of ours") from odd
    if not isinstance(first, BodyPartReader) or first.name != "csrf":
        raise FormTooOld("token")
    token = await _short(first, _TOKEN_BYTES)
    await check_origin(request, token.decode("ascii", "replace"), cookie)
    return parts


def check_room(request: web.Request, octets: int) -> None:
    """Raises AnswerRefused where so many bytes more would take the room that mail needs."""
    if not services_of(request).has_room(octets):
        raise AnswerRefused(TooMuch.ROOM, 0)


async def receive(request: web.Request, parts: MultipartReader, arriving: Arriving) -> None:
    """Take `once`, `to`, `text`, `uploads` (ids of files that came before) and `files`. Raises AnswerRefused as soon as
    a limit is passed. Of what comes too late no file is taken: see `AnswerDraft.is_over`.
    """
    for _number in range(_MOST_PARTS):
        part = await _in_time(parts.next())
        if part is None:
            return
        if not isinstance(part, BodyPartReader):
            raise Trouble("a form within a form")
        if part.name == "text":
            await _text(part, arriving)
        elif part.name == "to":
            arriving.to = await _id(part)
        elif part.name == "once":
            arriving.once = await _id(part)
        elif part.name in ("uploads", "files") and await arriving.draft.is_over(arriving.once):
            return
        elif part.name == "uploads":
            await arriving.draft.add_upload(await _id(part))
            arriving.documents += 1
        elif part.name == "files" and part.filename:
            _check_length(request, arriving)
            check_room(request, request.content_length or 0)
            await _document(request, part, arriving)
        else:
            await _short(part, _OVERHEAD, pace=arriving.pace)
    raise Trouble("too many parts")


async def first_text(parts: MultipartReader, most: int) -> str:
    """What was written, to give it back; the text stands before the files, and only the form's id and whom it is for
    before the text.
    """
    part = await _in_time(parts.next())
    while isinstance(part, BodyPartReader) and part.name in ("once", "to"):
        await _short(part, _TOKEN_BYTES)
        part = await _in_time(parts.next())
    if not isinstance(part, BodyPartReader) or part.name != "text":
        return ""
    return (await _short(part, 4 * most, cut=True)).decode("utf-8", "replace")[:most]


async def _text(part: BodyPartReader, arriving: Arriving) -> None:
    """The text is kept even where it is refused, cut: the page gives it back."""
    most = arriving.limits.text
    raw = await _short(part, 4 * most + 4, cut=True, pace=arriving.pace)
    text = raw.decode("utf-8", "replace").replace("\r\n", "\n").replace("\r", "\n")
    arriving.text = text[:most]
    if len(text) > most:
        raise AnswerRefused(TooMuch.TEXT, most)


def _check_length(request: web.Request, arriving: Arriving) -> None:
    """What the browser says it will send is enough to refuse it, before any of it is taken."""
    limits = arriving.limits
    allowed = limits.total_bytes + 4 * limits.text + _OVERHEAD
    if request.content_length is not None and request.content_length > allowed:
        raise AnswerRefused(TooMuch.TOTAL_BYTES, limits.total_bytes)


async def _document(request: web.Request, part: BodyPartReader, arriving: Arriving) -> None:
    name = clean_name((part.filename or "")[:_LONGEST_NAME])
    await arriving.draft.add_document(name, part.headers.get("Content-Type", "")[:200])
    while chunk := await _in_time(part.read_chunk(_PIECE)):
        check_room(request, len(chunk))
        await arriving.draft.write(bytes(chunk))
        arriving.pace.check(len(chunk))
    await arriving.draft.finish_document()
    arriving.documents += 1


async def _id(part: BodyPartReader) -> str:
    """The id that a part holds; an id that nothing has, where the text cannot be one."""
    text = (await _short(part, _TOKEN_BYTES)).decode("ascii", "replace")
    return text if not text or text.isalnum() else "-"


async def _short(part: BodyPartReader, most: int, *, cut: bool = False, pace: Pace | None = None) -> bytes:
    """All of a part that holds no file. Raises a Trouble for one that is too long (`cut`: the beginning of it), or that
    only keeps the connection busy.
    """
    gathered, pace = bytearray(), pace or Pace()
    while chunk := await pace.within(part.read_chunk(_PIECE)):
        gathered += chunk
        pace.check(len(chunk))
        if len(gathered) > most:
            if cut:
                break
            raise Trouble("a field too long")
    return bytes(gathered)


async def _in_time(reading: Awaitable[T]) -> T:
    try:
        async with asyncio.timeout(_SECONDS):
            return await reading
    except TimeoutError as slow:
        raise TooSlow("upload") from slow


def why_refused(refused: AnswerRefused) -> str:
    """Which limit it was, for whoever wrote."""
    match refused.limit:
        case TooMuch.KIND:
            kinds = ", ".join(_(_KINDS[kind]) for kind in refused.kinds)
            return say(
                "“{name}” is of a kind that is not taken here. What is taken: {kinds}.", name=refused.name, kinds=kinds
            )
        case TooMuch.LENGTH:
            return say("More came of “{name}” than was announced. Please add it again.", name=refused.name)
        case TooMuch.UNSENT:
            return _("There are too many files in messages of yours that were not sent yet. Send or remove some first.")
        case TooMuch.DAY:
            most = size(refused.allowed)
            return say(
                "Not sent: in one day you can send up to {size} of files. Please send the rest later.", size=most
            )
        case TooMuch.ROOM:
            return _("Files cannot be taken at the moment. Please add them later; a text alone can be sent now.")
        case TooMuch.DOCUMENTS:
            files = count(refused.allowed, "file", "files")
            return say("Not sent: you can add up to {files} to one reply.", files=files)
        case TooMuch.DOCUMENT_BYTES:
            most = size(refused.allowed)
            if not refused.name:
                return say("Not sent: one file is too large. A file can have up to {size}.", size=most)
            return say("Not sent: “{name}” is too large. A file can have up to {size}.", name=refused.name, size=most)
        case TooMuch.TOTAL_BYTES:
            most = size(refused.allowed)
            return say("Not sent: the files together are too large. They can have up to {size}.", size=most)
        case TooMuch.TEXT:
            most = str(refused.allowed)
            return say("Not sent: the text is too long. It can have up to {number} characters.", number=most)
