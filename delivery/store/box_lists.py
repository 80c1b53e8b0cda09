"""The SafeBoxes that somebody keeps or takes part in, in pages, by the state that time has them in."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import StrEnum

from sqlalchemy import ColumnElement, Connection, and_, case, func, or_, select, true

from delivery.store.box_news import has_news, looked_by
from delivery.store.boxes import BoxRow, BoxState, GuestState, Role, box_of
from delivery.store.schema_boxes import box_looks, boxes, participants
from delivery.store.schema_people import proofs


class BoxFilter(StrEnum):
    """Which of them a list shows."""

    NEW = "new"  # something happened since this one last looked
    HELP = "help"  # somebody in it cannot go on without its keepers
    OPEN = "open"
    CLOSED = "closed"
    RECALLED = "recalled"  # taken back
    DELETED = "deleted"
    ALL = "all"


def boxes_kept(
    conn: Connection, namespace: str, address_key: str, shown: BoxFilter, now: datetime, *, most: int, skip: int
) -> tuple[BoxRow, ...]:
    """One page of them, those first with which somebody did something last."""
    query = select(boxes).select_from(boxes.outerjoin(box_looks, looked_by(address_key)))
    query = query.where(_mine(namespace, address_key), _in_list(shown, now))
    rows = conn.execute(query.order_by(boxes.c.acted_at.desc(), boxes.c.id.desc()).limit(most).offset(skip))
    return tuple(box for row in rows if (box := box_of(row)))


def counts_kept(conn: Connection, namespace: str, address_key: str, now: datetime) -> Mapping[BoxFilter, int]:
    """How many a list of each kind has, counted in one go."""
    joined = boxes.outerjoin(box_looks, looked_by(address_key))
    counts = (func.coalesce(func.sum(case((_in_list(shown, now), 1), else_=0)), 0).label(shown) for shown in BoxFilter)
    row = conn.execute(select(*counts).select_from(joined).where(_mine(namespace, address_key))).one()
    return {shown: int(row._mapping[shown]) for shown in BoxFilter}


def helpless_in(conn: Connection, namespace: str, box_ids: Iterable[str]) -> Mapping[str, int]:
    """How many guests of each of these boxes cannot go on without its keepers; boxes without any are left out."""
    query = select(participants.c.box_id, func.count()).where(
        participants.c.namespace == namespace, participants.c.box_id.in_(tuple(box_ids)), _helpless()
    )
    return {box_id: int(number) for box_id, number in conn.execute(query.group_by(participants.c.box_id))}


def _helpless() -> ColumnElement[bool]:
    """A guest whose notice came back, who is locked, whose number waits for a word, or whom only a release lets in."""
    told = select(proofs.c.participant_id).where(
        proofs.c.participant_id == participants.c.id,
        proofs.c.phone_sealed.is_not(None),
        proofs.c.phone_confirmed_at.is_(None),
    )
    unseen = participants.c.state.in_((GuestState.INVITED, GuestState.NOTIFIED, GuestState.BOUNCED))
    return and_(
        participants.c.role == Role.GUEST,
        participants.c.removed_at.is_(None),
        participants.c.recalled_at.is_(None),
        participants.c.state != GuestState.DECLINED,
        or_(
            participants.c.state == GuestState.BOUNCED,
            participants.c.locked_at.is_not(None),
            and_(participants.c.by_fallback.is_(True), participants.c.released_at.is_(None), unseen),
            told.exists(),
        ),
    )


def _mine(namespace: str, address_key: str) -> ColumnElement[bool]:
    """Owned, kept with the owner's rights, or taken part in as a colleague; guests have their own way."""
    found = select(participants.c.box_id).where(
        participants.c.namespace == namespace,
        participants.c.address_key == address_key,
        participants.c.role != Role.GUEST,
        participants.c.removed_at.is_(None),
    )
    return and_(boxes.c.namespace == namespace, boxes.c.id.in_(found))


def _in_list(shown: BoxFilter, now: datetime) -> ColumnElement[bool]:
    match shown:
        case BoxFilter.NEW:
            return has_news()
        case BoxFilter.HELP:
            found = select(participants.c.id).where(participants.c.box_id == boxes.c.id, _helpless())
            return and_(or_(_in_state(BoxFilter.OPEN, now), _in_state(BoxFilter.CLOSED, now)), found.exists())
        case _:
            return _in_state(shown, now)


def _in_state(shown: BoxFilter, now: datetime) -> ColumnElement[bool]:
    """As `lifecycle.state_at` says: a box whose hour has come moves before that is written down."""
    gone = or_(boxes.c.state == BoxState.DELETED, and_(boxes.c.deletes_at.is_not(None), boxes.c.deletes_at <= now))
    stays = or_(boxes.c.deletes_at.is_(None), boxes.c.deletes_at > now)
    match shown:
        case BoxFilter.DELETED:
            return gone
        case BoxFilter.RECALLED:
            return and_(boxes.c.state == BoxState.RECALLED, stays)
        case BoxFilter.OPEN:
            return and_(boxes.c.state == BoxState.OPEN, boxes.c.closes_at > now, stays)
        case BoxFilter.CLOSED:
            over = and_(boxes.c.state == BoxState.OPEN, boxes.c.closes_at <= now)
            return and_(or_(boxes.c.state == BoxState.CLOSED, over), stays)
        case _:
            return true()
