"""Writing and attaching more, as the owner of a box or somebody of theirs."""

import asyncio

from aiohttp import MultipartReader, web
from aiohttp.http_exceptions import HttpProcessingError

from delivery.safebox.lifecycle import Act
from delivery.safebox.limits import AnswerLimits, AnswerRefused
from delivery.safebox.uploads import UploadGone
from portal.owner.box import box_page, record_for
from portal.owner.entry import SIGNIN, Keeper, box_named, keeper_of, path_of
from portal.owner.filling import reachable, why_not
from portal.owner.pages import Note, SignedOutPage
from portal.services import services_of
from portal.web.render import _, render
from portal.web.throttle import ANSWERS_OF_GUEST
from portal.web.troubles import FormTooOld, SignedOut, Trouble
from portal.web.uploads import Arriving, first_text, parts_of, receive, why_refused
from portal.web.visitor import session_cookie


async def write(request: web.Request) -> web.StreamResponse:
    """POST /boxes/ID/write: multipart/form-data with `csrf` first, then `once`, `to`, `text`, `files`."""
    try:
        try:
            keeper = await keeper_of(request)
        except SignedOut:
            return await _give_back(request)
        return await _take(request, keeper, await parts_of(request))
    except (ValueError, HttpProcessingError) as odd:  # the latter: heads of parts that are none
        raise Trouble("a broken form") from odd


async def _give_back(request: web.Request) -> web.StreamResponse:
    """The sign-in has ended while they wrote: nothing was sent, and what they wrote is theirs. Raises SignedOut where
    the form is not known to be of a page that this browser was given.
    """
    cookie = session_cookie(request)
    try:
        parts = await parts_of(request, cookie) if cookie else None
    except FormTooOld as foreign:
        raise SignedOut("sender") from foreign
    text = await first_text(parts, AnswerLimits().text) if parts is not None else ""
    if not text.strip():
        raise SignedOut("sender")
    box_id = box_named(request.match_info["box"])
    page = SignedOutPage(_("Error: your sign-in has ended"), f"{SIGNIN}?box={box_id}" if box_id else SIGNIN, text)
    return await render(request, "owner/signed_out.html", page, status=403)


async def _take(request: web.Request, keeper: Keeper, parts: MultipartReader) -> web.StreamResponse:
    services = services_of(request)
    record = await record_for(request, keeper)
    box_id, now = record.summary.id, services.clock()
    limits = AnswerLimits.of(record.profile)
    counted = f"{box_id} {keeper.by.key}"
    until = await services.accounts.count(services.namespace, "owner-wrote", counted, ANSWERS_OF_GUEST, now)
    if until is not None:
        error = _("Not sent: there were many messages just now. Please try again in a few minutes.")
        text = await first_text(parts, limits.text)
        return await box_page(request, keeper, Note(text=text, write_error=error), status=429)
    draft = await services.boxes.begin_message(box_id, keeper.by, keeper.seen, services.namespace)
    if draft is None:
        return await _too_late(request, keeper, await first_text(parts, limits.text))
    arriving = Arriving(draft, limits)
    try:
        await receive(request, parts, arriving)
        if await draft.is_over(arriving.once):
            return await _too_late(request, keeper, arriving.text, arriving.to)
        if arriving.is_empty:
            return await _again(request, keeper, arriving, _("Please write something, or add a document."), 422)
        answered = await draft.send(arriving.text, arriving.to, arriving.once)
    except UploadGone:
        error = _("A file that was added before is no longer here. What is still here stands below.")
        return await _again(request, keeper, arriving, error, 409)
    except AnswerRefused as refused:
        return await _again(request, keeper, arriving, why_refused(refused), 413)
    finally:
        await asyncio.shield(draft.abort())  # after `send` this does nothing
    if answered is None:
        return await _too_late(request, keeper, arriving.text, arriving.to)
    raise web.HTTPSeeOther(path_of(box_id, "?done=write"))


async def _again(
    request: web.Request, keeper: Keeper, arriving: Arriving, error: str, status: int
) -> web.StreamResponse:
    note = Note(text=arriving.text, to=arriving.to, write_error=error)
    return await box_page(request, keeper, note, status=status)


async def _too_late(request: web.Request, keeper: Keeper, text: str, to: str = "") -> web.Response:
    """The box is over by now; or the one it was for takes part no more, and it went to nobody else instead."""
    record = await record_for(request, keeper)
    if to and to not in reachable(record) and not why_not(record, keeper.by, Act.ANSWER):
        error = _(
            "The person it was for no longer takes part. Your message was not sent to anybody: please choose again."
        )
    else:
        error = _("This SafeBox takes nothing more. Your message was not sent.")
    return await box_page(request, keeper, Note(text=text, write_error=error), status=409)
