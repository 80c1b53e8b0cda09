"""What an account signs in with was changed: its guest hears of it by mail, whoever did it."""

from aiohttp import web

from portal.services import services_of
from portal.web.visitor import access_of, visitor_of


async def tell_changed(request: web.Request, address: str) -> None:
    """Mail the guest, as in the box that was sent to them last; an address without any box hears nothing."""
    services = services_of(request)
    letters = await services.boxes.for_address(services.namespace, address)
    if letters:
        seen = access_of(request, (await visitor_of(request)).session)
        await services.boxes.account_made(services.namespace, letters[0].invitation.participant_id, seen)
