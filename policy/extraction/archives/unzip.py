"""Zip files: every entry in every reading, with its name and comment; known passwords are tried on what is locked."""

import bz2
import lzma
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from policy.extraction.archives.packed import BROKEN, TooMuch
from policy.extraction.archives.zipcrypt import opened_aes, opened_old, spellings
from policy.extraction.archives.zips import AES, Entry, read_archive
from policy.extraction.collected import Collected, File, Inner, inner_place
from rules.content import FileKind

_STREAMED: Final = 0x8
_WORK: Final = 4  # packed bytes looked at, as a multiple of the file's: entries may lie over each other
_WORK_FLOOR: Final = 1024 * 1024
_MOST_TRIES: Final = 6_000  # of passwords for all entries of one attachment
_DEAR_TRY: Final = 5  # what one with AES costs of them

Source = bytes | memoryview


def read_zip(file: File, kind: FileKind, into: Collected, inner: Inner) -> None:
    """Every entry of a zip in every reading, with its name and comment."""
    most = into.budget.limits.archive_files
    archive = read_archive(file.data, most + 1)
    encrypted = any(entry.is_encrypted for entry in archive.entries)
    into.fact(file, kind, reason="" if encrypted else archive.oddity, encrypted=encrypted)
    into.text(inner_place(file.place, "comment"), archive.comment)
    work = _WORK * len(file.data) + _WORK_FLOOR
    for entry in archive.entries:
        work -= entry.packed if entry.packed is not None else len(file.data) - entry.at
        if not into.budget.take_file() or work < 0:
            into.fact(file, kind, reason="holds more files than are read")
            return
        _entry(file, entry, into, inner)


def _entry(file: File, entry: Entry, into: Collected, inner: Inner) -> None:
    place = inner_place(file.place, entry.name)
    into.text(place, entry.name)
    into.text(place, entry.other_names)
    into.text(inner_place(place, "comment"), entry.comment)
    if entry.is_folder:
        return
    packed = File(entry.name, b"", place, file.depth + 1)
    end = len(file.data) if entry.packed is None else entry.at + entry.packed
    source = memoryview(file.data)[entry.at : end]
    reason = ""
    try:
        if entry.is_encrypted:
            data = _opened(entry, bytes(source), into) if into.to_try() else None
            if data is None:
                into.fact(packed, FileKind.UNKNOWN, encrypted=True, reason="needs a password")
                return
        else:
            data, reason = _unpacked(entry, entry.method, source, into)
    except TooMuch as limit:
        into.fact(packed, FileKind.UNKNOWN, reason=str(limit))
        return
    except BROKEN:
        into.fact(packed, FileKind.UNKNOWN, reason="an entry that cannot be unpacked")
        return
    at = len(into.files)
    inner(File(entry.name, data, place, file.depth + 1), into)
    own = into.files[at] if at < len(into.files) else None
    if own and entry.is_encrypted:
        into.files[at] = replace(own, encrypted=True, unreadable=False, reason="opened with a password")
    elif own and reason and not own.encrypted:
        into.files[at] = replace(own, unreadable=True, reason=own.reason or reason)


def _unpacked(entry: Entry, method: int, source: Source, into: Collected) -> tuple[bytes, str]:
    """The bytes of one entry, and why they are not whole. Raises TooMuch, or one of BROKEN."""
    limits = into.budget.limits
    room = into.budget.room()
    fair = max(limits.ratio_floor, limits.ratio * len(source))
    most = min(room, fair) + 1
    if method == 0:
        data = bytes(source[:most])
    elif method in _METHODS:
        data = _METHODS[method](source, most)
    else:
        raise zipfile.BadZipFile("packed by a method that is not read")
    into.budget.take_bytes(len(data))
    if len(data) > room:
        raise TooMuch("unpacks to more than is read")
    if len(data) > fair:
        raise TooMuch("unpacks to far more than its size")
    if entry.size is not None and len(data) != entry.size:
        return data, "an entry that is longer or shorter than it says"
    if entry.checksum and zlib.crc32(data) != entry.checksum:
        return data, "an entry that contradicts its checksum"
    return data, ""


def _inflated(source: Source, room: int) -> bytes:
    return zlib.decompressobj(-15).decompress(source, room)


def _unxz(source: Source, room: int) -> bytes:
    return lzma.LZMADecompressor().decompress(source, room)


def _unlzma(source: Source, room: int) -> bytes:
    """LZMA with its settings in front, as zips have it (APPNOTE 5.8.8)."""
    size = int.from_bytes(source[2:4], "little")
    if size != 5:
        raise ValueError("settings of another size")
    value = source[4]
    settings = {
        "id": lzma.FILTER_LZMA1, "lc": value % 9, "lp": value // 9 % 5, "pb": value // 45,
        "dict_size": int.from_bytes(source[5:9], "little"),
    }  # fmt: skip
    return lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=[settings]).decompress(source[9:], room)


_METHODS: Final[dict[int, Callable[[Source, int], bytes]]] = {
    8: _inflated,
    12: lambda source, room: bz2.BZ2Decompressor().decompress(source, room),
    14: _unlzma,
    95: _unxz,
}


def _opened(entry: Entry, source: bytes, into: Collected) -> bytes | None:
    """The bytes behind the first password that opens the entry; it is tried first on the next one."""
    method = entry.aes[2] if entry.aes else entry.method
    for password in into.to_try():
        for spelt in spellings(password):
            into.tries += _DEAR_TRY if entry.aes else 1
            if into.tries > _MOST_TRIES:
                return None
            if entry.method == AES:
                data = opened_aes(source, spelt, entry.aes[1]) if entry.aes else None
            else:
                proof = entry.time >> 8 if entry.flags & _STREAMED else (entry.checksum or 0) >> 24
                data = opened_old(source, spelt, proof)
            if data is None:
                continue
            try:
                unpacked, fault = _unpacked(entry, method, data, into)
            except BROKEN:
                continue
            if not fault or (entry.aes and entry.aes[0] == 2):
                into.passwords = (password, *(other for other in into.passwords if other != password))
                return unpacked
    return None
