"""The directory of an OLE container ([MS-CFB]), as far as it tells what the container holds."""

import struct
from collections.abc import Callable
from typing import Final

_FREE: Final = 0xFFFF_FFFA  # from here on a sector's number is a sign
_MOST_SECTORS: Final = 4_096
_ENTRY: Final = 128
_NONE: Final = 0xFFFF_FFFF

Read = Callable[[int, int], bytes]  # offset, length


def root_names(data: bytes) -> frozenset[str]:
    """Names of the streams and storages at the top. Raises nothing; what is broken has none."""
    return names_at_top(lambda at, length: data[at : at + length])


def names_at_top(read: Read) -> frozenset[str]:
    """The same of a file that is not in memory: `read(at, length)` gives fewer bytes at its end, and may raise."""
    try:
        return frozenset(_top(_directory(read)))
    except (struct.error, IndexError, UnicodeError):
        return frozenset()


def _directory(read: Read) -> list[tuple[str, int, int, int]]:
    """Every entry: name, left and right neighbour, first child."""
    head = read(0, 512)
    shift = struct.unpack_from("<H", head, 30)[0]
    if shift not in (9, 12):
        return []
    size = 1 << shift
    table = struct.unpack_from("<109I", head, 76)
    per_sector = size // 4
    entries: list[tuple[str, int, int, int]] = []
    sector = struct.unpack_from("<I", head, 48)[0]
    for _ in range(_MOST_SECTORS):
        if sector >= _FREE:
            break
        held = read((sector + 1) * size, size)
        for place in range(0, len(held) - _ENTRY + 1, _ENTRY):
            length = min(struct.unpack_from("<H", held, place + 64)[0], 64)
            name = held[place : place + max(0, length - 2)].decode("utf-16-le", "replace")
            entries.append((name, *struct.unpack_from("<III", held, place + 68)))
        where = sector // per_sector
        if where >= len(table) or table[where] >= _FREE:
            break
        sector = struct.unpack("<I", read((table[where] + 1) * size + 4 * (sector % per_sector), 4))[0]
    return entries


def _top(entries: list[tuple[str, int, int, int]]) -> set[str]:
    """The children of the root, which are a tree of neighbours."""
    names: set[str] = set()
    seen: set[int] = set()
    waiting = [entries[0][3]] if entries else []
    while waiting:
        number = waiting.pop()
        if number == _NONE or number >= len(entries) or number in seen:
            continue
        seen.add(number)
        name, left, right, _ = entries[number]
        names.add(name)
        waiting += [left, right]
    return names
