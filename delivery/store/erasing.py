"""Forgetting what the trail knows of people: values go with their salts, commitments stay, and the chain holds."""

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import ColumnElement, Connection, delete, select, update

from delivery.store.audit import document_field
from delivery.store.schema_audit import audit_events
from delivery.store.schema_boxes import box_documents, box_messages, participants
from delivery.store.schema_people import languages


def erase_person(conn: Connection, namespace: str, value: str) -> int:
    """Forget a person: in every event of the namespace, salt and value of fields that hold `value` (an address, in any
    case) go, what is kept of documents that this one wrote, and the language they chose; the commitments stay. How many
    events were touched.
    """
    wanted = value.casefold()
    chose = (languages.c.namespace == namespace) & (languages.c.address_key == value.strip().lower())
    conn.execute(delete(languages).where(chose))
    written = {document_field(one) for one in _documents_by(conn, namespace, wanted)}
    return _erase(
        conn,
        audit_events.c.namespace == namespace,
        lambda name, kept: name in written or kept["value"].casefold() == wanted,
    )


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
        select(box_documents.c.id, participants.c.address)
        .join(box_messages, box_messages.c.id == box_documents.c.box_message_id)
        .join(participants, participants.c.id == box_messages.c.author_id)
        .where(box_documents.c.namespace == namespace)
    )
    return [row.id for row in conn.execute(query) if row.address.casefold() == address]
