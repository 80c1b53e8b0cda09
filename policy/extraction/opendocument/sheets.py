"""Sheets of an OpenDocument spreadsheet: cells as displayed and as stored, comments, formulas."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from lxml import etree

from policy.extraction.cells.formulas import Calculator
from policy.extraction.cells.functions import Value
from policy.extraction.cells.grid import Cell, Piece, pieces_of, reference
from policy.extraction.opendocument.styles import OdfStyles
from policy.extraction.text.tables import joined_cells
from policy.extraction.xmltext import attribute, local

_CELLS: Final = ("{*}table-cell", "{*}covered-table-cell")
_ADDRESS: Final = re.compile(r"\[([^\[\]]{1,200})\]")
_ONE: Final = re.compile(r"(?:\$?('(?:[^']|'')*'|[^.'$]*))?\.(\$?[A-Z]{1,3}\$?\d{1,7})")
_WORKED_OUT: Final = re.compile(r"[&\"]|\b(?:CONCAT|TEXT|CHAR|UNICHAR|REPT|SUBSTITUTE|REPLACE)", re.I)
_DIGITS: Final = re.compile(r"\s*[0-9-]{1,6}\s*")
_MOST_COLUMNS: Final = 16_384
_MOST_ROWS: Final = 1_100_000
_MOST_ALIKE: Final = 40  # cells of the same value side by side: digits of a number may be


@dataclass(slots=True)
class _Table:
    """One sheet's cells as they come, and what its formulas ask for."""

    name: str
    cells: list[Cell] = field(default_factory=list)
    values: dict[tuple[int, int], Value] = field(default_factory=dict)
    formulas: list[tuple[int, int, str]] = field(default_factory=list)
    notes: list[tuple[str, str]] = field(default_factory=list)
    hidden: set[int] = field(default_factory=set)
    shown: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Tables:
    """All sheets, for formulas."""

    by_name: dict[str, _Table] = field(default_factory=dict)

    def value(self, sheet: str, column: int, row: int) -> Value | None:
        """A cell's value, columns and rows from 1."""
        table = self.by_name.get(sheet)
        return table.values.get((column, row)) if table else None

    def named(self, name: str) -> str:
        """Defined names are not followed here."""
        return ""


def read_tables(root: "etree._Element", styles: OdfStyles) -> Iterator[Piece]:
    """The sheets below `office:spreadsheet`, with their rows, comments and formulas, taken out of the tree."""
    tables: list[tuple[str, _Table]] = []
    every = _Tables()
    for body in list(root.iter("{*}spreadsheet")):
        for element in list(body.iterchildren("{*}table")):
            table = _Table(attribute(element, "name"))
            hidden = " (hidden)" if attribute(element, "style-name") in styles.hidden else ""
            _read(element, table)
            every.by_name[table.name] = table
            tables.append((table.name + hidden, table))
    calculator = Calculator(every)
    for title, table in tables:
        yield from pieces_of(title, table.cells)
        yield from _beside(title, table, calculator)


def _read(element: "etree._Element", table: _Table) -> None:
    column = 0
    for each in element.iter("{*}table-column"):
        count = _repeated(each, "number-columns-repeated", _MOST_COLUMNS)
        if attribute(each, "visibility") in {"collapse", "filter"}:
            table.hidden.update(range(column, min(column + count, _MOST_COLUMNS)))
        column += count
    row = 0
    for each in element.iter("{*}table-row"):
        if row > _MOST_ROWS:
            break
        _row(each, row, table)
        row += _repeated(each, "number-rows-repeated", _MOST_ROWS)
    for each in list(element):
        if local(each) not in {"shapes", "forms", "desc", "title"}:
            _strip(each)


def _strip(element: "etree._Element") -> None:
    """Without the cells' own paragraphs, which are read; what is drawn in them stays."""
    for cell in list(element.iter(*_CELLS)):
        cell.attrib.clear()
        for child in list(cell):
            if local(child) in {"p", "annotation"}:
                cell.remove(child)


def _row(element: "etree._Element", row: int, table: _Table) -> None:
    column = 0
    shown_row: list[str] = []
    for each in element.iterchildren(*_CELLS):
        count = _repeated(each, "number-columns-repeated", _MOST_COLUMNS)
        if len(each) or each.attrib:
            _cell(each, row, column, table, shown_row)
            alike = (
                min(count, _MOST_ALIKE) if count > 1 and _DIGITS.fullmatch("".join(map(str, each.itertext()))) else 1
            )
            for again in range(1, alike):
                _cell(each, row, column + again, table, shown_row)
        column += count
        if column > _MOST_COLUMNS:
            break
    if table.hidden and len(shown_row) > 2:
        table.shown.append(joined_cells("\t".join(shown_row)))


def _cell(element: "etree._Element", row: int, column: int, table: _Table, shown_row: list[str]) -> None:
    shown = " ".join(_plain(p) for p in element.iterchildren("{*}p"))
    kind = attribute(element, "value-type")
    stored = attribute(element, f"{kind}-value" if kind in {"date", "time", "boolean", "string"} else "value")
    formula = attribute(element, "formula")
    if shown or stored:
        table.cells.append(Cell(row, column, shown or stored, stored))
        if column not in table.hidden:
            shown_row.append(shown)
        try:
            table.values[column + 1, row + 1] = float(stored) if kind == "float" else shown or stored
        except ValueError:
            table.values[column + 1, row + 1] = shown
    elif formula:
        table.values[column + 1, row + 1] = "=" + _plain_formula(formula)
    if formula:
        table.formulas.append((row, column, _plain_formula(formula)))
    for note in element.iterchildren("{*}annotation"):
        text = "\n".join("".join(map(str, p.itertext())) for p in note.iter("{*}p", "{*}h", "{*}creator"))
        table.notes.append((reference(row, column), text))


def _plain(paragraph: "etree._Element") -> str:
    out = [paragraph.text or ""]
    for element in paragraph.iterdescendants():
        if local(element) == "s":
            out.append(" ")
        out += [element.text or "" if isinstance(element.tag, str) else "", element.tail or ""]
    return "".join(out)


def _plain_formula(formula: str) -> str:
    """`of:=[.A1]&[$Other.B2]` as `A1&Other!B2`."""
    text = formula.partition("=")[2] if ":" in formula[:8] else formula.removeprefix("=")

    def address(match: re.Match[str]) -> str:
        return _ONE.sub(lambda one: f"{one[1]}!{one[2]}" if one[1] else one[2], match[1])

    return _ADDRESS.sub(address, text)


def _beside(title: str, table: _Table, calculator: Calculator) -> Iterator[Piece]:
    texts: list[tuple[str, str]] = []
    for row, column, formula in table.formulas:
        place = reference(row, column)
        if '"' in formula:
            texts.append((place, formula))
        if _WORKED_OUT.search(formula):
            result = calculator.result(formula, table.name)
            if result and result != table.values.get((column + 1, row + 1)):
                texts.append((place, result))
    for label, pairs in (("", texts), ("comments", table.notes)):
        out: list[str] = []
        marks: list[tuple[int, str]] = []
        size = 0
        for place, text in pairs:
            marks.append((size, place))
            out.append(f"{text}\n")
            size += len(text) + 1
        if out:
            yield Piece(f"{title} > {label}" if label else title, "".join(out), tuple(marks))
    shown = "\n".join(text for text in table.shown if text)
    if shown:
        yield Piece(f"{title} > without hidden columns", shown)


def _repeated(element: "etree._Element", name: str, most: int) -> int:
    said = attribute(element, name)
    return max(1, min(most, int(said))) if said.isdecimal() and len(said) < 9 else 1
