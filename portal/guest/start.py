"""The start page: a reference typed instead of following a link; the link asked for again; signing out; the zone."""

import re
from datetime import timedelta
from typing import Final

import structlog
from aiohttp import web

from delivery.safebox.headers import address_key
from delivery.safebox.participants import Access
from keys.tokens import normalise_reference
from portal.guest.pages import InboxPage, PlainPage, StartPage, ZonePage
from portal.services import PortalServices, services_of
from portal.web.ends import end_of
from portal.web.errands import ERRANDS
from portal.web.forms import one_line, read_form
from portal.web.locator import find_invitation
from portal.web.render import _, render
from portal.web.throttle import LINKS_ASKED, LINKS_ASKED_FOR_ADDRESS, count_network
from portal.web.times import COOKIE, clock_of, zone_named, zones_to_choose
from portal.web.troubles import NothingHere
from portal.web.visitor import access_of, visitor_of

log = structlog.get_logger()

_PATH: Final = re.compile(r"/(?:[A-Za-z0-9][A-Za-z0-9._/-]*)?")
_MOST_LINKS: Final = 20
_YEAR: Final = timedelta(days=365)


async def start(request: web.Request) -> web.StreamResponse:
    """GET /."""
    return await render(request, "guest/start.html", StartPage(_("Open a protected message")))


async def by_reference(request: web.Request) -> web.StreamResponse:
    """POST /: the reference of a notice, typed."""
    form = await read_form(request)
    text = one_line(form.get("reference", ""), 60)
    reference = normalise_reference(text)
    found = await find_invitation(request, reference) if reference else None
    if reference is None or found is None:
        error = (
            _("We do not know this reference. Please compare it with the e-mail.")
            if reference
            else _("A reference has 12 letters and digits, like 7KQ4-XN2M-9TPD.")
        )
        page = StartPage(_("Error: open a protected message"), error=error, reference=text)
        return await render(request, "guest/start.html", page, status=422)
    raise web.HTTPSeeOther(f"/b/{reference}")


async def again(request: web.Request) -> web.StreamResponse:
    """POST /again: send the links of open messages to an address once more.

    The answer is the same for every address, and as fast: what is to be sent is found and sent after it.
    """
    form = await read_form(request)
    services = services_of(request)
    await count_network(request, "again", LINKS_ASKED)
    address = form.get("email", "").strip()[:320]
    now = services.clock()
    key = address_key(address)  # the key that boxes are found by: no other spelling counts anew
    until = await services.accounts.count(services.namespace, "again", key, LINKS_ASKED_FOR_ADDRESS, now)
    if until is None and "@" in address:
        seen = access_of(request, (await visitor_of(request)).session)
        request.app[ERRANDS].create_task(_send_links(services, address, seen), name="links")
    raise web.HTTPSeeOther("/again")


async def again_said(request: web.Request) -> web.StreamResponse:
    """GET /again: what was done, without saying whether there was anything to do."""
    page = PlainPage(
        _("Please look into your mailbox"),
        _("Please look into your mailbox"),
        (
            _("If there are messages for this address that can still be read, their links are on the way to it."),
            _("It can take a few minutes. Look into the folder for junk or spam as well."),
        ),
        "/",
        _("Back to the start"),
    )
    return await render(request, "guest/plain.html", page)


async def _send_links(services: PortalServices, address: str, seen: Access) -> None:
    try:
        letters = await services.boxes.for_address(services.namespace, address)
        for letter in [letter for letter in letters if end_of(letter.invitation) is None][:_MOST_LINKS]:
            await services.boxes.resend(services.namespace, letter.invitation.participant_id, seen)
    except Exception as failed:  # noqa: BLE001 - the top of an errand: there is nobody to tell but the log
        log.warning("portal.links_not_sent", error=type(failed).__name__)


async def messages(request: web.Request) -> web.StreamResponse:
    """GET /messages: every message to the address of the account that is signed in."""
    session = (await visitor_of(request)).session
    if session is None:
        raise web.HTTPSeeOther("/signin")
    if session.account_id is None or session.address is None:
        raise web.HTTPSeeOther(f"/m/{session.participant_id}")
    services = services_of(request)
    letters = await services.boxes.for_address(services.namespace, session.address)
    page = InboxPage(_("Your messages"), session.address, letters)
    return await render(request, "guest/messages.html", page, shows_times=True)


async def left(request: web.Request) -> web.StreamResponse:
    """GET /left: signed out."""
    if (await visitor_of(request)).device_token:
        return await render(request, "guest/left.html", PlainPage(_("You have left"), _("You have left"), ()))
    page = PlainPage(
        _("You have left"),
        _("You have left"),
        (
            _("From now on nobody can read the message in this browser without a new code or your password."),
            _("To open it again, follow the link in the e-mail once more."),
        ),
        "/",
        _("To the start page"),
    )
    return await render(request, "guest/plain.html", page)


async def zone_form(request: web.Request) -> web.StreamResponse:
    """GET /zone: choose the zone that times are shown in."""
    return await _zone_page(request, request.query.get("back", "/"))


async def choose_zone(request: web.Request) -> web.StreamResponse:
    """POST /zone."""
    form = await read_form(request)
    back = _path(form.get("back", "/"))
    zone = zone_named(form.get("zone", ""))
    if zone is None:
        return await _zone_page(request, back, _("Please choose a zone from the list."))
    response = web.Response(status=303, headers={"Location": back})
    secure = services_of(request).is_secure
    # Not HttpOnly: the portal's own script sets it too. It tells nothing but a zone.
    response.set_cookie(COOKIE, zone.key, max_age=int(_YEAR.total_seconds()), path="/", secure=secure, samesite="Lax")
    return response


async def _zone_page(request: web.Request, back: str, error: str = "") -> web.Response:
    clock = clock_of(request)
    title = _("Error: times and time zones") if error else _("Times and time zones")
    page = ZonePage(title, zones_to_choose(clock.now), clock.zone.key, _path(back), error)
    return await render(request, "guest/zone.html", page, status=422 if error else 200)


def _path(back: str) -> str:
    """A path of our own to go back to; `/` for anything that could lead elsewhere."""
    return back if _PATH.fullmatch(back) and "//" not in back else "/"


async def nothing(request: web.Request) -> web.StreamResponse:
    """Every other path: there is nothing here."""
    raise NothingHere
