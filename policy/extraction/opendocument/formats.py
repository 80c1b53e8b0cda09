"""Formats of numbers and dates in OpenDocument (1.3, 16.29), as the codes that workbooks write for them."""

import re
from collections.abc import Iterable, Iterator
from datetime import date, datetime
from typing import TYPE_CHECKING, Final

from policy.extraction.cells.format import displayed, displayed_text
from policy.extraction.cells.numberformat import LONGEST_CODE
from policy.extraction.xmltext import attribute, local

if TYPE_CHECKING:
    from lxml import etree

_STYLES: Final = ("number", "currency", "percentage", "date", "time", "boolean", "text")
_SHORT: Final = {"day": "d", "month": "m", "year": "yy", "hours": "h", "minutes": "m", "seconds": "s"}
_LONG: Final = {"day": "dd", "month": "mm", "year": "yyyy", "hours": "hh", "minutes": "mm", "seconds": "ss"}
_CONDITION: Final = re.compile(r"value\(\)\s?(>=|<=|!=|<|>|=)\s?(-?\d{1,15}(?:\.\d{1,15})?)\Z")
_MOST_SIGNS: Final = 30  # places of one number
_MOST_CONDITIONS: Final = 3
_FIRST_DAY: Final = date(1899, 12, 30)


def read_formats(root: "etree._Element") -> Iterator[tuple[str, str]]:
    """(name, code) of each data style; conditions are written into the code, the style's own comes last."""
    plain: dict[str, str] = {}
    conditions: dict[str, list[tuple[str, str]]] = {}
    for style in root.iter(*(f"{{*}}{kind}-style" for kind in _STYLES)):
        name = attribute(style, "name")
        plain[name] = "".join(_parts(style))[:LONGEST_CODE]
        conditions[name] = [
            (match[1].replace("!=", "<>") + match[2], attribute(each, "apply-style-name"))
            for each in style.iterchildren("{*}map")
            if (match := _CONDITION.match(attribute(each, "condition").strip()))
        ][:_MOST_CONDITIONS]
    for name, code in plain.items():
        yield name, ";".join((*(f"[{limit}]{plain.get(other, '')}" for limit, other in conditions[name]), code))


def _parts(style: "etree._Element") -> Iterable[str]:
    for each in style:
        kind = local(each)
        if kind in {"text", "currency-symbol"}:
            yield _quoted(each.text or "")
        elif kind == "text-content":
            yield "@"
        elif kind == "number":
            yield _number(each)
        elif kind in _SHORT:
            if kind == "month" and attribute(each, "textual") == "true":
                yield "mmmm" if attribute(each, "style") == "long" else "mmm"
            else:
                yield (_LONG if attribute(each, "style") == "long" else _SHORT)[kind]
        elif kind == "day-of-week":
            yield "dddd" if attribute(each, "style") == "long" else "ddd"
        elif kind == "am-pm":
            yield "AM/PM"


def _quoted(text: str) -> str:
    return "".join(f'"{piece}"' if piece != '"' else '\\"' for piece in re.split('(")', text) if piece)


def _number(element: "etree._Element") -> str:
    """Places of digits, with the texts that stand among them counted from the right."""
    places = max(1, min(_MOST_SIGNS, _whole(attribute(element, "min-integer-digits"))))
    within: dict[int, str] = {
        _whole(attribute(each, "position")): each.text or "" for each in element.iterchildren("{*}embedded-text")
    }
    places = max(places, min(_MOST_SIGNS, max(within, default=0) + 1))
    zeros = _whole(attribute(element, "min-integer-digits"))
    code = "".join(
        ("0" if at < zeros else "#") + (_quoted(within[at]) if at in within else "") for at in range(places - 1, -1, -1)
    )
    decimals = min(_MOST_SIGNS, _whole(attribute(element, "decimal-places")))
    return f"{code}.{'0' * decimals}" if decimals else code


def _whole(said: str) -> int:
    return int(said) if said.isdecimal() and len(said) < 4 else 0


def shown_by(code: str, kind: str, stored: str) -> str:
    """A cell's or field's value in its format, whatever text was saved with it; empty where that shows no more."""
    if not code or not stored:
        return ""
    if kind == "string":
        text = displayed_text(stored, code) if "@" in code else stored
        return "" if text == stored else text
    if kind == "date":
        try:
            stored = str((datetime.fromisoformat(stored[:19]).date() - _FIRST_DAY).days)
        except ValueError:
            return ""
    elif kind not in {"float", "currency", "percentage"}:
        return ""
    text = displayed(stored, code)
    return "" if text == stored else text
