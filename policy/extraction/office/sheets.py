"""Sheets of a workbook (SpreadsheetML): cells as displayed and as stored, in blocks a person can find."""

import re
from bisect import bisect
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import BytesIO
from typing import Final

from lxml import etree

from policy.extraction.cells.format import displayed, displayed_text, written_out
from policy.extraction.cells.grid import Cell, Piece, Rows, pieces_of, reference
from policy.extraction.office.workbooks import Book, place_of, read_book, rich_text, unescaped
from policy.extraction.xmltext import local, loose_text

__all__ = ["Book", "read_book", "read_sheet"]
_CODES: Final = re.compile(
    r'&(?:"[^"]*"|[0-9]{1,3} ?|K[0-9A-Fa-f]{6}|K[0-9]{2}[+-][0-9]{3}|[BIUESXYOHLCR]|[A-Z])', re.I
)
_NO_RESULT: Final = frozenset({"", "0"})  # what programs write that work out nothing
_MAKES_TEXT: Final = re.compile(r"&|\b(?:CONCAT|TEXTJOIN|TEXT\(|CHAR\(|UNICHAR\(|REPT\()", re.I)
_WORKED_OUT: Final = re.compile(r"[&\"]|\b(?:CONCAT|TEXT|CHAR|UNICHAR|REPT|SUBSTITUTE|REPLACE)", re.I)
_OF_CONSTANTS: Final = re.compile(r"\{[^{}]{0,40}\d[^{}]{0,40}[,;]")  # an array that the formula holds itself
_CONSTANT: Final = re.compile(r"(?<![A-Za-z$\d.])\d{5,}")
_REFERENCE: Final = re.compile(r"\$?\b[A-Za-z]{1,3}\$?\d{1,7}\b(?![(.])|!")
_FEW_DIGITS: Final = 3
_PLAIN_NUMBER: Final = re.compile(r"-?\d{1,15}(?:\.\d{1,15})?")
_SQUARE: Final = re.compile(r"([A-Z]{1,3}\d{1,7})(?::([A-Z]{1,3}\d{1,7}))?\Z")
_MOST_FORMULAS: Final = 20_000  # of one sheet, told word by word
_MOST_CONDITIONS: Final = 50
_MOST_CONDITIONAL: Final = 5_000  # cells shown once more, in the formats of conditions
_MOST_SHARED: Final = 5_000
_NARROW: Final = 0.5  # digits


