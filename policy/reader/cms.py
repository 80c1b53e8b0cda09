"""S/MIME in one part (RFC 8551): what signed, digested, authenticated and compressed data hold (RFC 5652, RFC 3274).

Signatures are not checked: what stands in the message is shown whether they hold or not.
"""

import re
from dataclasses import dataclass
from typing import Final

from policy.reader.transfer import lenient_base64
from policy.reader.unwrapped import Unwrapped, inflated

_PKCS7: Final = b"\x2a\x86\x48\x86\xf7\x0d\x01\x07"
_SMIME: Final = b"\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x01"
_COMPRESSED: Final = _SMIME + b"\x09"
_ENCRYPTED: Final = frozenset({_PKCS7 + b"\3", _PKCS7 + b"\4", _PKCS7 + b"\6", _SMIME + b"\x17"})
_SEQUENCE: Final = 0x30
_OID: Final = 0x06
_OCTETS: Final = 0x04
_OCTETS_IN_PIECES: Final = 0x24
_FIRST: Final = 0xA0  # [0] EXPLICIT
_FIRST_PLAIN: Final = 0x80
_MOST_VALUES: Final = 200_000
_DEEPEST: Final = 16
_PEM: Final = re.compile(rb"-----BEGIN (?:PKCS7|CMS|PKCS #7 SIGNED DATA)-----([^-]*)")


class _Broken(Exception):
    """The bytes are no BER (X.690), or more of it than is read."""


@dataclass(frozen=True, slots=True)
class _Value:
    """One value: its tag byte, and where its content stands. `after` is where the next value begins."""

    tag: int
    start: int
    end: int
    after: int


def unwrap_cms(data: bytes, room: int) -> Unwrapped:
    """What one ContentInfo holds, in DER, BER or PEM; `room` bounds what may be unpacked of compressed data."""
    if data.lstrip()[:10] == b"-----BEGIN":
        pem = _PEM.search(data)
        data = lenient_base64(pem[1]) if pem else b""
    found = Unwrapped()
    try:
        _Reader(data).content_info(found, room)
    except (_Broken, IndexError):
        found.whole = False
    return found


class _Reader:
    """Walks over BER; every value counts, so that a walk ends."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._left = _MOST_VALUES

    def content_info(self, found: Unwrapped, room: int) -> None:
        """ContentInfo (RFC 5652 3)."""
        kind, content = self._typed(self._value(0, len(self._data)))
        if kind in _ENCRYPTED:
            found.is_encrypted = True
            return
        if content is None:
            raise _Broken
        inner = self._encapsulated(self._children(content)[0])
        if inner is None:
            return  # a signature of something that stands elsewhere
        octets = self._octets(inner, 0)
        if kind == _COMPRESSED:
            unpacked = inflated(octets, 15, room)
            found.whole = unpacked is not None
            octets = unpacked or b""
        found.contents.append(octets)

    def _encapsulated(self, body: _Value) -> _Value | None:
        """The content of the first EncapsulatedContentInfo in SignedData and its like; None where it is detached."""
        for child in self._children(body, most=8):
            if child.tag == _SEQUENCE:
                _, content = self._typed(child)
                if content is not None:
                    return self._children(content, most=1)[0]
        return None

    def _typed(self, value: _Value) -> tuple[bytes, _Value | None]:
        """The OID of a SEQUENCE, and the [0] behind it."""
        if value.tag != _SEQUENCE:
            raise _Broken
        parts = self._children(value, most=2)
        if not parts or parts[0].tag != _OID:
            return b"", None
        content = parts[1] if len(parts) > 1 and parts[1].tag in {_FIRST, _FIRST_PLAIN} else None
        return self._data[parts[0].start : parts[0].end], content

    def _octets(self, value: _Value, depth: int) -> bytes:
        if value.tag == _OCTETS_IN_PIECES and depth < _DEEPEST:
            return b"".join(self._octets(child, depth + 1) for child in self._children(value))
        if value.tag == _OCTETS:
            return self._data[value.start : value.end]
        if depth:
            raise _Broken
        return self._data[value.start : value.end]  # PKCS #7 before CMS: any type may stand here

    def _children(self, value: _Value, most: int = _MOST_VALUES) -> list[_Value]:
        found: list[_Value] = []
        at = value.start
        while at < value.end and len(found) < most:
            child = self._value(at, value.end)
            found.append(child)
            at = child.after
        return found

    def _value(self, at: int, stop: int, depth: int = 0) -> _Value:
        self._left -= 1
        data = self._data
        if self._left < 0 or depth > _DEEPEST or at + 2 > stop or data[at] & 0x1F == 0x1F:
            raise _Broken
        tag, length = data[at], data[at + 1]
        start = at + 2
        if length == 0x80:
            end = self._marked_end(start, stop, depth)
            return _Value(tag, start, end, min(end + 2, stop))
        if length > 0x80:
            start += length & 0x7F
            length = int.from_bytes(data[at + 2 : start][:9], "big")
        end = min(start + length, stop)  # torn: what is there is read
        return _Value(tag, min(start, end), end, end)

    def _marked_end(self, at: int, stop: int, depth: int) -> int:
        """Where the two zeros stand that end a value without a length (X.690 8.1.5); the end where they are missing."""
        while at < stop and self._data[at : at + 2] != b"\0\0":
            at = self._value(at, stop, depth + 1).after
        return min(at, stop)
