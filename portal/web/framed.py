"""The mail as it was formatted: a page of its own for the sandboxed frame, with a policy of its own. And the pictures
that a text shows in its place. For guests and for those who keep a box alike.
"""

import asyncio
import base64
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final

from aiohttp import hdrs, web
from markupsafe import escape

from delivery.safebox.contents import BoxDocument, DocumentReader, OpenBox
from delivery.safebox.inplace import PICTURES
from portal.services import services_of
from portal.web import csrf
from portal.web.downloads import in_threads, or_abort, send_document, write
from portal.web.formatted import Formatted, frame_markup
from portal.web.headers import DOCUMENT_POLICY, frame_policy
from portal.web.language import _
from portal.web.letters import pictures_of
from portal.web.troubles import NothingHere

# One document of a box, for the one who asks; None: not for them, or not any more.
Fetch = Callable[[str], Awaitable[DocumentReader | None]]

_MOST_PICTURES: Final = 20 * 10**6  # bytes of pictures within one mail; further ones are left out
_HEAD: Final = (
    '<!DOCTYPE html><html><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
    '<meta name="referrer" content="no-referrer"><title>{title}</title></head><body>'
)
_EMPTY: Final = "data:,"


def picture_key(session_token: str, letter: str) -> str:
    """What the address of a letter carries when its reader asked for pictures from the internet.

    A link that somebody else made cannot ask for them.
    """
    return csrf.token_for(session_token, f"pictures {letter}")


async def send_framed(
    request: web.Request, box: OpenBox, message_id: str, fetch: Fetch, *, remote: bool
) -> web.StreamResponse:
    """One message of the box for the frame. `remote`: with pictures from the internet. Raises NothingHere."""
    message = next((one for one in box.messages if one.id == message_id), None)
    if message is None or message.html is None:
        raise NothingHere
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
    async with or_abort(request):
        async for part in _parts(shown, {one.id: one for one in message.documents}, fetch):
            await write(response, part)
    await response.write_eof()
    return response


async def _parts(shown: Formatted, documents: dict[str, BoxDocument], fetch: Fetch) -> AsyncIterator[bytes]:
    yield _HEAD.replace("{title}", escape(_("The message as it was formatted"))).encode()
    left = _MOST_PICTURES
    for number, piece in enumerate(shown.pieces):
        yield piece.encode("utf-8", "replace")
        if number < len(shown.pictures):
            picture = documents[shown.pictures[number]]
            left -= picture.size
            async for part in _data(picture if left >= 0 else None, fetch):
                yield part
    yield b"</body></html>"


async def _data(picture: BoxDocument | None, fetch: Fetch) -> AsyncIterator[bytes]:
    """A picture as a `data:` address, in pieces."""
    reader = None if picture is None else await fetch(picture.id)
    if picture is None or reader is None:
        yield _EMPTY.encode()
        return
    try:
        yield f"data:{picture.type};base64,".encode()
        over = b""
        with in_threads(reader.read(0, reader.size)) as pieces:
            async for chunk in pieces:
                whole = over + chunk
                cut = len(whole) - len(whole) % 3  # base64 goes by three
                over = whole[cut:]
                yield base64.b64encode(whole[:cut])
        yield base64.b64encode(over)
    finally:
        await asyncio.shield(asyncio.to_thread(reader.close))


async def send_picture(request: web.Request, box: OpenBox, wanted: str, fetch: Fetch) -> web.StreamResponse:
    """A picture that a text of the box shows in its place, nothing else. Raises NothingHere."""
    inline = {found for message in box.messages for found in pictures_of(message).values()}
    reader = await fetch(wanted) if wanted in inline else None
    if reader is None:
        raise NothingHere
    try:
        kind = reader.type.lower()
        headers = {"Content-Security-Policy": DOCUMENT_POLICY, hdrs.CONTENT_DISPOSITION: "inline"}
        if kind not in PICTURES:
            raise NothingHere
        return await send_document(request, reader, etag=f'"{wanted}"', content_type=kind, headers=headers)
    finally:
        await asyncio.shield(asyncio.to_thread(reader.close))
