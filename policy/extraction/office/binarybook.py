"""Binary workbooks (xlsb, [MS-XLSB]): cells, notes, headers and all other texts of the parts that end in .bin."""

import re
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from policy.extraction.cells.format import BUILTIN_FORMATS, displayed, plain_number
from policy.extraction.cells.grid import Cell, Piece, Rows, pieces_of, reference
from policy.extraction.office97.biff import packed_number, without_fonts
from policy.extraction.text.runs import wide_runs

_ROW, _RK, _REAL, _TEXT, _SHARED, _FORMULA_TEXT, _FORMULA_NUMBER, _RICH = 0, 2, 5, 6, 7, 8, 9, 62
_SHORT: Final = {
    13: 2,
    16: 5,
    17: 6,
    18: 7,
}  # cells that say no column: the one behind the last, as a cell of that type
_ITEM, _FORMAT, _LOOK, _LOOKS_BEGIN, _LOOKS_END, _SHEET, _SETTINGS = 19, 44, 47, 617, 618, 156, 153
_VALUES: Final = frozenset({_RK, _REAL, _TEXT, _SHARED, _FORMULA_TEXT, _FORMULA_NUMBER, _RICH})
_CELLS: Final = frozenset({1, 3, 4, 10, 11, *_VALUES})
_COMMENT, _COMMENT_TEXT, _HEADERS = 635, 637, 479
_COLUMNS, _VIEW = 60, 137
_FROM_THE_RIGHT: Final = 0x20
_NARROW: Final = 128  # 256ths of a digit
_LAST_COLUMN: Final = 16_383
_MOST_RUNS: Final = 4_000
_PATH: Final = re.compile(r"xl/(worksheets|chartsheets|dialogsheets|macrosheets)/", re.I)
# Looks, places, sizes: no words.
_SILENT: Final = frozenset({43, 45, 46, 48, 50, 51, 60, 129, 130, 137, 148, 151, 176, 476, 485, 486})


@dataclass(slots=True)
class _Book:
    texts: list[str] = field(default_factory=list)
    codes: dict[int, str] = field(default_factory=dict)
    looks: list[int] = field(default_factory=list)
    from_1904: bool = False

    def number(self, value: float, look: int) -> tuple[str, str]:
        stored = plain_number(value)
        code = self.looks[look] if look < len(self.looks) else 0
        return displayed(stored, self.codes.get(code, BUILTIN_FORMATS.get(code, "")), from_1904=self.from_1904), stored


def is_binary_part(name: str) -> bool:
    """Whether a part of a package is one of those read here."""
    low = name.lower()
    return low.startswith("xl/") and low.endswith(".bin") and "printersettings" not in low and "vbaproject" not in low


def read_binary_book(parts: Mapping[str, bytes], targets: Mapping[str, str]) -> tuple[list[Piece], bool]:
    """All parts of a workbook that `is_binary_part` names, and whether they are whole.

    `targets` are the parts by their ids in the workbook's relationships, as `worksheets/sheet1.bin`.
    """
    book = _Book()
    pieces: list[Piece] = []
    names: dict[str, str] = {}
    whole = True
    ordered = sorted(parts, key=lambda name: (bool(_PATH.match(name)), name))
    for name in ordered:
        if not _PATH.match(name):
            whole &= _shared(name, parts[name], book, names, pieces)
    titles = {_absolute(targets.get(link, "")): title for link, title in names.items()}
    for name in ordered:
        if _PATH.match(name):
            title = titles.get(name.lower()) or name.rpartition("/")[2].removesuffix(".bin")
            sheet = _Sheet(title, book)
            pieces += pieces_of(title, sheet.rows.follow(sheet.cells(parts[name])))
            pieces += sheet.rows.piece(title)
            pieces += sheet.around()
            whole &= sheet.is_whole
    return pieces, whole


def _absolute(target: str) -> str:
    target = target.lstrip("/")
    return (target if target.startswith("xl/") else f"xl/{target}").lower()


def _records(data: bytes) -> Iterator[tuple[int, bytes]]:
    """(type, bytes) of each record (2.1.4); one of type -1 where the part is cut short."""
    at = 0
    while at < len(data):
        kind = data[at]
        at += 1
        if kind & 0x80 and at < len(data):
            kind = kind & 0x7F | (data[at] & 0x7F) << 7
            at += 1
        size = shift = 0
        while at < len(data) and shift < 28:
            byte = data[at]
            size |= (byte & 0x7F) << shift
            at += 1
            shift += 7
            if not byte & 0x80:
                break
        if at + size > len(data):
            yield -1, data[at:]
            return
        yield kind, data[at : at + size]
        at += size


def _text(data: bytes, at: int) -> str:
    """A text with its length in four bytes. Raises struct.error."""
    (count,) = struct.unpack_from("<I", data, at)
    return "" if count == 0xFFFF_FFFF else data[at + 4 : at + 4 + 2 * count].decode("utf-16-le", "replace")


