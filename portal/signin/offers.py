"""The ways in that one guest has into one box, in the order they are offered."""

from dataclasses import dataclass, field
from typing import Final

from aiohttp import web

from delivery.phones import masked_number
from delivery.safebox import choices
from delivery.safebox.participants import Invitation, Way
from delivery.store.codes import MAILBOX
from portal.services import services_of
from portal.web.locator import masked, path_to
from portal.web.visitor import known_browser

PHONES: Final = (Way.SMS, Way.VOICE)


@dataclass(frozen=True, slots=True)
class Offer:
    """One way. `is_form`: `action` takes a POST with `by`; else it is a page to go to."""

    way: str
    action: str
    to: str = field(default="", repr=False)  # masked address or number
    is_form: bool = True


def offers(request: web.Request, invitation: Invitation) -> tuple[Offer, ...]:
    """What a guest who has proven nothing yet may choose from, best first: codes, then the question."""
    phones, code = services_of(request).phones, path_to(request, "/code")
    found = []
    number = masked_number(invitation.phone) if invitation.phone else ""
    reaches = {Way.CODE: masked(invitation.guest_address), Way.SMS: number, Way.VOICE: number}
    listed = choices.Way.CODE in invitation.profile.signin.ways
    order = (Way.CODE, *PHONES) if listed else (*PHONES, Way.CODE)
    for way in order:
        if invitation.proves(way) and (way is Way.CODE or way.value in phones):
            found.append(Offer(way.value, code, reaches[way]))
    if may_answer(request, invitation):
        found.append(Offer("question", path_to(request, "/question"), is_form=False))
    return tuple(found)


def may_answer(request: web.Request, invitation: Invitation) -> bool:
    """Whether the sender's question may be answered. Wrong answers of others shut it to browsers that are not known."""
    known = not invitation.locked or bool(known_browser(request, invitation.guest_address))
    return known and invitation.proves(Way.QUESTION)


def mailbox(request: web.Request, invitation: Invitation) -> tuple[Offer, ...]:
    """The way to be known in this browser, where it helps (`takes_mailbox`) and it is not known yet."""
    if not invitation.takes_mailbox or known_browser(request, invitation.guest_address):
        return ()
    return (Offer(MAILBOX, path_to(request, "/code"), masked(invitation.guest_address)),)


def other_ways(request: web.Request, invitation: Invitation, tried: str) -> tuple[Offer, ...]:
    """What is left beside the way that was tried."""
    return tuple(one for one in offers(request, invitation) if one.way != tried)
