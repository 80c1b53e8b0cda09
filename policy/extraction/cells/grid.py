"""Cells of a sheet as texts: rows in blocks, with a mark for every cell."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from policy.extraction.text.pieces import without_kinds
from policy.extraction.text.tables import joined_cells

_BLOCK: Final = 4_000  # characters of one part of a sheet
_LETTERS: Final = re.compile(r"[^\W\d_]")
_MANY_DIGITS: Final = re.compile(r"(?:\d[ -]?){5}")
_LONGEST_ROW: Final = 1024 * 1024  # characters; what lies behind them stands in a row of its own
_MOST_MARKED: Final = 50_000  # cells of a sheet with a mark each; behind them, rows
_MANY_CELLS: Final = 9  # of a row that may hold a number with a digit in each
_FEW: Final = 4  # characters of such a cell
_MOST_SHOWN: Final = 20_000  # rows
_LONGEST_LOOKED: Final = 16_384  # cells of a row
_HEAD: Final = 80  # characters of a heading that are kept

Marks = tuple[tuple[int, str], ...]


@dataclass(frozen=True, slots=True)
class Piece:
    """Some rows of one sheet, or what stands around them. `place` begins with the sheet; `marks` lead to each cell."""

    place: str = field(repr=False)
    text: str = field(repr=False)
    marks: Marks = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Cell:
    """`row` and `column` from 0; as displayed and, where that differs, as stored."""

    row: int
    column: int
    shown: str = field(repr=False)
    stored: str = field(default="", repr=False)


@dataclass(slots=True)
class Rows:
    """What rows show otherwise than cell by cell: without hidden columns, from the right, without a style of cells."""

    hidden: set[int] = field(default_factory=set)  # columns
    leftwards: bool = False  # columns from the right to the left
    lines: list[str] = field(default_factory=list)

    def add(self, cells: Sequence[Cell], styles: Sequence[str] = ()) -> None:
        """One row; `styles` of its cells, where they have any."""
        if len(self.lines) >= _MOST_SHOWN:
            return
        if len(cells) >= _MANY_CELLS and styles:
            self.lines += _without_looks(cells, styles)
        if self.leftwards:
            self.lines.append(joined_cells("\t".join(cell.shown for cell in reversed(cells))))
        if self.hidden:
            shown = [cell.shown for cell in cells if cell.column not in self.hidden]
            if len(shown) > 2:
                self.lines.append(joined_cells("\t".join(shown)))

    def follow(self, cells: Iterable[Cell]) -> Iterator[Cell]:
        """The cells of a sheet as they come, row by row."""
        row: list[Cell] = []
        for cell in cells:
            if row and (cell.row != row[0].row or len(row) >= _LONGEST_LOOKED):
                self.add(row)
                row = []
            row.append(cell)
            yield cell
        self.add(row)

    def piece(self, title: str) -> Iterator[Piece]:
        """All of it, if there is any."""
        if text := "\n".join(line for line in self.lines if line):
            yield Piece(f"{title} > without hidden columns", text)


def _without_looks(cells: Sequence[Cell], styles: Sequence[str]) -> Iterator[str]:
    """A row of many short cells without those of each style, and without those whose format shows nothing."""
    shown = [(cell.shown, style) for cell, style in zip(cells, styles, strict=True) if cell.shown]
    texts = [text for text, _ in shown]
    if len(shown) < len(cells):
        yield joined_cells("\t".join(texts))
    if len(set(styles)) > 1 and sum(len(text) < _FEW for text in texts) >= _MANY_CELLS:
        yield from without_kinds([(text if text.isdigit() else f"{text} ", style) for text, style in shown])


def column_name(number: int) -> str:
    """0 is A, 26 is AA."""
    letters = ""
    number += 1
    while number > 0:
        number, rest = divmod(number - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


def reference(row: int, column: int) -> str:
    """`B7`, both from 0."""
    return f"{column_name(column)}{row + 1}"


def pieces_of(title: str, cells: Iterable[Cell]) -> Iterator[Piece]:
    """All cells of one sheet, which come row by row; cells out of order begin a new row."""
    gather = _Gather(title)
    row: list[Cell] = []
    size = 0
    for cell in cells:
        size += len(cell.shown) + len(cell.stored)
        if row and (cell.row != row[0].row or cell.column <= row[-1].column or size > _LONGEST_ROW):
            gather.row(row)
            row = []
            size = 0
            if gather.size > _BLOCK:
                yield from gather.flush()
        row.append(cell)
    gather.row(row)
    yield from gather.flush()


class _Text:
    """Lines with marks."""

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._marks: list[tuple[int, str]] = []
        self.size = 0

    def add(self, text: str, mark: str = "") -> None:
        if mark:
            self._marks.append((self.size, mark))
        self._pieces.append(text)
        self.size += len(text)

    def take(self) -> tuple[str, Marks]:
        taken = "".join(self._pieces), tuple(self._marks)
        self._pieces, self._marks, self.size = [], [], 0
        return taken


class _Gather:
    """Rows until a block is full."""

    def __init__(self, title: str) -> None:
        self._title = title
        self._heads: dict[int, str] = {}
        self._lines = _Text()
        self._labelled = _Text()
        self._joined = _Text()
        self._marked = 0

    @property
    def size(self) -> int:
        return self._lines.size + self._labelled.size

    def row(self, cells: list[Cell]) -> None:
        """Add one row."""
        if not cells:
            return
        self._label(cells)
        first = reference(cells[0].row, cells[0].column)
        self._marked += len(cells)
        texts: list[str] = []
        for number, cell in enumerate(cells):
            text = cell.shown if cell.shown == cell.stored or not cell.stored else f"{cell.shown} {cell.stored}"
            text = text.replace("\n", " ").replace("\t", " ")
            texts.append(text)
            if number:
                self._lines.add("\t")
            if self._marked <= _MOST_MARKED:
                self._lines.add(text, reference(cell.row, cell.column))
            else:
                self._lines.add(text, "" if number else f"row {cell.row + 1}")
        self._lines.add("\n")
        joined = joined_cells("\t".join(texts)) if len(texts) > 2 else ""
        if joined:
            self._joined.add(f"{joined}\n", first)

    def _label(self, cells: list[Cell]) -> None:
        """Numbers together with the heading of their column, which stands far above them."""
        numbers = [cell for cell in cells if _MANY_DIGITS.search(cell.shown) or _MANY_DIGITS.search(cell.stored)]
        for cell in numbers:
            if cell.column in self._heads:
                self._labelled.add(f"{self._heads[cell.column]}: {cell.shown}\n", reference(cell.row, cell.column))
        if not numbers:
            heads = {cell.column: cell.shown[:_HEAD] for cell in cells if _LETTERS.search(cell.shown)}
            if len(heads) > 1 or not self._heads:
                self._heads.update(heads)

    def flush(self) -> Iterator[Piece]:
        """The block so far."""
        for part in (self._lines, self._labelled, self._joined):
            text, marks = part.take()
            if text:
                yield Piece(self._title, text, marks)
