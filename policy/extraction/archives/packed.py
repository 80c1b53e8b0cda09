"""Compressed files and archives: gzip, zlib, bzip2, xz, tar, ar, cpio, entries of a zip. What is not whole is told."""

import bz2
import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from io import BytesIO
from typing import Any, Final, Protocol

from policy.extraction.collected import Collected, File, Inner, inner_place
from policy.extraction.kind import Format
from policy.extraction.text.runs import all_runs
from rules.content import FileKind

BROKEN: Final = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, OSError, EOFError, ValueError, NotImplementedError,
                 RuntimeError, OverflowError, IndexError, KeyError, UnicodeError, MemoryError)  # fmt: skip
_CHUNK: Final = 256 * 1024
_AR: Final = b"!<arch>\n"


class TooMuch(Exception):
    """A limit on unpacking was reached."""


def read_entry(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, into: Collected) -> bytes:
    """Unpack one entry of a zip within the budget. Raises TooMuch, or one of BROKEN."""
    limits = into.budget.limits
    room = into.budget.room()
    fair = max(limits.ratio_floor, limits.ratio * entry.compress_size)
    with archive.open(entry) as stream:
        data = stream.read(min(room, fair) + 1)
    into.budget.take_bytes(len(data))
    if len(data) > room:
        raise TooMuch("unpacks to more than is read")
    if len(data) > fair:
        raise TooMuch("unpacks to far more than its size")
    return data


def open_zip(data: bytes) -> zipfile.ZipFile:
    """A zip from memory. Raises one of BROKEN."""
    return zipfile.ZipFile(BytesIO(data))


def read_packed(file: File, form: Format, into: Collected, inner: Inner) -> None:
    """One compressed file (gzip, zlib, bzip2, xz, lzma), which may hold a tar. What stands behind it is read, too."""
    try:
        data, end, reason = _inflate(file.data, form, into)
    except TooMuch as limit:
        into.fact(file, FileKind.ARCHIVE, reason=str(limit))
        return
    behind = file.data[end:].lstrip(b"\0")
    into.fact(file, FileKind.ARCHIVE, reason=reason)
    if form is Format.GZIP:
        into.text(inner_place(file.place, "name"), _gzip_names(file.data))
    name = file.name.rsplit(".", 1)[0] if "." in file.name else "content"
    inner(File(name, data, inner_place(file.place, name), file.depth + 1), into)
    if behind and not reason:
        inner(File("", behind, inner_place(file.place, "behind its end"), file.depth + 1), into)


def _gzip_names(data: bytes) -> str:
    """Name and comment (RFC 1952 2.3)."""
    flags = data[3] if len(data) > 3 else 0
    at = 10
    if flags & 4:
        at += 2 + int.from_bytes(data[10:12], "little")
    names: list[str] = []
    for flag in (8, 16):
        if flags & flag:
            text, _, _ = data[at : at + 4096].partition(b"\0")
            names.append(text.decode("latin-1"))
            at += len(text) + 1
    return "\n".join(names)


class _Member(Protocol):
    """zlib's, bz2's and lzma's decompressors, as one."""

    @property
    def eof(self) -> bool: ...

    @property
    def unused_data(self) -> bytes: ...


def _inflate(data: bytes, form: Format, into: Collected) -> tuple[bytes, int, str]:
    """All members of a compressed stream, where the last ends, and why it is not whole. Raises TooMuch."""
    limits = into.budget.limits
    out: list[bytes] = []
    total = at = 0
    while True:
        member = _new(form)
        try:
            for chunk, read in _chunks(member, data, at):
                total += len(chunk)
                at = read
                if not into.budget.take_bytes(len(chunk)):
                    raise TooMuch("unpacks to more than is read")
                if total > limits.ratio_floor and total > limits.ratio * len(data):
                    raise TooMuch("unpacks to far more than its size")
                out.append(chunk)
        except BROKEN:
            return b"".join(out), len(data), "a compressed file that is broken"
        if not member.eof:
            return b"".join(out), len(data), "a compressed file that is broken"
        at -= len(member.unused_data)
        if not data.startswith(_STARTS[form], at):
            return b"".join(out), at, ""


_STARTS: Final[dict[Format, bytes | tuple[bytes, ...]]] = {
    Format.GZIP: b"\x1f\x8b",
    Format.BZIP2: b"BZh",
    Format.XZ: (b"\xfd7zXZ\0", b"\x5d\0\0"),
    Format.ZLIB: (b"\x78\x01", b"\x78\x5e", b"\x78\x9c", b"\x78\xda"),
}
_MOST_MEMORY: Final = 256 * 1024 * 1024  # what xz may take to unpack


def _new(form: Format) -> "_Member":
    if form in {Format.GZIP, Format.ZLIB}:
        return zlib.decompressobj(31 if form is Format.GZIP else 15)
    return bz2.BZ2Decompressor() if form is Format.BZIP2 else lzma.LZMADecompressor(memlimit=_MOST_MEMORY)


