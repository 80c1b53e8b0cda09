"""The way by account: sign in with address and password; make the account; choose the phrase; leave."""

from aiohttp import web

from delivery.safebox.participants import Invitation, Way
from delivery.speech import phrase
from delivery.store.account_rows import Account
from delivery.store.who import address_key
from portal.services import services_of
from portal.signin import second
from portal.signin.changes import notice_of_change, tell_locked
from portal.signin.codes import needs_account
from portal.signin.pages import AccountPage, SigninPage
from portal.signin.passkeys import registrar_of
from portal.signin.passwords import LONGEST, SHORTEST, Passwords, Weak, weakness
from portal.web.client import client_network
from portal.web.forms import one_line, read_form
from portal.web.locator import invitation_behind, path_to
from portal.web.render import _, render, say
from portal.web.throttle import PASSWORDS_WRONG, PASSWORDS_WRONG_FOR_ADDRESS
from portal.web.troubles import NothingHere, Slower
from portal.web.visitor import (
    Visitor,
    is_fresh,
    keep_known,
    known_browser,
    sign_in,
    sign_out,
    visitor_of,
    who_of,
)

PASSWORDS = web.AppKey("passwords", Passwords)

_WHY = {
    Weak.SHORT: phrase("That is too short. A password has {shortest} characters or more."),
    Weak.LONG: phrase("That is too long. A password has {longest} characters or fewer."),
    Weak.COMMON: phrase("This password is on lists that attackers try first. Please choose another."),
    Weak.PERSONAL: phrase("This password is built on your address or on our name. Please choose another."),
}
_LONGEST_ADDRESS = 320
_LONGEST_PHRASE = 60


async def signin_form(request: web.Request) -> web.StreamResponse:
    """GET /signin, GET /b/LOCATOR/signin."""
    back = ""
    if "locator" in request.match_info:
        await invitation_behind(request)
        back = path_to(request)
    page = SigninPage(_("Sign in"), request.path, back, passkey=_passkey_path(request))
    return await render(request, "signin/signin.html", page)


async def signin(request: web.Request) -> web.StreamResponse:
    """POST /signin, POST /b/LOCATOR/signin. The same answer, after the same time, for addresses we do not know."""
    form = await read_form(request)
    invitation = await invitation_behind(request) if "locator" in request.match_info else None
    address = form.get("email", "").strip()[:_LONGEST_ADDRESS]
    password = form.get("password", "")[: 4 * LONGEST]
    account = await _checked(request, invitation, address, password)
    if account is None:
        page = SigninPage(
            _("Error: sign in"),
            request.path,
            path_to(request) if invitation else "",
            email=address,
            error=_("Address and password do not belong together."),
            passkey=_passkey_path(request),
        )
        return await render(request, "signin/signin.html", page, status=422)
    mine = invitation is not None and address_key(invitation.guest_address) == address_key(address)
    goal = invitation.participant_id if mine and invitation else ""
    if await second.is_on(request, account.id):
        await second.wanted(request, account, goal)
    await sign_in(request, invitation, account.id, Way.ACCOUNT, proven_at=account.proven_at)
    keep_known(request, address)
    raise web.HTTPSeeOther(f"/m/{goal}" if goal else "/messages")


def _passkey_path(request: web.Request) -> str:
    """Where the answer of a passkey goes from this page; empty where the portal has no name to bind one to."""
    if not services_of(request).passkey_host:
        return ""
    return path_to(request, "/passkey") if "locator" in request.match_info else "/signin/passkey"


async def _checked(request: web.Request, invitation: Invitation | None, address: str, password: str) -> Account | None:
    """The account, if the password is right. Every try is counted before it is made; a right one is none."""
    services = services_of(request)
    namespace, accounts, now = services.namespace, services.accounts, services.clock()
    who = who_of(request, invitation)
    tries = {("password", address_key(address)): PASSWORDS_WRONG_FOR_ADDRESS}
    if known := known_browser(request, address):  # nobody who guesses elsewhere stands in its way
        tries = {("password-known", f"{address_key(address)} {known}"): PASSWORDS_WRONG_FOR_ADDRESS}
    else:
        tries = {("net-password", client_network(request)): PASSWORDS_WRONG, **tries}
    for (what, key), limit in tries.items():
        until = await accounts.count(namespace, what, key, limit, now)
        if until is not None:
            await accounts.signin_failed(namespace, address, who, now, locked=True)
            if what == "password":  # a locked network says nothing of this account
                tell_locked(request, address, until)
            raise Slower(until, now)
    account = await accounts.by_address(namespace, address)
    passwords = request.app[PASSWORDS]
    if not await passwords.matches(account.password if account else None, password) or account is None:
        await accounts.signin_failed(namespace, address, who, now, locked=False)
        return None
    for what, key in tries:
        await accounts.take_back(namespace, what, key)
    if passwords.is_outdated(account.password):
        await accounts.rehash(account, await passwords.hash(password))
    return account