@dataclass(slots=True)
class _Sheet:
    """One sheet while its rows go by."""

    title: str
    name: str
    book: Book
    rows: Rows = field(default_factory=Rows)
    formulas: list[tuple[str, str]] = field(default_factory=list)  # (cell, formula or what it comes to)
    numbers: list[Cell] = field(default_factory=list)  # for the formats of conditions
    has_conditions: bool = False
    shared: dict[str, tuple[str, int, int]] = field(default_factory=dict)

    def cells(self, row: "etree._Element", number: int) -> Iterator[Cell]:
        """The cells of a row that hold something."""
        found: list[Cell] = []
        styles: list[str] = []  # of those found
        column = -1
        for element in row:
            place = place_of(element.get("r", ""))
            column, line = place if place else (column + 1, number)
            shown, stored, formula, code = self._cell(element, column, line)
            if formula:
                worked_out = self._formula(formula, column, line, cached=shown)
                if not shown and (not worked_out or _PLAIN_NUMBER.fullmatch(worked_out)):
                    stored = worked_out or self._number(formula)
                    self.book.lost |= not stored and self.book.calculator.lost and may_hold_a_number(formula)
                    is_formatted = bool(stored and code)
                    shown = displayed(stored, code, from_1904=self.book.from_1904) if is_formatted else stored
                shown = shown or worked_out
                if worked_out and worked_out not in {shown, stored}:
                    self.formulas.append((reference(line, column), worked_out))
            if not shown and not stored:
                continue
            cell = Cell(line, column, shown, stored)
            if found and column < found[-1].column:
                at = bisect(found, column, key=lambda one: one.column)  # in the order they stand in
                found.insert(at, cell)
                styles.insert(at, element.get("s", ""))
            else:
                found.append(cell)
                styles.append(element.get("s", ""))
            if self.has_conditions and stored and len(self.numbers) < _MOST_CONDITIONAL:
                self.numbers.append(cell)
        self.rows.add(found, styles)
        yield from found

    def _cell(self, cell: "etree._Element", column: int, row: int) -> tuple[str, str, str, str]:
        """A cell as displayed, as stored, its formula, and the format of its numbers."""
        value = formula = inline = ""
        for child in cell:
            name = local(child)
            if name == "v":
                value = child.text or ""
            elif name == "f":
                formula = self._shared(child, column, row)
            elif name == "is":
                inline = rich_text(child, self.book.beside)
        kind = cell.get("t", "n")
        style = cell.get("s", "")
        at = int(style) if style.isdecimal() and len(style) < 6 else len(self.book.formats)
        code = self.book.formats[at] if at < len(self.book.formats) else ""
        if kind != "n" or inline:
            text = self.book.shared(value) if kind == "s" else inline or unescaped(value)
            shown = displayed_text(text, code) if "@" in code else text
            return shown, "" if shown == text else text, formula, code
        stored = written_out(value)
        return displayed(stored, code, from_1904=self.book.from_1904) if code else stored, stored, formula, code

    def _number(self, formula: str) -> str:
        """What a formula comes to whose result was not saved, where that is a number, to be shown by its format."""
        text, _, moved = formula.partition("\0")
        across, _, down = moved.partition("\0")
        result = self.book.calculator.result(text, self.name, int(across or 0), int(down or 0)) or ""
        return result if _PLAIN_NUMBER.fullmatch(result) else ""

    def _shared(self, element: "etree._Element", column: int, row: int) -> str:
        """A formula's text. One that several cells share stands in the first of them."""
        text = element.text or ""
        if element.get("t") == "shared":
            key = element.get("si", "")
            if text and len(self.shared) < _MOST_SHARED:
                self.shared[key] = (text, column, row)
            elif key in self.shared:
                text, first, top = self.shared[key]
                return f"{text}\0{column - first}\0{row - top}"
        return text

    def _formula(self, formula: str, column: int, row: int, *, cached: str) -> str:
        """What it comes to, where it makes a text; its own words are told too."""
        text, _, moved = formula.partition("\0")
        if '"' in text and not moved and len(self.formulas) < _MOST_FORMULAS:
            self.formulas.append((reference(row, column), text))
        if not _WORKED_OUT.search(text):
            self.book.lost |= cached in _NO_RESULT and bool(_OF_CONSTANTS.search(text))
            return ""
        across, _, down = moved.partition("\0")
        result = self.book.calculator.result(text, self.name, int(across or 0), int(down or 0))
        self.book.lost |= self.book.calculator.lost and cached in _NO_RESULT and bool(_MAKES_TEXT.search(text))
        self.book.lost |= cached in _NO_RESULT and bool(_OF_CONSTANTS.search(text))
        return result or ""


def may_hold_a_number(formula: str) -> bool:
    """Whether what a formula comes to may be a number that stands in it, and not in other cells."""
    text = formula.partition("\0")[0]
    if _CONSTANT.search(text):
        return True
    return _REFERENCE.search(text) is None and sum(char.isdigit() for char in text) >= _FEW_DIGITS


def read_sheet(data: bytes, title: str, book: Book) -> Iterator[Piece]:
    """All rows of one sheet, then what stands around them. Raises one of BROKEN_XML."""
    name = next((each for each, part in book.sheets.items() if part is data), title)
    sheet = _Sheet(title, name, book)
    sheet.has_conditions = any(book.conditional) and b"conditionalFormatting" in data
    rest: list[etree._Element] = []
    yield from pieces_of(title, _rows(data, sheet, rest))
    yield from _beside(sheet)
    if rest:
        yield from _around(rest[0], sheet)


