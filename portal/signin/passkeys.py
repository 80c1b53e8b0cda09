"""The way by passkey: make one after a code, so that no password is ever needed; sign in with it.

Script fetches what the browser is asked, and puts its answer into an ordinary form. Without script none is shown.
"""

import secrets
from dataclasses import dataclass, field
from typing import Final

import structlog
from aiohttp import web

from delivery.safebox.participants import Invitation, Way
from delivery.store.challenges import Challenged, Purpose
from delivery.store.passkeys import Passkey
from delivery.store.who import address_key
from portal.services import PortalServices, services_of
from portal.signin import webauthn
from portal.signin.changes import notice_of_change
from portal.signin.pages import SigninPage
from portal.signin.webauthn import NotProven, Site
from portal.web.client import client_network
from portal.web.forms import read_form
from portal.web.locator import invitation_behind, path_to
from portal.web.render import _, render
from portal.web.throttle import PASSKEYS_ASKED, PASSWORDS_WRONG, count_network
from portal.web.troubles import NothingHere, Slower
from portal.web.visitor import is_fresh, keep_browser, sign_in, visitor_of, who_of

log = structlog.get_logger()

_LONGEST_ID: Final = 1400  # hexadecimal


@dataclass(frozen=True, slots=True)
class Registrar:
    """Who may add a passkey to the account of an address. `invitation`: proven by a code, in this very session."""

    address: str = field(repr=False)
    account_id: str | None
    invitation: Invitation | None = field(repr=False)
    session: bytes = field(repr=False)  # its digest


def site_of(services: PortalServices) -> Site:
    """What passkeys of this portal are bound to. Raises NothingHere where it has no name."""
    if not services.passkey_host:
        raise NothingHere
    return Site(services.passkey_host, services.origin, services.organisation)


async def registrar_of(request: web.Request) -> Registrar | None:
    """Who may add or remove one in this session; None: nobody.

    A code alone adds none to an account with a second factor: who reads the mailbox would pass it by.
    """
    services, session = services_of(request), (await visitor_of(request)).session
    if session is None:
        return None
    if session.account_id is not None and session.address is not None:
        second = await services.credentials.second(services.namespace, session.account_id)
        held_back = second is not None and not session.strong
        return None if held_back else Registrar(session.address, session.account_id, None, session.digest)
    if session.participant_id is None or not session.proves_address:
        return None
    invitation = await services.boxes.invitation(services.namespace, session.participant_id)
    if invitation is None or not invitation.registration_allowed:
        return None
    known = await services.accounts.by_address(services.namespace, invitation.guest_address)
    if known is not None and await services.credentials.second(services.namespace, known.id) is not None:
        return None
    return Registrar(invitation.guest_address, known.id if known else None, invitation, session.digest)


async def _fresh_registrar(request: web.Request) -> Registrar:
    """Who adds one now: not in a browser that was left open, since it opens the account from then on. Raises
    NothingHere, or a redirect to the page that says so.
    """
    session, registrar = (await visitor_of(request)).session, await registrar_of(request)
    if session is None or registrar is None:
        raise NothingHere
    if not is_fresh(request, session):
        raise web.HTTPSeeOther("/account")
    return registrar


async def register_options(request: web.Request) -> web.StreamResponse:
    """POST /account/passkey/options: what the browser is asked, so that it makes a passkey."""
    await read_form(request)
    services = services_of(request)
    site, registrar = site_of(services), await _fresh_registrar(request)
    await count_network(request, "passkey", PASSKEYS_ASKED)
    known: tuple[Passkey, ...] = ()
    if registrar.account_id is not None:
        known = await services.credentials.passkeys(services.namespace, registrar.account_id)
    challenge = await _challenge(request, Purpose.REGISTER)
    handle = services.accounts.handle(services.namespace, registrar.address)
    return _json(webauthn.registration(site, challenge, registrar.address, handle, known))


async def register(request: web.Request) -> web.StreamResponse:
    """POST /account/passkey: keep the passkey that the browser made."""
    form = await read_form(request)
    services, now = services_of(request), services_of(request).clock()
    site, registrar = site_of(services), await _fresh_registrar(request)
    challenge = await services.credentials.take_challenge(await _asked(request, Purpose.REGISTER), now)
    answer = form.get("credential", "")
    try:
        if challenge is None:
            raise NotProven("no challenge")
        webauthn.registered(site, challenge, answer, "", now)
    except NotProven as wrong:
        log.info("portal.passkey_not_made", why=str(wrong))
        raise web.HTTPSeeOther("/account?passkey=no") from wrong
    participant = registrar.invitation.participant_id if registrar.invitation is not None else ""
    tell = await notice_of_change(request, registrar.address, participant)
    made = await services.credentials.add_passkey(
        services.namespace,
        registrar.address,
        lambda account_id: webauthn.registered(site, challenge, answer, account_id, now),
        registrar.session,
        who=who_of(request, registrar.invitation),
        now=now,
        proven=registrar.invitation is not None,
        also=tell,
    )
    if made is None:
        raise web.HTTPSeeOther("/account?passkey=no")
    if registrar.invitation is None:
        raise web.HTTPSeeOther("/account?saved=1")
    await sign_in(request, registrar.invitation, made.id, Way.PASSKEY, strong=True, proven_at=made.proven_at)
    raise web.HTTPSeeOther(f"/m/{registrar.invitation.participant_id}")


