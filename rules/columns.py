"""Tables in a text: a column's header speaks for every cell below it, however far above it stands.

A table is a run of lines with the same separator between their cells (tab, semicolon, bar, wide gaps or comma), or a
column of single values; its header is the lines of short labels on top. Only a value that fills its cell belongs to a
column. Tables are looked for only around a value that fills a cell, and each no more than once.
"""

import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from rules.budget import Budget
from rules.segments import field_name

_WIDE: Final = b"  "
_SEPARATORS: Final = (b"\t", b";", b"|", _WIDE, b",")
_LONGEST_LINE: Final = 4096  # bytes; a longer line is no row
_LONGEST_LABEL: Final = 48
_WALKED_SHIFT: Final = 9  # 1 << 9 bytes of a line that is looked at cost as much as one step
_READ_SHIFT: Final = 6  # likewise, of one that is taken apart
_MOST_HEADS: Final = 4  # lines of labels: a title, groups of columns, their names
_MOST_ODD: Final = 3  # lines within a table that do not fit it: blank ones, subtotals
_QUOTED: Final = re.compile(rb'"[^"\n]*"')
_GAPS: Final = re.compile(rb"(?<=[^ \t]) {2,}(?=[^ ])")
_LABEL: Final = re.compile(rb"[A-Za-z\x80-\xff]")
# What stands in no label: four digits, however grouped; or letters, digits and signs mixed, but for a digit at the end.
_NUMBER: Final = re.compile(
    rb"[0-9](?:[ ./-]{0,2}[0-9]){3}|(?<![^\t;|, \"'])[A-Za-z]{2,20}[0-9]{1,3}[^\s\w,;|\"'][^\s,;|]{0,20}"
)
_DRAWN_LINE: Final = re.compile(rb"(?=.*?[-=_]{2})[ |:+=_-]+")  # drawn below the labels
_PADDING: Final = b" \"'="
_CELL_ENDS: Final = b"\t;|,"  # of cells
_AS_TABS: Final = bytes.maketrans(_CELL_ENDS, b"\t" * len(_CELL_ENDS))
_SPLIT: Final = re.compile(rb"[\t;|,]|  +")
_VALUE: Final = rb"[0-9A-Z][0-9A-Za-z ./-]{3,40}"
_VALUE_LINE: Final = re.compile(rb"[ \"'=]{0,4}[0-9][0-9A-Za-z ./-]{3,40}[ \"']{0,4}")
_BELOW: Final = re.compile(rb"(?:\n[^0-9\n]{0,48}){1,2}\n?[ \"'=]{0,4}" + _VALUE + rb"[ \"']{0,4}(?:\n|\Z)")
_ROW_BELOW: Final = re.compile(
    rb"(?:\n[^\n]{0,400}){0,3}?\n(?:[^\n]{0,400}[\t;|,]|[^\n]{0,400}  )?[ \"'=]{0,4}"
    rb"(?:[0-9A-Z][0-9A-Z ./-]{0,30}[0-9][0-9A-Z./-]{2,30}|[0-9]{3}|[^\s\t;|,\"']{3,30}[0-9][^\s\t;|,\"']{0,30})"
    rb"[ \"']{0,4}(?:[\n\t;|,]|  |\Z)"
)
_BARRIER: Final = b"\f"
_SEGMENT: Final = re.compile(rb"[A-Z][A-Z0-9]{1,2}[|*]")


@dataclass(slots=True)
class _Table:
    """A table: where it stands in the text (bytes), its header, and what its lines have in common."""

    start: int
    end: int
    separator: bytes  # empty: a column of single values
    most: int  # separators in a line
    heads: list[tuple[int, bytes]] = field(default_factory=list, repr=False)  # where each begins, and the line
    rows: int = 0
    odd: int = 0  # lines since the last that fitted
    headed: bool = False  # no more lines of labels follow


@dataclass(slots=True)
class _Searched:
    """The runs of lines that were searched for tables, and the tables found, in order."""

    tables: list[_Table] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)
    searched: list[tuple[int, int]] = field(default_factory=list)


