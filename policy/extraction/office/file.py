"""Office documents (OOXML): every part of docx, xlsx and pptx that can hold words."""

import binascii
import re
import zipfile
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import unquote

from lxml import etree

from policy.extraction.archives.packed import BROKEN, TooMuch, open_zip, read_entry
from policy.extraction.archives.zips import oddity
from policy.extraction.collected import Collected, File, Inner, inner_place
from policy.extraction.kind import Format, kind_of
from policy.extraction.office.binarybook import is_binary_part, read_binary_book
from policy.extraction.office.bindings import read_store
from policy.extraction.office.boxes import lines_of_sheet, lines_of_word
from policy.extraction.office.charts import chart_text
from policy.extraction.office.packages import SILENT_ROOTS, Link, label_of, owners, read_links
from policy.extraction.office.paragraphs import Around, paragraph_readings
from policy.extraction.office.sheets import Book, read_book, read_sheet
from policy.extraction.office.slides import lines_of_boxes
from policy.extraction.office.wordstyles import read_numbering, read_styles
from policy.extraction.office.xps import page_text
from policy.extraction.office97.macros import BROKEN_PROJECT, macro_texts
from policy.extraction.pictures import picture_text
from policy.extraction.xmltext import BROKEN_XML, attribute, loose_text, parse_xml, remarks, root_name
from rules.content import FileKind

_XML: Final = (".xml", ".rels", ".vml", ".rdf")
_SHEET_ROOTS: Final = frozenset({"worksheet", "chartsheet", "dialogsheet", "macrosheet"})
_PARAGRAPH_ROOTS: Final = frozenset(
    {"document", "hdr", "ftr", "footnotes", "endnotes", "comments", "glossaryDocument", "settings", "people", "sld",
     "notes", "sldMaster", "sldLayout", "notesMaster", "handoutMaster", "cmLst", "cmAuthorLst", "presentation",
     "wsDr", "chartSpace", "userShapes", "dataModel", "drawing", "ThreadedComments", "personList", "authorLst", "xml",
     "commentsEx", "wordDocument", "tagLst", "txbxContent", "FixedPage"}
)  # fmt: skip
_MAIN_ROOTS: Final = _SHEET_ROOTS | {"document", "workbook", "presentation", "sld", "VisioDocument", "wordDocument", ""}
# Links to parts that hold text a person reads.
_NEEDED: Final = frozenset(
    {"officeDocument", "slide", "worksheet", "chartsheet", "sharedStrings", "header", "footer", "footnotes", "endnotes",
     "comments", "notesSlide", "aFChunk", "diagramData", "chart", "package", "oleObject"}
)  # fmt: skip
_TEXTS_ELSEWHERE: Final = frozenset({"aFChunk", "subDocument"})
_SHEETS: Final = ("xl/worksheets/", "xl/chartsheets/", "xl/dialogsheets/", "xl/macrosheets/")
_FONTS: Final = (".odttf", ".fntdata", ".ttf", ".otf")
_MACROS: Final = re.compile(r"vbaproject[^/]*\.bin\Z|/vbadata\.xml\Z", re.I)
_SETTINGS_BIN: Final = re.compile(
    r"(?:printersettings\d*|vbaprojectsignature\w*|activex\d*|customproperty\d*)\.bin\Z", re.I
)
_NO_BOOK: Final = ("xl/embeddings/", "xl/activex/", "xl/ctrlprops/", "xl/media/", "xl/customproperty")
_LIST_TEXT: Final = re.compile(r"\d")
_LISTED: Final = re.compile(rb"<(?:\w+:)?(?:sheet|sldId|sldMasterId)\s[^<>]{0,1000}?\w:id\s*=\s*[\"']([^\"'<>]{1,100})")
_MOST_LINKS: Final = 20_000


@dataclass(slots=True)
class _Document:
    """One document as it is read."""

    file: File
    kind: FileKind
    parts: dict[str, bytes] = field(default_factory=dict)
    others: dict[str, bytes] = field(default_factory=dict)
    links: dict[str, list[Link]] = field(default_factory=dict)
    owners: dict[str, str] = field(default_factory=dict)
    titles: dict[str, str] = field(default_factory=dict)  # of slides and sheets, by part
    around: Around = field(default_factory=Around)
    book: Book = field(default_factory=Book)
    reason: str = ""
    encrypted: bool = False


