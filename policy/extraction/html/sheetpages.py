"""Tables of a page as a sheet opens them: cells by the value and format that stand in their attributes, and formulas.

Excel writes pages of its own, and opens any page whose name ends like a workbook's.
"""

import re
from collections.abc import Iterator
from typing import Final

from policy.extraction.cells.format import displayed
from policy.extraction.cells.valuefiles import Table
from policy.extraction.html.markup import parse
from policy.extraction.html.selectors import unescape_css
from policy.extraction.html.tree import Element
from policy.extraction.text.tables import joined_cells

_NAMED: Final = (".xls", ".xlsx", ".xlt", ".xlsm", ".ods", ".csv")
_MARK: Final = re.compile(r"(?i)x:(?:num|fmla|str)|mso-number-format|>\s{0,9}=")
_OF_EXCEL: Final = "office:excel"
_CLASS: Final = re.compile(r"(?is)\.([\w-]{1,60})\s*\{([^{}]{0,4000})\}")
_FORMAT: Final = re.compile(
    r"""(?i)mso-number-format\s*:\s*("(?:[^"\\]|\\.){1,400}"|'(?:[^'\\]|\\.){1,400}'|[^;"']{1,200})"""
)
_MOST_CELLS: Final = 50_000
_MOST_FORMULAS: Final = 500
_LONGEST: Final = 4 << 20  # characters


def sheet_readings(name: str, source: str) -> list[str]:
    """What a sheet shows of a page, where that is not what the page shows."""
    if not (name.lower().endswith(_NAMED) or _OF_EXCEL in source[:8192]) or _MARK.search(source[:_LONGEST]) is None:
        return []
    tree = parse(source[:_LONGEST])
    formats = {
        match[1]: found for sheet in tree.sheets for match in _CLASS.finditer(sheet) if (found := _format(match[2]))
    }
    table, formulas = Table(), 0
    for row, line in enumerate(element for element in tree.elements if element.name == "tr"):
        for column, cell in enumerate(child for child in line.children if isinstance(child, Element)):
            said = _said(cell)
            formulas += said.startswith("=")
            if formulas <= _MOST_FORMULAS or not said.startswith("="):
                table.cells[column + 1, row + 1] = _shown(said, cell, formats)
        if len(table.cells) > _MOST_CELLS:
            break
    tree.forget()
    rows = "\n".join("\t".join(row) for row in table.rows())
    return [found for found in (rows, joined_cells(rows)) if found.strip()]


def _said(cell: Element) -> str:
    """What a cell holds: its formula, its number, or its text."""
    attributes = cell.attributes
    return (
        attributes.get("x:fmla") or attributes.get("x:num") or attributes.get("x:str") or "".join(_texts(cell)).strip()
    )


def _texts(element: Element) -> Iterator[str]:
    waiting: list[Element | str] = [element]
    while waiting:
        one = waiting.pop()
        if isinstance(one, Element):
            waiting += reversed(one.children)
        else:
            yield str(one)


def _shown(said: str, cell: Element, formats: dict[str, str]) -> str:
    """A number in the cell's format."""
    code = _format(cell.attributes.get("style", ""))
    for name in cell.attributes.get("class", "").split():
        code = code or formats.get(name, "")
    return displayed(said, code) if code and not said.startswith("=") else said


def _format(style: str) -> str:
    """The format of numbers that a style says (`mso-number-format`)."""
    match = _FORMAT.search(style)
    return unescape_css(match[1].strip().strip("\"'")).replace("\\", "") if match else ""
