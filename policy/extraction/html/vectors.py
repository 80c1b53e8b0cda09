"""Texts of SVG drawings in the order in which they stand on them (SVG 2, 8.5, 11.2 and 5.6)."""

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from policy.extraction.html.lengths import length
from policy.extraction.html.tree import Element, Tree

_TEXTS: Final = frozenset({"text", "tspan", "textpath", "a", "altglyph", "tref"})
_UNDRAWN: Final = frozenset(
    {"defs", "symbol", "clippath", "mask", "marker", "pattern", "style", "script", "title", "desc", "metadata"}
)
_CALL: Final = re.compile(r"(translate|scale|matrix|rotate)[xy]?\s*\(([^()]{0,200})\)", re.I)
_NUMBER: Final = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d{1,3})?(?:px|pt|em|rem|%|deg)?", re.I)
_STYLE: Final = re.compile(r"(?:^|;)\s*([\w-]{1,30})\s*:\s*([^;]{1,200})")
_HIDING: Final = {
    "display": ("none",), "visibility": ("hidden", "collapse"), "fill": ("none", "transparent"),
    "opacity": ("0", "0%", "0.0", ".0"), "fill-opacity": ("0", "0%", "0.0", ".0"), "font-size": ("0", "0px"),
}  # fmt: skip
_WIDE: Final = 0.6  # of a sign, roughly, in its font's size
_GAP: Final = 1.6  # signs between two texts that are read apart
_SPACE: Final = 0.8  # where a space alone may stand between them
_LINE: Final = 0.6  # of the font's size between the feet of two texts on one line
_MOST: Final = 5_000  # texts with a place of their own in one page
_STEPS: Final = 100_000
_DEEPEST: Final = 60
_USES_DEEP: Final = 4
_FAR: Final = 1e9
_LONGEST_PAGE: Final = 80  # characters of a page within a drawing

_Matrix: TypeAlias = tuple[float, float, float, float, float, float]
_UNMOVED: Final[_Matrix] = (1.0, 0.0, 0.0, 1.0, 0.0, 0.0)


@dataclass(slots=True)
class _Run:
    """A piece of text that stands where it does by itself."""

    x: float
    y: float
    size: float
    text: str
    far: float  # where the sign behind it would stand


@dataclass(slots=True)
class _Pen:
    """Where the next sign of a text stands, and what was asked for those that come."""

    x: float = 0.0
    y: float = 0.0
    anchor: str = ""
    xs: list[list[float]] = field(default_factory=list)  # of the innermost element last
    ys: list[list[float]] = field(default_factory=list)
    dxs: list[list[float]] = field(default_factory=list)
    dys: list[list[float]] = field(default_factory=list)


