"""Shows a keeper the page as one guest of the box sees it: to be read, and nothing else."""

from dataclasses import dataclass, field
from functools import partial

from aiohttp import web

from delivery.safebox.choices import Replies
from delivery.safebox.contents import OpenBox
from delivery.safebox.looking import GuestView
from delivery.safebox.participants import Invitation, Person
from delivery.speech import phrase
from portal.owner.entry import keeper_of, path_of
from portal.owner.reading import as_guest_path, pictures_key
from portal.services import services_of
from portal.web.bundles import documents_in
from portal.web.ends import End, end_of
from portal.web.letters import ShownMessage, shown_messages, to_whom
from portal.web.render import _, render
from portal.web.troubles import NothingHere
from portal.web.words import settings_in_words


@dataclass(frozen=True, slots=True)
class Answerable:
    """They can reply, and who reads it; there is no form of it here."""

    readers: tuple[Person, ...]


@dataclass(frozen=True, slots=True)
class GuestViewPage:
    """What `guest/letter.html` is filled with, and what stands above it."""

    title: str
    box_path: str
    who: str = field(repr=False)
    before: tuple[str, ...]  # what stands between the guest and this page
    box: OpenBox = field(repr=False)
    here: str
    messages: tuple[ShownMessage, ...]
    documents: int
    document_bytes: int
    original: str
    answer: Answerable | None
    words: tuple[str, ...]
    may_ask: bool
    sent: bool = False
    asked: bool = False
    error: str = ""


@dataclass(frozen=True, slots=True)
class GuestEndPage:
    """What `guest/end.html` is filled with, and what stands above it."""

    title: str
    box_path: str
    who: str = field(repr=False)
    invitation: Invitation = field(repr=False)
    end: End
    reason: str = field(repr=False)
    before: tuple[str, ...] = ()
    ask: str = ""
    here: str = ""
    reopens: str = "never"


async def as_guest(request: web.Request) -> web.StreamResponse:
    """GET /boxes/ID/as/PARTICIPANT: what this guest sees. Nothing is recorded as theirs, and nothing can be sent."""
    keeper, services = await keeper_of(request), services_of(request)
    box_id, person = request.match_info["box"], request.match_info["person"]
    view = await services.boxes.as_guest(box_id, person, keeper.by, services.namespace)
    if view is None:
        raise NothingHere
    who = view.invitation.guest_name or view.invitation.guest_address
    title = _(phrase("What {who} sees", who=who))
    if view.opened is None:
        end, reason = end_of(view.invitation) or End.DELETED, view.invitation.recall_reason
        page = GuestEndPage(title, path_of(box_id), who, view.invitation, end, reason if end is End.RECALLED else "")
        return await render(request, "owner/as_guest_end.html", page, shows_times=True)
    letter = await _letter(request, view, view.opened, title, who)
    return await render(request, "owner/as_guest.html", letter, shows_times=True)


async def _letter(request: web.Request, view: GuestView, box: OpenBox, title: str, who: str) -> GuestViewPage:
    invitation = view.invitation
    here = as_guest_path(invitation.box_id, invitation.participant_id)
    key = await pictures_key(request, here)
    remote = request.query.get("pictures", "") == key
    shown = await shown_messages(here, box.messages, partial(to_whom, box), key, remote=remote)
    listed = documents_in(box)
    original = any(one.is_original and one.original_size is not None for one in box.messages)
    return GuestViewPage(
        title,
        path_of(invitation.box_id),
        who,
        _before(invitation),
        box,
        here,
        shown,
        len(listed),
        sum(one.size for _message, one in listed),
        f"{here}/message.eml" if original else "",
        Answerable(box.reply_to) if box.reply_to else None,
        settings_in_words(invitation),
        may_ask=invitation.reopenable and invitation.profile.participants.replies is not Replies.NONE,
    )


def _before(invitation: Invitation) -> tuple[str, ...]:
    """What they have to do first, or what stands in their way."""
    told = []
    if invitation.locked:
        told.append(_("Many wrong codes were typed in. Until you unlock it, only longer ones bring them here."))
    if invitation.by_fallback and not invitation.released:
        told.append(_("A code by e-mail does not bring them here until you release it."))
    if invitation.consent_wanted:
        told.append(_("Before all this they are asked to accept the text of the security profile. They have not yet."))
    return tuple(told)
