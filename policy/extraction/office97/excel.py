"""Excel 5 to 2003 workbooks ([MS-XLS]): cells as displayed and as stored, notes, text boxes, headers, everything else.

Records that are not known here give the runs of characters in them, so that nothing with words in it is left out.
"""

import re
import struct
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from policy.extraction.cells.format import BUILTIN_FORMATS, displayed, displayed_text, plain_number
from policy.extraction.cells.grid import Cell, Piece, Rows, pieces_of, reference
from policy.extraction.office97.biff import (
    Pieces,
    Record,
    charset_of,
    narrow_text,
    packed_number,
    records,
    shared_texts,
    short_text,
    wide_text,
)
from policy.extraction.text.runs import all_runs

_BOF, _EOF, _CODEPAGE, _1904, _SHEET, _SST, _FORMAT, _XF = 0x809, 0x0A, 0x42, 0x22, 0x85, 0xFC, 0x41E, 0xE0
_LABEL, _RSTRING, _LABELSST, _NUMBER, _RK, _MULRK, _FORMULA, _STRING = (
    0x204,
    0xD6,
    0xFD,
    0x203,
    0x27E,
    0xBD,
    0x06,
    0x207,
)
_HEADER, _FOOTER, _NOTE, _OBJ, _TXO, _PIVOT_TEXT, _PIVOT_NUMBER = 0x14, 0x15, 0x1C, 0x5D, 0x1B6, 0xCD, 0xC9
_COLUMNS, _WINDOW = 0x7D, 0x23E
_FROM_THE_RIGHT: Final = 0x40
_NARROW: Final = 128  # 256ths of a digit
_LAST_COLUMN: Final = 255
_BIFF8: Final = 0x0600
_TEXT_TOKEN: Final = 0x17  # ptgStr, a text in a formula
# No words of their own: looks, places, sizes, pictures, settings of printers.
_SILENT: Final = frozenset(
    {0x26, 0x27, 0x28, 0x29, 0xA1, 0x31, 0x231, 0x293, 0x92, 0x208, 0xD7, 0x20B, 0x200, 0xFF, 0xE5, 0x7D, 0x4D, 0xEB,
     0x896, 0x87C, 0x87D, 0x892, 0x88D, 0x88E, 0x89B, 0x1AE, 0x17, 0xBE, 0x201, 0x205, 0x3D, 0x3E, 0x1D, 0x5C, 0xC1,
     0xE1, 0xE2, 0x13D, 0x1B7, 0x1C0}
)  # fmt: skip
_HEADER_CODE: Final = re.compile(r'&(?:"[^"]*"|[LCRPNDTFAGZBIUESXYOH+-]|K[0-9A-F]{6}|[0-9]{1,3}(?![0-9])|&)')
_PRINTABLE: Final = re.compile(r"[^\0-\x08\x0b\x0c\x0e-\x1f]+\Z")
_CELLS: Final = frozenset({_LABEL, _RSTRING, _LABELSST, _NUMBER, _RK, _MULRK, _FORMULA, _STRING})


@dataclass(slots=True)
class _Book:
    """What sheets share."""

    is_wide: bool = True
    charset: str = "cp1252"
    from_1904: bool = False
    texts: list[str] = field(default_factory=list)
    codes: dict[int, str] = field(default_factory=dict)
    looks: list[int] = field(default_factory=list)  # format by look of a cell
    sheets: dict[int, str] = field(default_factory=dict)  # title by place of its first record
    is_whole: bool = True

    def number(self, value: float, look: int) -> tuple[str, str]:
        """As displayed and as stored."""
        stored = plain_number(value)
        code = self.looks[look] if look < len(self.looks) else 0
        return displayed(stored, self.codes.get(code, BUILTIN_FORMATS.get(code, "")), from_1904=self.from_1904), stored

    def worded(self, text: str, look: int) -> tuple[str, str]:
        """A text as its format shows it and, where that differs, as stored."""
        code = self.codes.get(self.looks[look], "") if look < len(self.looks) else ""
        shown = displayed_text(text, code) if "@" in code else text
        return shown, "" if shown == text else text

    def text(self, data: bytes, at: int) -> str:
        """With its length in two bytes."""
        return wide_text(data, at) if self.is_wide else narrow_text(data, at, self.charset, bytes_of_length=2)


class Workbook:
    """A workbook's stream, and once it is read, whether nothing in it contradicts the rest."""

    def __init__(self) -> None:
        self._book = _Book()

    @property
    def is_whole(self) -> bool:
        """No record is cut short, no sheet without an end, no text missing."""
        return self._book.is_whole

    def read(self, stream: bytes) -> Iterator[Piece]:
        """All of it. Raises struct.error and IndexError where there is no workbook."""
        book = self._book
        loose: list[str] = []
        if stream[:2] != b"\x09\x08" or len(stream) < 8:
            raise struct.error("no workbook")
        book.is_wide = struct.unpack_from("<H", stream, 4)[0] >= _BIFF8
        rest = len(stream)
        for record in records(stream):
            if record.kind == _EOF:
                rest = record.at
                break
            _shared(record, book, loose)
        yield from _others("workbook", loose)
        for title, own in _sheets(stream, rest, book):
            yield from _sheet(title, own, book)


