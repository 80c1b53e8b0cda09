"""Who asks: the browser (a cookie of its own, from the first form on) and the session, if somebody is signed in."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from aiohttp import web

from delivery.safebox.participants import Access, Invitation, Way
from delivery.store.accounts import Who
from delivery.store.sessions import Session
from keys.tokens import digest, new_token
from portal.services import PortalServices, services_of
from portal.web import csrf
from portal.web.client import client_address

IDLE: Final = timedelta(minutes=30)  # a session nobody uses ends
LIFETIME: Final = timedelta(hours=12)  # and so does one that is used
_TOUCH: Final = timedelta(minutes=1)  # how often its use is written down
_BROWSER_LIFETIME: Final = timedelta(hours=2)  # longer than any code is valid: a phone may drop session cookies
_TOKEN_BITS: Final = 160
_LONGEST_TOKEN: Final = 64


@dataclass(frozen=True, slots=True)
class Visitor:
    """One browser. `session_token` is empty unless `session` is there."""

    browser_token: str = field(repr=False)
    session_token: str = field(default="", repr=False)
    session: Session | None = None

    @property
    def browser(self) -> bytes:
        """What is kept of the browser's cookie."""
        return digest(self.browser_token)

    @property
    def form_cookie(self) -> str:
        """The cookie that form tokens are derived from."""
        return self.session_token or self.browser_token

    @property
    def form_token(self) -> str:
        """What every form carries in the field `csrf`."""
        return csrf.token_for(self.form_cookie)


_VISITOR: Final = web.RequestKey("visitor", Visitor)
_COOKIES: Final = web.RequestKey("cookies", dict)  # name -> (value, lifetime in seconds, or 0 to delete)


def cookie_name(services: PortalServices, what: str) -> str:
    """`__Host-` binds a cookie to this host, this scheme and the root path; plain http (loopback) cannot have it."""
    return f"__Host-sealgate-{what}" if services.is_secure else f"sealgate-{what}"


async def visitor_of(request: web.Request) -> Visitor:
    """Who asks. A browser without a cookie is given one with the response; nothing is stored for it."""
    known = request.get(_VISITOR)
    if known is None:
        known = await _recognise(request)
        request[_VISITOR] = known
    return known


async def _recognise(request: web.Request) -> Visitor:
    services = services_of(request)
    browser = _token(request, cookie_name(services, "browser"))
    if not browser:
        browser = new_token(_TOKEN_BITS)
        _set(request, "browser", browser, _BROWSER_LIFETIME)
    token = _token(request, cookie_name(services, "session"))
    if not token:
        return Visitor(browser)
    now = services.clock()
    session = await services.accounts.session(services.namespace, digest(token), now, IDLE)
    if session is None:
        forget_session(request)
        return Visitor(browser)
    if now - session.seen_at >= _TOUCH:
        await services.accounts.touch_session(services.namespace, session.digest, now)
    return Visitor(browser, token, session)


def _token(request: web.Request, name: str) -> str:
    value = request.cookies.get(name, "")
    return value if value.isascii() and value.isalnum() and 26 <= len(value) <= _LONGEST_TOKEN else ""


async def keep_browser(request: web.Request) -> None:
    """Let the browser's cookie live on from now: a code was asked for, and must find it again."""
    _set(request, "browser", (await visitor_of(request)).browser_token, _BROWSER_LIFETIME)


async def sign_in(request: web.Request, invitation: Invitation | None, account_id: str | None) -> None:
    """Begin a session under a new token, whatever the browser held before; the old one ends."""
    services = services_of(request)
    visitor = await visitor_of(request)
    token = new_token(_TOKEN_BITS)
    await services.accounts.open_session(
        services.namespace,
        digest(token),
        who_of(request, invitation),
        services.clock(),
        LIFETIME,
        account_id=account_id,
        replaces=visitor.session.digest if visitor.session else None,
    )
    _set(request, "session", token, None)


async def sign_out(request: web.Request) -> None:
    """End the session, and let go of both cookies."""
    services = services_of(request)
    visitor = await visitor_of(request)
    if visitor.session is not None:
        who = Who(participant_id=visitor.session.participant_id, network=client_address(request))
        await services.accounts.end_session(services.namespace, visitor.session.digest, who, services.clock())
    forget_session(request)
    _set(request, "browser", "", timedelta())


def forget_session(request: web.Request) -> None:
    """Delete the session's cookie with the response."""
    _set(request, "session", "", timedelta())


def who_of(request: web.Request, invitation: Invitation | None) -> Who:
    """The one who acts, for the audit trail of sign-ins."""
    return Who(
        box_id=invitation.box_id if invitation else None,
        participant_id=invitation.participant_id if invitation else None,
        network=client_address(request),
        agent=request.headers.get("User-Agent", ""),
    )


def access_of(request: web.Request, session: Session | None) -> Access:
    """The one who acts, for the audit trail of a box. `session` None: somebody who only holds the link."""
    return Access(
        way=Way.LINK if session is None else Way.CODE if session.account_id is None else Way.ACCOUNT,
        network=client_address(request),
        agent=request.headers.get("User-Agent", "")[:200],
        account_id=session.account_id if session else None,
    )


def _set(request: web.Request, what: str, value: str, lifetime: timedelta | None) -> None:
    request.setdefault(_COOKIES, {})[what] = (value, lifetime)


def put_cookies(request: web.Request, response: web.StreamResponse) -> None:
    """Write what was decided of cookies. SameSite=Lax: a link in a web mail must bring the browser's cookies along,
    or following it a second time would part the guest from the code that this browser asked for.
    """
    services = services_of(request)
    for what, (value, lifetime) in request.get(_COOKIES, {}).items():
        response.set_cookie(
            cookie_name(services, what),
            value,
            max_age=None if lifetime is None else int(lifetime.total_seconds()),
            path="/",
            secure=services.is_secure,
            httponly=True,
            samesite="Lax",
        )
