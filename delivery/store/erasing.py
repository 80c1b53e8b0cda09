"""Forgetting what the trail knows of people: values go with their salts, commitments stay, and the chain holds."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Select, delete, func, select, update

from delivery.store.audit import document_field
from delivery.store.schema_audit import audit_checkpoints, audit_events
from delivery.store.schema_boxes import box_documents, box_messages, participants
from delivery.store.schema_people import languages
from delivery.store.who import address_key

_PAGE: Final = 5000  # events looked at in one transaction
_IDS: Final = 500  # in one statement


@dataclass(frozen=True, slots=True)
class SearchProgress:
    """How far the trail was searched for a person: up to the row `last`; `ids` are the rows found so far."""

    last: int = 0
    ids: tuple[int, ...] = ()


def search_further(conn: Connection, namespace: str, value: str, looked: SearchProgress) -> SearchProgress:
    """Search the next 5,000 events; at the end of the trail, gives `looked` unchanged.

    In steps, since a trail may hold millions of events, which must neither keep writers waiting nor fill the memory.
    """
    rows = conn.execute(_after(namespace, looked.last).limit(_PAGE)).all()
    if not rows:
        return looked
    goes = _of_person(conn, namespace, value)
    found = (event_id for event_id, persons in rows if any(goes(*one) for one in (persons or {}).items()))
    return SearchProgress(rows[-1].id, (*looked.ids, *found))


def erase_person(conn: Connection, namespace: str, value: str, looked: SearchProgress = SearchProgress()) -> int:
    """Forget a person: in every event of the namespace, salt and value of fields that hold `value` (an address, in any
    case) go, what is kept of documents that this one wrote, and the language they chose; the commitments stay. How many
    events were touched. `looked`: which to look at, beside all that came later.
    """
    chose = (languages.c.namespace == namespace) & (languages.c.address_key == value.strip().lower())
    conn.execute(delete(languages).where(chose))
    looked = _surely(conn, looked)
    while (further := search_further(conn, namespace, value, looked)) != looked:
        looked = further
    goes = _of_person(conn, namespace, value)
    ids = [looked.ids[at : at + _IDS] for at in range(0, len(looked.ids), _IDS)]
    return sum(_erase(conn, audit_events.c.id.in_(some), goes) for some in ids)


def _surely(conn: Connection, looked: SearchProgress) -> SearchProgress:
    """So much of it as no row can come into any more: PostgreSQL commits rows in another order than their numbers."""
    if conn.dialect.name == "sqlite":
        return looked
    complete = conn.execute(select(func.max(audit_checkpoints.c.complete))).scalar() or 0
    last = min(looked.last, complete)
    return SearchProgress(last, tuple(event_id for event_id in looked.ids if event_id <= last))


def _after(namespace: str, last: int) -> Select[tuple[int, Any]]:
    columns = audit_events.c
    chosen = select(columns.id, columns.persons).where(columns.id > last, columns.namespace == namespace)
    return chosen.order_by(columns.id)


def _of_person(conn: Connection, namespace: str, value: str) -> Callable[[str, Mapping[str, Any]], bool]:
    wanted = value.casefold()
    written = {document_field(one) for one in _documents_by(conn, namespace, value)}
    return lambda name, kept: name in written or kept["value"].casefold() == wanted


def erase_documents(conn: Connection, namespace: str, box_id: str) -> int:
    """Forget names and digests of all documents of a box, as its deletion kept them. How many events were touched."""
    where = (audit_events.c.namespace == namespace) & (audit_events.c.box_id == box_id)
    return _erase(conn, where, lambda _name, kept: bool(kept.get("sealed")))


def _erase(conn: Connection, where: ColumnElement[bool], goes: Callable[[str, Mapping[str, Any]], bool]) -> int:
    columns = audit_events.c
    touched = 0
    for event_id, persons in conn.execute(select(columns.id, columns.persons).where(where)).all():
        left = {name: kept for name, kept in (persons or {}).items() if not goes(name, kept)}
        if persons and len(left) < len(persons):
            conn.execute(update(audit_events).where(columns.id == event_id).values(persons=left or None))
            touched += 1
    return touched


def _documents_by(conn: Connection, namespace: str, address: str) -> list[str]:
    query = (
        select(box_documents.c.id)
        .join(box_messages, box_messages.c.id == box_documents.c.box_message_id)
        .join(participants, participants.c.id == box_messages.c.author_id)
        .where(box_documents.c.namespace == namespace, participants.c.address_key == address_key(address))
    )
    return list(conn.execute(query).scalars())
