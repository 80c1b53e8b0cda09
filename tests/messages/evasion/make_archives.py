"""Archives that say one thing and hold another, and kinds of them that programs unpack all the same."""

import gzip
import io
import lzma
import struct
import tarfile
import zlib
from collections.abc import Iterator

from corpus import SSN, Evasion, write
from files import attached, packed

TEXT = f"Her SSN is {SSN}, please file it.\n".encode()
NAME = b"letter.txt"


def gzipped(data: bytes) -> bytes:
    """The same with every Python: which system packed it (RFC 1952 2.3, OS) they tell differently."""
    packed = bytearray(gzip.compress(data, mtime=0))
    packed[9] = 3
    return bytes(packed)


def _deflated(data: bytes) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(data) + packer.flush()


def _zip(
    data: bytes, *, name: bytes = NAME, method: int = 8, flags: int = 0, sizes: tuple[int, int] | None = None
) -> bytes:
    """One entry; `sizes` are what the directory says of it (packed, unpacked)."""
    body = _deflated(data) if method == 8 else data
    crc = zlib.crc32(data)
    streamed = bool(flags & 8)
    told = (0, 0, 0) if streamed else (crc, len(body), len(data))
    head = b"PK\3\4" + struct.pack("<5H3I2H", 20, flags, method, 0, 0x5C21, *told, len(name), 0) + name + body
    if streamed:
        head += b"PK\7\x08" + struct.pack("<3I", crc, len(body), len(data))
    said = (crc, len(body), len(data)) if sizes is None else (0, *sizes)
    entry = b"PK\1\2" + struct.pack("<6H3I5H2I", 20, 20, flags, method, 0, 0x5C21, *said, len(name), 0, 0, 0, 0, 0, 0)
    ends = b"PK\5\6" + struct.pack("<4H2IH", 0, 0, 1, 1, len(entry) + len(name), len(head), 0)
    return head + entry + name + ends


def zips() -> Iterator[tuple[str, bytes, str, str]]:
    """Directories and headers that differ."""
    yield "zip-streamed", _zip(TEXT, flags=8), "sizes behind the data", "APPNOTE 4.3.9"
    behind = b"hello\n" * 99 + packed({"letter.txt": TEXT})
    yield "zip-behind-text", behind, "a zip behind a text", "APPNOTE 4.1.9"
    yield (
        "zip-in-a-picture",
        b"GIF89a" + bytes(64) + packed({"letter.txt": TEXT}),
        "a zip behind a picture",
        "APPNOTE 4.1.9",
    )
    twice = packed({"letter.txt": "hello\n", "LETTER.txt": TEXT}).replace(b"LETTER.txt", NAME)
    yield "zip-same-name", twice, "two entries of the same name", "APPNOTE 4.3.2"
    nested = packed({"a.zip": packed({"b.zip": packed({"c.zip": packed({"letter.txt": TEXT})})})})
    yield "zip-four-deep", nested, "a zip four deep", "APPNOTE 4.1.11"


def contradictory() -> Iterator[tuple[str, bytes, str, str]]:
    """What programs that read as they receive unpack, and those that go by the directory do not."""
    yield "zip-denied-size", _zip(TEXT, flags=8, sizes=(0, 0)), "the directory says there is nothing", "APPNOTE 4.4.4"
    denied = _zip(TEXT, name=b"letters/", flags=8, sizes=(0, 0))
    yield "zip-folder-with-bytes", denied, "a folder that has bytes", "APPNOTE 4.3.2"


def _member(kind: bytes, *, form: int = tarfile.USTAR_FORMAT) -> bytes:
    info = tarfile.TarInfo("letter.txt")
    info.size, info.type = len(TEXT), kind
    return info.tobuf(form) + TEXT.ljust(512, b"\0")


def _unmarked(head: bytes) -> bytes:
    """As Unix V7 wrote it."""
    data = bytearray(head)
    data[257:512] = bytes(255)
    data[148:156] = b" " * 8
    data[148:156] = b"%06o\0 " % sum(data[:512])
    return bytes(data)


def tars() -> Iterator[tuple[str, bytes, str, str]]:
    """Members that are not what they seem."""
    yield (
        "tar-unknown-type",
        _member(b"Z") + bytes(1024),
        "a member of no known type is a file",
        "POSIX.1-2017 pax, typeflag",
    )
    yield "tar-contiguous", _member(b"7") + bytes(1024), "a contiguous file", "POSIX.1-2017 pax, typeflag 7"
    yield "tar-unmarked", _unmarked(_member(b"0")) + bytes(1024), "a tar without a mark, as Unix V7 wrote it", "tar(5)"
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.GNU_FORMAT) as archive:
        info = tarfile.TarInfo("a" * 150 + "/letter.txt")
        info.size = len(TEXT)
        archive.addfile(info, io.BytesIO(TEXT))
    yield "tar-long-name", out.getvalue(), "GNU's long names", "tar(5), GNU tar archives"
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
        info = tarfile.TarInfo("letter.txt")
        info.size = len(TEXT)
        info.pax_headers = {"path": "other.txt", "comment": "hello"}
        archive.addfile(info, io.BytesIO(TEXT))
    yield "tar-pax", out.getvalue(), "a pax header gives another name", "POSIX.1-2017 pax"


def packers() -> Iterator[tuple[str, bytes, str, str]]:
    """Packed more than once, or in pieces."""
    yield (
        "gzip-members",
        gzipped(b"hello\n") + gzipped(TEXT),
        "two members",
        "RFC 1952 2.2",
    )
    many = TEXT
    for _ in range(6):
        many = gzipped(many)
    yield "gzip-six-deep", many, "packed six times", "RFC 1952"
    yield "lzma-alone", lzma.compress(TEXT, format=lzma.FORMAT_ALONE), "the older form of xz", "lzma(1)"
    yield "xz-streams", lzma.compress(b"hello\n") + lzma.compress(TEXT), "two streams of xz", "xz file format 2"


_NAMES = {
    "zip": "papers.zip",
    "tar": "papers.tar",
    "gzip": "letter.txt.gz",
    "lzma": "letter.txt.lzma",
    "xz": "letter.txt.xz",
}


def evasions() -> Iterator[Evasion]:
    """All of them."""
    for each in (zips, tars, packers):
        for name, data, why, at in each():
            yield Evasion(f"archives/{name}", attached(_NAMES[name.partition("-")[0]], data), why, at)
    for name, data, why, at in contradictory():
        yield Evasion(f"archives/{name}", attached("papers.zip", data), why, at, found={"us.ssn": 1, "unreadable": 1})
    other = packed({"letter.txt": TEXT}).replace(b"\x14\0\0\0\x08\0", b"\x14\0\0\0\x09\0")
    for name, data, why, at in (
        ("zip-deflate64", other, "Deflate64", "APPNOTE 4.4.5"),
        ("zstandard", b"\x28\xb5\x2f\xfd\x04\x58\x41\0\0" + TEXT[:8], "Zstandard", "RFC 8878"),
        ("seven-zip", b"7z\xbc\xaf\x27\x1c\0\4" + bytes(24), "7-Zip", "7-Zip 22.01"),
        ("rar", b"Rar!\x1a\x07\x01\0" + bytes(24), "RAR 5", "RAR 5.0 archive format"),
    ):  # fmt: skip
        yield Evasion(
            f"archives/{name}",
            attached(f"papers.{name}", data),
            f"{why}, which is not unpacked",
            at,
            found={"unreadable": 1},
        )


if __name__ == "__main__":
    write(evasions())
