"""One SafeBox as those see it who keep it: conversation, documents, people, settings, and what can be done."""

import asyncio
from datetime import datetime, timedelta
from typing import Final

from aiohttp import hdrs, web

from delivery.safebox.authority import By
from delivery.safebox.choices import Way
from delivery.safebox.contents import BoxMessage, OpenBox
from delivery.safebox.headers import address_key
from delivery.safebox.lifecycle import Act, Actor, forbidden, refusal
from delivery.safebox.plainwords import in_words
from delivery.safebox.records import BoxRecord
from delivery.safebox.vouching import KnownProof
from delivery.speech import phrase
from delivery.store.box_news import NOTHING
from delivery.store.boxes import BoxState, Role
from portal.owner.entry import Keeper, keeper_of, path_of
from portal.owner.news import in_few_words, new_among
from portal.owner.pages import BoxPage, WriteForm
from portal.owner.people import shown_people
from portal.owner.reading import pictures_key
from portal.services import services_of
from portal.web.bundles import documents_in
from portal.web.letters import shown_message
from portal.web.render import _, render, say
from portal.web.times import Clock, clock_of
from portal.web.troubles import NothingHere

_ACTORS: Final = {Role.OWNER: Actor.OWNER, Role.PRIVILEGED: Actor.PRIVILEGED, Role.COLLEAGUE: Actor.COLLEAGUE}
_PHONES: Final = {Way.SMS, Way.VOICE}
DONE: Final = {
    "close": phrase("It is closed. It can be read, and takes nothing more."),
    "extend": phrase("It stays open longer."),
    "reopen": phrase("It is open again."),
    "told": phrase("It is open again, and everybody in it gets an e-mail."),
    "recall": phrase("It was taken back."),
    "delete": phrase("It was deleted."),
    "add": phrase("They were added, and get an e-mail with a link of their own."),
    "remove": phrase("They were removed: they cannot open it any more."),
    "unlock": phrase("They are unlocked, and can ask for a new code."),
    "release": phrase("It is released: a code by e-mail opens it for them now."),
    "call": phrase("The notice goes out again, with a new link."),
    "confirm": phrase("The telephone number is confirmed: codes may go to it."),
    "write": phrase("Your message has been sent. It stands below, and everybody in it is told."),
}


async def box(request: web.Request) -> web.StreamResponse:
    """GET /boxes/ID (`?done=close`: what was just done)."""
    keeper = await keeper_of(request)
    return await box_page(request, keeper, done=DONE.get(request.query.get("done", ""), ""))


async def record_for(request: web.Request, keeper: Keeper) -> BoxRecord:
    """The box that the path names. Raises NothingHere for boxes of others, as for unknown ones."""
    services = services_of(request)
    record = await services.boxes.show(request.match_info["box"], keeper.by, services.namespace)
    if record is None:
        raise NothingHere
    return record


