"""The audit chain: one link for each event, a digest over the event and the link before it.

Acts insert their events unchained, so that none waits for another; one process chains what is committed. What can be
erased for a person's sake (`persons`) is no part of an event's digest: its salted commitment is.
"""

import hashlib
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from sqlalchemy import BigInteger, Connection, Row, Text, cast, func, insert, select, type_coerce, update

from delivery.store.schema_audit import audit_checkpoints, audit_events, audit_links, audit_shipments
from delivery.store.statements import Statement

GENESIS: Final = bytes(32)  # what stands before the first link
_LABEL: Final = b"sealgate/audit-link/1\0"
_LENGTH: Final = struct.Struct(">?I")  # is it absent? How many bytes follow?
_ABSENT: Final = _LENGTH.pack(True, 0)
_PAGE: Final = 1000  # events read at once
_IDS: Final = 500  # in one statement

_EVENT: Final = audit_events.c
_INSERT: Final = Statement(insert(audit_links), ["number", "event_id", "link"])

# As they lie in the database: what is digested must not depend on how a driver reads JSON.
_DIGESTED: Final = (
    _EVENT.event,
    _EVENT.namespace,
    type_coerce(_EVENT.at, BigInteger).label("at_raw"),
    _EVENT.kind,
    _EVENT.message_id,
    _EVENT.item_id,
    _EVENT.box_id,
    _EVENT.participant_id,
    _EVENT.decision_id,
    cast(_EVENT.facts, Text).label("facts_raw"),
    cast(_EVENT.commitments, Text).label("commitments_raw"),
    _EVENT.sealed,
)


@dataclass(frozen=True, slots=True)
class Unlinked:
    """A committed event that is in no chain yet. `id`: its row; `digest`: SHA-256 of what may never change of it."""

    id: int
    digest: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Head:
    """The end of the chain: how many links it has, and the last of them."""

    number: int = 0
    link: bytes = GENESIS


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A signed statement: at that time the chain had `number` links, the last of them `link` (32 bytes).

    `complete`: every event up to that row is in the chain; from there a process that takes over looks for others.
    """

    number: int
    link: bytes
    at: datetime
    complete: int
    key_id: str
    signature: bytes


@dataclass(frozen=True, slots=True)
class Linked:
    """One link as it lies there, with its event. `digest` is None where the event is gone."""

    number: int
    link: bytes
    event_id: int
    event: str | None
    digest: bytes | None
    persons: Any = field(repr=False)
    commitments: Any = field(repr=False)


def next_link(head: Head, digest: bytes) -> Head:
    """The link after `head`, for an event with this digest."""
    number = head.number + 1
    return Head(number, hashlib.sha256(_LABEL + head.link + struct.pack(">Q", number) + digest).digest())


def _digest(row: Row[Any]) -> bytes:
    """SHA-256 over every lasting field, each with its length before it, so that none can pass into the next."""
    whole = []
    for value in (
        row.event, row.namespace, str(row.at_raw), row.kind, row.message_id, row.item_id, row.box_id,
        row.participant_id, row.decision_id, row.facts_raw, row.commitments_raw,
    ):  # fmt: skip
        if value is None:
            whole.append(_ABSENT)
        else:
            octets = value.encode("utf-8", "surrogatepass")
            whole += (_LENGTH.pack(False, len(octets)), octets)
    if row.sealed is not None:
        whole.append(hashlib.sha256(row.sealed).digest())
    return hashlib.sha256(b"".join(whole)).digest()


def head(conn: Connection) -> Head:
    """The chain's end as it is committed."""
    columns = audit_links.c
    row = conn.execute(select(columns.number, columns.link).order_by(columns.number.desc()).limit(1)).first()
    return Head() if row is None else Head(row.number, bytes(row.link))


def newest_linked(conn: Connection, complete: int) -> tuple[int, list[int]]:
    """The highest row of an event that is linked, and the rows after `complete` and before it that are not there yet.

    An event of a row between that is there but not linked counts as not there, too: `unlinked` gives it.
    """
    newest = conn.execute(select(func.max(audit_links.c.event_id))).scalar() or complete
    if conn.dialect.name == "sqlite" or newest <= complete:  # SQLite commits rows in their order
        return max(newest, complete), []
    have = select(audit_links.c.event_id).where(audit_links.c.event_id > complete, audit_links.c.event_id < newest)
    linked = set(conn.execute(have).scalars())
    return newest, [row for row in range(complete + 1, newest) if row not in linked]