class Columns:
    """The tables of one text, recognised where they are asked for."""

    def __init__(self, data: bytes, budget: Budget) -> None:
        self._data = data
        self._budget = budget
        self._known: dict[tuple[bytes, ...], _Searched] = defaultdict(_Searched)  # by separators
        self._found: dict[tuple[int, int], list[_Table]] = {}  # by the lines that were looked at

    def header(self, start: int, end: int) -> bytes:
        """The labels above the value at start..end; empty where it fills no cell of a table."""
        first = self._data.rfind(b"\n", max(0, start - _LONGEST_LINE), start) + 1
        first = first or max(0, start - _LONGEST_LINE)
        last = self._data.find(b"\n", end, end + _LONGEST_LINE)
        last = last if last >= 0 else min(len(self._data), end + _LONGEST_LINE)
        line = self._data[first:last]
        if _SEGMENT.match(line):
            return field_name(line, start - first)
        before, behind = line[: start - first], line[end - first :]
        separators = [
            separator for separator in _SEPARATORS if separator in line and _fills_cell(before, behind, separator)
        ]
        if not before.strip(_PADDING) and not behind.strip(_PADDING):
            separators.append(b"")
        if not separators:
            return b""
        table = self._table(first, last, separators)
        if table is None or not _fills_cell(before, behind, table.separator):
            return b""
        if not table.separator:
            return table.heads[-1][1]
        column = _separators_in(_without_quoted(before), table.separator)
        if table.separator == _WIDE and before.endswith(_WIDE) and before.strip():
            column += 1  # the gap before the value is at the end of what was counted
        # A row without a number looks like labels too: what speaks for a value stands above it.
        cells = (_cells(head, table.separator) for at, head in table.heads if at < first)
        return b"\n".join(row[column].strip() for row in cells if column < len(row))

    def _table(self, first: int, last: int, separators: Sequence[bytes]) -> _Table | None:
        """The table that holds the line first..last, with rows; one of `separators` is between its cells."""
        known = self._known[tuple(separators)]
        if not any(start <= first < stop for start, stop in reversed(known.searched)):
            start, stop = self._walk_rows(first, -1, separators), self._walk_rows(last, 1, separators)
            known.searched.append((start, stop))
            known.tables += self._within(start, stop)
            known.tables.sort(key=lambda table: table.start)
            known.starts = [table.start for table in known.tables]
        index = bisect_right(known.starts, first) - 1
        return known.tables[index] if index >= 0 and known.tables[index].end >= last else None

    def _within(self, start: int, stop: int) -> list[_Table]:
        """The tables in the lines start..stop, whichever separator led there."""
        found = self._found.get((start, stop))
        if found is None:
            tables = _tables(self._data, start, stop, self._budget)
            found = self._found[start, stop] = [table for table in tables if table.rows or len(table.heads) > 1]
        return found

    def _walk_rows(self, place: int, step: int, separators: Sequence[bytes]) -> int:
        """How far up (`step` -1, from a line's start) or down (1, from its end) a table around a row may reach."""
        data, odd, kept = self._data, 0, place
        while 0 < place < len(data) and odd <= _MOST_ODD + _MOST_HEADS:
            if step < 0:
                start, stop = data.rfind(b"\n", 0, place - 1) + 1, place - 1
                place = start
            else:
                start = place + 1
                stop = data.find(b"\n", start)
                stop = place = len(data) if stop < 0 else stop
            line = data[start:stop] if stop - start <= _LONGEST_LINE else b""
            self._budget.left -= 1 + (len(line) >> _WALKED_SHIFT)
            if any(separator in line for separator in separators if separator) or _VALUE_LINE.fullmatch(line):
                odd, kept = 0, place
            else:
                odd += 1
                kept = place if step < 0 and 0 < len(line) <= _LONGEST_LABEL else kept
            if line == _BARRIER:
                break
        return kept


def may_head(data: bytes, places: Iterable[int]) -> bool:
    """Whether a word at one of the places may stand in a column's header: among short cells, above one with digits.

    Errs towards yes; which column a value stands in is found out later.
    """
    looked = -1
    for place in places:
        if place < looked:
            continue
        stop = data.find(b"\n", place, place + _LONGEST_LINE)
        if stop < 0:
            continue
        start = data.rfind(b"\n", max(0, place - _LONGEST_LINE), place) + 1 or max(0, place - _LONGEST_LINE)
        line = data[start:stop]
        if (_has_short_cells(line) or _WIDE in line) and _is_header(data, stop, line):
            return True
        if len(line) < _LONGEST_LINE:
            looked = stop  # all of it
    return False


def _has_short_cells(line: bytes) -> bool:
    """Prose has none, mostly; without a look at wide gaps."""
    if len(line) <= _LONGEST_LABEL:
        return True
    if len(line.translate(None, _CELL_ENDS)) == len(line):
        return False
    return max(map(len, line.translate(_AS_TABS).split(b"\t"))) <= _LONGEST_LABEL


