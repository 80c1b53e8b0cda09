"""Where elements stand on the page: side by side or below each other, and in another order than in the source."""

import re
from collections.abc import Callable, Sequence
from typing import Final

from policy.extraction.html.declared import Declarations
from policy.extraction.html.lengths import length
from policy.extraction.html.tree import Element

BREAK: Final = "\n"
CELL: Final = "\t"
EDGE: Final = "\x1e"  # side by side, perhaps with a gap
BLOCKS: Final = frozenset(
    {
        "address", "article", "aside", "blockquote", "br", "caption", "center", "dd", "details", "dialog",
        "dir", "div", "dl", "dt", "fieldset", "figcaption", "figure", "footer", "form", "frameset", "h1", "h2",
        "h3", "h4", "h5", "h6", "header", "hr", "li", "legend", "listing", "main", "menu", "nav", "ol", "option",
        "optgroup", "p", "pre", "plaintext", "section", "select", "summary", "table", "tbody", "tfoot", "thead", "tr",
        "ul", "xmp", "body", "html", "head", "marquee", "textarea",
    }
)  # fmt: skip
CELLS: Final = frozenset({"td", "th"})
ARRANGING: Final = frozenset(
    {"order", "flex-direction", "flex-flow", "float", "position", "direction", "grid-column", "grid-row", "grid-area",
     "grid-column-start", "grid-column-end", "grid-row-start", "transform", "translate", "-webkit-transform", "rotate",
     "scale", "writing-mode", "offset-distance", "justify-self", "grid-auto-flow"}
)  # fmt: skip
MOVED: Final = frozenset({"tfoot", "caption", "legend"})  # elements that are shown elsewhere than they are written
_GROUPS_BY_STYLE: Final = {"table-header-group": 0, "table-footer-group": 2}
_BESIDE: Final = frozenset({"inline-block", "inline-flex", "inline-table", "inline-grid"})
_BELOW: Final = frozenset({"block", "flex", "grid", "table", "list-item", "flow-root", "table-row", "table-caption"})
_GRID_LINE: Final = re.compile(r"-?\d{1,5}")
_AREA_ROW: Final = re.compile(r"\"([^\"]*)\"|'([^']*)'")
_GROUPS: Final = {"caption": -1, "thead": 0, "tfoot": 2}  # of a table; its other rows stand between
_SHIFT: Final = re.compile(
    r"translate(?:3d|x)?\(\s*([^,()]+(?:\([^()]*(?:\([^()]*\)[^()]*)*\))?)"
    r"|matrix\((?:[^,()]+,){4}([^,()]+)|matrix3d\((?:[^,()]+,){12}([^,()]+)"
)
_SIDES: Final = {"inline-start": "left", "inline-end": "right"}
_WITHIN: Final = {
    "start": 0.0,
    "left": 0.0,
    "flex-start": 0.0,
    "center": 1.0,
    "end": 2.0,
    "right": 2.0,
    "flex-end": 2.0,
}
_MIRROR: Final = re.compile(r"scale(?:x|3d)?\(\s*-|rotate[yz]?\(\s*-?(?:180deg|\.5turn|0\.5turn|200grad|3\.14)")
_LINE_NAMES: Final = re.compile(r"\[([^\[\]]*)\]|[^\s\[\]()]+(?:\([^()]*\))?")
_AGAIN: Final = re.compile(r"repeat\(\s*(\d{1,4})\s*,")
_MOST: Final = 2_000  # children of one element that are put in order
_CHARACTER: Final = 8.0  # pixels of one, roughly
_BACKWARDS: Final = -12.0  # pixels between characters at which each stands before the last

Child = Element | str


def is_arranging(style: Declarations) -> bool:
    """Whether declarations can put elements in another order."""
    return (
        not ARRANGING.isdisjoint(style)
        or "-" in style.get("margin", "")
        or "-" in style.get("margin-left", "")
        or style.get("display") in _GROUPS_BY_STYLE
    )


def _pull(style: Declarations) -> float:
    """How far the left margin moves an element across, in pixels; below zero it is drawn over what stands before it."""
    margin = style.get("margin-left")
    if margin is None:
        sides = style["margin"].split() if "margin" in style else []
        margin = sides[3 if len(sides) > 3 else min(1, len(sides) - 1)] if sides else ""
    return (length(margin, 16.0) or 0.0) if margin and margin[0] in "-0123456789." else 0.0