def unlinked(conn: Connection, after: int, gaps: Sequence[int] = (), limit: int = _PAGE) -> list[Unlinked]:
    """Committed events without a link: rows after `after`, in their order, and those of `gaps` that are there now."""
    there = select(audit_links.c.event_id).where(audit_links.c.event_id == _EVENT.id).exists()
    query = select(_EVENT.id, *_DIGESTED).where(~there).order_by(_EVENT.id).limit(limit)
    rows = [
        row
        for at in range(0, len(gaps), _IDS)
        for row in conn.execute(query.where(_EVENT.id.in_(gaps[at : at + _IDS])))
    ]
    rows += conn.execute(query.where(_EVENT.id > after))
    return [Unlinked(row.id, _digest(row)) for row in rows]


def append(conn: Connection, before: Head, events: Sequence[Unlinked]) -> Head:
    """Chain events after `before`; the new end. Raises StoreConflict where another process chained meanwhile."""
    rows, end = [], before
    for event in events:
        end = next_link(end, event.digest)
        rows.append({"number": end.number, "event_id": event.id, "link": end.link})
    if rows:
        _INSERT.insert_each(conn, rows)
    return end


def walk(conn: Connection, after: int = 0) -> Iterator[Linked]:
    """Every link after number `after`, in order, each with its event."""
    columns = audit_links.c
    joined = audit_links.outerjoin(audit_events, columns.event_id == _EVENT.id)
    query = (
        select(columns.number, columns.link, columns.event_id, _EVENT.persons, _EVENT.commitments, *_DIGESTED)
        .select_from(joined)
        .order_by(columns.number)
        .limit(_PAGE)
    )
    while rows := conn.execute(query.where(columns.number > after)).all():
        for row in rows:
            gone = row.event is None
            yield Linked(
                number=row.number,
                link=bytes(row.link),
                event_id=row.event_id,
                event=row.event,
                digest=None if gone else _digest(row),
                persons=row.persons,
                commitments=row.commitments,
            )
        after = rows[-1].number


def waiting(conn: Connection, before: datetime) -> tuple[int, int]:
    """Events in no chain: how many in all, and how many of them are older than `before`."""
    there = select(audit_links.c.event_id).where(audit_links.c.event_id == _EVENT.id).exists()
    count = select(func.count()).select_from(audit_events).where(~there)
    return conn.execute(count).scalar() or 0, conn.execute(count.where(_EVENT.at < before)).scalar() or 0


# -- checkpoints ---------------------------------------------------------------------------------------------------


def add_checkpoint(conn: Connection, made: Checkpoint) -> None:
    """Keep a checkpoint."""
    conn.execute(
        insert(audit_checkpoints).values(
            number=made.number,
            link=made.link,
            at=made.at,
            complete=made.complete,
            key_id=made.key_id,
            signature=made.signature,
        )
    )


def last_checkpoint(conn: Connection) -> Checkpoint | None:
    """The newest checkpoint; None: there is none."""
    row = conn.execute(select(audit_checkpoints).order_by(audit_checkpoints.c.number.desc()).limit(1)).first()
    return None if row is None else _checkpoint(row)


def checkpoints(conn: Connection, after: int = 0, limit: int | None = None) -> list[Checkpoint]:
    """Those of more than `after` links, oldest first."""
    query = select(audit_checkpoints).where(audit_checkpoints.c.number > after).order_by(audit_checkpoints.c.number)
    return [_checkpoint(row) for row in conn.execute(query.limit(limit))]


def _checkpoint(row: Row[Any]) -> Checkpoint:
    return Checkpoint(row.number, bytes(row.link), row.at, row.complete, row.key_id, bytes(row.signature))


def shipped(conn: Connection, destination: str) -> int:
    """The number of the last checkpoint that a destination has; 0: none."""
    columns = audit_shipments.c
    return conn.execute(select(columns.number).where(columns.destination == destination)).scalar() or 0


def note_shipped(conn: Connection, destination: str, number: int) -> None:
    """A destination has the checkpoints up to `number`."""
    columns = audit_shipments.c
    changed = conn.execute(update(audit_shipments).where(columns.destination == destination).values(number=number))
    if changed.rowcount == 0:
        conn.execute(insert(audit_shipments).values(destination=destination, number=number))
