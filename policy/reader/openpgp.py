"""PGP messages (RFC 4880, RFC 9580): what literal and compressed packets hold, signed or not.

Signatures are not checked: what stands in the message is shown whether they hold or not.
"""

import bz2
import re
from collections.abc import Iterator
from typing import Final

from policy.reader.transfer import lenient_base64
from policy.reader.unwrapped import Unwrapped, inflated

_ESCAPED: Final = re.compile(rb"^- ", re.M)
_ARMOUR: Final = re.compile(
    rb"^[ \t]*-----BEGIN PGP MESSAGE(?:, PART [0-9]{1,4}(?:/[0-9]{1,4})?)?-----[ \t]*\r?\n"
    rb"((?:[A-Za-z]{1,40}:[^\n]{0,1000}\n)*)(?:[ \t]*\r?\n)?([^-]*)",
    re.M,
)
_CHECKSUM: Final = re.compile(rb"=[A-Za-z0-9+/]{4}\s{0,9}\Z")
_MOST_PACKETS: Final = 20_000
_DEEPEST: Final = 16
_SIGNATURE, _SESSION, _SYMMETRIC, _ONE_PASS, _COMPRESSED, _LOCKED, _MARKER, _LITERAL = 2, 1, 3, 4, 8, 9, 10, 11
_TRUST, _USER, _PROTECTED, _ATTRIBUTE, _DETECTION, _AEAD, _PADDING = 12, 13, 18, 17, 19, 20, 21
_ENCRYPTED: Final = frozenset({_SESSION, _SYMMETRIC, _LOCKED, _PROTECTED, _AEAD})
_PASSED: Final = frozenset({_SIGNATURE, _ONE_PASS, _MARKER, _TRUST, _ATTRIBUTE, _DETECTION, _PADDING, 5, 6, 7, 14})
# What the first bytes of a first packet can be, so that a file of no known type is not taken for one.
_VERSIONS: Final = {
    _SESSION: b"\2\3\6",
    _SYMMETRIC: b"\4\5\6",
    _ONE_PASS: b"\3\6",
    _COMPRESSED: b"\0\1\2\3",
    _PROTECTED: b"\1\2",
    _LITERAL: b"btul1",
    _AEAD: b"\1",
}
_SIGNATURE_VERSIONS: Final = b"\3\4\5\6"


def armoured(text: bytes) -> Iterator[bytes]:
    """The packets of every armoured message in a text (RFC 4880 6.2)."""
    if b"\n- -----BEGIN" in text:
        text = _ESCAPED.sub(b"", text)  # within a clear-signed one (7.1)
    for block in _ARMOUR.finditer(text):
        checksum = _CHECKSUM.search(block[2])
        body = block[2][: checksum.start()] if checksum else block[2]
        yield lenient_base64(body)


def looks_pgp(data: bytes) -> bool:
    """Whether a file without armour begins like a PGP message."""
    if len(data) < 8 or not data[0] & 0x80:
        return False
    tag, body, _ = _packet(data, 0)
    if tag == _SIGNATURE:
        return body[:1] in {bytes((version,)) for version in _SIGNATURE_VERSIONS} and _goes_on(data)
    return tag in _VERSIONS and bool(body) and body[0] in _VERSIONS[tag] and _goes_on(data)


def unwrap_pgp(data: bytes, room: int) -> Unwrapped:
    """What stands open in a sequence of packets, at any depth; `room` bounds what may be unpacked."""
    found = Unwrapped()
    waiting = [(data, 0)]
    packets = 0
    while waiting:
        data, depth = waiting.pop()
        at = 0
        while at < len(data):
            packets += 1
            tag, body, at = _packet(data, at) if packets <= _MOST_PACKETS else (-1, b"", len(data))
            if tag in _ENCRYPTED:
                found.is_encrypted = True
            elif tag == _LITERAL and len(body) > 1:
                found.names.append(body[2 : 2 + body[1]])
                found.contents.append(body[6 + body[1] :])
            elif tag == _USER:
                found.names.append(body)
            elif tag == _COMPRESSED and depth < _DEEPEST:
                inner = _unpacked(body, room)
                found.whole &= inner is not None
                room -= len(inner or b"")
                waiting.append((inner or b"", depth + 1))
            elif tag not in _PASSED:
                found.whole = False
                break
    return found


def _goes_on(data: bytes) -> bool:
    """The first packet ends with the file, or another begins behind it."""
    _, _, after = _packet(data, 0)
    return after >= len(data) or bool(data[after] & 0x80)


def _packet(data: bytes, at: int) -> tuple[int, bytes, int]:
    """One packet's tag, body, and where the next begins; the tag is -1 where none stands (RFC 4880 4.2)."""
    head = data[at]
    if not head & 0x80:
        return -1, b"", len(data)
    if head & 0x40:
        return _new_packet(data, at + 1, head & 0x3F)
    size = 1 << (head & 3)
    start = at + 1 + (0 if size == 8 else size)
    length = len(data) if size == 8 else int.from_bytes(data[at + 1 : start], "big")
    return head >> 2 & 0xF, data[start : start + length], start + length


def _new_packet(data: bytes, at: int, tag: int) -> tuple[int, bytes, int]:
    pieces: list[bytes] = []
    while at < len(data):
        first = data[at]
        if 224 <= first < 255:  # a piece; more follow
            length = 1 << (first & 0x1F)
            pieces.append(data[at + 1 : at + 1 + length])
            at += 1 + length
            continue
        if first < 192:
            start, length = at + 1, first
        elif first == 255:
            start, length = at + 5, int.from_bytes(data[at + 1 : at + 5], "big")
        else:
            start, length = at + 2, (first - 192 << 8) + 192 + (data[at + 1] if at + 1 < len(data) else 0)
        pieces.append(data[start : start + length])
        return tag, b"".join(pieces), start + length
    return tag, b"".join(pieces), len(data)


def _unpacked(body: bytes, room: int) -> bytes | None:
    """A compressed packet's content; None where it is too much or of an unknown kind (RFC 4880 5.6)."""
    kind, packed = body[:1], body[1:]
    if kind == b"\0":
        return packed
    if kind == b"\1":
        return inflated(packed, -15, room)
    if kind == b"\2":
        return inflated(packed, 15, room)
    if kind != b"\3":
        return None
    machine = bz2.BZ2Decompressor()
    try:
        out = machine.decompress(packed, room + 1)
    except (OSError, ValueError):
        return None
    return out if len(out) <= room else None