def runs_backwards(spacing: str) -> bool:
    """Whether so little stands between characters that a line runs to the left."""
    return "-" in spacing and (length(spacing, 16.0) or 0.0) <= _BACKWARDS


def boundary(element: Element, style: Declarations, *, in_row: bool = False) -> str:
    """What stands between an element's text and its neighbours': a line's end, a cell's, an edge, or nothing."""
    name = element.name
    block = name in BLOCKS
    if not style and not in_row:
        return BREAK if block else CELL if name in CELLS else ""
    display = style.get("display", "")
    if in_row:
        return EDGE
    if display:
        if display == "table-cell":
            return CELL
        if display in _BESIDE:
            return EDGE
        if display in {"inline", "contents"}:
            return EDGE if block and name != "br" else ""
        if display in _BELOW and name not in CELLS:
            block = True
    if style.get("float", "none") != "none" or style.get("position") in {"absolute", "fixed"}:
        return EDGE
    return BREAK if block else CELL if name in CELLS else ""


def is_first_cell(element: Element) -> bool:
    """Whether no cell stands before it in its row."""
    if element.parent is not None:
        for sibling in element.parent.children:
            if isinstance(sibling, Element) and sibling.name in CELLS:
                return sibling is element
    return True


def is_first(element: Element) -> bool:
    """Whether no element stands before it in its parent's."""
    siblings = element.parent.children if element.parent is not None else ()
    return next((child for child in siblings if isinstance(child, Element)), element) is element


def formula_order(element: Element, children: Sequence[Child]) -> Sequence[Child]:
    """A root's index stands before what is under the root, some scripts before their base (MathML Core 3.3, 3.4)."""
    if element.name == "mroot":
        return [child for child in reversed(children) if isinstance(child, Element)]
    at = next((at for at, child in enumerate(children) if getattr(child, "name", "") == "mprescripts"), len(children))
    return [*children[at:], *children[:at]]


def is_row(style: Declarations) -> bool:
    """Whether an element sets what is in it side by side."""
    display = style.get("display", "")
    if display in {"flex", "inline-flex"}:
        return "column" not in style.get("flex-direction", style.get("flex-flow", ""))
    if display in {"grid", "inline-grid"}:
        return "grid-template-columns" in style or "column" in style.get("grid-auto-flow", "")
    return False


def arranged(
    element: Element, children: Sequence[Child], style: Declarations, style_of: Callable[[Element], Declarations]
) -> Sequence[Child]:
    """The children in the order in which they are displayed."""
    elements = [child for child in children if isinstance(child, Element)]
    if len(elements) > _MOST or not elements:
        return children
    found = _in_order(element, children, elements, style, style_of)
    return list(reversed(found)) if len(elements) > 1 and _is_turned(children, style, style_of) else found


def _is_turned(children: Sequence[Child], style: Declarations, style_of: Callable[[Element], Declarations]) -> bool:
    """Whether what stands in an element runs from right to left: mirrored, upright lines, boxes of a leftward line."""
    if style.get("writing-mode", "").endswith("-rl"):  # its lines do, and each block begins one
        return all(child.name in BLOCKS if isinstance(child, Element) else not child.strip() for child in children)
    if _MIRROR.search(style.get("transform", style.get("-webkit-transform", ""))):
        return True
    if style.get("scale", "").startswith("-") or style.get("rotate", "").startswith(("180deg", "-180deg", ".5turn")):
        return True
    return style.get("direction") == "rtl" and all(
        style_of(child).get("display") in _BESIDE if isinstance(child, Element) else not child.strip()
        for child in children
    )


def _in_order(
    element: Element,
    children: Sequence[Child],
    elements: Sequence[Element],
    style: Declarations,
    style_of: Callable[[Element], Declarations],
) -> Sequence[Child]:
    display = style.get("display", "")
    if "flex" in display or "grid" in display:
        return _items(children, style, style_of)
    if element.name == "tr" and _is_leftwards(element, style, style_of):
        return _leftwards(children)
    if (element.name == "table" and any(child.name in _GROUPS for child in elements)) or (
        "table" in display and any(style_of(child).get("display") in _GROUPS_BY_STYLE for child in elements)
    ):
        return sorted(children, key=lambda child: _rank(child, style_of))
    if element.name == "fieldset":  # its legend stands in the upper edge
        return sorted(children, key=lambda child: getattr(child, "name", "") != "legend")
    if not any(is_arranging(style_of(child)) for child in elements):
        return children
    return _lines(children, style_of)