def read_office(file: File, kind: FileKind, into: Collected, inner: Inner) -> None:
    """One document; embedded files are read as files of their own."""
    try:
        archive = open_zip(file.data)
    except BROKEN:
        into.fact(file, kind, reason="an Office document that is broken")
        return
    document = _Document(file, kind, reason=oddity(file.data))
    with archive:
        _unpack(archive, document, into)
    reason, encrypted = document.reason, document.encrypted
    read_parts(file, kind, document.parts, into, inner, others=document.others, reason=reason, encrypted=encrypted)


def read_parts(
    file: File,
    kind: FileKind,
    parts: dict[str, bytes],
    into: Collected,
    inner: Inner,
    *,
    others: dict[str, bytes],
    reason: str = "",
    encrypted: bool = False,
) -> None:
    """A document's parts, however they were packed: XML in `parts`, everything else in `others`."""
    document = _Document(file, kind, parts, others, reason=reason, encrypted=encrypted)
    at = len(into.files)
    _prepare(document)
    for name in sorted(document.parts, key=_order):
        try:
            _part(document, name, into)
        except BROKEN_XML:
            document.reason = document.reason or "an Office document with a broken part"
    if any(name.lower() == "xl/workbook.bin" for name in document.others):
        _binary_book(document, into)
    into.text(inner_place(file.place, "texts of no cell"), document.book.left_over())
    reason = document.reason
    into.fact(file, kind, reason=reason, encrypted=encrypted)
    into.files.insert(at, into.files.pop())  # before the files it holds
    for name, data in document.others.items():
        _other(document, name, data, into, inner)


def _binary_book(document: _Document, into: Collected) -> None:
    """The parts of an xlsb that are no XML."""
    chosen = {
        name: data
        for name, data in document.others.items()
        if is_binary_part(name) and not name.lower().startswith(_NO_BOOK)
    }
    links = next((each for name, each in document.links.items() if name.lower() == "xl/workbook.bin"), [])
    pieces, whole = read_binary_book(chosen, {link.key: link.target.removeprefix("xl/") for link in links})
    for piece in pieces:
        into.text(inner_place(document.file.place, piece.place), piece.text, piece.marks)
    document.others = {name: data for name, data in document.others.items() if name not in chosen}
    if not whole:
        document.reason = document.reason or "a binary workbook that is broken"


def _unpack(archive: zipfile.ZipFile, document: _Document, into: Collected) -> None:
    """Parts by what they are: what begins like XML is XML, whatever its name."""
    for number, entry in enumerate(archive.infolist()):
        name = entry.filename.replace("\\", "/").lstrip("/")
        if entry.is_dir():
            continue
        document.encrypted |= bool(entry.flag_bits & 1)
        if not into.budget.take_file():
            document.reason = "holds more parts than are read"
            return
        try:
            data = read_entry(archive, entry, into)
        except TooMuch as limit:
            document.reason = str(limit)
            continue
        except BROKEN:
            document.reason = document.reason or "an Office document with a broken part"
            continue
        low = name.lower()
        chosen = document.parts if low.endswith(_XML) or _is_known(data) else document.others
        chosen[name if name not in chosen else f"{name} {number}"] = data


def _is_known(data: bytes) -> bool:
    """Whether a part of any name is one that a program may show as the document's own."""
    name = root_name(data) if data[:1] in b"<\xef\xff\xfe\0 \r\n\t" else ""
    return name in _SHEET_ROOTS or name in _PARAGRAPH_ROOTS or name in {"sst", "workbook", "styleSheet"}


