"""What SafeBoxes hold, in the database: messages and documents, sealed. Every query is scoped by namespace."""

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import Connection, bindparam, func, insert, select, update

from delivery.store.schema_audit import audit_events
from delivery.store.schema_boxes import box_documents, box_messages, participants
from delivery.store.statements import SET, Statement, values_of
from delivery.store.uploads import drop_of_box

_NO_BYTES: Final = {"facts_sealed": None, "inline_sealed": None, "blob": None, "recall_reason_sealed": None}


class BoxMessageKind(StrEnum):
    """What a message in a box is."""

    ORIGINAL = "original"
    ANSWER = "answer"


@dataclass(frozen=True, slots=True)
class MessageRow:
    """One message of a box as stored."""

    id: str
    box_id: str
    namespace: str
    author_id: str
    kind: BoxMessageKind
    written_at: datetime
    content_sealed: bytes | None = field(repr=False)
    original_blob: str | None = None
    original_size: int | None = None  # bytes of plaintext
    only_for: str | None = None  # the one guest who reads it, beside the owner's side


@dataclass(frozen=True, slots=True)
class DocumentRow:
    """One document of a box as stored: its sealed bytes in the row or in a blob file."""

    id: str
    box_id: str
    box_message_id: str
    namespace: str
    position: int  # in the list; negative: a picture that the html shows in place
    facts_sealed: bytes | None = field(repr=False)
    size: int  # bytes of plaintext
    inline_sealed: bytes | None = field(default=None, repr=False)
    blob: str | None = None
    recalled_at: datetime | None = None
    recall_reason_sealed: bytes | None = field(default=None, repr=False)


# Said for every page, so compiled once.
_IN_BOX: Final = (box_documents.c.namespace == bindparam("in_namespace"), box_documents.c.box_id == bindparam("of"))
_MESSAGES: Final = Statement(
    select(box_messages)
    .where(box_messages.c.namespace == bindparam("in_namespace"), box_messages.c.box_id == bindparam("of"))
    .order_by(box_messages.c.written_at, box_messages.c.id)
)
_DOCUMENTS: Final = Statement(
    select(*(column for column in box_documents.c if column is not box_documents.c.inline_sealed))
    .where(*_IN_BOX)
    .order_by(box_documents.c.box_message_id, box_documents.c.position)
)
_DOCUMENT: Final = Statement(select(box_documents).where(*_IN_BOX, box_documents.c.id == bindparam("document")))
_COUNT: Final = select(func.count().label("number")).select_from(box_documents).where(*_IN_BOX)
_LISTED: Final = _COUNT.where(box_documents.c.position >= 0)
_COUNT_ALL: Final = Statement(_LISTED)
_COUNT_KIND: Final = Statement(
    _LISTED.join(box_messages, box_messages.c.id == box_documents.c.box_message_id).where(
        box_messages.c.kind == bindparam("kind")
    )
)
_RECALLED: Final = Statement(
    select(box_documents.c.id)
    .where(*_IN_BOX, box_documents.c.id.in_(bindparam(SET, expanding=True)))
    .where(box_documents.c.recalled_at.is_not(None))
    .limit(1)
)
_ACTS: Final = Statement(
    select(audit_events.c.at, audit_events.c.kind, audit_events.c.participant_id, audit_events.c.facts)
    .where(audit_events.c.namespace == bindparam("in_namespace"), audit_events.c.box_id == bindparam("of"))
    .where(audit_events.c.kind == bindparam("kind"), audit_events.c.participant_id == bindparam("guest"))
    .order_by(audit_events.c.id)
)


_KEPT: Final = Statement(
    select(box_messages.c.id).where(
        box_messages.c.namespace == bindparam("in_namespace"),
        box_messages.c.box_id == bindparam("of"),
        box_messages.c.author_id == bindparam("author"),
        box_messages.c.id == bindparam("message"),
    )
)
_ADD_MESSAGE: Final = Statement(insert(box_messages), [one.name for one in fields(MessageRow)])
_ADD_DOCUMENTS: Final = Statement(insert(box_documents), [one.name for one in fields(DocumentRow)])


def insert_message(conn: Connection, message: MessageRow, documents: tuple[DocumentRow, ...]) -> None:
    """Add a message with its documents."""
    _ADD_MESSAGE.run(conn, values_of(message))
    _ADD_DOCUMENTS.insert_each(conn, [values_of(document) for document in documents])


def message_exists(conn: Connection, namespace: str, box_id: str, author_id: str, message_id: str) -> bool:
    """Whether this author has a message with this id in the box, even if its content is gone since."""
    values = {"in_namespace": namespace, "of": box_id, "author": author_id, "message": message_id}
    return _KEPT.row(conn, values) is not None


def message_with_prefix_exists(conn: Connection, namespace: str, box_id: str, author_id: str, began: str) -> bool:
    """Whether this author has a message in the box whose id begins with `began`."""
    mine = (box_messages.c.namespace == namespace) & (box_messages.c.box_id == box_id)
    wrote = (box_messages.c.author_id == author_id) & box_messages.c.id.startswith(began, autoescape=True)
    return conn.execute(select(box_messages.c.id).where(mine & wrote).limit(1)).first() is not None


