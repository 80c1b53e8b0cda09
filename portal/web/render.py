"""Pages from templates: one environment, one shape of response. Texts are said in the reader's language."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Final, Protocol

from aiohttp import hdrs, web
from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context, select_autoescape
from jinja2.runtime import Context
from markupsafe import Markup, escape

from delivery.languages import NAMES, Language
from delivery.speech import current_speech, phrase, said
from delivery.store.sessions import Session
from keys.tokens import new_id
from portal.services import SERVICES, PortalServices, services_of
from portal.settings import OWNERS
from portal.web.language import _, count, say, size, told
from portal.web.static import StaticFiles
from portal.web.times import Clock, clock_of
from portal.web.visitor import at_owners_site, visitor_of

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
    ("Macintosh", phrase("a Mac")),
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
    language: Language
    languages: tuple[tuple[Language, str], ...]  # to choose from, by the names their speakers give them
    choose: str  # where the choice goes
    place: str  # where it leads back to


def breakable(text: str) -> Markup:
    """Long names and addresses may break after `@`, `_`, and dots."""
    shown = escape(text)
    for mark in ("@", "_"):
        shown = Markup(str(shown).replace(mark, f"{mark}<wbr>"))  # noqa: S704 - `shown` is escaped already
    return shown


def initials(name: str) -> str:
    """One or two letters for the round mark beside a person."""
    address = "@" in name
    bare = re.sub(r"[._-]+", " ", name.partition("@")[0]) if address else re.sub(r"\([^()]*\)", " ", name)
    words = [word for word in bare.split() if word[0].isalpha()]
    titles = {"dr", "prof", "med", "dipl", "ing", "mag", "mr", "mrs", "ms", "mx", "md", "phd"}
    named = [word for word in words if word.lower().rstrip(".") not in titles] or words
    return "".join(word[0] for word in (named[:1] + named[-1:] if len(named) > 1 else named)).upper()


def browser(agent: str) -> str:
    """`Firefox on Windows`: what people call the browser that names itself so (User-Agent); empty: not known."""
    name = next((name for mark, name in _BROWSERS if mark in agent), "")
    place = next((place for mark, place in _PLACES if mark in agent), "")
    return str(say("{name} on {place}", name=name, place=_(place))) if name and place else name or _(place)


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
        finalize=said,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,  # they change with the version only
        cache_size=-1,
    )
    made.filters.update(size=size, breakable=breakable, initials=initials, browser=browser, told=told)
    made.globals.update(_=_, say=say, count=count, asset=_asset, new_id=new_id)
    return made


def learn_template(name: str) -> None:
    """Compile one, so that the first reader of it need not wait."""
    environment().get_template(name)


def templates() -> list[str]:
    """The names of all of them."""
    return environment().list_templates(extensions=["html"])


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
        language=current_speech().language,
        languages=tuple((language, NAMES[language]) for language in services.languages),
        choose=f"{OWNERS}/language" if at_owners_site(request) else "/language",
        place=request.path_qs if request.method in (hdrs.METH_GET, hdrs.METH_HEAD) else request.path,
    )
    static = request.app[STATIC]
    values: dict[str, Any] = {"page": page, "frame": frame, "clock": frame.clock, "static": static}
    return environment().get_template(template).render(values)


__all__ = ["SERVICES", "STATIC", "Frame", "Page", "_", "count", "fill", "render", "say", "size"]
