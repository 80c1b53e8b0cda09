"""The way by question: the sender asked something that only the guest can answer."""

from math import ceil
from typing import Final

from aiohttp import web

from delivery.safebox.participants import Invitation, Way
from delivery.store.codes import Try, TryResult, mailed
from portal.services import services_of
from portal.signin.codes import lock, rules_of
from portal.signin.offers import mailbox, may_answer, other_ways
from portal.signin.pages import LockedPage, QuestionPage
from portal.web.forms import read_form
from portal.web.locator import invitation_behind, path_to
from portal.web.render import _, render, say
from portal.web.throttle import CODES_WRONG, check_network, count_network
from portal.web.visitor import known_browser, sign_in, who_of

_LONGEST: Final = 400


async def ask(request: web.Request) -> web.StreamResponse:
    """GET /b/LOCATOR/question: it is shown here alone: whoever holds the link may read it."""
    return await _page(request, await _asked(request))


async def answer(request: web.Request) -> web.StreamResponse:
    """POST /b/LOCATOR/question: let the guest in, if the answer is right. Tries count with wrong codes; in browsers
    that proved to read the guest's mail they count by themselves.
    """
    form = await read_form(request)
    invitation = await _asked(request)
    services, rules, now = services_of(request), rules_of(invitation), services_of(request).clock()
    is_known = bool(known_browser(request, invitation.guest_address))
    if not is_known:
        await check_network(request, "code")
    typed = form.get("answer", "")[:_LONGEST]
    if not typed.strip():
        return await _page(request, invitation, error=_("Please write an answer."))
    participant = invitation.participant_id
    counted = mailed(participant) if is_known else participant
    tried = await services.accounts.may_answer(services.namespace, counted, rules, now)
    if tried is None:
        right = await services.boxes.is_answer(services.namespace, participant, typed)
        who = who_of(request, invitation)
        tried = await services.accounts.answered(services.namespace, counted, rules, who, now, right=right)
    match tried.what:
        case Try.OPENED:
            await sign_in(request, invitation, None, Way.QUESTION)
            raise web.HTTPSeeOther(f"/m/{participant}")
        case Try.LOCKED_FOR_GOOD:
            await lock(request, invitation)
            return await _locked_page(request, invitation, tried)
        case Try.LOCKED:
            return await _locked_page(request, invitation, tried)
        case _:
            if not is_known:
                await count_network(request, "code", CODES_WRONG)
            left = tried.tries_left
            more = _("You have 1 more try.") if left == 1 else say("You have {number} more tries.", number=left)
            return await _page(request, invitation, error=_("That is not the answer."), advice=more)


async def _asked(request: web.Request) -> Invitation:
    """The invitation, if it asks a question. Raises the redirect to its envelope."""
    invitation = await invitation_behind(request)
    if not may_answer(request, invitation):
        raise web.HTTPSeeOther(path_to(request))
    return invitation


async def _page(request: web.Request, invitation: Invitation, *, error: str = "", advice: str = "") -> web.Response:
    page = QuestionPage(
        title=_("Error: the sender’s question") if error else _("The sender’s question"),
        back=path_to(request),
        sender_name=invitation.sender_name,
        question=invitation.question,
        others=other_ways(request, invitation, "question"),
        error=error,
        advice=advice,
    )
    return await render(request, "signin/question.html", page, status=422 if error else 200)


async def _locked_page(request: web.Request, invitation: Invitation, tried: TryResult) -> web.Response:
    until = tried.locked_until
    page = LockedPage(
        title=_("Locked for a while") if until else _("Locked"),
        back=path_to(request),
        until=until,
        sender_name=invitation.sender_name,
        account_way=invitation.takes_account,
        others=(*other_ways(request, invitation, "question"), *mailbox(request, invitation)),
    )
    wait = {"Retry-After": str(max(1, ceil((until - services_of(request).clock()).total_seconds())))} if until else {}
    return await render(request, "signin/locked.html", page, status=429, headers=wait, shows_times=True)
