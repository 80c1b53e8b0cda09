"""What declarations do to an element: whether its text is seen, and which way it runs."""

import re
from dataclasses import dataclass, replace
from typing import Final

from policy.extraction.html.colours import Colour, alike, colour
from policy.extraction.html.declared import Declarations
from policy.extraction.html.lengths import length
from policy.extraction.html.tree import Element

_SIZES: Final = {
    "xx-small": 9.0, "x-small": 10.0, "small": 13.0, "medium": 16.0, "large": 18.0, "x-large": 24.0, "xx-large": 32.0,
    "smaller": -1.2, "larger": 1.2, "initial": 16.0,
}  # fmt: skip
_FONT_SIZE: Final = re.compile(
    r"(?:^|\s)((?:[\d.]+(?:px|pt|pc|em|rem|ex|ch|cm|mm|in|%|vw|vh)?)|calc\([^)]*\))(?=\s*/|\s)"
)
_ALPHA: Final = re.compile(r"opacity\(\s*([\d.]+)(%?)")
_FLAT: Final = re.compile(
    r"scale(?:3d|x|y|z)?\(\s*(?:(?:0+(?:\.0*)?|\.0*)\s*)?[,)%]|scale(?:3d)?\([^,()]+,\s*(?:(?:0+(?:\.0*)?|\.0*)\s*)?[,)]"
    r"|matrix\(\s*(?:0+|0*\.0+)\s*,\s*(?:0+|0*\.0+)\s*,\s*0"
    r"|rotate[xy]\(\s*-?(?:90|270)deg|rotate[xy]\(\s*-?\.25turn"
)
_MOVED: Final = re.compile(r"translate(?:3d|x|y|z)?\(([^()]*)\)")
_CLIPPED: Final = re.compile(
    r"(?:circle|ellipse)\(\s*0*(?:\.0*)?(?:px|%|em)?[\s)]|inset\(\s*(?:[5-9]\d|1\d\d)(?:\.\d+)?%"
    r"|polygon\(\s*0\w*%?\s+0\w*%?(?:\s*,\s*0\w*%?\s+0\w*%?)*\s*\)"  # a comma between points: one way to read it
    r"|path\(\s*[\"'][\"']|rect\(\s*0\w*\s+0\w*\s+0\w*\s+0"
)
_TINY: Final = 2.0  # pixels: text no higher than this is not seen
_FAR: Final = 480.0  # pixels past an edge
_FARTHER: Final = 2_500.0
_INLINE: Final = frozenset({"inline", ""})


@dataclass(frozen=True, slots=True)
class Look:
    """What an element's text inherits. `gone` cannot be undone further in, `faint` (visibility) can."""

    gone: bool = False
    faint: bool = False
    size: float = 16.0
    colour: Colour | None = (0, 0, 0)
    ground: Colour | None = (255, 255, 255)
    shadow: bool = False
    leftwards: bool = False
    override: bool = False

    @property
    def hidden(self) -> bool:
        """Nothing of the text is seen."""
        return (
            self.gone
            or self.faint
            or self.size <= _TINY
            or (not self.shadow and self.colour != (0, 0, 0) and alike(self.colour, self.ground))
            or (not self.shadow and self.ground != (255, 255, 255) and alike(self.colour, self.ground))
        )


def look_of(parent: Look, style: Declarations, element: Element) -> Look:
    """How an element looks, given its declarations."""
    changes: dict[str, object] = {}
    if not parent.gone and vanishes(style, parent.size, element):
        changes["gone"] = True
    seen = style.get("visibility")
    if seen is not None:
        changes["faint"] = seen in {"hidden", "collapse"} or (seen == "inherit" and parent.faint)
    size = _size(style, parent.size)
    if size is not None:
        changes["size"] = size
    _colours(style, changes)
    turn = style.get("direction")
    if turn is not None:
        changes["leftwards"] = turn == "rtl"
    bidi = style.get("unicode-bidi")
    if bidi is not None:
        changes["override"] = "override" in bidi
    return replace(parent, **changes) if changes else parent  # type: ignore[arg-type]  # names and types are Look's own


def _colours(style: Declarations, changes: dict[str, object]) -> None:
    ink = style.get("-webkit-text-fill-color") or style.get("color")
    if ink is not None and ink not in {"inherit", "currentcolor"}:
        changes["colour"] = colour(ink)
    ground = style.get("background-color") or style.get("background")
    image = style.get("background-image", "")
    if "url(" in image or "gradient" in image or (ground and ("url(" in ground or "gradient" in ground)):
        changes["ground"] = None  # a picture: nobody knows what stands out from it
    elif ground:
        found = next((one for word in _words(ground) if (one := colour(word)) is not None), None)
        if found is not None and found[0] >= 0:
            changes["ground"] = found
    if "text" in style.get("background-clip", style.get("-webkit-background-clip", "")) or style.get(
        "text-shadow", "none"
    ) not in {"none", ""}:
        changes["shadow"] = True


def _words(value: str) -> list[str]:
    return [value] if "(" in value else value.split()[:12]


