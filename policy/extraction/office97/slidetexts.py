"""Texts of PowerPoint 97 to 2003 in runs that look alike ([MS-PPT] 2.9.44): without what may be noise in a number."""

import struct
from typing import Final

from policy.extraction.text.pieces import without_kinds

_FONT_STYLE: Final = 0x3FFF  # bits of the style of a font, all in two bytes
# Of the properties of paragraphs and of characters, in their order: bits that say that there is one, and its bytes.
_OF_PARAGRAPHS: Final = (
    (0xF, 2), (1 << 7, 2), (1 << 4, 2), (1 << 6, 2), (1 << 5, 4), (1 << 11, 2), (1 << 12, 2), (1 << 13, 2),
    (1 << 14, 2), (1 << 8, 2), (1 << 10, 2), (1 << 15, 2), (1 << 20, 0), (1 << 16, 2), (0xE0000, 2), (1 << 21, 2),
)  # fmt: skip
_OF_SIGNS: Final = (
    (_FONT_STYLE, 2), (1 << 16, 2), (1 << 21, 2), (1 << 22, 2), (1 << 23, 2), (1 << 17, 2), (1 << 18, 4), (1 << 19, 2),
)  # fmt: skip
_MOST_RUNS: Final = 20_000


def without_looks(text: str, styles: bytes) -> list[str]:
    """A text without each look of runs that stands within its numbers."""
    try:
        pieces = _runs(text, styles)
    except (struct.error, IndexError):
        return []
    return without_kinds(pieces)


def _runs(text: str, styles: bytes) -> list[tuple[str, str]]:
    at = left = 0
    while left <= len(text) and at < len(styles):
        count, _, mask = struct.unpack_from("<IHI", styles, at)
        left += max(1, count)
        at = _behind(styles, at + 10, mask, _OF_PARAGRAPHS)
    pieces: list[tuple[str, str]] = []
    place = 0
    while place < len(text) and len(pieces) < _MOST_RUNS:
        count, mask = struct.unpack_from("<II", styles, at)
        end = _behind(styles, at + 8, mask, _OF_SIGNS)
        if count:
            pieces.append((text[place : place + count], styles[at + 4 : end].hex()))
        place, at = place + max(1, count), end
    return pieces


def _behind(styles: bytes, at: int, mask: int, sizes: tuple[tuple[int, int], ...]) -> int:
    for bits, size in sizes:
        if mask & bits:
            at += size or 2 + 4 * int(struct.unpack_from("<H", styles, at)[0])
    return at
