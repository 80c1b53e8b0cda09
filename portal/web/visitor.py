"""Who asks: the browser (a cookie of its own, from the first form on) and the session, if somebody is signed in."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from aiohttp import web

from delivery.languages import Language, language_named
from delivery.safebox.participants import Access, Invitation, Way
from delivery.speech import current_speech
from delivery.store.devices import LONGEST, Device
from delivery.store.sessions import Session
from delivery.store.who import Who, address_key
from keys.tokens import constant_time_equal, digest, new_token
from portal.services import PortalServices, services_of
from portal.settings import OWNERS
from portal.web import csrf
from portal.web.client import client_address

IDLE: Final = timedelta(minutes=30)  # a session nobody uses ends
LIFETIME: Final = timedelta(hours=12)  # and so does one that is used
FRESH: Final = timedelta(minutes=15)  # what somebody's account is opened by is changed so soon after signing in
_TOUCH: Final = timedelta(minutes=1)  # how often its use is written down
_BROWSER_LIFETIME: Final = timedelta(hours=2)  # longer than any code is valid: a phone may drop session cookies
_YEAR: Final = timedelta(days=365)
_KNOWN: Final = timedelta(days=180)
_NAME: Final = 26  # characters of 128 bits
_TOKEN_BITS: Final = 160
_LONGEST_TOKEN: Final = 64


@dataclass(frozen=True, slots=True)
class Visitor:
    """One browser. `session_token` is empty unless `session` is there; `device_token` unless it was remembered."""

    browser_token: str = field(repr=False)
    session_token: str = field(default="", repr=False)
    session: Session | None = None
    device_token: str = field(default="", repr=False)

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
    token, device = (_token(request, cookie_name(services, what)) for what in (_session_cookie(request), "device"))
    if not token:
        return Visitor(browser, device_token=device)
    now = services.clock()
    of_owner = at_owners_site(request)
    session = await services.accounts.session(services.namespace, digest(token), now, IDLE, of_owner=of_owner)
    if session is None:
        forget_session(request)
        return Visitor(browser, device_token=device)
    if now - session.seen_at >= _TOUCH:
        await services.accounts.touch_session(services.namespace, session.digest, now)
    return Visitor(browser, token, session, device)


def is_fresh(request: web.Request, session: Session) -> bool:
    """Whether they signed in just now: a browser that was left open is nobody's word for who sits before it."""
    return services_of(request).clock() - session.created_at < FRESH


def at_owners_site(request: web.Request) -> bool:
    """Whether the path is one of the senders' own, who have sessions apart from the guests'."""
    return request.path == OWNERS or request.path.startswith(f"{OWNERS}/")


def _session_cookie(request: web.Request) -> str:
    return "owner" if at_owners_site(request) else "session"


def session_cookie(request: web.Request) -> str:
    """What the browser holds of a session, whether or not it still stands: enough to know a page of ours by, and no
    more.
    """
    return _token(request, cookie_name(services_of(request), _session_cookie(request)))


def _token(request: web.Request, name: str) -> str:
    value = request.cookies.get(name, "")
    return value if value.isascii() and value.isalnum() and 26 <= len(value) <= _LONGEST_TOKEN else ""


async def keep_browser(request: web.Request) -> None:
    """Let the browser's cookie live on from now: a code was asked for, and must find it again."""
    _set(request, "browser", (await visitor_of(request)).browser_token, _BROWSER_LIFETIME)


async def sign_in(
    request: web.Request,
    invitation: Invitation | None,
    account_id: str | None,
    way: Way,
    *,
    strong: bool = False,
    remembered: bool = False,
    owner: str | None = None,
    proven_at: datetime | None = None,
    passkey: bytes | None = None,
) -> None:
    """Begin a session under a new token, whatever the browser held before; the old one ends.

    `strong`: by passkey, or with a second factor. `remembered`: the browser was, and nothing was typed. `owner`: the
    address that a sender proved; only at their own site. `proven_at`: of the account whose password was right;
    `passkey`: the one that signed. Raises the redirect to the sign-in where they open the account no more: another
    password was set since, it was removed, or a second step turned on.
    """
    services = services_of(request)
    visitor = await visitor_of(request)
    token, before = new_token(_TOKEN_BITS), chosen_language(request)
    proves = owner is not None or account_id is not None or (way is Way.CODE and not remembered)
    opened = await services.accounts.open_session(
        services.namespace,
        digest(token),
        who_of(request, invitation, owner or ""),
        services.clock(),
        LIFETIME,
        account_id=account_id,
        way=way.value,
        strong=strong,
        remembered=remembered,
        replaces=visitor.session.digest if visitor.session else None,
        owner=owner,
        proven_at=proven_at,
        passkey=passkey,
        proven=await _address_of(services, invitation, account_id, owner) if proves else "",
        chosen=before,
    )
    if opened is None:
        raise web.HTTPSeeOther("/signin")
    _set(request, _session_cookie(request), token, None)
    # The language they chose before in this browser goes for their notices from now on, or what they chose in another
    # one goes here.
    if before is None and opened.language in services.languages:
        keep_language(request, opened.language)


