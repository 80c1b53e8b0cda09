"""The way by code, mailed or brought to a telephone: ask for one, type it in, be let in once."""

import unicodedata
from datetime import timedelta
from typing import Final

from aiohttp import web

from delivery.phones import masked_number
from delivery.safebox import choices
from delivery.safebox.participants import Invitation, Way
from delivery.speech import spoken
from delivery.store.codes import Asker, CodeRules, CodeSent, Tried, Try
from keys.tokens import new_code
from portal.services import services_of
from portal.signin.calls import CallTrouble, call, may_call
from portal.signin.offers import other_ways
from portal.signin.pages import CodePage, LockedPage, NotCalledPage
from portal.web.forms import read_form
from portal.web.locator import invitation_behind, masked, path_to
from portal.web.render import _, render, say
from portal.web.throttle import CODES_WRONG, check_network, code_asked, count_network
from portal.web.troubles import Slower
from portal.web.visitor import access_of, keep_browser, remember_browser, sign_in, visitor_of, who_of

_LONGEST_CODE: Final = 40
_SENT: Final = (Way.CODE, Way.SMS, Way.VOICE)  # ways that send a code


def rules_of(invitation: Invitation) -> CodeRules:
    """What the box's profile says of codes."""
    signin = invitation.profile.signin
    valid = timedelta(minutes=signin.code_minutes)
    return CodeRules(signin.code_digits, valid, signin.tries, signin.tries_a_day)


def needs_account(invitation: Invitation) -> bool:
    """A code alone does not open it: it proves the address, then an account is made or its password set anew."""
    return invitation.needs_account or (
        invitation.takes_account and choices.Way.CODE not in invitation.profile.signin.ways
    )


async def ask(request: web.Request) -> web.StreamResponse:
    """POST /b/LOCATOR/code: send a code to the guest, good in this browser alone. `by`: code (mail), sms or voice."""
    form = await read_form(request)
    invitation = await invitation_behind(request)
    services = services_of(request)
    way = _way(form.get("by", ""))
    if way is None or not invitation.proves(way) or invitation.locked:
        raise web.HTTPSeeOther(path_to(request))
    if way is not Way.CODE and way.value not in services.phones:
        raise web.HTTPSeeOther(path_to(request))
    now, rules = services.clock(), rules_of(invitation)
    participant, code = invitation.participant_id, new_code(rules.digits)
    asker, mailed = await _asker(request, invitation), code if way is Way.CODE else ""
    begun = await services.accounts.begin_code(asker, mailed, rules, now, code_asked(request, participant))
    if begun.until is not None:
        raise Slower(begun.until, now)
    if begun.refused is Try.LOCKED_FOR_GOOD:
        return await lock(request, invitation)
    if begun.refused is not None and not isinstance(begun.refused, Try):
        if await services.accounts.codes_locked(services.namespace, participant, now):
            raise web.HTTPSeeOther(path_to(request, "/code"))
        raise Slower(begun.refused, now)
    if way is not Way.CODE:
        if trouble := await may_call(services, invitation.phone, now):
            return await _not_called(request, invitation, way, trouble)
        await services.accounts.keep_code(asker, code, rules, now, way.value)
    await keep_browser(request)
    seen = access_of(request, (await visitor_of(request)).session)
    if way is Way.CODE:
        if not await services.boxes.send_code(services.namespace, participant, code, rules.valid, seen):
            raise web.HTTPSeeOther(path_to(request))
    elif trouble := await call(services, invitation, way, code, valid=rules.valid, seen=seen):
        await services.accounts.withdraw_code(asker, services.clock())
        return await _not_called(request, invitation, way, trouble)
    raise web.HTTPSeeOther(path_to(request, "/code"))


def _way(text: str) -> Way | None:
    """The way that a form names; mail where it names none."""
    return {"": Way.CODE, "code": Way.CODE, "sms": Way.SMS, "voice": Way.VOICE}.get(text)


async def show(request: web.Request) -> web.StreamResponse:
    """GET /b/LOCATOR/code: where the code is typed in."""
    invitation = await invitation_behind(request)
    if not any(map(invitation.proves, _SENT)) or invitation.locked:
        raise web.HTTPSeeOther(path_to(request))
    services = services_of(request)
    now, asker = services.clock(), await _asker(request, invitation)
    until = await services.accounts.codes_locked(services.namespace, invitation.participant_id, now)
    if until is not None:
        return await locked_page(request, invitation, Tried(Try.LOCKED, locked_until=until))
    sent = await services.accounts.code_sent(asker, rules_of(invitation), now)
    if sent is None:
        raise web.HTTPSeeOther(path_to(request))
    return await _code_page(request, invitation, sent)


