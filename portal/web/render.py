"""Pages from templates: one environment, one place where texts could be translated, one shape of response."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Final, Protocol

from aiohttp import web
from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context, select_autoescape
from jinja2.runtime import Context
from markupsafe import Markup, escape

from delivery.store.sessions import Session
from portal.services import SERVICES, PortalServices, services_of
from portal.web.static import StaticFiles
from portal.web.times import Clock, clock_of
from portal.web.visitor import visitor_of

TEMPLATES: Final = Path(str(files("portal") / "templates"))
_BROWSERS: Final = (  # the first mark that is there: most say that they are Chrome or Safari as well
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("FxiOS", "Firefox"),
    ("SamsungBrowser", "Samsung Internet"),
    ("CriOS", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
_PLACES: Final = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Macintosh", "a Mac"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)
STATIC: Final = web.AppKey("static", StaticFiles)


class Page(Protocol):
    """What a template is filled with: a frozen dataclass of its own, with at least the page's title."""

    @property
    def title(self) -> str:
        """What the window is called; after an error it begins with `Error:`."""
        ...


@dataclass(frozen=True, slots=True)
class Frame:
    """What `base.html` needs beside the page itself."""

    organisation: str
    host: str
    sender: str
    csrf: str
    session: Session | None
    clock: Clock
    path: str
    shows_times: bool


def _(text: str) -> str:
    """The reader's words for `text`. All pages and titles pass here, so that catalogues need change nothing else."""
    return text


def say(text: str, **values: object) -> Markup:
    """A whole sentence with values in it: `say("Locked until {hour}", hour=…)`. Values are escaped, markup is kept."""
    return Markup(str(escape(_(text)))).format(**values)  # noqa: S704 - the sentence is escaped


def count(number: int, one: str, many: str) -> str:
    """`1 document`, `3 documents`."""
    return f"{number} {_(one) if number == 1 else _(many)}"


def size(octets: int) -> str:
    """`412 KB`, `17.6 MB`: in powers of ten, as file managers show them."""
    if octets < 1000:
        return count(octets, "byte", "bytes")
    if octets < 999_500:
        return f"{octets / 1000:.0f} KB"
    unit, amount = ("MB", octets / 10**6) if octets < 999_500_000 else ("GB", octets / 10**9)
    digits = f"{amount:.1f}" if amount < 99.95 else f"{amount:.0f}"
    return f"{digits.removesuffix('.0')} {unit}"


def breakable(text: str) -> Markup:
    """Long names and addresses may break after `@`, `_`, and dots."""
    shown = escape(text)
    for mark in ("@", "_"):
        shown = Markup(str(shown).replace(mark, f"{mark}<wbr>"))  # noqa: S704 - `shown` is escaped already
    return shown


def initials(name: str) -> str:
    """One or two letters for the round mark beside a person."""
    address = "@" in name
    bare = re.sub(r"[._-]+", " ", name.partition("@")[0]) if address else re.sub(r"\(.*?\)", " ", name)
    words = [word for word in bare.split() if word[0].isalpha()]
    titles = {"dr", "prof", "mr", "mrs", "ms", "mx", "md", "phd"}
    named = [word for word in words if word.lower().rstrip(".") not in titles] or words
    return "".join(word[0] for word in (named[:1] + named[-1:] if len(named) > 1 else named)).upper()


def browser(agent: str) -> str:
    """`Firefox on Windows`: what people call the browser that names itself so (User-Agent); empty: not known."""
    name = next((name for mark, name in _BROWSERS if mark in agent), "")
    place = next((place for mark, place in _PLACES if mark in agent), "")
    return str(say("{name} on {place}", name=name, place=place)) if name and place else name or place


@pass_context
def _asset(context: Context, name: str) -> str:
    static: StaticFiles = context["static"]
    return static.url(name)


@lru_cache(maxsize=1)
def environment() -> Environment:
    """The templates: everything is escaped, and what a page object does not have is a mistake."""
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(size=size, breakable=breakable, initials=initials, browser=browser)
    made.globals.update(_=_, say=say, count=count, asset=_asset)
    return made


async def render(
    request: web.Request,
    template: str,
    page: Page,
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    shows_times: bool = False,
) -> web.Response:
    """A page. `shows_times`: it tells hours of the day, so its foot says of which zone."""
    visitor = await visitor_of(request)
    text = fill(request, template, page, csrf=visitor.form_token, session=visitor.session, shows_times=shows_times)
    return web.Response(text=text, content_type="text/html", charset="utf-8", status=status, headers=headers)


def fill(
    request: web.Request,
    template: str,
    page: Page,
    *,
    csrf: str = "",
    session: Session | None = None,
    shows_times: bool = False,
) -> str:
    """The text of a page, without asking the database anything."""
    services: PortalServices = services_of(request)
    frame = Frame(
        organisation=services.organisation,
        host=services.host,
        sender=services.sender,
        csrf=csrf,
        session=session,
        clock=clock_of(request),
        path=request.path,
        shows_times=shows_times,
    )
    static = request.app[STATIC]
    values: dict[str, Any] = {"page": page, "frame": frame, "clock": frame.clock, "static": static}
    return environment().get_template(template).render(values)


__all__ = ["SERVICES", "STATIC", "Frame", "Page", "count", "fill", "render", "say", "size"]
