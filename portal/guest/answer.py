"""The guest's answer: text and documents."""

import asyncio

from aiohttp import MultipartReader, web
from aiohttp.http_exceptions import HttpProcessingError

from delivery.safebox.limits import AnswerRefused
from delivery.safebox.uploads import UploadGone
from portal.guest.entry import Entry, entry_of
from portal.guest.landing import end_page
from portal.guest.letter import letter_page
from portal.services import services_of
from portal.web.render import _
from portal.web.throttle import ANSWERS_OF_GUEST
from portal.web.troubles import Trouble
from portal.web.uploads import Arriving, first_text, parts_of, receive, why_refused


async def answer(request: web.Request) -> web.StreamResponse:
    """POST /m/PARTICIPANT/answer: multipart/form-data with `csrf` first, then `text`, then `files`."""
    entry = await entry_of(request)
    if not isinstance(entry, Entry):
        return entry
    try:
        return await _take(request, entry, await parts_of(request))
    except (ValueError, HttpProcessingError) as odd:  # the latter: heads of parts that are none
        raise Trouble("a broken form") from odd


async def _take(request: web.Request, entry: Entry, parts: MultipartReader) -> web.StreamResponse:
    services = services_of(request)
    box = await services.boxes.open_box(services.namespace, entry.participant_id, None)
    if box is None:
        return await end_page(request, entry.invitation)
    now = services.clock()
    until = await services.accounts.count(services.namespace, "answer", entry.participant_id, ANSWERS_OF_GUEST, now)
    if until is not None:
        error = _("Not sent: there were many replies just now. Please try again in a few minutes.")
        text = await first_text(parts, box.limits.text)
        return await letter_page(request, entry, box, text=text, error=error, status=429)
    draft = await services.boxes.begin_answer(services.namespace, entry.participant_id, entry.seen)
    if draft is None:
        error = _("This SafeBox takes no answers any more. Yours was not sent.")
        text = await first_text(parts, box.limits.text)
        return await letter_page(request, entry, box, text=text, error=error, status=409)
    arriving = Arriving(draft, box.limits)
    try:
        await receive(request, parts, arriving)
        if arriving.is_empty:
            error = _("Please write something, or add a document.")
            return await letter_page(request, entry, box, error=error, status=422)
        answered = await draft.send(arriving.text)
    except UploadGone:
        error = _("A file that was added before is not here any more. What is still here stands below.")
        return await letter_page(request, entry, box, text=arriving.text, error=error, status=409)
    except AnswerRefused as refused:
        return await letter_page(request, entry, box, text=arriving.text, error=why_refused(refused), status=413)
    finally:
        await asyncio.shield(draft.abort())  # after `send` this does nothing
    if answered is None:
        error = _("This SafeBox was closed while you wrote. Your answer was not sent.")
        return await letter_page(request, entry, box, text=arriving.text, error=error, status=409)
    raise web.HTTPSeeOther(f"{entry.here}?sent=1")
