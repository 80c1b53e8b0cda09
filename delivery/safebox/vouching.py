"""What owners say of how a guest proves themselves beside mail: a telephone that is theirs, a question set."""

from dataclasses import dataclass, field

from sqlalchemy import Connection

from delivery.safebox.acting import person_of
from delivery.safebox.asking import PhoneFrom, Proof
from delivery.safebox.authority import By, Said, Standing, standing_of
from delivery.safebox.boxkey import PHONE, QUESTION, BoxKey
from delivery.safebox.inviting import put_proof
from delivery.safebox.lifecycle import Act
from delivery.safebox.partaking import Partaking
from delivery.speech import phrase
from delivery.store import proofs
from delivery.store.audit import EventKind
from delivery.store.boxes import ParticipantRow

_GONE = phrase("The content of the message is gone.")


@dataclass(frozen=True, slots=True)
class KnownProof:
    """What an owner or admin sees of a guest's proofs."""

    phone: str = field(default="", repr=False)
    phone_from: PhoneFrom | None = None
    is_confirmed: bool = False
    question: str = field(default="", repr=False)


class Vouching(Partaking):
    """Guests by their address."""

    async def proof_of(self, box_id: str, address: str, by: By, namespace: str = "default") -> KnownProof | None:
        """What is known of a guest. None: there is no such box for this one, or no such guest."""

        def work(conn: Connection) -> KnownProof | None:
            standing = standing_of(conn, namespace, box_id, by)
            guest = None if standing is None else person_of(standing, address)
            if standing is None or guest is None:
                return None
            key, row = BoxKey.of(self._desk.vault, standing.box), proofs.get(conn, namespace, guest.id)
            if key is None or self.refused(standing, Act.VOUCH):
                return KnownProof()
            return KnownProof(
                key.open_text(PHONE, guest.id, row.phone_sealed),
                PhoneFrom(row.phone_from) if row.phone_from else None,
                row.phone_confirmed_at is not None,
                key.open_text(QUESTION, guest.id, row.question_sealed),
            )

        return await self._desk.db.read(work)

    async def confirm_phone(
        self, box_id: str, address: str, number: str, by: By, namespace: str = "default"
    ) -> Said | None:
        """The number that the guest told is theirs. `number` is what the owner saw: refused where it is another by now,
        or none waits.
        """
        now = self._desk.clock()

        def change(conn: Connection, standing: Standing, guest: ParticipantRow) -> str:
            key, row = BoxKey.of(self._desk.vault, standing.box), proofs.get(conn, namespace, guest.id)
            if key is None or key.open_text(PHONE, guest.id, row.phone_sealed) != number:
                return phrase("This is not the number that waits for a word.")
            return (
                ""
                if proofs.confirm_phone(conn, namespace, guest.id, now)
                else phrase("The number was confirmed already.")
            )

        kind = EventKind.PHONE_CONFIRMED
        return await self._act_on_guest(namespace, box_id, address, by, act=Act.VOUCH, change=change, kind=kind)

    async def set_proof(
        self, box_id: str, address: str, proof: Proof, by: By, namespace: str = "default"
    ) -> Said | None:
        """Set a number, or a question with its answer (hashed), in place of what was known."""
        now = self._desk.clock()
        kind = EventKind.QUESTION_SET if proof.question else EventKind.PHONE_CONFIRMED

        def change(conn: Connection, standing: Standing, guest: ParticipantRow) -> str:
            key = BoxKey.of(self._desk.vault, standing.box)
            if key is None:
                return _GONE
            put_proof(conn, standing.box, key, guest.id, proof, now=now)
            return ""

        return await self._act_on_guest(namespace, box_id, address, by, act=Act.VOUCH, change=change, kind=kind)
