"""Keeping a guest's answer: in the box, and as a mail to the owner, in one transaction."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection

from delivery.errors import DeliveryError
from delivery.items import Kind
from delivery.notices.notice import Attached
from delivery.safebox.answers import Answered, Draft
from delivery.safebox.boxkey import CONTENT, BoxKey
from delivery.safebox.choices import Replies
from delivery.safebox.desk import Desk, act_of_guest
from delivery.safebox.inviting import PreparedInvitation, correspondence_in_languages
from delivery.safebox.lifecycle import GUEST_MOVES, Act, may, state_at
from delivery.safebox.limits import AnswerLimits, AnswerRefused, TooMuch
from delivery.safebox.participants import Access
from delivery.safebox.post import Posted
from delivery.safebox.profile import stored_profile
from delivery.safebox.reading import Seat, facts_of, read_document
from delivery.safebox.reminding import expiring_at, longest_open, until_deleted
from delivery.safebox.uploads import UploadGone, forget_pieces
from delivery.store.audit import Event, EventKind, record
from delivery.store.box_contents import (
    BoxMessageKind,
    DocumentRow,
    MessageRow,
    bytes_brought,
    insert_message,
    message_exists,
)
from delivery.store.box_news import KeeperInBox, News, count_news, saw_own_reply
from delivery.store.boxes import (
    BoxRow,
    BoxState,
    GuestState,
    ParticipantRow,
    Role,
    get_box,
    get_participant,
    move_box,
    move_guest,
    participants_of,
)
from delivery.store.uploads import take_uploads

_ABOVE: Final = (Role.OWNER, Role.PRIVILEGED)  # what they write, guests read
_BEFORE: Final = frozenset(state for state, targets in GUEST_MOVES.items() if GuestState.ANSWERED in targets)


async def keep_answer(desk: Desk, seat: Seat, draft: Draft, seen: Access, *, mail_bytes: int) -> Answered | None:
    """Insert the answer, enqueue the mail to the owner, and notify whoever else may read it. None: the box takes no
    answers any more, and nothing was kept.
    """
    now = desk.clock()
    key = seat.key
    if key is None:
        return None
    namespace, box_id = seat.box.namespace, seat.box.id
    if await desk.db.read(lambda conn: _is_kept(conn, seat, draft)):
        return _again(draft)
    if draft.is_late:
        return None
    if not draft.is_whole:
        raise UploadGone("an upload is not here, or not whole")
    by_owner = seat.guest.role is Role.OWNER
    mail, kept = (None, ()) if by_owner else await asyncio.to_thread(_mail, desk, seat, key, draft, mail_bytes)
    if draft.only_for and seat.guest.role not in _ABOVE:
        return None  # guests and colleagues do not choose who reads them
    news = await asyncio.to_thread(_news, desk, seat, key, draft.only_for)
    posted = [*([mail] if mail is not None else []), *(notice for one in news for notice in one.notices)]
    message = _message(seat, key, draft, now)
    gone: list[str] = []

    def work(conn: Connection) -> Answered | None:
        box = get_box(conn, namespace, box_id, hold=True)  # until the commit
        if _is_kept(conn, seat, draft):  # it came twice at once
            return _again(draft)
        if box is None or not _still_open(conn, box, seat.guest.id, now) or not _reads(conn, seat, draft.only_for):
            return None
        _check_day(desk, conn, seat, draft)
        gone[:] = _brought(conn, seat, draft)  # the transaction may be run again
        insert_message(conn, message, draft.documents)
        count_news(conn, namespace, box_id, News.REPLIES, now)
        if seat.guest.role is not Role.GUEST:
            saw_own_reply(conn, KeeperInBox(namespace, box_id, seat.guest.address_key), now)
        move_guest(conn, namespace, seat.guest.id, _BEFORE, GuestState.ANSWERED)
        record(conn, desk.vault, [_event(seat, draft, seen, len(kept))], now)
        if mail is not None:
            desk.post.put(conn, mail, now)
        here = {one.id for one in participants_of(conn, namespace, box_id) if _is_told(one, seat, draft.only_for)}
        for one in news:
            if one.participant_id in here:
                desk.inviter.send(conn, seat.box, one, now)
        return Answered(draft.message_id, bool(kept))

    try:
        done = await desk.db.write(work)
    except DeliveryError as error:
        for one in posted:
            desk.post.discard(one, error)
        raise
    if done is None or done.again:
        for one in posted:
            desk.post.discard(one, DeliveryError("the box is not open, or has it"))
        return done
    desk.post.wake()
    await forget_pieces(desk.blobs, gone)
    return done


def _message(seat: Seat, key: BoxKey, draft: Draft, now: datetime) -> MessageRow:
    """The answer as the box keeps it, its text sealed."""
    content = {"subject": "", "text": draft.text, "html": None}
    sealed = key.seal(CONTENT, draft.message_id, json.dumps(content, ensure_ascii=False).encode("utf-8", "replace"))
    row = MessageRow(
        draft.message_id, seat.box.id, seat.box.namespace, seat.guest.id, BoxMessageKind.ANSWER, now, sealed
    )
    return replace(row, only_for=draft.only_for or None)


def _event(seat: Seat, draft: Draft, seen: Access, kept: int) -> Event:
    """The audit event of an answer; `kept`: how many documents were too large for the mail."""
    facts: dict[str, object] = {"documents": [row.id for row in draft.documents], "stays_in_box": kept}
    if draft.only_for:
        facts["only_for"] = draft.only_for
    return act_of_guest(EventKind.BOX_ANSWERED, seat.box, seat.guest, seen, **facts)


def _is_kept(conn: Connection, seat: Seat, draft: Draft) -> bool:
    """Whether this very answer, from the same form, is in the box."""
    return message_exists(conn, seat.box.namespace, seat.box.id, seat.guest.id, draft.message_id)


def _again(draft: Draft) -> Answered:
    return Answered(draft.message_id, stays_in_box=False, again=True)


def left_today(desk: Desk, conn: Connection, seat: Seat, limits: AnswerLimits) -> int | None:
    """Bytes that a guest may still send in these 24 hours: one who goes on sending would fill the disk, on which mail
    has to find room. None: any number, for whoever is of the sender's own house.
    """
    if seat.guest.role is not Role.GUEST:
        return None
    since = desk.clock() - timedelta(days=1)
    return limits.daily_bytes - bytes_brought(conn, seat.box.namespace, seat.guest.address_key, since)


def _check_day(desk: Desk, conn: Connection, seat: Seat, draft: Draft) -> None:
    """Check the day's limit again within the transaction: several answers may come at once. Raises AnswerRefused."""
    limits, size = AnswerLimits.of(stored_profile(seat.box.profile)), sum(one.size for one in draft.documents)
    left = left_today(desk, conn, seat, limits) if size else None
    if left is not None and size > left:
        raise AnswerRefused(TooMuch.DAY, limits.daily_bytes)


