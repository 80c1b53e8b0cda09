"""Whether the rules in a group hold on a desk's screen and on a phone's (Media Queries 4, Conditional Rules 5)."""

import re
from collections.abc import Container
from typing import Final

from policy.extraction.html.selectors import parse_selectors

Screens = tuple[bool, bool]
BOTH: Final[Screens] = (True, True)
NEITHER: Final[Screens] = (False, False)
_DESK: Final[Screens] = (True, False)
_PHONE: Final[Screens] = (False, True)

_RULE: Final = re.compile(r"@[-\w]+")
_WIDTH: Final = re.compile(
    r"\(\s*(?:(min|max)-(?:device-)?(?:width|height)\s*:|(?:width|height)\s*([<>])=?)\s*([\d.]+)(px|em|rem|cm|in)?\s*\)"
)
_BETWEEN: Final = re.compile(
    r"\(\s*([\d.]+(?:px|em|rem|cm|in)?)\s*<=?\s*(width|height)\s*<=?\s*([\d.]+(?:px|em|rem|cm|in)?)\s*\)"
)
_LONGEST: Final = 4_000  # characters of one query
_SIZES: Final = (1280.0, 375.0)  # pixels across: a desk's and a phone's
_RATIO: Final = re.compile(r"\(\s*(min|max)-(?:device-)?aspect-ratio\s*:\s*(\d{1,5})\s*(?:/\s*(\d{1,5}))?\s*\)")
_RATIOS: Final = (1.6, 0.46)
_FEATURES: Final[dict[str, Screens]] = {
    "orientation: landscape": _DESK, "orientation: portrait": _PHONE, "pointer: fine": _DESK,
    "pointer: coarse": _PHONE, "any-pointer: fine": _DESK, "any-pointer: coarse": _PHONE, "hover: none": _PHONE,
    "prefers-color-scheme: light": _DESK, "prefers-color-scheme: dark": _PHONE,
}  # fmt: skip
_FEATURE: Final = re.compile(r"\(\s*([a-z-]+)\s*:\s*([a-z-]+)\s*\)")
_DECLARED: Final = re.compile(r"\(\s*([-\w]+)\s*:")


def holds(statement: str, known: Container[str]) -> Screens:
    """Where the rules of a group hold that begins with an at-rule. `known` are the properties that all browsers take.

    Where nobody can tell, they hold on a phone and not on a desk, so that the page is read both ways.
    """
    match = _RULE.match(statement)
    name = match[0].lower() if match else ""
    if name == "@media":
        return media(statement[6:])
    if name == "@supports":
        return _supports(statement[9:].strip().lower(), known)
    if name in {"@container", "@-moz-document", "@document"}:
        return _PHONE
    return NEITHER if name == "@starting-style" else BOTH


def _supports(condition: str, known: Container[str]) -> Screens:
    if condition.startswith("selector("):
        return BOTH if parse_selectors(condition[9:].removesuffix(")")) else _PHONE
    declared = _DECLARED.findall(condition)
    whole = all(name in known or name.startswith(("--", "-webkit-")) for name in declared)
    if condition.startswith("not"):
        return _PHONE
    return BOTH if whole else _DESK


def media(query: str) -> Screens:
    """Whether a media query holds on a desk and on a phone."""
    lower = query[:_LONGEST].lower()
    desk = phone = False
    for one in lower.split(","):
        said = [_holds(one, screen) for screen in (0, 1)]
        desk, phone = desk or said[0], phone or said[1]
    return desk, phone


def _holds(query: str, screen: int) -> bool:
    words = query.split("(", maxsplit=1)[0].split()
    negated = "not" in words
    kinds = [word for word in words if word not in {"not", "only", "and", "all", "screen"}]
    found = not kinds
    for match in _WIDTH.finditer(query):
        least = match[1] == "min" or match[2] == ">"
        bound = _bound(match[3] + (match[4] or ""))
        found = found and (_SIZES[screen] >= bound if least else _SIZES[screen] <= bound)
    others = _WIDTH.sub("", query)
    for match in _BETWEEN.finditer(others):
        found = found and _bound(match[1]) <= _SIZES[screen] <= _bound(match[3])
    others = _BETWEEN.sub("", others)
    for match in _RATIO.finditer(others):
        bound = int(match[2]) / (int(match[3] or 1) or 1)
        found = found and (_RATIOS[screen] >= bound if match[1] == "min" else _RATIOS[screen] <= bound)
    others = _RATIO.sub("", others)
    for match in _FEATURE.finditer(others):
        feature = _FEATURES.get(f"{match[1]}: {match[2]}")
        if feature is not None:
            found = found and feature[screen]
            others = others.replace(match[0], "", 1)
    if "(" in others:
        found = found and _other_features(others, screen)
    return found != negated


def _bound(said: str) -> float:
    number = said.rstrip("pxemrcin")
    value = float(number[:12].strip(".") or 0) if number.count(".") < 2 else 0.0
    return value * {"em": 16, "rem": 16, "cm": 37.8, "in": 96}.get(said[len(number) :] or "px", 1)


def _other_features(query: str, screen: int) -> bool:
    """Features other than sizes: what a phone may have and a desk may lack."""
    if "prefers-color-scheme" in query:
        return ("dark" in query) == (screen == 1)
    return screen == 1 or "min-resolution" in query or "device-pixel" in query or "color)" in query or "hover" in query