def _leftwards(children: Sequence[Child]) -> Sequence[Child]:
    """A row's cells from right to left; the one that is written first stands behind another, and needs its gap."""
    first = next((at for at, child in enumerate(children) if getattr(child, "name", "") in CELLS), 0)
    return [*reversed(children[first + 1 :]), CELL, *reversed(children[: first + 1])]


def _rank(child: Child, style_of: Callable[[Element], Declarations]) -> int:
    """Where a table shows it: the caption above or below all rows, wherever it is written."""
    if not isinstance(child, Element):
        return 1
    if child.name == "caption":
        side = style_of(child).get("caption-side") or child.attributes.get("align", "")
        return 3 if side.strip().lower() in {"bottom", "block-end"} else -1
    return _GROUPS_BY_STYLE.get(style_of(child).get("display", ""), _GROUPS.get(child.name, 1))


def _is_leftwards(element: Element, style: Declarations, style_of: Callable[[Element], Declarations]) -> bool:
    up: Element | None = element
    for _ in range(4):
        if up is None:
            return False
        turn = (style if up is element else style_of(up)).get("direction")
        if turn:
            return turn == "rtl"
        up = up.parent
    return False


def _items(
    children: Sequence[Child], style: Declarations, style_of: Callable[[Element], Declarations]
) -> Sequence[Child]:
    """The items of a flexible box or a grid, by their order and place."""

    areas = _areas(style)
    lines = _lines_named(style.get("grid-template-columns", ""))
    rows = _rows(style)

    def place(at: int, child: Child) -> tuple[float, float, float, float]:
        row, column = (at % rows, at // rows) if rows else (0, 0)
        if not isinstance(child, Element):
            return 0.0, float(row), float(column), 0.0
        its = style_of(child)
        order = length(its["order"], 16.0) or 0.0 if "order" in its else 0.0
        within = (
            _WITHIN.get(its.get("justify-self", ""), 0.0) or (length(its.get("margin-left", ""), 16.0) or 0.0) / 1e6
        )
        area = its.get("grid-area", "").split("/")
        if area[0].strip() in areas:
            return (order, *areas[area[0].strip()], within)
        down = _line_of(its.get("grid-row") or its.get("grid-row-start") or area[0], {})
        across = _line_of(
            its.get("grid-column") or its.get("grid-column-start") or (area[1] if len(area) > 1 else ""), lines
        )
        if across is None and "grid-column-end" in its:
            across = _line_of(its["grid-column-end"], lines)
        return order, row if down is None else down, column if across is None else across, within

    items = [child for child in children if type(child) is not str or child.strip()]
    found = [child for _, child in sorted(enumerate(items), key=lambda one: place(*one))]
    flow = style.get("flex-direction", style.get("flex-flow", ""))
    if ("reverse" in flow) != (style.get("direction") == "rtl" and "column" not in flow):
        found.reverse()
    return found


def _rows(style: Declarations) -> int:
    """Of a grid that is filled column by column, how many rows it has."""
    said = style.get("grid-template-rows", "")
    if "column" not in style.get("grid-auto-flow", "") or not said:
        return 0
    again = _AGAIN.search(said)
    tracks = len([one for one in _LINE_NAMES.finditer(said[:4_000]) if one[1] is None])
    return min(int(again[1]), _MOST) if again else tracks if tracks > 1 else 0


def _line_of(said: str, lines: dict[str, str]) -> float | None:
    """The line at which an item begins: of `span 2 / 5` the third."""
    start, _, end = said.partition("/")
    start = lines.get(start.strip(), start)
    number = _GRID_LINE.search(start)
    if "span" in start and end:
        last = _GRID_LINE.search(lines.get(end.strip(), end))
        return float(last[0]) - float(number[0] if number else 1) if last else None
    return float(number[0]) if number and "span" not in start else None


def _areas(style: Declarations) -> dict[str, tuple[float, float]]:
    """Where the named areas of a grid begin: row and column (CSS Grid 2, 7.3)."""
    said = style.get("grid-template-areas") or style.get("grid-template", "")
    found: dict[str, tuple[float, float]] = {}
    for row, match in enumerate(_AREA_ROW.finditer(said[:4_000]), 1):
        for column, name in enumerate((match[1] or match[2] or "").split(), 1):
            found.setdefault(name, (float(row), float(column)))
    return found


def _lines_named(columns: str) -> dict[str, str]:
    """The lines between a grid's columns by their names (CSS Grid 2, 7.2.2)."""
    found: dict[str, str] = {}
    if "[" not in columns:
        return found
    line = 1
    for match in _LINE_NAMES.finditer(columns[:4_000]):
        if match[1] is None:
            line += 1
        for name in (match[1] or "").split():
            found.setdefault(name, str(line))
    return found


def _lines(children: Sequence[Child], style_of: Callable[[Element], Declarations]) -> Sequence[Child]:
    """Floating and positioned elements put where they are seen, within each run that no block ends."""
    out: list[Child] = []
    run: list[Child] = []
    for child in children:
        if isinstance(child, Element) and child.name in BLOCKS:
            its = style_of(child)
            placed = its.get("float", "none") != "none" or its.get("position") in {"absolute", "fixed", "relative"}
            if child.name == "br" or not (placed or "inline" in its.get("display", "")):
                out += _line(run, style_of)
                out.append(child)
                run = []
                continue
        run.append(child)
    return [*out, *_line(run, style_of)]


def _line(run: list[Child], style_of: Callable[[Element], Declarations]) -> list[Child]:
    left: list[Child] = []
    right: list[Child] = []
    placed: list[tuple[float, float, bool, int, Child]] = []
    shifted = False
    across = 0.0
    for at, child in enumerate(run):
        if not isinstance(child, Element):
            placed.append((0.0, across, True, at, child))
            across += len(str(child)) * _CHARACTER
            continue
        its = style_of(child)
        side = its.get("float", "none")
        side = _SIDES.get(side, side)
        if side == "right":
            right.append(child)
            continue
        if side == "left":
            left.append(child)
            continue
        pull = _pull(its)
        down, x, moved = _position(its, across + pull)
        shifted = shifted or moved or pull < 0
        pinned = its.get("position") in {"absolute", "fixed"} and "left" in its
        placed.append((down, x, not pinned, at, child))
        if its.get("position") not in {"absolute", "fixed"}:
            across += pull + _width(child)
    if shifted:
        placed.sort(key=lambda one: one[:4])
    return [*left, *(one[4] for one in placed), *reversed(right)]


def _position(style: Declarations, across: float) -> tuple[float, float, bool]:
    """How far down and across, and whether a style says so."""
    kind = style.get("position")
    down = x = 0.0
    moved = False
    if kind in {"absolute", "fixed", "relative"}:
        left, right, top = style.get("left"), style.get("right"), style.get("top")
        down = (length(top, 16.0) or 0.0) // 12 if top else 0.0
        if left is not None or right is not None:
            moved = True
            x = (length(left, 16.0) or 0.0) if left is not None else -(length(right or "", 16.0) or 0.0)
            if kind != "relative" and left is None:
                x += 1280.0
        moved = moved or top is not None
        if kind != "relative" and right is None:
            names = _INSIDE if left is None else (*_INSIDE, "margin-left")
            inside = [length(style[name], 16.0) or 0.0 for name in names if name in style]
            moved = moved or bool(inside) or "margin-left" in style
            x += sum(inside)
    shifts = [style.get("translate", "").split("/")[0].strip(), style.get("offset-distance", "")]
    shifts += [
        match[1] or (match[2] or match[3]) + "px"
        for match in _SHIFT.finditer(style.get("transform", style.get("-webkit-transform", "")))
    ]
    for shift in filter(None, shifts):
        moved = True
        x += length(shift, 16.0, 100.0) or 0.0
    if kind in {"absolute", "fixed"} and (style.get("left") or style.get("right")):
        return down, x, moved
    return down, across + x, moved


_INSIDE: Final = ("padding-left", "text-indent", "border-left")


def _width(element: Element) -> float:
    """Of the text in an element, roughly; only the first few levels are looked at."""
    total = 0
    waiting: list[tuple[Element, int]] = [(element, 0)]
    while waiting and total < 200:
        one, depth = waiting.pop()
        for child in one.children[:20]:
            if isinstance(child, Element):
                if depth < 3:
                    waiting.append((child, depth + 1))
            else:
                total += len(child)
    return total * _CHARACTER