class _Drawing:
    def __init__(self, tree: Tree) -> None:
        self.runs: list[_Run] = []
        self.whole = True
        self._steps = 0  # elements gone through and signs set, of all drawings of the page
        self._named = {
            element.attributes["id"]: element for element in reversed(tree.elements) if "id" in element.attributes
        }

    def draw(self, element: Element, matrix: _Matrix, size: float, deep: int = 0, uses: int = 0) -> None:
        """All that one element shows."""
        self._steps += 1
        if deep > _DEEPEST or len(self.runs) > _MOST or self._steps > _STEPS:
            self.whole = False
            return
        style = _style(element)
        if _hidden(style):
            return
        size = _size(style, size)
        matrix = _moved(_moved(matrix, style.get("transform", "")), _animated(element, "transform"))
        name = element.name
        if name == "text":
            self._text(element, matrix, size, _Pen(anchor=style.get("text-anchor", "")))
            return
        if name in {"svg", "use", "image"}:
            matrix = _times(matrix, (1.0, 0.0, 0.0, 1.0, _first(element, "x", size), _first(element, "y", size)))
        if name == "foreignobject":
            self._page(element, _at(matrix, _first(element, "x", size), _first(element, "y", size)), size)
            return
        if name == "use":
            link = element.attributes.get("href") or element.attributes.get("xlink:href", "")
            target = self._named.get(link.strip().removeprefix("#"))
            if target is not None and uses < _USES_DEEP:
                if target.name in {"symbol", "svg"}:
                    self._children(target, matrix, size, deep, uses + 1)
                else:
                    self.draw(target, matrix, size, deep + 1, uses + 1)
            return
        self._children(element, matrix, size, deep, uses)

    def _page(self, element: Element, at: tuple[float, float], size: float) -> None:
        """A short text of a page that stands in a drawing."""
        text = ""
        waiting: list[Element | str] = [element]
        while waiting and len(text) <= _LONGEST_PAGE:
            self._steps += 1
            one = waiting.pop()
            if isinstance(one, Element):
                waiting += reversed(one.children[:_LONGEST_PAGE])
            elif type(one) is str:
                text += one
        text = " ".join(text.split())
        if text and len(text) <= _LONGEST_PAGE:
            self.runs.append(_Run(at[0], at[1] + size, size, text, at[0] + len(text) * size * _WIDE))

    def _children(self, element: Element, matrix: _Matrix, size: float, deep: int, uses: int) -> None:
        for child in element.children:
            if isinstance(child, Element) and child.name not in _UNDRAWN:
                self.draw(child, matrix, size, deep + 1, uses)

    def _text(self, element: Element, matrix: _Matrix, size: float, pen: _Pen, deep: int = 0) -> None:
        """A text or a piece of one: each sign that has a place of its own begins a run."""
        attributes = element.attributes
        for name, given in (("x", pen.xs), ("y", pen.ys), ("dx", pen.dxs), ("dy", pen.dys)):
            given.append(_numbers(_animated(element, name) or attributes.get(name, ""), size))
        first = len(self.runs)
        self._steps += 1
        for child in element.children:
            if isinstance(child, Element):
                style = _style(child)
                if child.name in _TEXTS and deep < _DEEPEST and not _hidden(style):
                    self._text(child, _moved(matrix, style.get("transform", "")), _size(style, size), pen, deep + 1)
            elif type(child) is str:
                self._signs(" ".join(child.split()) if child.strip() else "", matrix, size, pen)
        for given in (pen.xs, pen.ys, pen.dxs, pen.dys):
            given.pop()
        if deep == 0 and pen.anchor in {"end", "middle"} and first < len(self.runs):
            wide = (self.runs[-1].far - self.runs[first].x) * (1.0 if pen.anchor == "end" else 0.5)
            for run in self.runs[first:]:
                run.x, run.far = run.x - wide, run.far - wide

    def _signs(self, text: str, matrix: _Matrix, size: float, pen: _Pen) -> None:
        begins = True
        self._steps += len(text)
        if self._steps > _STEPS:
            self.whole = False
            return
        for sign in text:
            x, y, dx, dy = (_next(given) for given in (pen.xs, pen.ys, pen.dxs, pen.dys))
            begins = begins or x is not None or y is not None or bool(dx) or bool(dy)
            pen.x = (pen.x if x is None else x) + (dx or 0.0)
            pen.y = (pen.y if y is None else y) + (dy or 0.0)
            if begins:
                if len(self.runs) > _MOST:
                    self.whole = False
                    return
                at = _at(matrix, pen.x, pen.y)
                self.runs.append(_Run(*at, size * math.hypot(matrix[0], matrix[1]), "", 0.0))
                begins = False
            pen.x += size * _WIDE
            run = self.runs[-1]
            run.text += sign
            run.far = _at(matrix, pen.x, pen.y)[0]


def drawn_lines(tree: Tree) -> tuple[list[str], bool]:
    """The lines of each drawing of a page that has texts in several places, from the top, each from the left; and
    whether all of the drawings was worked through."""
    found: list[str] = []
    drawing = None
    for element in tree.elements:
        if element.name != "svg" or _within_svg(element):
            continue
        drawing = drawing or _Drawing(tree)
        drawing.runs = []
        drawing.draw(element, _UNMOVED, 16.0)
        if len(drawing.runs) > 1 and any(char.isdigit() for run in drawing.runs for char in run.text):
            found += dict.fromkeys("\n".join(_lines(drawing.runs, gap)) for gap in (_GAP, _SPACE))
    return found, drawing is None or drawing.whole


def _lines(runs: Sequence[_Run], gap: float) -> Iterator[str]:
    found: list[list[_Run]] = []
    for run in sorted(runs, key=lambda run: run.y):
        if found and run.y - found[-1][0].y <= _LINE * max(run.size, found[-1][0].size, 1.0):
            found[-1].append(run)
        else:
            found.append([run])
    for line in found:
        line.sort(key=lambda run: run.x)
        text = ""
        for before, run in zip((None, *line), line, strict=False):
            apart = before is not None and run.x - before.far > gap * _WIDE * max(run.size, 1.0)
            text += f"{' ' if apart else ''}{run.text}"
        yield text


