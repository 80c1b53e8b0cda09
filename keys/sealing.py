"""Sealing: bytes to bytes that only the holder of the key can open, whole, as a stream, or any range of them.

The layout is that of Tink's AES-GCM-HKDF streaming with AES-256, HKDF-SHA256, a 32-byte derived key and 64 KiB
ciphertext segments, so that anybody's Tink opens what we sealed:

    header   = length of the header (1 byte, 40) || salt (32) || nonce prefix (7)
    key      = HKDF-SHA256(DEK, salt, info=bound_to)
    segment  = AES-256-GCM(key, nonce = prefix || counter (4, big-endian) || 1 if last else 0, no associated data)

The first segment is shorter by the header, so that every segment but the last ends at a multiple of 64 KiB. Counter and
last-flag authenticate order and end; `bound_to` authenticates what the bytes belong to (namespace, object, part).
"""

import hmac
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from os import urandom
from typing import Final, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from keys.errors import BackendDown, KeyMissing, KeyringInvalid, KeysError, SealBroken, WrongKey

__all__ = [
    "BackendDown",
    "Dek",
    "Kek",
    "KeyMissing",
    "KeyringInvalid",
    "KeysError",
    "SealBroken",
    "SealedRange",
    "SealingStream",
    "WrappedKey",
    "WrongKey",
    "open_sealed",
    "plain_size",
    "seal",
    "sealed_size",
]

KEY_BYTES: Final = 32
SEGMENT: Final = 64 * 1024  # ciphertext bytes of a segment, tag and (in the first) header included
FORMAT: Final = 1  # of WrappedKey and of what its key seals

_SALT: Final = 32
_PREFIX: Final = 7
_HEADER: Final = 1 + _SALT + _PREFIX
_HEADER_LENGTH: Final = bytes([_HEADER])
_TAG: Final = 16
_FIRST: Final = SEGMENT - _HEADER - _TAG  # plaintext bytes of the first segment
_REST: Final = SEGMENT - _TAG  # and of any other
_NONCE: Final = struct.Struct(">7sIB")
_MAX_SEGMENTS: Final = 2**32
_READ_SEGMENTS: Final = 8  # a range is read in pieces of this many segments
_WRAP_NONCE: Final = 12


class Dek:
    """The key of one message or SafeBox: 32 secret bytes that neither print nor pickle."""

    __slots__ = ("_secret",)

    def __init__(self, secret: bytes) -> None:
        if len(secret) != KEY_BYTES:
            raise ValueError(f"a key has {KEY_BYTES} bytes, not {len(secret)}")
        self._secret = bytes(secret)

    @classmethod
    def new(cls) -> Self:
        """A new random key."""
        return cls(urandom(KEY_BYTES))

    def reveal(self) -> bytes:
        """The secret bytes, for wrapping only."""
        return self._secret

    def __repr__(self) -> str:
        return "<Dek>"

    def __reduce__(self) -> str:
        raise TypeError("a key is not pickled")


def _hkdf(secret: bytes, salt: bytes | None, info: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=salt, info=info).derive(secret)


class _Segments:
    """The cipher of one sealed object. A nonce is never used twice with one key: the key comes from a fresh random
    salt of 256 bits for each object, and within the object every segment has its own counter."""

    __slots__ = ("_gcm", "_prefix", "header")

    def __init__(self, dek: Dek, bound_to: bytes, header: bytes) -> None:
        if len(header) != _HEADER or header[0] != _HEADER:
            raise SealBroken("the sealed bytes do not begin with a header of this format")
        self.header = bytes(header)
        self._prefix = self.header[1 + _SALT :]
        self._gcm = AESGCM(_hkdf(dek.reveal(), self.header[1 : 1 + _SALT], bound_to))

    @classmethod
    def fresh(cls, dek: Dek, bound_to: bytes) -> Self:
        return cls(dek, bound_to, _HEADER_LENGTH + urandom(_SALT + _PREFIX))

    def seal(self, index: int, plain: bytes | memoryview, *, last: bool) -> bytes:
        if index >= _MAX_SEGMENTS:
            raise ValueError("more than 2**32 segments cannot be sealed as one object")
        return self._gcm.encrypt(_NONCE.pack(self._prefix, index, last), plain, None)

    def open(self, index: int, sealed: bytes | memoryview, *, last: bool) -> bytes:
        try:
            return self._gcm.decrypt(_NONCE.pack(self._prefix, index, last), sealed, None)
        except InvalidTag:
            raise SealBroken("the sealed bytes were changed, cut, or belong to something else") from None


