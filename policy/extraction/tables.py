"""Numbers that stand in neighbouring cells, a few digits in each."""

import re
from typing import Final

_SHORT_CELLS: Final = re.compile(r"(?<![^\t\n])[0-9-]{1,5}(?:\t[0-9-]{1,5}){2,24}(?![^\t\n])")
_DIGITS: Final = re.compile(r"[0-9]")
_BEFORE: Final = 80  # characters kept in front, for the words that name the number


def joined_cells(text: str) -> str:
    """Rows of three or more short cells of digits, written together as a form shows them; empty when there are none."""
    found: list[str] = []
    for match in _SHORT_CELLS.finditer(text):
        joined = match[0].replace("\t", "")
        if 9 <= len(_DIGITS.findall(joined)) <= 34:
            before = text[max(0, match.start() - _BEFORE) : match.start()]
            found.append(f"{before.replace(chr(9), ' ')}{joined}")
    return "\n".join(found)
