"""A guest reads a SafeBox: opens it, downloads documents in pieces; both are recorded in the audit trail."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from time import monotonic
from typing import Final

from sqlalchemy import Connection

from delivery.errors import DeliveryError
from delivery.safebox.choices import Told
from delivery.safebox.contents import DocumentReader, OpenBox
from delivery.safebox.desk import act_of_guest
from delivery.safebox.inviting import correspondence_in_languages
from delivery.safebox.lifecycle import GUEST_MOVES
from delivery.safebox.participants import Access
from delivery.safebox.post import Posted
from delivery.safebox.reading import (
    Seat,
    content_of,
    open_visible_rows,
    read_document,
    read_original,
    read_visible_rows,
)
from delivery.safebox.seating import Seating, may_read
from delivery.store.audit import EventKind, record
from delivery.store.blobs import Blobs
from delivery.store.box_contents import BoxMessageKind, any_recalled, documents_of, get_document, messages_of
from delivery.store.box_news import News, count_news
from delivery.store.boxes import GuestState, Role, get_box, told_lately

# A download checks again after so many bytes, or seconds, that it may still go on
_LOOK_AGAIN: Final = 4 * 2**20
_LOOK_AGAIN_AFTER: Final = 2.0
_ONE_OPENING: Final = timedelta(minutes=30)


class Withdrawn(DeliveryError):
    """The box was recalled, deleted or closed for this guest while a document was being read."""


class Opening(Seating):
    """Documents are decrypted only as they are read; a download stops when its box or document is recalled."""

    async def open_box(self, namespace: str, participant_id: str, seen: Access | None) -> OpenBox | None:
        """Read the box, and record that it was read. None if it may not be read, or not by this way of signing in.

        `seen` None: a part of a page that was opened before; nothing is recorded.
        """
        now = self._desk.clock()
        found = await self._desk.db.read(lambda conn: self._opened(conn, namespace, participant_id, seen, now=now))
        if found is None:
            return None
        seat, opened, wants_receipt = found
        if seen is None:
            return opened
        unread = GuestState.READ in GUEST_MOVES[seat.guest.state]
        told = opened.invitation.profile.notice.opened
        wanted = told is Told.EVERY or (unread and (wants_receipt or told is Told.FIRST))
        compose = partial(self._receipt, seat, asked=wants_receipt and told is Told.NEVER, first=unread)
        receipt = await asyncio.to_thread(compose) if wanted else None

        def work(conn: Connection) -> bool:
            still = self._seat_within(conn, namespace, participant_id)
            if still is None or not self._invitation(still, now).shown:
                return False
            # Lock the box's row (it counts what is new) before the guest's: everywhere in this order, or two would wait
            # for each other.
            unseen = GuestState.READ in GUEST_MOVES[still.guest.state] and still.guest.role is Role.GUEST
            if unseen:
                get_box(conn, namespace, still.box.id, hold=True)
            first = self._moved(conn, still, GuestState.READ)
            if first and unseen:
                count_news(conn, namespace, still.box.id, News.OPENINGS, now)
            event = act_of_guest(EventKind.BOX_READ, seat.box, seat.guest, seen, first=first)
            record(conn, self._desk.vault, [event], now)
            anew = told is Told.EVERY and self._is_anew(conn, seat, now)
            if receipt is not None and (first or anew):
                self._desk.post.put(conn, receipt, now)
            return True

        if not await self._desk.db.write(work):
            return None
        self._desk.post.wake()
        return opened

    def _is_anew(self, conn: Connection, seat: Seat, now: datetime) -> bool:
        """Whether the owner is to hear of this opening: not if they heard of one in the last half hour (a reload)."""
        key = f"told:opened:{seat.guest.id}"
        return not told_lately(conn, seat.box.namespace, key, now - _ONE_OPENING, now)

    def _opened(
        self, conn: Connection, namespace: str, participant_id: str, seen: Access | None, *, now: datetime
    ) -> tuple[Seat, OpenBox, bool] | None:
        seat = self._seat_within(conn, namespace, participant_id)
        if seat is None or seat.key is None or not may_read(invitation := self._invitation(seat, now), seen):
            return None
        rows = read_visible_rows(conn, seat)
        wants_receipt = any(content_of(row, seat.key).get("wants_receipt") for row in rows.messages)
        return seat, open_visible_rows(rows, seat.key, invitation), wants_receipt

    async def document(self, namespace: str, participant_id: str, document_id: str) -> DocumentReader | None:
        """One document, to be read in pieces. Records nothing: see `downloaded`."""

        def find(conn: Connection, seat: Seat) -> DocumentReader | None:
            row = get_document(conn, namespace, seat.box.id, document_id)
            if row is None or all(
                row.box_message_id != message.id for message in read_visible_rows(conn, seat).messages
            ):
                return None
            return read_document(row, seat.key, self._desk.blobs) if seat.key else None

        return await self._of_guest(namespace, participant_id, find, (document_id,))

    async def original(self, namespace: str, participant_id: str) -> DocumentReader | None:
        """The whole mail as it came, without Bcc, to save as an e-mail file (message/rfc822). Records nothing."""
        within: list[str] = []
        return await self._of_guest(
            namespace, participant_id, lambda conn, seat: original_of(conn, seat, self._desk.blobs, within), within
        )

    async def _of_guest(
        self,
        namespace: str,
        participant_id: str,
        find: Callable[[Connection, Seat], DocumentReader | None],
        documents: Sequence[str],
    ) -> DocumentReader | None:
        places: list[tuple[str, str]] = []

        def shown(conn: Connection) -> Seat | None:
            seat = self._seat_within(conn, namespace, participant_id)
            here = seat is not None and seat.key is not None and self._invitation(seat, self._desk.clock()).shown
            return seat if here else None

        def work(conn: Connection) -> DocumentReader | None:
            seat = shown(conn)
            if seat is None:
                return None
            places.append((namespace, seat.box.id))
            return find(conn, seat)

        reader = await self._desk.db.read(work)
        if reader is None:
            return None
        return self._watched(reader, places[-1], documents, lambda conn: shown(conn) is not None)

    def _watched(
        self,
        reader: DocumentReader | None,
        box: tuple[str, str],
        documents: Sequence[str],
        still: Callable[[Connection], bool],
    ) -> DocumentReader | None:
        """The reader, made to raise Withdrawn in the middle of a long download once the box (namespace, id) or one of
        the documents is recalled, or `still` says no.
        """
        if reader is None:
            return None

        def still_readable(conn: Connection) -> bool:
            return still(conn) and not any_recalled(conn, *box, documents)

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
        """Record a download. Call it BEFORE the first byte goes out: a download that breaks off one byte early has
        told nearly all. Once a download, not for each Range piece. False: it may not be read any more, send nothing.
        """
        now = self._desk.clock()

        def work(conn: Connection) -> bool:
            seat = self._seat_within(conn, namespace, participant_id)
            if seat is None or not may_read(self._invitation(seat, now), seen):
                return False
            if any_recalled(conn, namespace, seat.box.id, document_ids):
                return False
            facts = {"documents": list(document_ids), "original": original}
            event = act_of_guest(EventKind.BOX_DOWNLOADED, seat.box, seat.guest, seen, **facts)
            record(conn, self._desk.vault, [event], now)
            return True

        return await self._desk.db.write(work)

    async def download_ended(
        self,
        namespace: str,
        participant_id: str,
        document_id: str,
        seen: Access,
        *,
        start: int,
        stop: int,
        size: int,
    ) -> None:
        """Record how far a download came: bytes from `start` up to `stop` of `size` went out. `document_id` empty: the
        whole mail.
        """
        now = self._desk.clock()

        def work(conn: Connection) -> None:
            seat = self._seat_within(conn, namespace, participant_id)
            if seat is not None:
                facts = {"document": document_id, "start": start, "stop": stop, "size": size}
                event = act_of_guest(EventKind.BOX_DOWNLOAD_ENDED, seat.box, seat.guest, seen, **facts)
                record(conn, self._desk.vault, [event], now)

        await self._desk.db.write(work)

    def _receipt(self, seat: Seat, *, asked: bool, first: bool) -> Posted:
        about = correspondence_in_languages(self._desk.db, seat.key, seat.box, seat.guest)
        notice = self._desk.composer.receipt(about, self._desk.clock(), asked=asked, first=first)
        return self._desk.seal(seat.box, seat.guest, notice, "receipt")


def original_of(conn: Connection, seat: Seat, blobs: Blobs, within: list[str]) -> DocumentReader | None:
    """The whole mail. None: there is none, or something of it was taken back. `within` gets the documents in it."""
    for message in messages_of(conn, seat.box.namespace, seat.box.id):
        if message.kind is BoxMessageKind.ORIGINAL and seat.key is not None:
            listed = documents_of(conn, seat.box.namespace, seat.box.id)
            within[:] = [one.id for one in listed if one.box_message_id == message.id]
            if any_recalled(conn, seat.box.namespace, seat.box.id, within):
                return None  # what was taken back is in it
            return read_original(message, seat.key, blobs)
    return None
