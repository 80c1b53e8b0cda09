"""Which elements of a page a style sheet hides."""

import re
from dataclasses import dataclass, field
from typing import Final

_SHEET: Final = re.compile(r"<style[^>]*+>([^<]*+(?:<(?!/style)[^<]*+)*+)", re.I)
_COMMENT: Final = re.compile(r"/\*[^*]*+(?:\*(?!/)[^*]*+)*+(?:\*/|\Z)")
_SIMPLE: Final = re.compile(r"([.#]?)([a-zA-Z0-9_-]++)")
_SPACE: Final = re.compile(r"\s+")
_HIDING: Final = re.compile(
    r"display:none|visibility:(?:hidden|collapse)|mso-hide:all|font-size:(?:0|[0-2](?:\.\d+)?(?:px|pt)|0?\.\d+em)(?![\d.])"
    r"|opacity:(?:0?\.0\d*|0)(?![\d.])|color:transparent|max-(?:height|width):0(?![\d.])"
    r"|(?<![a-z-])(?:height|width|line-height):0(?![\d.])"
    r"|(?:left|top|right|text-indent|margin-left|margin-top):-\d{3,}|clip(?:-path)?:(?:rect|inset)"
    r"|(?<![a-z-])color:(?:#fff(?:fff)?(?![0-9a-f])|white|rgba?\(255,255,255|rgba\([^)]*,0\))|transform:scale\(0|content-visibility:hidden"
)  # fmt: skip
_MOST_SHEET: Final = 512 * 1024


def hides(style: str) -> bool:
    """Whether declarations hide their element, or make its text too small or too pale to see."""
    if ":" not in style:
        return False
    return _HIDING.search(_SPACE.sub("", _COMMENT.sub("", style)).lower()) is not None


@dataclass(frozen=True, slots=True)
class Hidden:
    """Names whose elements are hidden, as loosely as a reader of selectors may be: the last simple one counts."""

    tags: frozenset[str] = frozenset()
    classes: frozenset[str] = frozenset()
    ids: frozenset[str] = field(default=frozenset())

    def __bool__(self) -> bool:
        return bool(self.tags or self.classes or self.ids)


def hidden_by_sheets(source: str) -> Hidden:
    """Read every style element of a page."""
    if "<style" not in source and "<STYLE" not in source and "<Style" not in source:
        return Hidden()
    found: dict[str, set[str]] = {"": set(), ".": set(), "#": set()}
    for sheet in _SHEET.finditer(source):
        for rule in _COMMENT.sub("", sheet[1][:_MOST_SHEET]).split("}"):
            selectors, brace, declarations = rule.rpartition("{")
            if not brace or not hides(declarations):
                continue
            for selector in selectors.rpartition("{")[2].split(","):
                last = selector.split()[-1:] or [""]
                names = _SIMPLE.findall(last[0].partition(":")[0])
                for mark, name in names[-1:]:
                    found[mark].add(name.lower() if not mark else name)
    return Hidden(frozenset(found[""]) - {"body", "html"}, frozenset(found["."]), frozenset(found["#"]))
