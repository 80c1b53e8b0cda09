"""Office documents (OOXML): every part of docx, xlsx and pptx that can hold words."""

import re
import zipfile
from typing import Final

from policy.extraction.archive import BROKEN, TooMuch, open_zip, read_entry
from policy.extraction.collected import Collected, File, Inner, inner_place
from policy.extraction.kind import Format, kind_of
from policy.extraction.paragraphs import paragraph_readings
from policy.extraction.pictures import picture_text
from policy.extraction.sheets import Book, read_book, read_sheet
from policy.extraction.tables import joined_cells
from policy.extraction.xmltext import BROKEN_XML, local, loose_text, parse_xml
from rules.content import FileKind

_XML: Final = (".xml", ".rels", ".vml", ".rdf")
_SILENT: Final = re.compile(
    r"(?:\[content_types\]\.xml|.*/(?:theme|_xmlsignatures)/.*|.*/(?:styles|styleswitheffects|fonttable|websettings"
    r"|tablestyles|calcchain|presprops|viewprops|numbering|metadata)\.xml|.*printersettings\d*\.bin|.*vbaproject(?:signature)?\.bin)\Z"
)  # fmt: skip
_FORMATS: Final = "xl/styles.xml"  # number formats are needed, and hold no words of their own
_LABELS: Final[tuple[tuple[re.Pattern[str], str], ...]] = tuple(
    (re.compile(pattern), label)
    for pattern, label in (
        (r"word/document\d*\.xml", ""),
        (r"ppt/slides/slide(\d+)\.xml", "slide {}"),
        (r"ppt/notesslides/notesslide(\d+)\.xml", "notes of slide {}"),
        (r"ppt/(?:slidemasters|slidelayouts|handoutmasters|notesmasters)/.*", "master"),
        (r".*/header\d*\.xml", "header"),
        (r".*/footer\d*\.xml", "footer"),
        (r".*/footnotes\.xml", "footnotes"),
        (r".*/endnotes\.xml", "endnotes"),
        (r".*comment.*\.xml", "comments"),
        (r"docprops/.*", "properties"),
        (r"customxml/.*", "data"),
        (r".*/charts?/.*", "chart"),
        (r".*/diagrams/.*", "diagram"),
        (r".*/drawings?/.*", "drawing"),
        (r".*\.rels", "links"),
    )
)
_SHEETS: Final = ("xl/worksheets/", "xl/chartsheets/", "xl/dialogsheets/", "xl/macrosheets/")
_CONTACT: Final = ("mailto:", "tel:", "sms:", "file:")
_PARAGRAPH_ROOTS: Final = (
    "word/",
    "ppt/",
    "xl/drawings/",
    "xl/comments",
    "xl/threadedcomments",
    "xl/diagrams/",
    "xl/charts/",
)


def read_office(file: File, kind: FileKind, into: Collected, inner: Inner) -> None:
    """One document; embedded files are read as files of their own."""
    try:
        archive = open_zip(file.data)
    except BROKEN:
        into.fact(file, kind, reason="an Office document that is broken")
        return
    with archive:
        parts, embedded, reason, encrypted = _unpack(archive, into)
    into.fact(file, kind, reason=reason, encrypted=encrypted)
    try:
        book = read_book(parts) if kind is FileKind.SPREADSHEET else Book()
    except BROKEN_XML:
        book = Book()
        reason = reason or _tell(file, kind, into, "a workbook whose shared texts are broken")
    broken = False
    for name in sorted(parts, key=_order):
        try:
            _part(file, name, parts[name], book, into)
        except BROKEN_XML:
            broken = True
    if broken and not reason and not encrypted:
        _tell(file, kind, into, "an Office document with a broken part")
    for name, data in embedded.items():
        if kind_of(data).formats == (Format.IMAGE,):
            into.text(inner_place(file.place, name), picture_text(data))
        if kind_of(data).formats != (Format.IMAGE,):
            inner(File(name, data, inner_place(file.place, name), file.depth + 1), into)


def _unpack(archive: zipfile.ZipFile, into: Collected) -> tuple[dict[str, bytes], dict[str, bytes], str, bool]:
    """XML parts, other files, why not all of it could be read, whether some need a password."""
    parts: dict[str, bytes] = {}
    embedded: dict[str, bytes] = {}
    reason = ""
    encrypted = False
    for number, entry in enumerate(archive.infolist()):
        name = entry.filename.replace("\\", "/").lstrip("/")
        if entry.is_dir() or (_SILENT.match(name.lower()) and name.lower() != _FORMATS):
            continue
        encrypted |= bool(entry.flag_bits & 1)
        if not into.budget.take_file():
            return parts, embedded, "holds more parts than are read", encrypted
        try:
            data = read_entry(archive, entry, into)
        except TooMuch as limit:
            reason = str(limit)
            continue
        except BROKEN:
            reason = reason or "an Office document with a broken part"
            continue
        chosen = parts if name.lower().endswith(_XML) else embedded
        chosen[name if name not in chosen else f"{name} {number}"] = data
        if name.lower().startswith("xl/worksheets/") and name.lower().endswith(".bin"):
            reason = reason or "a binary workbook, which is not read"
    return parts, embedded, reason, encrypted


def _tell(file: File, kind: FileKind, into: Collected, reason: str) -> str:
    """Mark the document's own fact."""
    into.files = [fact for fact in into.files if fact.place != file.place or fact.depth != file.depth]
    into.fact(file, kind, reason=reason)
    return reason


def _order(name: str) -> tuple[int, int, str]:
    """The text itself before its notes, and slides by number."""
    low = name.lower()
    number = re.search(r"(\d+)\.xml\Z", low)
    main = low.startswith(("word/document", "ppt/slides/", "xl/worksheets/"))
    return (0 if main else 1, int(number[1][:6]) if number and main else 0, low)


def _part(file: File, name: str, data: bytes, book: Book, into: Collected) -> None:
    low = name.lower()
    if name in book.names or (low.startswith(_SHEETS) and not low.endswith(".rels")):
        _sheet(file, name, data, book, into)
        return
    if low == _FORMATS:
        return
    if len(data) > into.budget.limits.xml_bytes:
        raise ValueError("an XML part past the limit")
    root = parse_xml(data)
    if local(root) == "worksheet":  # wherever the workbook keeps it
        _sheet(file, name, data, book, into)
        return
    place = inner_place(file.place, label) if (label := _label(low)) else file.place
    if low.endswith(".rels"):
        targets = [str(link.get("Target", "")) for link in root if local(link) == "Relationship"]
        into.text(place, "\n".join(target for target in targets if target.lower().startswith(_CONTACT)))
    elif low.startswith(_PARAGRAPH_ROOTS):
        for text in paragraph_readings(root):
            into.text(place, text)
            if "\t" in text:
                into.text(place, joined_cells(text))
    elif local(root) != "sst":
        into.text(place, loose_text(root))


def _sheet(file: File, name: str, data: bytes, book: Book, into: Collected) -> None:
    title = book.names.get(name) or name.rpartition("/")[2].removesuffix(".xml")
    for block in read_sheet(data, title, book):
        into.text(inner_place(file.place, block.place), block.text)


def _label(low: str) -> str:
    for pattern, label in _LABELS:
        match = pattern.fullmatch(low)
        if match:
            return label.format(*match.groups())
    return low
