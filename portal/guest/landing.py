"""The page behind a notice's link (the envelope): who wrote, and one thing to do.

Opening it changes nothing, since mail scanners open links too.
"""

from dataclasses import replace

from aiohttp import web

from delivery.safebox import participants as access
from delivery.safebox.participants import Access, Invitation
from delivery.store.devices import Device
from delivery.store.sessions import Session
from delivery.store.who import address_key
from portal.guest.pages import DeclinePage, EndPage, EnvelopePage, Opens, PlainPage, Reopens
from portal.services import services_of
from portal.signin.codes import needs_account
from portal.signin.offers import Offer, mailbox, offers
from portal.web.ends import End, end_of, title_of
from portal.web.forms import read_form
from portal.web.locator import invitation_behind, masked, path_to
from portal.web.render import _, render, say
from portal.web.throttle import DECLINED, NOTES_FOR_GUEST, count_network
from portal.web.troubles import Slower
from portal.web.visitor import access_of, remembered_as, visitor_of

_LONGEST_NOTE = 500


async def envelope(request: web.Request) -> web.StreamResponse:
    """GET /b/LOCATOR. A guest who is signed in on this browser is sent on to the letter."""
    invitation = await invitation_behind(request)
    if not invitation.readable:
        return await end_page(request, invitation, path_to(request, "/ask"))
    session = (await visitor_of(request)).session
    if session is not None and is_for(invitation, session) and _suffices(invitation, session):
        raise web.HTTPSeeOther(f"/m/{invitation.participant_id}")
    services = services_of(request)
    if "prefetch" not in request.headers.get("Sec-Purpose", ""):  # a browser's own look ahead is nobody's visit
        await services.boxes.fetched(services.namespace, invitation.participant_id, access_of(request, None))
    ways = offers(request, invitation)
    known = await remembered_as(request, invitation)
    page = EnvelopePage(
        title=_("A protected message for you"),
        invitation=invitation,
        here=path_to(request),
        opens=_opens(request, invitation, ways, known),
        offers=ways,
        mailbox=mailbox(request, invitation),
        digits=invitation.profile.signin.code_digits,
        account_way=invitation.takes_account and invitation.account_allowed,
        may_decline=not invitation.declined,
    )
    return await render(request, "guest/envelope.html", page)


def _opens(request: web.Request, invitation: Invitation, ways: tuple[Offer, ...], known: Device | None) -> Opens:
    if known is not None and not invitation.locked and invitation.opened_by(access.Way(known.way)):
        return Opens.REMEMBERED
    if ways:
        return Opens.REGISTER if ways[0].way == access.Way.CODE and needs_account(invitation) else Opens.CODE
    if invitation.locked:
        return Opens.LOCKED
    if invitation.wants_phone and services_of(request).phones:
        return Opens.PHONE
    return Opens.ACCOUNT if invitation.takes_account and invitation.by_fallback else Opens.SENDER


def is_for(invitation: Invitation, session: Session) -> bool:
    """Does the session stand for the guest of this invitation?"""
    if session.account_id is None:
        return session.participant_id == invitation.participant_id
    return address_key(session.address or "") == address_key(invitation.guest_address)


def _suffices(invitation: Invitation, session: Session) -> bool:
    return invitation.opened_by(access.Way(session.way), strong=session.strong)


async def end_page(
    request: web.Request, invitation: Invitation, ask: str = "", *, is_proven: bool = False
) -> web.Response:
    """The page of a message that cannot be opened any more: why, and what can be done. 410, not 404: whoever holds the
    link knows that there was a message.
    """
    end = end_of(invitation) or End.DELETED
    page = EndPage(title_of(end), invitation, end, ask if end is End.DELETED else "")
    if end is End.DECLINED and "locator" in request.match_info:
        page = replace(page, here=path_to(request), reopens=_reopens(invitation))
    if is_proven and end is End.RECALLED:
        page = replace(page, reason=invitation.recall_reason or "")
    return await render(request, "guest/end.html", page, status=410, shows_times=True)


def _reopens(invitation: Invitation) -> Reopens:
    """How a guest who declined the message by mistake gets in again."""
    by_code = invitation.reopens and invitation.takes_codes
    by_account = invitation.reopens and invitation.takes_account
    return Reopens.CODE if by_code else Reopens.ACCOUNT if by_account else Reopens.NEVER


async def ask_sender(request: web.Request) -> web.StreamResponse:
    """POST /b/LOCATOR/ask: ask the sender to send a deleted message again."""
    form = await read_form(request)
    invitation = await invitation_behind(request)
    if end_of(invitation) is not End.DELETED:
        raise web.HTTPSeeOther(path_to(request))
    await leave_note(request, invitation, form.get("note", ""), await _seen(request, invitation))
    raise web.HTTPSeeOther(path_to(request, "/asked"))


async def leave_note(request: web.Request, invitation: Invitation, note: str, seen: Access) -> None:
    """Tell the sender that the guest asks for the message again, with a note. Raises Slower after too many."""
    services = services_of(request)
    now, guest = services.clock(), invitation.participant_id
    until = await services.accounts.count(services.namespace, "note", guest, NOTES_FOR_GUEST, now)
    if until is not None:
        raise Slower(until, now)
    await services.boxes.ask_again(services.namespace, guest, note.strip()[:_LONGEST_NOTE], seen)


async def asked(request: web.Request) -> web.StreamResponse:
    """GET /b/LOCATOR/asked: the sender was told."""
    invitation = await invitation_behind(request)
    page = PlainPage(
        _("We have told the sender"),
        _("We have told the sender"),
        (
            say("{sender} got an e-mail with your question.", sender=invitation.sender_name),
            _("If the message is sent again, you get a new e-mail from us."),
        ),
    )
    return await render(request, "guest/plain.html", page)


async def decline_form(request: web.Request) -> web.StreamResponse:
    """GET /b/LOCATOR/not-for-me: asks whether they are sure; nothing has happened yet."""
    invitation = await invitation_behind(request)
    if not invitation.readable:
        raise web.HTTPSeeOther(path_to(request))
    seen = await _seen(request, invitation)
    return await decline_page(request, invitation, path_to(request), for_good=seen.way is not access.Way.LINK)


async def decline_page(request: web.Request, invitation: Invitation, here: str, *, for_good: bool) -> web.Response:
    """The page that asks whether they are sure. `for_good`: a guest who is signed in cannot take it back."""
    address = masked(invitation.guest_address)
    page = DeclinePage(
        _("Not meant for you?"), here, f"{here}/not-for-me", address, invitation.sender_name, for_good=for_good
    )
    return await render(request, "guest/decline.html", page)


async def decline(request: web.Request) -> web.StreamResponse:
    """POST /b/LOCATOR/not-for-me: close it for this address."""
    await read_form(request)
    invitation = await invitation_behind(request)
    await count_network(request, "decline", DECLINED)
    services = services_of(request)
    await services.boxes.decline(services.namespace, invitation.participant_id, await _seen(request, invitation))
    raise web.HTTPSeeOther(path_to(request))


async def _seen(request: web.Request, invitation: Invitation) -> Access:
    session = (await visitor_of(request)).session
    return access_of(request, session if session is not None and is_for(invitation, session) else None)
