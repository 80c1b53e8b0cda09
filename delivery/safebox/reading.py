"""From rows to what people may see: invitations, opened boxes, documents in pieces."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from delivery.safebox import choices
from delivery.safebox.boxkey import (
    ALIAS,
    CONTENT,
    DOCUMENT,
    DOCUMENT_REASON,
    FACTS,
    GUEST_NAME,
    GUEST_REASON,
    ORIGINAL,
    PHONE,
    QUESTION,
    RECALL_REASON,
    BoxKey,
)
from delivery.safebox.choices import Others, Replies
from delivery.safebox.contents import BoxDocument, BoxMessage, DocumentReader, OpenBox
from delivery.safebox.inviting import correspondence_of
from delivery.safebox.lifecycle import state_at
from delivery.safebox.limits import AnswerLimits
from delivery.safebox.participants import Invitation, Person, Way
from delivery.safebox.profile import stored_profile
from delivery.store import proofs
from delivery.store.account_rows import proven_before
from delivery.store.audit import EventKind
from delivery.store.blobs import BlobReader, Blobs
from delivery.store.box_contents import (
    BoxMessageKind,
    DocumentRow,
    MessageRow,
    count_documents,
    documents_of,
    events_of,
    messages_of,
)
from delivery.store.boxes import BoxRow, BoxState, GuestState, ParticipantRow, Role, get_box, participants_of
from delivery.store.proofs import NOTHING, ProofRow
from delivery.store.vault import Vault


@dataclass(frozen=True, slots=True)
class Seat:
    """One participant in one box, as rows, with the box's key if it still has one."""

    box: BoxRow
    guest: ParticipantRow
    key: BoxKey | None
    documents: int
    account_made_before: bool
    declined_by_link: bool
    proof: ProofRow = NOTHING


def seat_of(conn: Connection, vault: Vault, guest: ParticipantRow | None) -> Seat | None:
    """Somebody who was invited, with their box. The owner was not: see `seat_at`."""
    if guest is None or guest.role is Role.OWNER:
        return None
    return seat_at(conn, vault, guest)


def seat_at(conn: Connection, vault: Vault, guest: ParticipantRow) -> Seat | None:
    """Anybody who takes part, with their box."""
    box = get_box(conn, guest.namespace, guest.box_id)
    if box is None:
        return None
    return Seat(
        box,
        guest,
        BoxKey.of(vault, box),
        count_documents(conn, box.namespace, box.id, BoxMessageKind.ORIGINAL),
        proven_before(conn, box.namespace, guest.address, box.created_at),
        guest.state is GuestState.DECLINED and _by_link(conn, guest),
        proofs.get(conn, box.namespace, guest.id) if _asks_more(box) else NOTHING,
    )


def _asks_more(box: BoxRow) -> bool:
    """Whether the profile asks for more than codes by mail and accounts: else there is nothing to look up."""
    ways = box.profile.get("signin", {}).get("ways", ())
    return not {choices.Way.SMS, choices.Way.VOICE, choices.Way.QUESTION}.isdisjoint(ways)


def _by_link(conn: Connection, guest: ParticipantRow) -> bool:
    """Whether the one who declined last had only shown that they hold the link."""
    acts = events_of(conn, guest.namespace, guest.box_id, EventKind.BOX_DECLINED, guest.id)
    return bool(acts) and acts[-1][3].get("way") == Way.LINK


def invitation_of(seat: Seat, organisation: str, now: datetime) -> Invitation:
    """What a link or reference tells, with the state as time has it."""
    box, guest = seat.box, seat.guest
    about = correspondence_of(seat.key, box, guest)
    profile = stored_profile(box.profile)
    state = state_at(box.state, box.closes_at, box.deletes_at, now)
    alone = guest.recalled_at is not None and state in (BoxState.OPEN, BoxState.CLOSED)  # taken back from this one
    consent = profile.participants.consent if guest.role is not Role.OWNER else None
    return Invitation(
        participant_id=guest.id,
        box_id=box.id,
        namespace=box.namespace,
        sender_name=profile.participants.alias or about.owner_name or box.owner,
        sender_address=box.owner,
        organisation=organisation,
        guest_address=guest.address,
        guest_name=about.guest_name,
        reference=about.reference,
        sent_at=box.created_at,
        closes_at=box.closes_at,
        closed_at=box.closed_at,
        deletes_at=box.deletes_at,
        deleted_at=box.deleted_at,
        recalled_at=guest.recalled_at if alone else box.recalled_at,
        recall_reason=_reason(seat, alone=alone),
        state=BoxState.RECALLED if alone else state,
        guest_state=guest.state,
        locked=guest.locked_at is not None,
        needs_account=profile.signin.needs_account,
        by_fallback=guest.by_fallback,
        released=guest.released_at is not None,
        account_made_before=seat.account_made_before,
        document_count=seat.documents,
        subject=about.subject if profile.notice.subject else None,
        profile=profile,
        phone=phone_of(seat.proof, seat.key),
        phone_waits=seat.proof.phone_sealed is not None and seat.proof.phone_confirmed_at is None,
        question=seat.key.open_text(QUESTION, guest.id, seat.proof.question_sealed) if seat.key else "",
        declined_by_link=seat.declined_by_link,
        role=guest.role,
        removed=guest.removed_at is not None,
        consent_wanted=consent is not None and guest.consented_version != consent.version,
    )


