"""Archives are unpacked whole, at any depth, or told."""

import bz2
import gzip
import lzma
import struct
import tarfile
import zipfile
from collections.abc import Callable
from io import BytesIO

import pytest

from policy.extraction.extract import extract
from policy.extraction.message import read_message
from policy.reader.limits import Limits
from rules.content import Content, FileKind

TEXT = b"SSN 536-22-1234\n"
NUMBER = "536-22-1234"


def packed(entries: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    return out.getvalue()


def tarred(entries: dict[str, bytes]) -> bytes:
    out = BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, data in entries.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, BytesIO(data))
    return out.getvalue()


def shown(content: Content) -> str:
    return "\n".join(part.text for part in content.parts)


def reasons(content: Content) -> list[str]:
    return [fact.reason for fact in content.files if fact.unreadable]


@pytest.mark.parametrize(
    "data",
    [
        packed({"a.txt": TEXT}),
        packed({"a.txt": TEXT}, zipfile.ZIP_STORED),
        packed({"a.txt": TEXT}, zipfile.ZIP_BZIP2),
        packed({"a.txt": TEXT}, zipfile.ZIP_LZMA),
        packed({"b.zip": packed({"c.zip": packed({"a.txt": TEXT})})}),
        packed({"536-22-1234.bin": b""}),
        packed({"536-22-1234/": b""}),
        gzip.compress(TEXT, mtime=0),
        gzip.compress(b"x", mtime=0) + gzip.compress(TEXT),
        bz2.compress(TEXT),
        lzma.compress(TEXT),
        tarred({"a.txt": TEXT}),
        gzip.compress(tarred({"b/a.zip": packed({"a.txt": TEXT})})),
        packed(
            {
                "mail.eml": b"From: a@b.example\r\nSubject: x\r\n"
                b"Content-Transfer-Encoding: base64\r\n\r\nNTM2LTIyLTEyMzQ="
            }
        ),
        b"MZ\0\0 not really" + packed({"a.txt": TEXT}),
        b"\x89PNG\r\n\x1a\n" + bytes(100) + packed({"a.txt": TEXT}),
    ],
)
def test_what_is_packed_is_read(data: bytes) -> None:
    assert NUMBER in shown(extract("file", data))


def test_facts_of_every_depth() -> None:
    content = extract("a.zip", packed({"b.zip": packed({"c.txt": TEXT})}))
    assert [(fact.name, fact.kind, fact.depth, fact.place) for fact in content.files] == [
        ("a.zip", FileKind.ARCHIVE, 0, "a.zip"),
        ("b.zip", FileKind.ARCHIVE, 1, "a.zip > b.zip"),
        ("c.txt", FileKind.TEXT, 2, "a.zip > b.zip > c.txt"),
    ]
    assert not reasons(content)


def test_an_entry_with_a_password_is_told() -> None:
    data = bytearray(packed({"a.txt": TEXT}))
    data[6] |= 1
    at = data.index(b"PK\x01\x02")
    data[at + 8] |= 1
    content = extract("a.zip", bytes(data))
    assert [(fact.name, fact.encrypted) for fact in content.files] == [("a.zip", True), ("a.txt", True)]
    assert "a.txt" in shown(content)


def test_a_bomb_is_told() -> None:
    content = extract("a.zip", packed({"a": bytes(2_000_000)}), Limits(ratio_floor=1_000_000))
    assert reasons(content) == ["unpacks to far more than its size"]


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
def test_a_bomb_in_one_stream_is_told(pack) -> None:  # type: ignore[no-untyped-def]  # functions of three modules
    limits = Limits(ratio_floor=1_000_000)
    assert reasons(extract("a.gz", pack(bytes(2_000_000)), limits)) == ["unpacks to far more than its size"]


