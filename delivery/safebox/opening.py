"""Reading a SafeBox: what is in it, documents in pieces, and the record of both."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from time import monotonic
from typing import Final

from sqlalchemy import Connection

from delivery.errors import DeliveryError
from delivery.safebox.contents import DocumentReader, OpenBox
from delivery.safebox.desk import act_of_guest
from delivery.safebox.finding import Finding, may_read
from delivery.safebox.inviting import about_of
from delivery.safebox.lifecycle import GUEST_MOVES
from delivery.safebox.participants import Access
from delivery.safebox.post import Posted
from delivery.safebox.reading import Seat, content_of, open_shelf, read_document, read_original, shelf_of
from delivery.store.audit import EventKind, record
from delivery.store.box_contents import Wrote, get_document, messages_of
from delivery.store.boxes import GuestState

# A download is asked again whether it may still be read after so many bytes, or seconds
_LOOK_AGAIN: Final = 4 * 2**20
_LOOK_AGAIN_AFTER: Final = 2.0


class Withdrawn(DeliveryError):
    """The box was recalled, deleted or closed for this guest while a document was being read."""


class Opening(Finding):
    """What is opened is decrypted only when it is asked for, and never after a recall."""

    async def open_box(self, namespace: str, participant_id: str, seen: Access | None) -> OpenBox | None:
        """Read the box, and record that it was read. None when it may not be read (any more), or not that way.

        `seen` None: the same page again for somebody who is in; nothing is recorded.
        """
        now = self._desk.clock()
        found = await self._desk.db.read(lambda conn: self._opened(conn, namespace, participant_id, seen, now=now))
        if found is None:
            return None
        seat, opened, wants_receipt = found
        if seen is None:
            return opened
        unread = GuestState.READ in GUEST_MOVES[seat.guest.state]
        receipt = await asyncio.to_thread(self._receipt, seat) if wants_receipt and unread else None

        def work(conn: Connection) -> bool:
            still = self._seat_within(conn, namespace, participant_id)
            if still is None or not self._invitation(still, now).readable:
                return False
            first = self._moved(conn, still, GuestState.READ)
            event = act_of_guest(EventKind.BOX_READ, seat.box, seat.guest, seen, first=first)
            record(conn, self._desk.vault, [event], now)
            if first and receipt is not None:
                self._desk.post.put(conn, receipt, now)
            return True

        if not await self._desk.db.write(work):
            return None
        self._desk.post.wake()
        return opened

    def _opened(
        self, conn: Connection, namespace: str, participant_id: str, seen: Access | None, *, now: datetime
    ) -> tuple[Seat, OpenBox, bool] | None:
        seat = self._seat_within(conn, namespace, participant_id)
        if seat is None or seat.key is None or not may_read(invitation := self._invitation(seat, now), seen):
            return None
        shelf = shelf_of(conn, seat)
        wants_receipt = any(content_of(row, seat.key).get("wants_receipt") for row in shelf.messages)
        return seat, open_shelf(shelf, seat.key, invitation, self._desk.limits), wants_receipt

    async def document(self, namespace: str, participant_id: str, document_id: str) -> DocumentReader | None:
        """One document, to be read in pieces. Records nothing: see `downloaded`."""

        def find(conn: Connection) -> DocumentReader | None:
            seat = self._seat_within(conn, namespace, participant_id)
            if seat is None or seat.key is None or not self._invitation(seat, self._desk.clock()).readable:
                return None
            row = get_document(conn, namespace, seat.box.id, document_id)
            if row is None or all(row.box_message_id != message.id for message in shelf_of(conn, seat).messages):
                return None
            return read_document(row, seat.key, self._desk.blobs)

        return self._watched(namespace, participant_id, await self._desk.db.read(find))

    async def original(self, namespace: str, participant_id: str) -> DocumentReader | None:
        """The whole mail as it came, without Bcc, to save as an e-mail file (message/rfc822). Records nothing."""

        def find(conn: Connection) -> DocumentReader | None:
            seat = self._seat_within(conn, namespace, participant_id)
            if seat is None or seat.key is None or not self._invitation(seat, self._desk.clock()).readable:
                return None
            for message in messages_of(conn, namespace, seat.box.id):
                if message.kind is Wrote.ORIGINAL:
                    return read_original(message, seat.key, self._desk.blobs)
            return None

        return self._watched(namespace, participant_id, await self._desk.db.read(find))

    def _watched(self, namespace: str, participant_id: str, reader: DocumentReader | None) -> DocumentReader | None:
        """The reader, which stops when the box is recalled while a long download runs."""
        if reader is None:
            return None

        def still_readable(conn: Connection) -> bool:
            seat = self._seat_within(conn, namespace, participant_id)
            return seat is not None and self._invitation(seat, self._desk.clock()).readable

        def read(start: int, stop: int) -> Iterator[bytes]:
            given, since = 0, monotonic()
            for piece in reader.read(start, stop):
                given += len(piece)
                if given > _LOOK_AGAIN or monotonic() - since > _LOOK_AGAIN_AFTER:
                    given, since = 0, monotonic()
                    if not self._desk.db.read_now(still_readable):
                        raise Withdrawn("it can no longer be read")
                yield piece

        return replace(reader, read=read)

    async def downloaded(
        self,
        namespace: str,
        participant_id: str,
        document_ids: tuple[str, ...],
        seen: Access,
        *,
        original: bool = False,
    ) -> bool:
        """Record a download. Call it BEFORE the first byte goes out: who breaks off one byte early has the rest too.
        Once a download, not for each Range piece. False: may not be read any more, so send nothing.
        """
        now = self._desk.clock()

        def work(conn: Connection) -> bool:
            seat = self._seat_within(conn, namespace, participant_id)
            if seat is None or not may_read(self._invitation(seat, now), seen):
                return False
            facts = {"documents": list(document_ids), "original": original}
            event = act_of_guest(EventKind.BOX_DOWNLOADED, seat.box, seat.guest, seen, **facts)
            record(conn, self._desk.vault, [event], now)
            return True

        return await self._desk.db.write(work)

    def _receipt(self, seat: Seat) -> Posted:
        about = about_of(seat.key, seat.box, seat.guest)
        notice = self._desk.composer.receipt(about, self._desk.clock())
        return self._desk.seal(seat.box, seat.guest, notice, "receipt")