def messages_of(conn: Connection, namespace: str, box_id: str) -> tuple[MessageRow, ...]:
    """The messages of a box, in the order written."""
    return tuple(_message(row) for row in _MESSAGES.rows(conn, {"in_namespace": namespace, "of": box_id}))


def documents_of(conn: Connection, namespace: str, box_id: str) -> tuple[DocumentRow, ...]:
    """The documents of a box without their bytes (`inline_sealed` is None), by message and position."""
    return tuple(DocumentRow(**row) for row in _DOCUMENTS.rows(conn, {"in_namespace": namespace, "of": box_id}))


def get_document(conn: Connection, namespace: str, box_id: str, document_id: str) -> DocumentRow | None:
    """One document of a box with its sealed bytes, if they lie in the row."""
    row = _DOCUMENT.row(conn, {"in_namespace": namespace, "of": box_id, "document": document_id})
    return None if row is None else DocumentRow(**row)


def count_documents(conn: Connection, namespace: str, box_id: str, message_kind: BoxMessageKind | None = None) -> int:
    """How many documents a box lists, or its messages of one kind; pictures shown in place by the html do not count."""
    values = {"in_namespace": namespace, "of": box_id, "kind": message_kind and message_kind.value}
    row = (_COUNT_ALL if message_kind is None else _COUNT_KIND).row(conn, values)
    return int(row["number"]) if row else 0


def bytes_of(conn: Connection, namespace: str, box_id: str) -> int:
    """Plaintext bytes of all documents of a box."""
    where = (box_documents.c.namespace == namespace, box_documents.c.box_id == box_id)
    return int(conn.execute(select(func.coalesce(func.sum(box_documents.c.size), 0)).where(*where)).scalar_one())


def bytes_brought(conn: Connection, namespace: str, address_key: str, since: datetime) -> int:
    """Plaintext bytes of all documents that somebody has sent since then, in all boxes."""
    query = (
        select(func.coalesce(func.sum(box_documents.c.size), 0))
        .select_from(participants)
        .join(box_messages, (box_messages.c.box_id == participants.c.box_id))
        .join(box_documents, box_documents.c.box_message_id == box_messages.c.id)
        .where(participants.c.namespace == namespace, participants.c.address_key == address_key)
        .where(box_messages.c.author_id == participants.c.id, box_messages.c.written_at > since)
        .where(box_documents.c.box_id == participants.c.box_id)
    )
    return int(conn.execute(query).scalar_one())


def destroy_contents(conn: Connection, namespace: str, box_id: str) -> tuple[str, ...]:
    """Take every sealed byte of a box out of its rows; gives the blob files that are to be deleted after the commit."""
    in_messages = (box_messages.c.namespace == namespace, box_messages.c.box_id == box_id)
    in_documents = (box_documents.c.namespace == namespace, box_documents.c.box_id == box_id)
    blobs = [
        *conn.execute(select(box_messages.c.original_blob).where(*in_messages)).scalars(),
        *conn.execute(select(box_documents.c.blob).where(*in_documents)).scalars(),
        *drop_of_box(conn, namespace, box_id),
    ]
    conn.execute(update(box_messages).where(*in_messages).values(content_sealed=None, original_blob=None))
    conn.execute(update(box_documents).where(*in_documents).values(**_NO_BYTES))
    return tuple(blob for blob in blobs if blob)


def recall_document(
    conn: Connection, namespace: str, box_id: str, document_id: str, *, now: datetime, reason: bytes | None
) -> bool:
    """Take one document back. False: there is none, or it was taken back before."""
    where = (
        box_documents.c.namespace == namespace,
        box_documents.c.box_id == box_id,
        box_documents.c.id == document_id,
        box_documents.c.recalled_at.is_(None),
    )
    changed = update(box_documents).where(*where).values(recalled_at=now, recall_reason_sealed=reason)
    return conn.execute(changed).rowcount == 1


def any_recalled(conn: Connection, namespace: str, box_id: str, document_ids: Sequence[str]) -> bool:
    """Whether one of these documents was taken back."""
    return bool(_RECALLED.rows_for(conn, document_ids, {"in_namespace": namespace, "of": box_id}))


def events_of(
    conn: Connection, namespace: str, box_id: str, kind: str | None = None, participant_id: str | None = None
) -> tuple[tuple[datetime, str, str | None, dict[str, Any]], ...]:
    """What happened to a box, in order: when, kind, participant, facts."""
    if kind is not None and participant_id is not None:
        values = {"in_namespace": namespace, "of": box_id, "kind": str(kind), "guest": participant_id}
        found = _ACTS.rows(conn, values)
        return tuple((row["at"], row["kind"], row["participant_id"], dict(row["facts"] or {})) for row in found)
    columns = (audit_events.c.at, audit_events.c.kind, audit_events.c.participant_id, audit_events.c.facts)
    query = select(*columns).where(audit_events.c.namespace == namespace, audit_events.c.box_id == box_id)
    if kind is not None:
        query = query.where(audit_events.c.kind == kind)
    if participant_id is not None:
        query = query.where(audit_events.c.participant_id == participant_id)
    rows = conn.execute(query.order_by(audit_events.c.id))
    return tuple((row.at, row.kind, row.participant_id, dict(row.facts or {})) for row in rows)


def _message(row: dict[str, Any]) -> MessageRow:
    return MessageRow(**{**row, "kind": BoxMessageKind(row["kind"])})
