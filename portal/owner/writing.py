"""Writing and attaching more, as the owner of a box or somebody of theirs."""

import asyncio

from aiohttp import MultipartReader, web
from aiohttp.http_exceptions import HttpProcessingError

from delivery.safebox.answers import AnswerRefused
from portal.owner.box import box_page, record_for
from portal.owner.entry import Keeper, keeper_of
from portal.services import services_of
from portal.web.render import _
from portal.web.throttle import ANSWERS_OF_GUEST
from portal.web.troubles import Trouble
from portal.web.uploads import Arriving, first_text, parts_of, receive, why_refused


async def write(request: web.Request) -> web.StreamResponse:
    """POST /boxes/ID/write: multipart/form-data with `csrf` first, then `text`, then `files`."""
    keeper = await keeper_of(request)
    try:
        return await _take(request, keeper, await parts_of(request))
    except (ValueError, HttpProcessingError) as odd:  # the latter: heads of parts that are none
        raise Trouble("a broken form") from odd


async def _take(request: web.Request, keeper: Keeper, parts: MultipartReader) -> web.StreamResponse:
    services = services_of(request)
    record = await record_for(request, keeper)
    box_id, now = record.summary.id, services.clock()
    limits = services.boxes.desk.limits
    counted = f"{box_id} {keeper.by.key}"
    until = await services.accounts.count(services.namespace, "owner-wrote", counted, ANSWERS_OF_GUEST, now)
    if until is not None:
        error = _("Not sent: there were many messages just now. Please try again in a few minutes.")
        text = await first_text(parts, limits.text)
        return await box_page(request, keeper, text=text, write_error=error, status=429)
    draft = await services.boxes.begin_message(box_id, keeper.by, keeper.seen, services.namespace)
    if draft is None:
        return await _too_late(request, keeper, await first_text(parts, limits.text))
    arriving = Arriving(draft, limits)
    try:
        await receive(request, parts, arriving)
        if arriving.is_empty:
            error = _("Please write something, or add a document.")
            return await box_page(request, keeper, write_error=error, status=422)
        answered = await draft.send(arriving.text)
    except AnswerRefused as refused:
        error = why_refused(refused)
        return await box_page(request, keeper, text=arriving.text, write_error=error, status=413)
    finally:
        await asyncio.shield(draft.abort())  # after `send` this does nothing
    if answered is None:
        return await _too_late(request, keeper, arriving.text)
    raise web.HTTPSeeOther(f"/boxes/{box_id}?done=write")


async def _too_late(request: web.Request, keeper: Keeper, text: str) -> web.Response:
    error = _("This SafeBox takes nothing more. Your message was not sent.")
    return await box_page(request, keeper, text=text, write_error=error, status=409)
