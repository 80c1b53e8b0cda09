"""The guest's answer: text and documents."""

import asyncio
from typing import Final

from aiohttp import MultipartReader, web
from aiohttp.http_exceptions import HttpProcessingError

from delivery.safebox.limits import AnswerLimits, AnswerRefused
from delivery.safebox.uploads import UploadGone
from delivery.speech import phrase
from portal.guest.entry import Entry, entry_of
from portal.guest.landing import end_page
from portal.guest.letter import letter_page
from portal.guest.traces import check_traces
from portal.services import services_of
from portal.web.render import _
from portal.web.throttle import ANSWERS_OF_GUEST
from portal.web.troubles import Trouble
from portal.web.uploads import Arriving, first_text, parts_of, receive, why_refused

_TOO_LATE: Final = phrase("This SafeBox no longer takes answers. Yours was not sent.")


async def answer(request: web.Request) -> web.StreamResponse:
    """POST /m/PARTICIPANT/answer: multipart/form-data with `csrf` first, then `once`, `text`, `files`."""
    entry = await entry_of(request)
    if not isinstance(entry, Entry):
        return entry
    try:
        return await _take(request, entry, await parts_of(request))
    except (ValueError, HttpProcessingError) as odd:  # the latter: heads of parts that are none
        raise Trouble("a broken form") from odd


async def _take(request: web.Request, entry: Entry, parts: MultipartReader) -> web.StreamResponse:
    services = services_of(request)
    most = AnswerLimits.of(entry.invitation.profile).text
    now = services.clock()
    until = await services.accounts.count(services.namespace, "answer", entry.participant_id, ANSWERS_OF_GUEST, now)
    if until is not None:
        error = _("Not sent: there were many replies just now. Please try again in a few minutes.")
        return await _back(request, entry, 429, error, await first_text(parts, most))
    draft = await services.boxes.begin_answer(services.namespace, entry.participant_id, entry.seen)
    if draft is None:
        return await _back(request, entry, 409, _(_TOO_LATE), await first_text(parts, most))
    arriving = Arriving(draft, draft.limits)
    try:
        await receive(request, parts, arriving)
        if await draft.is_over(arriving.once):
            return await _back(request, entry, 409, _(_TOO_LATE), arriving.text)
        if arriving.is_empty:
            return await _back(request, entry, 422, _("Please write something, or add a document."))
        answered = await draft.send(arriving.text, form_id=arriving.once)
    except UploadGone:
        error = _("A file that was added before is no longer here. What is still here stands below.")
        return await _back(request, entry, 409, error, arriving.text)
    except AnswerRefused as refused:
        return await _back(request, entry, 413, why_refused(refused), arriving.text)
    finally:
        await asyncio.shield(draft.abort())  # after `send` this does nothing
    if answered is None:
        error = _("This SafeBox was closed while you wrote. Your answer was not sent.")
        return await _back(request, entry, 409, error, arriving.text)
    raise web.HTTPSeeOther(f"{entry.here}?sent=1")


async def _back(request: web.Request, entry: Entry, status: int, error: str, text: str = "") -> web.StreamResponse:
    """The letter again, with what was written and why it was not sent.

    The page shows the letter, so access is checked anew (the upload may have taken long) and the reading is recorded.
    """
    services = services_of(request)
    check_traces(request, entry.participant_id)
    box = await services.boxes.open_box(services.namespace, entry.participant_id, entry.seen)
    if box is None:
        now = await entry_of(request)
        return await end_page(request, now.invitation) if isinstance(now, Entry) else now
    return await letter_page(request, entry, box, text=text, error=error, status=status)
