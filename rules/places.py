"""Names the place of a hit within a part, as a person would: a cell, a page, a line."""

from bisect import bisect_right
from collections.abc import Sequence
from typing import Final

from rules.content import Part

JOINED_BY: Final = " > "
_UNCOUNTED: Final = ("headers", "subject", "name")  # nobody counts lines there


def counts_lines(part: Part) -> bool:
    """Whether a person would count the lines of this part."""
    return not part.marks and not part.place.endswith(_UNCOUNTED)


class Places:
    """Names the places of characters of one part; offsets count characters of its text, before it is normalised."""

    def __init__(self, part: Part) -> None:
        self._place = part.place
        self._text = part.text
        self._starts: Sequence[int] = ()
        self._names: Sequence[str] = ()
        if part.marks:
            self._starts = [offset for offset, _ in part.marks]
            self._names = [name for _, name in part.marks]
        self._counts_lines = counts_lines(part)
        self._has_lines: bool | None = None  # once it is asked
        self._counted = (0, 1)  # up to which character, and the number of its line

    def of(self, offset: int) -> str:
        """The place of the character at `offset`; cheapest where offsets rise."""
        name = self._line(offset) if self._counts_lines else self._mark(offset)
        return f"{self._place}{JOINED_BY}{name}" if name and self._place else name or self._place

    def _mark(self, offset: int) -> str:
        index = bisect_right(self._starts, offset) - 1
        return self._names[index] if index >= 0 else ""

    def _line(self, offset: int) -> str:
        """The number of the line; empty for a text of one line."""
        done, line = self._counted
        if offset < done:
            done, line = 0, 1
        line += self._text.count("\n", done, offset)
        self._counted = (offset, line)
        if self._has_lines is None:
            self._has_lines = line > 1 or "\n" in self._text.rstrip()
        return f"line {line}" if line > 1 or self._has_lines else ""
