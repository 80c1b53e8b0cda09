"""Declarations of style sheets and `style` attributes (CSS Syntax 3): those that may hide, move or write text."""

import re
from collections.abc import Container, Mapping
from typing import Final

from policy.extraction.html.selectors import unescape_css

TOKEN: Final = re.compile(
    r"""/\*[^*]*+\**+(?:[^*/][^*]*+\**+)*+(?:/|\Z)|"(?:[^"\\\n]|\\.)*+"?|'(?:[^'\\\n]|\\.)*+'?|\\."""
    r"""|url\(\s*+[^"'()\s][^()]*+\)?|<!--|-->|[{};()]""",
    re.S | re.I,
)
_NAMES: Final = re.compile(r"var\(\s*(--[-\w]+)", re.I)
_COMMENT: Final = re.compile(r"/\*[^*]*+\**+(?:[^*/][^*]*+\**+)*+(?:/|\Z)|<!--|-->")
_VARIABLE: Final = re.compile(r"var\(\s*(--[-\w]+)\s*(?:,([^()]*(?:\([^()]*\)[^()]*)*))?\)", re.I)
# What can hide an element, move it or write text. Everything else of a sheet is of no concern.
PROPERTIES: Final = frozenset(
    {
        "all", "animation", "animation-name", "animation-play-state", "background", "background-clip",
        "-webkit-background-clip", "background-color", "background-image", "border-left", "bottom", "caption-side",
        "clip", "clip-path", "-webkit-clip-path", "color", "content", "content-visibility", "counter-increment",
        "counter-reset", "counter-set", "direction", "display", "filter", "flex-direction", "flex-flow", "flex-wrap",
        "float", "font", "font-size", "grid-area", "grid-auto-flow", "grid-column", "grid-column-end",
        "grid-column-start", "grid-row", "grid-row-start", "grid-template", "grid-template-areas",
        "grid-template-columns", "grid-template-rows", "height", "inset", "justify-self", "left", "letter-spacing",
        "line-height", "list-style", "list-style-type", "margin", "margin-left", "margin-top", "max-height",
        "max-width", "offset-distance", "opacity", "order", "overflow", "overflow-x", "overflow-y", "padding-left",
        "position", "quotes", "right", "rotate", "scale", "-webkit-text-fill-color", "text-indent", "text-shadow",
        "top", "transform", "-webkit-transform", "translate", "unicode-bidi", "visibility", "white-space", "width",
        "writing-mode", "zoom",
    }
)  # fmt: skip
# Other names of theirs, which browsers still take (Compatibility Standard 3) or which say the same for most scripts.
_ALIASES: Final = {
    "inset-block-start": "top", "inset-inline-end": "right", "inset-inline-start": "left",
    "margin-inline-start": "margin-left", "padding-inline-start": "padding-left", "border-inline-start": "border-left",
    "-webkit-flex-direction": "flex-direction", "-webkit-flex-flow": "flex-flow", "-webkit-order": "order",
}  # fmt: skip
# Of two values the first is that of the side where a line begins (CSS Logical Properties 1).
_PAIRS: Final = {
    "inset-inline": ("left", "right"), "margin-inline": ("margin-left", ""), "padding-inline": ("padding-left", ""),
}  # fmt: skip
# What each element may say with variables of its own, and animations may change: places, counters and marks.
OWN: Final = frozenset(
    {
        "border-left", "bottom", "content", "counter-increment", "counter-reset", "counter-set", "direction",
        "flex-direction", "float", "grid-area", "grid-column", "grid-column-end", "grid-column-start", "grid-row",
        "grid-row-start", "inset", "justify-self", "left", "list-style", "list-style-type", "margin", "margin-left",
        "offset-distance", "order", "padding-left", "position", "quotes", "right", "rotate", "scale", "text-indent",
        "top", "transform", "translate", "unicode-bidi", "animation", "animation-name",
    }
)  # fmt: skip

Declarations = dict[str, str]
Writes = dict[str, Declarations]  # what is written into an element: `before`, `after`, `marker`; and its `first-letter`


def declarations(
    text: str, variables: dict[str, str], kept: Container[str] | None = None
) -> tuple[Declarations, Declarations]:
    """The plain and the important ones among `PROPERTIES`; variables are noted in `variables` and put in.

    `kept` are those of which elements have their own: then all stand among the plain ones too, and the names of these
    stay, as do all names in `content`.
    """
    plain: Declarations = {}
    important: Declarations = {}
    if "/*" in text:
        text = _COMMENT.sub("", text)
    for one in _split(text):
        name, colon, value = one.partition(":")
        if not colon:
            continue
        name = name.strip()
        if "\\" in one:
            name = unescape_css(name)
            value = value if name.lower() in _WITH_STRINGS else unescape_css(value)
        if name.startswith("--"):
            variables.setdefault(name, value.strip())
            if kept is not None:
                plain[name] = value.replace("!important", "").strip()
            continue
        name = name.lower()
        if name not in PROPERTIES:
            if name not in _ALIASES and name not in _PAIRS:
                continue
            name = _ALIASES.get(name, name)
        if "var(" in value and not _stays(name, value, kept):
            value = with_variables(value, variables)
        into = plain
        if "!" in value:
            head, _, mark = value.rpartition("!")
            if mark.strip().lower() == "important":
                into, value = important, head
        value = value.strip()
        if name not in _WITH_STRINGS:
            value = value.lower()
        if name == "display" and value in {"-webkit-flex", "-webkit-inline-flex"}:
            value = value[len("-webkit-") :]
        if name == "inset":
            into.update(_sides(value))
            continue
        if name in _PAIRS:
            into.update({side: said for side, said in zip(_PAIRS[name], value.split(), strict=False) if side})
            continue
        into.pop(name, None)
        into[name] = value
    return plain, important


def _stays(name: str, value: str, kept: Container[str] | None) -> bool:
    """Whether a value keeps the names of its variables until it is known for which element it is."""
    if kept is None or name not in OWN:
        return False
    return name == "content" or any(one in kept for one in _NAMES.findall(value))


def _sides(value: str) -> Declarations:
    """The four sides that `inset` sets at once, in the order of a box (CSS Positioned Layout 3, 3.2)."""
    said = value.split()[:4]
    if not said:
        return {}
    top = said[0]
    right = said[1] if len(said) > 1 else top
    bottom = said[2] if len(said) > 2 else top
    left = said[3] if len(said) > 3 else right
    named = {"top": top, "right": right, "bottom": bottom, "left": left}
    return {name: side for name, side in named.items() if side != "auto"}


_WITH_STRINGS: Final = frozenset({"content", "quotes", "list-style", "list-style-type"})


def _split(text: str) -> list[str]:
    if '"' not in text and "'" not in text and "(" not in text:
        return text.split(";")
    pieces, start, depth = [], 0, 0
    for match in TOKEN.finditer(text):
        sign = match[0]
        if sign == "(":
            depth += 1
        elif sign == ")":
            depth -= 1
        elif sign == ";" and depth <= 0:
            pieces.append(text[start : match.start()])
            start = match.end()
    return [*pieces, text[start:]]


def with_variables(value: str, variables: Mapping[str, str]) -> str:
    """The value with what its variables stand for; one that is not known gives its fallback."""
    for _ in range(4):
        if "var(" not in value or len(value) > 2_000:
            break
        value = _VARIABLE.sub(lambda match: variables.get(match[1], match[2] or ""), value)
    return value