def test_limits_hold_for_all_depths_together() -> None:
    limits = Limits(unpacked_bytes=50_000)
    inner = packed({"c": b"x" * 30_000}, zipfile.ZIP_STORED)
    assert reasons(extract("a.zip", packed({"b.zip": inner}, zipfile.ZIP_STORED), limits)) == [
        "unpacks to more than is read"
    ]


def test_too_many_files_are_told() -> None:
    content = extract("a.zip", packed({f"{n}": b"x" for n in range(30)}), Limits(archive_files=10))
    assert "holds more files than are read" in reasons(content)


def test_too_deep_is_told() -> None:
    data = TEXT
    for _ in range(20):
        data = packed({"a": data})
    assert reasons(extract("a.zip", data)) == ["packed deeper than is read"]


def test_entries_that_the_directory_does_not_name_are_told_and_read() -> None:
    shown_first, hidden = packed({"a.txt": b"hello"}), packed({"b.txt": TEXT})
    data = hidden[: hidden.index(b"PK\x01\x02")] + shown_first
    content = extract("a.zip", data)
    assert reasons(content)
    assert NUMBER in shown(content)


def test_entries_over_each_other_are_told() -> None:
    data = bytearray(packed({"a": b"x" * 100, "b": b"y" * 100}, zipfile.ZIP_STORED))
    second = data.index(b"PK\x01\x02", data.index(b"PK\x01\x02") + 4)
    struct.pack_into("<I", data, second + 42, 0)
    assert reasons(extract("a.zip", bytes(data)))


@pytest.mark.parametrize(
    "data",
    [
        packed({"a": TEXT})[:-10],
        packed({"a": TEXT}).replace(TEXT[:1], b"?")[:60],
        gzip.compress(TEXT, mtime=0)[:-6],
        bz2.compress(TEXT)[:-6],
        lzma.compress(TEXT)[:-6],
        tarred({"a": TEXT * 100})[:700],
        b"7z\xbc\xaf\x27\x1c" + bytes(50),
        b"Rar!\x1a\x07\x00" + bytes(50),
        b"\x78\x9f\x3e\x22" + bytes(50),
        bytes(range(200, 256)) * 5 + bytes(50),
        b"\x7fELF" + bytes(100),
        b"%PDF-1.7 and nothing else",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600),
    ],
)
def test_what_cannot_be_read_is_told(data: bytes) -> None:
    assert reasons(extract("file", data))


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"\x89PNG\r\n\x1a\n" + bytes(50), FileKind.IMAGE),
        (b"\xff\xd8\xff\xe0" + bytes(50), FileKind.IMAGE),
        (b"GIF89a" + bytes(50), FileKind.IMAGE),
        (b"RIFF\0\0\0\0WEBP", FileKind.IMAGE),
        (b"<svg><text>x</text></svg>", FileKind.IMAGE),
        (b"a,b\r\n1,2\r\n", FileKind.TEXT),
        (b"<html><body>x</body></html>", FileKind.HTML),
        (b"{\\rtf1 x}", FileKind.DOCUMENT),
        ("naïve".encode("utf-16"), FileKind.TEXT),
        (b"", FileKind.TEXT),
    ],
)
def test_kinds_that_are_no_trouble(data: bytes, kind: FileKind) -> None:
    (fact,) = extract("file", data).files
    assert (fact.kind, fact.unreadable, fact.encrypted) == (kind, False, False)


def test_executables_are_told() -> None:
    assert extract("a.txt", b"MZ\x90\0\x03\0\0\0" + bytes(100)).files[0].kind is FileKind.EXECUTABLE
    assert extract("a.txt", b"#!/bin/sh\necho 536-22-1234").files[0].kind is FileKind.EXECUTABLE


def test_rtf_is_read() -> None:
    data = rb"{\rtf1\ansi{\fonttbl{\f0 Arial;}}SSN 536\b -22\b0 -12{\*\bkmkstart x}34\par \u53?\'336}"
    content = extract("a.rtf", data)
    assert content.parts[0].text == "SSN 536-22-1234\n536"
    assert not reasons(content)


