"""OpenDocument: text, spreadsheet and presentation (content, styles with headers and footers, metadata)."""

from typing import Final

from lxml import etree

from policy.extraction.archives.packed import BROKEN, TooMuch, open_zip, read_entry
from policy.extraction.archives.zips import oddity
from policy.extraction.collected import Collected, File, Inner, inner_place
from policy.extraction.kind import Format, kind_of
from policy.extraction.office.boxes import lines_of_drawing
from policy.extraction.opendocument.sheets import read_tables
from policy.extraction.opendocument.styles import read_odf_styles
from policy.extraction.opendocument.text import OdfWalk
from policy.extraction.pictures import picture_text
from policy.extraction.text.runs import wide_runs
from policy.extraction.xmltext import BROKEN_XML, local, loose_text, parse_xml
from rules.content import FileKind

_LABELS: Final = {"content.xml": "", "styles.xml": "header and footer", "meta.xml": "properties"}
_SILENT: Final = frozenset({"manifest.rdf", "layout-cache", "settings.xml", "mimetype"})
_DRAWING: Final = b"VCLMTF"  # LibreOffice's own kind of drawing
_ENCRYPTED: Final = b"encryption-data"
_LOOSE_ROOTS: Final = frozenset({"document-meta", "module", "library", "libraries", "window", "RDF"})
_XML: Final = (".xml", ".rdf", ".xlb", ".xdl", ".xba")


def read_opendocument(file: File, kind: FileKind, into: Collected, inner: Inner) -> None:
    """One document; embedded files are read as files of their own."""
    try:
        archive = open_zip(file.data)
    except BROKEN:
        into.fact(file, kind, reason="an OpenDocument file that is broken")
        return
    reason = oddity(file.data)
    parts: dict[str, bytes] = {}
    with archive:
        for entry in archive.infolist():
            if entry.is_dir():
                continue
            if not into.budget.take_file():
                reason = "holds more parts than are read"
                break
            try:
                parts[entry.filename] = read_entry(archive, entry, into)
            except (TooMuch, *BROKEN) as error:
                reason = str(error) if isinstance(error, TooMuch) else "an OpenDocument file with a broken part"
    if _ENCRYPTED in parts.get("META-INF/manifest.xml", b""):
        into.fact(file, kind, encrypted=True, reason="needs a password")
        return
    if not any(name.rpartition("/")[2] == "content.xml" for name in parts):
        reason = reason or "an OpenDocument file without its content"
    at = len(into.files)
    roots, broken = _trees(parts, into)
    into.fact(file, kind, reason=reason or ("an OpenDocument file with a broken part" if broken else ""))
    into.files.insert(at, into.files.pop())
    read_trees(file.place, roots, into)
    for name, data in parts.items():
        if name not in roots and data and not _is_silent(name):
            _other(file, name, data, into, inner)


def _trees(parts: dict[str, bytes], into: Collected) -> tuple[dict[str, "etree._Element"], bool]:
    """The XML parts, and whether some of them are broken."""
    roots: dict[str, etree._Element] = {}
    broken = False
    for name, data in parts.items():
        if not name.lower().endswith(_XML) or _is_silent(name) or not data.strip():
            continue  # OpenOffice and LibreOffice write settings as parts without a byte in them
        try:
            if len(data) > into.budget.limits.xml_bytes:
                raise ValueError("an XML part past the limit")
            roots[name] = parse_xml(data)
        except BROKEN_XML:
            broken = True
    return roots, broken


def _is_silent(name: str) -> bool:
    return name in _SILENT or name.startswith("META-INF/") or name.rpartition("/")[2] == "settings.xml"


def read_trees(place: str, roots: dict[str, "etree._Element"], into: Collected) -> None:
    """The texts of a document's trees, by the name of each part; a flat document has one, without a name."""
    styles = read_odf_styles(roots.values())
    for name, root in roots.items():
        label = _LABELS.get(name)
        if label is None:
            base = name.rpartition("/")
            label = base[0] if base[2] in _LABELS else name
        where = inner_place(place, label) if label else place
        for maker in list(root.iter("{*}generator")):
            into.text(f"{where} > made by", maker.text or "")
            maker.text = None  # no neighbour of what people wrote
        if local(root) in _LOOSE_ROOTS:
            into.text(where, loose_text(root))
            continue
        if local(root) == "math":
            into.text(where, "".join(str(text).strip() for text in root.itertext()))
            into.text(where, loose_text(root))
            continue
        for piece in read_tables(root, styles):
            into.text(inner_place(where, piece.place), piece.text, piece.marks)
        for reading in OdfWalk(styles).readings(root):
            into.text(where, reading.text, reading.marks)
        into.text(where, lines_of_drawing(root))


def _other(file: File, name: str, data: bytes, into: Collected, inner: Inner) -> None:
    """Pictures are looked through; previews of objects are that and no more; everything else is a file of its own."""
    place = inner_place(file.place, name)
    if (
        kind_of(data).formats == (Format.IMAGE,)
        or data.startswith(_DRAWING)
        or name.startswith(("ObjectReplacements/", "Thumbnails/"))
    ):
        into.text(place, picture_text(data))
        into.text(place, wide_runs(data) if data.startswith(_DRAWING) else "")
        picture = File(name, data, place, file.depth + 1)
        if name.startswith("Pictures/") and not into.picture(picture):
            into.fact(picture, FileKind.IMAGE, reason="more pictures than are read")
    else:
        inner(File(name, data, place, file.depth + 1), into)
