"""What kind of file somebody sends: name, declared type and bytes all have to be of a kind that is taken."""

import io
import struct
import zipfile
from collections.abc import Sequence

import pytest

from delivery.safebox.kinds import kind_by_type, kind_of_file
from delivery.safebox.limits import AnswerLimits, AnswerRefused, TooMuch
from delivery.safebox.profile import Profile
from rules.content import FileKind

PACKAGE = ("[Content_Types].xml", "_rels/.rels")
DOCX = (*PACKAGE, "word/document.xml")


def zipped(names: Sequence[str], *, first: bytes = b"x", comment: bytes = b"") -> bytes:
    into = io.BytesIO()
    with zipfile.ZipFile(into, "w") as made:
        for name in names:
            made.writestr(name, first if name == names[0] else b"x")
        made.comment = comment
    return into.getvalue()


def container(*streams: str) -> bytes:
    """An [MS-CFB] container of one directory sector, with these at its top."""
    head = bytearray(512)
    head[:8] = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
    struct.pack_into("<H", head, 30, 9)
    struct.pack_into("<I", head, 48, 0)
    struct.pack_into("<109I", head, 76, *[0xFFFF_FFFF] * 109)
    entries = bytearray()
    for number, name in enumerate(("Root Entry", *streams)):
        entry = bytearray(128)
        entry[: 2 * len(name)] = name.encode("utf-16-le")
        right = number + 1 if 0 < number < len(streams) else 0xFFFF_FFFF
        struct.pack_into("<H", entry, 64, 2 * len(name) + 2)
        struct.pack_into("<III", entry, 68, 0xFFFF_FFFF, right, 0xFFFF_FFFF if number else 1)
        entries += entry
    return bytes(head + entries.ljust(512, b"\0"))


FILES = {
    "docx": ("a.docx", zipped(DOCX), FileKind.DOCUMENT),
    "xlsx": ("a.xlsx", zipped((*PACKAGE, "xl/workbook.xml")), FileKind.SPREADSHEET),
    "pptx": ("a.pptx", zipped((*PACKAGE, "ppt/presentation.xml")), FileKind.PRESENTATION),
    "xlsx that says docx": ("a.docx", zipped((*PACKAGE, "xl/workbook.xml")), FileKind.SPREADSHEET),
    "odt": (
        "a.odt",
        zipped(("mimetype", "content.xml"), first=b"application/vnd.oasis.opendocument.text"),
        FileKind.DOCUMENT,
    ),
    "odt without its content": (
        "a.odt",
        zipped(("mimetype", "run.exe"), first=b"application/vnd.oasis.opendocument.text"),
        FileKind.ARCHIVE,
    ),
    "pages": ("a.pages", zipped(("Index/Document.iwa", "Metadata/Properties.plist")), FileKind.DOCUMENT),
    "zip that says docx": ("a.docx", zipped(("run.exe",)), FileKind.ARCHIVE),
    "zip that talks of docx": (
        "a.docx",
        zipped(("run.exe",), first=b"[Content_Types].xml word/document.xml", comment=b"word/document.xml"),
        FileKind.ARCHIVE,
    ),
    "zip without an end": ("a.docx", zipped(DOCX)[:200], FileKind.ARCHIVE),
    "doc": ("a.doc", container("1Table", "WordDocument"), FileKind.DOCUMENT),
    "xls that says doc": ("a.doc", container("Workbook"), FileKind.SPREADSHEET),
    "locked xlsx": ("a.xlsx", container("EncryptedPackage"), FileKind.SPREADSHEET),
    "installer that says doc": ("a.doc", container("\u4840\u3f3f"), FileKind.UNKNOWN),
    "broken container": ("a.doc", container()[:300], FileKind.UNKNOWN),
    "rtf": ("a.doc", b"{\\rtf1 hello}", FileKind.DOCUMENT),
    "text that says pdf": ("a.pdf", b"what a text says", FileKind.TEXT),
    "page that says docx": ("a.docx", b"<html><script>alert(1)</script></html>", FileKind.HTML),
    "page that says txt": ("a.txt", b"<html><body>shown as text</body></html>", FileKind.TEXT),
    "table": ("a.csv", b"a;b\r\n1;2\r\n", FileKind.SPREADSHEET),
    "binary table": ("a.csv", bytes(range(256)), FileKind.UNKNOWN),
    "pdf with a mark before": ("a.pdf", b"\xef\xbb\xbf\n%PDF-1.4\n", FileKind.PDF),
    "scan": ("a.dcm", bytes(128) + b"DICM" + bytes(200), FileKind.IMAGE),
    "program": ("a.docx", b"MZ\x90\0" + bytes(200), FileKind.EXECUTABLE),
    "tar": ("a.tar", bytes(257) + b"ustar" + bytes(300), FileKind.ARCHIVE),
}


@pytest.mark.parametrize("name", FILES)
def test_a_file_is_what_its_bytes_say(name: str) -> None:
    named, data, kind = FILES[name]
    assert kind_of_file(lambda at, length: data[at : at + length], len(data), named) is kind


@pytest.mark.parametrize(
    ("name", "declared", "taken"),
    [
        ("a.docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document", True),
        ("a.docx", "application/octet-stream", True),
        ("a.docx", "application/zip", False),
        ("a.docx", "application/x-msdownload", False),
        ("a.docx", "text/html", False),
        ("a.csv", "application/vnd.ms-excel", True),
        ("a.csv", "text/plain", True),
        ("a.txt", "text/html", True),
        ("a.zip", "application/octet-stream", False),
    ],
)
def test_name_and_declared_type_both_have_to_be_taken(name: str, declared: str, taken: bool) -> None:
    limits = AnswerLimits(kinds=(FileKind.DOCUMENT, FileKind.SPREADSHEET, FileKind.TEXT))
    try:
        limits.check_name(name, declared)
    except AnswerRefused as refused:
        assert not taken and refused.limit is TooMuch.KIND
    else:
        assert taken


def test_what_is_declared_in_words_of_ones_own_says_nothing() -> None:
    assert kind_by_type("application/x-my-own") is None


@pytest.mark.parametrize("size", [10, 300_000])
async def test_a_zip_that_says_it_is_a_document_is_refused_once_it_is_whole(build, write_mail, size: int) -> None:
    """In memory and on disk: nothing of it stays."""
    world = build(profiles={"standard": Profile.model_validate({"uploads": {"kinds": ["document"]}})})
    await world.keep(write_mail(), ["bob@guest.example"])
    bob, files = await world.guest(), len(world.files())
    draft = await world.boxes.begin_answer("default", bob, world.code)
    for data in (zipped(DOCX, first=b"x" * size), zipped(("run.exe",), first=b"x" * size)):
        await draft.add_document("letter.docx", "application/octet-stream")
        await draft.write(data)
        if b"word/" in data:
            await draft.finish_document()
    with pytest.raises(AnswerRefused) as refused:
        await draft.finish_document()
    assert (refused.value.limit, refused.value.name) == (TooMuch.KIND, "letter.docx")
    await draft.abort()
    assert len(world.files()) == files