async def account(request: web.Request) -> web.StreamResponse:
    """GET /account: make an account, or look after it."""
    visitor = await _signed_in(request)
    page = await _account_page(request, visitor, saved="saved" in request.query)
    return await render(request, "signin/account.html", page)


async def set_password(request: web.Request) -> web.StreamResponse:
    """POST /account/password: for whoever proved the address by a code in this very session."""
    form = await read_form(request)
    visitor = await _signed_in(request)
    invitation = await _proven_by_code(request, visitor)
    if invitation is None:
        raise NothingHere
    if not _is_fresh(request, visitor):
        raise web.HTTPSeeOther("/account")
    services = services_of(request)
    password = form.get("password", "")
    weak = weakness(password, invitation.guest_address, services.organisation)
    if weak is not None:
        page = await _account_page(request, visitor, error=say(_WHY[weak], shortest=SHORTEST, longest=LONGEST))
        return await render(request, "signin/account.html", page, status=422)
    kept = await request.app[PASSWORDS].hash(password)
    who = who_of(request, invitation)
    tell = await notice_of_change(request, invitation.guest_address, invitation.participant_id)
    made = await services.accounts.set_password(
        services.namespace, invitation.guest_address, kept, who, services.clock(), also=tell
    )
    if await second.is_on(request, made.id):  # a code alone passes no second factor by
        await second.wanted(request, made, invitation.participant_id)
    await sign_in(request, invitation, made.id, Way.ACCOUNT, proven_at=made.proven_at)
    keep_known(request, invitation.guest_address)
    if await services.credentials.passkeys(services.namespace, made.id):  # whoever made them, they open it still
        raise web.HTTPSeeOther("/account?saved=password")
    raise web.HTTPSeeOther(f"/m/{invitation.participant_id}")


async def set_phrase(request: web.Request) -> web.StreamResponse:
    """POST /account/phrase: the words that stand in every notice to this account."""
    form = await read_form(request)
    visitor = await _signed_in(request)
    session = visitor.session
    if session is None or session.account_id is None:
        raise NothingHere
    services = services_of(request)
    phrase = one_line(form.get("phrase", ""), _LONGEST_PHRASE)
    await services.accounts.set_phrase(
        services.namespace, session.account_id, phrase, who_of(request, None), services.clock()
    )
    raise web.HTTPSeeOther("/account?saved=1")


async def leave(request: web.Request) -> web.StreamResponse:
    """POST /leave: sign out."""
    await read_form(request)
    await sign_out(request)
    raise web.HTTPSeeOther("/left")


async def _signed_in(request: web.Request) -> Visitor:
    visitor = await visitor_of(request)
    if visitor.session is None:
        raise web.HTTPSeeOther("/signin")
    return visitor


async def _proven_by_code(request: web.Request, visitor: Visitor) -> Invitation | None:
    """The guest whose address this session proved by a code; None: it did not, or the box is no more."""
    session = visitor.session
    if session is None or session.participant_id is None or not session.proves_address:
        return None
    services = services_of(request)
    invitation = await services.boxes.invitation(services.namespace, session.participant_id)
    return invitation if invitation is not None and invitation.registration_allowed else None


def _is_fresh(request: web.Request, visitor: Visitor) -> bool:
    return visitor.session is not None and is_fresh(request, visitor.session)


async def _account_page(request: web.Request, visitor: Visitor, *, error: str = "", saved: bool = False) -> AccountPage:
    services = services_of(request)
    invitation = await _proven_by_code(request, visitor)
    session = visitor.session
    own = session.address if session is not None else None
    if invitation is None and own is None:
        raise NothingHere
    address = own or (invitation.guest_address if invitation else "")
    known = await services.accounts.by_address(services.namespace, address)
    registrar = await registrar_of(request) if services.passkey_host else None
    held = await services.credentials.passkeys(services.namespace, known.id) if known and own else ()
    fresh, removable = _is_fresh(request, visitor), held if registrar is not None else ()
    second_is_on = known is not None and await second.is_on(request, known.id)
    phrase = await services.accounts.phrase(services.namespace, own) if own else None
    required = invitation is not None and needs_account(invitation)
    title = _("Your account") if own else _("Make your account") if required else _("Come back more easily")
    return AccountPage(
        title=say("Error: {title}", title=title) if error else title,
        address=address,
        may_set_password=invitation is not None and fresh,
        is_stale=not fresh and (invitation is not None or registrar is not None),
        has_account=known is not None,
        has_password=known is not None and bool(known.password),
        is_required=required,
        is_signed_in=own is not None,
        phrase=phrase or "",
        shortest=SHORTEST,
        error=error,
        saved=saved,
        back=f"/m/{invitation.participant_id}" if invitation and not required else "/messages" if own else "",
        may_add_passkey=registrar is not None and fresh,
        passkeys=removable,
        passkeys_stay=bool(removable) and request.query.get("saved") == "password",
        passkey_failed="passkey" in request.query,
        second_is_on=second_is_on,
        held_back=second_is_on and not own,
        devices=len(await services.credentials.devices(services.namespace, address, services.clock())) if own else 0,
    )
