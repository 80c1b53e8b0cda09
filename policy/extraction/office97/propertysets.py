"""Property sets of OLE containers ([MS-OLEPS]): title, author, keywords, comments, an admin's own properties."""

import struct
from collections.abc import Iterator
from typing import Final

from policy.extraction.office97.biff import charset_of

_MOST: Final = 10_000  # properties of one set
_CODEPAGE, _DICTIONARY = 1, 0
_NARROW, _WIDE, _BLOB, _VARIANT, _VECTOR = 0x1E, 0x1F, 0x41, 0x0C, 0x1000
_FIXED: Final = {0x02: 4, 0x03: 4, 0x04: 4, 0x05: 8, 0x06: 8, 0x07: 8, 0x0B: 4, 0x14: 8, 0x15: 8, 0x40: 8, 0x13: 4}


def property_texts(data: bytes) -> list[str]:
    """Every text of every section. Raises nothing: what is broken ends it."""
    found: list[str] = []
    try:
        (count,) = struct.unpack_from("<I", data, 24)
        for number in range(min(count, 8)):
            (at,) = struct.unpack_from("<I", data, 28 + 20 * number + 16)
            found += _section(data[at:])
    except (struct.error, IndexError):
        pass
    return [text for text in dict.fromkeys(text.strip("\0 \r\n\t") for text in found) if text]


def _section(data: bytes) -> Iterator[str]:
    count = min(struct.unpack_from("<I", data, 4)[0], _MOST)
    places = dict(struct.unpack_from("<II", data, 8 + 8 * number) for number in range(count))
    charset = "cp1252"
    if _CODEPAGE in places and places[_CODEPAGE] + 6 <= len(data):
        charset = charset_of(int(struct.unpack_from("<H", data, places[_CODEPAGE] + 4)[0]))
    for number, at in places.items():
        try:
            if number == _DICTIONARY:
                yield from _names(data, at, charset)
            elif number != _CODEPAGE:
                (kind,) = struct.unpack_from("<I", data, at)
                yield from _values(data, at + 4, kind & 0xFFFF, charset)
        except (struct.error, IndexError, StopIteration):
            continue


def _names(data: bytes, at: int, charset: str) -> Iterator[str]:
    """The names of an admin's own properties."""
    (count,) = struct.unpack_from("<I", data, at)
    at += 4
    for _ in range(min(count, _MOST)):
        _, size = struct.unpack_from("<II", data, at)
        width = 2 if charset == "utf-16-le" else 1
        yield data[at + 8 : at + 8 + size * width].decode(charset, "replace")
        at += 8 + size * width
        if width == 2:
            at += -at % 4


def _values(data: bytes, at: int, kind: int, charset: str) -> Iterator[str]:
    if not kind & _VECTOR:
        text, _ = _value(data, at, kind, charset)
        yield text
        return
    (count,) = struct.unpack_from("<I", data, at)
    at += 4
    for _ in range(min(count, _MOST)):
        own = kind & ~_VECTOR
        if own == _VARIANT:
            (own,) = struct.unpack_from("<I", data, at)
            at += 4
        text, at = _value(data, at, own, charset)
        yield text


def _value(data: bytes, at: int, kind: int, charset: str) -> tuple[str, int]:
    """A text, or nothing, and where the next value begins."""
    if kind in (_NARROW, _WIDE, _BLOB):
        (size,) = struct.unpack_from("<I", data, at)
        size *= 2 if kind == _WIDE else 1
        raw = data[at + 4 : at + 4 + size]
        end = at + 4 + size
        text = "" if kind == _BLOB else raw.decode("utf-16-le" if kind == _WIDE else charset, "replace")
        return text, end + -end % 4
    if kind == 0x05:
        return f"{struct.unpack_from('<d', data, at)[0]:.15g}", at + 8
    if kind in (0x03, 0x13):
        return "", at + 4
    if kind not in _FIXED:
        raise IndexError("a value of a type that is not known")
    return "", at + _FIXED[kind]
