"""Sheets of an OpenDocument spreadsheet: cells as displayed and as stored, comments, formulas."""

import re
from bisect import bisect
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from lxml import etree

from policy.extraction.cells.formulas import Calculator
from policy.extraction.cells.functions import Value
from policy.extraction.cells.grid import Cell, Piece, Rows, pieces_of, reference
from policy.extraction.cells.values import text_of
from policy.extraction.office.sheets import may_hold_a_number
from policy.extraction.opendocument.formats import shown_by
from policy.extraction.opendocument.styles import OdfStyles
from policy.extraction.text.pieces import without_kinds
from policy.extraction.xmltext import attribute, local

_CELLS: Final = ("{*}table-cell", "{*}covered-table-cell")
_ADDRESS: Final = re.compile(r"\[([^\[\]]{1,200})\]")
_ONE: Final = re.compile(r"(?:\$?('(?:[^']|'')*'|[^.'$]*))?\.(\$?[A-Z]{1,3}\$?\d{1,7})")
_WORKED_OUT: Final = re.compile(r"[&\"]|\b(?:CONCAT|TEXT|CHAR|UNICHAR|REPT|SUBSTITUTE|REPLACE)", re.I)
_DIGITS: Final = re.compile(r"\s*[0-9-]{1,6}\s*")
_MOST_COLUMNS: Final = 16_384
_MOST_ROWS: Final = 1_100_000
_BEFORE: Final = 80  # characters
_MOST_BEFORE: Final = 40  # cells of a row
_MOST_ALIKE: Final = 40  # cells of the same value side by side: digits of a number may be


@dataclass(slots=True)
class _Table:
    """One sheet's cells as they come, and what its formulas ask for."""

    name: str
    rows: Rows = field(default_factory=Rows)
    cells: list[Cell] = field(default_factory=list)
    values: dict[tuple[int, int], Value] = field(default_factory=dict)
    formulas: list[tuple[int, int, str]] = field(default_factory=list)
    notes: list[tuple[str, str]] = field(default_factory=list)
    columns: list[tuple[int, str]] = field(default_factory=list)  # from which one on cells have a style of the column's
    beside: list[tuple[int, int, str]] = field(default_factory=list)  # other texts of cells: as saved, without odd runs


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
            style = attribute(element, "style-name")
            table = _Table(attribute(element, "name"), Rows(leftwards=style in styles.leftwards))
            hidden = " (hidden)" if style in styles.hidden else ""
            _read(element, table, styles)
            every.by_name[table.name] = table
            tables.append((table.name + hidden, table))
    calculator = Calculator(every)
    for title, table in tables:
        yield from pieces_of(title, table.cells)
        yield from _beside(title, table, calculator)


def _read(element: "etree._Element", table: _Table, styles: OdfStyles) -> None:
    column = 0
    for each in element.iter("{*}table-column"):
        count = _repeated(each, "number-columns-repeated", _MOST_COLUMNS)
        if attribute(each, "visibility") in {"collapse", "filter"}:
            table.rows.hidden.update(range(column, min(column + count, _MOST_COLUMNS)))
        table.columns.append((column, attribute(each, "default-cell-style-name")))
        column += count
    row = 0
    for each in element.iter("{*}table-row"):
        if row > _MOST_ROWS:
            break
        _row(each, row, table, styles)
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


def _row(element: "etree._Element", row: int, table: _Table, styles: OdfStyles) -> None:
    column, first = 0, len(table.cells)
    default = attribute(element, "default-cell-style-name")
    looks: list[str] = []
    for each in element.iterchildren(*_CELLS):
        count = _repeated(each, "number-columns-repeated", _MOST_COLUMNS)
        if len(each) or each.attrib:
            style = attribute(each, "style-name") or default or _of_column(table, column)
            _cell(each, row, column, table, styles.codes.get(style, ""))
            alike = (
                min(count, _MOST_ALIKE) if count > 1 and _DIGITS.fullmatch("".join(map(str, each.itertext()))) else 1
            )
            for again in range(1, alike):
                _cell(each, row, column + again, table, styles.codes.get(style, ""))
            looks += [style] * (len(table.cells) - first - len(looks))
        column += count
        if column > _MOST_COLUMNS:
            break
    table.rows.add(table.cells[first:], looks)


