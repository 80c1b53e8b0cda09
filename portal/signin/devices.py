"""Browsers that need no new code for a while: going in with one, seeing them, forgetting them."""

from aiohttp import web

from delivery.safebox.participants import Way
from keys.tokens import digest
from portal.services import services_of
from portal.signin.pages import DevicesPage
from portal.web.forms import read_form
from portal.web.locator import invitation_behind, path_to
from portal.web.render import _, render
from portal.web.visitor import forget_browser, remembered_as, sign_in, visitor_of, who_of


async def enter(request: web.Request) -> web.StreamResponse:
    """POST /b/LOCATOR/enter: go in without a code, in a browser that is remembered."""
    await read_form(request)
    invitation = await invitation_behind(request)
    found = await remembered_as(request, invitation)
    if found is None or invitation.locked or not invitation.opened_by(Way(found.way)):
        raise web.HTTPSeeOther(path_to(request))
    await sign_in(request, invitation, None, Way(found.way), remembered=True)
    raise web.HTTPSeeOther(f"/m/{invitation.participant_id}")


async def show(request: web.Request) -> web.StreamResponse:
    """GET /devices: which browsers are remembered for the address of this session. A session that has not proven it (a
    telephone, or an answer, is one sender's word; a remembered browser may be anybody's) knows of this browser alone.
    """
    address, is_proven = await _address(request)
    services, this = services_of(request), digest((await visitor_of(request)).device_token)
    found = await services.credentials.devices(services.namespace, address, services.clock())
    found = tuple(one for one in found if is_proven or one.digest == this)
    page = DevicesPage(_("Browsers that need no code"), address, found)
    return await render(request, "signin/devices.html", page, shows_times=True)


async def forget_all(request: web.Request) -> web.StreamResponse:
    """POST /devices: forget every one of them."""
    await read_form(request)
    address, is_proven = await _address(request)
    services, who = services_of(request), who_of(request, None)
    if not is_proven:
        await forget_browser(request)
        raise web.HTTPSeeOther("/devices")
    await services.credentials.forget_devices(services.namespace, who, services.clock(), address=address)
    raise web.HTTPSeeOther("/devices")


async def forget_this(request: web.Request) -> web.StreamResponse:
    """POST /devices/this: forget this browser. Needs no session: the browser itself asks."""
    await read_form(request)
    await forget_browser(request)
    raise web.HTTPSeeOther("/left")


async def _address(request: web.Request) -> tuple[str, bool]:
    """The address of this session, and whether it was proven in it."""
    session = (await visitor_of(request)).session
    if session is None:
        raise web.HTTPSeeOther("/signin")
    if session.address is not None:
        return session.address, True
    services = services_of(request)
    invitation = await services.boxes.invitation(services.namespace, session.participant_id or "")
    if invitation is None:
        raise web.HTTPSeeOther("/signin")
    return invitation.guest_address, session.proves_address
