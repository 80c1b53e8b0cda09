"""What owners say of how a guest proves themselves beside mail: a telephone that is theirs, a question set."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import Connection

from delivery.phones import as_number
from delivery.safebox.acting import NOBODY, ActRequest, person_of
from delivery.safebox.asking import LONGEST, SHORTEST, PhoneFrom, Proof, hash_answer, normalise_answer
from delivery.safebox.authority import ActResult, Principal, Standing, standing_of
from delivery.safebox.boxkey import PHONE, QUESTION, BoxKey
from delivery.safebox.choices import Way
from delivery.safebox.inviting import put_proof
from delivery.safebox.lifecycle import Act
from delivery.safebox.partaking import Partaking
from delivery.safebox.profile import stored_profile
from delivery.speech import phrase
from delivery.store import proofs
from delivery.store.audit import EventKind
from delivery.store.boxes import ParticipantRow, Role

PHONE_WAYS: Final = frozenset({Way.SMS, Way.VOICE})
_ASKED: Final = PHONE_WAYS | {Way.QUESTION}
_GONE: Final = phrase("The content of the message is gone.")


@dataclass(frozen=True, slots=True)
class KnownProof:
    """What an owner or admin sees of a guest's proofs."""

    phone: str = field(default="", repr=False)
    phone_from: PhoneFrom | None = None
    is_confirmed: bool = False
    question: str = field(default="", repr=False)

    @property
    def waits(self) -> bool:
        """The guest told a number, and nobody has said yet that it is theirs."""
        return bool(self.phone) and not self.is_confirmed


class Vouching(Partaking):
    """Acts of owners on how their guests prove themselves; guests are named by address."""

    async def proof_of(self, box_id: str, address: str, by: Principal, namespace: str = "default") -> KnownProof | None:
        """What is known of a guest. None: there is no such box for this one, or no such guest."""

        def work(conn: Connection) -> KnownProof | None:
            standing = standing_of(conn, namespace, box_id, by)
            guest = None if standing is None else person_of(standing, address)
            return None if standing is None or guest is None else self._known(conn, standing, guest)

        return await self._desk.db.read(work)

    async def proofs_of(self, box_id: str, by: Principal, namespace: str = "default") -> Mapping[str, KnownProof]:
        """What is known of all guests of a box, by participant; nothing where this one may not say anything of them, or
        where neither telephones nor questions open it.
        """

        def work(conn: Connection) -> Mapping[str, KnownProof]:
            standing = standing_of(conn, namespace, box_id, by)
            if standing is None or self.refused(standing, Act.VOUCH) or _ASKED.isdisjoint(_ways(standing)):
                return {}
            guests = (one for one in standing.people if one.role is Role.GUEST)
            return {guest.id: self._known(conn, standing, guest) for guest in guests}

        return await self._desk.db.read(work)

    def _known(self, conn: Connection, standing: Standing, guest: ParticipantRow) -> KnownProof:
        key, row = BoxKey.of(self._desk.vault, standing.box), proofs.get(conn, guest.namespace, guest.id)
        if key is None or self.refused(standing, Act.VOUCH):
            return KnownProof()
        return KnownProof(
            key.open_text(PHONE, guest.id, row.phone_sealed),
            PhoneFrom(row.phone_from) if row.phone_from else None,
            row.phone_confirmed_at is not None,
            key.open_text(QUESTION, guest.id, row.question_sealed),
        )

    async def confirm_phone(
        self, box_id: str, address: str, number: str, by: Principal, namespace: str = "default"
    ) -> ActResult | None:
        """The number that the guest told is theirs. `number` is what the owner saw: refused where it is another by now,
        or none waits.
        """
        now = self._desk.clock()

        def change(conn: Connection, standing: Standing, guest: ParticipantRow) -> str:
            key, row = BoxKey.of(self._desk.vault, standing.box), proofs.get(conn, namespace, guest.id)
            if key is None or key.open_text(PHONE, guest.id, row.phone_sealed) != number:
                return phrase("This is not the number that waits to be confirmed.")
            return (
                ""
                if proofs.confirm_phone(conn, namespace, guest.id, row.phone_sealed, now)
                else phrase("The number was confirmed already.")
            )

        return await self._do_to(
            ActRequest(namespace, box_id, by, Act.VOUCH, address), EventKind.PHONE_CONFIRMED, change
        )

    async def set_phone(
        self, box_id: str, address: str, number: str, by: Principal, namespace: str = "default"
    ) -> ActResult | None:
        """Codes of a guest go to this number, whatever was known; it needs no further word."""
        plain = as_number(number)
        if plain is None:
            return ActResult(False, phrase("This is no telephone number with its country, such as +41 79 123 45 67."))
        proof = Proof(plain, PhoneFrom.OWNER)
        return await self._set_proof(box_id, address, proof, by, namespace)

    async def set_question(
        self, box_id: str, address: str, by: Principal, namespace: str = "default", *, question: str, answer: str
    ) -> ActResult | None:
        """What a guest is asked, in place of what was asked. Whoever came in by the former answer is out."""
        question = " ".join(question.split())
        plain = normalise_answer(answer)
        if not question or len(question) > LONGEST:
            return ActResult(False, phrase("A question has 1 to {most} characters.", most=LONGEST))
        if len(plain) < SHORTEST:
            return ActResult(False, phrase("An answer has {least} letters or digits at least.", least=SHORTEST))
        if plain in normalise_answer(question):
            return ActResult(False, phrase("The answer stands in the question: whoever holds the link reads it there."))
        proof = Proof(question=question, answer=await asyncio.to_thread(hash_answer, answer))
        return await self._set_proof(box_id, address, proof, by, namespace)

    async def _set_proof(
        self, box_id: str, address: str, proof: Proof, by: Principal, namespace: str
    ) -> ActResult | None:
        now = self._desk.clock()
        kind = EventKind.QUESTION_SET if proof.question else EventKind.PHONE_SET

        def change(conn: Connection, standing: Standing, guest: ParticipantRow) -> str:
            key, ways = BoxKey.of(self._desk.vault, standing.box), _ways(standing)
            if guest.role is not Role.GUEST or guest.removed_at is not None:
                return NOBODY
            if proof.question and Way.QUESTION not in ways:
                return phrase("Its security profile lets nobody open it by an answer.")
            if proof.phone and PHONE_WAYS.isdisjoint(ways):
                return phrase("Its security profile sends no codes to telephones.")
            if key is None:
                return _GONE
            put_proof(conn, standing.box, key, guest.id, proof, now=now)
            return ""

        return await self._do_to(ActRequest(namespace, box_id, by, Act.VOUCH, address), kind, change)


def _ways(standing: Standing) -> frozenset[Way]:
    return frozenset(stored_profile(standing.box.profile).signin.ways)
