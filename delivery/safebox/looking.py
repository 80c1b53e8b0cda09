"""A box's content for those who keep it: read, downloaded, and seen as one of its guests sees it. Records nothing."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from delivery.safebox.acting import Acting
from delivery.safebox.authority import Principal, standing_of
from delivery.safebox.contents import DocumentReader, OpenBox
from delivery.safebox.lifecycle import Act
from delivery.safebox.opening import Opening, original_of
from delivery.safebox.participants import Invitation
from delivery.safebox.reading import Seat, open_visible_rows, read_document, read_visible_rows, seat_at
from delivery.store.box_contents import get_document
from delivery.store.box_news import NOTHING, Counted, KeeperInBox, counted, news_of, record_look
from delivery.store.boxes import Role


@dataclass(frozen=True, slots=True)
class GuestView:
    """What one guest has before them. `opened` None: they can open it no more, and `invitation` says why."""

    invitation: Invitation
    opened: OpenBox | None


@dataclass(frozen=True, slots=True)
class NewsCounts:
    """What is `new` in a box for one of its keepers, and `all` that was counted in it when that was read."""

    new: Counted
    all: Counted


class Looking(Opening, Acting):
    """For owner, privileged participants and colleagues, by name."""

    async def open_for(self, box_id: str, by: Principal, namespace: str = "default") -> OpenBox | None:
        """What is in a box, for its owner, and who else acts on it by name. Records nothing: it is theirs.

        None: there is no such box for this one, or its content is gone.
        """
        now = self._desk.clock()

        def work(conn: Connection) -> OpenBox | None:
            seat = self._keeper(conn, namespace, box_id, by, Act.READ)
            if seat is None or seat.key is None:
                return None
            return open_visible_rows(read_visible_rows(conn, seat), seat.key, self._invitation(seat, now))

        return await self._desk.db.read(work)

    async def document_for(
        self, box_id: str, document_id: str, by: Principal, namespace: str = "default"
    ) -> DocumentReader | None:
        """One document of the conversation, for those of `open_for`, to be read in pieces. None: not there, or not any
        more.
        """

        def find(conn: Connection, seat: Seat) -> DocumentReader | None:
            row = get_document(conn, namespace, box_id, document_id)
            return read_document(row, seat.key, self._desk.blobs) if row and seat.key else None

        return await self._reader(box_id, by, namespace, find, (document_id,))

    async def original_for(self, box_id: str, by: Principal, namespace: str = "default") -> DocumentReader | None:
        """The whole mail as it came, without Bcc; None also where a part of it was taken back."""
        within: list[str] = []
        return await self._reader(
            box_id, by, namespace, lambda conn, seat: original_of(conn, seat, self._desk.blobs, within), within
        )

    async def news(self, box_id: str, by: Principal, namespace: str = "default") -> NewsCounts | None:
        """What is new since this one last looked. None: there is no such box for them.

        Ask before the content is read, and give the answer to `mark_seen` once the page was shown: so what arrives in
        between is never taken for seen.
        """

        def work(conn: Connection) -> NewsCounts | None:
            standing = standing_of(conn, namespace, box_id, by)
            if standing is None or standing.me is None:
                return None
            new = news_of(conn, namespace, by.key, [box_id])
            return NewsCounts(new.get(box_id, NOTHING), counted(conn, namespace, box_id))

        return await self._desk.db.read(work)

    async def mark_seen(self, box_id: str, by: Principal, seen: NewsCounts, namespace: str = "default") -> None:
        """Note that this one was shown the page with what `seen` counted."""
        now = self._desk.clock()

        def work(conn: Connection) -> None:
            if standing_of(conn, namespace, box_id, by) is not None:
                record_look(conn, KeeperInBox(namespace, box_id, by.key), seen.all, now)

        await self._desk.db.write(work)

    async def as_guest(
        self, box_id: str, participant_id: str, by: Principal, namespace: str = "default"
    ) -> GuestView | None:
        """What a guest of the box sees, in any state of it. None: no such box, or guest, for this one."""
        now = self._desk.clock()

        def work(conn: Connection) -> GuestView | None:
            standing = standing_of(conn, namespace, box_id, by)
            if standing is None or standing.me is None or self.refused(standing, Act.SEE):
                return None
            guests = (one for one in standing.people if one.role is Role.GUEST and one.id == participant_id)
            guest = next(guests, None)
            seat = None if guest is None else seat_at(conn, self._desk.vault, guest)
            if seat is None:
                return None
            invitation = self._invitation(seat, now)
            if not invitation.readable or seat.key is None:
                return GuestView(invitation, None)
            return GuestView(invitation, open_visible_rows(read_visible_rows(conn, seat), seat.key, invitation))

        return await self._desk.db.read(work)

    # -- within ---------------------------------------------------------------------------------------------------

    def _keeper(self, conn: Connection, namespace: str, box_id: str, by: Principal, act: Act) -> Seat | None:
        """The seat of somebody who acts by name, where the table lets them."""
        standing = standing_of(conn, namespace, box_id, by)
        if standing is None or standing.me is None or self.refused(standing, act):
            return None
        return seat_at(conn, self._desk.vault, standing.me)

    async def _reader(
        self,
        box_id: str,
        by: Principal,
        namespace: str,
        find: Callable[[Connection, Seat], DocumentReader | None],
        documents: Sequence[str],
    ) -> DocumentReader | None:
        """What `find` opens, which stops once the one who reads keeps the box no more, or it is over."""

        def work(conn: Connection) -> DocumentReader | None:
            seat = self._keeper(conn, namespace, box_id, by, Act.READ)
            return None if seat is None or seat.key is None else find(conn, seat)

        def still(conn: Connection) -> bool:
            return self._keeper(conn, namespace, box_id, by, Act.READ) is not None

        return self._watched(await self._desk.db.read(work), (namespace, box_id), documents, still)