def _chunks(member: Any, data: bytes, at: int) -> Iterator[tuple[bytes, int]]:
    """What a member unpacks to, piece by piece, and how far the packed bytes are taken."""
    while at < len(data) and not member.eof:
        packed = data[at : at + _CHUNK]
        at += len(packed)
        yield member.decompress(packed, _CHUNK), at
        while not member.eof:
            tail = getattr(member, "unconsumed_tail", None)
            if tail == b"" or (tail is None and member.needs_input):
                break
            chunk = member.decompress(tail or b"", _CHUNK)
            yield chunk, at
            if not chunk and tail is None:
                break


def read_tar(file: File, into: Collected, inner: Inner) -> None:
    """Every member of a tar, also behind its end; links and devices have a name only."""
    at = len(into.files)
    reason = ""
    end = 0  # of what the members so far take
    try:
        with tarfile.open(fileobj=BytesIO(file.data), mode="r:", ignore_zeros=True) as archive:
            for member in archive:
                _member(file, archive, member, into, inner)
                reason = reason or _told_between(file.data, end, member.offset)
                end = max(end, archive.offset)
                if _has_bytes(member) and not member.issparse():  # the rest of its last block
                    reason = reason or _told_between(file.data, member.offset_data + member.size, archive.offset)
        reason = reason or _told_between(file.data, end, len(file.data))
    except TooMuch as limit:
        reason = str(limit)
    except (tarfile.TarError, *BROKEN):
        reason = "a tar that is broken"
    into.fact(file, FileKind.ARCHIVE, reason=reason)
    into.files.insert(at, into.files.pop())


def _has_bytes(member: tarfile.TarInfo) -> bool:
    """What is of no known type is unpacked as a plain file by the programs (POSIX.1-2017, pax, typeflag)."""
    return member.isfile() or member.type not in tarfile.SUPPORTED_TYPES


def _told_between(data: bytes, start: int, end: int) -> str:
    """Between members, and behind the last, there is nothing but zeros: else a header was not one to us."""
    between = memoryview(data)[start:end]
    return "" if not bytes(between).strip(b"\0") else "a tar with more than its members"


def _member(file: File, archive: tarfile.TarFile, member: tarfile.TarInfo, into: Collected, inner: Inner) -> None:
    place = inner_place(file.place, member.name)
    into.text(place, "\n".join(dict.fromkeys((member.name, member.linkname, *map(str, member.pax_headers.values())))))
    extended = file.data[member.offset + 512 : member.offset_data - 512]  # headers that go before its own
    if extended.strip(b"\0"):
        into.text(inner_place(place, "header"), all_runs(extended))
    if not into.budget.take_file():
        raise TooMuch("holds more files than are read")
    if not _has_bytes(member):
        return
    stream = archive.extractfile(member)
    data = stream.read(into.budget.room() + 1) if stream else b""
    if not into.budget.take_bytes(len(data)):
        raise TooMuch("unpacks to more than is read")
    packed = File(member.name, data, place, file.depth + 1)
    if len(data) != member.size:
        into.fact(packed, FileKind.UNKNOWN, reason="a member of a tar that is cut short")
    inner(packed, into)


def read_ar(file: File, into: Collected, inner: Inner) -> None:
    """Every member of an ar archive (ar(5)), such as a Debian package."""
    at = len(into.files)
    place = len(_AR)
    reason = ""
    while place + 60 <= len(file.data):
        head = file.data[place : place + 60]
        size = head[48:58].strip()
        if head[58:60] != b"`\n" or not size.isdigit() or not into.budget.take_file():
            reason = "an ar archive that is broken"
            break
        name = head[:16].decode("latin-1").strip().rstrip("/")
        _packed_file(file, name, file.data[place + 60 : place + 60 + int(size)], into, inner)
        place += 60 + int(size) + int(size) % 2
    into.fact(
        file,
        FileKind.ARCHIVE,
        reason=reason or ("" if len(file.data) in (place, place - 1) else "an ar archive cut short"),
    )
    into.files.insert(at, into.files.pop())


def read_cpio(file: File, into: Collected, inner: Inner) -> None:
    """Every member of a cpio archive in the newer of its plain forms (cpio(5), newc)."""
    at = len(into.files)
    data, place, reason = file.data, 0, "a cpio archive without an end"
    while data.startswith((b"070701", b"070702"), place):
        try:
            fields = [int(data[place + 6 + 8 * field : place + 14 + 8 * field], 16) for field in range(13)]
        except ValueError:
            break
        size, names = fields[6], fields[11]
        start = place + 110 + names
        start += -start % 4
        name = data[place + 110 : place + 110 + names].rstrip(b"\0").decode("utf-8", "replace")
        if name == "TRAILER!!!":
            reason = ""
            break
        if not into.budget.take_file():
            reason = "holds more files than are read"
            break
        _packed_file(file, name, data[start : start + size], into, inner)
        place = start + size + -size % 4
    into.fact(file, FileKind.ARCHIVE, reason=reason)
    into.files.insert(at, into.files.pop())


def _packed_file(file: File, name: str, data: bytes, into: Collected, inner: Inner) -> None:
    place = inner_place(file.place, name)
    into.text(place, name)
    if data:
        inner(File(name, data, place, file.depth + 1), into)