def phone_of(proof: ProofRow, key: BoxKey | None) -> str:
    """The number that codes may go to; empty: none is known, or the guest's own word is all there is."""
    if key is None or proof.phone_sealed is None or proof.phone_confirmed_at is None:
        return ""
    return key.open_text(PHONE, proof.participant_id, proof.phone_sealed)


def _reason(seat: Seat, *, alone: bool) -> str:
    """What the owner said when it was taken back: from everybody, or from this one."""
    if seat.key is None:
        return ""
    if alone:
        return seat.key.open_text(GUEST_REASON, seat.guest.id, seat.guest.recall_reason_sealed)
    return seat.key.open_text(RECALL_REASON, seat.box.id, seat.box.recall_reason_sealed)


@dataclass(frozen=True, slots=True)
class VisibleRows:
    """The rows of a box that one participant may see, read in one transaction. `downloads`: when, by document id."""

    seat: Seat
    people: tuple[ParticipantRow, ...]
    messages: tuple[MessageRow, ...]
    documents: tuple[DocumentRow, ...]
    downloads: Mapping[str, datetime]


def read_visible_rows(conn: Connection, seat: Seat) -> VisibleRows:
    """Read what the participant may see. A guest sees their own answers, and what the owner's side wrote to everybody
    or to them; and the answers of others, if the profile sends replies to all.
    """
    namespace, box_id = seat.box.namespace, seat.box.id
    people = participants_of(conn, namespace, box_id)
    everybody = stored_profile(seat.box.profile).participants.replies is Replies.ALL
    keepers = {one.id for one in people if one.role in (Role.OWNER, Role.PRIVILEGED)}
    me = seat.guest

    def reads(message: MessageRow) -> bool:
        if me.role is not Role.GUEST or message.author_id == me.id:
            return True
        return message.only_for in (None, me.id) and (everybody or message.author_id in keepers)

    messages = tuple(message for message in messages_of(conn, namespace, box_id) if reads(message))
    shown = {message.id for message in messages}
    documents = tuple(one for one in documents_of(conn, namespace, box_id) if one.box_message_id in shown)
    downloads: dict[str, datetime] = {}
    for at, _, _, facts in events_of(conn, namespace, box_id, EventKind.BOX_DOWNLOADED, seat.guest.id):
        downloads.update(dict.fromkeys(facts.get("documents", ()), at))
    return VisibleRows(seat, people, messages, documents, downloads)


def open_visible_rows(rows: VisibleRows, key: BoxKey, invitation: Invitation) -> OpenBox:
    """Decrypt the rows. Raises SealBroken if stored bytes were changed."""
    people = {person.id: _person(person, rows.seat, key, invitation.sender_name) for person in rows.people}
    settings = invitation.profile.participants
    others_shown = settings.others is Others.VISIBLE or rows.seat.guest.role is not Role.GUEST
    me = rows.seat.guest.id
    gone = {one.id for one in rows.people if one.removed_at is not None}
    shown = [one for one in people.values() if one.role is not Role.GUEST or one.is_reader or others_shown]
    visible = tuple(one for one in shown if one.id not in gone)
    documents = [_document(row, key, rows.downloads.get(row.id)) for row in rows.documents]
    messages = tuple(
        _message(
            row,
            key,
            people[row.author_id],
            [one for one in documents if one.message_id == row.id],
            people.get(row.only_for) if row.only_for else None,
        )
        for row in rows.messages
    )
    return OpenBox(
        invitation=invitation,
        subject=correspondence_of(key, rows.seat.box, rows.seat.guest).subject,
        messages=messages,
        people=tuple(sorted(visible, key=lambda one: (one.role is not Role.OWNER, one.id != me))),
        reply_to=_readers(visible, rows.seat, settings.replies) if invitation.answerable else (),
        limits=AnswerLimits.of(invitation.profile),
    )


