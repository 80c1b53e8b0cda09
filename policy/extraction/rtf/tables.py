"""What the tables of an RTF file say: in which charset each font's bytes are, and which colours are hardly seen."""

import re
from typing import Final

from policy.extraction.rtf.words import SYMBOLS
from policy.reader.charsetnames import OF_FONTS
from policy.reader.charsets import codec

_MOST_FONTS: Final = 5_000
_LONGEST_TABLE: Final = 20_000  # bytes of colours that are looked at
_PALE: Final = 0xF0


def pale_colours(data: bytes) -> frozenset[int]:
    """The numbers of colours that nobody sees on white paper."""
    start = data.find(b"{\\colortbl")
    table = data[start + 10 : data.find(b"}", start)][:_LONGEST_TABLE] if start >= 0 else b""
    pale: set[int] = set()
    for number, colour in enumerate(table.split(b";")):
        tones = [int(tone) for tone in re.findall(rb"\\(?:red|green|blue)(\d{1,3})", colour)]
        if len(tones) == 3 and min(tones) >= _PALE:
            pale.add(number)
    return frozenset(pale)


# Of a symbol font, such as the digits in circles of Wingdings: in the private area, where they are known.
SYMBOLS_ABOVE: Final = {code: chr(0xF000 + code) for code in range(0x80, 0xA0)}
_ASCII: Final = b"0123456789-"


class Fonts:
    """Charsets: the file's, and those of fonts that have their own."""

    def __init__(self) -> None:
        self.usual = -1  # the font of text that names none (`deff`)
        self.named = 0  # the font that the words now read are about
        self._charset = "cp1252"
        self._of: dict[int, str] = {}

    def charset(self, font: int) -> str:
        """In which the bytes of this font are."""
        return self._of.get(font if font >= 0 else self.usual, self._charset)

    def has_charset(self, number: int) -> None:
        """`\\fcharset` within the table of fonts."""
        if len(self._of) < _MOST_FONTS:
            page = "latin-1" if number == SYMBOLS else OF_FONTS.get(number, "")
            if page and number not in {0, 1} and codec(page):
                self._of[self.named] = page

    def has_charset_of(self, charset: str) -> None:
        """`\\mac` and its like, where the file says no page."""
        self._charset = charset

    def has_page(self, number: int | None, *, in_table: bool) -> None:
        """`\\cpg` of a font, or `\\ansicpg` of the whole file."""
        found = codec(f"cp{number}") if number else None
        if found and _ASCII.decode(found, "replace").encode("utf-8", "replace") != _ASCII:
            return  # the signs of RTF itself are ASCII whatever the page
        if found and in_table:
            self._of[self.named] = found
        elif found:
            self._charset = found
