"""Who is signed in at the senders' own site; asked on every request."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from aiohttp import hdrs, web

from delivery.safebox.authority import Principal
from delivery.safebox.participants import Access
from delivery.store.sessions import Session
from portal.services import services_of
from portal.settings import OWNERS
from portal.web.forms import read_form
from portal.web.troubles import SignedOut
from portal.web.visitor import access_of, visitor_of

SIGNIN: Final = f"{OWNERS}/signin"
_ID: Final = re.compile(r"[a-z0-9]{1,32}")


@dataclass(frozen=True, slots=True)
class Keeper:
    """A sender who proved their address."""

    address: str = field(repr=False)
    session: Session = field(repr=False)
    seen: Access = field(repr=False)

    @property
    def by(self) -> Principal:
        """The actor that acts on boxes are recorded under."""
        return Principal.person(self.address)


async def keeper_of(request: web.Request) -> Keeper:
    """Who asks. If nobody is signed in, redirect to the sign-in, and from there back to the box that was asked for.

    Raises SignedOut where a form was sent: to be led elsewhere without a word would look as if it was done.
    """
    session = (await visitor_of(request)).session
    if session is None or session.owner is None or not services_of(request).boxes.is_sender(session.owner):
        if request.method not in (hdrs.METH_GET, hdrs.METH_HEAD):
            raise SignedOut("sender")
        box_id = box_named(request.match_info.get("box", ""))
        raise web.HTTPSeeOther(f"{SIGNIN}?box={box_id}" if box_id else SIGNIN)
    return Keeper(session.owner, session, access_of(request, session))


async def form_of(request: web.Request) -> tuple[Keeper, Mapping[str, str]]:
    """Who sent a form, and its fields. Raises SignedOut before anything else: then the token cannot be right either."""
    keeper = await keeper_of(request)
    return keeper, await read_form(request)


def box_named(text: str) -> str:
    """What may be the id of a box; else empty: it goes into a path."""
    return text if _ID.fullmatch(text) else ""


def path_of(box_id: str, what: str = "") -> str:
    """The path of a box's page, or of something that belongs to it."""
    return f"{OWNERS}/{box_id}{what}"
