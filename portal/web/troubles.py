"""Turns errors into polite pages, with a number to mention, and nothing of our inside."""

import traceback
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime
from math import ceil
from typing import Final

import structlog
from aiohttp import web

from delivery.errors import StoreUnavailable
from keys.errors import KeysError
from keys.tokens import new_token
from portal.settings import OWNERS
from portal.web.render import _, count, fill, say
from portal.web.visitor import at_owners_site, put_cookies, visitor_of

log = structlog.get_logger()

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

ROUTE_UNKNOWN: Final = "unknown"


@dataclass(frozen=True, slots=True)
class TroublePage:
    """`id` is in the log too, so that whoever runs the portal finds what happened."""

    title: str
    heading: str
    lines: tuple[str, ...]
    id: str = ""
    way_on: str = "/"
    way_on_text: str = ""  # empty: to the start page


class Trouble(Exception):
    """A request that gets a page instead of what it asked for: one for guests, one for senders at their own site."""

    status = 400

    def sender_page(self, request: web.Request) -> TroublePage:
        """What a sender at their own site is told."""
        return _to_boxes(self.page())

    def page(self) -> TroublePage:
        """What the reader is told."""
        return TroublePage(
            _("Error: that did not work"),
            _("That did not work"),
            (_("The page sent something that we could not read. Please go back and try once more."),),
        )


class NothingHere(Trouble):
    """For unknown links, boxes, documents and pages, and for those of others: all look the same."""

    status = 404

    def page(self) -> TroublePage:
        """The same for everything."""
        return TroublePage(
            _("There is nothing here"),
            _("There is nothing here for you to see"),
            (
                _("The link may be incomplete, or what it led to is gone."),
                _("If it came in an e-mail, open it from there once more, or type in the reference of that e-mail."),
            ),
        )

    def sender_page(self, request: web.Request) -> TroublePage:
        """The same for boxes of others and boxes that never were."""
        lines = (
            _("There is no such message among those that you sent, or that you take part in as its sender does."),
            _("Did you sign in with another address of yours? Then leave, and sign in with that one."),
            _("A message that was sent to you opens by the link in its e-mail."),
        )
        return _to_boxes(TroublePage(_("There is nothing here"), _("There is nothing here for you to see"), lines))


class FormTooOld(Trouble):
    """A form without our token: a page left open too long, cookies switched off, or a foreign page that tries."""

    status = 403

    def page(self) -> TroublePage:
        """What to do about it."""
        return TroublePage(
            _("Error: this page was open for too long"),
            _("This page was open for too long"),
            (
                _("For your safety we did nothing. Please open the link in your e-mail again."),
                _(
                    "If this happens each time, your browser may be set to refuse cookies. "
                    "This site needs one of its own."
                ),
            ),
        )

    def sender_page(self, request: web.Request) -> TroublePage:
        """Most often the sign-in has ended meanwhile."""
        cookies = _(
            "If this happens each time, your browser may be set to refuse cookies. This site needs one of its own."
        )
        lines = (
            _("For your safety we did nothing. Open the message again from your list, and do it once more."),
            cookies,
        )
        return _to_boxes(replace(self.page(), lines=lines))


class SignedOut(Trouble):
    """A sender's form from a page that was left open until the sign-in had ended."""

    status = 403

    def page(self) -> TroublePage:
        """Nothing was done; where to go on."""
        return TroublePage(
            _("Error: your sign-in has ended"),
            _("Your sign-in has ended"),
            (
                _("It ends after half an hour without use. What you wanted to do just now was not done."),
                _("Please sign in again, and do it once more."),
            ),
        )

    def sender_page(self, request: web.Request) -> TroublePage:
        """Back to the very box."""
        box_id = request.match_info.get("box", "")
        where = f"{OWNERS}/signin?box={box_id}" if box_id.isalnum() and box_id.isascii() else f"{OWNERS}/signin"
        return replace(self.page(), way_on=where, way_on_text=_("Sign in again"))


