"""The open box: its letters, documents and people, and the form of an answer."""

from functools import partial

from aiohttp import hdrs, web

from delivery.safebox.choices import Replies
from delivery.safebox.contents import OpenBox
from delivery.safebox.lifecycle import GUEST_MOVES
from delivery.store.boxes import GuestState
from portal.guest.entry import Entry, entry_of
from portal.guest.landing import decline_page, end_page, leave_note
from portal.guest.pages import AnswerForm, LetterPage
from portal.guest.traces import check_traces
from portal.guest.uploading import writer_at
from portal.services import services_of
from portal.web.forms import read_form
from portal.web.framed import picture_key
from portal.web.letters import shown_messages, to_whom
from portal.web.render import _, render, say
from portal.web.troubles import NothingHere
from portal.web.uploads import FilesField
from portal.web.visitor import visitor_of
from portal.web.words import settings_in_words


async def letter(request: web.Request) -> web.StreamResponse:
    """GET /m/PARTICIPANT: the letter; that it was read is recorded."""
    entry = await entry_of(request)
    if not isinstance(entry, Entry):
        return entry
    services = services_of(request)
    seen = entry.seen if request.method == hdrs.METH_GET else None  # HEAD reads nothing
    if seen is not None:
        check_traces(request, entry.participant_id)
    box = await services.boxes.open_box(services.namespace, entry.participant_id, seen)
    if box is None:
        return await end_page(request, entry.invitation)
    return await letter_page(request, entry, box)


async def letter_page(
    request: web.Request, entry: Entry, box: OpenBox, *, text: str = "", error: str = "", status: int = 200
) -> web.Response:
    """The page; after a refused answer with what was written and why it was refused."""
    visitor = await visitor_of(request)
    key = picture_key(visitor.session_token, entry.participant_id)
    remote = request.query.get("pictures", "") == key
    shown = await shown_messages(entry.here, box.messages, partial(to_whom, box), key, remote=remote)
    listed = (document for message in shown for document in message.documents)
    documents = [line for line in listed if line.document.recalled_at is None]
    original = any(message.original_size is not None for message in box.messages if message.is_original)
    title = box.subject or _("A message without a subject")
    page = LetterPage(
        title=say("Error: {title}", title=title) if error else title,
        box=box,
        here=entry.here,
        messages=shown,
        documents=len(documents),
        document_bytes=sum(line.document.size for line in documents),
        original=f"{entry.here}/message.eml" if original else "",
        answer=await _answer_form(request, entry, box, text, error),
        others=tuple(person for person in box.people if not person.is_reader),
        sent="sent" in request.query and not error,
        error="" if box.reply_to else error,
        kept=text,
        is_account=entry.session.account_id is not None,
        words=settings_in_words(entry.invitation),
        may_ask=entry.invitation.reopenable and entry.invitation.profile.participants.replies is not Replies.NONE,
        asked="asked" in request.query,
        may_have_account=entry.invitation.takes_account and entry.session.proves_address,
    )
    return await render(request, "guest/letter.html", page, status=status, shows_times=True)


async def _answer_form(request: web.Request, entry: Entry, box: OpenBox, text: str, error: str) -> AnswerForm | None:
    if not box.reply_to:
        return None
    waiting = await services_of(request).boxes.uploads(writer_at(request, entry))
    files = FilesField(box.limits, f"{entry.here}/uploads", waiting)
    return AnswerForm(box.reply_to, files, box.limits.text, text, error)


async def show_pictures(request: web.Request) -> web.StreamResponse:
    """POST /m/PARTICIPANT/pictures: show the letter with the pictures that it has on the internet."""
    form = await read_form(request)
    entry = await entry_of(request)
    if not isinstance(entry, Entry):
        return entry
    visitor = await visitor_of(request)
    message = form.get("message", "")
    key = picture_key(visitor.session_token, entry.participant_id)
    fragment = f"#formatted-{message}" if message.isalnum() and message.isascii() else ""
    raise web.HTTPSeeOther(f"{entry.here}?pictures={key}{fragment}")


async def ask(request: web.Request) -> web.StreamResponse:
    """POST /m/PARTICIPANT/ask: ask the sender to open a closed message again."""
    form = await read_form(request)
    entry = await entry_of(request)
    if not isinstance(entry, Entry):
        return entry
    if entry.invitation.reopenable:
        await leave_note(request, entry.invitation, form.get("note", ""), entry.seen)
        raise web.HTTPSeeOther(f"{entry.here}?asked=1")
    raise web.HTTPSeeOther(entry.here)  # open already, perhaps since a moment ago


async def decline_form(request: web.Request) -> web.StreamResponse:
    """GET /m/PARTICIPANT/not-for-me."""
    entry = await entry_of(request, consented=False)
    if not isinstance(entry, Entry):
        return entry
    return await decline_page(request, entry.invitation, entry.here, for_good=True)


async def decline(request: web.Request) -> web.StreamResponse:
    """POST /m/PARTICIPANT/not-for-me: close it for this address."""
    await read_form(request)
    entry = await entry_of(request, consented=False)
    if not isinstance(entry, Entry):
        return entry
    services = services_of(request)
    await services.boxes.decline(services.namespace, entry.participant_id, entry.seen)
    raise web.HTTPSeeOther(entry.here)


async def opened(request: web.Request, entry: Entry, *, reads: bool = False) -> OpenBox:
    """The box once more, for a part of its page. `reads`: this part shows content, so a guest who has not been at
    the page itself opens the box by it; otherwise nothing is recorded. Raises NothingHere.
    """
    services = services_of(request)
    first = reads and request.method == hdrs.METH_GET and GuestState.READ in GUEST_MOVES[entry.invitation.guest_state]
    seen = entry.seen if first else None
    box = await services.boxes.open_box(services.namespace, entry.participant_id, seen)
    if box is None:
        raise NothingHere
    return box
