"""Finds the invitation that a path `/b/…` names: by the locator of a link, or by a reference that was typed. Neither
opens anything by itself.
"""

import re
from typing import Final

from aiohttp import web

from delivery.safebox.participants import Invitation
from keys.tokens import normalise_reference
from portal.services import services_of
from portal.web.language import message_speaks
from portal.web.throttle import REFERENCES_WRONG, check_network, count_network
from portal.web.troubles import NothingHere

_LOCATOR: Final = re.compile(r"[a-z2-7]{26,64}")


async def invitation_behind(request: web.Request) -> Invitation:
    """The invitation that the path names. Raises NothingHere, the same for unknown, foreign and old ones."""
    found = await find_invitation(request, request.match_info["locator"])
    if found is None:
        raise NothingHere
    message_speaks(request, found.profile.notice.language)
    return found


async def find_invitation(request: web.Request, text: str) -> Invitation | None:
    """The invitation behind a locator or reference; None: there is none.

    Wrong references are counted by network: they are short enough to be typed, so somebody may try to guess them.
    Locators are not (128 bits), so that mail scanners write nothing here.
    """
    services = services_of(request)
    if _LOCATOR.fullmatch(text):
        return await services.boxes.by_link(services.namespace, text)
    reference = normalise_reference(text)
    if reference is None:
        return None
    await check_network(request, "reference")
    found = await services.boxes.by_reference(services.namespace, reference)
    if found is None:
        await count_network(request, "reference", REFERENCES_WRONG)
    return found


def masked(address: str) -> str:
    """`m•••••@post.example`: enough to know one's own address by, too little to learn another's."""
    local, at, domain = address.rpartition("@")
    return f"{local[:1]}•••••{at}{domain}"


def path_to(request: web.Request, what: str = "") -> str:
    """A path beside the one asked for, of the same locator."""
    return f"/b/{request.match_info['locator']}{what}"
