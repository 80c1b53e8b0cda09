"""The directory of an OLE container ([MS-CFB]), as far as it tells what the container holds."""

import struct
from typing import Final

_FREE: Final = 0xFFFF_FFFA  # from here on a sector's number is a sign
_MOST_SECTORS: Final = 4_096
_ENTRY: Final = 128
_NONE: Final = 0xFFFF_FFFF


def root_names(data: bytes) -> frozenset[str]:
    """Names of the streams and storages at the top. Raises nothing; what is broken has none."""
    try:
        return frozenset(_top(_directory(data)))
    except (struct.error, IndexError, UnicodeError):
        return frozenset()


def _directory(data: bytes) -> list[tuple[str, int, int, int]]:
    """Every entry: name, left and right neighbour, first child."""
    shift = struct.unpack_from("<H", data, 30)[0]
    if shift not in (9, 12):
        return []
    size = 1 << shift
    table = struct.unpack_from("<109I", data, 76)
    per_sector = size // 4
    entries: list[tuple[str, int, int, int]] = []
    sector = struct.unpack_from("<I", data, 48)[0]
    for _ in range(_MOST_SECTORS):
        if sector >= _FREE:
            break
        at = (sector + 1) * size
        for place in range(at, min(at + size, len(data) - _ENTRY + 1), _ENTRY):
            length = min(struct.unpack_from("<H", data, place + 64)[0], 64)
            name = data[place : place + max(0, length - 2)].decode("utf-16-le", "replace")
            entries.append((name, *struct.unpack_from("<III", data, place + 68)))
        where = sector // per_sector
        if where >= len(table) or table[where] >= _FREE:
            break
        sector = struct.unpack_from("<I", data, (table[where] + 1) * size + 4 * (sector % per_sector))[0]
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
