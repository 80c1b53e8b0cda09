"""Archives: zip, tar, gzip, bzip2, xz. What cannot be unpacked whole is told."""

import bz2
import gzip
import lzma
import re
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from io import BytesIO
from typing import IO, Final, cast

from policy.extraction.collected import Collected, File, Inner, inner_place
from policy.extraction.kind import Format
from rules.content import FileKind

BROKEN: Final = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, OSError, EOFError, ValueError, NotImplementedError,
                 RuntimeError, OverflowError, IndexError, KeyError, UnicodeError, MemoryError)  # fmt: skip
_STORED_HEADER: Final = b"PK\x03\x04"
_CHUNK: Final = 256 * 1024
_ENCRYPTED: Final = 0x1
_LOCAL: Final = 30  # bytes of a local header before the name


class TooMuch(Exception):
    """A limit on unpacking was reached."""


def read_entry(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, into: Collected) -> bytes:
    """Unpack one entry of a zip within the budget. Raises TooMuch, or one of BROKEN."""
    limits = into.budget.limits
    room = into.budget.room()
    with archive.open(entry) as stream:
        data = stream.read(room + 1)
    if len(data) > room or not into.budget.take_bytes(len(data)):
        raise TooMuch("unpacks to more than is read")
    if len(data) > limits.ratio_floor and len(data) > limits.ratio * max(1, entry.compress_size):
        raise TooMuch("unpacks to far more than its size")
    return data


def open_zip(data: bytes) -> zipfile.ZipFile:
    """A zip from memory. Raises one of BROKEN."""
    return zipfile.ZipFile(BytesIO(data))


def read_zip(file: File, kind: FileKind, into: Collected, inner: Inner) -> None:
    """Every entry of a zip, with its name and comment."""
    try:
        archive = open_zip(file.data)
    except BROKEN:
        into.fact(file, kind, reason="a zip that is broken")
        _unlisted(file, 0, into, inner)
        return
    with archive:
        entries = archive.infolist()
        reason = _oddity(file.data, entries)
        encrypted = any(entry.flag_bits & _ENCRYPTED for entry in entries)
        into.fact(file, kind, reason="" if encrypted else reason, encrypted=encrypted)
        into.text(inner_place(file.place, "comment"), archive.comment.decode("utf-8", "replace"))
        for entry in entries:
            if not into.budget.take_file():
                into.fact(file, kind, reason="holds more files than are read")
                return
            _entry(file, archive, entry, into, inner)
    if reason:
        _unlisted(file, 0, into, inner)


def _entry(file: File, archive: zipfile.ZipFile, entry: zipfile.ZipInfo, into: Collected, inner: Inner) -> None:
    place = inner_place(file.place, entry.filename)
    into.text(place, entry.filename)
    into.text(place, _other_names(entry.extra))
    into.text(inner_place(place, "comment"), entry.comment.decode("utf-8", "replace"))
    if entry.is_dir() and not entry.file_size:
        return
    packed = File(entry.filename, b"", place, file.depth + 1)
    if entry.flag_bits & _ENCRYPTED:
        into.fact(packed, FileKind.UNKNOWN, encrypted=True, reason="needs a password")
        return
    try:
        data = read_entry(archive, entry, into)
    except TooMuch as limit:
        into.fact(packed, FileKind.UNKNOWN, reason=str(limit))
    except BROKEN:
        into.fact(packed, FileKind.UNKNOWN, reason="an entry that cannot be unpacked")
    else:
        inner(File(entry.filename, data, place, file.depth + 1), into)


def _other_names(extra: bytes) -> str:
    """Name and comment as programs show them that know the Unicode fields (APPNOTE 4.6.8, 4.6.9)."""
    found: list[str] = []
    at = 0
    while at + 4 <= len(extra):
        kind, size = int.from_bytes(extra[at : at + 2], "little"), int.from_bytes(extra[at + 2 : at + 4], "little")
        if kind in (0x7075, 0x6375):
            found.append(extra[at + 9 : at + 4 + size].decode("utf-8", "replace"))
        at += 4 + size
    return "\n".join(found)


def _oddity(data: bytes, entries: list[zipfile.ZipInfo]) -> str:
    """Entries that lie over each other, or that the directory does not name: programs would disagree on them."""
    end = 0
    for entry in sorted(entries, key=lambda each: each.header_offset):
        start = entry.header_offset
        if start < end:
            return "a zip whose entries overlap"
        if _STORED_HEADER in data[end:start]:
            return "a zip with entries that its directory does not name"
        names = int.from_bytes(data[start + 26 : start + 28], "little")
        extra = int.from_bytes(data[start + 28 : start + 30], "little")
        end = start + _LOCAL + names + extra + entry.compress_size
    return "a zip with entries that its directory does not name" if _STORED_HEADER in data[end:] else ""


