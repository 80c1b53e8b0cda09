"""The vault: each namespace's own keys, which wrap its DEKs, seal its audit fields and sign its addresses.

A namespace has one current key for each `Purpose`, made on first use, wrapped by the keyring, and kept in
`namespace_keys`. Unwrapped ones stay in memory. Only keys whose row is committed are kept there: a key from a
transaction that is undone must never have sealed anything that lasts.
"""

import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection, insert, select, update

from delivery.errors import KeysUnavailable, StoreConflict
from delivery.store.database import Database
from delivery.store.schema import namespace_keys, namespaces
from keys.errors import KeysError
from keys.keyring import KeyRing
from keys.sealing import Dek, Kek, WrappedKey, open_sealed, seal
from keys.tokens import keyed_digest, new_id

_ID_LENGTH: Final = 26  # of a key's id, which stands before what it sealed


class Purpose(StrEnum):
    """What a key of a namespace is for."""

    KEK = "kek"
    AUDIT = "audit"
    MAC = "mac"  # return addresses, digests of short secrets
    SMALL = "small"  # seals short values of rows that have no DEK
    SIGN = "sign"  # Ed25519: checkpoints of the audit chain


@dataclass(frozen=True, slots=True)
class _Key:
    id: str
    purpose: Purpose
    secret: bytes = field(repr=False)
    current: bool  # not retired: what is new is wrapped or sealed by it
    kek: Kek = field(repr=False)  # made once, since making it derives its commitment


def _now() -> datetime:
    return datetime.now(UTC)


