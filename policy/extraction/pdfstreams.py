"""The filters of PDF streams (ISO 32000-1, 7.4), within limits."""

import binascii
import re
import zlib
from collections.abc import Callable
from typing import Final

_WHITE: Final = re.compile(rb"[\0\t\n\f\r ]+")
_CLEAR, _LAST = 256, 257


def decoded(data: bytes, filters: list[str], room: int) -> bytes | None:
    """The bytes behind the filters, at most `room` of them; None where a filter is for pictures, or unknown."""
    for name in filters[:8]:
        decode = _FILTERS.get(name)
        if decode is None:
            return None
        data = decode(data, room)
    return data[:room]


def _flate(data: bytes, room: int) -> bytes:
    """What can be inflated, up to where it is broken; without the header where that is the trouble."""
    for bits, source in ((15, data.lstrip(b"\r\n")), (-15, data[2:])):
        out: list[bytes] = []
        machine = zlib.decompressobj(bits)
        try:
            for start in range(0, len(source), 4096):
                out.append(machine.decompress(source[start : start + 4096], room + 1))
                room -= len(out[-1])
                if machine.eof or room <= 0:
                    break
        except zlib.error:
            if not any(out):
                continue
        return b"".join(out)
    return b""


def _hexadecimal(data: bytes, _: int) -> bytes:
    digits = re.sub(rb"[^0-9a-fA-F]", b"", data.partition(b">")[0])
    return binascii.unhexlify(digits + b"0" * (len(digits) & 1))


def _base85(data: bytes, _: int) -> bytes:
    source = _WHITE.sub(b"", data.partition(b"~>")[0]).removeprefix(b"<~")
    out = bytearray()
    group = 0
    count = 0
    for sign in source:
        if sign == 0x7A and not count:
            out += b"\0\0\0\0"
        elif 0x21 <= sign <= 0x75:
            group = group * 85 + sign - 0x21
            count += 1
            if count == 5:
                out += (group & 0xFFFFFFFF).to_bytes(4, "big")
                group = count = 0
    if count > 1:
        for _ in range(5 - count):
            group = group * 85 + 84
        out += (group & 0xFFFFFFFF).to_bytes(4, "big")[: count - 1]
    return bytes(out)


def _runs(data: bytes, room: int) -> bytes:
    out = bytearray()
    at = 0
    while at < len(data) and data[at] != 128 and len(out) < room:
        length = data[at]
        if length < 128:
            out += data[at + 1 : at + 2 + length]
            at += 2 + length
        else:
            out += data[at + 1 : at + 2] * (257 - length)
            at += 2
    return bytes(out)


def _lzw(data: bytes, room: int) -> bytes:
    """LZW as PDF has it: codes of 9 to 12 bits, which widen one early."""
    table: list[bytes] = [bytes([each]) for each in range(256)] + [b"", b""]
    out: list[bytes] = []
    size = bits = value = 0
    width = 9
    last = b""
    for byte in data:
        value = (value << 8 | byte) & 0xFFFFFF
        bits += 8
        if bits < width:
            continue
        bits -= width
        code = value >> bits & ((1 << width) - 1)
        if code == _CLEAR:
            del table[258:]
            width, last = 9, b""
            continue
        if code == _LAST or code > len(table) or size > room:
            break
        entry = table[code] if code < len(table) else last + last[:1]
        out.append(entry)
        size += len(entry)
        if last and len(table) < 4096:
            table.append(last + entry[:1])
        last = entry
        width = 9 + sum(len(table) + 1 >= 1 << each for each in (9, 10, 11))
    return b"".join(out)


_FILTERS: Final[dict[str, Callable[[bytes, int], bytes]]] = {
    "FlateDecode": _flate,
    "Fl": _flate,
    "ASCIIHexDecode": _hexadecimal,
    "AHx": _hexadecimal,
    "ASCII85Decode": _base85,
    "A85": _base85,
    "RunLengthDecode": _runs,
    "RL": _runs,
    "LZWDecode": _lzw,
    "LZW": _lzw,
    "Crypt": lambda data, _: data,
}
