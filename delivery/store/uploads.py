"""Uploads that nobody sent yet, in the database: what was announced, and the sealed pieces that came. Every query is
scoped by namespace, and by whose they are.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, Connection, bindparam, delete, func, insert, select, update

from delivery.store.schema_boxes import upload_pieces, uploads
from delivery.store.statements import Statement

_UPLOADS: Final = Statement(
    select(uploads)
    .where(uploads.c.namespace == bindparam("in_namespace"), uploads.c.participant_id == bindparam("of"))
    .order_by(uploads.c.created_at, uploads.c.id)
)


@dataclass(frozen=True, slots=True)
class UploadRow:
    """One file under way. `received` of its `size` bytes are here, whole and without a gap."""

    id: str
    namespace: str
    box_id: str
    participant_id: str
    address_key: str
    facts_sealed: bytes = field(repr=False)
    size: int
    received: int
    pieces: int
    created_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class PieceRow:
    """Some of its bytes, from `start` on: sealed in the row, or in a blob file."""

    upload_id: str
    start: int
    namespace: str
    size: int
    inline_sealed: bytes | None = field(default=None, repr=False)
    blob: str | None = None


@dataclass(frozen=True, slots=True)
class Pending:
    """How much somebody has under way."""

    files: int
    octets: int


def insert_upload(conn: Connection, row: UploadRow) -> None:
    """Insert a new upload."""
    conn.execute(insert(uploads).values(**asdict(row)))


def get_upload(conn: Connection, namespace: str, participant_id: str, upload_id: str) -> UploadRow | None:
    """One of somebody's; those of others are none."""
    mine = _mine(namespace, participant_id)
    row = conn.execute(select(uploads).where(*mine, uploads.c.id == upload_id)).one_or_none()
    return None if row is None else UploadRow(**row._mapping)


def uploads_of(conn: Connection, namespace: str, participant_id: str) -> tuple[UploadRow, ...]:
    """All of somebody's in one box, in the order begun."""
    return tuple(UploadRow(**row) for row in _UPLOADS.rows(conn, {"in_namespace": namespace, "of": participant_id}))


def pending_of(conn: Connection, namespace: str, *, participant_id: str = "", address_key: str = "") -> Pending:
    """What somebody has under way: in one box, or (`address_key`) in all of them."""
    whose = uploads.c.participant_id == participant_id if participant_id else uploads.c.address_key == address_key
    columns = (func.count(), func.coalesce(func.sum(uploads.c.size), 0))
    found = conn.execute(select(*columns).where(uploads.c.namespace == namespace, whose)).one()
    return Pending(int(found[0]), int(found[1]))


def append_piece(conn: Connection, participant_id: str, piece: PieceRow, expires_at: datetime) -> bool:
    """Keep a piece where it goes on without a gap. False: another came first, or the upload is gone."""
    grown = (
        update(uploads)
        .where(*_mine(piece.namespace, participant_id), uploads.c.id == piece.upload_id)
        .where(uploads.c.received == piece.start, uploads.c.size >= piece.start + piece.size)
        .values(received=piece.start + piece.size, pieces=uploads.c.pieces + 1, expires_at=expires_at)
    )
    if conn.execute(grown).rowcount != 1:
        return False
    conn.execute(insert(upload_pieces).values(**asdict(piece)))
    return True


def pieces_of(conn: Connection, namespace: str, upload_id: str) -> tuple[PieceRow, ...]:
    """Its pieces in order, without the bytes that lie in rows."""
    columns = [column for column in upload_pieces.c if column is not upload_pieces.c.inline_sealed]
    where = (upload_pieces.c.namespace == namespace, upload_pieces.c.upload_id == upload_id)
    query = select(*columns).where(*where).order_by(upload_pieces.c.start)
    return tuple(PieceRow(**row._mapping) for row in conn.execute(query))


def inline_piece(conn: Connection, namespace: str, upload_id: str, start: int) -> bytes | None:
    """The sealed bytes of a piece that lies in its row."""
    where = (
        upload_pieces.c.namespace == namespace,
        upload_pieces.c.upload_id == upload_id,
        upload_pieces.c.start == start,
    )
    found = conn.execute(select(upload_pieces.c.inline_sealed).where(*where)).scalar()
    return None if found is None else bytes(found)


def take_uploads(
    conn: Connection, namespace: str, participant_id: str, upload_ids: Sequence[str]
) -> tuple[str, ...] | None:
    """Somebody sends these, or gives them up: they are no longer under way. Gives the blob files to be deleted after
    the commit; None: one of them was sent before, or is gone, so that the transaction has to be undone.
    """
    wanted = set(upload_ids)
    found, blobs = _drop(conn, *_mine(namespace, participant_id), uploads.c.id.in_(wanted))
    return blobs if found == len(wanted) else None


def drop_of_box(conn: Connection, namespace: str, box_id: str) -> tuple[str, ...]:
    """All that is under way into a box is gone, as the box is. Gives the blob files."""
    return _drop(conn, uploads.c.namespace == namespace, uploads.c.box_id == box_id)[1]


def drop_expired(conn: Connection, now: datetime, limit: int) -> tuple[int, tuple[str, ...]]:
    """What nobody went on with for too long, in every namespace: how many went, and their blob files."""
    due = select(uploads.c.id).where(uploads.c.expires_at <= now).order_by(uploads.c.expires_at).limit(limit)
    over = list(conn.execute(due).scalars())
    return _drop(conn, uploads.c.id.in_(over), uploads.c.expires_at <= now) if over else (0, ())


def _mine(namespace: str, participant_id: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return uploads.c.namespace == namespace, uploads.c.participant_id == participant_id


def _drop(conn: Connection, *which: ColumnElement[bool]) -> tuple[int, tuple[str, ...]]:
    """The rows are held first: a piece that arrives meanwhile finds nothing to go on with."""
    ids = list(conn.execute(select(uploads.c.id).where(*which).with_for_update()).scalars())
    if not ids:
        return 0, ()
    within = upload_pieces.c.upload_id.in_(ids)
    blobs = conn.execute(select(upload_pieces.c.blob).where(within, upload_pieces.c.blob.is_not(None))).scalars()
    named = tuple(str(name) for name in blobs)
    conn.execute(delete(upload_pieces).where(within))
    conn.execute(delete(uploads).where(uploads.c.id.in_(ids)))
    return len(ids), named
