"""Numbers that stand in neighbouring cells, a few digits in each, or one digit below the other."""

import re
from typing import Final

from policy.extraction.text.gates import Gate

_SHORT_CELLS: Final = re.compile(r"(?<![^\t\n])[0-9-]{1,5}(?:\t[0-9-]{1,5}){2,24}(?![^\t\n])")
# Two cells, the cut within a group of a number that is written with dashes.
_CUT_GROUP: Final = re.compile(
    r"(?<![^\t\n])[0-9]{3,4}(?:-[0-9]{2,4}){0,2}-[0-9]{1,3}\t[0-9]{1,3}(?:-[0-9]{4}){1,2}(?![^\t\n])"
)
# Whether a text longer than a line may hold any of these.
_MAY_BE_CELLS: Final = Gate(r"[0-9-]\t[0-9-]{1,5}\t[0-9-]|-[0-9]{1,3}\t[0-9]{1,3}-")
_MAY_BE_DOWNWARDS: Final = Gate(r"[0-9]\r?\n[0-9-]\r?\n[0-9-]\r?\n[0-9-]")
_LINE_OF_TEXT: Final = 500  # characters
_DOWNWARDS: Final = re.compile(r"[\t\n][0-9](?:\r?\n[0-9-]){8,40}(?![^\r\n])")
# Rows of a table of values whose cells have the lengths in which people write numbers, and rows of single digits.
_ROWS: Final = re.compile(
    r"""(?<![0-9.])(?:
    "?[0-9]{3}"?\s?(?P<a>[,;|])\s?"?[0-9]{2}"?\s?(?P=a)\s?"?[0-9]{4}"?
    |"?[0-9]{4}"?\s?(?P<b>[,;|])\s?"?[0-9]{4}"?\s?(?P=b)\s?"?[0-9]{4}"?\s?(?P=b)\s?"?[0-9]{4}"?
    |"?[0-9]{4}"?\s?(?P<c>[,;|])\s?"?[0-9]{6}"?\s?(?P=c)\s?"?[0-9]{5}"?
    |"?[0-9]"?\s?(?P<d>[,;|])\s?(?:"?[0-9-]"?\s?(?P=d)\s?){7,39}"?[0-9]"?
    )(?![0-9.])""",
    re.X,
)
# Rows below each other that begin, go on or end with a cell of a single digit; more than amounts make by chance.
_CELL: Final = '[ "]{0,2}[0-9-][ "]{0,2}'
_ROWS_AT_LEAST: Final = 5
COLUMN_MARK: Final = (
    rf"(?:(?:\n{_CELL}[\t,;|][^\n]*){{{_ROWS_AT_LEAST}}}|(?:[\t,;|]{_CELL}\r?\n[^\n]*){{{_ROWS_AT_LEAST}}}"
    rf"|(?:\n[^\n]*[\t,;|]{_CELL}[\t,;|][^\n]*){{{_ROWS_AT_LEAST}}})"
)
_LINE: Final = re.compile("[^\n]*\n")
_CELL_ENDS: Final = "\t|;,"
_LEAST_ROWS: Final = 9
_MOST_ROWS: Final = 40  # more is a table
_MOST_CELLS: Final = 64
_SINGLE: Final = frozenset("0123456789-")
_DIGITS: Final = re.compile(r"[0-9]")
_NO_NUMBER: Final = re.compile(r"[^0-9-]")
_BEFORE: Final = 80  # characters kept in front, for the words that name the number
_LONGEST_HEAD: Final = 200
_MOST: Final = 200


def joined_cells(text: str) -> str:
    """Rows of three or more short cells of digits, written together as a form shows them; empty when there are none.

    So are two cells that a number's dashes show to be one.
    """
    if "\t" not in text or not _may_be(_MAY_BE_CELLS, text):
        return ""
    cut = _joined(text, _CUT_GROUP) if "-" in text else ""
    return "\n".join(filter(None, (_joined(text, _SHORT_CELLS), cut)))


def joined_lines(text: str) -> str:
    """Numbers written downwards, one digit to a line."""
    return _joined(f"\n{text}", _DOWNWARDS) if _may_be(_MAY_BE_DOWNWARDS, text) else ""


def _may_be(gate: Gate, text: str) -> bool:
    return len(text) <= _LINE_OF_TEXT or gate.search(text.encode("utf-8", "replace"))


def downward_columns(text: str) -> str:
    """Numbers written down a column of a table, a digit a row, beside other columns; with the row above."""
    found: list[str] = []
    open_columns: dict[int, list[str]] = {}
    above: dict[int, str] = {}
    before = ""
    for match in _LINE.finditer(text + "\n\n"):
        line = match[0].rstrip("\r\n")
        by = next((sign for sign in _CELL_ENDS if sign in line), "")
        cells = [cell.strip(' "') for cell in line.split(by, _MOST_CELLS)] if by else []
        single = {at: cell for at, cell in enumerate(cells) if cell in _SINGLE}
        for at in [at for at in open_columns if at not in single]:
            digits = "".join(open_columns.pop(at))
            if _LEAST_ROWS <= len(digits) <= _MOST_ROWS and len(found) < _MOST:
                found.append(f"{above[at]} {digits}")
        for at, cell in single.items():
            if at not in open_columns:
                above[at] = before
            open_columns.setdefault(at, []).append(cell)
        before = line[-_BEFORE:]
    return "\n".join(found)


def joined_columns(text: str, first: str) -> str:
    """Rows of separated values with a number's groups in cells of their own, behind the names of the columns.

    These stand in the line that comes `first`.
    """
    head = first.lstrip("\ufeff\r\n")[:_LONGEST_HEAD].partition("\n")[0]
    return _joined(text, _ROWS, "" if _DIGITS.search(head) else head.strip())


def _joined(text: str, pattern: re.Pattern[str], head: str = "") -> str:
    found: list[str] = []
    for match in pattern.finditer(text):
        joined = _NO_NUMBER.sub("", match[0])
        if 9 <= len(_DIGITS.findall(joined)) <= 34:
            before = text[max(0, match.start() - _BEFORE) : match.start()].replace("\t", " ").strip()
            found.append(" ".join(piece for piece in (head, before, joined) if piece))
            if len(found) >= _MOST:
                break
    return "\n".join(found)
