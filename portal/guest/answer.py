"""The guest's answer: text and documents, sealed part by part while they arrive. Nothing of it touches a disk in the
clear, and nothing is kept in memory but the text and one piece.
"""

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass, field
from time import monotonic
from typing import Final, TypeVar

from aiohttp import BodyPartReader, MultipartReader, web
from aiohttp.http_exceptions import HttpProcessingError

from delivery.safebox.answers import AnswerDraft, AnswerRefused, TooMuch
from delivery.safebox.contents import OpenBox
from portal.guest.entry import Entry, entry_of
from portal.guest.landing import end_page
from portal.guest.letter import letter_page
from portal.services import services_of
from portal.web.downloads import clean_name
from portal.web.forms import check_origin
from portal.web.render import _, count, say, size
from portal.web.throttle import ANSWERS_OF_GUEST
from portal.web.troubles import FormTooOld, TooSlow, Trouble

T = TypeVar("T")

_PIECE: Final = 256 * 1024
_SECONDS: Final = 60  # a piece must come in
_GRACE: Final = 300  # seconds that any upload may take
_SLOWEST: Final = 2048  # bytes a second, from then on
_TOKEN_BYTES: Final = 200
_OVERHEAD: Final = 256 * 1024  # of the form around text and documents
_MOST_PARTS: Final = 200
_LONGEST_NAME: Final = 1000


@dataclass(slots=True)
class _Arriving:
    """What has come so far."""

    draft: AnswerDraft
    box: OpenBox
    text: str = field(default="", repr=False)
    documents: int = 0
    octets: int = 0
    since: float = field(default_factory=monotonic)

    def check_pace(self, octets: int) -> None:
        """Raises TooSlow for an upload that only keeps the connection busy."""
        self.octets += octets
        if monotonic() - self.since > _GRACE + self.octets / _SLOWEST:
            raise TooSlow("upload")


async def answer(request: web.Request) -> web.StreamResponse:
    """POST /m/PARTICIPANT/answer: multipart/form-data with `csrf` first, then `text`, then `files`."""
    entry = await entry_of(request)
    if not isinstance(entry, Entry):
        return entry
    if request.content_type != "multipart/form-data" or "Content-Encoding" in request.headers:
        raise Trouble("not a form of ours")
    try:
        parts = await request.multipart()
        await _check_first(request, parts)
        return await _take(request, entry, parts)
    except (ValueError, HttpProcessingError) as odd:  # the latter: heads of parts that are none
        raise Trouble("a broken form") from odd


async def _check_first(request: web.Request, parts: MultipartReader) -> None:
    """The token stands first, so that nothing else is read from a foreign form."""
    first = await _in_time(parts.next())
    if not isinstance(first, BodyPartReader) or first.name != "csrf":
        raise FormTooOld("token")
    token = await _short(first, _TOKEN_BYTES)
    await check_origin(request, token.decode("ascii", "replace"))


async def _take(request: web.Request, entry: Entry, parts: MultipartReader) -> web.StreamResponse:
    services = services_of(request)
    box = await services.boxes.open_box(services.namespace, entry.participant_id, None)
    if box is None:
        return await end_page(request, entry.invitation)
    now = services.clock()
    until = await services.accounts.count(services.namespace, "answer", entry.participant_id, ANSWERS_OF_GUEST, now)
    if until is not None:
        error = _("Not sent: there were many replies just now. Please try again in a few minutes.")
        text = await _first_text(parts, box.limits.text)
        return await letter_page(request, entry, box, text=text, error=error, status=429)
    draft = await services.boxes.begin_answer(services.namespace, entry.participant_id, entry.seen)
    if draft is None:
        error = _("This SafeBox takes no answers any more. Yours was not sent.")
        text = await _first_text(parts, box.limits.text)
        return await letter_page(request, entry, box, text=text, error=error, status=409)
    arriving = _Arriving(draft, box)
    try:
        await _receive(request, parts, arriving)
        if not arriving.text.strip() and not arriving.documents:
            error = _("Please write something, or add a document.")
            return await letter_page(request, entry, box, error=error, status=422)
        answered = await draft.send(arriving.text)
    except AnswerRefused as refused:
        return await letter_page(request, entry, box, text=arriving.text, error=_why(refused), status=413)
    finally:
        await asyncio.shield(draft.abort())  # after `send` this does nothing
    if answered is None:
        error = _("This SafeBox was closed while you wrote. Your answer was not sent.")
        return await letter_page(request, entry, box, text=arriving.text, error=error, status=409)
    raise web.HTTPSeeOther(f"{entry.here}?sent=1")


async def _receive(request: web.Request, parts: MultipartReader, arriving: _Arriving) -> None:
    for _number in range(_MOST_PARTS):
        part = await _in_time(parts.next())
        if part is None:
            return
        if not isinstance(part, BodyPartReader):
            raise Trouble("a form within a form")
        if part.name == "text":
            await _text(part, arriving)
        elif part.name == "files" and part.filename:
            _check_length(request, arriving)
            await _document(part, arriving)
        else:
            while await _in_time(part.read_chunk(_PIECE)):
                pass
    raise Trouble("too many parts")


async def _text(part: BodyPartReader, arriving: _Arriving) -> None:
    """The text is kept even where it is refused, cut: the page gives it back."""
    most = arriving.box.limits.text
    raw = await _short(part, 4 * most + 4, cut=True)
    text = raw.decode("utf-8", "replace").replace("\r\n", "\n").replace("\r", "\n")
    arriving.text = text[:most]
    if len(text) > most:
        raise AnswerRefused(TooMuch.TEXT, most)


async def _first_text(parts: MultipartReader, most: int) -> str:
    """What was written, to give it back; the text stands before the files."""
    part = await _in_time(parts.next())
    if not isinstance(part, BodyPartReader) or part.name != "text":
        return ""
    return (await _short(part, 4 * most, cut=True)).decode("utf-8", "replace")[:most]


def _check_length(request: web.Request, arriving: _Arriving) -> None:
    """What the browser says it will send is enough to refuse it, before any of it is taken."""
    limits = arriving.box.limits
    allowed = limits.total_bytes + 4 * limits.text + _OVERHEAD
    if request.content_length is not None and request.content_length > allowed:
        raise AnswerRefused(TooMuch.TOTAL_BYTES, limits.total_bytes)


async def _document(part: BodyPartReader, arriving: _Arriving) -> None:
    name = clean_name((part.filename or "")[:_LONGEST_NAME])
    await arriving.draft.add_document(name, part.headers.get("Content-Type", "")[:200])
    while chunk := await _in_time(part.read_chunk(_PIECE)):
        await arriving.draft.write(bytes(chunk))
        arriving.check_pace(len(chunk))
    await arriving.draft.finish_document()
    arriving.documents += 1


async def _short(part: BodyPartReader, most: int, *, cut: bool = False) -> bytes:
    gathered = bytearray()
    while chunk := await _in_time(part.read_chunk(_PIECE)):
        gathered += chunk
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


def _why(refused: AnswerRefused) -> str:
    match refused.limit:
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