def sealed_size(plain: int) -> int:
    """How many bytes `plain` bytes become when sealed."""
    if plain < 0:
        raise ValueError("a size is not negative")
    more = max(0, plain - _FIRST)
    return _HEADER + plain + _TAG * (1 + -(-more // _REST))


def plain_size(sealed: int) -> int:
    """How many bytes `sealed` bytes hold. Raises SealBroken for a size that nothing sealed has."""
    if sealed < _HEADER + _TAG:
        raise SealBroken("the sealed bytes are cut: shorter than a header and one segment")
    segments = -(-sealed // SEGMENT)
    plain = sealed - _HEADER - _TAG * segments
    if segments > 1 and plain <= _FIRST + (segments - 2) * _REST:
        raise SealBroken("the sealed bytes are cut: the last segment is empty")
    return plain


def _bounds(index: int, size: int) -> tuple[int, int]:
    """Where segment `index` lies in the `size` sealed bytes."""
    return (index * SEGMENT or _HEADER), min((index + 1) * SEGMENT, size)


def seal(dek: Dek, plain: bytes | bytearray | memoryview, *, bound_to: bytes) -> bytes:
    """Seal all of `plain` at once. `bound_to` (namespace, object, part) must be given again to open it."""
    if len(plain) <= _FIRST:  # as nearly all that is sealed: one segment, without the rest of the machinery
        header = _HEADER_LENGTH + urandom(_SALT + _PREFIX)
        gcm = AESGCM(_hkdf(dek.reveal(), header[1 : 1 + _SALT], bound_to))
        return header + gcm.encrypt(_NONCE.pack(header[1 + _SALT :], 0, True), plain, None)
    segments = _Segments.fresh(dek, bound_to)
    view = memoryview(plain)
    parts = [segments.header]
    start, index, end = 0, 0, min(_FIRST, len(view))
    while True:
        parts.append(segments.seal(index, view[start:end], last=end == len(view)))
        if end == len(view):
            return b"".join(parts)
        start, index, end = end, index + 1, min(end + _REST, len(view))


def open_sealed(dek: Dek, sealed: bytes | bytearray | memoryview, *, bound_to: bytes) -> bytes:
    """The plain bytes. Raises SealBroken if anything, even the end, is not as it was sealed."""
    view = memoryview(sealed)
    plain_size(len(view))
    segments = _Segments(dek, bound_to, bytes(view[:_HEADER]))
    count = -(-len(view) // SEGMENT)
    parts = []
    for index in range(count):
        start, end = _bounds(index, len(view))
        parts.append(segments.open(index, view[start:end], last=index == count - 1))
    return b"".join(parts)


class SealingStream:
    """Seals what arrives piece by piece; the header comes with the first output. At most one segment is held."""

    def __init__(self, dek: Dek, *, bound_to: bytes) -> None:
        self._segments = _Segments.fresh(dek, bound_to)
        self._held = bytearray()
        self._index = 0
        self._finished = False

    def update(self, chunk: bytes | bytearray | memoryview) -> bytes:
        """The sealed bytes that are ready, possibly none. A full segment waits until it is known not to be the last."""
        if self._finished:
            raise ValueError("the stream is finished")
        out = []
        view = memoryview(chunk)
        while len(self._held) + len(view) > (room := _REST if self._index else _FIRST):
            taken = room - len(self._held)
            if self._held:
                self._held += view[:taken]
                out.append(self._segment(bytes(self._held), last=False))
                self._held.clear()
            else:
                out.append(self._segment(view[:taken], last=False))
            view = view[taken:]
        self._held += view
        return b"".join(out)

    def finish(self) -> bytes:
        """The last sealed bytes; without them the object does not open."""
        if self._finished:
            raise ValueError("the stream is finished")
        self._finished = True
        last = self._segment(bytes(self._held), last=True)
        self._held.clear()
        return last

    def _segment(self, plain: bytes | memoryview, *, last: bool) -> bytes:
        sealed = self._segments.seal(self._index, plain, last=last)
        self._index += 1
        return self._segments.header + sealed if self._index == 1 else sealed


class SealedRange:
    """Opens any range of a sealed object without opening the rest.

    `read_at(offset, length)` gives sealed bytes; fewer than asked for is a torn object. `size` is the sealed size. The
    last segment is opened before the first byte is given, so that a cut object is never read as a shorter one.
    """

    def __init__(self, dek: Dek, *, bound_to: bytes, read_at: Callable[[int, int], bytes], size: int) -> None:
        self.size = plain_size(size)
        self._sealed_size = size
        self._count = -(-size // SEGMENT)
        self._read_at = read_at
        self._segments = _Segments(dek, bound_to, self._exactly(0, _HEADER))
        self._end_proven = False

    def read(self, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
        """The plain bytes from `start` up to `stop` (the end, if None or beyond it), in pieces of up to 64 KiB."""
        stop = self.size if stop is None else min(stop, self.size)
        if start < 0:
            raise ValueError("a range does not start before the object")
        self._prove_end()
        if start >= stop:
            return
        first, last = _segment_of(start), _segment_of(stop - 1)
        for index, plain in self._open(first, last + 1):
            begin = _plain_start(index)
            piece = plain[max(0, start - begin) : stop - begin]
            if piece:
                yield piece

    def _open(self, first: int, beyond: int) -> Iterator[tuple[int, bytes]]:
        for base in range(first, beyond, _READ_SEGMENTS):
            group = range(base, min(base + _READ_SEGMENTS, beyond))
            offset, end = _bounds(group[0], self._sealed_size)[0], _bounds(group[-1], self._sealed_size)[1]
            sealed = memoryview(self._exactly(offset, end - offset))
            for index in group:
                low, high = _bounds(index, self._sealed_size)
                yield index, self._segments.open(index, sealed[low - offset : high - offset], last=self._last(index))

    def _last(self, index: int) -> bool:
        return index == self._count - 1

    def _prove_end(self) -> None:
        if not self._end_proven:
            for _ in self._open(self._count - 1, self._count):
                self._end_proven = True

    def _exactly(self, offset: int, length: int) -> bytes:
        sealed = self._read_at(offset, length)
        if len(sealed) != length:
            raise SealBroken("the sealed bytes are cut")
        return sealed


def _segment_of(position: int) -> int:
    return 0 if position < _FIRST else 1 + (position - _FIRST) // _REST


def _plain_start(index: int) -> int:
    return 0 if index == 0 else _FIRST + (index - 1) * _REST


@dataclass(frozen=True, slots=True)
class WrappedKey:
    """A key sealed by another key, as it stands in a row."""

    format: int
    key_id: str  # of the key that wraps
    wrapped: bytes = field(repr=False)  # nonce (12) || AES-256-GCM
    commitment: bytes = field(repr=False)  # HKDF of the wrapping key (32) || HKDF of the wrapped key (32)


class Kek:
    """A key that wraps keys. `key_id` names it in what it wraps."""

    __slots__ = ("_commitment", "_gcm", "key_id")

    def __init__(self, key_id: str, secret: bytes) -> None:
        if len(secret) != KEY_BYTES:
            raise ValueError(f"a key has {KEY_BYTES} bytes, not {len(secret)}")
        self.key_id = key_id
        self._gcm = AESGCM(secret)
        self._commitment = _hkdf(secret, None, b"sealgate.commitment.kek.1")

    def __repr__(self) -> str:
        return f"<Kek {self.key_id}>"

    def __reduce__(self) -> str:
        raise TypeError("a key is not pickled")

    def wrap(self, dek: Dek, bound_to: bytes) -> WrappedKey:
        """Seal `dek` under this key; `bound_to` must be given again to unwrap it.

        The nonce is 96 random bits: by the birthday bound a KEK may wrap 2**32 keys before two share a nonce with a
        probability of 2**-33 (NIST SP 800-38D, 8.3). That is a DEK a message, 100 a second, for more than a year;
        rotation gives a new KEK long before it matters.
        """
        nonce = urandom(_WRAP_NONCE)
        wrapped = nonce + self._gcm.encrypt(nonce, dek.reveal(), self._bound(bound_to))
        return WrappedKey(FORMAT, self.key_id, wrapped, self._commitment + _commitment(dek))

    def unwrap(self, wrapped: WrappedKey, bound_to: bytes) -> Dek:
        """The key again. Raises WrongKey if another key wrapped it, SealBroken if the bytes are not as they were."""
        if wrapped.format != FORMAT:
            raise SealBroken(f"a wrapped key of format {wrapped.format} is not known to this version")
        if wrapped.key_id != self.key_id or not hmac.compare_digest(wrapped.commitment[:KEY_BYTES], self._commitment):
            raise WrongKey(f"the key {self.key_id} did not wrap this")
        nonce, sealed = wrapped.wrapped[:_WRAP_NONCE], wrapped.wrapped[_WRAP_NONCE:]
        if len(nonce) != _WRAP_NONCE or len(sealed) != KEY_BYTES + _TAG:
            raise SealBroken("the wrapped key is cut")
        try:
            dek = Dek(self._gcm.decrypt(nonce, sealed, self._bound(bound_to)))
        except InvalidTag:
            raise SealBroken("the wrapped key was changed, or belongs to something else") from None
        # AES-GCM does not commit to its key: without this a row could be made that two keys open to different things.
        if not hmac.compare_digest(wrapped.commitment[KEY_BYTES:], _commitment(dek)):
            raise WrongKey("the wrapped key is not the one that was committed to")
        return dek

    def _bound(self, bound_to: bytes) -> bytes:
        return b"sealgate.wrap.1\0" + self.key_id.encode() + b"\0" + bound_to


def _commitment(dek: Dek) -> bytes:
    return _hkdf(dek.reveal(), None, b"sealgate.commitment.dek.1")
