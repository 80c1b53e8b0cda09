"""What changes of the people in SafeBoxes: removed, recalled, consented, reminded. Every query is scoped."""

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, select, update

from delivery.store.boxes import BoxRow, BoxState, GuestState, Role, box_of
from delivery.store.schema_boxes import boxes, participants


def set_removed(conn: Connection, namespace: str, participant_id: str, now: datetime) -> bool:
    """Somebody takes part no more. False: they did not any more."""
    return _change(conn, namespace, participant_id, participants.c.removed_at.is_(None), removed_at=now)


def bring_back(conn: Connection, namespace: str, participant_id: str) -> bool:
    """Somebody who was removed takes part again. False: they do."""
    gone = participants.c.removed_at.is_not(None)
    return _change(conn, namespace, participant_id, gone, removed_at=None, state=GuestState.INVITED)


def recall_guest(conn: Connection, namespace: str, participant_id: str, now: datetime, reason: bytes | None) -> bool:
    """Take the box back for one participant. False: it was before."""
    values = {"recalled_at": now, "recall_reason_sealed": reason}
    return _change(conn, namespace, participant_id, participants.c.recalled_at.is_(None), **values)


def set_consent(conn: Connection, namespace: str, participant_id: str, version: str, now: datetime) -> bool:
    """They accepted this version of the text. False: they had."""
    is_new = participants.c.consented_version.is_(None) | (participants.c.consented_version != version)
    return _change(conn, namespace, participant_id, is_new, consented_version=version, consented_at=now)


def count_reminder(conn: Connection, namespace: str, participant_id: str, most: int) -> bool:
    """One more reminder. False: they had `most`, or have opened it meanwhile."""
    waits = participants.c.state.in_((GuestState.INVITED, GuestState.NOTIFIED))
    here = participants.c.removed_at.is_(None) & participants.c.recalled_at.is_(None)
    open_ = waits & here & (participants.c.reminders < most)
    return _change(conn, namespace, participant_id, open_, reminders=participants.c.reminders + 1)


def due_to_remind(conn: Connection, now: datetime, limit: int) -> tuple[BoxRow, ...]:
    """Boxes with reminders due, the longest due first."""
    query = select(boxes).where(boxes.c.remind_at <= now).order_by(boxes.c.remind_at).limit(limit)
    return tuple(box for row in conn.execute(query) if (box := box_of(row)))


def next_reminder(conn: Connection, namespace: str, box_id: str, was: datetime | None, then: datetime | None) -> bool:
    """Set when to remind next, if nobody else has since `was`."""
    where = (boxes.c.namespace == namespace, boxes.c.id == box_id, boxes.c.remind_at == was)
    return conn.execute(update(boxes).where(*where).values(remind_at=then)).rowcount == 1


def due_to_expire(conn: Connection, now: datetime, limit: int) -> tuple[BoxRow, ...]:
    """Boxes whose guests are to be told that the content goes soon, the longest due first."""
    query = select(boxes).where(boxes.c.expiring_at <= now).order_by(boxes.c.expiring_at).limit(limit)
    return tuple(box for row in conn.execute(query) if (box := box_of(row)))


def told_of_end(conn: Connection, namespace: str, box_id: str, was: datetime | None) -> bool:
    """Its guests are told that the content goes, and are not again, if nobody else told them since `was`."""
    where = (boxes.c.namespace == namespace, boxes.c.id == box_id, boxes.c.expiring_at == was)
    return conn.execute(update(boxes).where(*where).values(expiring_at=None)).rowcount == 1


def boxes_with(
    conn: Connection, namespace: str, address_key: str, states: tuple[BoxState, ...] = (), limit: int = 1000
) -> tuple[BoxRow, ...]:
    """Boxes that an address keeps or takes part in as a colleague, newest first."""
    mine = select(participants.c.box_id).where(
        participants.c.namespace == namespace,
        participants.c.address_key == address_key,
        participants.c.role != Role.GUEST,
        participants.c.removed_at.is_(None),
    )
    query = select(boxes).where(boxes.c.namespace == namespace, boxes.c.id.in_(mine))
    if states:
        query = query.where(boxes.c.state.in_(states))
    rows = conn.execute(query.order_by(boxes.c.id.desc()).limit(limit))
    return tuple(box for row in rows if (box := box_of(row)))


def _change(conn: Connection, namespace: str, participant_id: str, if_: ColumnElement[bool], **values: Any) -> bool:
    where = (
        participants.c.namespace == namespace,
        participants.c.id == participant_id,
        participants.c.role != Role.OWNER,
        if_,
    )
    return conn.execute(update(participants).where(*where).values(**values)).rowcount == 1