def read_pivot(stream: bytes) -> str:
    """The values that a pivot table keeps of its source (2.2.5)."""
    found: list[str] = []
    for record in records(stream):
        if record.kind == _PIVOT_TEXT:
            found.append(wide_text(record.data, 0))
        elif record.kind == _PIVOT_NUMBER and len(record.data) >= 8:
            found.append(plain_number(struct.unpack_from("<d", record.data)[0]))
    return "\n".join(found)


def _shared(record: Record, book: _Book, loose: list[str]) -> None:
    data = record.data
    if record.kind == _CODEPAGE:
        book.charset = charset_of(int.from_bytes(data[:2], "little"))
    elif record.kind == _1904:
        book.from_1904 = data[:2] == b"\1\0"
    elif record.kind == _SST:
        book.texts, others = shared_texts(record)
        loose += others
        book.is_whole &= len(book.texts) >= int.from_bytes(data[4:8], "little")
    elif record.kind == _SHEET:
        name = (short_text(data, 6) if book.is_wide else narrow_text(data, 6, book.charset, bytes_of_length=1)).strip(
            "\0"
        )
        hidden = " (hidden)" if data[4:5] != b"\0" else ""
        book.sheets[int.from_bytes(data[:4], "little")] = name + hidden
        loose.append(name)
    elif record.kind == _FORMAT:
        number = int.from_bytes(data[:2], "little")
        book.codes[number] = (
            wide_text(data, 2) if book.is_wide else narrow_text(data, 2, book.charset, bytes_of_length=1)
        )
        if '"' in book.codes[number]:
            loose.append(book.codes[number])
    elif record.kind == _XF:
        book.looks.append(int.from_bytes(data[2:4], "little"))
    elif record.kind not in _SILENT:
        loose.append(all_runs(b"".join(record.chunks)))


def _sheets(stream: bytes, start: int, book: _Book) -> Iterator[tuple[str, Iterable[Record]]]:
    """Each sheet with its records, to the next one: a chart within has a beginning and an end of its own."""
    title = ""
    own: list[Record] = []
    number = 0
    begun = 1 if start < len(stream) else 2  # the first part, whose end comes now
    sheets = set(book.sheets)
    for record in records(stream, start):
        book.is_whole &= record.is_whole
        begun += (record.kind == _BOF) - (record.kind == _EOF)
        sheets.discard(record.at)
        if begun == 0 and record.kind == 0:  # zeros behind the last
            continue
        if record.at in book.sheets or (record.kind == _BOF and not own and not title):
            if own:
                yield title, own
            number += 1
            title, own = book.sheets.get(record.at) or f"sheet {number}", []
        own.append(record)
    book.is_whole &= begun == 0 and not sheets
    if own:
        yield title or "behind the sheets", own


def _sheet(title: str, own: Iterable[Record], book: _Book) -> Iterator[Piece]:
    around = _Around(title, book)
    own = list(own)
    rows = _rows(own)
    yield from pieces_of(title, rows.follow(_cells(own, book, around)))
    yield from rows.piece(title)
    yield from around.pieces()


def _rows(own: Iterable[Record]) -> Rows:
    """Which columns of a sheet are hidden, and whether it runs from the right (2.4.53, 2.4.346)."""
    rows = Rows()
    for record in own:
        data = record.data
        if record.kind == _COLUMNS and len(data) >= 10:
            first, last, width, _, flags = struct.unpack_from("<HHHHH", data)
            if flags & 1 or width < _NARROW:
                rows.hidden.update(range(first, min(last, _LAST_COLUMN) + 1))
        elif record.kind == _WINDOW and len(data) >= 2:
            rows.leftwards |= bool(struct.unpack_from("<H", data)[0] & _FROM_THE_RIGHT)
    return rows


def _cells(own: Iterable[Record], book: _Book, around: "_Around") -> Iterator[Cell]:
    waiting: tuple[int, int] | None = None  # a formula whose result is a text, in a record of its own
    for record in own:
        try:
            if record.kind not in _CELLS:
                around.add(record)
            elif record.kind == _STRING:
                if waiting:
                    yield Cell(*waiting, _string(record, book))
                waiting = None
            elif record.kind == _FORMULA:
                waiting = yield from _formula(record.data, book, around)
            else:
                yield from _cell(record, book)
        except (struct.error, IndexError, ValueError, OverflowError):
            book.is_whole = False
            around.loose.append(all_runs(record.data))


