"""Files of a guest's answer, before it is sent."""

from aiohttp import web

from delivery.safebox.uploading import Writer
from portal.guest.entry import Entry, entry_of
from portal.services import services_of
from portal.web.language import _
from portal.web.resuming import Refusal, Resumable


async def writer_of(request: web.Request) -> Writer:
    """Who uploads: the guest of this request, in their own box."""
    entry = await entry_of(request)
    if not isinstance(entry, Entry):
        raise Refusal(409, _("This SafeBox takes nothing more."))
    return writer_at(request, entry)


def writer_at(request: web.Request, entry: Entry) -> Writer:
    """The same, for a guest whose Entry is known."""
    return Writer(services_of(request).namespace, entry.seen, participant_id=entry.participant_id)


UPLOADS = Resumable(writer_of)
