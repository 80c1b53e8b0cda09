"""Zip files as any program might read them: by the directory at the end, by the headers before each entry, by both.

The directory and the headers say the same things twice (APPNOTE 4.3.7, 4.3.12), and programs differ in which they
believe. Where the two differ, both readings are given, and what only one of them names is not left out.
"""

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Final

_END: Final = b"PK\x05\x06"
_END_64: Final = b"PK\x06\x06"
_LOCATOR_64: Final = b"PK\x06\x07"
_LISTED: Final = b"PK\x01\x02"
_LOCAL: Final = re.compile(rb"PK\x03\x04")
_DIRECTORY: Final = struct.Struct("<4s6H3I5H2I")
_HEADER: Final = struct.Struct("<4s5H3I2H")
_ENDING: Final = struct.Struct("<4s4H2IH")
_NEXT: Final = re.compile(rb"PK(?:\x03\x04|\x01\x02|\x07\x08|\x05\x06)")
_THING: Final = re.compile(rb"PK(?:\x03\x04|\x01\x02|\x05\x06|\x06[\x06\x08])")
_LOOKED: Final = 1024 * 1024  # bytes behind an entry
_MOST_PARTS: Final = 20_000
_MOST_ENDS: Final = 64
_STREAMED: Final = 0x8  # sizes stand behind the data
_UTF8: Final = 0x800
_FULL: Final = 0xFFFF_FFFF
_ZIP64, _AES, _UNICODE_NAME, _UNICODE_COMMENT = 0x0001, 0x9901, 0x7075, 0x6375
AES: Final = 99


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry in one reading. `at` is where its bytes begin; `packed` how many there are (None: not told)."""

    name: str = field(repr=False)
    other_names: str = field(repr=False)
    comment: str = field(repr=False)
    flags: int
    method: int
    packed: int | None
    size: int | None
    checksum: int | None
    time: int
    header: int = 0  # where its local header begins
    at: int = 0
    aes: tuple[int, int, int] | None = None  # version, strength, method below

    @property
    def is_encrypted(self) -> bool:
        """Whether it needs a password."""
        return bool(self.flags & 1)

    @property
    def is_folder(self) -> bool:
        """A name without bytes."""
        return self.name.endswith("/") and not self.size and not self.packed


@dataclass(frozen=True, slots=True)
class Archive:
    """Every entry in every reading; why programs would disagree on them, if they would."""

    entries: tuple[Entry, ...]
    comment: str = field(repr=False)
    oddity: str = ""


def read_archive(data: bytes, most: int) -> Archive:
    """Take a zip apart, at most so many entries. Raises nothing: without a directory the headers are followed."""
    listed, comment = _directory(data, most)
    entries: list[Entry] = []
    odd = "" if listed else "a zip that is broken"
    covered: list[tuple[int, int]] = []
    for entry, header in listed:
        local = _local(data, header)
        if local is None:
            odd = odd or "a zip with entries that are not there"
            continue
        joined = _joined(entry, local)
        entries.append(joined)
        covered.append((header, joined.at + (joined.packed or 0)))
        if _differ(entry, local):
            odd = odd or "a zip whose directory contradicts it"
            entries.append(local)
    odd = odd or _overlaps(covered)
    between = list(_gaps(data, entries))
    if between:
        entries += [entry for entry in between if entry is not None]
        odd = odd or "a zip with more in it than its entries"
    for header in _unlisted(data, covered):
        local = _local(data, header)
        if local is None or len(entries) >= most:
            continue
        entries.append(local)
        odd = odd or "a zip with entries that its directory does not name"
    return Archive(tuple(entries[:most]), comment, odd)


def listed_names(tail: bytes) -> tuple[str, ...]:
    """What a zip holds, by the directory at its end; empty where that does not stand whole in `tail`."""
    listed, _ = _directory(tail, _MOST_PARTS)
    return tuple(entry.name for entry, _ in listed)


def oddity(data: bytes) -> str:
    """Why programs would disagree on a document's zip; empty where they agree."""
    return read_archive(data, _MOST_PARTS).oddity


