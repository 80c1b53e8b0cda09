"""Documents in one XML file: flat OPC, flat OpenDocument, and the XML of Office 2003."""

import binascii
import contextlib
from collections.abc import Iterator
from typing import Final

from lxml import etree

from policy.extraction.cells.format import displayed
from policy.extraction.cells.formulas import Calculator
from policy.extraction.cells.grid import Cell, pieces_of
from policy.extraction.cells.valuefiles import Table
from policy.extraction.collected import Collected, File, Inner, inner_place
from policy.extraction.office.file import read_parts
from policy.extraction.office.paragraphs import paragraph_readings
from policy.extraction.opendocument.file import read_trees
from policy.extraction.xmltext import BROKEN_XML, attribute, local, loose_text, parse_xml, root_name
from rules.content import FileKind

FLAT_ROOTS: Final = frozenset({"package", "document", "document-content", "wordDocument", "Workbook"})
_FOLDERS: Final = (
    ("/word/", FileKind.DOCUMENT),
    ("/xl/", FileKind.SPREADSHEET),
    ("/ppt/", FileKind.PRESENTATION),
)
_STEPS: Final = 20_000  # of the formulas of one sheet
_LIMIT: Final = 64 * 1024 * 1024


def read_flat(file: File, kind: FileKind, into: Collected, inner: Inner) -> None:
    """One document. What is embedded in it as base64 is read as files of their own."""
    if len(file.data) > min(_LIMIT, into.budget.limits.xml_bytes):
        into.fact(file, kind, reason="a document in XML past the limit")
        return
    try:
        root = parse_xml(file.data)
    except BROKEN_XML:
        into.fact(file, kind, reason="a document in XML that is broken")
        with contextlib.suppress(*BROKEN_XML):
            into.text(file.place, loose_text(parse_xml(file.data, mend=True)))
        return
    name = local(root) or root_name(file.data)
    if name == "package":
        _package(root, file, kind, into, inner)
    elif name == "wordDocument":
        into.fact(file, kind)
        for reading in paragraph_readings(root):
            into.text(file.place, reading.text, reading.marks)
        _binaries(root, file, into, inner)
    elif name == "Workbook":
        into.fact(file, kind)
        _workbook(root, file, into)
    else:
        into.fact(file, kind)
        read_trees(file.place, {"": root}, into)
        if name not in FLAT_ROOTS:  # a part that was taken out of its document, such as settings
            into.text(file.place, loose_text(root))
        _binaries(root, file, into, inner)


def _package(root: "etree._Element", file: File, kind: FileKind, into: Collected, inner: Inner) -> None:
    """Flat OPC: each part as XML or as base64."""
    parts: dict[str, bytes] = {}
    others: dict[str, bytes] = {}
    reason = ""
    for part in root.iterchildren("{*}part"):
        name = attribute(part, "name")
        kind = next((each for folder, each in _FOLDERS if name.lower().startswith(folder)), kind)
        if not into.budget.take_file():
            reason = "holds more parts than are read"
            break
        for child in part:
            if local(child) == "xmlData" and len(child):
                parts[name.lstrip("/")] = etree.tostring(child[0], encoding="utf-8", with_tail=False)
            elif local(child) == "binaryData":
                others[name.lstrip("/")] = _bytes(child.text or "")
    size = sum(map(len, parts.values())) + sum(map(len, others.values()))
    if not into.budget.take_bytes(size):
        reason = "unpacks to more than is read"
    read_parts(file, kind, parts, into, inner, others=others, reason=reason)


def _binaries(root: "etree._Element", file: File, into: Collected, inner: Inner) -> None:
    """Files within: `office:binary-data`, `w:binData`."""
    for number, element in enumerate(root.iter("{*}binary-data", "{*}binData"), 1):
        data = _bytes(element.text or "")
        name = attribute(element, "name").rpartition("/")[2] or f"embedded file {number}"
        within = File(name, data, inner_place(file.place, name), file.depth + 1)
        if not into.budget.take_file() or not into.budget.take_bytes(len(data)):
            into.fact(within, FileKind.UNKNOWN, reason="holds more files than are read")
            return
        if data:
            inner(within, into)


def _bytes(text: str) -> bytes:
    try:
        return binascii.a2b_base64(text.encode("ascii", "ignore"))
    except (binascii.Error, ValueError):
        return b""


def _workbook(root: "etree._Element", file: File, into: Collected) -> None:
    """SpreadsheetML 2003: cells in order, `ss:Index` skipping some."""
    formats = _formats(root)
    for sheet in root.iter("{*}Worksheet"):
        hidden = any((each.text or "").startswith("Sheet") for each in sheet.iter("{*}Visible"))
        title = attribute(sheet, "Name") + (" (hidden)" if hidden else "")
        for piece in pieces_of(title, _cells(sheet, formats)):
            into.text(inner_place(file.place, piece.place), piece.text, piece.marks)
    for element in root.iter("{*}Table"):
        element.clear()
    into.text(inner_place(file.place, "around the cells"), loose_text(root))


def _formats(root: "etree._Element") -> dict[str, str]:
    """The number formats of styles; those that have none take their parent's."""
    formats: dict[str, str] = {}
    for style in root.iter("{*}Style"):
        own = next((attribute(each, "Format") for each in style.iterchildren("{*}NumberFormat")), "")
        formats[attribute(style, "ID")] = own or formats.get(attribute(style, "Parent"), "")
    return formats


def _cells(sheet: "etree._Element", formats: dict[str, str]) -> Iterator[Cell]:
    row = -1
    calculator = Calculator(Table(), most=_STEPS)
    for line in sheet.iter("{*}Row"):
        row = _index(line, row)
        column = -1
        for cell in line.iterchildren("{*}Cell"):
            column = _index(cell, column)
            text = "".join(str(each) for data in cell.iterchildren("{*}Data") for each in data.itertext())
            note = "".join(str(each) for data in cell.iterchildren("{*}Comment") for each in data.itertext())
            style = attribute(cell, "StyleID") or attribute(line, "StyleID")
            text = displayed(text, formats[style]) if formats.get(style) else text
            formula = attribute(cell, "Formula")
            texts = (note, formula, calculator.result(formula, "") or "") if '"' in formula else (note,)
            beside = " ".join(each for each in texts if each.strip())
            if text or beside:
                yield Cell(row, column, text, beside)


def _index(element: "etree._Element", last: int) -> int:
    said = attribute(element, "Index")
    return int(said) - 1 if said.isdecimal() and len(said) < 8 else last + 1