async def box_page(
    request: web.Request,
    keeper: Keeper,
    *,
    done: str = "",
    error: str = "",
    text: str = "",
    write_error: str = "",
    status: int = 200,
) -> web.Response:
    """The page; after a refused act with the sentence that refuses it."""
    record, services = await record_for(request, keeper), services_of(request)
    box_id, namespace = record.summary.id, services.namespace
    seen = await services.boxes.news(box_id, keeper.by, namespace)  # before the content: see there
    new = seen.new if seen else NOTHING
    opened = await services.boxes.open_for(box_id, keeper.by, namespace)
    tracks = await services.boxes.activity(box_id, keeper.by, namespace) or ()
    role, acts, clock = role_in(record, keeper.by), acts_in(record, keeper.by), clock_of(request)
    messages = opened.messages if opened else ()
    here = path_of(box_id)
    key = await pictures_key(request, here)
    remote = request.query.get("pictures", "") == key
    # Cleaning a large mail takes a while: not in the loop.
    shown = await asyncio.to_thread(
        lambda: tuple(shown_message(here, one, _to(opened, one), key, remote=remote) for one in messages)
    )
    listed = documents_in(opened) if opened else ()
    names = {one.id: one.name for one in opened.people} if opened else {}
    documents = {one.id: one.name for message in messages for one in message.documents}
    proofs = await _proofs(request, keeper, record, acts)
    earliest, latest, proposed = _days(record, clock)
    title = (opened.subject if opened else "") or _title_of(record)
    page = BoxPage(
        say("Error: {title}", title=title) if error or write_error else title,
        record,
        title,
        here,
        role,
        shown,
        shown_people(record.summary, tracks, names=names, documents=documents, proofs=proofs, acts=acts, clock=clock),
        acts,
        in_words(record.profile),
        _form(opened, text, write_error) if opened and Act.ANSWER in acts else None,
        earliest,
        latest,
        proposed,
        takes_back=Act.RECALL in acts,
        has_record=record.summary.state is not BoxState.OPEN,
        done=done,
        error=error or ("" if Act.ANSWER in acts else write_error),
        news=in_few_words(new),
        new=new_among(shown, new),
        documents=len(listed),
        document_bytes=sum(one.size for _message, one in listed),
        original=f"{here}/message.eml" if any(one.is_original and one.original_size for one in messages) else "",
    )
    response = await render(request, "owner/box.html", page, status=status, shows_times=True)
    if seen is not None and seen.new.total and request.method == hdrs.METH_GET:
        await services.boxes.looked(box_id, keeper.by, seen, namespace)
    return response


def role_in(record: BoxRecord, by: By) -> Role:
    """What the one who looks is in it, of the roles they have the one with most rights."""
    if address_key(record.summary.owner) == by.key:
        return Role.OWNER
    staff = record.summary.staff
    mine = {one.role for one in staff if address_key(one.address) == by.key and one.removed_at is None}
    return Role.PRIVILEGED if Role.PRIVILEGED in mine else Role.COLLEAGUE


def acts_in(record: BoxRecord, by: By) -> frozenset[Act]:
    """What the life cycle's table and the box's own profile let this one do now."""
    state, actor = record.summary.state, _ACTORS[role_in(record, by)]
    return frozenset(act for act in Act if not refusal(state, act, actor) and not forbidden(record.profile, act))


async def _proofs(
    request: web.Request, keeper: Keeper, record: BoxRecord, acts: frozenset[Act]
) -> dict[str, KnownProof]:
    """Telephone numbers that wait for a word, where the profile uses telephones at all."""
    if Act.VOUCH not in acts or _PHONES.isdisjoint(record.profile.signin.ways):
        return {}
    services, found = services_of(request), {}
    for one in record.summary.guests:
        proof = await services.boxes.proof_of(record.summary.id, one.address, keeper.by, services.namespace)
        if proof is not None:
            found[one.participant_id] = proof
    return found


def _title_of(record: BoxRecord) -> str:
    gone = record.summary.state in (BoxState.DELETED, BoxState.RECALLED)
    return _("A message that is gone") if gone else _("A message without a subject")


def _to(opened: OpenBox | None, message: BoxMessage) -> str:
    if message.author.is_reader:
        return _("from you")
    return _("to you") if message.author.role is Role.GUEST else _("to everybody in it") if opened else ""


def _days(record: BoxRecord, clock: Clock) -> tuple[str, str, str]:
    """The first and the last day that it can be kept open until, and one between, as date fields have them."""

    def day(when: datetime) -> str:
        return when.astimezone(clock.zone).date().isoformat()

    summary, life = record.summary, record.profile.life
    latest = summary.created_at + life.longest
    begin = summary.closes_at if summary.state is BoxState.OPEN else clock.now
    proposed = min(begin + min(life.open_for, timedelta(days=14)), latest)
    return day(begin), day(latest), day(proposed)


def _form(opened: OpenBox, text: str, error: str) -> WriteForm:
    limits = opened.limits
    return WriteForm(limits.documents, limits.document_bytes, limits.total_bytes, limits.text, text, error)
