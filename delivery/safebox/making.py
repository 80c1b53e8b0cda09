"""How a mail becomes a SafeBox: everything sealed and on disk, ready to be inserted in one transaction."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection

from delivery.safebox.boxkey import (
    CONTENT,
    DOCUMENT,
    FACTS,
    ORIGINAL,
    OWNER_MESSAGE_ID,
    OWNER_NAME,
    SUBJECT,
    BoxKey,
)
from delivery.safebox.headers import address_key
from delivery.safebox.inplace import PICTURES, shown_in_place
from delivery.safebox.mail import Mail
from delivery.safebox.parts import MailDocument
from delivery.safebox.profile import Profile
from delivery.safebox.reminding import expiring_at, next_reminder_at, until_deleted
from delivery.store.audit import Event, EventKind, record
from delivery.store.blobs import Blobs
from delivery.store.box_contents import BoxMessageKind, DocumentRow, MessageRow, insert_message
from delivery.store.boxes import (
    BoxRow,
    BoxState,
    GuestState,
    ParticipantRow,
    Role,
    find_box,
    insert_box,
    insert_participant,
)
from delivery.store.vault import Vault
from keys.sealing import WrappedKey
from keys.tokens import new_id, new_reference

ALL: Final = "all"  # the audience of a box for everybody named in To and Cc
INLINE: Final = 64 * 1024  # bytes of a document up to which it lies in the row
_CHUNK: Final = 2**20
_ATS: Final = frozenset("@\uff20\ufe6b")  # the sign, and what compatibility makes of it


@dataclass(frozen=True, slots=True)
class BoxSource:
    """What a box is made from beside the mail itself: whose it is, with which profile, for whom (`audience_of`)."""

    namespace: str
    message_id: str
    owner: str
    profile_name: str
    profile: Profile
    audience: str
    by_fallback: bool
    is_sent: bool = True  # the owner is the mail's sender; False: it came from <>, and the owner answers for it


@dataclass(frozen=True, slots=True)
class MadeBox:
    """A box that is not in the database yet; its blob files are on disk."""

    row: BoxRow
    owner: ParticipantRow
    message: MessageRow
    documents: tuple[DocumentRow, ...]

    def count(self) -> int:
        """How many documents a reader sees listed."""
        return sum(document.position >= 0 for document in self.documents)

    def blobs(self) -> tuple[str, ...]:
        """The blob files that were written for it."""
        names = (self.message.original_blob, *(document.blob for document in self.documents))
        return tuple(name for name in names if name)


def audience_of(vault: Vault, namespace: str, mail: Mail, recipient: str) -> str:
    """Which of a message's boxes a recipient gets: `all` if To or Cc names them; else (Bcc) one of their own."""
    key = address_key(recipient)
    return ALL if key in mail.named else vault.mac(namespace, "audience", key.encode("utf-8", "replace")).hex()


def reference_digest(vault: Vault, namespace: str, reference: str) -> bytes:
    """What is stored of a reference: a keyed MAC, since 60 bits could be guessed from a plain digest."""
    return vault.mac(namespace, "reference", reference.encode())


def make_box(vault: Vault, blobs: Blobs, source: BoxSource, mail: Mail, original: bytes, *, now: datetime) -> MadeBox:
    """Seal everything under a new key of the box. Blocks. Raises StoreUnavailable, and then leaves no blob file."""
    namespace, box_id = source.namespace, new_id()
    key, wrapped = BoxKey.new(vault, namespace, box_id)
    owner = _owner(vault, source, box_id, now)
    written: list[str] = []
    try:
        message_id = new_id()
        documents = []
        in_place = shown_in_place(mail.html or "")
        for number, document in enumerate(mail.documents):
            is_shown = document.content_id in in_place and document.type in PICTURES
            position = -1 - number if is_shown else number
            row = _document(
                key,
                blobs,
                document,
                DocumentRow(new_id(), box_id, message_id, namespace, position, None, len(document.content)),
            )
            written += [row.blob] if row.blob else []
            documents.append(row)
        original_blob = _keep(key, blobs, ORIGINAL, message_id, original)
    except BaseException:
        for name in written:
            blobs.delete(name)
        raise
    content = key.seal(CONTENT, message_id, json.dumps(_content(mail), ensure_ascii=False).encode("utf-8", "replace"))
    message = MessageRow(
        message_id, box_id, namespace, owner.id, BoxMessageKind.ORIGINAL, now, content, original_blob, len(original)
    )
    box = _box(key, wrapped, source, mail, box_id=box_id, now=now)
    return MadeBox(box, owner, message, tuple(documents))


