"""The ways in that one guest has into one box, in the order they are offered."""

from dataclasses import dataclass, field

from aiohttp import web

from delivery.phones import masked_number
from delivery.safebox import choices
from delivery.safebox.participants import Invitation, Way
from portal.services import services_of
from portal.web.locator import masked, path_to


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
    if not invitation.locked:
        number = masked_number(invitation.phone) if invitation.phone else ""
        reaches = {Way.CODE: masked(invitation.guest_address), Way.SMS: number, Way.VOICE: number}
        listed = choices.Way.CODE in invitation.profile.signin.ways
        order = (Way.CODE, Way.SMS, Way.VOICE) if listed else (Way.SMS, Way.VOICE, Way.CODE)
        for way in order:
            if invitation.proves(way) and (way is Way.CODE or way.value in phones):
                found.append(Offer(way.value, code, reaches[way]))
        if invitation.proves(Way.QUESTION):
            found.append(Offer("question", path_to(request, "/question"), is_form=False))
    return tuple(found)


def other_ways(request: web.Request, invitation: Invitation, tried: str) -> tuple[Offer, ...]:
    """What is left beside the way that was tried."""
    return tuple(one for one in offers(request, invitation) if one.way != tried)