async def open_(request: web.Request) -> web.StreamResponse:
    """POST /b/LOCATOR/open: let the guest in, if the code is right."""
    form = await read_form(request)
    invitation = await invitation_behind(request)
    if not any(map(invitation.proves, _SENT)) or invitation.locked:
        raise web.HTTPSeeOther(path_to(request))
    services = services_of(request)
    await check_network(request, "code")
    asker, rules, now = await _asker(request, invitation), rules_of(invitation), services.clock()
    code = typed(form.get("code", ""))
    if len(code) != rules.digits:
        sent = await services.accounts.code_sent(asker, rules, now)
        return await _code_page(
            request, invitation, sent, error=say("A code has {digits} digits.", digits=rules.digits)
        )
    tried = await services.accounts.try_code(asker, code, rules, who_of(request, invitation), now)
    match tried.what:
        case Try.OPENED:
            if not invitation.proves(Way(tried.way)):  # the sender changed the number meanwhile
                raise web.HTTPSeeOther(path_to(request))
            await sign_in(request, invitation, None, Way(tried.way))
            if form.get("remember") == "yes" and invitation.opened_by(Way(tried.way)):
                await remember_browser(request, invitation, Way(tried.way))
            raise web.HTTPSeeOther(f"/m/{invitation.participant_id}")
        case Try.AGAIN:  # the first press let them in, if its answer came through
            return await _code_page(
                request,
                invitation,
                None,
                error=_("That code was used just now, and is not valid any more."),
                is_used=True,
            )
        case Try.LOCKED_FOR_GOOD:
            return await lock(request, invitation)
        case Try.LOCKED:
            return await locked_page(request, invitation, tried)
        case _:
            return await _not_right(request, invitation, tried, await services.accounts.code_sent(asker, rules, now))


async def _not_right(
    request: web.Request, invitation: Invitation, tried: Tried, sent: CodeSent | None
) -> web.StreamResponse:
    if tried.what is not Try.WRONG:
        error = _("That code is not valid any more. Please ask for a new one.")
        return await _code_page(request, invitation, None, error=error)
    await count_network(request, "code", CODES_WRONG)
    left = tried.tries_left
    tries = _("You have 1 more try.") if left == 1 else say("You have {number} more tries.", number=left)
    advice = f"{tries} {_('If several codes came, use the newest one.')}"
    return await _code_page(request, invitation, sent, error=_("That is not the code we sent last."), advice=advice)


def typed(text: str) -> str:
    """The digits of what was typed or pasted: spaces and dashes do no harm, nor do digits of other scripts."""
    digits = [str(unicodedata.digit(char, "")) for char in text[:_LONGEST_CODE]]
    odd = any(char.isalpha() for char in text)
    return "" if odd else "".join(digits)


async def _asker(request: web.Request, invitation: Invitation) -> Asker:
    visitor = await visitor_of(request)
    return Asker(services_of(request).namespace, invitation.participant_id, visitor.browser)


async def _code_page(
    request: web.Request,
    invitation: Invitation,
    sent: CodeSent | None,
    *,
    error: str = "",
    advice: str = "",
    is_used: bool = False,
) -> web.Response:
    rules = rules_of(invitation)
    by_phone = sent is not None and sent.way != Way.CODE
    lasting = invitation.profile.signin.remember_device
    page = CodePage(
        title=_("Error: type in your code") if error else _("Type in your code"),
        back=path_to(request),
        address=masked_number(invitation.phone) if by_phone else masked(invitation.guest_address),
        way=sent.way if sent else Way.CODE,
        others=other_ways(request, invitation, sent.way if sent else ""),
        remember=spoken().span(lasting) if lasting else "",
        digits=rules.digits,
        minutes=int(rules.valid.total_seconds() // 60),
        sent_at=sent.sent_at if sent else None,
        expires_at=sent.expires_at if sent else None,
        needs_account=needs_account(invitation),
        error=error,
        advice=advice,
        is_used=is_used,
    )
    return await render(request, "signin/code.html", page, status=422 if error else 200, shows_times=True)


async def _not_called(
    request: web.Request, invitation: Invitation, way: Way, trouble: CallTrouble
) -> web.StreamResponse:
    """No code went out by telephone: why, and another way."""
    page = NotCalledPage(
        title=_("Error: no code was sent"),
        back=path_to(request),
        number=masked_number(invitation.phone),
        way=way.value,
        trouble=trouble,
        others=other_ways(request, invitation, way.value),
    )
    status = 502 if trouble is CallTrouble.FAILED else 429
    return await render(request, "signin/not_called.html", page, status=status)


async def lock(request: web.Request, invitation: Invitation) -> web.Response:
    """Twenty wrong codes in a day: nobody gets in by code until the sender or the guest's account unlocks."""
    services = services_of(request)
    if not invitation.locked:
        seen = access_of(request, (await visitor_of(request)).session)
        await services.boxes.lock(services.namespace, invitation.participant_id, seen)
    return await locked_page(request, invitation, Tried(Try.LOCKED_FOR_GOOD))


async def locked_page(request: web.Request, invitation: Invitation, tried: Tried) -> web.Response:
    services = services_of(request)
    until = tried.locked_until
    page = LockedPage(
        title=_("Locked for a while") if until else _("Locked"),
        back=path_to(request),
        until=until,
        sender_name=invitation.sender_name,
        account_way=invitation.takes_account,
        ask=path_to(request, "/code") if until else "",
    )
    wait = {"Retry-After": str(max(1, int((until - services.clock()).total_seconds())))} if until else {}
    return await render(request, "signin/locked.html", page, status=429, headers=wait, shows_times=True)
