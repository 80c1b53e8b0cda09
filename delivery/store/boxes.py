"""SafeBoxes in the database: boxes, participants, links. Every query is scoped by namespace; rows never leave here.

What the boxes hold is in `box_contents.py`; what changes of a participant is in `box_people.py`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import Connection, Row, bindparam, insert, or_, select, update

from delivery.store import proofs
from delivery.store.schema_boxes import boxes, links, participants
from delivery.store.schema_people import throttles
from delivery.store.statements import SET, Statement, insert_once, values_of
from delivery.store.throttles import AHEAD
from keys.sealing import WrappedKey


class BoxState(StrEnum):
    """Where a SafeBox stands; the moves are in delivery.safebox.lifecycle."""

    OPEN = "open"
    CLOSED = "closed"  # takes nothing more, can be read
    RECALLED = "recalled"  # taken back: cannot be read
    DELETED = "deleted"  # its key is destroyed


class Role(StrEnum):
    """What somebody is in a SafeBox."""

    OWNER = "owner"
    GUEST = "guest"
    PRIVILEGED = "privileged"  # has the rights of the owner
    COLLEAGUE = "colleague"  # of the owner's organisation: reads and answers


class GuestState(StrEnum):
    """How far a guest has come."""

    INVITED = "invited"  # the notice is in the queue
    NOTIFIED = "notified"  # a server took the notice
    BOUNCED = "bounced"  # the notice could not be delivered
    READ = "read"
    ANSWERED = "answered"
    DECLINED = "declined"  # "not meant for me"


@dataclass(frozen=True, slots=True)
class BoxRow:
    """One box as stored. `key` is None once it is destroyed."""

    id: str
    namespace: str
    message_id: str
    audience: str
    profile_name: str
    profile: Mapping[str, Any]
    owner: str = field(repr=False)
    owner_name_sealed: bytes | None = field(repr=False)
    subject_sealed: bytes | None = field(repr=False)
    owner_message_id_sealed: bytes | None = field(repr=False)
    state: BoxState
    by_fallback: bool
    created_at: datetime
    acted_at: datetime  # when somebody last did something with it; what time does is no act
    closes_at: datetime
    deletes_at: datetime | None
    key: WrappedKey | None = field(repr=False)
    closed_at: datetime | None = None
    deleted_at: datetime | None = None
    recalled_at: datetime | None = None
    recall_reason_sealed: bytes | None = field(default=None, repr=False)
    remind_at: datetime | None = None
    expiring_at: datetime | None = None
    replies: int = 0
    openings: int = 0
    asks: int = 0


@dataclass(frozen=True, slots=True)
class ParticipantRow:
    """One participant as stored. `reference` is a keyed digest."""

    id: str
    box_id: str
    namespace: str
    address: str = field(repr=False)
    address_key: str = field(repr=False)
    name_sealed: bytes | None = field(repr=False)
    role: Role
    state: GuestState
    reference: bytes = field(repr=False)
    reference_sealed: bytes | None = field(repr=False)
    created_at: datetime
    by_fallback: bool = False  # invited because a partner could not be reached with proof
    locked_at: datetime | None = None
    released_at: datetime | None = None
    alias_sealed: bytes | None = field(default=None, repr=False)
    removed_at: datetime | None = None
    recalled_at: datetime | None = None
    recall_reason_sealed: bytes | None = field(default=None, repr=False)
    consented_at: datetime | None = None
    consented_version: str | None = None
    reminders: int = 0


# --- statements of every page, compiled once ------------------------------------------------------------------------

_OF_BOX: Final = (boxes.c.namespace == bindparam("in_namespace"), boxes.c.id == bindparam("of"))
_OF_GUEST: Final = (participants.c.namespace == bindparam("in_namespace"), participants.c.id == bindparam("of"))
_GET_BOX: Final = Statement(select(boxes).where(*_OF_BOX))
_HOLD_BOX: Final = Statement(select(boxes).where(*_OF_BOX).with_for_update())
_GET_GUEST: Final = Statement(select(participants).where(*_OF_GUEST))
_BY_LINK: Final = Statement(
    select(participants)
    .join(links, links.c.participant_id == participants.c.id)
    .where(links.c.digest == bindparam("digest"), links.c.namespace == bindparam("in_namespace"))
    .where(participants.c.namespace == bindparam("in_namespace"), participants.c.role != Role.OWNER.value)
)
_ALL_IN: Final = Statement(
    select(participants)
    .where(participants.c.namespace == bindparam("in_namespace"), participants.c.box_id == bindparam("of"))
    .order_by(participants.c.created_at, participants.c.id)
)
_MOVE_GUEST: Final = Statement(
    update(participants)
    .where(*_OF_GUEST, participants.c.role != Role.OWNER.value)
    .where(participants.c.state.in_(bindparam(SET, expanding=True)))
    .values(state=bindparam("target"))
)
_TOUCH: Final = Statement(
    update(boxes).where(*_OF_BOX, boxes.c.acted_at < bindparam("now")).values(acted_at=bindparam("now"))
)
_TELL: Final = insert_once(throttles, throttles.c.keys())
_ADD_BOX: Final = insert_once(
    boxes,
    [
        *(one.name for one in fields(BoxRow) if one.name != "key"),
        "dek_format",
        "dek_key_id",
        "dek_wrapped",
        "dek_commitment",
    ],
)
_ADD_PARTICIPANT: Final = insert_once(participants, [one.name for one in fields(ParticipantRow)])
_ADD_LINK: Final = Statement(insert(links), ["digest", "namespace", "participant_id", "created_at"])
_FIND_BOX: Final = Statement(
    select(boxes).where(
        boxes.c.namespace == bindparam("in_namespace"),
        boxes.c.message_id == bindparam("message"),
        boxes.c.profile_name == bindparam("profile"),
        boxes.c.audience == bindparam("for_audience"),
    )
)
_TELL_AGAIN: Final = Statement(
    update(throttles)
    .where(throttles.c.key == bindparam("of"), throttles.c.namespace == bindparam("in_namespace"))
    .where(or_(throttles.c.window_at <= bindparam("since"), throttles.c.window_at > bindparam("ahead")))
    .values(window_at=bindparam("now"), count=throttles.c.count + 1)
)


# --- writing --------------------------------------------------------------------------------------------------------


def insert_box(conn: Connection, box: BoxRow) -> bool:
    """Make the box. False: the message has one for this profile and audience already."""
    values = values_of(box)
    del values["key"]
    return _ADD_BOX.run(conn, {**values, **_key_values(box.key)}) == 1


def insert_participant(conn: Connection, participant: ParticipantRow) -> bool:
    """Add a participant. False: the address takes part already."""
    return _ADD_PARTICIPANT.run(conn, values_of(participant)) == 1


def insert_link(conn: Connection, namespace: str, participant_id: str, digest: bytes, now: datetime) -> None:
    """Add a link by the digest of its token."""
    _ADD_LINK.run(conn, {"digest": digest, "namespace": namespace, "participant_id": participant_id, "created_at": now})


def move_box(
    conn: Connection,
    namespace: str,
    box_id: str,
    sources: frozenset[BoxState],
    *,
    closing_at: datetime | None = None,
    **values: Any,
) -> bool:
    """Change a box (`state` and times in `values`) if it is in one of `sources`, and still closes at `closing_at`,
    where that is given. False: somebody else was first.
    """
    where = [boxes.c.namespace == namespace, boxes.c.id == box_id, boxes.c.state.in_(sources)]
    if closing_at is not None:
        where.append(boxes.c.closes_at == closing_at)
    return conn.execute(update(boxes).where(*where).values(**values)).rowcount == 1


def touch_box(conn: Connection, namespace: str, box_id: str, now: datetime) -> None:
    """Somebody did something with it. Locks the box's row: take it before anything of its people is changed."""
    _TOUCH.run(conn, {"in_namespace": namespace, "of": box_id, "now": now})