def _directory(data: bytes, most: int) -> tuple[list[tuple[Entry, int]], str]:
    """The entries of the last directory that can be followed, each with the place of its header; the comment."""
    end = len(data)
    for _ in range(_MOST_ENDS):
        end = data.rfind(_END, 0, end)
        if end < 0:
            break
        if end + _ENDING.size > len(data):
            continue
        _, _, _, _, count, size, offset, comment = _ENDING.unpack_from(data, end)
        tail = data[end + _ENDING.size : end + _ENDING.size + comment].decode("utf-8", "replace")
        found = _followed(data, end, size, offset, most)
        if found or (count == 0 and not size):
            return found, tail
    return [], ""


def _followed(data: bytes, end: int, size: int, offset: int, most: int) -> list[tuple[Entry, int]]:
    """The directory before `end`, wherever it really begins: something may stand in front of the zip."""
    if data[end - 20 : end - 16] == _LOCATOR_64:
        where = data.rfind(_END_64, 0, end - 20)
        if where >= 0 and where + 56 <= len(data):
            _, size, offset = struct.unpack_from("<QQQ", data, where + 32)
            end = where
    for start in dict.fromkeys((end - size, offset)):
        if 0 <= start < len(data) and data.startswith(_LISTED, start):
            return _listed(data, start, start - offset, most)
    return []


def _listed(data: bytes, at: int, base: int, most: int) -> list[tuple[Entry, int]]:
    found: list[tuple[Entry, int]] = []
    while at + _DIRECTORY.size <= len(data) and data.startswith(_LISTED, at) and len(found) < most:
        fields = _DIRECTORY.unpack_from(data, at)
        _, _, _, flags, method, time, _, checksum, packed, size, names, extras, notes, _, _, _, header = fields
        at += _DIRECTORY.size
        name, extra = data[at : at + names], data[at + names : at + names + extras]
        comment = data[at + names + extras : at + names + extras + notes]
        at += names + extras + notes
        size, packed, header = _wide(extra, (size, packed, header))
        facts = _Facts(flags, method, time, checksum, packed, size)
        entry = _entry(facts, name, extra, comment)
        place = header + base
        if not data.startswith(b"PK\x03\x04", place) and data.startswith(b"PK\x03\x04", header):
            place = header
        found.append((entry, place))
    return found


def _local(data: bytes, header: int) -> Entry | None:
    """The entry as the header before it says."""
    if not 0 <= header <= len(data) - _HEADER.size or not data.startswith(b"PK\x03\x04", header):
        return None
    _, _, flags, method, time, _, checksum, packed, size, names, extras = _HEADER.unpack_from(data, header)
    at = header + _HEADER.size
    name, extra = data[at : at + names], data[at + names : at + names + extras]
    at += names + extras
    size, packed, _ = _wide(extra, (size, packed, 0))
    told = not flags & _STREAMED or packed
    entry = _entry(_Facts(flags, method, time, checksum, packed, size), name, extra, b"")
    if told:
        return replace(entry, header=header, at=at)
    ends = _streamed_end(data, at, method)
    return replace(entry, header=header, at=at, packed=ends, size=None, checksum=None)


def _streamed_end(data: bytes, at: int, method: int) -> int | None:
    """Stored bytes of no told size end where the next thing begins; packed ones tell their end themselves."""
    if method:
        return None
    following = _NEXT.search(data, at)
    return (following.start() if following else len(data)) - at


@dataclass(frozen=True, slots=True)
class _Facts:
    """The numbers that the directory and a header both have."""

    flags: int
    method: int
    time: int
    checksum: int
    packed: int
    size: int


