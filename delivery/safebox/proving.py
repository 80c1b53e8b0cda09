"""How guests prove themselves beside mail: telephones and questions. `vouching.py`: what owners say of it."""

import asyncio
from datetime import datetime

from sqlalchemy import Connection

from delivery.notices.facts import Correspondence
from delivery.notices.notice import Notice
from delivery.safebox.asking import PhoneFrom, Proof, hash_answer, is_answer
from delivery.safebox.desk import act_of_guest
from delivery.safebox.inviting import put_proof
from delivery.safebox.participants import Access, Way
from delivery.safebox.reading import Seat
from delivery.safebox.telling import Telling
from delivery.store import proofs
from delivery.store.audit import Event, EventKind, record


class Proving(Telling):
    """Each act gives False where it cannot happen."""

    async def code_called(self, namespace: str, participant_id: str, way: Way, seen: Access, *, sent: bool) -> None:
        """Record that a code went to the guest's telephone, or that the provider did not take it."""
        now = self._desk.clock()

        def work(conn: Connection) -> None:
            seat = self._seat_within(conn, namespace, participant_id)
            if seat is None:
                return
            kind = EventKind.CODE_SENT if sent else EventKind.CODE_NOT_SENT
            record(conn, self._desk.vault, [act_of_guest(kind, seat.box, seat.guest, seen, by=way.value)], now)

        await self._desk.db.write(work)

    async def tell_phone(self, namespace: str, participant_id: str, number: str, seen: Access) -> bool:
        """The guest says where they can be called. It counts once the owner, who is told of it, has confirmed it."""

        def compose(about: Correspondence, now: datetime) -> Notice:
            return self._desk.composer.phone_told(about, number, now)

        def happen(conn: Connection, seat: Seat, now: datetime) -> Event | bool:
            if not self._invitation(seat, now).wants_phone or seat.key is None:
                return False
            put_proof(conn, seat.box, seat.key, seat.guest.id, Proof(number, PhoneFrom.GUEST), now=now)
            return act_of_guest(EventKind.PHONE_TOLD, seat.box, seat.guest, seen)

        return await self._tell_owner(namespace, participant_id, "phone_told", compose, happen)

    async def is_answer(self, namespace: str, participant_id: str, typed: str) -> bool:
        """Whether it answers the question that the guest is asked. Counts and records nothing."""
        kept = await self._desk.db.read(lambda conn: proofs.get(conn, namespace, participant_id).answer)
        right = await asyncio.to_thread(is_answer, kept or hash_answer("nothing was asked"), typed)
        return right and kept is not None