def cpio(name: str, data: bytes) -> bytes:
    def entry(name: str, data: bytes) -> bytes:
        named = name.encode() + b"\0"
        fields = (0, 0o100644, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(named), 0)
        head = b"070701" + b"".join(b"%08X" % field for field in fields) + named
        head += bytes(-len(head) % 4)
        return head + data + bytes(-len(data) % 4)

    return entry(name, data) + entry("TRAILER!!!", b"")


def ar(name: bytes, data: bytes) -> bytes:
    return b"!<arch>\n" + name.ljust(48) + b"%-10d`\n" % len(data) + data + b"\n" * (len(data) % 2)


@pytest.mark.parametrize(
    "data",
    [
        cpio("a.txt", TEXT),
        ar(b"a.txt/", TEXT),
        ar(b"data.tar.xz", lzma.compress(tarred({"a.txt": TEXT}))),
        lzma.compress(TEXT, lzma.FORMAT_ALONE),
        bz2.compress(b"x") + bz2.compress(TEXT),
        lzma.compress(b"x") + lzma.compress(TEXT),
        gzip.compress(TEXT) + bytes(100),
        tarred({"a.txt": b"x"}) + tarred({NUMBER: TEXT}),
        gzip.compress(b"x") + packed({"a.txt": TEXT}),
    ],
)
def test_other_archives_are_read(data: bytes) -> None:
    content = extract("file", data)
    assert NUMBER in shown(content)
    assert not reasons(content)


@pytest.mark.parametrize(
    "data",
    [
        gzip.compress(TEXT * 9)[:-9],
        cpio("a.txt", TEXT)[:-120],
        ar(b"a.txt/", TEXT)[:-4],
        tarred({"a.txt": TEXT}) + b"x" * 600,
        tarred({"a.txt": TEXT})[:1024] + tarred({"b.txt": TEXT}).replace(b"b.txt", b"c.txt"),
    ],
)
def test_what_is_cut_or_odd_is_told_and_read(data: bytes) -> None:
    content = extract("file", data)
    assert reasons(content)


def nested(pack: Callable[[bytes], bytes], times: int) -> bytes:
    data = TEXT
    for _ in range(times):
        data = pack(data)
    return data


def over_each_other() -> bytes:
    """Many names in the directory for one large entry."""
    whole = packed({"a": bytes(9_000_000)})
    start = whole.index(b"PK\x01\x02")
    end = whole.index(b"PK\x05\x06")
    directory = whole[start:end] * 300
    return whole[:start] + directory + struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, 300, 300, len(directory), start, 0)


BOMBS: dict[str, Callable[[], bytes]] = {
    "entries over each other": over_each_other,
    "gzip in gzip": lambda: nested(lambda data: gzip.compress(data, mtime=0), 30),
    "tar in tar": lambda: nested(lambda data: tarred({"a": data}), 20),
    "tar of nonsense": lambda: tarred({"a": b"x"})[:124] + b"77777777777\0" + tarred({"a": b"x"})[136:],
    "xz that wants much memory": lambda: b"\x5d\0\0\0\x40" + lzma.compress(bytes(99), lzma.FORMAT_ALONE)[5:],
    "ratio in a tar": lambda: gzip.compress(tarred({"a": bytes(40_000_000)}), 9),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", BOMBS)
def test_bombs_are_told(name: str) -> None:
    assert reasons(extract("a", BOMBS[name]()))


def test_mails_in_mails_are_read_as_often_as_their_size_allows() -> None:
    """Each of these can be read in two ways, and so can each within it: one could go on for minutes."""
    within = b'From: Alice: 1.0\r\nContent-Type: message/partial; id="1@x"; number=1; total=1\r\n\r\n' * 40
    content = read_message(within + b"From: a@example.com\r\nContent-Type: text/plain\r\n\r\nhello\r\n").content
    assert "holds more mails in mails than are read" in reasons(content)
    assert len(content.files) < 300