class Slower(Trouble):
    """Too many tries, from a network or for an address."""

    status = 429

    def __init__(self, until: datetime, now: datetime) -> None:
        super().__init__("limited")
        self.seconds = max(1, ceil((until - now).total_seconds()))

    def page(self) -> TroublePage:
        """When to come back."""
        return self._page(_("Nothing is lost: your message waits for you."))

    def sender_page(self, request: web.Request) -> TroublePage:
        """The same; what waits is what they wanted to do."""
        return _to_boxes(self._page(_("What you wanted to do just now was not done. Nothing else changed.")))

    def _page(self, more: str) -> TroublePage:
        minutes = -(-self.seconds // 60)
        wait = count(minutes, "minute", "minutes") if minutes < 120 else count(minutes // 60, "hour", "hours")
        return TroublePage(
            _("Error: please wait a little"),
            _("Please wait a little"),
            (say("There were too many tries just now. You can try again in {wait}.", wait=wait), more),
        )


class TooLarge(Trouble):
    """More than a form may hold."""

    status = 413

    def page(self) -> TroublePage:
        """What was too much."""
        return TroublePage(
            _("Error: that was too much"), _("That was too much"), (_("The form held more than we can take."),)
        )


class TooSlow(Trouble):
    """A form whose rest did not come."""

    status = 408

    def page(self) -> TroublePage:
        """What to do about it."""
        return TroublePage(
            _("Error: the connection was too slow"),
            _("The connection was too slow"),
            (_("The rest of the form did not arrive. Please go back and try once more."),),
        )


def _away(request: web.Request) -> TroublePage:
    page = TroublePage(
        _("Error: please come back in a few minutes"),
        _("Please come back in a few minutes"),
        (_("Something on our side is not available at the moment. Nothing is lost: your message waits for you."),),
    )
    if not at_owners_site(request):
        return page
    lines = (
        _("Something on our side is not available at the moment. Nothing is lost."),
        _("What you wanted to do just now may not have been done: please look at the message again then."),
    )
    return _to_boxes(replace(page, lines=lines))


def _broken(request: web.Request) -> TroublePage:
    page = TroublePage(
        _("Error: something went wrong on our side"),
        _("Something went wrong on our side"),
        (_("It is not your fault, and nothing is lost. Please try again in a few minutes."),),
    )
    return _to_boxes(page) if at_owners_site(request) else page


def _to_boxes(page: TroublePage) -> TroublePage:
    return replace(page, way_on=OWNERS, way_on_text=_("To your SafeBoxes"))


def _page_of(request: web.Request, trouble: Trouble) -> TroublePage:
    return trouble.sender_page(request) if at_owners_site(request) else trouble.page()


@web.middleware
async def polite(request: web.Request, handler: Handler) -> web.StreamResponse:
    """The outermost handler of a web request: any error becomes a page, with a number that is also in the log."""
    try:
        response = await handler(request)
    except Trouble as trouble:
        response = await _answer(request, trouble.status, _page_of(request, trouble))
        if isinstance(trouble, Slower):
            response.headers["Retry-After"] = str(trouble.seconds)
    except web.HTTPRequestEntityTooLarge:
        response = await _answer(request, 413, _page_of(request, TooLarge("form")))
    except web.HTTPException as refused:
        response = await _http(request, refused)
    except (StoreUnavailable, KeysError) as away:
        response = _failed(request, 503, _away(request), away)
        response.headers["Retry-After"] = "60"
    except (ConnectionError, TimeoutError):
        raise  # the client went away; there is nobody to tell
    except Exception as error:  # noqa: BLE001 - the top of a web request
        response = _failed(request, 500, _broken(request), error)
    if not response.prepared:
        put_cookies(request, response)
    return response


async def _http(request: web.Request, refused: web.HTTPException) -> web.StreamResponse:
    """aiohttp's own answers: redirects pass, a wrong method or path gets our page."""
    if refused.status < 400:
        return web.Response(status=refused.status, headers=refused.headers)
    trouble = NothingHere() if refused.status == 404 else Trouble()
    response = await _answer(request, refused.status, _page_of(request, trouble))
    if "Allow" in refused.headers:
        response.headers["Allow"] = refused.headers["Allow"]
    return response


async def _answer(request: web.Request, status: int, page: TroublePage) -> web.Response:
    try:
        session = (await visitor_of(request)).session
    except (StoreUnavailable, KeysError) as away:
        return _failed(request, 503, _away(request), away)
    text = fill(request, "web/trouble.html", page, session=session)
    return web.Response(text=text, content_type="text/html", charset="utf-8", status=status)


def _failed(request: web.Request, status: int, page: TroublePage, error: Exception) -> web.Response:
    ident = new_token(40)
    log.error(
        "portal.page_failed",
        id=ident,
        route=route_name(request),
        status=status,
        error=type(error).__name__,
        where=_where(error) if status == 500 else None,
    )
    text = fill(request, "web/trouble.html", replace(page, id=ident))
    return web.Response(text=text, content_type="text/html", charset="utf-8", status=status)


def _where(error: Exception) -> list[str]:
    """The places of a traceback. Not its text: an exception's message may hold what somebody wrote."""
    frames = traceback.extract_tb(error.__traceback__)[-8:]
    return [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]


def route_name(request: web.Request) -> str:
    """What a log may say of a request: the name of its route. Paths hold locators, so they are never logged."""
    return request.match_info.route.name or ROUTE_UNKNOWN
