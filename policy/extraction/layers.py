"""Numbers with noise in them: digits in elements that a style may hide, between digits that are shown.

Which elements are hidden can be said in more ways than a reader of style sheets follows. So where elements stand within
a number, with nothing but a few characters in them, the text is also read without each kind of these elements, and
without all of them.
"""

from collections import Counter
from typing import Final

_DEEPEST: Final = 64  # open elements remembered
_KINDS: Final = 6  # of elements that are left out, one kind at a time
_LONGEST: Final = 24  # characters in an element within a number
_NUMBER: Final = frozenset("0123456789-")


class Layers:
    """The shown text in pieces, each with the kind (name and attributes) of the inline element it stands in."""

    def __init__(self) -> None:
        self._pieces: list[tuple[str, str]] = []
        self._open: list[tuple[str, str]] = []

    def open(self, name: str, rest: str) -> None:
        """An inline element begins."""
        if len(self._open) < _DEEPEST:
            self._open.append((name, f"{name} {rest.strip()}"))

    def close(self, name: str) -> None:
        """The innermost open element of that name ends, and those in it."""
        for place in range(len(self._open) - 1, -1, -1):
            if self._open[place][0] == name:
                del self._open[place:]
                return

    def add(self, text: str) -> None:
        """A text that is shown."""
        if text:
            self._pieces.append((text, self._open[-1][1] if self._open else ""))

    def readings(self) -> list[str]:
        """The text without each kind of element that stands in numbers, and without all of them."""
        kinds = self._within_numbers()
        if not kinds:
            return []
        chosen = [frozenset((kind,)) for kind in sorted(kinds, key=lambda kind: -kinds[kind])[:_KINDS]]
        if len(kinds) > 1:
            chosen.append(frozenset(kinds))
        return ["".join(text for text, kind in self._pieces if kind not in left_out) for left_out in chosen]

    def _within_numbers(self) -> Counter[str]:
        """Kinds of the pieces that hold digits and have a number going on before and behind them."""
        found: Counter[str] = Counter()
        pieces = self._pieces
        for place in range(1, len(pieces) - 1):
            text, kind = pieces[place]
            if (
                kind
                and len(text) <= _LONGEST
                and pieces[place - 1][0][-1] in _NUMBER
                and pieces[place + 1][0][0] in _NUMBER
                and not text.isspace()
            ):
                found[kind] += 1
        return found