def _cell(record: Record, book: _Book) -> Iterator[Cell]:
    data = record.data
    row, column, look = struct.unpack_from("<HHH", data)
    match record.kind:
        case 0x27E:
            yield Cell(row, column, *book.number(packed_number(struct.unpack_from("<I", data, 6)[0]), look))
        case 0xBD:
            for number in range((len(data) - 6) // 6):
                look, packed = struct.unpack_from("<HI", data, 4 + 6 * number)
                yield Cell(row, column + number, *book.number(packed_number(packed), look))
        case 0x203:
            yield Cell(row, column, *book.number(struct.unpack_from("<d", data, 6)[0], look))
        case 0xFD:
            index = struct.unpack_from("<I", data, 6)[0]
            yield Cell(row, column, *book.worded(book.texts[index], look))
        case _:
            yield Cell(row, column, *book.worded(book.text(data, 6), look))


def _formula(data: bytes, book: _Book, around: "_Around") -> Generator[Cell, None, tuple[int, int] | None]:
    """The result, and texts that stand in the formula; gives the cell whose text follows."""
    row, column, look = struct.unpack_from("<HHH", data)
    waiting: tuple[int, int] | None = None
    if data[12:14] != b"\xff\xff":
        yield Cell(row, column, *book.number(struct.unpack_from("<d", data, 6)[0], look))
    elif data[6] == 0:
        waiting = (row, column)
    texts = "".join(_texts_in(data[22:], book))
    if texts:
        around.formulas.append((texts, reference(row, column)))
    return waiting


def _texts_in(tokens: bytes, book: _Book) -> Iterator[str]:
    at = tokens.find(_TEXT_TOKEN)
    while at >= 0:
        text = (
            short_text(tokens, at + 1) if book.is_wide else narrow_text(tokens, at + 1, book.charset, bytes_of_length=1)
        )
        if at + 2 < len(tokens) and len(text) == tokens[at + 1] and _PRINTABLE.match(text):
            yield text
            at += len(text)
        at = tokens.find(_TEXT_TOKEN, at + 1)


def _string(record: Record, book: _Book) -> str:
    if not book.is_wide:
        return narrow_text(record.data, 0, book.charset, bytes_of_length=2)
    count, flags = struct.unpack_from("<HB", record.data)
    return Pieces(record.chunks, 3).text(count, flags)


class _Around:
    """What stands around the cells of one sheet."""

    def __init__(self, title: str, book: _Book) -> None:
        self._title = title
        self._book = book
        self._object = 0
        self._drawn: list[tuple[int, str]] = []
        self._noted: dict[int, str] = {}  # cell by number of its note
        self.formulas: list[tuple[str, str]] = []
        self.loose: list[str] = []
        self._told: list[Piece] = []

    def add(self, record: Record) -> None:
        """Any record that is no cell."""
        data = record.data
        if record.kind in (_HEADER, _FOOTER):
            text = self._book.text(data, 0) if self._book.is_wide else data[1:].decode(self._book.charset, "replace")
            label = "header" if record.kind == _HEADER else "footer"
            for reading in dict.fromkeys((text, _HEADER_CODE.sub("\t", text))):
                self._told.append(Piece(f"{self._title} > {label}", reading))
        elif record.kind == _OBJ and len(data) >= 8 and self._book.is_wide:
            self._object = int.from_bytes(data[6:8], "little")
            self.loose.append(all_runs(data))
        elif record.kind == _TXO and len(record.chunks) > 1:
            count = int.from_bytes(data[10:12], "little")
            flags = int.from_bytes(record.chunks[1][:1], "little")
            self._drawn.append((self._object, Pieces(record.chunks[1:], 1).text(count, flags)))
        elif record.kind == _NOTE and len(data) >= 8:
            self._note(data)
        elif record.kind not in _SILENT and record.kind not in (_BOF, _EOF):
            self.loose.append(all_runs(b"".join(record.chunks)))

    def _note(self, data: bytes) -> None:
        row, column, _, number = struct.unpack_from("<HHHH", data)
        if self._book.is_wide:
            self._noted[number] = reference(row, column)
            self.loose.append(wide_text(data, 8))  # who wrote it
        else:
            self._drawn.append((-1, data[6:].decode(self._book.charset, "replace")))

    def pieces(self) -> Iterator[Piece]:
        """All of it."""
        yield from self._told
        for number, text in self._drawn:
            cell = self._noted.get(number)
            yield Piece(f"{self._title} > {f'note at {cell}' if cell else 'text box or note'}", text)
        for text, cell in self.formulas:
            yield Piece(f"{self._title} > formula in {cell}", text)
        yield from _others(f"{self._title} > around the cells", self.loose)


def _others(place: str, texts: list[str]) -> Iterator[Piece]:
    text = "\n".join(dict.fromkeys(filter(str.strip, texts)))
    if text:
        yield Piece(place, text)