def _brought(conn: Connection, seat: Seat, draft: Draft) -> tuple[str, ...]:
    """The uploads of this answer are sent, each once; their blob files. Raises UploadGone."""
    if not draft.uploads:
        return ()
    taken = take_uploads(conn, seat.box.namespace, seat.guest.id, draft.uploads)
    if taken is None:
        raise UploadGone("an upload was sent with another answer")
    return taken


def _news(desk: Desk, seat: Seat, key: BoxKey, only_for: str) -> list[PreparedInvitation]:
    """Notices to everybody who may read the new message, but the owner, who gets it whole. Blocks."""
    box = seat.box
    people = desk.db.read_now(lambda conn: participants_of(conn, box.namespace, box.id))
    now = desk.clock()
    told = (one for one in people if _is_told(one, seat, only_for))
    return [desk.inviter.prepare_again(box, key, one, seat.documents, now, what="news") for one in told]


def _reads(conn: Connection, seat: Seat, only_for: str) -> bool:
    """Whether the one guest it is written for can read it; true where it is for everybody."""
    if not only_for:
        return True
    guest = get_participant(conn, seat.box.namespace, only_for)
    if guest is None or guest.box_id != seat.box.id or guest.role is not Role.GUEST:
        return False
    return guest.removed_at is None and guest.recalled_at is None and guest.state is not GuestState.DECLINED


def _is_told(person: ParticipantRow, seat: Seat, only_for: str) -> bool:
    """Whether somebody takes part who reads what this one writes."""
    if person.id == seat.guest.id or person.role is Role.OWNER or person.state is GuestState.DECLINED:
        return False
    if person.removed_at is not None or person.recalled_at is not None:
        return False
    if only_for and person.role is Role.GUEST:
        return person.id == only_for
    from_above = seat.guest.role in _ABOVE
    to_all = stored_profile(seat.box.profile).participants.replies is Replies.ALL
    return from_above or to_all or person.role is not Role.GUEST


def _still_open(conn: Connection, box: BoxRow, guest_id: str, now: datetime) -> bool:
    """Whether the box takes it now; a late answer keeps it open longer."""
    guest = get_participant(conn, box.namespace, guest_id)
    if guest is None or guest.state is GuestState.DECLINED:
        return False
    if guest.removed_at is not None or guest.recalled_at is not None:
        return False
    if not may(state_at(box.state, box.closes_at, box.deletes_at, now), Act.ANSWER):
        return False
    profile = stored_profile(box.profile)
    late = min(now + profile.life.late_reply, longest_open(profile, box.created_at))
    closes_at = max(box.closes_at, late)
    deletes_at = until_deleted(profile, closes_at)
    values = {"closes_at": closes_at, "deletes_at": deletes_at}
    if closes_at != box.closes_at:
        values["expiring_at"] = expiring_at(profile, deletes_at, now)
    return move_box(conn, box.namespace, box.id, frozenset({BoxState.OPEN}), **values)


def _mail(
    desk: Desk, seat: Seat, key: BoxKey, draft: Draft, mail_bytes: int
) -> tuple[Posted, Sequence[tuple[str, int]]]:
    """The mail to the owner, sealed, and what does not fit into it (name, bytes). Blocks.

    An owner who is none of ours any more (their domain was given up) gets it in a SafeBox, as guests do: ordinary mail
    would carry what guests write, and what they quote, out over the internet.
    """
    attached: list[Attached] = []
    kept: list[tuple[str, int]] = []
    left = mail_bytes - len(draft.text.encode("utf-8", "replace"))
    for document in draft.documents:
        if document.size <= left:
            attached.append(_attached(desk, key, document))
            left -= document.size
        else:
            kept.append((facts_of(document, key)["name"], document.size))
    box: BoxRow = seat.box
    notice = desk.composer.answer(
        correspondence_in_languages(desk.db, key, box, seat.guest), draft.text, attached, kept, desk.clock()
    )
    is_ours = desk.post.is_ours(box.owner)
    posted = desk.post.seal(
        box.namespace,
        notice,
        owner=box.owner if is_ours else desk.composer.voice.address,
        what="answer",
        box_id=box.id,
        participant_id=seat.guest.id,
        kind=Kind.ANSWER,
        in_safebox=not is_ours,
    )
    return posted, kept


def _attached(desk: Desk, key: BoxKey, document: DocumentRow) -> Attached:
    reader = read_document(document, key, desk.blobs)
    assert reader is not None, "a document that was just written is there"
    try:
        return Attached(reader.name, reader.type, b"".join(reader.read(0, reader.size)))
    finally:
        reader.close()
