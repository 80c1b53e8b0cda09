"""What an upload is, before it is sent; and once it is whole, read for the answer that brings it."""

import asyncio
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

import structlog
from sqlalchemy import Connection

from delivery.errors import DeliveryError, StoreUnavailable
from delivery.safebox.boxkey import BoxKey
from delivery.safebox.desk import Desk
from delivery.safebox.names import clean_name, clean_type
from delivery.safebox.reading import Seat
from delivery.store import uploads as rows
from delivery.store.blobs import BlobReader, Blobs
from delivery.store.uploads import PieceRow, UploadRow

UNSENT: Final = timedelta(days=1)  # how long an upload waits for its next piece, or to be sent
_PIECES: Final = 1000  # of one upload, beside those its size needs: a connection breaks now and then
_FACTS, _PIECE = "upload-facts", "upload-piece"

log = structlog.get_logger()


class UploadGone(DeliveryError):
    """An upload that an answer names was sent before, was given up, or never came whole."""


@dataclass(frozen=True, slots=True)
class Upload:
    """One file under way. `name` and `type` as its sender gave them; `modified` tells the same file apart again."""

    id: str
    name: str = field(repr=False)
    type: str
    modified: str
    size: int
    received: int
    expires_at: datetime

    @property
    def is_whole(self) -> bool:
        """All of it is here."""
        return self.received == self.size

    @property
    def shown_name(self) -> str:
        """What pages call it."""
        return clean_name(self.name, clean_type(self.type), 1)


def sealed_facts(key: BoxKey, upload_id: str, name: str, content_type: str, modified: str) -> bytes:
    """What only its sender, and who gets the answer, may know of it."""
    facts = json.dumps({"name": name, "type": content_type, "modified": modified})
    return key.seal(_FACTS, upload_id, facts.encode())


def opened(row: UploadRow, key: BoxKey) -> Upload:
    """The upload of a row, its facts decrypted. Raises SealBroken."""
    facts = json.loads(key.open(_FACTS, row.id, row.facts_sealed))
    return Upload(row.id, facts["name"], facts["type"], facts["modified"], row.size, row.received, row.expires_at)


def bound(upload_id: str, start: int) -> tuple[str, str]:
    """What the sealed bytes of a piece are bound to (for `BoxKey`): their upload, and their offset in it."""
    return _PIECE, f"{upload_id}/{start}"


def piece_limit(size: int, piece_bytes: int) -> int:
    """How many pieces an upload may come in."""
    return _PIECES + size // piece_bytes


async def forget_pieces(blobs: Blobs, names: Sequence[str]) -> None:
    """Delete the blob files of pieces. Call it only after the transaction that removed their rows was committed."""
    for name in names:
        try:
            await asyncio.to_thread(blobs.delete, name)
        except StoreUnavailable:
            log.warning("safebox.blob_left_behind")  # the sweep takes it


class WholeUpload:
    """An upload that has arrived completely, to be read into the answer that names it."""

    def __init__(self, desk: Desk, key: BoxKey, row: UploadRow, pieces: Sequence[PieceRow]) -> None:
        upload = opened(row, key)
        self.name, self.type = upload.name, upload.type
        self._desk, self._key, self._row, self._pieces = desk, key, row, pieces

    @classmethod
    def find(cls, desk: Desk, seat: Seat, upload_id: str) -> "WholeUpload":
        """This participant's upload, if it has arrived completely; else raises UploadGone. Blocks."""
        namespace, now = seat.box.namespace, desk.clock()

        def work(conn: Connection) -> tuple[UploadRow, tuple[PieceRow, ...]] | None:
            row = rows.get_upload(conn, namespace, seat.guest.id, upload_id)
            whole = row is not None and row.received == row.size and row.expires_at > now
            return (row, rows.pieces_of(conn, namespace, upload_id)) if row and whole else None

        found = desk.db.read_now(work)
        if found is None or seat.key is None:
            raise UploadGone("an upload is not here, or not whole")
        return cls(desk, seat.key, *found)

    def read(self) -> Iterator[bytes]:
        """Its bytes. Raises UploadGone where a piece is missing, SealBroken where one was changed. Blocks."""
        came = 0
        for piece in self._pieces:
            if piece.start != came:
                raise UploadGone("a piece of an upload is missing")
            for plain in self._opened(piece):
                came += len(plain)
                yield plain
        if came != self._row.size:
            raise UploadGone("a piece of an upload is missing")

    def _opened(self, piece: PieceRow) -> Iterator[bytes]:
        """Raises UploadGone also where another answer took it while this one was reading."""
        try:
            yield from self._open(piece)
        except StoreUnavailable:
            row = self._row
            if self._desk.db.read_now(lambda conn: rows.get_upload(conn, row.namespace, row.participant_id, row.id)):
                raise
            raise UploadGone("an upload was sent with another answer") from None

    def _open(self, piece: PieceRow) -> Iterator[bytes]:
        place = bound(piece.upload_id, piece.start)
        if piece.blob is not None:
            with self._desk.blobs.open(piece.blob) as blob:
                yield from _opened_blob(self._key, place, blob)
            return
        sealed = self._desk.db.read_now(
            lambda conn: rows.inline_piece(conn, piece.namespace, piece.upload_id, piece.start)
        )
        if sealed is None:
            raise UploadGone("a piece of an upload is missing")
        yield self._key.open(*place, sealed)


def _opened_blob(key: BoxKey, place: tuple[str, str], blob: BlobReader) -> Iterator[bytes]:
    return key.range(*place, blob.read_at, blob.size).read()
