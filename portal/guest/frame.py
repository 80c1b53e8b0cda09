"""The mail as it was formatted, for its guest."""

from aiohttp import web

from portal.guest.documents import fetch_for
from portal.guest.entry import Entry, entry_of
from portal.guest.letter import opened
from portal.web.framed import picture_key, send_framed
from portal.web.visitor import visitor_of


async def formatted(request: web.Request) -> web.StreamResponse:
    """GET /m/PARTICIPANT/formatted/MESSAGE."""
    entry = await entry_of(request)
    if not isinstance(entry, Entry):
        return entry
    box = await opened(request, entry, reads=True)
    key = picture_key((await visitor_of(request)).session_token, entry.participant_id)
    remote = request.query.get("pictures", "") == key
    return await send_framed(request, box, request.match_info["message"], fetch_for(request, entry), remote=remote)