def _of_column(table: _Table, column: int) -> str:
    """The style that a column's cells have where they say none."""
    at = bisect(table.columns, column, key=lambda each: each[0]) - 1
    return table.columns[at][1] if at >= 0 else ""


def _cell(element: "etree._Element", row: int, column: int, table: _Table, code: str) -> None:
    paragraphs = list(element.iterchildren("{*}p"))
    shown = " ".join(_plain(p) for p in paragraphs)
    kind = attribute(element, "value-type")
    stored = attribute(element, f"{kind}-value" if kind in {"date", "time", "boolean", "string"} else "value")
    formula = attribute(element, "formula")
    formatted = shown_by(code, kind, stored or (shown if kind == "string" else ""))
    others = [text for p in paragraphs if len(p) for text in without_kinds(_runs(p))]
    if formatted and formatted != shown:
        others, shown = [*others, shown], formatted
    table.beside += [(row, column, text) for text in others if text]
    if shown or stored:
        table.cells.append(Cell(row, column, shown or stored, stored))
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


def _runs(paragraph: "etree._Element") -> list[tuple[str, str]]:
    """(text, style) of what stands in a paragraph of a cell."""
    pieces = [(paragraph.text or "", "")]
    for each in paragraph:
        pieces += [("".join(map(str, each.itertext())), attribute(each, "style-name")), (each.tail or "", "")]
    return [piece for piece in pieces if piece[0]]


def _plain_formula(formula: str) -> str:
    """`of:=[.A1]&[$Other.B2]` as `A1&Other!B2`."""
    text = formula.partition("=")[2] if ":" in formula[:8] else formula.removeprefix("=")

    def address(match: re.Match[str]) -> str:
        return _ONE.sub(lambda one: f"{one[1]}!{one[2]}" if one[1] else one[2], match[1])

    return _ADDRESS.sub(address, text)


def _beside(title: str, table: _Table, calculator: Calculator) -> Iterator[Piece]:
    texts: list[tuple[str, str]] = []
    others = list(table.beside)
    for row, column, formula in table.formulas:
        place = reference(row, column)
        if '"' in formula:
            texts.append((place, formula))
        if _WORKED_OUT.search(formula) or may_hold_a_number(formula):
            result = calculator.result(formula, table.name)
            if result and result != _as_text(table.values.get((column + 1, row + 1))):
                others.append((row, column, result))
    for label, pairs in (("", [*texts, *_in_rows(others, table)]), ("comments", table.notes)):
        out: list[str] = []
        marks: list[tuple[int, str]] = []
        size = 0
        for place, text in pairs:
            marks.append((size, place))
            out.append(f"{text}\n")
            size += len(text) + 1
        if out:
            yield Piece(f"{title} > {label}" if label else title, "".join(out), tuple(marks))
    yield from table.rows.piece(title)


def _in_rows(others: list[tuple[int, int, str]], table: _Table) -> Iterator[tuple[str, str]]:
    """Other texts of cells, behind what stands in front of them in their rows."""
    rows: dict[int, list[Cell]] = {row: [] for row, _, _ in others}
    for cell in table.cells:
        if cell.row in rows and len(rows[cell.row]) < _MOST_BEFORE:
            rows[cell.row].append(cell)
    for row, column, text in others:
        before = "\t".join(cell.shown for cell in rows[row] if cell.column < column)[-_BEFORE:]
        yield reference(row, column), f"{before}\t{text}" if before else text


def _as_text(value: Value | None) -> str:
    return "" if value is None else text_of(value)


def _repeated(element: "etree._Element", name: str, most: int) -> int:
    said = attribute(element, name)
    return max(1, min(most, int(said))) if said.isdecimal() and len(said) < 9 else 1
