"""Fills the page of a box for its keepers: conversation, documents, people, settings, and what can be done."""

from datetime import datetime, timedelta
from typing import Final

from aiohttp import web

from delivery.safebox.asking import LONGEST
from delivery.safebox.authority import Principal
from delivery.safebox.choices import Others, Replies, Way
from delivery.safebox.contents import BoxMessage, OpenBox
from delivery.safebox.headers import address_key
from delivery.safebox.lifecycle import Act, Actor, forbidden, refusal
from delivery.safebox.profilewords import in_words
from delivery.safebox.summaries import BoxStory
from delivery.safebox.vouching import PHONE_WAYS, KnownProof
from delivery.speech import phrase
from delivery.store.box_news import Counted
from delivery.store.boxes import BoxState, GuestState, Role
from portal.owner.entry import Keeper, path_of
from portal.owner.news import in_few_words, new_among
from portal.owner.pages import BoxPage, Note, ProofForm, WriteForm
from portal.owner.people import shown_people
from portal.owner.reading import pictures_key
from portal.owner.settings import settings_of
from portal.owner.uploading import writer_at
from portal.services import services_of
from portal.web.bundles import documents_in
from portal.web.letters import for_one, shown_messages
from portal.web.render import _
from portal.web.times import Clock, clock_of
from portal.web.uploads import FilesField

_ACTORS: Final = {Role.OWNER: Actor.OWNER, Role.PRIVILEGED: Actor.PRIVILEGED, Role.COLLEAGUE: Actor.COLLEAGUE}


async def filled(request: web.Request, keeper: Keeper, record: BoxStory, new: Counted, note: Note) -> BoxPage:
    """The page for somebody who keeps the box. `new`: since they last looked."""
    services, clock = services_of(request), clock_of(request)
    place = (record.summary.id, keeper.by, services.namespace)
    opened = await services.boxes.open_for(*place)
    tracks = await services.boxes.activity(*place) or ()
    proofs = await services.boxes.proofs_of(*place)
    role, acts, here = role_in(record, keeper.by), acts_in(record, keeper.by), path_of(record.summary.id)
    messages = opened.messages if opened else ()
    key = await pictures_key(request, here)
    remote = request.query.get("pictures", "") == key
    shown = await shown_messages(here, messages, to_whom, key, remote=remote)
    listed = documents_in(opened) if opened else ()
    title = record.subject or _title_of(record)
    people = shown_people(
        record.summary,
        tracks,
        names=record.names,
        documents={one.id: one.name for message in messages for one in message.documents},
        proofs={one: _proof_form(record, known, note, one) for one, known in proofs.items()},
        waiting={one: known.phone for one, known in proofs.items() if known.waits},
        acts=acts,
        clock=clock,
    )
    earliest, latest, proposed = _days(record, clock)
    return BoxPage(
        _(phrase("Error: {title}", title=title)) if note.error or note.write_error else title,
        record,
        title,
        here,
        role,
        shown,
        people,
        acts,
        in_words(record.profile),
        settings_of(record.profile) if Act.CHANGE in acts else (),
        await _write_form(request, keeper, opened, record, note) if opened and Act.ANSWER in acts else None,
        _as_field(earliest, clock),
        _as_field(latest, clock),
        clock.day(latest),
        _as_field(proposed, clock),
        takes_back=Act.RECALL in acts,
        has_record=record.summary.state is not BoxState.OPEN,
        note=note,
        news=in_few_words(new),
        new=new_among(shown, new),
        documents=len(listed),
        document_bytes=sum(one.size for _message, one in listed),
        original=f"{here}/message.eml" if any(one.is_original and one.original_size for one in messages) else "",
    )


def role_in(record: BoxStory, by: Principal) -> Role:
    """What the one who looks is in it, of the roles they have the one with most rights."""
    if address_key(record.summary.owner) == by.key:
        return Role.OWNER
    staff = record.summary.staff
    mine = {one.role for one in staff if address_key(one.address) == by.key and one.removed_at is None}
    return Role.PRIVILEGED if Role.PRIVILEGED in mine else Role.COLLEAGUE


def acts_in(record: BoxStory, by: Principal) -> frozenset[Act]:
    """What the life cycle's table and the box's own profile let this one do now."""
    return frozenset(act for act in Act if not why_not(record, by, act))


def why_not(record: BoxStory, by: Principal, act: Act) -> str:
    """The sentence that refuses an act to this one now; empty: they may."""
    return refusal(record.summary.state, act, _ACTORS[role_in(record, by)]) or forbidden(record.profile, act)


def reachable(record: BoxStory) -> tuple[str, ...]:
    """The guests who can read what is written now, by id."""
    return tuple(
        one.participant_id
        for one in record.summary.guests
        if one.removed_at is None and one.recalled_at is None and one.state is not GuestState.DECLINED
    )


def _title_of(record: BoxStory) -> str:
    gone = record.summary.state is BoxState.DELETED
    return _("A message that is gone") if gone else _("A message without a subject")


def to_whom(message: BoxMessage) -> str:
    """Who reads a message, for those who keep its box; empty: their own, of which guests see nothing."""
    if message.only_for is not None:
        return for_one(message.only_for)
    if message.author.is_reader and message.author.role is Role.COLLEAGUE:
        return ""
    return _("to you") if message.author.role is Role.GUEST else _("to everybody in it")


def _as_field(when: datetime, clock: Clock) -> str:
    return when.astimezone(clock.zone).date().isoformat()


def _days(record: BoxStory, clock: Clock) -> tuple[datetime, datetime, datetime]:
    """The first and the last day that it can be kept open until, and one between."""
    summary, life = record.summary, record.profile.life
    latest = summary.created_at + life.longest
    begin = summary.closes_at if summary.state is BoxState.OPEN else clock.now
    proposed = min(begin + min(life.open_for, timedelta(days=14)), latest)
    return begin, latest, proposed


async def _write_form(request: web.Request, keeper: Keeper, opened: OpenBox, record: BoxStory, note: Note) -> WriteForm:
    role, settings = role_in(record, keeper.by), record.profile.participants
    waiting = await services_of(request).boxes.uploads(writer_at(request, keeper))
    names = {one.id: one.name or one.address for one in opened.people}
    above = role in (Role.OWNER, Role.PRIVILEGED)
    guests = reachable(record) if above else ()
    return WriteForm(
        FilesField(opened.limits, path_of(record.summary.id, "/uploads"), waiting),
        opened.limits.text,
        tuple((one, names[one]) for one in guests if one in names) if len(guests) > 1 else (),
        above or settings.replies is Replies.ALL,
        settings.others is Others.VISIBLE,
        note,
    )


def _proof_form(record: BoxStory, known: KnownProof, note: Note, participant_id: str) -> ProofForm:
    ways = set(record.profile.signin.ways)
    typed = note.typed if note.typed.get("person") == participant_id else {}
    return ProofForm(
        not PHONE_WAYS.isdisjoint(ways),
        Way.QUESTION in ways,
        typed.get("phone", known.phone if known.is_confirmed else ""),
        typed.get("question", known.question),
        LONGEST,
        is_open=bool(typed),
    )
