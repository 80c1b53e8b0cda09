"""A guest tells where they can be called. It counts once the owner has said that it is theirs."""

from typing import Final

from aiohttp import web

from delivery.phones import as_number
from delivery.safebox.participants import Invitation
from portal.services import services_of
from portal.signin.pages import PhonePage
from portal.web.forms import one_line, read_form
from portal.web.locator import invitation_behind, path_to
from portal.web.render import _, render
from portal.web.throttle import PHONES_TOLD, count_network
from portal.web.troubles import Slower
from portal.web.visitor import access_of

_LONGEST: Final = 60


async def ask(request: web.Request) -> web.StreamResponse:
    """GET /b/LOCATOR/phone."""
    return await _page(request, await _wanted(request))


async def tell(request: web.Request) -> web.StreamResponse:
    """POST /b/LOCATOR/phone: the owner is told, and confirms it or not."""
    form = await read_form(request)
    invitation = await _wanted(request)
    services = services_of(request)
    text = one_line(form.get("phone", ""), _LONGEST)
    number = as_number(text)
    limits = services.phone_limits
    if number is None:
        error = _("Please write the number with its country: +41 79 123 45 67.")
        return await _page(request, invitation, text=text, error=error)
    if limits is not None and limits.prefixes and not number.startswith(limits.prefixes):
        return await _page(request, invitation, text=text, error=_("We do not call numbers in this country."))
    await count_network(request, "phone", PHONES_TOLD)
    now, participant = services.clock(), invitation.participant_id
    until = await services.accounts.count(services.namespace, "phone-told", participant, PHONES_TOLD, now)
    if until is not None:
        raise Slower(until, now)
    await services.boxes.tell_phone(services.namespace, participant, number, access_of(request, None))
    raise web.HTTPSeeOther(path_to(request, "/phone?told=1"))


async def _wanted(request: web.Request) -> Invitation:
    invitation = await invitation_behind(request)
    if not invitation.wants_phone or invitation.locked or not services_of(request).phones:
        raise web.HTTPSeeOther(path_to(request))
    return invitation


async def _page(request: web.Request, invitation: Invitation, *, text: str = "", error: str = "") -> web.Response:
    page = PhonePage(
        title=_("Error: your telephone") if error else _("Your telephone"),
        back=path_to(request),
        sender_name=invitation.sender_name,
        phone=text,
        error=error,
        told="told" in request.query,
        waits=invitation.phone_waits,
    )
    return await render(request, "signin/phone.html", page, status=422 if error else 200)
