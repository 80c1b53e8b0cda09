"""What a box holds, on its way to those who keep it: documents, the whole mail, the formatted form; and all of that as
one of its guests has it. Nothing is recorded: it is theirs, and no guest opened anything.
"""

import asyncio
from dataclasses import dataclass, field

from aiohttp import web

from delivery.safebox.contents import DocumentReader, OpenBox
from portal.owner.entry import Keeper, form_of, keeper_of, path_of
from portal.services import services_of
from portal.web.bundles import documents_in, send_zip
from portal.web.downloads import download_headers, safe_type, send_document
from portal.web.framed import Fetch, picture_key, send_framed, send_picture
from portal.web.troubles import NothingHere
from portal.web.visitor import visitor_of


@dataclass(frozen=True, slots=True)
class KeptBox:
    """A box opened by somebody who keeps it: as themselves, or as one of its guests has it."""

    here: str  # the path of its page
    opened: OpenBox = field(repr=False)
    fetch: Fetch = field(repr=False)

    def shows(self, document_id: str) -> bool:
        """Whether it is among the documents that are listed there."""
        return any(one.id == document_id for message in self.opened.messages for one in message.documents)

    @property
    def has_original(self) -> bool:
        """Whether the whole mail can be saved."""
        return any(one.is_original and one.original_size is not None for one in self.opened.messages)


def as_guest_path(box_id: str, participant_id: str) -> str:
    """Where a keeper sees what a guest sees."""
    return path_of(box_id, f"/as/{participant_id}")


async def document(request: web.Request) -> web.StreamResponse:
    """GET, HEAD /boxes/ID/documents/DOCUMENT, and below /as/PARTICIPANT."""
    keeper, wanted = await keeper_of(request), request.match_info["document"]
    if "person" in request.match_info and not (await _kept_box(request, keeper)).shows(wanted):
        raise NothingHere
    reader = await fetch_for(request, keeper)(wanted)
    return await _send(request, reader, f"{wanted}-", safe_type(reader.type) if reader else "")


async def original(request: web.Request) -> web.StreamResponse:
    """GET, HEAD /boxes/ID/message.eml, and below /as/PARTICIPANT: the whole mail as it came."""
    keeper, services = await keeper_of(request), services_of(request)
    if "person" in request.match_info and not (await _kept_box(request, keeper)).has_original:
        raise NothingHere
    reader = await services.boxes.original_for(request.match_info["box"], keeper.by, services.namespace)
    return await _send(request, reader, "message-", "message/rfc822")


async def _send(
    request: web.Request, reader: DocumentReader | None, etag: str, content_type: str
) -> web.StreamResponse:
    if reader is None:
        raise NothingHere
    try:
        headers = download_headers(reader.name)
        return await send_document(
            request, reader, etag=f'"{etag}{reader.size}"', content_type=content_type, headers=headers
        )
    finally:
        await asyncio.shield(asyncio.to_thread(reader.close))


async def all_documents(request: web.Request) -> web.StreamResponse:
    """GET, HEAD /boxes/ID/documents.zip, and below /as/PARTICIPANT."""
    kept = await _kept_box(request, await keeper_of(request))
    listed = documents_in(kept.opened)
    if not listed:
        raise NothingHere
    return await send_zip(request, kept.opened.subject, listed, kept.fetch)


async def formatted(request: web.Request) -> web.StreamResponse:
    """GET /boxes/ID/formatted/MESSAGE, and below /as/PARTICIPANT: for the sandboxed frame."""
    kept = await _kept_box(request, await keeper_of(request))
    remote = request.query.get("pictures", "") == await pictures_key(request, kept.here)
    return await send_framed(request, kept.opened, request.match_info["message"], kept.fetch, remote=remote)


async def picture(request: web.Request) -> web.StreamResponse:
    """GET /boxes/ID/pictures/DOCUMENT, and below /as/PARTICIPANT: a picture that the text shows in its place."""
    kept = await _kept_box(request, await keeper_of(request))
    return await send_picture(request, kept.opened, request.match_info["document"], kept.fetch)


async def show_pictures(request: web.Request) -> web.StreamResponse:
    """POST /boxes/ID/pictures, and below /as/PARTICIPANT: load what the mail left on the internet, in this session."""
    keeper, form = await form_of(request)
    kept = await _kept_box(request, keeper)
    message = form.get("message", "")
    fragment = f"#formatted-{message}" if message.isalnum() and message.isascii() else ""
    raise web.HTTPSeeOther(f"{kept.here}?pictures={await pictures_key(request, kept.here)}{fragment}")


async def pictures_key(request: web.Request, here: str) -> str:
    """What an address of this page carries once its reader asked for pictures from the internet."""
    return picture_key((await visitor_of(request)).session_token, here)


def fetch_for(request: web.Request, keeper: Keeper) -> Fetch:
    """How documents of the box are fetched for somebody who keeps it."""
    services, box_id = services_of(request), request.match_info["box"]

    async def fetch(document_id: str) -> DocumentReader | None:
        return await services.boxes.document_for(box_id, document_id, keeper.by, services.namespace)

    return fetch


async def _kept_box(request: web.Request, keeper: Keeper) -> KeptBox:
    """The box of the path, as whom the path says. Raises NothingHere for boxes of others, as for unknown ones."""
    services, box_id = services_of(request), request.match_info["box"]
    person = request.match_info.get("person", "")
    if person:
        view = await services.boxes.as_guest(box_id, person, keeper.by, services.namespace)
        opened, here = view.opened if view else None, as_guest_path(box_id, person)
    else:
        opened, here = await services.boxes.open_for(box_id, keeper.by, services.namespace), path_of(box_id)
    if opened is None:
        raise NothingHere
    return KeptBox(here, opened, fetch_for(request, keeper))