def _size(style: Declarations, inherited: float) -> float | None:
    value = style.get("font-size")
    if value is None:
        font = style.get("font")
        match = _FONT_SIZE.search(font[:200]) if font else None
        if match is None:
            return None
        value = match[1]
    named = _SIZES.get(value)
    if named is not None:
        return named if named > 2 else inherited * named if named > 0 else inherited / -named
    return length(value, inherited, inherited)


def vanishes(style: Declarations, size: float, element: Element) -> bool:
    """Whether neither an element nor anything in it is seen."""
    display = style.get("display", "")
    if display == "none" or style.get("content-visibility") == "hidden":
        return True
    opacity = style.get("opacity")
    if opacity is not None and (part := length(opacity, 1, 1)) is not None and part < 0.06:
        return True
    found = _ALPHA.search(style["filter"]) if "filter" in style else None
    if found and float(found[1].strip(".").partition(".")[0] or 0) == 0 and not found[1].strip("0."):
        return True
    return _transformed(style, size) or _outside(style, size) or _cut(style, size, display, element)


def _transformed(style: Declarations, size: float) -> bool:
    value = style.get("transform") or style.get("-webkit-transform")
    if value:
        if _FLAT.search(value):
            return True
        for moved in _MOVED.finditer(value):
            if any(abs(length(one, size, 200) or 0) > _FAR for one in moved[1].split(",")[:2]):
                return True
    scale = style.get("scale")
    if scale and any(length(one, 1, 1) == 0 for one in scale.split()[:2]):
        return True
    moved_by = style.get("translate")
    return bool(moved_by) and any(abs(length(one, size, 200) or 0) > _FAR for one in str(moved_by).split()[:2])


def _outside(style: Declarations, size: float) -> bool:
    """Moved off the page."""
    indent = style.get("text-indent")
    if indent and not -200 < (length(indent, size) or 0) < _FARTHER:
        return True
    margins = style.get("margin", "").split()
    for name, at in (("margin-left", 3), ("margin-top", 0)):
        value = style.get(name) or (margins[at] if len(margins) == 4 else "")
        if value and not -_FAR < (length(value, size) or 0) < _FARTHER * 2:
            return True
    if style.get("position") not in {"absolute", "fixed", "relative", "sticky"}:
        return False
    for name in ("left", "top", "right", "bottom"):
        edge = style.get(name)
        if edge:
            pixels = length(edge, size, 1280) or 0
            if pixels <= -_FAR or (name == "left" and pixels > _FARTHER) or (name == "top" and pixels > 100_000):
                return True
    return False


def _cut(style: Declarations, size: float, display: str, element: Element) -> bool:
    """Clipped to nothing."""
    path = style.get("clip-path") or style.get("-webkit-clip-path")
    if path and _CLIPPED.search(path):
        return True
    clip = style.get("clip")
    if clip and "rect" in clip and style.get("position") in {"absolute", "fixed"}:
        edges = [length(one, size) or 0 for one in clip.partition("(")[2].replace(",", " ").split()[:4]]
        if len(edges) == 4 and (edges[2] - edges[0] <= _TINY or edges[1] - edges[3] <= _TINY):
            return True
    overflow = style.get("overflow") or style.get("overflow-x") or style.get("overflow-y")
    if not overflow or overflow == "visible":
        return False
    boxed = display not in _INLINE or "float" in style or style.get("position") in {"absolute", "fixed"}
    if not boxed and element.name in INLINE_NAMES:
        return False
    for name in ("height", "max-height", "width", "max-width", "line-height"):
        value = style.get(name)
        pixels = length(value, size) if value else None
        if pixels is None or pixels > _TINY or (name == "line-height" and (pixels or "height" in style)):
            continue
        return True
    return False


INLINE_NAMES: Final = frozenset(
    {
        "a", "abbr", "acronym", "b", "bdi", "bdo", "big", "cite", "code", "data", "del", "dfn", "em", "font", "i",
        "ins", "kbd", "label", "mark", "nobr", "output", "q", "rp", "rt", "ruby", "s", "samp", "small", "span",
        "strike", "strong", "sub", "sup", "time", "tt", "u", "var", "wbr",
    }
)  # fmt: skip


_DRAWN: Final = frozenset({"svg", "g", "a", "text", "tspan", "textpath"})


def attributes_as_style(element: Element) -> Declarations:
    """What attributes of old say about colours and sizes (HTML 15.3)."""
    found: Declarations = {}
    attributes = element.attributes
    ink = attributes.get("color") if element.name == "font" else attributes.get("text")
    if ink and element.name in {"font", "body"}:
        found["color"] = ink.strip().lower()
    ground = attributes.get("bgcolor")
    if ground:
        found["background-color"] = ground.strip().lower()
    if "background" in attributes:
        found["background-image"] = "url("
    if element.name == "bdo":
        found["unicode-bidi"] = "bidi-override"
    turn = attributes.get("dir", "").lower()
    if turn in {"rtl", "ltr"}:
        found["direction"] = turn
    if element.name in _DRAWN:  # SVG 2, 6.6
        found |= {
            name: attributes[name].strip().lower() for name in ("direction", "unicode-bidi") if name in attributes
        }
    if "hidden" in attributes or "popover" in attributes:
        found["display"] = "none"
    return found
