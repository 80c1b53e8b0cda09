"""Invitations: a guest's row, their link and reference, and the notice that brings both."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Connection

from delivery.languages import language_named
from delivery.notices.compose import Composer
from delivery.notices.facts import Correspondence, Offer
from delivery.notices.notice import Notice
from delivery.safebox.asking import PhoneFrom, Proof
from delivery.safebox.boxkey import (
    ALIAS,
    GUEST_NAME,
    OWNER_MESSAGE_ID,
    OWNER_NAME,
    PHONE,
    QUESTION,
    REFERENCE,
    SUBJECT,
    BoxKey,
)
from delivery.safebox.choices import AccountUse, Replies, Way
from delivery.safebox.headers import address_key
from delivery.safebox.lifecycle import Act, may
from delivery.safebox.making import reference_digest
from delivery.safebox.post import Post, Posted
from delivery.safebox.profile import Profile, stored_profile
from delivery.store import proofs
from delivery.store.account_rows import phrase_of, proven_before
from delivery.store.audit import Event, EventKind, record
from delivery.store.boxes import BoxRow, GuestState, ParticipantRow, Role, insert_link, insert_participant
from delivery.store.database import Database
from delivery.store.languages import chosen_by
from delivery.store.vault import Vault
from keys.tokens import digest, new_id, new_reference, new_token, sign_address

Calls = Literal["invitation", "reminder", "news", "closed", "expiring"]  # notices that bring a link
Compose = Callable[[Correspondence, Offer, datetime], Notice]


@dataclass(frozen=True, slots=True)
class Invitee:
    """Somebody who is to be invited. `by_fallback`: a code mailed to them must not open the box."""

    address: str = field(repr=False)
    name: str = field(repr=False)
    by_fallback: bool = False
    proof: Proof = field(default_factory=Proof, repr=False)
    role: Role = Role.GUEST
    alias: str = field(default="", repr=False)  # what others in the box see in place of name and address


@dataclass(frozen=True, slots=True)
class PreparedInvitation:
    """An invitation, ready to be written in one transaction: its notices are sealed, no row is there yet."""

    participant_id: str
    guest: Invitee
    reference: str = field(repr=False)
    link_digest: bytes = field(repr=False)
    notices: tuple[Posted, ...]  # to the guest; for a box by fallback, to the owner too


def correspondence_of(key: BoxKey | None, box: BoxRow, guest: ParticipantRow) -> Correspondence:
    """What notices may say of one guest in one box; names, subject and reference are empty once the key is gone."""
    return Correspondence(
        box_id=box.id,
        owner_name=key.open_text(OWNER_NAME, box.id, box.owner_name_sealed) if key else "",
        owner_address=box.owner,
        guest_name=key.open_text(GUEST_NAME, guest.id, guest.name_sealed) if key else "",
        guest_address=guest.address,
        reference=key.open_text(REFERENCE, guest.id, guest.reference_sealed) if key else "",
        subject=key.open_text(SUBJECT, box.id, box.subject_sealed) if key else "",
        sent_at=box.created_at,
        closes_at=box.closes_at,
        deletes_at=box.deletes_at,
        alias=box.profile.get("participants", {}).get("alias") or "",
        zone=box.profile.get("zone") or "",
        guest_language=language_named(box.profile.get("notice", {}).get("language") or ""),
        **_threading(key.open_text(OWNER_MESSAGE_ID, box.id, box.owner_message_id_sealed) if key else ""),
    )


def correspondence_in_languages(db: Database, key: BoxKey | None, box: BoxRow, guest: ParticipantRow) -> Correspondence:
    """As `correspondence_of`, with the languages that guest and owner chose. Blocks."""
    about = correspondence_of(key, box, guest)
    of_guest, of_owner = db.read_now(
        lambda conn: (
            chosen_by(conn, box.namespace, guest.address),
            chosen_by(conn, box.namespace, box.owner),
        )
    )
    return replace(about, guest_language=of_guest or about.guest_language, owner_language=of_owner)


def _threading(ids: str) -> dict[str, Any]:
    """The owner's Message-ID is the last of the ids; what stands before are its References."""
    references, _, message_id = ids.rpartition(" ")
    return {"owner_message_id": message_id, "owner_references": references}


