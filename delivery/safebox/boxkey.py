"""A SafeBox's own key: everything in the box is sealed with it, each thing bound to its box and place."""

from collections.abc import Callable

from delivery.store.boxes import BoxRow
from delivery.store.vault import Vault
from keys.sealing import Dek, SealedRange, SealingStream, WrappedKey, open_sealed, seal

OWNER_NAME, SUBJECT, OWNER_MESSAGE_ID, RECALL_REASON = "owner-name", "subject", "owner-message-id", "recall-reason"
GUEST_NAME, REFERENCE, ALIAS, GUEST_REASON = "guest-name", "reference", "alias", "guest-reason"
PHONE, QUESTION = "phone", "question"
CONTENT, ORIGINAL, FACTS, DOCUMENT = "content", "original", "facts", "document"
DOCUMENT_REASON = "document-reason"


class BoxKey:
    """The DEK of one box, and what it may be used for."""

    __slots__ = ("_dek", "_place")

    def __init__(self, namespace: str, box_id: str, dek: Dek) -> None:
        self._place = f"sealgate/box/{namespace}/{box_id}"
        self._dek = dek

    @classmethod
    def new(cls, vault: Vault, namespace: str, box_id: str) -> tuple["BoxKey", WrappedKey]:
        """A fresh key and how it is stored. May block; not inside a write's work."""
        dek, wrapped = vault.new_dek(namespace, _bound(namespace, box_id))
        return cls(namespace, box_id, dek), wrapped

    @classmethod
    def of(cls, vault: Vault, box: BoxRow) -> "BoxKey | None":
        """The key of a stored box; None once it is destroyed. Raises KeysUnavailable."""
        if box.key is None:
            return None
        return cls(box.namespace, box.id, vault.open_dek(box.namespace, box.key, _bound(box.namespace, box.id)))

    def __repr__(self) -> str:
        return "<BoxKey>"

    def seal(self, what: str, ident: str, plain: bytes) -> bytes:
        """Seal one thing at once."""
        return seal(self._dek, plain, bound_to=self._bound(what, ident))

    def open(self, what: str, ident: str, sealed: bytes) -> bytes:
        """Open it. Raises SealBroken."""
        return open_sealed(self._dek, sealed, bound_to=self._bound(what, ident))

    def seal_text(self, what: str, ident: str, text: str) -> bytes:
        """Seal a text; halves of surrogate pairs, which no reader can show, become question marks."""
        return self.seal(what, ident, text.encode("utf-8", "replace"))

    def open_text(self, what: str, ident: str, sealed: bytes | None) -> str:
        """Open a text; empty where there is none."""
        return "" if sealed is None else self.open(what, ident, sealed).decode()

    def stream(self, what: str, ident: str) -> SealingStream:
        """Seal something that arrives in pieces."""
        return SealingStream(self._dek, bound_to=self._bound(what, ident))

    def range(self, what: str, ident: str, read_at: Callable[[int, int], bytes], size: int) -> SealedRange:
        """Open any range of something; `size` in sealed bytes."""
        return SealedRange(self._dek, bound_to=self._bound(what, ident), read_at=read_at, size=size)

    def _bound(self, what: str, ident: str) -> bytes:
        return f"{self._place}/{what}/{ident}".encode()


def _bound(namespace: str, box_id: str) -> bytes:
    return f"sealgate/box-key/{namespace}/{box_id}".encode()
