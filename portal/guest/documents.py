"""Downloads: documents, the whole mail, pictures in the text, all documents as one zip; decrypted piece by piece."""

import asyncio
from collections import OrderedDict
from functools import partial
from typing import Final

import structlog
from aiohttp import hdrs, web

from delivery.errors import DeliveryError
from delivery.safebox.contents import DocumentReader
from portal.guest.entry import Entry, entry_of
from portal.guest.letter import opened
from portal.guest.traces import check_traces
from portal.services import services_of
from portal.web.bundles import documents_in, send_zip
from portal.web.downloads import (
    Progress,
    asked_piece,
    clean_name,
    download_headers,
    safe_type,
    send_document,
)
from portal.web.framed import Fetch, send_picture
from portal.web.ranges import NoSuchPiece
from portal.web.troubles import NothingHere

_REMEMBERED: Final = 10_000

log = structlog.get_logger()


class Continuations:
    """Remembers which downloads were recorded, so that their further pieces (Range) are not recorded as new ones.

    Kept in memory only: if one is forgotten, its download is recorded twice, but never not at all.
    """

    def __init__(self) -> None:
        self._begun: OrderedDict[tuple[bytes, str], None] = OrderedDict()

    def is_begun(self, session: bytes, what: str) -> bool:
        """Was the download of `what` (a document's id, or the participant's for the whole mail) recorded already?"""
        return (session, what) in self._begun

    def begin(self, session: bytes, what: str) -> None:
        """Remember that it has been recorded."""
        self._begun[session, what] = None
        self._begun.move_to_end((session, what))
        while len(self._begun) > _REMEMBERED:
            self._begun.popitem(last=False)


CONTINUATIONS: Final = web.AppKey("continuations", Continuations)


async def document(request: web.Request) -> web.StreamResponse:
    """GET, HEAD /m/PARTICIPANT/documents/DOCUMENT."""
    entry = await entry_of(request)
    if not isinstance(entry, Entry):
        return entry
    services = services_of(request)
    name = request.match_info["document"]
    reader = await services.boxes.document(services.namespace, entry.participant_id, name)
    return await _download(request, entry, reader, name)


async def original(request: web.Request) -> web.StreamResponse:
    """GET, HEAD /m/PARTICIPANT/message.eml: the whole mail as it came."""
    entry = await entry_of(request)
    if not isinstance(entry, Entry):
        return entry
    services = services_of(request)
    reader = await services.boxes.original(services.namespace, entry.participant_id)
    return await _download(request, entry, reader, "")


async def _download(
    request: web.Request, entry: Entry, reader: DocumentReader | None, document_id: str
) -> web.StreamResponse:
    if reader is None:
        raise NothingHere
    progress, continues = Progress(), False
    try:
        etag = f'"{document_id or "message"}-{reader.size}"'
        if request.method == hdrs.METH_GET:
            continues = _is_continuation(request, reader.size, etag)
            await _record(request, entry, document_id, continues)
        content_type = safe_type(reader.type) if document_id else "message/rfc822"
        headers = download_headers(reader.name if document_id else f"{clean_name(reader.name, 'message')}")
        return await send_document(
            request, reader, etag=etag, content_type=content_type, headers=headers, progress=progress
        )
    finally:
        await asyncio.shield(asyncio.to_thread(reader.close))
        if progress.stop > progress.start and (not continues or progress.stop == reader.size):
            await asyncio.shield(_ended(request, entry, document_id, progress, reader.size))


async def _ended(request: web.Request, entry: Entry, document_id: str, progress: Progress, size: int) -> None:
    """Record how far the download came. Not called for pieces in the middle, of which viewers ask for many."""
    services = services_of(request)
    try:
        await services.boxes.download_ended(
            services.namespace,
            entry.participant_id,
            document_id,
            entry.seen,
            start=progress.start,
            stop=progress.stop,
            size=size,
        )
    except DeliveryError as away:  # the bytes are out already, and that the download began is recorded
        log.warning("portal.download_end_not_recorded", error=type(away).__name__)


def _is_continuation(request: web.Request, size: int, etag: str) -> bool:
    try:
        piece = asked_piece(request, size, etag)
    except NoSuchPiece:
        return True  # it will be answered 416: nothing goes out, so nothing is to be recorded
    return piece is not None and piece.start > 0


async def _record(request: web.Request, entry: Entry, document_id: str, continues: bool) -> None:
    """Record the download before its first byte goes out; once, whatever pieces it is fetched in."""
    continuations = request.app[CONTINUATIONS]
    if continues and continuations.is_begun(entry.session.digest, document_id or entry.participant_id):
        return
    check_traces(request, entry.participant_id)
    services = services_of(request)
    documents = (document_id,) if document_id else ()
    recorded = await services.boxes.downloaded(
        services.namespace, entry.participant_id, documents, entry.seen, original=not document_id
    )
    if not recorded:
        raise NothingHere
    continuations.begin(entry.session.digest, document_id or entry.participant_id)


async def picture(request: web.Request) -> web.StreamResponse:
    """GET /m/PARTICIPANT/pictures/DOCUMENT: a picture that the text shows in its place, nothing else."""
    entry = await entry_of(request)
    if not isinstance(entry, Entry):
        return entry
    box = await opened(request, entry, reads=True)
    return await send_picture(request, box, request.match_info["document"], fetch_for(request, entry))


async def all_documents(request: web.Request) -> web.StreamResponse:
    """GET, HEAD /m/PARTICIPANT/documents.zip."""
    entry = await entry_of(request)
    if not isinstance(entry, Entry):
        return entry
    box = await opened(request, entry)
    listed = documents_in(box)
    if not listed:
        raise NothingHere
    services = services_of(request)
    if request.method == hdrs.METH_GET:
        check_traces(request, entry.participant_id)
        ids = tuple(one.id for _, one in listed)
        if not await services.boxes.downloaded(services.namespace, entry.participant_id, ids, entry.seen):
            raise NothingHere
    response = await send_zip(request, box.subject, listed, fetch_for(request, entry))
    if request.method == hdrs.METH_GET:
        for _message, one in listed:
            await _ended(request, entry, one.id, Progress(0, one.size), one.size)
    return response


def fetch_for(request: web.Request, entry: Entry) -> Fetch:
    """How documents of this guest's box are fetched; nothing is recorded."""
    services = services_of(request)
    return partial(services.boxes.document, services.namespace, entry.participant_id)
