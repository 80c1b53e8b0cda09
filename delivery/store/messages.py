"""Messages of the queue: their rows, and the destruction of key and content when a message's last item ends."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, and_, bindparam, delete, insert, select, update

from delivery.items import SealedMessage
from delivery.store.schema import attempts, finished_items, items, messages
from delivery.store.schema_boxes import box_documents, box_messages, upload_pieces
from delivery.store.statements import SET, Statement
from keys.sealing import WrappedKey

_PURGE: Final = 500  # messages a transaction

# Statements of the hot path are built once: building one costs more than running it.
_INSERT: Final = Statement(insert(messages), messages.c.keys())
_MESSAGE: Final = messages.c.id == bindparam("message")
_FIND: Final = Statement(select(messages).where(_MESSAGE))
_LOCK: Final = select(messages.c.id).where(_MESSAGE).with_for_update()
_OVER: Final = and_(
    messages.c.id.in_(bindparam(SET, expanding=True)),
    ~select(items.c.id).where(items.c.message_id == messages.c.id).exists(),
)
_BLOBS: Final = Statement(select(messages.c.id, messages.c.blob).where(_OVER, messages.c.blob.is_not(None)))
_FORGET: Final = Statement(
    update(messages)
    .where(_OVER)
    .values(
        dek_format=None,
        dek_key_id=None,
        dek_wrapped=None,
        dek_commitment=None,
        subject_sealed=None,
        body_sealed=None,
        blob=None,
        finished_at=bindparam("now", type_=messages.c.finished_at.type),
    )
)


@dataclass(frozen=True, slots=True)
class StoredMessage:
    """A message as it lies in the store. `wrapped` is None once its DEK is destroyed."""

    id: str
    namespace: str
    sender: str | None
    owner: str
    size: int
    received_at: datetime
    client: str
    smtputf8: bool
    eight_bit: bool
    ret: str | None
    envid: str | None
    require_tls: bool
    wrapped: WrappedKey | None
    subject_sealed: bytes | None = field(repr=False)
    body_sealed: bytes | None = field(repr=False)
    blob: str | None = None
    finished_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class MessageRow:
    """A message to write. `finished_at` is set where every item ended at once: then nothing of its content stays."""

    sealed: SealedMessage
    recipients: int
    finished_at: datetime | None = None


def insert_messages(conn: Connection, new: Sequence[MessageRow]) -> None:
    """Write messages' rows."""
    _INSERT.insert_each(conn, [_values(one) for one in new])


def _values(new: MessageRow) -> dict[str, Any]:
    sealed, message = new.sealed, new.sealed.message
    kept = new.finished_at is None
    return {
        "id": sealed.id,
        "namespace": message.namespace,
        "sender": message.sender,
        "owner": message.owner,
        "subject_sealed": sealed.subject_sealed if kept else None,
        "size": sealed.size,
        "recipients": new.recipients,
        "received_at": message.received_at,
        "client": message.client,
        "smtputf8": message.smtputf8,
        "eight_bit": message.eight_bit,
        "ret": message.ret,
        "envid": message.envid,
        "require_tls": message.require_tls,
        "dek_format": sealed.wrapped.format if kept else None,
        "dek_key_id": sealed.wrapped.key_id if kept else None,
        "dek_wrapped": sealed.wrapped.wrapped if kept else None,
        "dek_commitment": sealed.wrapped.commitment if kept else None,
        "body_sealed": sealed.body_sealed if kept else None,
        "blob": sealed.blob if kept else None,
        "finished_at": new.finished_at,
    }


def find_message(conn: Connection, message_id: str) -> StoredMessage | None:
    """One message, or None."""
    row = _FIND.row(conn, {"message": message_id})
    return None if row is None else _message(row)


def _message(row: Mapping[str, Any]) -> StoredMessage:
    wrapped = None
    if row["dek_wrapped"] is not None:
        wrapped = WrappedKey(row["dek_format"], row["dek_key_id"], row["dek_wrapped"], row["dek_commitment"])
    return StoredMessage(
        id=row["id"],
        namespace=row["namespace"],
        sender=row["sender"],
        owner=row["owner"],
        size=row["size"],
        received_at=row["received_at"],
        client=row["client"],
        smtputf8=row["smtputf8"],
        eight_bit=row["eight_bit"],
        ret=row["ret"],
        envid=row["envid"],
        require_tls=row["require_tls"],
        wrapped=wrapped,
        subject_sealed=row["subject_sealed"],
        body_sealed=row["body_sealed"],
        blob=row["blob"],
        finished_at=row["finished_at"],
    )


def finish_messages(conn: Connection, ids: Sequence[str], now: datetime) -> dict[str, str]:
    """Of messages of which no item is left: destroy DEK, subject and body. Gives the blobs to unlink after the commit.

    Call it in the transaction that ended items, after that.
    """
    blobs: dict[str, str] = dict(_BLOBS.rows_for(conn, ids, {}))
    _FORGET.run_for(conn, ids, {"now": now})
    return blobs


def lock_messages(conn: Connection, ids: Collection[str]) -> None:
    """Let only one transaction at a time end items of a message, so that the last one knows that it is the last."""
    if conn.dialect.name != "sqlite":  # which has one writer at a time
        for message_id in sorted(ids):  # all in one order, so that no two wait for each other
            conn.execute(_LOCK, {"message": message_id})


def purge_history(conn: Connection, before: datetime) -> int:
    """Forget up to some hundreds of messages that ended before, with their items and attempts; how many."""
    old = conn.execute(select(messages.c.id).where(messages.c.finished_at < before).limit(_PURGE)).scalars().all()
    if not old:
        return 0
    ended = select(finished_items.c.id).where(finished_items.c.message_id.in_(old))
    conn.execute(delete(attempts).where(attempts.c.item_id.in_(ended)))
    conn.execute(delete(finished_items).where(finished_items.c.message_id.in_(old)))
    conn.execute(delete(messages).where(messages.c.id.in_(old)))
    return len(old)


def waiting_blobs(conn: Connection) -> set[tuple[str, str]]:
    """Messages that wait and lie in a blob file: the id of each and the file's name."""
    waiting = select(messages.c.id, messages.c.blob).where(
        messages.c.blob.is_not(None), messages.c.finished_at.is_(None)
    )
    return {(row.id, row.blob) for row in conn.execute(waiting)}


def referenced_blobs(conn: Connection, names: Sequence[str]) -> set[str]:
    """Those of some blob names that a row names: of a queued message or of a SafeBox."""
    found: set[str] = set()
    for column in (messages.c.blob, box_messages.c.original_blob, box_documents.c.blob, upload_pieces.c.blob):
        found.update(name for name in conn.execute(select(column).where(column.in_(names))).scalars() if name)
    return found
