"""Text that style sheets and lists write: `::before`, `::after`, counters, numbers of list items."""

import re
from collections import defaultdict
from typing import Final

from policy.extraction.markup import Element
from policy.extraction.selectors import unescape_css
from policy.extraction.stylesheets import Declarations, Rule

_CONTENT: Final = re.compile(
    r""""((?:[^"\\]|\\.)*+)"|'((?:[^'\\]|\\.)*+)'|attr\(\s*([-\w|]+)[^)]*\)|counters?\(\s*([-\w]+)\s*(?:,[^)]*)?\)"""
    r"""|(open-quote|close-quote)|(/(?!\*))""",
    re.S | re.I,
)
_COUNTER: Final = re.compile(r"([-\w]+)(?:\s+(-?\d{1,9}))?")
_QUOTED: Final = re.compile(r""""((?:[^"\\]|\\.)*+)"|'((?:[^'\\]|\\.)*+)'""", re.S)
_NUMBER: Final = re.compile(r"\s*([+-]?\d{1,9})")
_MOST_WRITTEN: Final = 1 << 20  # characters that style sheets write into one page
_LONGEST: Final = 4_000  # characters of one declaration
_STRING_MARK: Final = re.compile(r"""["']""")


class Counters:
    """The counters of a page as it is gone through, and what is written from them."""

    def __init__(self) -> None:
        self._values: defaultdict[str, int] = defaultdict(int)
        self._room = _MOST_WRITTEN
        self.whole = True
        self._items: dict[int, int] = {}  # by the number of a list: the last item's

    def around(self, element: Element, style: Declarations, written: list[Rule]) -> tuple[str, str]:
        """What is written before and after an element's own text."""
        if style:
            self._count(style)
        before = after = ""
        if element.name == "li" or "list-style" in style or "list-style-type" in style:
            before = self._item(element, style)
        for where in ("before", "after") if written else ():
            merged: Declarations = {}
            urgent: Declarations = {}
            for rule in written:
                if rule.selector.writes == where:
                    merged.update(rule.plain)
                    urgent.update(rule.important)
            merged.update(urgent)
            if not merged or merged.get("display") == "none":
                continue
            self._count(merged)
            text = self._content(merged, element)
            self._room -= len(text)
            if self._room < 0:
                self.whole = False
                return "", ""
            if where == "before":
                before += text
            else:
                after = text
        return before, after

    def _count(self, style: Declarations) -> None:
        for name, default in (("counter-reset", 0), ("counter-set", 0), ("counter-increment", 1)):
            value = style.get(name)
            if not value or value == "none":
                continue
            for match in _COUNTER.finditer(value[:2_000]):
                number = int(match[2]) if match[2] else default
                if name == "counter-increment":
                    self._values[match[1].lower()] += number
                else:
                    self._values[match[1].lower()] = number

    def _content(self, style: Declarations, element: Element) -> str:
        content = style.get("content", "")
        if not content or content in {"none", "normal"}:
            return ""
        found: list[str] = []
        for match in _CONTENT.finditer(content[:_LONGEST]):
            double, single, attribute, counter, quote, slash = match.groups()
            if slash:
                break  # what follows is for those who cannot see
            if double is not None or single is not None:
                found.append(unescape_css(double if double is not None else single))
            elif attribute:
                found.append(element.attributes.get(attribute.lower(), ""))
            elif counter:
                found.append(str(self._values[counter.lower()]))
            elif quote:
                found.append(_quote(style, quote))
        return "".join(found)

    def _item(self, element: Element, style: Declarations) -> str:
        """The mark of a list's item, where the page says which."""
        kind = style.get("list-style-type") or style.get("list-style") or ""
        if _STRING_MARK.search(kind) and element.name == "li":
            match = _QUOTED.search(kind)
            return unescape_css(match[1] or match[2] or "") if match else ""
        if element.name != "li" or element.parent is None:
            return ""
        outer = element.parent
        value, start = _NUMBER.match(element.attributes.get("value", "")), None
        if outer.name == "ol":
            start = _NUMBER.match(outer.attributes.get("start", ""))
        known = self._items.get(outer.number)
        if value is None and start is None and known is None:
            return ""
        step = -1 if "reversed" in outer.attributes else 1
        number = int(value[1]) if value else known + step if known is not None else int(start[1]) if start else 1
        self._items[outer.number] = number
        return f"{number}. " if outer.name == "ol" and "none" not in kind else ""


def _quote(style: Declarations, which: str) -> str:
    marks = [unescape_css(match[1] or match[2] or "") for match in _QUOTED.finditer(style.get("quotes", ""))]
    if len(marks) < 2:
        return '"'
    return marks[0] if which == "open-quote" else marks[1]
