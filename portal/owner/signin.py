"""How senders get to their own SafeBoxes: by a code mailed to the address they send from.

Limits, browser binding and the single use of codes are those of guests' codes (`delivery.store.codes`). Whoever knows
an address can type wrong codes for it, so these lock nobody out: while they have locked codes of six digits, a long one
is mailed, which nobody guesses. Addresses that are none of ours get the same pages after the same work, and a code that
nobody can type.
"""

import json
from datetime import datetime, timedelta
from typing import Final

import structlog
from aiohttp import web

from delivery.safebox.participants import Access, Way
from delivery.store.challenges import Challenged, Purpose
from delivery.store.codes import Asker, CodeRules, CodeSent, Try, TryResult
from delivery.store.throttles import Attempt
from keys.tokens import new_code, new_reference, new_token, normalise_reference
from policy.message import Address, AddressInvalid
from portal.owner.entry import SIGNIN, box_named, path_of
from portal.owner.pages import CodePage, LeftPage, SigninPage
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
    keep_known,
    known_browser,
    sign_in,
    sign_out,
    visitor_of,
    who_of,
)

log = structlog.get_logger()

# As long as the browser's question stands. Of a million codes a thousand may be tried in a day, over all senders.
RULES: Final = CodeRules(valid=timedelta(minutes=10), all_a_day=1000)
_LONG_CHARACTERS: Final = 12


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
    now, is_sender = services.clock(), services.boxes.is_sender(address)
    code, long = (new_code(RULES.digits), new_reference()) if is_sender else (new_token(), new_token())
    visitor, asker = await visitor_of(request), await _asker(request, address)
    begun = await services.accounts.begin_code(asker, code, RULES, now, _attempts(request, asker), long=long)
    if isinstance(later := begun.until or begun.refused, datetime):
        raise Slower(later, now)
    await keep_browser(request)
    told = json.dumps({"address": address, "box": box}).encode()
    await services.credentials.challenge(_asked(services, visitor.browser), told, now)
    if is_sender:
        seen = access_of(request, None)
        request.app[ERRANDS].create_task(
            _send(services, address, long if begun.is_long else code, seen), name="owner's code"
        )
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
    told = await _told(request)
    if told is None:
        await check_network(request, "code")
        raise web.HTTPSeeOther(SIGNIN)
    address, code = told["address"], _code_in(form.get("code", ""))
    now, asker = services.clock(), await _asker(request, address)
    if not asker.apart:
        await check_network(request, "code")
    if not code:
        error = _("That is no code of ours. Please type it in as it stands in the e-mail.")
        return await _code_page(request, address, error)
    tried = await services.accounts.try_code(asker, code, RULES, who_of(request, None, address), now)
    match tried.what:
        case Try.OPENED if services.boxes.is_sender(address):
            visitor = await visitor_of(request)
            await services.credentials.take_challenge(_asked(services, visitor.browser), now)
            await sign_in(request, None, None, Way.CODE, owner=address)
            keep_known(request, address)
            raise web.HTTPSeeOther(_onward(told["box"]))
        case Try.LOCKED | Try.LOCKED_FOR_GOOD:
            error = _("Too many wrong codes were typed in for this address, so no short code counts for a while.")
            advice = _("Please ask for a new code. It will be longer, and you can go on at once.")
            return await _code_page(request, address, error, advice, takes_new=True)
        case _:
            return await _not_right(request, address, tried, asker)


def _code_in(text: str) -> str:
    """The code that was typed, short or long; empty: it can be neither."""
    digits = typed(text)
    return digits if len(digits) == RULES.digits else normalise_reference(text) or ""


async def _not_right(request: web.Request, address: str, tried: TryResult, asker: Asker) -> web.StreamResponse:
    if tried.what is not Try.WRONG:
        return await _code_page(request, address, _("That code is not valid any more. Please ask for a new one."))
    if not asker.apart:
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


async def _code_page(
    request: web.Request, address: str, error: str = "", advice: str = "", *, takes_new: bool = False
) -> web.Response:
    """`takes_new`: the code that this browser asked for does not count, whatever it is: only a new one does."""
    sent = None if takes_new else await _sent(request, address)
    is_long = sent is not None and sent.is_long
    page = CodePage(
        _("Error: type in your code") if error else _("Type in your code"),
        address,
        _LONG_CHARACTERS if is_long else RULES.digits,
        int(RULES.valid.total_seconds() // 60),
        sent.sent_at if sent else None,
        sent.expires_at if sent else None,
        (await _told(request) or {}).get("box", ""),
        error,
        advice,
        is_long,
    )
    return await render(request, "owner/code.html", page, status=422 if error else 200, shows_times=True)


async def _sent(request: web.Request, address: str) -> CodeSent | None:
    services = services_of(request)
    return await services.accounts.code_sent(await _asker(request, address), RULES, services.clock())


async def _told(request: web.Request) -> dict[str, str] | None:
    """Which address this browser says it reads, and where it wants to go."""
    services = services_of(request)
    asked = _asked(services, (await visitor_of(request)).browser)
    data = await services.credentials.challenged(asked, services.clock())
    return None if data is None else json.loads(data)


async def _asker(request: web.Request, address: str) -> Asker:
    services = services_of(request)
    key = services.accounts.owner_key(services.namespace, address)
    return Asker(services.namespace, key, (await visitor_of(request)).browser, known_browser(request, address))


def _attempts(request: web.Request, asker: Asker) -> tuple[Attempt, ...]:
    """What counts when a code is asked for. In a browser that is known nothing that its network's others did."""
    counted = code_asked(request, asker.counted)
    return counted[1:] if asker.apart else counted


def _asked(services: PortalServices, browser: bytes) -> Challenged:
    return Challenged(services.namespace, browser, Purpose.OWNER)


def _onward(box: str) -> str:
    return path_of(box) if box_named(box) else OWNERS


async def _send(services: PortalServices, address: str, code: str, seen: Access) -> None:
    try:
        await services.boxes.send_owner_code(services.namespace, address, code, RULES.valid, seen)
    except Exception as failed:  # noqa: BLE001 - the top of an errand: there is nobody to tell but the log
        log.warning("portal.owner_code_not_sent", error=type(failed).__name__)
