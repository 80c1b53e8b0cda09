"""The menu of languages: choosing one is a form like every other change, and leads back to the page it stood on."""

import re
from typing import Final
from urllib.parse import urlsplit

from aiohttp import hdrs, web
from yarl import URL

from delivery.languages import language_named
from portal.services import services_of
from portal.web.forms import read_form
from portal.web.troubles import Trouble
from portal.web.visitor import keep_language, visitor_of

_PLACE: Final = re.compile(r"/(?:[A-Za-z0-9][A-Za-z0-9._~/-]*)?(?:\?[A-Za-z0-9._~=&%+/-]*)?")


async def choose_language(request: web.Request) -> web.StreamResponse:
    """POST /language, /boxes/language: `language`, and `back`, the page to go back to."""
    form = await read_form(request)
    services, language = services_of(request), language_named(form.get("language", ""))
    if language is None or language not in services.languages:
        raise Trouble("no such language")
    keep_language(request, language)
    session = (await visitor_of(request)).session
    if session is not None:
        address = session.owner or session.address
        if address is None and session.proves_address and session.participant_id:
            invitation = await services.boxes.invitation(services.namespace, session.participant_id)
            address = invitation.guest_address if invitation else None
        if address is not None:
            await services.accounts.choose_language(services.namespace, address, language, services.clock())
    raise web.HTTPSeeOther(await _page_at(request, form.get("back", "/")))


async def _page_at(request: web.Request, back: str) -> str:
    """A page of ours to go back to: the place itself, or, where only a form leads, the nearest page above it."""
    if not _PLACE.fullmatch(back) or "//" in back:
        return "/"
    path = urlsplit(back).path
    while path != "/":
        asked = request.clone(method=hdrs.METH_GET, rel_url=URL.build(path=path))
        if (await request.app.router.resolve(asked)).http_exception is None:
            return back if path == urlsplit(back).path else path
        path = path.rpartition("/")[0] or "/"
    return back if urlsplit(back).path == "/" else "/"