def _readers(visible: Sequence[Person], seat: Seat, replies: Replies) -> tuple[Person, ...]:
    """Who will read what this participant writes: everybody, or for a guest perhaps only the owner's side."""
    to_all = replies is Replies.ALL or seat.guest.role in (Role.OWNER, Role.PRIVILEGED)
    return tuple(one for one in visible if not one.is_reader and (to_all or one.role is not Role.GUEST))


def content_of(message: MessageRow, key: BoxKey) -> dict[str, Any]:
    """The sealed JSON of a message."""
    if message.content_sealed is None:
        return {}
    content: dict[str, Any] = json.loads(key.open(CONTENT, message.id, message.content_sealed))
    return content


def facts_of(document: DocumentRow, key: BoxKey) -> dict[str, Any]:
    """The sealed JSON of a document: name, type, kind, content_id."""
    if document.facts_sealed is None:
        return {}
    facts: dict[str, Any] = json.loads(key.open(FACTS, document.id, document.facts_sealed))
    return facts


def read_document(document: DocumentRow, key: BoxKey, blobs: Blobs) -> DocumentReader | None:
    """A document to be read in pieces. None once it is destroyed or taken back. Blocks."""
    if document.recalled_at is not None:
        return None
    facts = facts_of(document, key)
    if document.blob is not None:
        return _reader(facts["name"], facts["type"], key, (DOCUMENT, document.id), blobs.open(document.blob))
    sealed = document.inline_sealed
    if sealed is None:
        return None
    opened = key.range(DOCUMENT, document.id, lambda offset, length: sealed[offset : offset + length], len(sealed))
    return DocumentReader(facts["name"], facts["type"], opened.size, opened.read, lambda: None)


def read_original(message: MessageRow, key: BoxKey, blobs: Blobs) -> DocumentReader | None:
    """The whole mail, to be read in pieces. Blocks."""
    if message.original_blob is None:
        return None
    blob = blobs.open(message.original_blob)
    return _reader("message.eml", "message/rfc822", key, (ORIGINAL, message.id), blob)


def _reader(name: str, content_type: str, key: BoxKey, bound: tuple[str, str], blob: BlobReader) -> DocumentReader:
    try:
        opened = key.range(*bound, blob.read_at, blob.size)
    except BaseException:
        blob.close()
        raise
    return DocumentReader(name, content_type, opened.size, opened.read, blob.close)


def _person(row: ParticipantRow, seat: Seat, key: BoxKey, owner_name: str) -> Person:
    is_me = row.id == seat.guest.id
    if row.role is Role.OWNER:
        name = owner_name if owner_name != row.address else ""
    else:
        name = key.open_text(GUEST_NAME, row.id, row.name_sealed)
    alias = key.open_text(ALIAS, row.id, row.alias_sealed)
    if alias and seat.guest.role is Role.GUEST and not is_me:
        return Person(row.id, alias, "", row.role, row.state)
    return Person(row.id, name, row.address, row.role, row.state, is_reader=is_me)


def _document(row: DocumentRow, key: BoxKey, downloaded_at: datetime | None) -> BoxDocument:
    facts = facts_of(row, key)
    return BoxDocument(
        row.id,
        row.box_message_id,
        facts.get("name", ""),
        facts.get("type", "application/octet-stream"),
        facts.get("kind", "other"),
        row.size,
        facts.get("content_id"),
        downloaded_at,
        row.recalled_at,
        key.open_text(DOCUMENT_REASON, row.id, row.recall_reason_sealed),
    )


def _message(
    row: MessageRow, key: BoxKey, author: Person, documents: list[BoxDocument], only_for: Person | None
) -> BoxMessage:
    content = content_of(row, key)
    return BoxMessage(
        id=row.id,
        author=author,
        written_at=row.written_at,
        subject=content.get("subject", ""),
        text=content.get("text", ""),
        html=content.get("html"),
        documents=tuple(documents),
        to=tuple(content.get("to", ())),
        cc=tuple(content.get("cc", ())),
        is_original=row.kind is BoxMessageKind.ORIGINAL,
        only_for=only_for,
        is_cut=content.get("is_cut", False),
        is_unreadable=content.get("is_unreadable", False),
        original_size=row.original_size
        if row.original_blob and not any(one.recalled_at for one in documents)
        else None,
    )
