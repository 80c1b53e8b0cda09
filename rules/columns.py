"""Tables in a text: a column's header speaks for every cell below it, however far above it stands.

A table is a run of lines with the same sign between their cells (tab, semicolon, bar or comma), or a column of single
values; its header is the lines of short labels on top. Only a value that fills its cell belongs to the column.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from rules.budget import Budget

_SIGNS: Final = (b"\t", b";", b"|", b",")
_LONGEST_LINE: Final = 4096  # bytes; a longer line is no row
_LONGEST_LABEL: Final = 48
_MOST_HEADS: Final = 4  # lines of labels: a title, groups of columns, their names
_MOST_ODD: Final = 3  # lines within a table that do not fit it: blank ones, subtotals
_QUOTED: Final = re.compile(rb'"[^"\n]*"')
_LABEL: Final = re.compile(rb"[A-Za-z\x80-\xff]")
_NUMBER: Final = re.compile(rb"[0-9]{4}")
_CELL: Final = b" \"'="
_SPLIT: Final = re.compile(rb"[\t;|,]|  +")
_BELOW: Final = re.compile(
    rb"(?:\r?\n[^0-9\n]{0,48}){1,2}\r?\n?[ \"'=]{0,4}[0-9A-Z][0-9A-Za-z ./-]{3,40}[ \"']{0,4}(?:\r?\n|\Z)"
)
_VALUE_LINE: Final = re.compile(rb"[ \"'=]{0,4}[0-9][0-9A-Za-z ./-]{3,40}[ \"']{0,4}")


@dataclass(slots=True)
class _Table:
    start: int
    end: int
    sign: bytes  # empty: a column of single values
    most: int  # signs of a line
    heads: list[bytes] = field(default_factory=list, repr=False)
    rows: int = 0
    odd: int = 0


class Columns:
    """The tables of one text, recognised when first asked for."""

    def __init__(self, data: bytes, budget: Budget) -> None:
        self._data = data
        self._budget = budget
        self._tables: list[_Table] | None = None
        self._starts: list[int] = []

    def header(self, start: int, end: int) -> bytes:
        """The labels above the value at start..end; empty where it fills no cell of a table."""
        if self._tables is None:
            self._tables = [table for table in _tables(self._data, self._budget) if table.rows]
            self._starts = [table.start for table in self._tables]
        index = bisect_right(self._starts, start) - 1
        if index < 0 or self._tables[index].end < end:
            return b""
        table = self._tables[index]
        place = self._data.rfind(b"\n", max(0, start - _LONGEST_LINE), start) + 1
        before = self._data[place or max(0, start - _LONGEST_LINE) : start]
        stop = self._data.find(b"\n", end, end + _LONGEST_LINE)
        behind = self._data[end : stop if stop >= 0 else end + _LONGEST_LINE]
        if not table.sign:
            return table.heads[-1] if not before.strip(_CELL) and not behind.strip(_CELL) else b""
        before = _QUOTED.sub(b"", before)
        if before.rpartition(table.sign)[2].strip(_CELL) or behind.partition(table.sign)[0].strip(_CELL):
            return b""
        column = before.count(table.sign)
        cells = (_cells(head, table.sign) for head in table.heads)
        return b"\n".join(row[column].strip() for row in cells if column < len(row))


def may_head(data: bytes, place: int) -> bool:
    """Whether a word there can stand in the header of a column: in a short cell, or on a short line above a value."""
    start = data.rfind(b"\n", max(0, place - _LONGEST_LINE), place) + 1
    stop = data.find(b"\n", place, place + _LONGEST_LINE)
    line = data[start : stop if stop >= 0 else place + _LONGEST_LINE]
    cells = _SPLIT.split(line) if _SPLIT.search(line) else []
    if cells:
        return len(cells) > 1 and all(len(cell) <= _LONGEST_LABEL for cell in cells)
    return stop >= 0 and len(line) <= _LONGEST_LABEL and _BELOW.match(data, stop) is not None


def _tables(data: bytes, budget: Budget) -> Iterator[_Table]:
    table: _Table | None = None
    start = 0
    while start < len(data):
        stop = data.find(b"\n", start)
        stop = len(data) if stop < 0 else stop
        line = data[start:stop] if stop - start <= _LONGEST_LINE else b""
        budget.left -= 1
        if table is not None and _takes(table, line):
            table.end = stop
        else:
            if table is not None:
                table.odd += 1
            begun = _begun(line, start, stop)
            # A single label within a table is a subtotal or a remark; below the last row it begins what comes next.
            if begun is not None and (table is None or begun.sign or not table.sign or table.odd > _MOST_ODD):
                if table is not None:
                    yield table
                table = begun
            elif table is not None and table.odd > _MOST_ODD:
                yield table
                table = None
        start = stop + 1
    if table is not None:
        yield table


def _takes(table: _Table, line: bytes) -> bool:
    """Whether a line belongs to the table; it is noted there as a line of labels or a row."""
    if not table.sign:
        fits = _VALUE_LINE.fullmatch(line) is not None
    else:
        fits = 0 < _bare(line).count(table.sign) <= table.most
    if not fits:
        return False
    table.odd = 0
    if not table.rows and table.sign and len(table.heads) < _MOST_HEADS and not _NUMBER.search(line):
        table.heads.append(line)
    else:
        table.rows += 1
    return True


def _begun(line: bytes, start: int, stop: int) -> _Table | None:
    """The table of which this line can be the header: short labels, no numbers."""
    if not _LABEL.search(line) or _NUMBER.search(line):
        return None
    bare = _bare(line)
    for sign in _SIGNS:
        most = bare.count(sign)
        if most:
            short = all(len(cell.strip()) <= _LONGEST_LABEL for cell in _cells(line, sign))
            return _Table(start, stop, sign, most, [line]) if short else None
    return _Table(start, stop, b"", 0, [line]) if len(line) <= _LONGEST_LABEL else None


def _bare(line: bytes) -> bytes:
    return _QUOTED.sub(b"", line) if b'"' in line else line


def _cells(line: bytes, sign: bytes) -> list[bytes]:
    if b'"' not in line:
        return line.split(sign)
    spaced = _QUOTED.sub(lambda match: match[0].replace(sign, b" "), line)
    return spaced.split(sign)
