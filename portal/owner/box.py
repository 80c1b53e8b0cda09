"""One SafeBox as those see it who keep it; `filling.py` puts its page together."""

from typing import Final

from aiohttp import hdrs, web

from delivery.safebox.summaries import BoxStory
from delivery.speech import phrase
from delivery.store.box_news import NOTHING
from portal.owner.entry import Keeper, keeper_of
from portal.owner.filling import filled
from portal.owner.pages import NO_NOTE, Note
from portal.services import services_of
from portal.web.render import render
from portal.web.troubles import NothingHere

DONE: Final = {
    "close": phrase("It is closed. It can be read, and takes nothing more."),
    "extend": phrase("It stays open longer."),
    "settings": phrase("The settings were changed."),
    "reopen": phrase("It is open again."),
    "told": phrase("It is open again, and everybody in it gets an e-mail."),
    "recall": phrase("It was taken back."),
    "delete": phrase("It was deleted."),
    "add": phrase("They were added, and get an e-mail with a link of their own."),
    "remove": phrase("They were removed: they cannot open it any more."),
    "unlock": phrase("They are unlocked, and can ask for a new code."),
    "release": phrase("It is released: a code by e-mail opens it for them now."),
    "call": phrase("The notice goes out again, with a new link."),
    "confirm": phrase("The telephone number is confirmed: codes may go to it."),
    "phone": phrase("Codes go to this telephone number from now on."),
    "question": phrase("The question is set. Tell them its answer in another way than by this message."),
    "write": phrase("Your message has been sent. It stands below, and everybody who reads it is told."),
}


async def box(request: web.Request) -> web.StreamResponse:
    """GET /boxes/ID (`?done=close`: what was just done)."""
    keeper = await keeper_of(request)
    return await box_page(request, keeper, Note(done=DONE.get(request.query.get("done", ""), "")))


async def record_for(request: web.Request, keeper: Keeper) -> BoxStory:
    """The box that the path names. Raises NothingHere for boxes of others, as for unknown ones."""
    services = services_of(request)
    record = await services.boxes.show(request.match_info["box"], keeper.by, services.namespace)
    if record is None:
        raise NothingHere
    return record


async def box_page(request: web.Request, keeper: Keeper, note: Note = NO_NOTE, *, status: int = 200) -> web.Response:
    """The page; after a refused act with the sentence that refuses it."""
    record, services = await record_for(request, keeper), services_of(request)
    place = (record.summary.id, keeper.by, services.namespace)
    seen = await services.boxes.news(*place)  # before the content: see there
    page = await filled(request, keeper, record, seen.new if seen else NOTHING, note)
    response = await render(request, "owner/box.html", page, status=status, shows_times=True)
    if seen is not None and seen.new.total and request.method == hdrs.METH_GET:
        await services.boxes.mark_seen(record.summary.id, keeper.by, seen, services.namespace)
    return response
