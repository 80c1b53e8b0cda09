"""The SafeBox courier: keeps the mail in a box and invites the recipient, in the transaction that ends the item."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import parseaddr
from functools import partial
from typing import Final

import structlog
from sqlalchemy import Connection

from delivery.couriers.changes import apply_changes
from delivery.couriers.courier import Deferred, Delivery, Outcome, Refused, Stored
from delivery.errors import StoreUnavailable
from delivery.items import Item, OpenMessage, Reply
from delivery.safebox.asking import PhoneFrom, Proof, ProofHeaders, hash_answer, read_proof_headers
from delivery.safebox.box import SafeBoxes
from delivery.safebox.boxkey import BoxKey
from delivery.safebox.headers import address_key
from delivery.safebox.inviting import Invitee, PreparedInvitation
from delivery.safebox.lifecycle import Act, may, state_at
from delivery.safebox.mail import Mail, parse_mail, without_bcc
from delivery.safebox.making import BoxSource, MadeBox, audience_of, insert_made, make_box
from delivery.safebox.profile import Profile
from delivery.safebox.wishes import adjust
from delivery.store.box_contents import BoxMessageKind, count_documents
from delivery.store.boxes import BoxRow, Role, find_box, get_box

STANDARD: Final = "standard"
_KEPT: Final = Reply(250, "2.0.0", "kept in a SafeBox, and the recipient is told")
_NOT_HERE: Final = Reply(451, "4.3.5", "the security profile of this mail is not configured")
_BUSY: Final = Reply(451, "4.3.0", "the store cannot be used at the moment")
_TAKEN_BACK: Final = Reply(550, "5.7.1", "the sender took this message back before it was announced")
_NO_ADDRESS: Final = Reply(553, "5.1.3", "no mail can be addressed to this recipient")

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Place:
    """The box an item goes into: one that stands, or one that is made with the first item that ends."""

    row: BoxRow
    key: BoxKey
    documents: int
    made: MadeBox | None  # None: it stands
    staff: tuple[PreparedInvitation, ...] = ()  # whom the profile adds, beside the recipients, when it is made


@dataclass(frozen=True, slots=True)
class _Made:
    """A mail, read once for all its recipients. `answer` is hashed."""

    mail: Mail
    original: bytes = field(repr=False)
    asked: ProofHeaders
    answer: str = field(repr=False)


class SafeBoxCourier:
    """Everything heavy is done before the transaction: the mail is taken apart, documents are sealed and on disk,
    notices are composed. The transaction only inserts. A crash between leaves blob files that nobody names: swept.
    """

    def __init__(
        self, boxes: SafeBoxes, profiles: Mapping[str, Profile], phones: Mapping[str, str] | None = None
    ) -> None:
        """`phones`: numbers that the admin's directory knows, by address in lower case."""
        self._phones = phones or {}
        self._desk = boxes.desk
        self._inviter = boxes.desk.inviter
        self._profiles = profiles

    async def deliver(self, delivery: Delivery) -> Mapping[str, Outcome]:
        """One outcome for each item; `Stored.work` makes or joins the box."""
        return await asyncio.to_thread(self._deliver, delivery)

    def _deliver(self, delivery: Delivery) -> Mapping[str, Outcome]:
        try:
            changed = apply_changes(delivery.message.raw, delivery.items[0].changes)
            original = without_bcc(changed)
            mail = parse_mail(original)
            asked = read_proof_headers(delivery.message.raw)
            places: dict[tuple[str, str], _Place] = {}
            hash_ = hash_answer(asked.answer) if asked.question else ""
            made = _Made(mail, original, asked, hash_)
            return {item.id: self._one(delivery.message, item, made, places) for item in delivery.items}
        except StoreUnavailable as error:
            log.warning("safebox.store_unavailable", message=delivery.message.id, why=str(error))
            return {item.id: Deferred(_BUSY) for item in delivery.items}

    def _one(self, message: OpenMessage, item: Item, made: _Made, places: dict[tuple[str, str], _Place]) -> Outcome:
        mail = made.mail
        profile = self._profile(item)
        if profile is None:
            log.error("safebox.profile_missing", item=item.id, profile=item.profile)
            return Deferred(_NOT_HERE)
        name = item.profile or STANDARD
        audience = audience_of(self._desk.vault, message.namespace, mail, item.recipient)
        wanted = adjust(profile, item.changes.wishes, {STANDARD, *self._profiles}).profile  # intake tells the rest
        is_sent = message.sender is not None
        source = BoxSource(
            message.namespace, message.id, message.owner, name, wanted, audience, item.fell_back, is_sent
        )
        place = places.get((name, audience)) or self._place(source, mail, made.original)
        if place is None:
            return Refused(_TAKEN_BACK)
        places[name, audience] = place
        name_of = mail.named.get(address_key(item.recipient), "")
        guest = Invitee(item.recipient, name_of, item.fell_back, self._proof(made, item.recipient))
        try:
            prepared = self._inviter.prepare(place.row, place.key, guest, place.documents, self._desk.clock())
        except ValueError:
            return Refused(_NO_ADDRESS)
        return Stored(_KEPT, self._work(place, prepared))

    def _proof(self, made: _Made, recipient: str) -> Proof:
        """The sender's word comes first, then the directory's."""
        phone, whose = made.asked.phone_for(recipient), PhoneFrom.SENDER
        if not phone:
            phone, whose = self._phones.get(recipient.strip().lower(), ""), PhoneFrom.DIRECTORY
        return Proof(phone, whose, made.asked.question, made.answer)

    def _profile(self, item: Item) -> Profile | None:
        """The profile as configured now. One that is gone is not replaced: it may have asked for more."""
        name = item.profile or STANDARD
        return self._profiles.get(name) or (Profile() if name == STANDARD else None)

    def _place(self, source: BoxSource, mail: Mail, original: bytes) -> _Place | None:
        """The box that stands already, or a new one. None: it was taken back or is gone."""
        found = self._desk.db.read_now(
            lambda conn: find_box(conn, source.namespace, source.message_id, source.profile_name, source.audience)
        )
        now = self._desk.clock()
        if found is None:
            made = make_box(self._desk.vault, self._desk.blobs, source, mail, original, now=now)
            key = BoxKey.of(self._desk.vault, made.row)
            assert key is not None, "a new box has its key"
            return _Place(made.row, key, made.count(), made, self._staff(made, key, source.profile, now))
        key = BoxKey.of(self._desk.vault, found)
        if key is None or not may(state_at(found.state, found.closes_at, found.deletes_at, now), Act.INVITE):
            return None
        documents = self._desk.db.read_now(partial(_documents, found))
        return _Place(found, key, documents, None)

    def _staff(self, made: MadeBox, key: BoxKey, profile: Profile, now: datetime) -> tuple[PreparedInvitation, ...]:
        """Invitations for those who take part in every box of the profile; the owner is in it anyway."""
        named = (
            (profile.participants.colleagues, Role.COLLEAGUE),
            (profile.participants.privileged, Role.PRIVILEGED),  # the role with more rights counts
        )
        staff: dict[str, Invitee] = {}
        for name, address, role in ((*parseaddr(one), role) for people, role in named for one in people):
            staff[address_key(address)] = Invitee(address, name, role=role)
        staff.pop(address_key(made.row.owner), None)
        return tuple(self._inviter.prepare(made.row, key, one, made.count(), now) for one in staff.values())

    def _work(self, place: _Place, prepared: PreparedInvitation) -> Callable[[Connection, datetime], None]:
        def work(conn: Connection, now: datetime) -> None:
            if place.made is not None:
                row: BoxRow | None = insert_made(conn, self._desk.vault, place.made, now)
            else:
                row = get_box(conn, place.row.namespace, place.row.id)
            # Made by another courier since we looked: its key seals. Deleted since: there is nothing to join.
            key = None if row is None else place.key if row.id == place.row.id else BoxKey.of(self._desk.vault, row)
            if row is not None and row.key is not None and key is not None:
                self._inviter.join(conn, row, key, prepared, now)
                for one in place.staff if row.id == place.row.id else ():
                    self._inviter.join(conn, row, key, one, now)

        return work


def _documents(box: BoxRow, conn: Connection) -> int:
    return count_documents(conn, box.namespace, box.id, BoxMessageKind.ORIGINAL)
