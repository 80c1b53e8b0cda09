"""Files that arrive before the answer they belong to, piece by piece: after a broken connection, or in a page that was
loaded again, they go on where they were.

What came is sealed under the box's key as it comes, each piece bound to its place. Nobody but the one who began an
upload finds it, and nobody else learns of it; it is sent once, with an answer, or forgotten after a day.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from sqlalchemy import Connection

from delivery.safebox.answering import left_today
from delivery.safebox.authority import Principal, standing_of
from delivery.safebox.desk import Desk
from delivery.safebox.lifecycle import Act, forbidden, refusal, state_at
from delivery.safebox.limits import AnswerLimits, AnswerRefused, TooMuch
from delivery.safebox.names import clean_name, clean_type
from delivery.safebox.participants import Access
from delivery.safebox.profile import stored_profile
from delivery.safebox.reading import Seat, invitation_of, seat_at, seat_of
from delivery.safebox.receiving import UploadReceiver, UploadTarget
from delivery.safebox.seating import may_read
from delivery.safebox.uploads import UNSENT, Upload, forget_pieces, opened, sealed_facts
from delivery.store import uploads as rows
from delivery.store.boxes import get_box, get_participant
from delivery.store.uploads import UploadRow
from keys.tokens import new_id

MOST_ELSEWHERE: Final = 3  # times what one answer may bring: under way in all boxes of one person
_LONGEST_NAME: Final = 1000
_LONGEST_TYPE: Final = 200


@dataclass(frozen=True, slots=True)
class Writer:
    """Who writes into which box: a guest by their seat, or (`by`) a sender by name."""

    namespace: str
    seen: Access = field(repr=False)
    participant_id: str = ""
    box_id: str = ""
    by: Principal | None = field(default=None, repr=False)


class Uploading:
    """Uploads of one box's writers. None, everywhere: there is no such thing for this one, or it takes nothing."""

    _desk: Desk

    async def begin_upload(
        self, writer: Writer, *, name: str, content_type: str, modified: str, size: int
    ) -> Upload | None:
        """Announce a file. Raises AnswerRefused, before anything of it comes."""
        now = self._desk.clock()
        name, content_type, modified = name[-_LONGEST_NAME:], content_type[:_LONGEST_TYPE], modified[:_LONGEST_TYPE]

        def work(conn: Connection) -> UploadRow | None:
            seat = self._writing(conn, writer, now)
            if seat is None or seat.key is None or get_box(conn, writer.namespace, seat.box.id, hold=True) is None:
                return None
            self._check(conn, seat, name, clean_type(content_type), size)
            upload_id = new_id()
            row = UploadRow(
                upload_id,
                writer.namespace,
                seat.box.id,
                seat.guest.id,
                seat.guest.address_key,
                sealed_facts(seat.key, upload_id, name, content_type, modified),
                size,
                0,
                0,
                now,
                now + UNSENT,
            )
            rows.insert_upload(conn, row)
            return row

        row = await self._desk.db.write(work)
        return None if row is None else Upload(row.id, name, content_type, modified, size, 0, row.expires_at)

    async def upload(self, writer: Writer, upload_id: str) -> Upload | None:
        """How far one upload is."""
        return next((one for one in await self.uploads(writer) if one.id == upload_id), None)

    async def uploads(self, writer: Writer) -> tuple[Upload, ...]:
        """All that somebody has under way into a box, in the order begun."""
        now = self._desk.clock()

        def work(conn: Connection) -> tuple[Upload, ...]:
            seat = self._writing(conn, writer, now)
            if seat is None or seat.key is None:
                return ()
            found = rows.uploads_of(conn, writer.namespace, seat.guest.id)
            return tuple(opened(one, seat.key) for one in found if one.expires_at > now)

        return await self._desk.db.read(work)

    async def give_up(self, writer: Writer, upload_id: str) -> bool:
        """Throw one away. False: there is none."""
        now = self._desk.clock()

        def work(conn: Connection) -> tuple[str, ...] | None:
            seat = self._writing(conn, writer, now)
            return None if seat is None else rows.take_uploads(conn, writer.namespace, seat.guest.id, [upload_id])

        blobs = await self._desk.db.write(work)
        await forget_pieces(self._desk.blobs, blobs or ())
        return blobs is not None

    async def receive(self, writer: Writer, upload_id: str) -> UploadReceiver | None:
        """More of an upload is about to come."""
        now = self._desk.clock()

        def work(conn: Connection) -> UploadTarget | None:
            seat = self._writing(conn, writer, now)
            if seat is None or seat.key is None:
                return None
            row = rows.get_upload(conn, writer.namespace, seat.guest.id, upload_id)
            if row is None or row.expires_at <= now:
                return None
            limits = AnswerLimits.of(stored_profile(seat.box.profile))
            return UploadTarget(seat.key, row, opened(row, seat.key).shown_name, limits)

        arrival = await self._desk.db.read(work)
        return None if arrival is None else UploadReceiver(self._desk, arrival)

    async def drop_unsent(self, now: datetime, batch: int = 100) -> int:
        """Forget what nobody went on with for a day; how many. Time's own act: every box, every namespace."""
        gone = 0
        while True:
            number, blobs = await self._desk.db.write(lambda conn: rows.drop_expired(conn, now, batch))
            await forget_pieces(self._desk.blobs, blobs)
            gone += number
            if number < batch:
                return gone

    def _writing(self, conn: Connection, writer: Writer, now: datetime) -> Seat | None:
        """The seat of one who may write into the box now: the same as asked before an answer."""
        vault, organisation = self._desk.vault, self._desk.composer.voice.organisation
        if writer.by is None:
            seat = seat_of(conn, vault, get_participant(conn, writer.namespace, writer.participant_id))
            if seat is None:
                return None
            invitation = invitation_of(seat, organisation, now)
            return seat if invitation.answerable and may_read(invitation, writer.seen) else None
        standing = standing_of(conn, writer.namespace, writer.box_id, writer.by)
        if standing is None or standing.me is None:
            return None
        box = standing.box
        state = state_at(box.state, box.closes_at, box.deletes_at, now)
        if refusal(state, Act.ANSWER, standing.actor) or forbidden(stored_profile(box.profile), Act.ANSWER):
            return None
        return seat_at(conn, vault, standing.me)

    def _check(self, conn: Connection, seat: Seat, name: str, content_type: str, size: int) -> None:
        """What one answer may bring holds for what is under way as well; and a few times that for all boxes."""
        name = clean_name(name, content_type, 1)
        limits = AnswerLimits.of(stored_profile(seat.box.profile))
        if size > limits.document_bytes:
            raise AnswerRefused(TooMuch.DOCUMENT_BYTES, limits.document_bytes, name)
        limits.check_name(name, content_type)
        here = rows.pending_of(conn, seat.box.namespace, participant_id=seat.guest.id)
        if here.files >= limits.documents:
            raise AnswerRefused(TooMuch.DOCUMENTS, limits.documents, name)
        if here.octets + size > limits.total_bytes:
            raise AnswerRefused(TooMuch.TOTAL_BYTES, limits.total_bytes, name)
        left = left_today(self._desk, conn, seat, limits)
        if left is not None and here.octets + size > left:
            raise AnswerRefused(TooMuch.DAY, limits.daily_bytes, name)
        all_of_them = rows.pending_of(conn, seat.box.namespace, address_key=seat.guest.address_key)
        files, octets = MOST_ELSEWHERE * limits.documents, MOST_ELSEWHERE * limits.total_bytes
        if all_of_them.files >= files or all_of_them.octets + size > octets:
            raise AnswerRefused(TooMuch.UNSENT, files, name)