class Inviter:
    """Prepares invitations, and puts them into the transaction that is about something more."""

    def __init__(self, db: Database, vault: Vault, composer: Composer, post: Post) -> None:
        self._db = db
        self._vault = vault
        self._composer = composer
        self._post = post

    def prepare(self, box: BoxRow, key: BoxKey, guest: Invitee, documents: int, now: datetime) -> PreparedInvitation:
        """Compose and seal the notices for a new guest. Blocks. Raises ValueError for an address no header can hold."""
        participant_id, reference = new_id(), new_reference()
        row = self._row(box, key, guest, participant_id=participant_id, reference=reference, now=now)
        return self._prepare(box, key, row, guest, reference, documents=documents, now=now)

    def prepare_again(
        self,
        box: BoxRow,
        key: BoxKey,
        row: ParticipantRow,
        documents: int,
        now: datetime,
        *,
        what: Calls = "invitation",
        compose: Compose | None = None,
    ) -> PreparedInvitation:
        """Compose a notice for a guest who is in the box already, with a new link. Blocks.

        `compose`: how, where more goes into it than into every such notice.
        """
        about = correspondence_of(key, box, row)
        guest = Invitee(row.address, about.guest_name, row.by_fallback and row.released_at is None, role=row.role)
        return self._prepare(
            box, key, row, guest, about.reference, documents=documents, now=now, what=what, compose=compose
        )

    def _prepare(
        self,
        box: BoxRow,
        key: BoxKey,
        row: ParticipantRow,
        guest: Invitee,
        reference: str,
        *,
        documents: int,
        now: datetime,
        what: Calls = "invitation",
        compose: Compose | None = None,
    ) -> PreparedInvitation:
        token = new_token(128)
        profile = stored_profile(box.profile)
        about = correspondence_in_languages(self._db, key, box, row)
        phrase, has_account = self._db.read_now(
            lambda conn: (
                phrase_of(conn, self._vault, box.namespace, guest.address),
                proven_before(conn, box.namespace, guest.address, box.created_at),
            )
        )
        offer = Offer(
            link=f"{self._composer.voice.portal_url}/b/{token}",
            documents=documents,
            takes_answers=profile.participants.replies is not Replies.NONE,
            needs_account=profile.signin.account is AccountUse.OBLIGATORY,
            code_works=code_works(profile) and not guest.by_fallback,
            by_fallback=guest.by_fallback,
            code_digits=profile.signin.code_digits,
            shows_subject=profile.notice.subject,
            phrase=phrase,
            return_path=self.return_path(box, row.id),
        )
        compose = compose or {
            "reminder": self._composer.reminder,
            "news": self._composer.news,
        }.get(what, self._composer.invitation)
        notices = [self._seal(box, row.id, compose(about, offer, now), what, follows=True)]
        is_new = row.created_at == now
        if guest.by_fallback and not has_account and is_new:
            notices.append(self._seal(box, row.id, self._composer.fallback(about, now), "fallback"))
        return PreparedInvitation(row.id, guest, reference, digest(token), tuple(notices))

    def _seal(self, box: BoxRow, guest_id: str, notice: Notice, what: str, *, follows: bool = False) -> Posted:
        return self._post.seal(
            box.namespace,
            notice,
            owner=box.owner,
            what=what,
            box_id=box.id,
            participant_id=guest_id,
            follows=follows,
        )

    def return_path(self, box: BoxRow, participant_id: str) -> str:
        """Where bounces of the invitation go: an address that only we can make, or the owner's own."""
        if self._composer.voice.bounces is None:
            return box.owner
        return sign_address(self._vault.mac_key(box.namespace), participant_id, self._composer.voice.bounces)

    def join(
        self, conn: Connection, box: BoxRow, key: BoxKey, prepared: PreparedInvitation, now: datetime, *, by: str = ""
    ) -> bool:
        """Add the guest to the box, with link and notices, within this transaction. False: they are in it already."""
        row = self._row(
            box, key, prepared.guest, participant_id=prepared.participant_id, reference=prepared.reference, now=now
        )
        if not insert_participant(conn, row):
            return False
        put_proof(conn, box, key, row.id, prepared.guest.proof, now=now)
        facts = {"by_fallback": row.by_fallback, "role": row.role.value}
        event = Event(
            EventKind.BOX_JOINED,
            box.namespace,
            message_id=box.message_id,
            box_id=box.id,
            participant_id=row.id,
            facts=facts,
            persons={"guest": row.address, **({"actor": by} if by else {})},
        )
        record(conn, self._vault, [event], now)
        if may(box.state, Act.INVITE):  # taken back in between: nobody is called to an empty table
            self.send(conn, box, prepared, now)
        return True

    def send(self, conn: Connection, box: BoxRow, prepared: PreparedInvitation, now: datetime) -> None:
        """Make the link count, and put the notices into the queue."""
        insert_link(conn, box.namespace, prepared.participant_id, prepared.link_digest, now)
        for notice in prepared.notices:
            self._post.put(conn, notice, now)

    def _row(
        self, box: BoxRow, key: BoxKey, guest: Invitee, *, participant_id: str, reference: str, now: datetime
    ) -> ParticipantRow:
        return ParticipantRow(
            id=participant_id,
            box_id=box.id,
            namespace=box.namespace,
            address=guest.address,
            address_key=address_key(guest.address),
            name_sealed=key.seal_text(GUEST_NAME, participant_id, guest.name) if guest.name else None,
            role=guest.role,
            state=GuestState.INVITED,
            reference=reference_digest(self._vault, box.namespace, reference),
            reference_sealed=key.seal_text(REFERENCE, participant_id, reference),
            created_at=now,
            by_fallback=guest.by_fallback,
            alias_sealed=key.seal_text(ALIAS, participant_id, guest.alias) if guest.alias else None,
        )


def put_proof(conn: Connection, box: BoxRow, key: BoxKey, participant_id: str, proof: Proof, *, now: datetime) -> None:
    """Keep how a guest may prove themselves, sealed; what is empty stays as it was."""
    values: dict[str, object] = {}
    if proof.phone:
        sealed = key.seal_text(PHONE, participant_id, proof.phone)
        confirmed = None if proof.phone_from is PhoneFrom.GUEST else now
        values |= {"phone_sealed": sealed, "phone_from": proof.phone_from.value, "phone_confirmed_at": confirmed}
    if proof.question:
        sealed = key.seal_text(QUESTION, participant_id, proof.question)
        values |= {"question_sealed": sealed, "answer": proof.answer}
    if values:
        proofs.put(conn, box.namespace, box.id, participant_id, values)
    if proof.phone:
        proofs.forget_calls(conn, box.namespace, participant_id, now)
    if proof.question:
        proofs.forget_answers(conn, box.namespace, participant_id)


def code_works(profile: Profile) -> bool:
    """Whether a code alone opens boxes of this profile."""
    return Way.CODE in profile.signin.ways and profile.signin.account is not AccountUse.OBLIGATORY
