"""The text that a guest accepts before anything is shown, where the profile of the message has one."""

from aiohttp import web

from delivery.speech import current_speech
from portal.guest.entry import Entry, entry_of
from portal.guest.pages import ConsentPage
from portal.services import services_of
from portal.web.forms import read_form
from portal.web.render import _, render


async def consent_form(request: web.Request) -> web.StreamResponse:
    """GET /m/PARTICIPANT/consent: the text, and the button."""
    entry = await entry_of(request, consented=False)
    if not isinstance(entry, Entry):
        return entry
    if not entry.invitation.consent_wanted:
        raise web.HTTPSeeOther(entry.here)
    return await consent_page(request, entry)


async def consent(request: web.Request) -> web.StreamResponse:
    """POST /m/PARTICIPANT/consent: accepted, in the version that was shown."""
    form = await read_form(request)
    entry = await entry_of(request, consented=False)
    if not isinstance(entry, Entry):
        return entry
    if form.get("accepts") != "yes":
        return await consent_page(request, entry, error=_("Please tick the box if you accept this."), status=422)
    services = services_of(request)
    await services.boxes.consent(services.namespace, entry.participant_id, form.get("version", ""), entry.seen)
    raise web.HTTPSeeOther(entry.here)  # another version than that in force: the page asks again


async def consent_page(request: web.Request, entry: Entry, *, error: str = "", status: int = 200) -> web.Response:
    """The page, in the reader's language where the text is given in it."""
    text = entry.invitation.profile.participants.consent
    if text is None:  # the profile is frozen: it has one, or `consent_wanted` would be false
        raise web.HTTPSeeOther(entry.here)
    language, words = text.in_language(current_speech().language)
    page = ConsentPage(
        title=_("Error: before you read") if error else _("Before you read"),
        invitation=entry.invitation,
        here=entry.here,
        version=text.version,
        language=language,
        paragraphs=tuple(part.strip() for part in words.split("\n\n") if part.strip()),
        error=error,
    )
    return await render(request, "guest/consent.html", page, status=status)
