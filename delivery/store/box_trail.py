"""The events of one SafeBox with who did them: what its keepers may see of the trail."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from delivery.store.audit import EventKind, document_field, erasable_of, persons_of
from delivery.store.schema import finished_items, items
from delivery.store.schema_audit import audit_events
from delivery.store.vault import Vault


@dataclass(frozen=True, slots=True)
class TrailRow:
    """One event. `persons` holds what was not erased since."""

    at: datetime
    kind: str
    participant_id: str | None
    facts: Mapping[str, Any]
    persons: Mapping[str, str] = field(repr=False)


def trail_of(conn: Connection, namespace: str, box_id: str) -> tuple[TrailRow, ...]:
    """What happened to a box, in order."""
    columns = (
        audit_events.c.at,
        audit_events.c.kind,
        audit_events.c.participant_id,
        audit_events.c.facts,
        audit_events.c.persons,
    )
    query = select(*columns).where(audit_events.c.namespace == namespace, audit_events.c.box_id == box_id)
    rows = conn.execute(query.order_by(audit_events.c.id))
    return tuple(
        TrailRow(
            row.at,
            row.kind,
            row.participant_id,
            dict(row.facts or {}),
            persons_of(row.persons),
        )
        for row in rows
    )


def remembered_documents(conn: Connection, vault: Vault, namespace: str, box_id: str) -> dict[str, dict[str, Any]]:
    """What the deletion of a box kept of its documents and was not erased since, by document.

    Raises KeysUnavailable.
    """
    columns = audit_events.c
    where = (columns.namespace == namespace, columns.box_id == box_id, columns.kind == EventKind.BOX_DELETED.value)
    found: dict[str, dict[str, Any]] = {}
    for row in conn.execute(select(columns.event, columns.persons).where(*where)):
        found |= erasable_of(vault, namespace, row.event, row.persons)
    prefix = len(document_field(""))
    return {name[prefix:]: kept for name, kept in found.items()}


def relayed_of(conn: Connection, namespace: str, message_id: str) -> tuple[tuple[str, str], ...]:
    """Who got the same message by another way than a box, as far as the history reaches: (address, state)."""
    found: dict[str, str] = {}
    for table in (finished_items, items):
        where = (
            table.c.namespace == namespace,
            table.c.message_id == message_id,
            table.c.kind == "mail",
            table.c.route != "safebox",
        )
        for row in conn.execute(select(table.c.recipient, table.c.state).where(*where)):
            found.setdefault(row.recipient, row.state)
    return tuple(sorted(found.items()))