class Vault:
    """The namespaces' keys. Safe to use from any thread."""

    def __init__(self, db: Database, keyring: KeyRing, clock: Callable[[], datetime] = _now) -> None:
        self._db = db
        self._keyring = keyring
        self._clock = clock
        self._lock = threading.Lock()
        self._known: dict[str, dict[str, _Key]] = {}  # namespace -> id -> key
        self._generation = db.backing.generation  # of the files that the known keys come from

    def __repr__(self) -> str:
        return "<Vault>"

    def ensure(self, namespace: str) -> None:
        """Make the namespace and its keys if they are missing. Blocks; not inside a write's work.

        Raises KeysUnavailable or StoreUnavailable. Done for each configured namespace at start, so that no key has to
        be made while mail waits.
        """
        if any(self._current(namespace, purpose) is None for purpose in Purpose):  # a purpose may be newer than they
            with suppress(StoreConflict):  # another process made them at the same moment
                self._db.write_now(lambda conn: self._make(conn, namespace))
            self._load(namespace)

    def ready(self, namespace: str) -> bool:
        """Are the namespace's keys in memory? Then `new_dek` does not block."""
        return _pick(self._kept(namespace), Purpose.KEK) is not None

    def knows(self, namespace: str, key_id: str) -> bool:
        """Is this one of the keys of the database as it is now? Not what was sealed before its files were replaced."""
        return key_id in self._kept(namespace)

    def refresh(self) -> None:
        """Read the known namespaces' keys again: another process may have rotated them, and what is new is then to be
        wrapped by the new ones. Blocks. Raises KeysUnavailable or StoreUnavailable; then those that are known stay.
        """
        for namespace in tuple(self._known):
            self._load(namespace)

    def new_dek(self, namespace: str, bound_to: bytes) -> tuple[Dek, WrappedKey]:
        """A fresh DEK and its wrapping under the namespace's KEK; `bound_to` names what it is for. Not in a work."""
        key = self._for(namespace, Purpose.KEK, None)
        dek = Dek.new()
        return dek, key.kek.wrap(dek, bound_to)

    def open_dek(self, namespace: str, wrapped: WrappedKey, bound_to: bytes) -> Dek:
        """The DEK that `new_dek` wrapped with the same `bound_to`. Raises KeysUnavailable."""
        key = self._by_id(namespace, wrapped.key_id)
        if key is None or key.purpose is not Purpose.KEK:
            raise KeysUnavailable("the key that wraps this is not in the vault")
        try:
            return key.kek.unwrap(wrapped, bound_to)
        except KeysError as cause:
            raise KeysUnavailable(str(cause)) from cause

    def mac(self, namespace: str, purpose: str, data: bytes, conn: Connection | None = None) -> bytes:
        """A keyed digest (32 bytes) that only this namespace can make: of short secrets, return addresses.

        `conn`: the transaction it is asked in, where a new namespace gets its keys.
        """
        return keyed_digest(self._for(namespace, Purpose.MAC, conn).secret, purpose, data)

    def mac_key(self, namespace: str) -> bytes:
        """The key behind `mac`, for `keys.tokens.sign_address` and its like."""
        return self._for(namespace, Purpose.MAC, None).secret

    def seal_audit(self, namespace: str, event: str, plain: bytes, conn: Connection | None = None) -> bytes:
        """Seal an event's private fields. `conn`: the transaction of the act, where a new namespace gets its keys."""
        key = self._for(namespace, Purpose.AUDIT, conn)
        return key.id.encode() + seal(Dek(key.secret), plain, bound_to=_event_bound(namespace, event))

    def open_audit(self, namespace: str, event: str, sealed: bytes) -> bytes:
        """What `seal_audit` sealed for this event. Raises KeysUnavailable."""
        return self._open(namespace, Purpose.AUDIT, sealed, _event_bound(namespace, event))

    def seal_small(self, namespace: str, purpose: str, plain: bytes, conn: Connection | None = None) -> bytes:
        """Seal a short value of a row that has no DEK; `purpose` must be given again to open it."""
        key = self._for(namespace, Purpose.SMALL, conn)
        return key.id.encode() + seal(Dek(key.secret), plain, bound_to=_small_bound(namespace, purpose))

    def open_small(self, namespace: str, purpose: str, sealed: bytes) -> bytes:
        """What `seal_small` sealed for this purpose. Raises KeysUnavailable."""
        return self._open(namespace, Purpose.SMALL, sealed, _small_bound(namespace, purpose))

    def sign(self, namespace: str, text: bytes) -> tuple[str, bytes]:
        """The id of the namespace's signing key, and its Ed25519 signature of `text` (64 bytes). Not inside a work."""
        key = self._for(namespace, Purpose.SIGN, None)
        return key.id, Ed25519PrivateKey.from_private_bytes(key.secret).sign(text)

    def public_key(self, namespace: str, key_id: str) -> bytes:
        """The public half (32 bytes) of a key that `sign` used. Raises KeysUnavailable where there is no such key."""
        key = self._by_id(namespace, key_id)
        if key is None or key.purpose is not Purpose.SIGN:
            raise KeysUnavailable("the key that signed this is not in the vault")
        return Ed25519PrivateKey.from_private_bytes(key.secret).public_key().public_bytes_raw()

    @staticmethod
    def roots_in_use(db: Database) -> frozenset[str]:
        """The ids of the root keys without which something stored could not be opened. Raises DeliveryError."""
        return db.read_now(
            lambda conn: frozenset(conn.execute(select(namespace_keys.c.root_key_id).distinct()).scalars())
        )

    def rotate(self, also: Callable[[Connection, int], None] = lambda _conn, _rewrapped: None) -> int:
        """Wrap every namespace key by the keyring's primary root, and give each namespace a new KEK.

        How many were wrapped anew, which `also` is told within the transaction. What older KEKs wrapped stays as it is,
        and they stay in the vault: they too are under the new root now.
        """
        primary = self._keyring.primary

        def work(conn: Connection) -> int:
            rewrapped = self._rotate(conn, primary)
            also(conn, rewrapped)
            return rewrapped

        rewrapped: int = self._db.write_now(work)
        with self._lock:
            self._known.clear()
        return rewrapped

    def _open(self, namespace: str, purpose: Purpose, sealed: bytes, bound_to: bytes) -> bytes:
        key = self._by_id(namespace, sealed[:_ID_LENGTH].decode("ascii", "replace"))
        if key is None or key.purpose is not purpose:
            raise KeysUnavailable("the key that sealed this is not in the vault")
        try:
            return open_sealed(Dek(key.secret), sealed[_ID_LENGTH:], bound_to=bound_to)
        except KeysError as cause:
            raise KeysUnavailable(str(cause)) from cause

    # -- finding a key ------------------------------------------------------------------------------------------

    def _current(self, namespace: str, purpose: Purpose) -> _Key | None:
        return _pick(self._kept(namespace), purpose) or _pick(self._load(namespace), purpose)

    def _kept(self, namespace: str) -> dict[str, _Key]:
        """The keys in memory; none of a database whose files were replaced: the new one may have other keys."""
        if self._db.backing.generation != self._generation:
            with self._lock:
                self._generation = self._db.backing.generation
                self._known.clear()
        return self._known.get(namespace, {})

    def _for(self, namespace: str, purpose: Purpose, conn: Connection | None) -> _Key:
        key = self._current(namespace, purpose)
        if key is None and conn is not None:
            key = self._within(conn, namespace, purpose)
        elif key is None:
            self.ensure(namespace)
            key = self._current(namespace, purpose)
        if key is None:
            raise KeysUnavailable("the namespace has no keys")
        return key

    def _by_id(self, namespace: str, key_id: str) -> _Key | None:
        known = self._kept(namespace)
        return known.get(key_id) or self._load(namespace).get(key_id)

    def _load(self, namespace: str) -> dict[str, _Key]:
        """Read the committed keys and keep them."""
        before = self._db.backing.generation
        loaded = self._db.read_now(lambda conn: self._unwrap_all(conn, namespace))
        with self._lock:
            if loaded and before == self._db.backing.generation == self._generation:
                self._known[namespace] = loaded
        return loaded

    def _unwrap_all(self, conn: Connection, namespace: str) -> dict[str, _Key]:
        rows = conn.execute(select(namespace_keys).where(namespace_keys.c.namespace == namespace)).all()
        keys = {}
        for row in rows:
            wrapped = WrappedKey(row.format, row.root_key_id, row.wrapped, row.commitment)
            try:
                secret = self._keyring.unwrap(wrapped, _key_bound(namespace, row.purpose, row.id))
            except KeysError as cause:
                raise KeysUnavailable(str(cause)) from cause
            keys[row.id] = _Key(row.id, Purpose(row.purpose), secret, row.retired_at is None, Kek(row.id, secret))
        return keys

    # -- making and re-wrapping ---------------------------------------------------------------------------------

    def _within(self, conn: Connection, namespace: str, purpose: Purpose) -> _Key | None:
        """A key as this transaction sees it; kept by nobody until it is committed."""
        found = self._unwrap_all(conn, namespace)
        if _pick(found, purpose) is None:
            self._make(conn, namespace)
            found = self._unwrap_all(conn, namespace)
        return _pick(found, purpose)

    def _make(self, conn: Connection, namespace: str) -> None:
        now = self._clock()
        if conn.execute(select(namespaces.c.name).where(namespaces.c.name == namespace)).first() is None:
            conn.execute(insert(namespaces).values(name=namespace, created_at=now))
        have = select(namespace_keys.c.purpose).where(
            namespace_keys.c.namespace == namespace, namespace_keys.c.retired_at.is_(None)
        )
        there = set(conn.execute(have).scalars())
        for purpose in Purpose:
            if purpose.value not in there:
                self._insert(conn, namespace, purpose, now)

    def _insert(self, conn: Connection, namespace: str, purpose: Purpose, now: datetime) -> None:
        key_id = new_id()
        try:
            wrapped = self._keyring.wrap(Dek.new().reveal(), _key_bound(namespace, purpose.value, key_id))
        except KeysError as cause:
            raise KeysUnavailable(str(cause)) from cause
        conn.execute(
            insert(namespace_keys).values(
                id=key_id,
                namespace=namespace,
                purpose=purpose.value,
                root_key_id=wrapped.key_id,
                format=wrapped.format,
                wrapped=wrapped.wrapped,
                commitment=wrapped.commitment,
                created_at=now,
            )
        )

    def _rotate(self, conn: Connection, primary: str) -> int:
        rewrapped = self._rewrap(conn, primary)
        now = self._clock()
        keks = namespace_keys.c.purpose == Purpose.KEK.value, namespace_keys.c.retired_at.is_(None)
        for namespace in conn.execute(select(namespace_keys.c.namespace).where(*keks)).scalars().all():
            conn.execute(
                update(namespace_keys).where(*keks, namespace_keys.c.namespace == namespace).values(retired_at=now)
            )
            self._insert(conn, namespace, Purpose.KEK, now)
        return rewrapped

    def _rewrap(self, conn: Connection, primary: str) -> int:
        rows = conn.execute(select(namespace_keys).where(namespace_keys.c.root_key_id != primary)).all()
        for row in rows:
            bound = _key_bound(row.namespace, row.purpose, row.id)
            old = WrappedKey(row.format, row.root_key_id, row.wrapped, row.commitment)
            try:
                new = self._keyring.wrap(self._keyring.unwrap(old, bound), bound)
            except KeysError as cause:
                raise KeysUnavailable(str(cause)) from cause
            conn.execute(
                update(namespace_keys)
                .where(namespace_keys.c.id == row.id)
                .values(root_key_id=new.key_id, format=new.format, wrapped=new.wrapped, commitment=new.commitment)
            )
        return len(rows)


def _pick(keys: Mapping[str, _Key], purpose: Purpose) -> _Key | None:
    return next((key for key in keys.values() if key.current and key.purpose is purpose), None)


def _key_bound(namespace: str, purpose: str, key_id: str) -> bytes:
    return f"sealgate/namespace-key/{namespace}/{purpose}/{key_id}".encode()


def _event_bound(namespace: str, event: str) -> bytes:
    return f"sealgate/audit-event/{namespace}/{event}".encode()


def _small_bound(namespace: str, purpose: str) -> bytes:
    return f"sealgate/small/{namespace}/{purpose}".encode()
