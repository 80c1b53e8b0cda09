"""Whether the one who asks may see a box. It is asked anew on every request, so that a recall acts at once."""

from dataclasses import dataclass, field

from aiohttp import hdrs, web

from delivery.safebox.participants import Access, Invitation, Way
from delivery.store.sessions import Session
from portal.guest.landing import end_page, is_for
from portal.guest.pages import PlainPage
from portal.services import services_of
from portal.signin.codes import needs_account
from portal.web.ends import end_of
from portal.web.language import message_speaks
from portal.web.render import _, render, say
from portal.web.troubles import NothingHere
from portal.web.visitor import access_of, visitor_of


@dataclass(frozen=True, slots=True)
class Entry:
    """A guest who has proven to be the one invited, in a way that is enough for this box."""

    invitation: Invitation = field(repr=False)
    session: Session = field(repr=False)
    seen: Access = field(repr=False)

    @property
    def participant_id(self) -> str:
        """The guest's id in this box."""
        return self.invitation.participant_id

    @property
    def here(self) -> str:
        """The path of the letter."""
        return f"/m/{self.participant_id}"


async def entry_of(request: web.Request, *, consented: bool = True) -> Entry | web.StreamResponse:
    """The guest, or the response to give instead. Raises NothingHere, alike for other people's boxes and unknown ones.

    `consented` False: let them in although they have not accepted the consent text yet.
    """
    visitor = await visitor_of(request)
    session = visitor.session
    if session is None:
        raise web.HTTPSeeOther("/signin")
    services = services_of(request)
    invitation = await services.boxes.invitation(services.namespace, request.match_info["participant"])
    if invitation is None or not is_for(invitation, session):
        raise NothingHere
    message_speaks(request, invitation.profile.notice.language)
    if (
        invitation.reopens
        and request.method == hdrs.METH_GET
        and await services.boxes.reopen(services.namespace, invitation.participant_id, access_of(request, session))
    ):
        invitation = await services.boxes.invitation(services.namespace, invitation.participant_id) or invitation
    if end_of(invitation) is not None:
        return await end_page(request, invitation, is_proven=True)
    seen = access_of(request, session)
    by_account = session.account_id is not None
    if not by_account and needs_account(invitation) and session.proves_address:
        raise web.HTTPSeeOther("/account")
    if not invitation.opened_by(seen.way, strong=seen.strong):
        return await _more_wanted(request, invitation, session)
    if by_account and invitation.locked and request.method == hdrs.METH_GET:
        await services.boxes.unlock(services.namespace, invitation.participant_id, seen)
    if consented and invitation.consent_wanted:
        raise web.HTTPSeeOther(f"/m/{invitation.participant_id}/consent")
    return Entry(invitation, session, seen)


async def _more_wanted(request: web.Request, invitation: Invitation, session: Session) -> web.Response:
    """For a guest who proved who they are, but not in a way that is enough for this box: what else is needed."""
    if session.account_id is None:
        return (
            await _release_wanted(request, invitation)
            if invitation.by_fallback
            else await _code_wanted(request, invitation)
        )
    if not invitation.account_allowed:
        return await _release_wanted(request, invitation)
    if invitation.opened_by(Way.PASSKEY, strong=True):  # the account would do, by a passkey or with a second step
        raise web.HTTPSeeOther("/account/second?wanted=1")
    return await _code_wanted(request, invitation)


async def _code_wanted(request: web.Request, invitation: Invitation) -> web.Response:
    page = PlainPage(
        _("This message opens another way"),
        _("This message opens another way"),
        (
            say("{sender} wants you to prove in another way who you are.", sender=invitation.sender_name),
            _("Please open the link in the e-mail about this message. It shows you which ways there are."),
        ),
    )
    return await render(request, "guest/plain.html", page, status=403)


async def _release_wanted(request: web.Request, invitation: Invitation) -> web.Response:
    page = PlainPage(
        _("This message needs the sender’s release"),
        _("This message needs the sender’s release"),
        (
            _(
                "We could not prove that e-mail reaches you safely, so a code by e-mail is not enough to open it, "
                "nor is an account whose password was set by such a code after the message was sent."
            ),
            say(
                "Please ask {sender} to release it for you: by telephone, or by answering the e-mail that brought you "
                "here, to {address}. Mention the reference {reference}.",
                sender=invitation.sender_name,
                address=invitation.sender_address,
                reference=invitation.reference,
            ),
        ),
    )
    return await render(request, "guest/plain.html", page, status=403)