async def remove(request: web.Request) -> web.StreamResponse:
    """POST /account/passkey/remove: forget one."""
    form = await read_form(request)
    session = (await visitor_of(request)).session
    registrar = await registrar_of(request)
    if session is None or session.account_id is None or registrar is None:
        raise NothingHere
    services = services_of(request)
    try:
        credential = bytes.fromhex(form.get("passkey", "")[:_LONGEST_ID])
    except ValueError as odd:
        raise NothingHere from odd
    await services.credentials.remove_passkey(
        services.namespace,
        session.account_id,
        credential,
        session.digest,
        who=who_of(request, None),
        now=services.clock(),
        also=await notice_of_change(request, registrar.address),
    )
    raise web.HTTPSeeOther("/account?saved=1")


async def signin_options(request: web.Request) -> web.StreamResponse:
    """POST /signin/passkey/options: what the browser is asked, so that its owner picks a passkey. The same for all."""
    await read_form(request)
    site = site_of(services_of(request))
    await count_network(request, "passkey", PASSKEYS_ASKED)
    return _json(webauthn.request(site, await _challenge(request, Purpose.PASSKEY)))


async def signin(request: web.Request) -> web.StreamResponse:
    """POST /signin/passkey, POST /b/LOCATOR/passkey: let the owner of a passkey in."""
    form = await read_form(request)
    services, now = services_of(request), services_of(request).clock()
    invitation = await invitation_behind(request) if "locator" in request.match_info else None
    site, who = site_of(services), who_of(request, invitation)
    network = client_network(request)
    until = await services.accounts.count(services.namespace, "net-password", network, PASSWORDS_WRONG, now)
    if until is not None:
        raise Slower(until, now)
    try:
        passkey = await _proven(request, site, form.get("credential", ""))
    except NotProven as wrong:
        log.info("portal.passkey_refused", why=str(wrong))
        await services.accounts.signin_failed(services.namespace, "", who, now, locked=False)
        back = path_to(request) if invitation else ""
        page = SigninPage(
            _("Error: sign in"),
            path_to(request, "/signin") if invitation else "/signin",
            back,
            error=_("That passkey was not accepted. You can try again, or sign in another way."),
            passkey=path_to(request, "/passkey") if invitation else "/signin/passkey",
        )
        return await render(request, "signin/signin.html", page, status=422)
    await services.accounts.take_back(services.namespace, "net-password", network)
    await sign_in(request, invitation, passkey.account_id, Way.PASSKEY, strong=True, passkey=passkey.credential)
    session_address = await services.accounts.address_of(services.namespace, passkey.account_id)
    mine = invitation is not None and address_key(invitation.guest_address) == address_key(session_address or "")
    raise web.HTTPSeeOther(f"/m/{invitation.participant_id}" if mine and invitation else "/messages")


async def _proven(request: web.Request, site: Site, answer: str) -> Passkey:
    """The passkey that signed our challenge. Raises NotProven."""
    services, now = services_of(request), services_of(request).clock()
    challenge = await services.credentials.take_challenge(await _asked(request, Purpose.PASSKEY), now)
    if challenge is None:
        raise NotProven("no challenge")
    passkey = await services.credentials.passkey(services.namespace, webauthn.credential_of(answer))
    if passkey is None:
        raise NotProven("unknown")
    done = webauthn.signed(site, challenge, answer, passkey)
    if not await services.credentials.passkey_used(services.namespace, passkey, done.sign_count, now):
        raise NotProven("used elsewhere")
    return passkey


async def _challenge(request: web.Request, purpose: Purpose) -> bytes:
    services, challenge = services_of(request), secrets.token_bytes(webauthn.CHALLENGE_BYTES)
    await keep_browser(request)
    await services.credentials.challenge(await _asked(request, purpose), challenge, services.clock())
    return challenge


async def _asked(request: web.Request, purpose: Purpose) -> Challenged:
    return Challenged(services_of(request).namespace, (await visitor_of(request)).browser, purpose)


def _json(text: str) -> web.Response:
    return web.Response(text=text, content_type="application/json", charset="utf-8")
