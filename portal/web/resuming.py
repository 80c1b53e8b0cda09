"""Uploads that go on where they broke off, after the tus protocol 1.0.0 (core, creation, expiration, termination).

An upload is announced with its length, asked after with HEAD, and sent on with PATCH from the offset it has. What came
before a connection broke is kept. Reading asks for a session, changing for the form's token as well, in `X-CSRF-Token`.
Answers are one plain sentence, for the page's script to show; `X-HTTP-Method-Override` is not listened to.
"""

import asyncio
import base64
import binascii
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import format_datetime
from typing import Final, Protocol

from aiohttp import StreamReader, hdrs, web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.web_protocol import RequestPayloadError
from markupsafe import Markup

from delivery.safebox.limits import AnswerRefused
from delivery.safebox.receiving import OffsetMismatch, UploadReceiver
from delivery.safebox.uploading import Writer
from delivery.safebox.uploads import UNSENT, Upload, UploadGone
from delivery.store.throttles import Limit
from portal.services import services_of
from portal.web.forms import check_origin
from portal.web.language import _
from portal.web.troubles import NothingHere, Slower, TooSlow, Trouble
from portal.web.uploads import Pace, check_room, why_refused

VERSION: Final = "1.0.0"
BEGUN: Final = Limit(300, timedelta(hours=1), timedelta(minutes=10), timedelta(hours=1))  # uploads of one person
UNDER_WAY: Final = web.AppKey("uploads under way", Counter)  # requests that bring more, by upload
_AT_ONCE: Final = 2
_EXTENSIONS: Final = "creation,expiration,termination"
_BYTES: Final = "application/offset+octet-stream"
_PIECE: Final = 256 * 1024
_MOST_METADATA: Final = 4096

View = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Refusal(Exception):
    """Refused, with a sentence for whoever looks at the page."""

    def __init__(self, status: int, sentence: str, **headers: str) -> None:
        super().__init__(str(status))
        self.status, self.sentence, self.headers = status, sentence, headers


class HasWriter(Protocol):
    """Who writes where: raises a Trouble, or redirects to the sign-in, for everybody else."""

    async def __call__(self, request: web.Request) -> Writer:
        """For this request."""
        ...


@dataclass(frozen=True, slots=True)
class Resumable:
    """The views of uploads into boxes, for one kind of writers."""

    writer_of: HasWriter

    async def begin(self, request: web.Request) -> web.StreamResponse:
        """POST: announce a file; its address is in `Location`."""
        return await _plainly(request, self._begin)

    async def state(self, request: web.Request) -> web.StreamResponse:
        """HEAD: how many bytes of it have been kept."""
        return await _plainly(request, self._state)

    async def more(self, request: web.Request) -> web.StreamResponse:
        """PATCH: more of it, from `Upload-Offset` on."""
        return await _plainly(request, self._more)

    async def give_up(self, request: web.Request) -> web.StreamResponse:
        """DELETE: throw it away."""
        return await _plainly(request, self._give_up)

    async def _begin(self, request: web.Request) -> web.StreamResponse:
        await _check_token(request)
        writer = await self.writer_of(request)
        services = services_of(request)
        size = _number(request, "Upload-Length")
        told = _metadata(request.headers.get("Upload-Metadata", ""))
        who, now = writer.participant_id or f"{writer.box_id} {writer.by.key if writer.by else ''}", services.clock()
        until = await services.accounts.count(services.namespace, "upload", who, BEGUN, now)
        if until is not None:
            raise Slower(until, now)
        check_room(request, size)
        upload = await services.boxes.begin_upload(
            writer,
            name=told.get("filename", ""),
            content_type=told.get("filetype", ""),
            modified=told.get("modified", ""),
            size=size,
        )
        if upload is None:
            raise Refusal(409, _("This SafeBox takes nothing more."))
        return web.Response(status=201, headers={hdrs.LOCATION: f"{request.path}/{upload.id}", **_progress(upload)})

    async def _state(self, request: web.Request) -> web.StreamResponse:
        upload = await services_of(request).boxes.upload(await self.writer_of(request), request.match_info["upload"])
        if upload is None:
            raise NothingHere
        told = {"filename": upload.name, "filetype": upload.type, "modified": upload.modified}
        metadata = ",".join(f"{key} {_encoded(value)}" for key, value in told.items() if value)
        headers = {"Upload-Length": str(upload.size), "Upload-Metadata": metadata}
        return web.Response(headers={**headers, **_progress(upload)})

    async def _more(self, request: web.Request) -> web.StreamResponse:
        await _check_token(request)
        if request.content_type != _BYTES or hdrs.CONTENT_ENCODING in request.headers:
            raise Refusal(415, _("The page sent something that we could not read."))
        services, offset = services_of(request), _number(request, "Upload-Offset")
        receiving = await services.boxes.receive(await self.writer_of(request), request.match_info["upload"])
        if receiving is None:
            raise NothingHere
        if offset != receiving.offset:
            raise _not_next(receiving)
        with _one_of_few(request):
            await _receive(request, receiving)
        until = services.clock() + UNSENT
        return web.Response(status=204, headers=_offset(receiving.offset, until))

    async def _give_up(self, request: web.Request) -> web.StreamResponse:
        await _check_token(request)
        writer = await self.writer_of(request)
        if not await services_of(request).boxes.give_up(writer, request.match_info["upload"]):
            raise NothingHere
        return web.Response(status=204)


