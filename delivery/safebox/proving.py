"""How guests prove themselves beside mail: telephones and questions, as guests use them and owners set them."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection

from delivery.notices.compose import About
from delivery.notices.notice import Notice
from delivery.safebox.asking import PhoneFrom, Proof, hashed, is_answer
from delivery.safebox.boxkey import PHONE, QUESTION, BoxKey
from delivery.safebox.desk import act_of_guest, act_of_keeper
from delivery.safebox.headers import address_key
from delivery.safebox.inviting import put_proof
from delivery.safebox.lifecycle import Act, may, state_at
from delivery.safebox.participants import Access, Way
from delivery.safebox.reading import Seat
from delivery.safebox.telling import Telling
from delivery.store import proofs
from delivery.store.audit import Event, EventKind, record
from delivery.store.boxes import BoxRow, ParticipantRow, Role, get_box, participants_of

# What changes for a guest, in the transaction; False: it cannot
Change = Callable[[Connection, BoxRow, ParticipantRow, datetime], bool]


@dataclass(frozen=True, slots=True)
class KnownProof:
    """What an owner or admin sees of a guest's proofs."""

    phone: str = field(default="", repr=False)
    phone_from: PhoneFrom | None = None
    is_confirmed: bool = False
    question: str = field(default="", repr=False)


class Proving(Telling):
    """Acts of guests give False where they cannot happen; acts of keepers as in `keeping.py`."""

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

        def compose(about: About, now: datetime) -> Notice:
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
        right = await asyncio.to_thread(is_answer, kept or hashed("nothing was asked"), typed)
        return right and kept is not None

    # -- owners ---------------------------------------------------------------------------------------------------

    async def proof_of(self, box_id: str, address: str, namespace: str = "default") -> KnownProof | None:
        """What is known of a guest. None: there is no such box or guest."""

        def work(conn: Connection) -> KnownProof | None:
            found = self._found(conn, namespace, box_id, address)
            if found is None:
                return None
            box, guest = found
            key, row = BoxKey.of(self._desk.vault, box), proofs.get(conn, namespace, guest.id)
            if key is None:
                return KnownProof()
            return KnownProof(
                key.open_text(PHONE, guest.id, row.phone_sealed),
                PhoneFrom(row.phone_from) if row.phone_from else None,
                row.phone_confirmed_at is not None,
                key.open_text(QUESTION, guest.id, row.question_sealed),
            )

        return await self._desk.db.read(work)

    async def confirm_phone(
        self, box_id: str, address: str, number: str, actor: str, namespace: str = "default"
    ) -> bool | None:
        """The number that the guest told is theirs. `number` is what the owner saw: False where it is another by now,
        or none waits.
        """

        def change(conn: Connection, box: BoxRow, guest: ParticipantRow, now: datetime) -> bool:
            key, row = BoxKey.of(self._desk.vault, box), proofs.get(conn, namespace, guest.id)
            if key is None or key.open_text(PHONE, guest.id, row.phone_sealed) != number:
                return False
            return proofs.confirm_phone(conn, namespace, guest.id, now)

        return await self._keep(namespace, box_id, address, kind=EventKind.PHONE_CONFIRMED, actor=actor, change=change)

    async def set_proof(
        self, box_id: str, address: str, proof: Proof, actor: str, namespace: str = "default"
    ) -> bool | None:
        """Set a number, or a question with its answer (hashed), in place of what was known."""
        kind = EventKind.QUESTION_SET if proof.question else EventKind.PHONE_CONFIRMED

        def change(conn: Connection, box: BoxRow, guest: ParticipantRow, now: datetime) -> bool:
            key = BoxKey.of(self._desk.vault, box)
            if key is None:
                return False
            put_proof(conn, box, key, guest.id, proof, now=now)
            return True

        return await self._keep(namespace, box_id, address, kind=kind, actor=actor, change=change)

    async def _keep(
        self,
        namespace: str,
        box_id: str,
        address: str,
        *,
        kind: EventKind,
        actor: str,
        change: Change,
    ) -> bool | None:
        now = self._desk.clock()

        def work(conn: Connection) -> bool | None:
            found = self._found(conn, namespace, box_id, address)
            if found is None:
                return None
            box, guest = found
            state = state_at(box.state, box.closes_at, box.deletes_at, now)
            if not may(state, Act.UNLOCK) or not change(conn, box, guest, now):
                return False
            record(conn, self._desk.vault, [act_of_keeper(kind, box, actor, participant_id=guest.id)], now)
            return True

        return await self._desk.db.write(work)

    @staticmethod
    def _found(conn: Connection, namespace: str, box_id: str, address: str) -> tuple[BoxRow, ParticipantRow] | None:
        box = get_box(conn, namespace, box_id)
        people = participants_of(conn, namespace, box_id) if box is not None else ()
        wanted = address_key(address)
        guest = next((one for one in people if one.role is Role.GUEST and one.address_key == wanted), None)
        return None if box is None or guest is None else (box, guest)
