"""What of a message is sealed, how it is bound to its place, and how it is opened again.

Each sealed object names, as associated data, what it is and whose: a subject put into another row, or a body under
another message, does not open.
"""

import json
from dataclasses import replace
from typing import Final

from delivery.errors import KeysUnavailable, StoreUnavailable
from delivery.items import Item, LeasedItem, NewMessage, OpenMessage, SealedMessage
from delivery.store.blobs import Blobs
from delivery.store.messages import StoredMessage
from delivery.store.vault import Vault
from keys.errors import KeysError
from keys.sealing import Dek, SealedRange, SealingStream, open_sealed, seal
from keys.tokens import new_id
from policy.decision import Changes

INLINE: Final = 128 * 1024  # bytes of raw message that lie in the row; more goes to a blob file
_CHUNK: Final = 1024 * 1024


def _bound(namespace: str, message_id: str, what: str) -> bytes:
    return f"sealgate/message/{namespace}/{message_id}/{what}".encode()


def seal_message(vault: Vault, blobs: Blobs, message: NewMessage) -> SealedMessage:
    """Seal under a DEK of its own; a large body is on disk, fsynced, when this returns. Raises StoreUnavailable."""
    message_id = message.id or new_id()
    space = message.namespace
    dek, wrapped = vault.new_dek(space, _bound(space, message_id, "dek"))
    body, blob = None, None
    if len(message.raw) <= INLINE:
        body = seal(dek, message.raw, bound_to=_bound(space, message_id, "body"))
    else:
        blob = _write_blob(blobs, dek, message.raw, _bound(space, message_id, "body"))
    subject = message.subject.encode("utf-8", "surrogatepass")
    return SealedMessage(
        id=message_id,
        message=replace(message, raw=b"", subject=""),
        size=len(message.raw),
        dek=dek,
        wrapped=wrapped,
        subject_sealed=seal(dek, subject, bound_to=_bound(space, message_id, "subject")),
        body_sealed=body,
        blob=blob,
    )


def _write_blob(blobs: Blobs, dek: Dek, raw: bytes, bound_to: bytes) -> str:
    stream = SealingStream(dek, bound_to=bound_to)
    plain = memoryview(raw)
    with blobs.create() as writer:
        for at in range(0, len(plain), _CHUNK):
            writer.write(stream.update(plain[at : at + _CHUNK]))
        writer.write(stream.finish())
        return writer.commit()


def open_message(vault: Vault, blobs: Blobs, stored: StoredMessage) -> OpenMessage:
    """Open a stored message. Raises StoreUnavailable where its key or content is gone, changed or out of reach."""
    dek = _dek(vault, stored)
    space = stored.namespace
    try:
        if stored.body_sealed is not None:
            raw = open_sealed(dek, stored.body_sealed, bound_to=_bound(space, stored.id, "body"))
        else:
            raw = _read_blob(blobs, dek, stored, _bound(space, stored.id, "body"))
        subject = open_sealed(dek, stored.subject_sealed or b"", bound_to=_bound(space, stored.id, "subject"))
    except KeysError as cause:
        raise KeysUnavailable(f"a stored message does not open: {cause}") from cause
    return replace(unreadable(stored), raw=raw, subject=subject.decode("utf-8", "surrogatepass"), readable=True)


def unreadable(stored: StoredMessage) -> OpenMessage:
    """What a message's row says without its content."""
    return OpenMessage(
        id=stored.id,
        namespace=stored.namespace,
        sender=stored.sender,
        owner=stored.owner,
        raw=b"",
        received_at=stored.received_at,
        smtputf8=stored.smtputf8,
        eight_bit=stored.eight_bit,
        ret=stored.ret,
        envid=stored.envid,
        require_tls=stored.require_tls,
        readable=False,
    )


def _dek(vault: Vault, stored: StoredMessage) -> Dek:
    if stored.wrapped is None:
        raise StoreUnavailable("the message's content was destroyed")
    return vault.open_dek(stored.namespace, stored.wrapped, _bound(stored.namespace, stored.id, "dek"))


def _read_blob(blobs: Blobs, dek: Dek, stored: StoredMessage, bound_to: bytes) -> bytes:
    if stored.blob is None:
        raise StoreUnavailable("the message has no content")
    with blobs.open(stored.blob) as reader:
        sealed = SealedRange(dek, bound_to=bound_to, read_at=reader.read_at, size=reader.size)
        return b"".join(sealed.read())


def seal_changes(sealed: SealedMessage, item: Item) -> bytes:
    """What this recipient's copy is changed by, sealed: it holds the subject."""
    changes = item.changes
    plain = json.dumps(
        {
            "subject": changes.subject,
            "add_headers": changes.add_headers,
            "drop_headers": changes.drop_headers,
            "wishes": changes.wishes,
        }
    ).encode()
    return seal(sealed.dek, plain, bound_to=_changes_bound(item))


def open_changes(vault: Vault, stored: StoredMessage, leased: LeasedItem) -> LeasedItem:
    """The leased item with its changes opened. Raises StoreUnavailable."""
    if leased.changes_sealed is None:
        return leased
    try:
        plain = open_sealed(_dek(vault, stored), leased.changes_sealed, bound_to=_changes_bound(leased.item))
    except KeysError as cause:
        raise KeysUnavailable(f"an item's changes do not open: {cause}") from cause
    kept = json.loads(plain)
    changes = Changes(
        subject=kept["subject"],
        add_headers=tuple((name, value) for name, value in kept["add_headers"]),
        drop_headers=tuple(kept["drop_headers"]),
        wishes=tuple(kept.get("wishes", ())),  # items of older versions have none
    )
    return replace(leased, item=replace(leased.item, changes=changes), changes_sealed=None)


def _changes_bound(item: Item) -> bytes:
    return _bound(item.namespace, item.message_id, f"changes/{item.id}")
