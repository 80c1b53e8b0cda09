"""Files that stand written in a text: uuencode, xxencode, BinHex 4.0 (RFC 1741), yEnc."""

import re
from collections.abc import Iterator
from typing import Final

from policy.reader.coded import BEGIN
from policy.reader.transfer import lenient_base64, uudecoded
from policy.reader.turns import find, holds

_BEGUN: Final = re.compile(rb"begin(?:(?:-base64)? [0-7]{3,4}[ \t]| [^\r\n]{0,300}name=)")
_BINHEX: Final = re.compile(rb"\(This file must be converted with BinHex[^\n]{0,200}\n\s*:([^:]+)")
_YBEGIN: Final = re.compile(
    rb"(?:\A|\n)=ybegin [^\r\n]{0,300}?name=([^\r\n]{0,255})\r?\n(?:=ypart [^\r\n]{0,300}\r?\n)?"
)
_YENDS: Final = re.compile(
    rb"\n=y(?:end|begin )"
)  # without the second, files that begin and never end lie in each other
_YESCAPE: Final = re.compile(rb"=(.)", re.DOTALL)
_XX: Final = b"+-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_HQX: Final = b"!\"#$%&'()*+,-012345689@ABCDEFGHIJKLMNPQRSTUVXYZ[`abcdefhijklmpqr"
_BASE64: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_XX_TO_UU: Final = bytes.maketrans(_XX, bytes(range(32, 96)))
_HQX_TO_BASE64: Final = bytes.maketrans(_HQX, _BASE64)
_NOT_HQX: Final = bytes(set(range(256)) - set(_HQX))
_YENC: Final = bytes((byte - 42) % 256 for byte in range(256))
_RUN: Final = re.compile(rb"(.?)\x90(.)", re.DOTALL)
_LONGEST_RUNS: Final = 64  # unpacked to packed: a run of 255 takes three bytes
_BINHEX_HEAD: Final = 21  # version, type, creator, flags, two lengths, checksum
_MOST: Final = 200  # files of one text


def is_written(data: bytes) -> bool:
    """Whether a text may hold a file; cheap."""
    if holds(data, b"(This file must be converted with BinHex"):
        return True
    at = find(data, b"begin")
    while at >= 0:
        before = data[max(0, at - 9) : at].rstrip(b"> \t")
        if (not before or before.endswith((b"\n", b"\n=y")) or before == b"=y") and _BEGUN.match(data, at):
            return True
        at = find(data, b"begin", at + 5)
    return False


def written_files(data: bytes) -> Iterator[tuple[bytes, bytes | None]]:
    """Name and content of each file in a text; None for what cannot be read, and for what stands behind the 200th."""
    for number, found in enumerate(_all(data)):
        if number == _MOST:
            yield b"", None
            return
        yield found


def _all(data: bytes) -> Iterator[tuple[bytes, bytes | None]]:
    at = 0
    while match := BEGIN.search(data, at):
        end = data.find(b"\nend", match.end() - 1)
        end = len(data) if end < 0 else end
        block = data[match.end() : end]
        if b"-base64" in match[0]:
            yield match[1], lenient_base64(block)
        else:
            yield match[1], uudecoded(block)
            if not block.translate(None, _XX + b"\r\n \t"):
                yield match[1], uudecoded(block.translate(_XX_TO_UU))
        at = max(end, match.end())
    for match in _BINHEX.finditer(data):
        yield from _binhex(match[1])
    for match in _YBEGIN.finditer(data):
        ends = _YENDS.search(data, match.end() - 1)
        yield match[1], _yenc(data[match.end() : ends.start() if ends else len(data)])


def _yenc(block: bytes) -> bytes:
    lines = block.replace(b"\r", b"").replace(b"\n", b"")
    plain = _YESCAPE.sub(lambda match: bytes([(match[1][0] - 64) % 256]), lines) if b"=" in lines else lines
    return plain.translate(_YENC)


def _binhex(text: bytes) -> Iterator[tuple[bytes, bytes | None]]:
    """The data fork, and the resource fork where there is one (RFC 1741 appendix A)."""
    packed = lenient_base64(text.translate(None, _NOT_HQX).translate(_HQX_TO_BASE64))
    data = _runs(packed, _LONGEST_RUNS * len(packed) + 1024) if b"\x90" in packed else packed
    size = data[0] if data else 0
    name, head = data[1 : 1 + size], data[1 + size : _BINHEX_HEAD + 1 + size]
    lengths = int.from_bytes(head[11:15], "big"), int.from_bytes(head[15:19], "big")
    start = _BINHEX_HEAD + 1 + size
    for length, suffix in zip(lengths, (b"", b".rsrc"), strict=True):
        if length or not suffix:
            fork = data[start : start + length]
            yield name + suffix, fork
            if len(fork) < length or len(head) < _BINHEX_HEAD:
                yield name + suffix, None
        start += length + 2


def _runs(packed: bytes, most: int) -> bytes:
    """BinHex's runs written out: 90 stands behind a byte with its count, or for itself where the count is 0."""
    left = most

    def run(match: re.Match[bytes]) -> bytes:
        nonlocal left
        count = match[2][0]
        if count == 0:
            return match[1] + b"\x90"
        left -= count
        return match[1] * count if left > 0 else match[1]

    return _RUN.sub(run, packed)
