"""The pages of an XPS document (ECMA-388): signs where they stand."""

import re
from typing import Final

from lxml import etree

from policy.extraction.xmltext import local

_NUMBER: Final = re.compile(r"-?\d+(?:\.\d+)?(?:[eE][+-]?\d{1,2})?\Z")
_WIDTH: Final = 0.55  # of a sign, in sizes of its font
_GAP: Final = 0.6
_LINE: Final = 0.4


def page_text(root: "etree._Element") -> tuple[str, bool]:
    """The page in lines, and whether all of its signs say what they are."""
    words: list[tuple[float, float, float, str]] = []
    told = True
    for element in root.iter("*"):
        if local(element) != "Glyphs":
            continue
        text = element.get("UnicodeString", "").removeprefix("{}")
        told = told and bool(text or not element.get("Indices"))
        if text:
            words.append((_of(element, "OriginY"), _of(element, "OriginX"), _of(element, "FontRenderingEmSize"), text))
    lines: list[list[tuple[float, float, float, str]]] = []
    for word in sorted(words, key=lambda one: one[0]):
        size = max(word[2], 1.0)
        if lines and abs(lines[-1][0][0] - word[0]) <= _LINE * size:
            lines[-1].append(word)
        else:
            lines.append([word])
    return "\n".join(_line(sorted(line, key=lambda word: word[1])) for line in lines), told


def _of(element: "etree._Element", name: str) -> float:
    value = element.get(name, "")
    return float(value) if _NUMBER.match(value) else 0.0


def _line(words: list[tuple[float, float, float, str]]) -> str:
    out = ""
    end = 0.0
    for _, across, size, text in words:
        if out and across - end > _GAP * size:
            out += " "
        out += text
        end = across + _WIDTH * size * len(text)
    return out
