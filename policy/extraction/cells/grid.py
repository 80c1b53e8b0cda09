"""Cells of a sheet as texts: rows in blocks, with a mark for every cell."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from policy.extraction.text.tables import joined_cells

_BLOCK: Final = 4_000  # characters of one part of a sheet
_LETTERS: Final = re.compile(r"[^\W\d_]")
_MANY_DIGITS: Final = re.compile(r"(?:\d[ -]?){5}")
_LONGEST_ROW: Final = 1024 * 1024  # characters; what lies behind them stands in a row of its own
_MOST_MARKED: Final = 50_000  # cells of a sheet with a mark each; behind them, rows
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