def _rows(data: bytes, sheet: _Sheet, rest: "list[etree._Element]") -> Iterator[Cell]:
    """The cells of all rows; what is left of the tree behind them goes into `rest`."""
    events = etree.iterparse(
        BytesIO(data), events=("end",), tag=("{*}row", "{*}cols", "{*}sheetView"), resolve_entities=False,
        no_network=True, huge_tree=False, remove_comments=True, remove_pis=True,
    )  # fmt: skip
    number = -1
    for _, element in events:
        if local(element) == "cols":
            sheet.rows.hidden = _hidden_columns(element)
            continue
        if local(element) == "sheetView":
            sheet.rows.leftwards |= element.get("rightToLeft", "0") in {"1", "true"}
            continue
        said = element.get("r", "")
        number = int(said) - 1 if said.isdecimal() and len(said) < 9 else number + 1
        yield from sheet.cells(element, number)
        element.clear()
        parent = element.getparent()
        while parent is not None and element.getprevious() is not None:
            del parent[0]
    if events.root is not None:
        rest.append(events.root)


def _hidden_columns(columns: "etree._Element") -> set[int]:
    hidden: set[int] = set()
    for column in columns:
        first, last = column.get("min", ""), column.get("max", "")
        is_hidden = column.get("hidden", "0") in {"1", "true"} or _is_narrow(column.get("width", ""))
        if is_hidden and first.isdecimal() and last.isdecimal() and len(first) < 6 and len(last) < 6:
            hidden.update(range(int(first) - 1, min(int(last), 16_384)))
    return hidden


def _is_narrow(width: str) -> bool:
    """Whether a column has no room for half a digit."""
    return (
        width[:2] in {"0", "0."}
        and len(width) < 40
        and width.replace(".", "", 1).isdecimal()
        and float(width) < _NARROW
    )


def _beside(sheet: _Sheet) -> Iterator[Piece]:
    """Formulas and what they come to; rows without hidden columns."""
    texts: list[str] = []
    marks: list[tuple[int, str]] = []
    size = 0
    for place, text in sheet.formulas:
        marks.append((size, place))
        texts.append(f"{text}\n")
        size += len(text) + 1
    if texts:
        yield Piece(sheet.title, "".join(texts), tuple(marks))
    yield from sheet.rows.piece(sheet.title)


def _around(root: "etree._Element", sheet: _Sheet) -> Iterator[Piece]:
    """Headers and footers without their codes, messages to who fills in cells, formats of conditions."""
    texts = [loose_text(root)]
    for group in root.iter("{*}headerFooter"):
        texts += [_CODES.sub("", each.text or "") for each in group if isinstance(each.tag, str)]
    text = "\n".join(text for text in texts if text.strip())
    if text:
        yield Piece(f"{sheet.title} > around the cells", text)
    if sheet.numbers:
        yield from pieces_of(sheet.title, _conditional(root, sheet))


def _conditional(root: "etree._Element", sheet: _Sheet) -> Iterator[Cell]:
    """Cells as they look where a condition gives them another format; each condition is taken to hold."""
    found: dict[tuple[int, int], Cell] = {}
    groups = list(root.iter("{*}conditionalFormatting"))[:_MOST_CONDITIONS]
    for group in groups:
        numbers = [rule.get("dxfId", "") for rule in group.iter("{*}cfRule")]
        codes = [
            sheet.book.conditional[int(number)]
            for number in numbers
            if number.isdecimal() and len(number) < 6 and int(number) < len(sheet.book.conditional)
        ]
        squares = [
            match for part in group.get("sqref", "").split()[:_MOST_CONDITIONS] if (match := _SQUARE.match(part))
        ]
        code = next((each for each in codes if each), "")
        if not code:
            continue
        for square in squares:
            first, last = place_of(square[1]), place_of(square[2] or square[1])
            for cell in sheet.numbers if first and last else ():
                assert first and last
                if first[0] <= cell.column <= last[0] and first[1] <= cell.row <= last[1]:
                    shown = displayed(cell.stored, code, from_1904=sheet.book.from_1904)
                    found[cell.row, cell.column] = Cell(cell.row, cell.column, shown, cell.stored)
    yield from (found[key] for key in sorted(found))