def move_guest(
    conn: Connection, namespace: str, participant_id: str, sources: frozenset[GuestState], target: GuestState
) -> bool:
    """Change a guest's state if it is one of `sources`."""
    values = {"in_namespace": namespace, "of": participant_id, "target": target.value}
    return _MOVE_GUEST.run_for(conn, sorted(source.value for source in sources), values) == 1


def set_lock(conn: Connection, namespace: str, participant_id: str, locked_at: datetime | None) -> bool:
    """Lock (if not locked) or unlock (if locked) a guest. False: nothing changed."""
    was = participants.c.locked_at.is_(None) if locked_at else participants.c.locked_at.is_not(None)
    where = (participants.c.namespace == namespace, participants.c.id == participant_id, was)
    return conn.execute(update(participants).where(*where).values(locked_at=locked_at)).rowcount == 1


def set_released(conn: Connection, namespace: str, participant_id: str, now: datetime) -> bool:
    """Let a mailed code suffice. False: it did already."""
    where = (
        participants.c.namespace == namespace,
        participants.c.id == participant_id,
        participants.c.released_at.is_(None),
    )
    return conn.execute(update(participants).where(*where).values(released_at=now)).rowcount == 1


def told_lately(conn: Connection, namespace: str, key: str, since: datetime, now: datetime) -> bool:
    """Whether `key` (what was told to whom) was said after `since`; if not, it counts as said `now`."""
    values = {"key": key, "namespace": namespace, "window_at": now, "count": 1, "locked_until": None, "locks": 0}
    if _TELL.run(conn, values) == 1:
        return False
    again = {"of": key, "in_namespace": namespace, "since": since, "ahead": now + AHEAD, "now": now}
    return _TELL_AGAIN.run(conn, again) == 0


