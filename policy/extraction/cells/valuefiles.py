"""Tables of values written as text, as sheets open them: comma separated values with formulas, SYLK and DIF."""

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from policy.extraction.cells.formulas import Calculator
from policy.extraction.cells.functions import Value
from policy.extraction.text.tables import joined_cells

_SUFFIXES: Final = (".csv", ".tsv", ".tab", ".txt", ".prn", ".slk", ".dif")
# From the equals sign, which is found fast, and back to the cell's beginning; up to a separator, where the cell ends,
# so that no character is looked at twice.
_FORMULA: Final = re.compile(
    r"""=(?:(?<=[\n,;|\t]=)|(?<=[\n,;|\t][ "']=)|(?<=[\n,;|\t][ "']{2}=)|(?<=[\n,;|\t][ "']{3}=))"""
    r"""(?: ?"|[^\n,;|\t]{0,200}?[&(])"""
)
_FIRST_FORMULA: Final = re.compile(r"""[ "']{0,3}=(?: ?"|[^\n,;|\t]{0,200}?[&(])""")
_SEPARATED: Final = re.compile(r"\Asep=(.)\r?\n", re.I)
_SIGNS: Final = (",", ";", "\t", "|")
_SYLK: Final = re.compile(r"ID;P")
_DIF: Final = re.compile(r"TABLE\r?\n0,1\r?\n")
_FIELD: Final = re.compile(r"((?:[^;]|;;)*)(?:;|\Z)")
_ONE: Final = re.compile(r'-1,0\r?\n(BOT)|1,0\r?\n"((?:[^"\n]|"")*)"|0,([^\r\n]{1,60})\r?\n')
_LONGEST: Final = 4 << 20  # characters
_MOST_FORMULAS: Final = 500
_STEPS: Final = 20_000  # of all of them: small files are read while connections wait
_MOST_CELLS: Final = 200_000
_FARTHEST: Final = 16_384  # columns and rows of a SYLK file's cells that are kept in their places

Cells = dict[tuple[int, int], Value]  # (column, row), from 1


@dataclass(slots=True)
class Table:
    """The cells of one file, as a calculator asks for them."""

    cells: Cells = field(default_factory=dict)

    def value(self, sheet: str, column: int, row: int) -> Value | None:
        """What stands in a cell; a formula with its `=`."""
        found = self.cells.get((column, row))
        if isinstance(found, str) and not found.startswith("="):
            try:
                return float(found)
            except ValueError:
                return found
        return found

    def named(self, name: str) -> str:
        """There are no names."""
        return ""

    def rows(self, chosen: set[int] | None = None) -> Iterator[list[str]]:
        """The rows as they are shown; only those chosen, where some are."""
        lines: dict[int, dict[int, str]] = {}
        calculator = Calculator(self, most=_STEPS)
        for (column, row), value in self.cells.items():
            if chosen is None or row in chosen:
                text = str(value)
                shown = calculator.result(text, "") if text.startswith("=") else text
                lines.setdefault(row, {})[column] = text if shown is None else shown
        for row in sorted(lines):
            yield [lines[row][column] for column in sorted(lines[row])]


def value_readings(name: str, media_type: str, text: str) -> tuple[list[str], bool]:
    """What sheets show of a file, where that is not its text; and whether all formulas were worked out."""
    if not (name.lower().endswith(_SUFFIXES) or "csv" in media_type or "tab-separated" in media_type):
        return [], True
    text = text[:_LONGEST].lstrip("\ufeff")
    chosen: set[int] | None = None
    if _SYLK.match(text):
        table = _sylk(text)
    elif _DIF.match(text):
        table = _dif(text)
    elif _FIRST_FORMULA.match(text) or _FORMULA.search(text):
        table = _separated(text)
        chosen = {row for (_, row), value in table.cells.items() if str(value).startswith("=")}
    else:
        return [], True
    whole = len(chosen or ()) <= _MOST_FORMULAS
    rows = "\n".join(
        "\t".join(row) for row in table.rows(chosen if whole else set(sorted(chosen or ())[:_MOST_FORMULAS]))
    )
    return [found for found in (rows, joined_cells(rows)) if found], whole


def _separated(text: str) -> Table:
    said = _SEPARATED.match(text)
    if said:
        sign, text = said[1], text[said.end() :]
    else:
        head = "\n".join(text.split("\n")[:20])
        sign = max(_SIGNS, key=head.count)
    table = Table()
    try:
        for row, line in enumerate(csv.reader(text.splitlines(), delimiter=sign), 2 if said else 1):
            for column, value in enumerate(line, 1):
                table.cells[column, row] = value.strip()
            if len(table.cells) > _MOST_CELLS:
                break
    except csv.Error:
        pass  # a field longer than the library takes: what stands before it is there
    return table


def _sylk(text: str) -> Table:
    """Cells of `C` records: `;Y` row and `;X` column, which hold on, `;K` value."""
    table = Table()
    column = row = 1
    for line in text.splitlines()[:_MOST_CELLS]:
        if not line.startswith("C;"):
            continue
        for part in _FIELD.findall(line[2:]):
            if part[:1] in {"X", "Y"} and part[1:].isascii() and part[1:].isdigit() and len(part) < 8:
                at = min(int(part[1:]), _FARTHEST)
                column, row = (at, row) if part[0] == "X" else (column, at)
            elif part.startswith("K"):
                table.cells[column, row] = part[1:].replace(";;", ";").strip('"')
    return table


def _dif(text: str) -> Table:
    """Each row begins with BOT; texts are quoted."""
    table = Table()
    column = row = 0
    for begins, words, number in _ONE.findall(text.partition("DATA")[2])[:_MOST_CELLS]:
        if begins:
            column, row = 0, row + 1
        else:
            column += 1
            table.cells[column, row] = words.replace('""', '"') if words else number
    return table
