"""What changes of the people in SafeBoxes: removed, recalled, consented, reminded. Every query is scoped."""

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, select, update

from delivery.store.boxes import BoxRow, BoxState, GuestState, Role, box_of
from delivery.store.schema_boxes import boxes, participants


def set_removed(conn: Connection, namespace: str, participant_id: str, now: datetime) -> bool:
    """Somebody takes part no more. False: they did not any more."""
    return _change(conn, namespace, participant_id, participants.c.removed_at.is_(None), removed_at=now)


def restore_participant(conn: Connection, namespace: str, participant_id: str) -> bool:
    """Let somebody who was removed take part again. False: they were not removed."""
    gone = participants.c.removed_at.is_not(None)
    return _change(conn, namespace, participant_id, gone, removed_at=None, state=GuestState.INVITED)


def recall_guest(conn: Connection, namespace: str, participant_id: str, now: datetime, reason: bytes | None) -> bool:
    """Recall the box from one participant, with the sealed reason. False: it was recalled from them before."""
    values = {"recalled_at": now, "recall_reason_sealed": reason}
    return _change(conn, namespace, participant_id, participants.c.recalled_at.is_(None), **values)


def set_consent(conn: Connection, namespace: str, participant_id: str, version: str, now: datetime) -> bool:
    """Note that they accepted this version of the text. False: they had accepted it before."""
    is_new = participants.c.consented_version.is_(None) | (participants.c.consented_version != version)
    return _change(conn, namespace, participant_id, is_new, consented_version=version, consented_at=now)


def count_reminder(conn: Connection, namespace: str, participant_id: str, most: int) -> bool:
    """Count one more reminder. False: they had `most`, have opened the box, or no longer take part."""
    waits = participants.c.state.in_((GuestState.INVITED, GuestState.NOTIFIED))
    here = participants.c.removed_at.is_(None) & participants.c.recalled_at.is_(None)
    open_ = waits & here & (participants.c.reminders < most)
    return _change(conn, namespace, participant_id, open_, reminders=participants.c.reminders + 1)


def due_to_remind(conn: Connection, now: datetime, limit: int) -> tuple[BoxRow, ...]:
    """Boxes with reminders due, the longest due first."""
    query = select(boxes).where(boxes.c.remind_at <= now).order_by(boxes.c.remind_at).limit(limit)
    return tuple(box for row in conn.execute(query) if (box := box_of(row)))


def set_next_reminder(
    conn: Connection, namespace: str, box_id: str, was: datetime | None, then: datetime | None
) -> bool:
    """Set the time of the next reminder to `then` (None: no more). False: it is no longer `was`; another worker was
    first.
    """
    where = (boxes.c.namespace == namespace, boxes.c.id == box_id, boxes.c.remind_at == was)
    return conn.execute(update(boxes).where(*where).values(remind_at=then)).rowcount == 1


def due_to_expire(conn: Connection, now: datetime, limit: int) -> tuple[BoxRow, ...]:
    """Boxes whose guests are to be told that the content is deleted soon, the longest due first."""
    query = select(boxes).where(boxes.c.expiring_at <= now).order_by(boxes.c.expiring_at).limit(limit)
    return tuple(box for row in conn.execute(query) if (box := box_of(row)))


def mark_told_of_end(conn: Connection, namespace: str, box_id: str, was: datetime | None) -> bool:
    """Note that the guests have been told of the deletion. False: the time for it is no longer `was`; another worker
    was first.
    """
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
