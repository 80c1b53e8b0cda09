"""What a content stream of a PDF draws, by the place of its signs: for drawings that no page's text holds."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from policy.extraction.pdf.drawn import Font
from policy.extraction.pdf.objects import unescaped
from policy.extraction.pdf.pages import LONGEST_PAGE, Sign, lines_of

# A string is taken to the end, closed or not, so that none is looked through twice.
_TOKEN: Final = re.compile(
    rb"\((?P<text>(?:[^()\\]++|\\.|\((?:[^()\\]++|\\.)*+\)?)*+)\)?|<(?P<hex>[0-9a-fA-F\s]*+)>|/(?P<name>[^\s()<>\[\]{}/%]++)"
    rb"|(?P<number>[-+]?(?:[0-9]++\.?[0-9]*+|\.[0-9]++))|(?P<word>[A-Za-z'\"*]++)",
    re.DOTALL,
)
_MOST_TOKENS: Final = 200_000
_WIDE, _NARROW = 0.556, 0.3  # of the size: a digit, and what is no letter, in most fonts
_UPRIGHT: Final = 0.01  # how far a line may be turned
_FEWEST: Final = 7  # digits
_DEEPEST: Final = 60

_Matrix = tuple[float, float, float, float, float, float]
_ALIKE: Final[_Matrix] = (1.0, 0.0, 0.0, 1.0, 0.0, 0.0)


def placed_text(content: bytes, fonts: dict[str, Font], text: str, *, as_drawn: bool) -> str:
    """Its lines where they stand; empty where these hold no number that is not in `text`, the drawing's own order."""
    if sum(sign.isdigit() for sign in text) < _FEWEST:
        return ""
    signs = [sign for _, sign in zip(range(LONGEST_PAGE), _Pen(fonts, as_drawn).signs(content), strict=False)]
    lines = lines_of(signs)
    tokens = (token for line in lines for token in line.split() if any(sign.isdigit() for sign in token))
    return "\n".join(lines) if any(len(token) > 1 and token not in text for token in tokens) else ""


def _times(first: _Matrix, second: _Matrix) -> _Matrix:
    a, b, c, d, e, f = first
    g, h, i, j, k, m = second
    return a * g + b * i, a * h + b * j, c * g + d * i, c * h + d * j, e * g + f * i + k, e * h + f * j + m


@dataclass(slots=True)
class _Pen:
    """The state of a drawing (ISO 32000-1, 8.4 and 9.3). Signs of lines that are turned are left out."""

    fonts: dict[str, Font]
    as_drawn: bool
    _page: _Matrix = _ALIKE
    _text: _Matrix = _ALIKE
    _line: _Matrix = _ALIKE
    _size: float = 1.0
    _leading: float = 0.0
    _font: Font | None = None

    def signs(self, content: bytes) -> Iterator[Sign]:
        """One by one, in the order in which they are drawn."""
        numbers: list[float] = []
        pieces: list[bytes | float] = []
        kept: list[_Matrix] = []
        name = ""
        for _, match in zip(range(_MOST_TOKENS), _TOKEN.finditer(content), strict=False):
            kind = match.lastgroup
            if kind == "number":
                numbers.append(float(match["number"]))
                pieces.append(numbers[-1])
            elif kind == "text":
                pieces.append(unescaped(match["text"]))
            elif kind == "hex":
                digits = b"".join(match["hex"].split())
                pieces.append(bytes.fromhex((digits + b"0" * (len(digits) & 1)).decode("ascii")))
            elif kind == "name":
                name = match["name"].decode("latin-1")
            else:
                word = match["word"]
                if word == b"q" and len(kept) < _DEEPEST:
                    kept.append(self._page)
                elif word == b"Q" and kept:
                    self._page = kept.pop()
                elif word == b"Tf":
                    self._font = self.fonts.get(name, Font())
                    self._size = numbers[-1] if numbers else self._size
                elif word in {b"Tj", b"TJ", b"'", b'"'}:
                    if word in {b"'", b'"'}:
                        self._moved(0.0, -self._leading)
                    yield from self._show(pieces)
                else:
                    self._move(word, numbers)
                numbers, pieces = [], []

    def _move(self, word: bytes, numbers: list[float]) -> None:
        if word == b"cm" and len(numbers) >= 6:
            self._page = _times(_matrix(numbers), self._page)
        elif word == b"BT":
            self._text = self._line = _ALIKE
        elif word == b"Tm" and len(numbers) >= 6:
            self._text = self._line = _matrix(numbers)
        elif word in {b"Td", b"TD"} and len(numbers) >= 2:
            if word == b"TD":
                self._leading = -numbers[-1]
            self._moved(numbers[-2], numbers[-1])
        elif word == b"TL" and numbers:
            self._leading = numbers[-1]
        elif word == b"T*":
            self._moved(0.0, -self._leading)

    def _moved(self, across: float, up: float) -> None:
        self._line = self._text = _times((1.0, 0.0, 0.0, 1.0, across, up), self._line)

    def _show(self, pieces: list[bytes | float]) -> Iterator[Sign]:
        font = self._font or Font()
        for piece in pieces:
            if isinstance(piece, float):
                self._go(-piece / 1000 * self._size)
                continue
            for sign in font.text(piece, as_drawn=self.as_drawn):
                width = (_WIDE if sign.isalnum() else _NARROW) * self._size
                here = _times(self._text, self._page)
                if abs(here[1]) <= _UPRIGHT * abs(here[0]) and not sign.isspace():
                    left, right = sorted((here[4], here[4] + width * here[0]))
                    bottom, top = sorted((here[5], here[5] + self._size * here[3]))
                    yield Sign(sign, left, right, bottom, top)
                self._go(width)

    def _go(self, across: float) -> None:
        self._text = _times((1.0, 0.0, 0.0, 1.0, across, 0.0), self._text)


def _matrix(numbers: list[float]) -> _Matrix:
    a, b, c, d, e, f = numbers[-6:]
    return a, b, c, d, e, f
