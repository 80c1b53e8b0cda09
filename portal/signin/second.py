"""The second factor of an account: a program on the guest's telephone that shows codes, and recovery codes on paper."""

import io
from datetime import datetime
from typing import Final

from aiohttp import web

from delivery.safebox.participants import Way
from delivery.store.account_rows import Account
from delivery.store.challenges import Challenged, Purpose
from delivery.store.sessions import Session
from delivery.store.who import address_key
from keys import totp
from portal.services import services_of
from portal.signin.changes import notice_of_change, tell_locked
from portal.signin.pages import SecondPage, SecondSetupPage
from portal.web.forms import read_form
from portal.web.render import _, render
from portal.web.troubles import NothingHere, Slower
from portal.web.visitor import is_fresh, keep_browser, keep_known, sign_in, visitor_of, who_of

_LONGEST: Final = 40


async def wanted(request: web.Request, account: Account, participant_id: str) -> None:
    """After the right password of an account that has a second factor: nobody is signed in until it is proven, and
    nobody any more once another password was set.

    `participant_id`: the message to go on to; empty: none. Raises the redirect to where it is asked for.
    """
    services = services_of(request)
    await keep_browser(request)
    data = f"{account.id} {account.proven_at.isoformat()} {participant_id}".encode()
    await services.credentials.challenge(await _asked(request), data, services.clock())
    raise web.HTTPSeeOther("/signin/second")


async def is_on(request: web.Request, account_id: str) -> bool:
    """Whether the account has a second factor in force."""
    services = services_of(request)
    found = await services.credentials.second(services.namespace, account_id)
    return found is not None


async def ask(request: web.Request) -> web.StreamResponse:
    """GET /signin/second: where its code is typed in."""
    services = services_of(request)
    if await services.credentials.challenged(await _asked(request), services.clock()) is None:
        raise web.HTTPSeeOther("/signin")
    return await render(request, "signin/second.html", SecondPage(_("One more step")))


async def prove(request: web.Request) -> web.StreamResponse:
    """POST /signin/second: let the guest in, if the code is right."""
    form = await read_form(request)
    services, now = services_of(request), services_of(request).clock()
    asked = await _asked(request)
    data = await services.credentials.challenged(asked, now)
    if data is None:
        raise web.HTTPSeeOther("/signin")
    account_id, since, participant_id = data.decode().split(" ")
    who, proven_at = who_of(request, None), datetime.fromisoformat(since)
    if await services.accounts.proven_at(services.namespace, account_id) != proven_at:
        await services.credentials.take_challenge(asked, now)
        raise web.HTTPSeeOther("/signin")
    tried = await services.credentials.try_second_factor(
        services.namespace, account_id, form.get("code", "")[:_LONGEST], who, now
    )
    if tried.locked_until is not None:
        address = await services.accounts.address_of(services.namespace, account_id)
        tell_locked(request, address or "", tried.locked_until, by_second=True)
        raise Slower(tried.locked_until, now)
    if not tried.is_right:
        error = _("That code is not right, or was used before. Wait for the next one, and type it in.")
        page = SecondPage(_("Error: one more step"), error=error)
        return await render(request, "signin/second.html", page, status=422)
    if await services.credentials.take_challenge(asked, now) != data:
        raise web.HTTPSeeOther("/signin")
    invitation = await services.boxes.invitation(services.namespace, participant_id) if participant_id else None
    await sign_in(request, invitation, account_id, Way.ACCOUNT, strong=True, proven_at=proven_at)
    address = await services.accounts.address_of(services.namespace, account_id)
    keep_known(request, address or "")
    mine = invitation is not None and address_key(invitation.guest_address) == address_key(address or "")
    raise web.HTTPSeeOther(f"/m/{participant_id}" if mine else "/messages")


async def setup(request: web.Request) -> web.StreamResponse:
    """GET /account/second: what it is, or the picture of a secret that waits for its first code."""
    return await _setup_page(request, await _session(request))


async def begin(request: web.Request) -> web.StreamResponse:
    """POST /account/second/begin: make a secret. It asks nothing of anybody until a code of it was typed in."""
    await read_form(request)
    session, services = await _session(request), services_of(request)
    if not is_fresh(request, session):
        raise web.HTTPSeeOther("/account/second")
    await keep_browser(request)
    await services.credentials.begin_second_factor(
        await _enrolling(request), session.account_id or "", services.clock()
    )
    raise web.HTTPSeeOther("/account/second")


