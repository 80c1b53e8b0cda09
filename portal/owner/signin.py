"""How senders get to their own SafeBoxes: by a code mailed to the address they send from.

Limits, browser binding and the single use of codes are those of guests' codes (`delivery.store.codes`). Addresses that
are none of ours get the same pages after the same work, and a code that nobody can type.
"""

import json
from datetime import timedelta
from math import ceil
from shlex import quote
from typing import Final

import structlog
from aiohttp import web

from delivery.safebox.participants import Access, Way
from delivery.store.challenges import Challenged, Purpose
from delivery.store.codes import Asker, CodeRules, Tried, Try
from keys.tokens import new_code, new_token
from policy.message import Address, AddressInvalid
from portal.owner.entry import SIGNIN, box_named, path_of
from portal.owner.pages import CodePage, LeftPage, LockedPage, SigninPage
from portal.services import PortalServices, services_of
from portal.settings import OWNERS
from portal.signin.codes import typed
from portal.web.errands import ERRANDS
from portal.web.forms import one_line, read_form
from portal.web.render import _, render, say
from portal.web.throttle import CODES_WRONG, check_network, code_asked, count_network
from portal.web.troubles import SignedOut, Slower
from portal.web.visitor import (
    access_of,
    keep_browser,
    sign_in,
    sign_out,
    visitor_of,
    who_of,
)

log = structlog.get_logger()

RULES: Final = CodeRules(valid=timedelta(minutes=10))  # as long as the browser's question stands


async def signin_form(request: web.Request) -> web.StreamResponse:
    """GET /boxes/signin (`?box=ID`: where to go on to)."""
    if (await visitor_of(request)).session is not None:
        raise web.HTTPSeeOther(_onward(request.query.get("box", "")))
    page = SigninPage(_("Your protected messages"), box=box_named(request.query.get("box", "")))
    return await render(request, "owner/signin.html", page)


async def ask(request: web.Request) -> web.StreamResponse:
    """POST /boxes/signin: mail a code to an address of ours. The answer never tells whether it is one."""
    form = await read_form(request)
    services = services_of(request)
    box = box_named(form.get("box", ""))
    text = one_line(form.get("email", ""), 320)
    try:
        address = str(Address.parse(text))
    except AddressInvalid:
        error = _("Please type the e-mail address that you send from.")
        page = SigninPage(_("Error: your protected messages"), box=box, email=text, error=error)
        return await render(request, "owner/signin.html", page, status=422)
    now, key = services.clock(), services.accounts.owner_key(services.namespace, address)
    is_sender = services.boxes.is_sender(address)
    code = new_code(RULES.digits) if is_sender else new_token()
    visitor = await visitor_of(request)
    asker = Asker(services.namespace, key, visitor.browser)
    begun = await services.accounts.begin_code(asker, code, RULES, now, code_asked(request, key))
    if isinstance(begun.refused, Try):
        return await _locked(request, address, key)
    if later := begun.until or begun.refused:
        raise Slower(later, now)
    await keep_browser(request)
    told = json.dumps({"address": address, "box": box}).encode()
    await services.credentials.challenge(_asked(services, visitor.browser), told, now)
    if is_sender:
        seen = access_of(request, None)
        request.app[ERRANDS].create_task(_send(services, address, code, seen), name="owner's code")
    raise web.HTTPSeeOther(f"{SIGNIN}/code")


async def code_form(request: web.Request) -> web.StreamResponse:
    """GET /boxes/signin/code: where it is typed in."""
    told = await _told(request)
    if told is None:
        raise web.HTTPSeeOther(SIGNIN)
    return await _code_page(request, told["address"])