_LOCAL_HEADER: Final = re.compile(rb"PK\x03\x04.{2}(..)(..).{8}(.{4}).{4}(..)(..)", re.DOTALL)


def _unlisted(file: File, at: int, into: Collected, inner: Inner) -> None:
    """What a program that ignores the directory would unpack, from local header to local header."""
    for match in _LOCAL_HEADER.finditer(file.data, at):
        if not into.budget.take_file():
            return
        flags, method, size, names, extra = (int.from_bytes(group, "little") for group in match.groups())
        start = match.end() + names + extra
        name = file.data[match.end() : match.end() + names].decode("utf-8", "replace")
        room = min(into.budget.room(), into.budget.limits.ratio_floor)
        if flags & _ENCRYPTED or method not in (0, 8):
            continue
        try:
            if method == 8:
                data = zlib.decompressobj(-15).decompress(file.data[start : start + max(size, _CHUNK)], room)
            else:
                data = file.data[start : start + size]
        except zlib.error:
            continue
        into.budget.take_bytes(len(data))
        inner(File(name, data, inner_place(file.place, name), file.depth + 1), into)


def read_packed(file: File, form: Format, into: Collected, inner: Inner) -> None:
    """One compressed file (gzip, bzip2, xz); what is inside may be a tar."""
    try:
        data = _inflate(file.data, form, into)
    except TooMuch as limit:
        into.fact(file, FileKind.ARCHIVE, reason=str(limit))
        return
    except BROKEN:
        into.fact(file, FileKind.ARCHIVE, reason="a compressed file that is broken")
        return
    into.fact(file, FileKind.ARCHIVE)
    if form is Format.GZIP and file.data[3:4] not in (b"", b"\0"):  # a name or a comment stands in front
        into.text(inner_place(file.place, "name"), file.data[10:2048].partition(b"\0")[0].decode("latin-1"))
    name = file.name.rsplit(".", 1)[0] if "." in file.name else "content"
    inner(File(name, data, inner_place(file.place, name), file.depth + 1), into)


_OPENERS: Final[dict[Format, Callable[[BytesIO], IO[bytes]]]] = {
    Format.GZIP: lambda stream: cast(IO[bytes], gzip.GzipFile(fileobj=stream)),
    Format.BZIP2: lambda stream: cast(IO[bytes], bz2.BZ2File(stream)),
    Format.XZ: lambda stream: cast(IO[bytes], lzma.LZMAFile(stream)),  # noqa: SIM115 (closed by the caller)
}


def _inflate(data: bytes, form: Format, into: Collected) -> bytes:
    """All members of a compressed stream. Raises TooMuch, or one of BROKEN."""
    limits = into.budget.limits
    out: list[bytes] = []
    total = 0
    with _OPENERS[form](BytesIO(data)) as stream:
        while chunk := stream.read(_CHUNK):
            total += len(chunk)
            if not into.budget.take_bytes(len(chunk)):
                raise TooMuch("unpacks to more than is read")
            if total > limits.ratio_floor and total > limits.ratio * len(data):
                raise TooMuch("unpacks to far more than its size")
            out.append(chunk)
    return b"".join(out)


def read_tar(file: File, into: Collected, inner: Inner) -> None:
    """Every member of a tar; links and devices have a name only."""
    try:
        with tarfile.open(fileobj=BytesIO(file.data), mode="r:") as archive:
            members: list[tuple[tarfile.TarInfo, bytes]] = []
            for member in archive:
                stream = archive.extractfile(member) if member.isfile() else None
                members.append((member, stream.read(into.budget.room() + 1) if stream else b""))
                if not into.budget.take_file() or not into.budget.take_bytes(len(members[-1][1])):
                    raise TooMuch("unpacks to more than is read")
            behind = b"ustar" in file.data[archive.offset :]
    except TooMuch as limit:
        into.fact(file, FileKind.ARCHIVE, reason=str(limit))
        return
    except (tarfile.TarError, *BROKEN):
        into.fact(file, FileKind.ARCHIVE, reason="a tar that is broken")
        return
    into.fact(file, FileKind.ARCHIVE, reason="a tar with more behind its end" if behind else "")
    for member, data in members:
        place = inner_place(file.place, member.name)
        into.text(place, member.name)
        if member.isfile():
            inner(File(member.name, data, place, file.depth + 1), into)