def _entry(facts: _Facts, name: bytes, extra: bytes, comment: bytes) -> Entry:
    charset = "utf-8" if facts.flags & _UTF8 else _charset(name)
    aes = None
    others: list[str] = []
    for kind, value in _extras(extra):
        if kind == _AES and len(value) >= 7:
            aes = (int.from_bytes(value[:2], "little"), value[4], int.from_bytes(value[5:7], "little"))
        elif kind in (_UNICODE_NAME, _UNICODE_COMMENT):
            others.append(value[5:].decode("utf-8", "replace"))
    return Entry(
        name=name.decode(charset, "replace").replace("\\", "/"),
        other_names="\n".join(others),
        comment=comment.decode("utf-8", "replace"),
        flags=facts.flags,
        method=facts.method,
        packed=facts.packed,
        size=facts.size,
        checksum=facts.checksum,
        time=facts.time,
        aes=aes,
    )


def _charset(name: bytes) -> str:
    try:
        name.decode("utf-8")
    except UnicodeDecodeError:
        return "cp437"
    return "utf-8"


def _joined(listed: Entry, local: Entry) -> Entry:
    """What the directory says, of the bytes that the header leads to."""
    return replace(listed, header=local.header, at=local.at)


def _differ(listed: Entry, local: Entry) -> bool:
    if listed.name != local.name or listed.method != local.method or listed.is_encrypted != local.is_encrypted:
        return True
    return local.size is not None and (local.size, local.packed) != (listed.size, listed.packed)


def _extras(extra: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at + 4 <= len(extra):
        kind, size = struct.unpack_from("<HH", extra, at)
        yield kind, extra[at + 4 : at + 4 + size]
        at += 4 + size


def _wide(extra: bytes, values: tuple[int, int, int]) -> tuple[int, int, int]:
    """Size, packed size and place of more than 32 bits (APPNOTE 4.5.3)."""
    wide = next((value for kind, value in _extras(extra) if kind == _ZIP64), b"")
    out: list[int] = []
    at = 0
    for value in values:
        if value == _FULL and at + 8 <= len(wide):
            out.append(int.from_bytes(wide[at : at + 8], "little"))
            at += 8
        else:
            out.append(value)
    return out[0], out[1], out[2]


def _gaps(data: bytes, entries: list[Entry]) -> Iterator[Entry | None]:
    """What lies between an entry's end and the next thing; None where there is too much of it to look at."""
    work = 4 * len(data) + _LOOKED
    for entry in entries:
        if entry.packed is None:
            continue
        end = entry.at + entry.packed
        following = _THING.search(data, end, end + _LOOKED)
        between = data[end : following.start() if following else end + _LOOKED]
        work -= len(between)
        if work < 0:
            yield None
            return
        streamed = bool(entry.flags & _STREAMED)
        if not between.strip(b"\0") or (streamed and _is_descriptor(between, entry)):
            continue
        if streamed:  # the rest of the entry, whose header gives no size
            packed = entry.packed + len(between)
            yield replace(entry, name=entry.name.rstrip("/"), packed=packed, size=None, checksum=None)
        else:
            yield Entry("between its entries", "", "", 0, 0, len(between), None, None, 0, end, end)


def _is_descriptor(between: bytes, entry: Entry) -> bool:
    """The checksum and the sizes of 4 or 8 bytes, behind a mark or none (APPNOTE 4.3.9)."""
    told = between.removeprefix(b"PK\x07\x08")
    return len(told) in {12, 20} and int.from_bytes(told[:4], "little") == entry.checksum


def _overlaps(covered: list[tuple[int, int]]) -> str:
    end = 0
    for start, until in sorted(covered):
        if start < end:
            return "a zip whose entries overlap"
        end = until
    return ""


def _unlisted(data: bytes, covered: list[tuple[int, int]]) -> Iterator[int]:
    """Headers outside of the entries that the directory names."""
    place = 0
    for start, until in [*sorted(covered), (len(data), len(data))]:
        if start > place:
            yield from (match.start() for match in _LOCAL.finditer(data, place, start))
        place = max(place, until)