def _prepare(document: _Document) -> None:
    """What the parts' text depends on: styles, lists, bound data, shared strings, the names of sheets."""
    parts = document.parts
    document.links = read_links(parts)
    document.owners = owners(document.links)
    document.around.store = read_store(parts)
    roots = {name: root_name(data) for name, data in parts.items()}
    known = {*parts, *document.others}
    named = (link for links in document.links.values() for link in links if not link.external)
    if any(link.kind in _NEEDED and link.target not in known for link in named):
        document.reason = document.reason or "an Office document that names parts it does not have"
    if any(link.external and link.kind in _TEXTS_ELSEWHERE for links in document.links.values() for link in links):
        document.reason = document.reason or "an Office document of which parts lie elsewhere"
    listing = (name for name, root in roots.items() if root in {"presentation", "workbook"})
    if any(not _listed(parts[name], document.links.get(name, [])) for name in listing):
        document.reason = document.reason or "an Office document that names parts it does not have"
    binary = any(name.lower() == "xl/workbook.bin" for name in document.others)
    if document.kind is not FileKind.ARCHIVE and not binary and not _MAIN_ROOTS.intersection(roots.values()):
        document.reason = document.reason or "an Office document without its main part"
    try:
        for name, root in roots.items():
            if root == "styles":
                read_styles(parse_xml(parts[name]), document.around.styles)
        for name, root in roots.items():
            if root == "numbering":
                read_numbering(parse_xml(parts[name]), document.around.styles)
    except BROKEN_XML:
        document.reason = document.reason or "an Office document with a broken part"
    if document.kind is FileKind.SPREADSHEET or any(root in _SHEET_ROOTS for root in roots.values()):
        try:
            document.book = read_book(parts, roots, document.links)
        except BROKEN_XML:
            document.reason = document.reason or "a workbook whose shared texts are broken"
        document.titles.update(document.book.names)
    for name, root in roots.items():
        if root == "sld":
            hidden = re.search(rb"<(?:\w+:)?sld\b[^>]{0,3000}\sshow=[\"'](?:0|false)[\"']", parts[name][:8192])
            document.titles[name] = label_of(name) + (" (hidden)" if hidden else "")


def _listed(data: bytes, links: list[Link]) -> bool:
    """Whether all slides or sheets that a main part lists have a link that leads to them."""
    named = {match[1].decode("utf-8", "replace") for match in _LISTED.finditer(data)}
    return named <= {link.key for link in links}


def _order(name: str) -> tuple[int, int, str]:
    """The text itself before its notes, and slides by number."""
    low = name.lower()
    number = re.search(r"(\d{1,6})\.xml\Z", low)
    main = low.startswith(("word/document", "ppt/slides/", "xl/worksheets/"))
    return (0 if main else 1, int(number[1]) if number and main else 0, low)


def _part(document: _Document, name: str, into: Collected) -> None:
    low, data = name.lower(), document.parts[name]
    root = root_name(data)
    if root in _SHEET_ROOTS or (not root and (name in document.book.names or low.startswith(_SHEETS))):
        _sheet(document, name, data, into)
        return
    if root in SILENT_ROOTS or root in {"styleSheet", "sst"}:
        return
    if len(data) > into.budget.limits.xml_bytes:
        raise ValueError("an XML part past the limit")
    place = _place(document, name)
    if root == "Relationships" or low.endswith(".rels"):
        _links(document, name, place, into)
    else:
        _tree(document, name, place, data, into)


def _tree(document: _Document, name: str, place: str, data: bytes, into: Collected) -> None:
    """A part as one tree. A part by the name of XML that is none is a file of its own."""
    low = name.lower()
    try:
        tree = parse_xml(data, mend=low.endswith(".vml"))
    except BROKEN_XML:
        if kind_of(data).formats[0] in {Format.XML, Format.TEXT, Format.UNKNOWN, Format.EMPTY} and data[:1] == b"<":
            raise
        document.others[name] = data
        return
    root = root_name(data) or str(tree.tag).rpartition("}")[2]
    if root in _SHEET_ROOTS:
        _sheet(document, name, data, into)
    elif root in {"styles", "numbering"}:
        texts = [attribute(each, "val") for each in tree.iter("{*}lvlText", "{*}name")]
        into.text(place, "\n".join(text for text in dict.fromkeys(texts) if _LIST_TEXT.search(text)))
    elif root == "FixedPage":
        text, told = page_text(tree)
        into.text(place, text)
        if not told:
            document.reason = document.reason or "a page with signs that do not say what they are"
    elif root == "DataMashup":
        _queries(document, name, tree)
    elif root in {"comments", "ThreadedComments"} and low.startswith("xl/"):
        _cell_comments(place, tree, into)
    elif root in _PARAGRAPH_ROOTS or low.startswith(("word/", "ppt/", "xl/drawings/", "xl/charts/")):
        for reading in paragraph_readings(tree, document.around):
            into.text(place, reading.text, reading.marks)
        if root == "sld":
            into.text(place, lines_of_boxes(tree))
        elif low.startswith(("word/", "xl/drawings/")):
            into.text(place, lines_of_word(tree) if low.startswith("word/") else lines_of_sheet(tree))
        if root == "chartSpace" or "/chart" in low:
            into.text(place, chart_text(tree))
    else:
        into.text(place, loose_text(tree))