def insert_made(conn: Connection, vault: Vault, made: MadeBox, now: datetime) -> BoxRow:
    """Insert the box, and return its row; if another worker has made it meanwhile, the row of that one."""
    row = made.row
    if not insert_box(conn, row):
        theirs = find_box(conn, row.namespace, row.message_id, row.profile_name, row.audience)
        assert theirs is not None, "a box whose unique key is taken is there"
        return theirs
    insert_participant(conn, made.owner)
    insert_message(conn, made.message, made.documents)
    facts = {
        "profile": row.profile_name,
        "by_fallback": row.by_fallback,
        "own_audience": row.audience != ALL,
        "documents": len(made.documents),
        "bytes": sum(document.size for document in made.documents),
    }
    event = Event(
        EventKind.BOX_CREATED,
        row.namespace,
        message_id=row.message_id,
        box_id=row.id,
        facts=facts,
        persons={"owner": row.owner},
    )
    record(conn, vault, [event], now)
    return row


def document_facts(name: str, content_type: str, kind: str, sha256: str, content_id: str | None = None) -> bytes:
    """What a document row seals beside the bytes. `sha256`: of the bytes, in hex."""
    facts = {"name": name, "type": content_type, "kind": kind, "sha256": sha256, "content_id": content_id}
    return json.dumps(facts, ensure_ascii=False).encode("utf-8", "replace")


def _owner(vault: Vault, source: BoxSource, box_id: str, now: datetime) -> ParticipantRow:
    # The owner has no link and needs no reference; the column is unique, so it holds one that nobody was told.
    unsaid = reference_digest(vault, source.namespace, new_reference())
    return ParticipantRow(
        new_id(),
        box_id,
        source.namespace,
        source.owner,
        address_key(source.owner),
        None,
        Role.OWNER,
        GuestState.READ,
        unsaid,
        None,
        now,
    )


def _box(key: BoxKey, wrapped: WrappedKey, source: BoxSource, mail: Mail, *, box_id: str, now: datetime) -> BoxRow:
    life = source.profile.life
    closes_at = now + life.open_for
    deletes_at = until_deleted(source.profile, closes_at)
    message_id = f"{mail.references} {mail.message_id}".strip()
    return BoxRow(
        id=box_id,
        namespace=source.namespace,
        message_id=source.message_id,
        audience=source.audience,
        profile_name=source.profile_name,
        profile=source.profile.model_dump(mode="json"),
        owner=source.owner,
        owner_name_sealed=key.seal_text(OWNER_NAME, box_id, _owner_name(mail, source)),
        subject_sealed=key.seal_text(SUBJECT, box_id, mail.subject),
        owner_message_id_sealed=key.seal_text(OWNER_MESSAGE_ID, box_id, message_id) if mail.message_id else None,
        state=BoxState.OPEN,
        by_fallback=source.by_fallback,
        created_at=now,
        acted_at=now,
        closes_at=closes_at,
        deletes_at=deletes_at,
        key=wrapped,
        remind_at=next_reminder_at(source.profile, closes_at, now),
        expiring_at=expiring_at(source.profile, deletes_at, now),
    )


def _owner_name(mail: Mail, source: BoxSource) -> str:
    """The name in From, if its address is the owner's (or, if they sent the mail, one of their domain); else empty.

    A name alone could be anybody's. One that looks like an address could pass for one, so it is dropped too.
    """
    owner, said = address_key(source.owner), address_key(mail.from_address)
    is_theirs = said == owner or (source.is_sent and said.rpartition("@")[2] == owner.rpartition("@")[2])
    return mail.from_name if is_theirs and _ATS.isdisjoint(mail.from_name) else ""


def _content(mail: Mail) -> Mapping[str, Any]:
    return {
        "subject": mail.subject,
        "to": mail.to,
        "cc": mail.cc,
        "text": mail.text,
        "html": mail.html,
        "is_cut": mail.is_cut,
        "is_unreadable": mail.is_unreadable,
        "wants_receipt": mail.wants_receipt,
    }


def _document(key: BoxKey, blobs: Blobs, document: MailDocument, row: DocumentRow) -> DocumentRow:
    sha256 = hashlib.sha256(document.content).hexdigest()
    facts = document_facts(document.name, document.type, document.kind, sha256, document.content_id)
    inline = len(document.content) <= INLINE
    return replace(
        row,
        facts_sealed=key.seal(FACTS, row.id, facts),
        inline_sealed=key.seal(DOCUMENT, row.id, document.content) if inline else None,
        blob=None if inline else _keep(key, blobs, DOCUMENT, row.id, document.content),
    )


def _keep(key: BoxKey, blobs: Blobs, what: str, ident: str, plain: bytes) -> str:
    """Seal into a blob file, in pieces."""
    stream = key.stream(what, ident)
    view = memoryview(plain)
    with blobs.create() as writer:
        for at in range(0, len(view), _CHUNK):
            writer.write(stream.update(view[at : at + _CHUNK]))
        writer.write(stream.finish())
        return writer.commit()