def destroy_key(conn: Connection, namespace: str, box_id: str) -> None:
    """Destroy the box's wrapped DEK, then every sealed value of box and participants."""
    where = (boxes.c.namespace == namespace, boxes.c.id == box_id)
    conn.execute(update(boxes).where(*where).values(**_key_values(None)))
    gone = {"owner_name_sealed": None, "subject_sealed": None, "owner_message_id_sealed": None}
    conn.execute(
        update(boxes).where(*where).values(**gone, recall_reason_sealed=None, remind_at=None, expiring_at=None)
    )
    proofs.destroy(conn, namespace, box_id)
    sealed = update(participants).where(participants.c.namespace == namespace, participants.c.box_id == box_id)
    conn.execute(sealed.values(name_sealed=None, reference_sealed=None, alias_sealed=None, recall_reason_sealed=None))


# --- reading --------------------------------------------------------------------------------------------------------


def find_box(conn: Connection, namespace: str, message_id: str, profile_name: str, audience: str) -> BoxRow | None:
    """The box of a message for one profile and audience."""
    wanted = {"in_namespace": namespace, "message": message_id, "profile": profile_name, "for_audience": audience}
    found = _FIND_BOX.row(conn, wanted)
    return None if found is None else _box(found)


def get_box(conn: Connection, namespace: str, box_id: str, *, hold: bool = False) -> BoxRow | None:
    """A box by id. `hold`: nobody else changes it until this transaction ends, so of two acts at once one sees what the
    other did. (SQLite has one writer anyway.)
    """
    found = (_HOLD_BOX if hold else _GET_BOX).row(conn, {"in_namespace": namespace, "of": box_id})
    return None if found is None else _box(found)


def list_boxes(
    conn: Connection, namespace: str | None, states: tuple[BoxState, ...] = (), limit: int = 1000, before: str = ""
) -> tuple[BoxRow, ...]:
    """Boxes, newest first, below the id `before`; namespace None: all of them (commands only)."""
    query = select(boxes).order_by(boxes.c.id.desc()).limit(limit)
    if namespace is not None:
        query = query.where(boxes.c.namespace == namespace)
    if states:
        query = query.where(boxes.c.state.in_(states))
    if before:
        query = query.where(boxes.c.id < before)
    return tuple(box for row in conn.execute(query) if (box := box_of(row)))


