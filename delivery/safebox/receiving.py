"""Receives what one request brings of an upload: sealed as it arrives, saved piece by piece."""

import asyncio
from dataclasses import dataclass, field
from typing import Final

from delivery.errors import DeliveryError, StoreUnavailable
from delivery.safebox.answers import HEAD, finish_in_thread
from delivery.safebox.boxkey import BoxKey
from delivery.safebox.desk import Desk
from delivery.safebox.limits import AnswerLimits, AnswerRefused, TooMuch
from delivery.safebox.making import INLINE
from delivery.safebox.uploads import UNSENT, UploadGone, bound, forget_pieces, piece_limit
from delivery.store import uploads as rows
from delivery.store.blobs import BlobWriter
from delivery.store.uploads import PieceRow, UploadRow
from keys.sealing import SealingStream

PIECE: Final = 8 * 2**20  # bytes after which what came is kept, whatever is still to come


@dataclass(frozen=True, slots=True)
class UploadTarget:
    """The upload that a request continues: its row, the key of its box, its name, and the limits that hold."""

    key: BoxKey
    row: UploadRow
    name: str = field(repr=False)
    limits: AnswerLimits


class OffsetMismatch(DeliveryError):
    """The bytes do not begin where the upload ends: another request was first, or the client is mistaken."""


class UploadReceiver:
    """Stores what one request brings. Use: write*, then keep; `abort` drops what was not kept.

    `offset` is how many bytes of the upload are kept.
    """

    def __init__(self, desk: Desk, target: UploadTarget) -> None:
        self._desk, self._target = desk, target
        self.offset = target.row.received
        self._held = bytearray()
        self._size = 0
        self._stream: SealingStream | None = None
        self._writer: BlobWriter | None = None

    @property
    def left(self) -> int:
        """How many bytes may still come."""
        return self._target.row.size - self.offset - self._size

    async def write(self, chunk: bytes) -> None:
        """Take more bytes. Raises AnswerRefused if they are more than was announced, or show that the file is of a kind
        that the box does not take; OffsetMismatch and StoreUnavailable as `keep` does.
        """
        limits, row = self._target.limits, self._target.row
        if len(chunk) > self.left:
            raise AnswerRefused(TooMuch.LENGTH, row.size, self._target.name)
        if self.offset + self._size == 0:
            limits.check_head(chunk[:HEAD], self._target.name)
        self._size += len(chunk)
        if self._writer is None and self._size <= INLINE:
            self._held += chunk
        else:
            await finish_in_thread(self._to_disk, chunk)
        if self._size >= PIECE:
            await self.keep()

    async def keep(self) -> None:
        """Commit what has arrived. Raises OffsetMismatch if another request has continued the upload meanwhile, and
        UploadGone if it came in too many pieces.
        """
        if not self._size:
            return
        row = self._target.row
        if row.pieces >= piece_limit(row.size, PIECE):
            raise UploadGone("too many pieces")
        piece = await finish_in_thread(self._finished)
        named = [piece.blob] if piece.blob is not None else []
        until = self._desk.clock() + UNSENT
        try:
            kept = await self._desk.db.write(lambda conn: rows.append_piece(conn, row.participant_id, piece, until))
        except StoreUnavailable as error:
            if error.certain:
                await forget_pieces(self._desk.blobs, named)
            raise
        if not kept:
            await forget_pieces(self._desk.blobs, named)
            raise OffsetMismatch("another request was faster")
        self.offset += piece.size

    async def abort(self) -> None:
        """Forget what is not kept. May be called twice, and after `keep` (then it does nothing)."""
        writer, self._writer, self._stream = self._writer, None, None
        self._held, self._size = bytearray(), 0
        if writer is not None:
            await asyncio.to_thread(writer.abort)

    def _to_disk(self, chunk: bytes) -> None:
        if self._writer is None or self._stream is None:
            self._stream = self._sealing()
            self._writer = self._desk.blobs.create()
            self._writer.write(self._stream.update(self._held))
            self._held.clear()
        self._writer.write(self._stream.update(chunk))

    def _finished(self) -> PieceRow:
        row, inline, blob = self._target.row, None, None
        if self._writer is not None and self._stream is not None:
            self._writer.write(self._stream.finish())
            blob = self._writer.commit()
        else:
            stream = self._sealing()
            inline = stream.update(self._held) + stream.finish()
        piece = PieceRow(row.id, self.offset, row.namespace, self._size, inline, blob)
        self._writer, self._stream, self._size = None, None, 0
        self._held.clear()
        return piece

    def _sealing(self) -> SealingStream:
        return self._target.key.stream(*bound(self._target.row.id, self.offset))
