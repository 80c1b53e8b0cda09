"""The way by code, mailed or brought to a telephone: ask for one, type it in, be let in once.

Whoever holds the link can type wrong codes, so these lock nobody out: while they have locked short codes, a long one is
sent, which nobody guesses. Whoever shows by a mailed code that they read the guest's mail is known in this browser from
then on: what others do elsewhere does not count for it.
"""

import unicodedata
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from aiohttp import web

from delivery.phones import masked_number
from delivery.safebox import choices
from delivery.safebox.participants import Invitation, Way
from delivery.speech import current_speech
from delivery.store.codes import MAILBOX, Asker, CodeRules, CodeSent, Try, TryResult
from keys.tokens import new_code
from portal.services import services_of
from portal.signin.calls import CallTrouble, call, may_call
from portal.signin.offers import PHONES, mailbox, offers, other_ways
from portal.signin.pages import CodePage, NotCalledPage
from portal.web.forms import read_form
from portal.web.locator import invitation_behind, masked, path_to
from portal.web.render import _, render, say
from portal.web.throttle import CODES_WRONG, check_network, code_asked, count_network, more_codes
from portal.web.troubles import Slower
from portal.web.visitor import (
    access_of,
    keep_browser,
    keep_known,
    known_browser,
    remember_browser,
    sign_in,
    visitor_of,
    who_of,
)

_LONGEST_CODE: Final = 40
_LONGER: Final = 4  # digits of a long code beside those of a short one: of ten nobody guesses the right ones
_SENT: Final = (Way.CODE, *PHONES)  # ways that send a code


def rules_of(invitation: Invitation) -> CodeRules:
    """What the box's profile says of codes."""
    signin = invitation.profile.signin
    valid = timedelta(minutes=signin.code_minutes)
    return CodeRules(signin.code_digits, valid, signin.tries, signin.tries_a_day, long_alone=invitation.locked)


def needs_account(invitation: Invitation) -> bool:
    """A code alone does not open it: it proves the address, then an account is made or its password set anew."""
    return invitation.needs_account or (
        invitation.takes_account and choices.Way.CODE not in invitation.profile.signin.ways
    )


async def ask(request: web.Request) -> web.StreamResponse:
    """POST /b/LOCATOR/code: send a code to the guest, good in this browser alone. `by`: code (mail), sms, voice, or
    mailbox: by mail as well, and to be known in this browser alone.
    """
    form = await read_form(request)
    invitation = await invitation_behind(request)
    services = services_of(request)
    way = form.get("by", "") or Way.CODE.value
    if way not in _may_ask(request, invitation):
        raise web.HTTPSeeOther(path_to(request))
    now, rules = services.clock(), rules_of(invitation)
    participant, short, long = invitation.participant_id, new_code(rules.digits), new_code(rules.digits + _LONGER)
    asker, by_phone = (await _asker(request, invitation)).by(way), way in PHONES
    asked = code_asked(request, asker.counted)
    begun = await services.accounts.begin_code(
        asker,
        short,
        replace(rules, long_alone=rules.long_alone or way == MAILBOX),
        now,
        asked[1:] if asker.apart else asked,  # in a browser that is known nothing that its network's others did
        long=long,
        way=way,
        later=by_phone,
        spare=more_codes(request, asker.counted),
    )
    if isinstance(later := begun.until or begun.refused, datetime):
        raise Slower(later, now)
    code = long if begun.is_long else short
    if by_phone:
        known = bool(known_browser(request, invitation.guest_address))
        if trouble := await may_call(services, invitation.phone, now, known=known):
            return await _not_called(request, invitation, Way(way), trouble)
        await services.accounts.keep_code(asker, code, rules, now, way, number=invitation.phone, is_long=begun.is_long)
    await keep_browser(request)
    seen = access_of(request, (await visitor_of(request)).session)
    if not by_phone:
        if not await services.boxes.send_code(services.namespace, participant, code, rules.valid, seen):
            raise web.HTTPSeeOther(path_to(request))
    elif trouble := await call(services, invitation, Way(way), code, valid=rules.valid, seen=seen):
        await services.accounts.withdraw_code(asker, services.clock())
        return await _not_called(request, invitation, Way(way), trouble)
    raise web.HTTPSeeOther(path_to(request, "/code"))


def _may_ask(request: web.Request, invitation: Invitation) -> frozenset[str]:
    """The ways by which a code helps: it opens the message, or lets its guest go on where others used up the tries."""
    phones = services_of(request).phones
    ways = {way.value for way in _SENT if invitation.proves(way) and (way not in PHONES or way.value in phones)}
    return frozenset(ways | {MAILBOX} if invitation.takes_mailbox else ways)