async def enter(request: web.Request) -> web.StreamResponse:
    """POST /boxes/signin/code: let the sender in, if the code is right."""
    form = await read_form(request)
    services = services_of(request)
    await check_network(request, "code")
    told = await _told(request)
    if told is None:
        raise web.HTTPSeeOther(SIGNIN)
    address, code = told["address"], typed(form.get("code", ""))
    if len(code) != RULES.digits:
        return await _code_page(request, address, say("A code has {digits} digits.", digits=RULES.digits))
    now = services.clock()
    asker = await _asker(request, address)
    tried = await services.accounts.try_code(asker, code, RULES, who_of(request, None, address), now)
    match tried.what:
        case Try.OPENED if services.boxes.is_sender(address):
            visitor = await visitor_of(request)
            await services.credentials.take_challenge(_asked(services, visitor.browser), now)
            await sign_in(request, None, None, Way.CODE, owner=address)
            raise web.HTTPSeeOther(_onward(told["box"]))
        case Try.LOCKED if tried.locked_until:
            raise Slower(tried.locked_until, now)
        case Try.LOCKED_FOR_GOOD:
            return await _locked(request, address, asker.participant_id)
        case _:
            return await _not_right(request, address, tried)


async def _locked(request: web.Request, address: str, key: str) -> web.Response:
    """Too many wrong codes in a day: until when, and who can help. The same for addresses that are none of ours."""
    services = services_of(request)
    now = services.clock()
    until = await services.accounts.codes_again_at(services.namespace, key, now)
    page = LockedPage(_("Error: no more codes today"), address, until, f"sealgate user unlock {quote(address)}")
    wait = {"Retry-After": str(max(1, ceil((until - now).total_seconds())))}
    return await render(request, "owner/locked.html", page, status=429, headers=wait, shows_times=True)


async def _not_right(request: web.Request, address: str, tried: Tried) -> web.StreamResponse:
    if tried.what is not Try.WRONG:
        return await _code_page(request, address, _("That code is not valid any more. Please ask for a new one."))
    await count_network(request, "code", CODES_WRONG)
    left = tried.tries_left
    tries = _("You have 1 more try.") if left == 1 else say("You have {number} more tries.", number=left)
    advice = f"{tries} {_('If several codes came, use the newest one.')}"
    return await _code_page(request, address, _("That is not the code we sent last."), advice)


async def leave(request: web.Request) -> web.StreamResponse:
    """POST /boxes/leave: sign out. Whose sign-in has ended meanwhile has left already."""
    if (await visitor_of(request)).session is None:
        raise SignedOut("leave")
    await read_form(request)
    await sign_out(request)
    raise web.HTTPSeeOther(f"{OWNERS}/left")


async def left(request: web.Request) -> web.StreamResponse:
    """GET /boxes/left."""
    return await render(request, "owner/left.html", LeftPage(_("You have left")))


async def _code_page(request: web.Request, address: str, error: str = "", advice: str = "") -> web.Response:
    services = services_of(request)
    sent = await services.accounts.code_sent(await _asker(request, address), RULES, services.clock())
    page = CodePage(
        _("Error: type in your code") if error else _("Type in your code"),
        address,
        RULES.digits,
        int(RULES.valid.total_seconds() // 60),
        sent.sent_at if sent else None,
        sent.expires_at if sent else None,
        (await _told(request) or {}).get("box", ""),
        error,
        advice,
    )
    return await render(request, "owner/code.html", page, status=422 if error else 200, shows_times=True)


async def _told(request: web.Request) -> dict[str, str] | None:
    """Which address this browser says it reads, and where it wants to go."""
    services = services_of(request)
    asked = _asked(services, (await visitor_of(request)).browser)
    data = await services.credentials.challenged(asked, services.clock())
    return None if data is None else json.loads(data)


async def _asker(request: web.Request, address: str) -> Asker:
    services = services_of(request)
    key = services.accounts.owner_key(services.namespace, address)
    return Asker(services.namespace, key, (await visitor_of(request)).browser)


def _asked(services: PortalServices, browser: bytes) -> Challenged:
    return Challenged(services.namespace, browser, Purpose.OWNER)


def _onward(box: str) -> str:
    return path_of(box) if box_named(box) else OWNERS


async def _send(services: PortalServices, address: str, code: str, seen: Access) -> None:
    try:
        await services.boxes.send_owner_code(services.namespace, address, code, RULES.valid, seen)
    except Exception as failed:  # noqa: BLE001 - the top of an errand: there is nobody to tell but the log
        log.warning("portal.owner_code_not_sent", error=type(failed).__name__)