def due_to_close(conn: Connection, now: datetime, limit: int) -> tuple[BoxRow, ...]:
    """Open boxes whose time of closing has come."""
    where = (boxes.c.state == BoxState.OPEN, boxes.c.closes_at <= now)
    return tuple(box for row in conn.execute(select(boxes).where(*where).limit(limit)) if (box := box_of(row)))


def due_to_delete(conn: Connection, now: datetime, limit: int) -> tuple[BoxRow, ...]:
    """Boxes whose time of deletion has come."""
    where = (boxes.c.state != BoxState.DELETED, boxes.c.deletes_at <= now)
    return tuple(box for row in conn.execute(select(boxes).where(*where).limit(limit)) if (box := box_of(row)))


def get_participant(conn: Connection, namespace: str, participant_id: str) -> ParticipantRow | None:
    """A participant by id."""
    return _participant(_GET_GUEST.row(conn, {"in_namespace": namespace, "of": participant_id}))


def namespace_of_participant(conn: Connection, participant_id: str) -> str | None:
    """Whose participant this is: for signed return addresses, whose key proves them only after this is known."""
    return conn.execute(select(participants.c.namespace).where(participants.c.id == participant_id)).scalar()


def guest_by_link(conn: Connection, namespace: str, digest: bytes) -> ParticipantRow | None:
    """The guest behind a link."""
    return _participant(_BY_LINK.row(conn, {"digest": digest, "in_namespace": namespace}))


def guest_by_reference(conn: Connection, namespace: str, reference: bytes) -> ParticipantRow | None:
    """The guest behind a reference's keyed digest."""
    where = (
        participants.c.namespace == namespace,
        participants.c.reference == reference,
        participants.c.role != Role.OWNER,
    )
    return _participant(conn.execute(select(participants).where(*where)).mappings().one_or_none())


def guests_by_address(
    conn: Connection, namespace: str, address_key: str, limit: int = 500
) -> tuple[ParticipantRow, ...]:
    """Everything an address was invited to, newest first."""
    where = (
        participants.c.namespace == namespace,
        participants.c.address_key == address_key,
        participants.c.role != Role.OWNER,
    )
    query = select(participants).where(*where).order_by(participants.c.id.desc()).limit(limit)
    return tuple(one for row in conn.execute(query).mappings() if (one := _participant(row)))


def participants_of(conn: Connection, namespace: str, box_id: str) -> tuple[ParticipantRow, ...]:
    """Everybody in a box, in the order they joined."""
    found = _ALL_IN.rows(conn, {"in_namespace": namespace, "of": box_id})
    return tuple(one for row in found if (one := _participant(row)))


def _key_values(key: WrappedKey | None) -> dict[str, Any]:
    return {
        "dek_format": key and key.format,
        "dek_key_id": key and key.key_id,
        "dek_wrapped": key and key.wrapped,
        "dek_commitment": key and key.commitment,
    }


def box_of(row: Row[Any] | None) -> BoxRow | None:
    """The box of a row."""
    return None if row is None else _box(dict(row._mapping))


def _box(values: dict[str, Any]) -> BoxRow:
    parts = [values.pop(f"dek_{name}") for name in ("format", "key_id", "wrapped", "commitment")]
    values["key"] = WrappedKey(*parts) if parts[2] is not None else None
    values["state"] = BoxState(values["state"])
    return BoxRow(**values)


def _participant(row: Mapping[Any, Any] | None) -> ParticipantRow | None:
    if row is None:
        return None
    values = dict(row)
    values["role"] = Role(values["role"])
    values["state"] = GuestState(values["state"])
    return ParticipantRow(**values)