async def confirm(request: web.Request) -> web.StreamResponse:
    """POST /account/second: put it in force; shows the recovery codes, this once."""
    form = await read_form(request)
    session, services = await _session(request), services_of(request)
    code = "".join(form.get("code", "")[:_LONGEST].split())
    fresh = await services.credentials.confirm_second_factor(
        await _enrolling(request),
        session.account_id or "",
        code,
        session.digest,
        who=who_of(request, None),
        now=services.clock(),
        also=await notice_of_change(request, session.address or ""),
    )
    if fresh is None:
        if await is_on(request, session.account_id or ""):
            raise web.HTTPSeeOther("/account/second")
        error = _("That code is not right. Use the one that the program shows now.")
        return await _setup_page(request, session, error=error)
    return await _setup_page(request, session, recovery=fresh)


async def renew(request: web.Request) -> web.StreamResponse:
    """POST /account/second/codes: new recovery codes; the ones before stop counting."""
    await read_form(request)
    session, services = await _strong(request), services_of(request)
    who, account_id = who_of(request, None), session.account_id or ""
    fresh = await services.credentials.new_recovery(services.namespace, account_id, who, services.clock())
    return await _setup_page(request, session, recovery=fresh)


async def remove(request: web.Request) -> web.StreamResponse:
    """POST /account/second/off: take it off."""
    await read_form(request)
    session, services = await _strong(request), services_of(request)
    who, account_id = who_of(request, None), session.account_id or ""
    tell = await notice_of_change(request, session.address or "")
    await services.credentials.remove_second_factor(services.namespace, account_id, who, services.clock(), also=tell)
    raise web.HTTPSeeOther("/account?saved=1")


async def _asked(request: web.Request) -> Challenged:
    return Challenged(services_of(request).namespace, (await visitor_of(request)).browser, Purpose.SECOND)


async def _enrolling(request: web.Request) -> Challenged:
    return Challenged(services_of(request).namespace, (await visitor_of(request)).browser, Purpose.ENROL)


async def _session(request: web.Request) -> Session:
    """The account's session. Raises a redirect to where one signs in."""
    session = (await visitor_of(request)).session
    if session is None or session.account_id is None:
        raise web.HTTPSeeOther("/signin")
    return session


async def _strong(request: web.Request) -> Session:
    """One that has proven the second factor that is in force, just now. Raises NothingHere, or a redirect to where it
    is said that one signs in again: a browser that was left open takes nothing off.
    """
    session = await _session(request)
    if not session.strong or not await is_on(request, session.account_id or ""):
        raise NothingHere
    if not is_fresh(request, session):
        raise web.HTTPSeeOther("/account/second")
    return session


async def _setup_page(
    request: web.Request, session: Session, *, error: str = "", recovery: tuple[str, ...] = ()
) -> web.Response:
    services = services_of(request)
    found = await services.credentials.second(services.namespace, session.account_id or "")
    secret = None
    if found is None:
        asked, now = await _enrolling(request), services.clock()
        secret = await services.credentials.beginning(asked, session.account_id or "", now)
    link = totp.key_uri(secret, issuer=services.organisation, account=session.address or "") if secret else ""
    title = _("A second step when you sign in")
    page = SecondSetupPage(
        title=_("Error: a second step when you sign in") if error else title,
        is_on=found is not None,
        picture=picture_of(link) if link else "",
        secret=" ".join(_in_fours(totp.base32_secret(secret))) if secret else "",
        recovery_left=found.recovery_left if found else 0,
        recovery=recovery,
        may_begin=is_fresh(request, session),
        may_change=session.strong and is_fresh(request, session),
        wanted="wanted" in request.query and not session.strong,
        error=error,
    )
    return await render(request, "signin/second_setup.html", page, status=422 if error else 200)


def picture_of(link: str) -> str:
    """The link as a picture that a telephone can take: SVG to stand within the page."""
    import segno  # on use: few sign-ins need it

    drawn = io.BytesIO()
    segno.make(link, error="m", micro=False).save(
        drawn, kind="svg", xmldecl=False, svgns=False, border=4, scale=4, dark="#000", light="#fff", omitsize=True,
        svgclass="qr", lineclass=None,
    )  # fmt: skip
    return drawn.getvalue().decode()


def _in_fours(text: str) -> list[str]:
    return [text[at : at + 4] for at in range(0, len(text), 4)]