def _within_svg(element: Element) -> bool:
    up = element.parent
    for _ in range(_DEEPEST):
        if up is None:
            return False
        if up.name == "svg":
            return True
        up = up.parent
    return True


def _style(element: Element) -> dict[str, str]:
    """What its attributes and its inline style say; style sheets are not asked."""
    attributes = element.attributes
    if not attributes:
        return {}
    style = {name: attributes[name].strip().lower() for name in _ASKED if name in attributes}
    if "style" in attributes:
        style |= {match[1].lower(): match[2].strip().lower() for match in _STYLE.finditer(attributes["style"][:2_000])}
    return style


_ANIMATIONS: Final = frozenset({"set", "animate", "animatetransform", "animatemotion"})
_MOST_ANIMATIONS: Final = 40
_ASKED: Final = (*_HIDING, "transform", "text-anchor")


def _animated(element: Element, name: str) -> str:
    """Where animations leave what an attribute says (SVG 2; SMIL 3, 12.5); empty where there are none."""
    found = ""
    for child in element.children[:_MOST_ANIMATIONS]:
        if not isinstance(child, Element) or child.name not in _ANIMATIONS:
            continue
        said = child.attributes
        end = said.get("to") or said.get("values", "").split(";")[-1] or said.get("from", "")
        if child.name == "animatetransform" and name == "transform":
            found += f"{said.get('type', 'translate')}({end}) "
        elif child.name == "animatemotion" and name == "transform":
            steps = _NUMBER.findall(said.get("path", "")[:400])[-2:]
            found += f"translate({','.join(steps)}) " if len(steps) == 2 else ""
        elif said.get("attributename", "") == name:
            found = end
    return found


def _hidden(style: dict[str, str]) -> bool:
    return bool(style) and any(style.get(name, "") in values for name, values in _HIDING.items())


def _size(style: dict[str, str], size: float) -> float:
    said = length(style["font-size"], size, size) if "font-size" in style else None
    return min(said, 1_000.0) if said is not None and said > 0 else size


def _numbers(said: str, size: float) -> list[float]:
    """Lengths of a list, the last first."""
    found = [length(match[0].lower(), size, 400.0) or 0.0 for match in _NUMBER.finditer(said[:20_000])]
    return [max(-_FAR, min(_FAR, number)) for number in reversed(found)]


def _first(element: Element, name: str, size: float) -> float:
    found = _numbers(element.attributes.get(name, ""), size)
    return found[-1] if found else 0.0


def _next(given: list[list[float]]) -> float | None:
    """What is asked for the next sign: by the innermost element that asks; the others' turn passes, too."""
    value = None
    for numbers in given:
        if numbers:
            value = numbers.pop()
    return value


def _times(a: _Matrix, b: _Matrix) -> _Matrix:
    return (
        a[0] * b[0] + a[2] * b[1], a[1] * b[0] + a[3] * b[1],
        a[0] * b[2] + a[2] * b[3], a[1] * b[2] + a[3] * b[3],
        a[0] * b[4] + a[2] * b[5] + a[4], a[1] * b[4] + a[3] * b[5] + a[5],
    )  # fmt: skip


def _at(matrix: _Matrix, x: float, y: float) -> tuple[float, float]:
    a, b, c, d, e, f = matrix
    return a * x + c * y + e, b * x + d * y + f


def _moved(matrix: _Matrix, said: str) -> _Matrix:
    for call in list(_CALL.finditer(said[:2_000]))[:20] if said else ():
        numbers = [length(match[0].lower(), 16.0, 400.0) or 0.0 for match in _NUMBER.finditer(call[2])]
        numbers = [max(-_FAR, min(_FAR, number)) for number in numbers] or [0.0]
        name, first = call[1].lower(), numbers[0]
        second = numbers[1] if len(numbers) > 1 else None
        if name == "translate":
            upright = call[0].lower().startswith("translatey")
            by = (1.0, 0.0, 0.0, 1.0, 0.0 if upright else first, first if upright else second or 0.0)
        elif name == "scale":
            by = (first, 0.0, 0.0, first if second is None else second, 0.0, 0.0)
        elif name == "rotate":
            cosine, sine = math.cos(math.radians(first)), math.sin(math.radians(first))
            by = (cosine, sine, -sine, cosine, 0.0, 0.0)
        elif len(numbers) == 6:
            by = (numbers[0], numbers[1], numbers[2], numbers[3], numbers[4], numbers[5])
        else:
            continue
        matrix = _times(matrix, by)
    if not all(map(math.isfinite, matrix)):
        return _UNMOVED
    return matrix
