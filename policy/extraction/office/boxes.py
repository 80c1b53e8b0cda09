"""Boxes of texts, sheets and OpenDocument where they stand on the page, whatever their order in the file."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from policy.extraction.office.slides import LONGEST, MOST, Box, in_lines
from policy.extraction.xmltext import attribute, local

if TYPE_CHECKING:
    from lxml import etree

_TWIP: Final = 635  # EMU
_COLUMN: Final = 609_600  # of usual width
_ROW: Final = 190_500
_LENGTH: Final = re.compile(r"(-?\d{1,6}(?:\.\d{1,6})?)(cm|mm|in|pt|pc|px)?")
_MOVED: Final = re.compile(r"translate\s?\(\s?([-0-9.a-z]{1,20})(?:[\s,]{1,3}([-0-9.a-z]{1,20}))?")
_SHAPES: Final = tuple(
    f"{{*}}{name}" for name in ("frame", "custom-shape", "rect", "ellipse", "circle", "polygon", "polyline", "path",
                                "regular-polygon", "line", "connector", "measure", "caption")
)  # fmt: skip
_UNITS: Final = {"cm": 360_000, "mm": 36_000, "in": 914_400, "pt": 12_700, "pc": 152_400, "px": 9_525}
_HEIGHT: Final = 200_000  # of a line, where no box says its own


def lines_of_word(root: "etree._Element") -> str:
    """Paragraphs in frames (ECMA-376 17.3.1.11) and boxes with an anchor (20.4.2.3)."""
    placed = in_lines(box for _, box in zip(range(MOST), _word(root), strict=False))
    return "\n".join((*([placed] if placed else ()), *_dropped(root)))


def _dropped(root: "etree._Element") -> Iterator[str]:
    """Paragraphs that begin with a large letter in a frame of its own (ECMA-376 17.3.1.11, dropCap)."""
    for _, frame in zip(range(MOST), root.iter("{*}framePr"), strict=False):
        paragraph = next(frame.iterancestors("{*}p"), None)
        behind = paragraph.getnext() if paragraph is not None else None
        if paragraph is not None and behind is not None and attribute(frame, "dropCap") in {"drop", "margin"}:
            texts = ("".join(text.text or "" for text in each.iter("{*}t"))[:LONGEST] for each in (paragraph, behind))
            yield "".join(texts)


def _word(root: "etree._Element") -> Iterator[Box]:
    for frame in root.iter("{*}framePr"):
        paragraph = frame.getparent()
        paragraph = paragraph.getparent() if paragraph is not None else None
        if paragraph is not None and attribute(frame, "x"):
            place = _number(attribute(frame, "y")) * _TWIP, _number(attribute(frame, "x")) * _TWIP
            yield from _box(*place, _HEIGHT, paragraph, "t")
    for anchor in root.iter("{*}anchor"):
        across, down = (_offset(anchor, name) for name in ("positionH", "positionV"))
        if across is not None and down is not None:
            yield from _box(down, across, _HEIGHT, anchor, "t")


def lines_of_sheet(root: "etree._Element") -> str:
    """Boxes of a sheet's drawing (ECMA-376 20.5.2)."""
    return in_lines(box for _, box in zip(range(MOST), _sheet(root), strict=False))


def _sheet(root: "etree._Element") -> Iterator[Box]:
    for anchor in root.iter("{*}twoCellAnchor", "{*}oneCellAnchor"):
        said = {local(each): _number(each.text or "") for each in anchor.iterfind("{*}from/*")}
        down = said.get("row", 0) * _ROW + said.get("rowOff", 0)
        yield from _box(down, said.get("col", 0) * _COLUMN + said.get("colOff", 0), _HEIGHT, anchor, "t")


def lines_of_drawing(root: "etree._Element") -> str:
    """Frames and shapes of OpenDocument (1.3, 10.4), of each page by itself."""
    pages = list(root.iter("{*}page")) or [root]
    shown = (in_lines(box for _, box in zip(range(MOST), _drawing(page), strict=False)) for page in pages[:MOST])
    return "\n".join(text for text in shown if text)


def _drawing(page: "etree._Element") -> Iterator[Box]:
    for shape in page.iter(*_SHAPES):
        across, down = (_length(attribute(shape, name) or attribute(shape, f"{name}1")) for name in ("x", "y"))
        if across is None and (moved := _MOVED.search(attribute(shape, "transform"))):
            across, down = _length(moved[1]), _length(moved[2] or "0cm")
        if across is not None and down is not None:
            yield from _box(down, across, _length(attribute(shape, "height")) or _HEIGHT, shape, "p")


def _box(down: int, across: int, height: int, around: "etree._Element", name: str) -> Iterator[Box]:
    pieces = ["".join(str(text) for text in each.itertext()) for each in around.iter("{*}" + name)]
    text = "".join(pieces) if name == "t" else " ".join(piece for piece in pieces if piece.strip())
    if text.strip() and len(text) <= LONGEST:
        yield down, across, height, text.strip()


def _offset(anchor: "etree._Element", name: str) -> int | None:
    found = anchor.find(f"{{*}}{name}/{{*}}posOffset")
    return None if found is None else _number(found.text or "")


def _number(said: str) -> int:
    return int(said) if said.removeprefix("-").isdecimal() and len(said) < 15 else 0


def _length(said: str) -> int | None:
    match = _LENGTH.fullmatch(said)
    return round(float(match[1]) * _UNITS[match[2] or "cm"]) if match else None
