"""The service that portal and commands use for everything about SafeBoxes, made of classes that each stand in a file:

Guests: `seating.py` (which box), `opening.py` (read, download), `telling.py` and `proving.py` (what else they do),
`answering.py`, `uploading.py` (files that come before an answer). Owners and admins: `keeping.py` (a whole box),
`looking.py` (what is in it), `partaking.py` (its people), `changing.py`, `recalling.py`, `tracking.py`, `vouching.py`,
`listing.py`, `auditrecord.py`. Time: `clockwork.py`, `ending.py` (who is told of an end). `bounces.py`: notices that
come back.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Final

from sqlalchemy import Connection

from delivery.notices.compose import Composer
from delivery.safebox.answering import keep_answer, left_today
from delivery.safebox.answers import AnswerDraft
from delivery.safebox.auditrecord import Recording
from delivery.safebox.authority import Principal
from delivery.safebox.bounces import NoticeBounces
from delivery.safebox.changing import Changing
from delivery.safebox.clockwork import Clockwork
from delivery.safebox.desk import Desk
from delivery.safebox.inviting import Inviter
from delivery.safebox.keeping import Keeping
from delivery.safebox.lifecycle import Act
from delivery.safebox.limits import AnswerLimits
from delivery.safebox.listing import Listing
from delivery.safebox.looking import Looking
from delivery.safebox.participants import Access
from delivery.safebox.post import Outbox, Post
from delivery.safebox.profile import stored_profile
from delivery.safebox.proving import Proving
from delivery.safebox.reading import Seat
from delivery.safebox.recalling import Recalling
from delivery.safebox.seating import may_read
from delivery.safebox.tracking import Tracking
from delivery.safebox.uploads import WholeUpload
from delivery.safebox.vouching import Vouching
from delivery.store.blobs import Blobs
from delivery.store.box_contents import message_with_prefix_exists
from delivery.store.boxes import get_participant
from delivery.store.database import Database
from delivery.store.vault import Vault

MAIL_BYTES: Final = 50 * 2**20  # limits.message
_GROWS: Final = 1.4  # base64 takes a third more; headers and text the rest


class SafeBoxes(Looking, Proving, Keeping, Changing, Listing, Recording, Recalling, Tracking, Vouching, Clockwork):
    """Every act on SafeBoxes, each in one transaction with its audit event."""

    def __init__(
        self,
        db: Database,
        vault: Vault,
        blobs: Blobs,
        outbox: Outbox,
        *,
        composer: Composer,
        clock: Callable[[], datetime],
        mail_bytes: int = MAIL_BYTES,
    ) -> None:
        """`mail_bytes`: the largest mail that goes out (`limits.message`); answers above it stay in their box."""
        post = Post(outbox, clock)
        inviter = Inviter(db, vault, composer, post)
        desk = Desk(db, vault, blobs, composer, post, inviter, clock)
        super().__init__(desk)
        self.desk = desk
        self.bounces = NoticeBounces(desk)
        self._mail_bytes = int(mail_bytes / _GROWS)

    async def begin_answer(self, namespace: str, participant_id: str, seen: Access) -> AnswerDraft | None:
        """Begin a guest's answer; a late one, where the box takes none (any more). None: they may not even read it."""
        seat = await self._seat(lambda conn: get_participant(conn, namespace, participant_id))
        if seat is None or seat.key is None:
            return None
        invitation = self._invitation(seat, self.desk.clock())
        if not may_read(invitation, seen):
            return None
        limits = AnswerLimits.of(invitation.profile)
        today = await self.desk.db.read(lambda conn: left_today(self.desk, conn, seat, limits))
        return self._draft(seat, seen, today, is_late=not invitation.answerable)

    async def begin_message(
        self, box_id: str, by: Principal, seen: Access, namespace: str = "default"
    ) -> AnswerDraft | None:
        """Begin a message of the owner's side, of which all in the box are told; a late one, where it takes nothing
        more. None: not their box, or nobody reads it any more.
        """

        def work(conn: Connection) -> tuple[Seat | None, bool]:
            seat = self._keeper(conn, namespace, box_id, by, Act.ANSWER)
            return seat or self._keeper(conn, namespace, box_id, by, Act.READ), seat is None

        seat, is_late = await self.desk.db.read(work)
        return None if seat is None else self._draft(seat, seen, is_late=is_late)

    def _draft(
        self, seat: Seat, seen: Access, today: int | None = None, *, is_late: bool = False
    ) -> AnswerDraft | None:
        if seat.key is None:
            return None
        place = (seat.box.namespace, seat.box.id, seat.guest.id)
        return AnswerDraft(
            seat.key,
            place,
            self.desk.blobs,
            AnswerLimits.of(stored_profile(seat.box.profile)),
            keep=lambda draft: keep_answer(self.desk, seat, draft, seen, mail_bytes=self._mail_bytes),
            find=lambda upload_id: WholeUpload.find(self.desk, seat, upload_id),
            kept=lambda began: self.desk.db.read(lambda conn: message_with_prefix_exists(conn, *place, began)),
            today=today,
            is_late=is_late,
        )

    async def is_return_address(self, address: str) -> bool:
        """Did we make this return address? Raises StoreUnavailable."""
        return await self.bounces.named_by(address) is not None

    async def take_bounce(self, address: str, raw: bytes) -> bool:
        """A mail to one of our signed return addresses; see `NoticeBounces.take_bounce`."""
        return await self.bounces.take_bounce(address, raw)