def _shared(part: str, data: bytes, book: _Book, names: dict[str, str], pieces: list[Piece]) -> bool:
    """Parts that are no sheets: texts, formats, names of sheets, notes, all others."""
    loose: list[str] = []
    in_looks = False
    whole = True
    cell = ""
    for kind, record in _records(data):
        try:
            if kind == _ITEM:
                book.texts.append(_text(record, 1))
                loose += _without_fonts(record, book.texts[-1])
            elif kind == _FORMAT:
                book.codes[int.from_bytes(record[:2], "little")] = _text(record, 2)
                loose.append(_text(record, 2) if '"' in _text(record, 2) else "")
            elif kind in (_LOOKS_BEGIN, _LOOKS_END):
                in_looks = kind == _LOOKS_BEGIN
            elif kind == _LOOK:
                book.looks += [int.from_bytes(record[2:4], "little")] * in_looks
            elif kind == _SETTINGS:
                book.from_1904 = bool(record[0] & 1)
            elif kind == _SHEET:
                link = _text(record, 8)
                name = _text(record, 12 + 2 * len(link))
                names[link] = name + (" (hidden)" if record[0] else "")
                loose.append(name)
            elif kind == _COMMENT:
                row, column = struct.unpack_from("<I4xI", record, 4)
                cell = reference(row, column)
            elif kind == _COMMENT_TEXT:
                pieces.append(Piece(f"note at {cell}" if cell else "note", _text(record, 1)))
            elif kind not in _SILENT:
                loose.append(wide_runs(record))
        except (struct.error, IndexError, OverflowError):
            whole = False
        whole &= kind >= 0
    text = "\n".join(dict.fromkeys(filter(str.strip, loose)))
    if text:
        pieces.append(Piece(part.rpartition("/")[2].removesuffix(".bin"), text))
    return whole


def _without_fonts(record: bytes, text: str) -> list[str]:
    """What a text of several fonts shows without each that stands within its numbers (2.5.122)."""
    at = 5 + len(text.encode("utf-16-le", "surrogatepass"))
    if not record[:1] or not record[0] & 1 or at + 4 > len(record):
        return []
    (count,) = struct.unpack_from("<I", record, at)
    runs = record[at + 4 : at + 4 + 4 * min(count, _MOST_RUNS)]
    return without_fonts(text, list(struct.iter_unpack("<HH", runs[: len(runs) & ~3])))


class _Sheet:
    """One sheet: its cells, and what stands around them."""

    def __init__(self, title: str, book: _Book) -> None:
        self._title = title
        self._book = book
        self._loose: list[str] = []
        self._headers: list[str] = []
        self.rows = Rows()
        self.is_whole = True

    def cells(self, data: bytes) -> Iterator[Cell]:
        """Cell by cell, as they come."""
        row, column = 0, -1
        for kind, record in _records(data):
            try:
                if kind == _ROW:
                    (row,) = struct.unpack_from("<I", record)
                    column = -1
                elif kind in _SHORT or kind in (12, 14, 15):
                    column += 1
                    if kind in _SHORT:
                        yield self._cell(_SHORT[kind], row, struct.pack("<I", column) + record)
                elif kind in _CELLS:
                    (column,) = struct.unpack_from("<I", record)
                    if kind in _VALUES:
                        yield self._cell(kind, row, record)
                elif kind == _HEADERS:
                    self._header(record)
                elif kind == _COLUMNS:
                    first, last, width, _, flags = struct.unpack_from("<IIIIH", record)
                    if flags & 1 or width < _NARROW:
                        self.rows.hidden.update(range(first, min(last, _LAST_COLUMN) + 1))
                elif kind == _VIEW:
                    self.rows.leftwards |= bool(record[0] & _FROM_THE_RIGHT)
                elif kind not in _SILENT:
                    self._loose.append(wide_runs(record))
            except (struct.error, IndexError, OverflowError, ValueError):
                self.is_whole = False
            self.is_whole &= kind >= 0

    def _cell(self, kind: int, row: int, record: bytes) -> Cell:
        column, look = struct.unpack_from("<II", record)
        look &= 0xFF_FFFF
        if kind == _RK:
            return Cell(row, column, *self._book.number(packed_number(struct.unpack_from("<I", record, 8)[0]), look))
        if kind in (_REAL, _FORMULA_NUMBER):
            self._formula(record[16:] if kind == _FORMULA_NUMBER else b"")
            return Cell(row, column, *self._book.number(struct.unpack_from("<d", record, 8)[0], look))
        if kind == _SHARED:
            return Cell(row, column, self._book.texts[struct.unpack_from("<I", record, 8)[0]])
        text = _text(record, 9 if kind == _RICH else 8)
        self._formula(record[12 + 2 * len(text) :] if kind == _FORMULA_TEXT else b"")
        return Cell(row, column, text)

    def _formula(self, tokens: bytes) -> None:
        if tokens:
            self._loose.append(wide_runs(tokens))

    def _header(self, record: bytes) -> None:
        at = 2
        while at + 4 <= len(record):
            text = _text(record, at)
            at += 4 + 2 * len(text)
            self._headers.append(text)

    def around(self) -> Iterator[Piece]:
        """Headers and footers, and all other texts."""
        for label, texts in (("header and footer", self._headers), ("around the cells", self._loose)):
            text = "\n".join(dict.fromkeys(filter(str.strip, texts)))
            if text:
                yield Piece(f"{self._title} > {label}", text)
