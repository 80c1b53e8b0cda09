"""The functions of sheets that find a value in a square of cells. A square is a list of rows."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from policy.extraction.cells.functions import Unknown, Value, compared, number_of

Square = Sequence[Sequence[Value]]


def _count(squares: Sequence[Square], at: int, otherwise: int) -> int:
    value = squares[at][0][0] if at < len(squares) and squares[at] and squares[at][0] else ""
    return int(number_of(value)) if value != "" else otherwise


def _first(squares: Sequence[Square], at: int) -> Value:
    if at >= len(squares) or not squares[at] or not squares[at][0]:
        raise Unknown
    return squares[at][0][0]


def _line(square: Square) -> list[Value]:
    """One row or one column as it goes."""
    return [value for row in square for value in row]


def _place(wanted: Value, line: Sequence[Value], *, exact: bool) -> int:
    """Where a value stands; without `exact` the last that is no greater. Raises ValueError, as a cell shows #N/A."""
    found = -1
    for at, value in enumerate(line):
        if compared("=", value, wanted):
            return at
        if not exact and isinstance(value, str) == isinstance(wanted, str) and compared("<", value, wanted):
            found = at
    if found < 0:
        raise ValueError("not there")
    return found


def _index(squares: Sequence[Square]) -> Value:
    square = squares[0]
    row, column = _count(squares, 1, 1), _count(squares, 2, 1)
    if len(square) == 1 and len(squares) < 3:
        row, column = 1, row
    if not 0 < row <= len(square) or not 0 < column <= len(square[row - 1]):
        raise ValueError("outside of the square")
    return square[row - 1][column - 1]


def _down(squares: Sequence[Square]) -> Value:
    square, column = squares[1], _count(squares, 2, 1)
    exact = _count(squares, 3, 1) == 0
    row = square[_place(_first(squares, 0), [row[0] for row in square], exact=exact)]
    if not 0 < column <= len(row):
        raise ValueError("outside of the square")
    return row[column - 1]


def _across(squares: Sequence[Square]) -> Value:
    square = squares[1]
    turned = [list(column) for column in zip(*square, strict=False)]
    return _down([squares[0], turned, *squares[2:]])


def _found(squares: Sequence[Square]) -> Value:
    line = _line(squares[1])
    results = _line(squares[2]) if len(squares) > 2 else line
    return results[_place(_first(squares, 0), line, exact=False)]


def _found_exactly(squares: Sequence[Square]) -> Value:
    try:
        return _line(squares[2])[_place(_first(squares, 0), _line(squares[1]), exact=True)]
    except ValueError:
        return _first(squares, 3)


def _matched(squares: Sequence[Square]) -> Value:
    return float(_place(_first(squares, 0), _line(squares[1]), exact=_count(squares, 2, 1) == 0) + 1)


LOOKUPS: Final[Mapping[str, Callable[[Sequence[Square]], Value]]] = {
    "INDEX": _index,
    "VLOOKUP": _down,
    "HLOOKUP": _across,
    "LOOKUP": _found,
    "XLOOKUP": _found_exactly,
    "MATCH": _matched,
}
