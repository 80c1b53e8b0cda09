"""The mail as it was formatted: a page of its own for the sandboxed frame, with a policy of its own."""

import asyncio
import base64
from collections.abc import AsyncIterator
from typing import Final

from aiohttp import hdrs, web

from delivery.safebox.contents import BoxDocument
from portal.guest.entry import Entry, entry_of
from portal.guest.letter import opened, picture_key
from portal.services import services_of
from portal.web.downloads import in_threads, or_abort, write
from portal.web.formatted import frame_markup
from portal.web.headers import frame_policy
from portal.web.letters import pictures_of
from portal.web.troubles import NothingHere
from portal.web.visitor import visitor_of

_MOST_PICTURES: Final = 20 * 10**6  # bytes of pictures within one mail; further ones are left out
_HEAD: Final = (
    '<!DOCTYPE html><html><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
    '<meta name="referrer" content="no-referrer"><title>The message as it was formatted</title></head><body>'
)
_EMPTY: Final = "data:,"


async def formatted(request: web.Request) -> web.StreamResponse:
    """GET /m/PARTICIPANT/formatted/MESSAGE."""
    entry = await entry_of(request)
    if not isinstance(entry, Entry):
        return entry
    box = await opened(request, entry)
    message = next((one for one in box.messages if one.id == request.match_info["message"]), None)
    if message is None or message.html is None:
        raise NothingHere
    key = picture_key((await visitor_of(request)).session_token, entry.participant_id)
    remote = request.query.get("pictures", "") == key
    shown = await asyncio.to_thread(frame_markup, message.html, pictures_of(message), remote=remote)
    if shown is None:
        raise NothingHere
    response = web.StreamResponse(
        headers={
            "Content-Security-Policy": frame_policy(remote_pictures=remote, is_secure=services_of(request).is_secure),
            "X-Frame-Options": "SAMEORIGIN",
        }
    )
    response.content_type = "text/html"
    response.charset = "utf-8"
    await response.prepare(request)
    if request.method == hdrs.METH_HEAD:
        return response
    documents = {one.id: one for one in message.documents}
    async with or_abort(request):
        await write(response, _HEAD.encode())
        left = _MOST_PICTURES
        for number, piece in enumerate(shown.pieces):
            await write(response, piece.encode("utf-8", "replace"))
            if number < len(shown.pictures):
                picture = documents[shown.pictures[number]]
                left -= picture.size
                async for part in _data(request, entry, picture if left >= 0 else None):
                    await write(response, part)
        await write(response, b"</body></html>")
    await response.write_eof()
    return response


async def _data(request: web.Request, entry: Entry, picture: BoxDocument | None) -> AsyncIterator[bytes]:
    """A picture as a `data:` address, in pieces."""
    services = services_of(request)
    reader = None
    if picture is not None:
        reader = await services.boxes.document(services.namespace, entry.participant_id, picture.id)
    if picture is None or reader is None:
        yield _EMPTY.encode()
        return
    try:
        yield f"data:{picture.type};base64,".encode()
        over = b""
        async for chunk in in_threads(reader.read(0, reader.size)):
            whole = over + chunk
            cut = len(whole) - len(whole) % 3  # base64 goes by three
            over = whole[cut:]
            yield base64.b64encode(whole[:cut])
        yield base64.b64encode(over)
    finally:
        await asyncio.shield(asyncio.to_thread(reader.close))