async def _address_of(
    services: PortalServices, invitation: Invitation | None, account_id: str | None, owner: str | None
) -> str:
    """The address that somebody proved; empty: of an account that is there no more."""
    address = owner or (invitation.guest_address if invitation else None)
    if address is None and account_id is not None:
        address = await services.accounts.address_of(services.namespace, account_id)
    return address or ""


def chosen_language(request: web.Request) -> Language | None:
    """What the reader chose in this browser, or chose before they signed in with it; None: nothing that is offered."""
    services = services_of(request)
    language = language_named(request.cookies.get(cookie_name(services, "language"), "")[:20])
    return language if language in services.languages else None


def keep_language(request: web.Request, language: Language) -> None:
    """Keep a choice in this browser."""
    _set(request, "language", language.value, _YEAR)


def keep_known(request: web.Request, address: str) -> None:
    """Know this browser again as one in which somebody with this address was let in. That opens nothing: what they ask
    for and try in it has limits of its own, so that nobody who guesses elsewhere stands in their way.
    """
    services, browser = services_of(request), new_token()
    _set(request, "known", browser + services.accounts.known_mark(services.namespace, address, browser), _KNOWN)


def known_browser(request: web.Request, address: str) -> str:
    """What the browser was called by `keep_known` for this address; empty: it was not."""
    services = services_of(request)
    token = _token(request, cookie_name(services, "known"))
    browser, mark = token[:_NAME], token[_NAME:]
    return (
        browser if constant_time_equal(mark, services.accounts.known_mark(services.namespace, address, browser)) else ""
    )


async def remember_browser(request: web.Request, invitation: Invitation, way: Way) -> None:
    """Need no new code in this browser, for as long as the profile says: its address was proven by `way` just now."""
    services = services_of(request)
    lasting = min(invitation.profile.signin.remember_device, LONGEST)
    if not lasting:
        return
    visitor, token, now = await visitor_of(request), new_token(_TOKEN_BITS), services.clock()
    device = Device(
        digest(token),
        address_key(invitation.guest_address),
        way.value,
        _agent(request),
        now,
        now + lasting,
        _phone_of(services, invitation, way),
    )
    before = digest(visitor.device_token) if visitor.device_token else None
    await services.credentials.remember(services.namespace, device, before, who_of(request, invitation), now)
    _set(request, "device", token, lasting)


async def remembered_as(request: web.Request, invitation: Invitation) -> Device | None:
    """How this browser proved the guest's address, if that was not longer ago than the box's profile lets count."""
    visitor, services = await visitor_of(request), services_of(request)
    lasting = invitation.profile.signin.remember_device
    if not visitor.device_token or not lasting:
        return None
    now, kept = services.clock(), digest(visitor.device_token)
    found = await services.credentials.device(services.namespace, kept, invitation.guest_address, now)
    if found is None or found.proven_at + lasting <= now:
        return None
    # A number is one sender's word: proven for one box, it opens no box of somebody who named another.
    return found if found.phone == _phone_of(services, invitation, Way(found.way)) else None


def _phone_of(services: PortalServices, invitation: Invitation, way: Way) -> str:
    number = invitation.phone if way in (Way.SMS, Way.VOICE) else ""
    return services.accounts.number_digest(services.namespace, number)


async def forget_browser(request: web.Request) -> None:
    """Forget this browser, for every address it was remembered for."""
    visitor, services = await visitor_of(request), services_of(request)
    if visitor.device_token:
        who, kept = who_of(request, None), digest(visitor.device_token)
        await services.credentials.forget_devices(services.namespace, who, services.clock(), digest=kept)
    _set(request, "device", "", timedelta())


async def sign_out(request: web.Request) -> None:
    """End the session, and let go of both cookies."""
    services = services_of(request)
    visitor = await visitor_of(request)
    if visitor.session is not None:
        session = visitor.session
        who = Who(participant_id=session.participant_id, network=client_address(request), address=session.owner or "")
        await services.accounts.end_session(services.namespace, visitor.session.digest, who, services.clock())
    forget_session(request)
    _set(request, "browser", "", timedelta())


def forget_session(request: web.Request) -> None:
    """Delete the session's cookie with the response."""
    _set(request, _session_cookie(request), "", timedelta())


def who_of(request: web.Request, invitation: Invitation | None, address: str = "") -> Who:
    """The one who acts, for the audit trail of sign-ins."""
    return Who(
        box_id=invitation.box_id if invitation else None,
        participant_id=invitation.participant_id if invitation else None,
        network=client_address(request),
        agent=_agent(request),
        address=address,
    )


def access_of(request: web.Request, session: Session | None) -> Access:
    """The one who acts, for the audit trail of a box. `session` None: somebody who only holds the link."""
    return Access(
        way=Way.LINK if session is None else Way(session.way),
        network=client_address(request),
        agent=_agent(request),
        account_id=session.account_id if session else None,
        session=session.name if session else "",
        strong=session is not None and session.strong,
        language=current_speech().language,
    )


def _agent(request: web.Request) -> str:
    """What the browser calls itself. Bytes that are no UTF-8 are surrogates by now, which no database takes."""
    return request.headers.get("User-Agent", "")[:200].encode("utf-8", "replace").decode()


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
