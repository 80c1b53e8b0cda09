"""The boxes of a slide where they stand, whatever their order in the file."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from lxml import etree

MOST: Final = 2_000  # boxes
_DEEPEST: Final = 12  # groups in each other
LONGEST: Final = 200  # characters of a box that may be one piece of a line
_LINE: Final = 0.5  # of the lower box's height, between the tops of two on one line
_LEAST: Final = 100_000  # a box's height where none is said (EMU, 1/914400 inch)

Box: TypeAlias = tuple[int, int, int, str]  # top, left, height, text


def lines_of_boxes(slide: "etree._Element") -> str:
    """Boxes of one short line each, those beside each other in one line; empty where nothing stands so."""
    return in_lines(box for box in map(_box, _shapes(slide)) if box is not None)


def in_lines(boxes: Iterable[Box]) -> str:
    """Boxes from the top, those beside each other in one line; empty where no two are."""
    lines: list[list[Box]] = []
    for box in sorted(boxes):
        first = lines[-1][0] if lines else None
        if first is not None and box[0] - first[0] <= _LINE * max(min(first[2], box[2]), _LEAST):
            lines[-1].append(box)
        else:
            lines.append([box])
    if all(len(line) == 1 for line in lines):
        return ""
    return "\n".join(" ".join(text for _, _, _, text in sorted(line, key=lambda box: box[1])) for line in lines)


def _shapes(slide: "etree._Element") -> "list[etree._Element]":
    return [shape for _, shape in zip(range(MOST), slide.iter("{*}sp", "{*}cxnSp", "{*}wsp"), strict=False)]


def _box(shape: "etree._Element") -> Box | None:
    frame = next(shape.iter("{*}xfrm"), None)
    place = frame.find("{*}off") if frame is not None else None
    lines = ["".join(each.text or "" for each in line.iter("{*}t")) for line in shape.iter("{*}p")]
    text = " ".join(line for line in lines if line.strip())
    if place is None or not text or len(text) > LONGEST:
        return None
    across, down = _in_groups(shape, _emu(place, "x"), _emu(place, "y"))
    return down, across, _emu(place.getnext(), "cy"), text


def _in_groups(shape: "etree._Element", across: int, down: int) -> tuple[int, int]:
    """The place on the slide of what stands in groups, each of which has its own measure (ECMA-376 20.1.7.5)."""
    for _, group in zip(range(_DEEPEST), shape.iterancestors("{*}grpSp"), strict=False):
        frame = group.find("{*}grpSpPr/{*}xfrm")
        if frame is None:
            continue
        at, size, start, inside = (frame.find("{*}" + name) for name in ("off", "ext", "chOff", "chExt"))
        wide, high = _emu(inside, "cx"), _emu(inside, "cy")
        across = _emu(at, "x") + (across - _emu(start, "x")) * (_emu(size, "cx") if wide else 1) // (wide or 1)
        down = _emu(at, "y") + (down - _emu(start, "y")) * (_emu(size, "cy") if high else 1) // (high or 1)
    return across, down


def _emu(element: "etree._Element | None", name: str) -> int:
    said = element.get(name, "") if element is not None else ""
    return int(said) if said.removeprefix("-").isdecimal() and len(said) < 15 else 0