@contextmanager
def _one_of_few(request: web.Request) -> Iterator[None]:
    """Limits uploads at once: a broken connection may linger beside the one that goes on, but more are of no use."""
    under_way, upload = request.app[UNDER_WAY], request.match_info["upload"]
    if under_way[upload] >= _AT_ONCE:
        raise Refusal(429, _("The file is on its way already."), **{"Retry-After": "5"})
    under_way[upload] += 1
    try:
        yield
    finally:
        under_way[upload] -= 1
        if not under_way[upload]:
            del under_way[upload]


async def _receive(request: web.Request, receiving: UploadReceiver) -> None:
    """Take what comes, and keep it; after a broken connection, what came before it broke."""
    if (request.content_length or 0) > receiving.left:
        raise Refusal(413, _("More came than was announced. Please add the file again."))
    pace = Pace()
    try:
        while chunk := await _next(request.content, pace):
            check_room(request, len(chunk))
            await receiving.write(chunk)
        await receiving.keep()
    except OffsetMismatch as meanwhile:
        raise _not_next(receiving) from meanwhile
    except (OSError, HttpProcessingError, RequestPayloadError) as gone:
        await asyncio.shield(_keep_if_next(receiving))
        raise ConnectionResetError("broke off") from gone
    except (TooSlow, asyncio.CancelledError):
        await asyncio.shield(_keep_if_next(receiving))
        raise
    finally:
        await asyncio.shield(receiving.abort())  # after `keep` this does nothing


async def _keep_if_next(receiving: UploadReceiver) -> None:
    """The sender is gone, and asks for the offset when it is back."""
    with suppress(OffsetMismatch, UploadGone):  # another request has gone on meanwhile
        await receiving.keep()


async def _next(content: StreamReader, pace: Pace) -> bytes:
    chunk = await pace.within(content.read(_PIECE))
    pace.check(len(chunk))
    return chunk


async def _plainly(request: web.Request, view: View) -> web.StreamResponse:
    """Every answer says which protocol it speaks; what is refused is said in a sentence, without a page around it."""
    try:
        if request.headers.get("Tus-Resumable") != VERSION:
            raise Refusal(412, _("The page sent something that we could not read."), **{"Tus-Version": VERSION})
        response = await view(request)
    except Refusal as refused:
        response = _said(refused.status, refused.sentence, refused.headers)
    except AnswerRefused as refused:
        response = _said(413, why_refused(refused))
    except UploadGone:
        response = _said(410, _("This file has to be added again."))
    except web.HTTPSeeOther:  # to the sign-in
        response = _said(401, _("You were signed out. Please open the page again in another window; your files wait."))
    except Trouble as trouble:
        headers = {"Retry-After": str(trouble.seconds)} if isinstance(trouble, Slower) else {}
        response = _said(trouble.status, trouble.page().lines[0], headers)
    response.headers.update({"Tus-Resumable": VERSION, "Tus-Extension": _EXTENSIONS})
    return response


def _said(status: int, sentence: str, headers: Mapping[str, str] | None = None) -> web.Response:
    plain = sentence.unescape() if isinstance(sentence, Markup) else sentence
    return web.Response(status=status, text=f"{plain}\n", headers=headers)


def _not_next(receiving: UploadReceiver) -> Refusal:
    return Refusal(409, _("The file goes on at another place."), **{"Upload-Offset": str(receiving.offset)})


async def _check_token(request: web.Request) -> None:
    await check_origin(request, request.headers.get("X-CSRF-Token", ""))


def _number(request: web.Request, name: str) -> int:
    """A count of bytes in a header. Raises Refusal."""
    value = request.headers.get(name, "")
    if not (value.isascii() and value.isdigit() and len(value) <= 18):
        raise Refusal(400, _("The page sent something that we could not read."))
    return int(value)


def _metadata(header: str) -> dict[str, str]:
    """`filename c2Nhbi5wZGY=,filetype …`. Raises Refusal for anything else."""
    told: dict[str, str] = {}
    try:
        if len(header) > _MOST_METADATA:
            raise ValueError("too long")
        for pair in header.split(",") if header else ():
            key, _space, value = pair.strip().partition(" ")
            told[key] = base64.b64decode(value, validate=True).decode("utf-8")
    except (ValueError, binascii.Error) as odd:
        raise Refusal(400, _("The page sent something that we could not read.")) from odd
    return told


def _encoded(value: str) -> str:
    return base64.b64encode(value.encode()).decode()


def _progress(upload: Upload) -> dict[str, str]:
    return _offset(upload.received, upload.expires_at)


def _offset(offset: int, expires_at: datetime) -> dict[str, str]:
    return {"Upload-Offset": str(offset), "Upload-Expires": format_datetime(expires_at, usegmt=True)}
