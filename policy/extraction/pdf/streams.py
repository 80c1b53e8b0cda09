"""The filters of PDF streams (ISO 32000-1, 7.4), within limits."""

import binascii
import re
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

_WHITE: Final = re.compile(rb"[\0\t\n\f\r ]+")
_CLEAR, _LAST = 256, 257


@dataclass(frozen=True, slots=True)
class Decoded:
    """Bytes behind filters, and whether the filters understood all they were given."""

    data: bytes = field(repr=False)
    sound: bool = True


def decoded(data: bytes, filters: list[str], room: int) -> Decoded | None:
    """The bytes behind the filters, at most `room` of them; None where a filter is for pictures, or unknown."""
    sound = True
    for name in filters[:8]:
        decode = _FILTERS.get(name)
        if decode is None:
            return None
        one = decode(data, room)
        data, sound = one.data, sound and one.sound
    return Decoded(data[:room], sound)


def _flate(data: bytes, room: int) -> Decoded:
    """What can be inflated, up to where it is broken. No program asks for the checksum, and few for the header."""
    data = data.lstrip(b"\r\n")
    out: list[bytes] = []
    machine = zlib.decompressobj(-15)
    at, step = 2, 16384
    sound = len(data) > 1 and data[0] & 15 == 8 and not (data[0] << 8 | data[1]) % 31
    while at < len(data) and room > 0 and not machine.eof:
        before = machine.copy() if step > 1 else machine
        try:
            out.append(machine.decompress(data[at : at + step], room + 1))
        except zlib.error:
            if step == 1:
                return Decoded(b"".join(out), sound=False)
            machine, step = before, 1  # byte by byte, up to the place
            continue
        room -= len(out[-1])
        at += step
    return Decoded(b"".join(out), sound)


def _hexadecimal(data: bytes, _: int) -> Decoded:
    digits = re.sub(rb"[^0-9a-fA-F]", b"", data.partition(b">")[0])
    return Decoded(binascii.unhexlify(digits + b"0" * (len(digits) & 1)))


def _base85(data: bytes, _: int) -> Decoded:
    sound = True
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
        else:
            sound = False
    if count > 1:
        for _ in range(5 - count):
            group = group * 85 + 84
        out += (group & 0xFFFFFFFF).to_bytes(4, "big")[: count - 1]
    return Decoded(bytes(out), sound)


def _runs(data: bytes, room: int) -> Decoded:
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
    return Decoded(bytes(out))


def _lzw(data: bytes, room: int) -> Decoded:
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
        if code > len(table):
            return Decoded(b"".join(out), sound=False)
        if code == _LAST or size > room:
            break
        entry = table[code] if code < len(table) else last + last[:1]
        out.append(entry)
        size += len(entry)
        if last and len(table) < 4096:
            table.append(last + entry[:1])
        last = entry
        width = 9 + sum(len(table) + 1 >= 1 << each for each in (9, 10, 11))
    return Decoded(b"".join(out))


_FILTERS: Final[dict[str, Callable[[bytes, int], Decoded]]] = {
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
    "Crypt": lambda data, _: Decoded(data),
}
