"""Boxes and framed paragraphs of RTF where they stand on the page, whatever their order in the file."""

from typing import Final

from policy.extraction.office.slides import LONGEST, MOST, Box, in_lines

# Shapes, boxes of Word 6 and 95, frames ([MS-RTF] 1.9.1).
PLACES: Final = frozenset({b"shpleft", b"shptop", b"dpx", b"dpy", b"posx", b"posnegx", b"posy", b"posnegy"})
_ACROSS: Final = frozenset({b"shpleft", b"dpx", b"posx", b"posnegx"})
_TWIP: Final = 635  # EMU
_HEIGHT: Final = 200_000


class Boxes:
    """What a reader of RTF passes by: places, texts, ends of groups."""

    def __init__(self) -> None:
        self._boxes: list[Box] = []
        self._across: int | None = None
        self._down = 0
        self._depth = -1  # of the group of an open shape; none for a frame
        self._texts: list[str] = []

    def word(self, word: bytes, value: int | None, depth: int) -> None:
        """A word that begins a box, says where it is, or ends a frame."""
        if word == b"pard":
            self._across = None if self._depth < 0 else self._across
        elif word in {b"shp", b"do"}:
            self._across, self._down, self._depth, self._texts = None, 0, depth, []
        elif word in _ACROSS:
            self._across = value or 0
        else:
            self._down = value or 0

    def line(self, text: str) -> None:
        """A paragraph that ends."""
        if self._across is None or not text.strip():
            return
        if self._depth >= 0:
            self._texts.append(text)
        else:
            self._take(text)

    def end_with(self, depth: int) -> bool:
        """Whether the open shape ends with a group behind which so many are open."""
        return depth < self._depth

    def leave(self, rest: str) -> None:
        """The shape ends; `rest` is the text of the group's open paragraph."""
        self._take(" ".join(self._texts) or (rest if self._across is not None else ""))
        self._across, self._depth = None, -1

    def _take(self, text: str) -> None:
        if self._across is not None and text.strip() and len(text) <= LONGEST and len(self._boxes) < MOST:
            self._boxes.append((self._down * _TWIP, self._across * _TWIP, _HEIGHT, text.strip()))

    def text(self) -> str:
        """Those beside each other in one line; empty where no two are."""
        return in_lines(self._boxes)
