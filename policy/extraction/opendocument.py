"""OpenDocument: text, spreadsheet and presentation (content, styles with headers and footers, metadata)."""

from typing import Final

from lxml import etree

from policy.extraction.archive import BROKEN, TooMuch, open_zip, read_entry
from policy.extraction.collected import Collected, File, Inner, inner_place
from policy.extraction.kind import Format, kind_of
from policy.extraction.tables import joined_cells
from policy.extraction.xmltext import BROKEN_XML, local, loose_text, parse_xml
from rules.content import FileKind

_LABELS: Final = {"content.xml": "", "styles.xml": "header and footer", "meta.xml": "properties"}
_ENCRYPTED: Final = b"manifest:encryption-data"
_VALUE: Final = "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}value"
_DEEPEST: Final = 200  # elements in one paragraph
_MOST_SPACES: Final = 1_000


def read_opendocument(file: File, kind: FileKind, into: Collected, inner: Inner) -> None:
    """One document; embedded files are read as files of their own."""
    try:
        archive = open_zip(file.data)
    except BROKEN:
        into.fact(file, kind, reason="an OpenDocument file that is broken")
        return
    reason = ""
    parts: dict[str, bytes] = {}
    with archive:
        for entry in archive.infolist():
            if entry.is_dir() or not into.budget.take_file():
                continue
            try:
                parts[entry.filename] = read_entry(archive, entry, into)
            except (TooMuch, *BROKEN) as error:
                reason = str(error) if isinstance(error, TooMuch) else "an OpenDocument file with a broken part"
    encrypted = _ENCRYPTED in parts.get("META-INF/manifest.xml", b"")
    texts: list[tuple[str, str]] = []
    for name, data in parts.items():
        try:
            texts += [] if encrypted else _texts(file.place, name, data)
        except BROKEN_XML:
            reason = reason or "an OpenDocument file with a broken part"
    into.fact(file, kind, reason=reason, encrypted=encrypted)
    for place, text in texts:
        into.text(place, text)
    for name, data in parts.items():
        silent = encrypted or not data or name == "mimetype" or name.endswith((".xml", ".rdf"))
        if not silent and kind_of(data).formats != (Format.IMAGE,):
            inner(File(name, data, inner_place(file.place, name), file.depth + 1), into)


def _texts(place: str, name: str, data: bytes) -> list[tuple[str, str]]:
    label = _LABELS.get(name)
    if label is None:
        base = name.rpartition("/")[2]
        if base not in {"content.xml", "styles.xml"}:
            return []
        label = name.rpartition("/")[0]
    root = parse_xml(data)
    place = inner_place(place, label) if label else place
    if name == "meta.xml":
        return [(place, loose_text(root))]
    text = "\n".join(_lines(root))
    return [(place, text), (place, joined_cells(text))]


def _lines(root: "etree._Element") -> list[str]:
    """Paragraphs; rows of tables with tabs between their cells; alternative texts."""
    found: list[str] = []
    rows = {id(p) for row in root.iter("{*}table-row") for p in row.iter("{*}p", "{*}h")}
    for element in root.iter("{*}p", "{*}h", "{*}table-row", "{*}title", "{*}desc"):
        name = local(element)
        if name == "table-row":
            cells = [" ".join(_inline(p) for p in cell.iter("{*}p", "{*}h")) for cell in element]
            found.append("\t".join(cell for cell in cells if cell))
        elif name in {"p", "h"}:
            if id(element) not in rows:
                found.append(_inline(element))
        else:
            found.append(_inline(element))
    values = [value for cell in root.iter("{*}table-cell") if (value := cell.get(_VALUE))]
    return [line for line in [*found, "\n".join(values)] if line.strip()]


def _inline(element: "etree._Element", depth: int = 0) -> str:
    """Mixed content in order; `s`, `tab` and `line-break` stand for white space."""
    name = local(element)
    out = [element.text or "" if isinstance(element.tag, str) else ""]
    if name == "s":
        counts = [str(value) for key, value in element.attrib.items() if str(key).endswith("}c")]
        out.append(" " * min(_MOST_SPACES, int(counts[0]) if counts and counts[0].isdecimal() else 1))
    elif name in {"tab", "line-break"}:
        out.append("\t" if name == "tab" else "\n")
    for child in element if depth < _DEEPEST else ():
        out += [_inline(child, depth + 1), child.tail or ""]
    return "".join(out)
