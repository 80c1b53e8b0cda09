"""The way by question: the sender asked something that only the guest can answer."""

from typing import Final

from aiohttp import web

from delivery.safebox.participants import Invitation, Way
from delivery.store.codes import Try
from portal.services import services_of
from portal.signin.codes import lock, locked_page, rules_of
from portal.signin.offers import other_ways
from portal.signin.pages import QuestionPage
from portal.web.forms import read_form
from portal.web.locator import invitation_behind, path_to
from portal.web.render import _, render, say
from portal.web.throttle import CODES_WRONG, check_network, count_network
from portal.web.visitor import sign_in, who_of

_LONGEST: Final = 400


async def ask(request: web.Request) -> web.StreamResponse:
    """GET /b/LOCATOR/question: it is shown here alone: whoever holds the link may read it."""
    return await _page(request, await _asked(request))


async def answer(request: web.Request) -> web.StreamResponse:
    """POST /b/LOCATOR/question: let the guest in, if the answer is right. Tries count with wrong codes."""
    form = await read_form(request)
    invitation = await _asked(request)
    services, rules, now = services_of(request), rules_of(invitation), services_of(request).clock()
    await check_network(request, "code")
    typed = form.get("answer", "")[:_LONGEST]
    if not typed.strip():
        return await _page(request, invitation, error=_("Please write an answer."))
    participant = invitation.participant_id
    tried = await services.accounts.may_answer(services.namespace, participant, rules, now)
    if tried is None:
        right = await services.boxes.is_answer(services.namespace, participant, typed)
        who = who_of(request, invitation)
        tried = await services.accounts.answered(services.namespace, participant, rules, who, now, right=right)
    match tried.what:
        case Try.OPENED:
            await sign_in(request, invitation, None, Way.QUESTION)
            raise web.HTTPSeeOther(f"/m/{participant}")
        case Try.LOCKED_FOR_GOOD:
            return await lock(request, invitation)
        case Try.LOCKED:
            return await locked_page(request, invitation, tried)
        case _:
            await count_network(request, "code", CODES_WRONG)
            left = tried.tries_left
            more = _("You have 1 more try.") if left == 1 else say("You have {number} more tries.", number=left)
            return await _page(request, invitation, error=_("That is not the answer."), advice=more)


async def _asked(request: web.Request) -> Invitation:
    """The invitation, if it asks a question. Raises the redirect to its envelope."""
    invitation = await invitation_behind(request)
    if not invitation.proves(Way.QUESTION) or invitation.locked:
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
