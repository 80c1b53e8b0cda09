"""Files of a further message, before it is sent."""

from aiohttp import web

from delivery.safebox.uploading import Writer
from portal.owner.entry import Keeper, keeper_of
from portal.services import services_of
from portal.web.resuming import Resumable


async def writer_of(request: web.Request) -> Writer:
    """The sender, or somebody of theirs, at one of their boxes."""
    return writer_at(request, await keeper_of(request))


def writer_at(request: web.Request, keeper: Keeper) -> Writer:
    """The same, for a sender who is known to be signed in."""
    return Writer(services_of(request).namespace, keeper.seen, box_id=request.match_info["box"], by=keeper.by)


UPLOADS = Resumable(writer_of)
