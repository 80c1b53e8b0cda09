"""Lengths and numbers of style sheets, with the sums in them worked out (CSS Values and Units 4, 6 and 10)."""

import math
import re
from collections.abc import Callable
from typing import Final

_LENGTH: Final = re.compile(
    r"([+-]?\s*(?:\d*\.\d+|\d+)(?:e[+-]?\d{1,2}(?!\d))?)"
    r"(px|pt|pc|r?(?:em|ex|ch|lh|cap|ic)|cm|mm|in|q|%|[sld]?v(?:min|max|[whib])|cq(?:min|max|[whib]))?(?![a-z\d])"
)
_PIXELS: Final = {"": 1.0, "px": 1.0, "pt": 4 / 3, "pc": 16.0, "cm": 37.8, "mm": 3.78, "in": 96.0, "q": 0.945}
_OF_FONT: Final = {"em": 1.0, "ex": 0.5, "ch": 0.5, "lh": 1.2, "cap": 0.7, "ic": 1.0}
_OF_SCREEN: Final = {"w": 12.8, "i": 12.8, "max": 12.8, "h": 8.0, "b": 8.0, "min": 8.0}
_SIGN: Final = re.compile(r"\s*([-a-z]*\(|[-+*/,)]|[a-z-]+)")
_BLANK: Final = re.compile(r"\s*")
_LONGEST: Final = 400
_DEEPEST: Final = 12

_FOLDS: Final[dict[str, Callable[[list[float]], float]]] = {
    "": lambda given: given[0],
    "calc": lambda given: given[0],
    "-webkit-calc": lambda given: given[0],
    "-moz-calc": lambda given: given[0],
    "min": min,
    "max": max,
    "clamp": lambda given: max(given[0], min(given[1], given[2])),
    "abs": lambda given: abs(given[0]),
    "sign": lambda given: math.copysign(1.0, given[0]) if given[0] else 0.0,
    "round": lambda given: round(given[0] / given[1]) * given[1] if len(given) > 1 else float(round(given[0])),
    "mod": lambda given: given[0] % given[1],
    "rem": lambda given: math.fmod(given[0], given[1]),
    "hypot": lambda given: math.hypot(*given),
    "sqrt": lambda given: math.sqrt(given[0]),
}
_ROUNDINGS: Final = frozenset({"nearest", "up", "down", "to-zero"})


def length(value: str, size: float, whole: float = 1280.0) -> float | None:
    """Pixels; of a sum its result. `size` is the font's, `whole` what a percentage is of."""
    if "(" in value:
        try:
            return _Sum(value[:_LONGEST], size, whole).total(0)
        except (ValueError, IndexError, ArithmeticError, TypeError):
            pass  # no sum: the first length in it
    match = _LENGTH.search(value[:120])
    return _pixels(match, size, whole) if match else None


def _pixels(match: re.Match[str], size: float, whole: float) -> float:
    unit = match[2] or ""
    number = float(match[1].replace(" ", ""))
    if unit in _PIXELS:
        return number * _PIXELS[unit]
    if unit == "%":
        return number * whole / 100
    if unit in _OF_FONT:
        return number * _OF_FONT[unit] * size
    if unit[0] == "r":
        return number * _OF_FONT[unit[1:]] * 16.0
    return number * _OF_SCREEN[unit.lstrip("sld").removeprefix("v").removeprefix("cq")]


class _Sum:
    """Reads a value from the left, once. Raises ValueError where it is no sum."""

    def __init__(self, text: str, size: float, whole: float) -> None:
        self._text = text
        self._size = size
        self._whole = whole
        self._at = 0

    def total(self, depth: int) -> float:
        """Terms with + and - between them."""
        total = self._product(depth)
        while (sign := self._next()) in {"+", "-"}:
            self._take()
            term = self._product(depth)
            total += term if sign == "+" else -term
        return total

    def _product(self, depth: int) -> float:
        product = self._one(depth)
        while (sign := self._next()) in {"*", "/"}:
            self._take()
            factor = self._one(depth)
            product = product * factor if sign == "*" else product / factor
        return product

    def _one(self, depth: int) -> float:
        start = _BLANK.match(self._text, self._at)
        number = _LENGTH.match(self._text, start.end() if start else self._at)
        if number is not None:
            self._at = number.end()
            return _pixels(number, self._size, self._whole)
        sign = self._take()
        if sign == "-":
            return -self._one(depth)
        if not sign.endswith("(") or depth > _DEEPEST:
            raise ValueError
        fold = _FOLDS.get(sign[:-1])
        if fold is None:
            raise ValueError
        given: list[float] = []
        while True:
            if self._next() in _ROUNDINGS:
                self._take()
            else:
                given.append(self.total(depth + 1))
            sign = self._take()
            if sign != ",":
                break
        if sign not in {")", ""}:
            raise ValueError
        return fold(given)

    def _next(self) -> str:
        match = _SIGN.match(self._text, self._at)
        return match[1] if match else ""

    def _take(self) -> str:
        match = _SIGN.match(self._text, self._at)
        if match is None:
            return ""
        self._at = match.end()
        return match[1]