def _queries(document: _Document, name: str, tree: "etree._Element") -> None:
    """The queries of a workbook: a zip behind a version and its size ([MS-QDEFF] 2.2)."""
    try:
        data = binascii.a2b_base64("".join(map(str, tree.itertext())))
    except ValueError:
        document.reason = document.reason or "an Office document with a broken part"
        return
    document.others[f"{name}/queries"] = data[8 : 8 + int.from_bytes(data[4:8], "little")]


def _cell_comments(place: str, tree: "etree._Element", into: Collected) -> None:
    """The comments of cells, with a mark that leads to the cell."""
    texts: list[str] = []
    marks: list[tuple[int, str]] = []
    size = 0
    for comment in tree.iter("{*}comment", "{*}threadedComment"):
        text = "".join(each.text or "" for each in comment.iter("{*}t", "{*}text")) + "\n"
        marks.append((size, comment.get("ref", "")))
        texts.append(text)
        size += len(text)
    into.text(place, "".join(texts), marks)
    into.text(place, "\n".join(each.text or "" for each in tree.iter("{*}author")))


def _links(document: _Document, name: str, place: str, into: Collected) -> None:
    """Where the text leads to: shown on pointing at it, and what a recipient opens."""
    folder, _, last = name.rpartition("/_rels/") if "/_rels/" in name else ("", "", name.removeprefix("_rels/"))
    links = document.links.get(f"{folder}/{last[:-5]}".lstrip("/"), [])
    texts: dict[str, None] = {}
    for link in links[:_MOST_LINKS]:
        if link.external:
            texts[link.target] = None
            texts[unquote(link.target)] = None
    into.text(place, "\n".join(texts))


def _place(document: _Document, name: str) -> str:
    """`notes.docx > footer`, `pay.xlsx > Salaries > comments`, `talk.pptx > slide 3 > notes`."""
    low = name.lower()
    label = document.titles.get(name) or label_of(name)
    owner = document.owners.get(name, "")
    if low.endswith(".rels"):
        owner = re.sub(r"(?:^|/)_rels/([^/]+)\.rels\Z", r"/\1", name).lstrip("/")
    above = document.titles.get(owner) or (document.titles.get(document.owners.get(owner, "")) if owner else "")
    if above and above != label:
        label = f"{above} > {re.sub(r' [0-9]+$', '', label)}"
    return inner_place(document.file.place, label) if label else document.file.place


def _sheet(document: _Document, name: str, data: bytes, into: Collected) -> None:
    title = document.book.names.get(name) or name.rpartition("/")[2].removesuffix(".xml")
    for block in read_sheet(data, title, document.book):
        into.text(inner_place(document.file.place, block.place), block.text, block.marks)
    into.text(inner_place(document.file.place, title), "\n".join((*dict.fromkeys(document.book.beside), remarks(data))))
    document.book.beside.clear()
    if document.book.short:
        document.reason = document.reason or "formulas of which not all were worked out"


def _other(document: _Document, name: str, data: bytes, into: Collected, inner: Inner) -> None:
    """Macros, pictures, fonts, settings; everything else is a file of its own."""
    place = inner_place(document.file.place, name)
    low = name.lower()
    if _MACROS.search(low):
        try:
            texts = macro_texts(data)
        except BROKEN_PROJECT:
            texts = [picture_text(data)]
        for text in texts:
            into.text(inner_place(document.file.place, "macros"), text)
    elif _SETTINGS_BIN.search(low):
        into.text(place, picture_text(data))
    elif low.endswith(_FONTS):
        return
    elif kind_of(data).formats == (Format.IMAGE,):
        into.text(place, picture_text(data))
        picture = File(name, data, place, document.file.depth + 1)
        if not into.picture(picture):
            into.fact(picture, FileKind.IMAGE, reason="more pictures than are read")
    else:
        inner(File(name, data, place, document.file.depth + 1), into)