async def show(request: web.Request) -> web.StreamResponse:
    """GET /b/LOCATOR/code: where the code is typed in."""
    invitation = await invitation_behind(request)
    if not _may_ask(request, invitation):
        raise web.HTTPSeeOther(path_to(request))
    services, asker = services_of(request), await _asker(request, invitation)
    sent = await services.accounts.code_sent(asker, rules_of(invitation), services.clock())
    if sent is None:
        raise web.HTTPSeeOther(path_to(request))
    return await _code_page(request, invitation, sent)


async def open_(request: web.Request) -> web.StreamResponse:
    """POST /b/LOCATOR/open: let the guest in, if the code is right."""
    form = await read_form(request)
    invitation = await invitation_behind(request)
    if not _may_ask(request, invitation):
        raise web.HTTPSeeOther(path_to(request))
    services = services_of(request)
    asker, rules, now = await _asker(request, invitation), rules_of(invitation), services.clock()
    if not asker.apart:
        await check_network(request, "code")
    code, sent = typed(form.get("code", "")), await services.accounts.code_sent(asker, rules, now)
    digits = {_digits(rules, sent)} if sent else {rules.digits, rules.digits + _LONGER}
    if len(code) not in digits:
        odd = say("A code has {digits} digits.", digits=_digits(rules, sent))
        return await _code_page(request, invitation, sent, error=odd)
    who = who_of(request, invitation)
    tried = await services.accounts.try_code(asker, code, rules, who, now, number=invitation.phone)
    match tried.what:
        case Try.OPENED if tried.way == MAILBOX:
            keep_known(request, invitation.guest_address)
            raise web.HTTPSeeOther(path_to(request, "/question" if invitation.proves(Way.QUESTION) else ""))
        case Try.OPENED:
            if not invitation.proves(Way(tried.way)):  # the sender changed the number meanwhile
                raise web.HTTPSeeOther(path_to(request))
            await sign_in(request, invitation, None, Way(tried.way))
            if tried.way == Way.CODE:
                keep_known(request, invitation.guest_address)
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
        case Try.LOCKED | Try.LOCKED_FOR_GOOD:
            if tried.what is Try.LOCKED_FOR_GOOD and not asker.apart:
                await lock(request, invitation)
            error = _("Too many wrong codes were typed in for this message, so no short code counts for a while.")
            advice = _("Please ask for a new code. It will be longer, and you can go on at once.")
            return await _code_page(request, invitation, None, error=error, advice=advice)
        case _:
            sent = await services.accounts.code_sent(asker, rules, now)
            return await _not_right(request, invitation, tried, sent, counts=not asker.apart)


async def _not_right(
    request: web.Request, invitation: Invitation, tried: TryResult, sent: CodeSent | None, *, counts: bool
) -> web.StreamResponse:
    if tried.what is not Try.WRONG:
        error = _("That code is not valid any more. Please ask for a new one.")
        return await _code_page(request, invitation, None, error=error)
    if counts:
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
    browser, known = (await visitor_of(request)).browser, known_browser(request, invitation.guest_address)
    return Asker(services_of(request).namespace, invitation.participant_id, browser, known)


def _digits(rules: CodeRules, sent: CodeSent | None) -> int:
    return rules.digits + _LONGER if sent and sent.is_long else rules.digits


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
    lasting = invitation.profile.signin.remember_device
    ways = [one.way for one in offers(request, invitation) if one.is_form]
    way = sent.way if sent else ways[0] if ways else MAILBOX
    page = CodePage(
        title=_("Error: type in your code") if error else _("Type in your code"),
        back=path_to(request),
        address=masked_number(invitation.phone) if way in PHONES else masked(invitation.guest_address),
        way=way,
        others=other_ways(request, invitation, way),
        remember=current_speech().span(lasting) if lasting and way != MAILBOX else "",
        digits=_digits(rules, sent),
        is_long=sent is not None and sent.is_long and way != MAILBOX,
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
    others = other_ways(request, invitation, way.value)
    page = NotCalledPage(
        title=_("Error: no code was sent"),
        back=path_to(request),
        number=masked_number(invitation.phone),
        way=way.value,
        trouble=trouble,
        others=(*others, *mailbox(request, invitation)) if trouble is CallTrouble.NUMBER else others,
    )
    status = 502 if trouble is CallTrouble.FAILED else 429
    return await render(request, "signin/not_called.html", page, status=status)


async def lock(request: web.Request, invitation: Invitation) -> None:
    """Twenty wrong codes or answers in a day: nothing that could be guessed opens it until somebody unlocks it."""
    services = services_of(request)
    if not invitation.locked:
        seen = access_of(request, (await visitor_of(request)).session)
        await services.boxes.lock(services.namespace, invitation.participant_id, seen)