def _is_header(data: bytes, stop: int, line: bytes) -> bool:
    if not _has_short_cells(line) and max(map(len, _SPLIT.split(line))) > _LONGEST_LABEL:
        return False
    if _NUMBER.search(line):
        return False
    below = _ROW_BELOW if _SPLIT.search(line) else _BELOW
    return below.match(data, stop) is not None


def _fills_cell(before: bytes, behind: bytes, separator: bytes) -> bool:
    """Whether what stands between these two fills a cell."""
    if not separator:
        return not before.strip(_PADDING) and not behind.strip(_PADDING)
    if separator == _WIDE:
        return (before.endswith(_WIDE) or not before.strip(_PADDING)) and (
            behind.startswith(_WIDE) or not behind.strip(_PADDING)
        )
    return not before.rpartition(separator)[2].strip(_PADDING) and not behind.partition(separator)[0].strip(_PADDING)


def _tables(data: bytes, start: int, end: int, budget: Budget) -> Iterator[_Table]:
    table: _Table | None = None
    while start < end:
        stop = data.find(b"\n", start)
        stop = len(data) if stop < 0 else stop
        line = data[start:stop] if stop - start <= _LONGEST_LINE else b""
        budget.left -= 1 + (len(line) >> _READ_SHIFT)
        set_off = table is not None and table.rows > 0 and _is_set_off(data, start, stop)
        begun = _table_begun_by(line, start, stop) if set_off else None
        if table is not None and begun is not None and begun.separator and begun.separator == table.separator:
            yield table
            table = begun
        elif table is not None and _take_line(table, line, start):
            table.end = stop
        else:
            if table is not None:
                table.odd += 1
            begun = _table_begun_by(line, start, stop)
            # A single label within a table is a subtotal or a remark; below the last row it begins what comes next.
            if begun is not None and (table is None or begun.separator or not table.separator or table.odd > _MOST_ODD):
                if table is not None:
                    yield table
                table = begun
            elif table is not None and table.odd > _MOST_ODD:
                yield table
                table = None
        start = stop + 1
    if table is not None:
        yield table


def _is_set_off(data: bytes, start: int, stop: int) -> bool:
    """Whether a blank line stands above this line and none below: such labels begin a table of their own."""
    above, below = data[max(0, start - 3) : start], data[stop : stop + 3]
    return above.endswith((b"\n\n", b"\n\r\n")) and len(below) > 1 and below[1:2] not in b"\r\n"


def _take_line(table: _Table, line: bytes, start: int) -> bool:
    """Add a line to the table, as labels or as a row; False where it does not belong there."""
    if not table.separator:
        fits = _VALUE_LINE.fullmatch(line) is not None
    else:
        fits = 0 < _separators_in(_without_quoted(line), table.separator) <= table.most
    if not fits:
        return False
    table.odd = 0
    if _DRAWN_LINE.fullmatch(line):
        table.headed = True
    elif (
        not table.headed
        and not table.rows
        and table.separator
        and len(table.heads) < _MOST_HEADS
        and not _NUMBER.search(line)
    ):
        table.heads.append((start, line))
    else:
        table.rows += 1
    return True


def _table_begun_by(line: bytes, start: int, stop: int) -> _Table | None:
    """A new table with this line as its header; None where the line is not made of short labels without numbers."""
    if not _LABEL.search(line) or _NUMBER.search(line):
        return None
    bare = _without_quoted(line)
    for separator in _SEPARATORS:
        most = _separators_in(bare, separator)
        if most:
            short = all(len(cell.strip()) <= _LONGEST_LABEL for cell in _cells(line, separator))
            return _Table(start, stop, separator, most, [(start, line)]) if short else None
    return _Table(start, stop, b"", 0, [(start, line)]) if len(line) <= _LONGEST_LABEL else None


def _separators_in(line: bytes, separator: bytes) -> int:
    return len(_GAPS.findall(line)) if separator == _WIDE else line.count(separator)


def _without_quoted(line: bytes) -> bytes:
    return _QUOTED.sub(b"", line) if b'"' in line else line


def _cells(line: bytes, separator: bytes) -> list[bytes]:
    if separator == _WIDE:
        return _GAPS.split(line)
    if b'"' not in line:
        return line.split(separator)
    spaced = _QUOTED.sub(lambda match: match[0].replace(separator, b" "), line)
    return spaced.split(separator)
