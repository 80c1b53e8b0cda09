"""The SafeBoxes that somebody keeps or takes part in, in pages, by the state that time has them in."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

from sqlalchemy import ColumnElement, Connection, and_, func, or_, select, true

from delivery.store.boxes import BoxRow, BoxState, Role, box_of
from delivery.store.schema_boxes import boxes, participants


class Shown(StrEnum):
    """Which of them a list shows."""

    OPEN = "open"
    CLOSED = "closed"
    RECALLED = "recalled"  # taken back
    DELETED = "deleted"
    ALL = "all"


def boxes_kept(
    conn: Connection, namespace: str, address_key: str, shown: Shown, now: datetime, *, most: int, skip: int
) -> tuple[BoxRow, ...]:
    """One page of them, newest first."""
    query = select(boxes).where(_mine(namespace, address_key), _in_state(shown, now))
    rows = conn.execute(query.order_by(boxes.c.id.desc()).limit(most).offset(skip))
    return tuple(box for row in rows if (box := box_of(row)))


def counts_kept(conn: Connection, namespace: str, address_key: str, now: datetime) -> Mapping[Shown, int]:
    """How many a list of each kind has."""
    mine = _mine(namespace, address_key)
    counts: dict[Shown, int] = {
        shown: conn.execute(select(func.count()).select_from(boxes).where(mine, _in_state(shown, now))).scalar_one()
        for shown in Shown
        if shown is not Shown.ALL
    }
    return {**counts, Shown.ALL: sum(counts.values())}


def _mine(namespace: str, address_key: str) -> ColumnElement[bool]:
    """Owned, kept with the owner's rights, or taken part in as a colleague; guests have their own way."""
    found = select(participants.c.box_id).where(
        participants.c.namespace == namespace,
        participants.c.address_key == address_key,
        participants.c.role != Role.GUEST,
        participants.c.removed_at.is_(None),
    )
    return and_(boxes.c.namespace == namespace, boxes.c.id.in_(found))


def _in_state(shown: Shown, now: datetime) -> ColumnElement[bool]:
    """As `lifecycle.state_at` says: a box whose hour has come moves before that is written down."""
    gone = or_(boxes.c.state == BoxState.DELETED, and_(boxes.c.deletes_at.is_not(None), boxes.c.deletes_at <= now))
    stays = or_(boxes.c.deletes_at.is_(None), boxes.c.deletes_at > now)
    match shown:
        case Shown.DELETED:
            return gone
        case Shown.RECALLED:
            return and_(boxes.c.state == BoxState.RECALLED, stays)
        case Shown.OPEN:
            return and_(boxes.c.state == BoxState.OPEN, boxes.c.closes_at > now, stays)
        case Shown.CLOSED:
            over = and_(boxes.c.state == BoxState.OPEN, boxes.c.closes_at <= now)
            return and_(or_(boxes.c.state == BoxState.CLOSED, over), stays)
        case Shown.ALL:
            return true()
