"""Text that style sheets and lists write: `::before`, `::after`, counters, numbers of list items."""

import re
from collections import ChainMap, defaultdict
from collections.abc import Callable
from typing import Final

from policy.extraction.html.counterstyles import CounterStyle, inline_style
from policy.extraction.html.declared import Declarations, Writes, with_variables
from policy.extraction.html.own import variables_of
from policy.extraction.html.selectors import unescape_css
from policy.extraction.html.tree import Element

_CONTENT: Final = re.compile(
    r""""((?:[^"\\]|\\.)*+)"|'((?:[^'\\]|\\.)*+)'"""
    # There is one way to read it: with three runs side by side that match the same it takes minutes.
    r"""|attr\(\s*([-\w|]+)(?![-\w|])([^)"']*(?:(?:"[^"]*"|'[^']*'|["'])[^)]*)?)\)"""
    r"""|counters?\(\s*([-\w]+)\s*(?:,([^)]*))?\)"""
    r"""|(open-quote|close-quote)|(/(?!\*))""",
    re.S | re.I,
)
_COUNTER: Final = re.compile(r"([-\w]+)(?:\s+(-?\d{1,9}))?")
_CALC: Final = re.compile(r"calc\(([-+*\s\d]{1,200})\)")
_TERM: Final = re.compile(r"([-+*]?)\s*(\d{1,6})")
_QUOTED: Final = re.compile(r""""((?:[^"\\]|\\.)*+)"|'((?:[^'\\]|\\.)*+)'""", re.S)
_NUMBER: Final = re.compile(r"\s*([+-]?\d{1,9})")
_WRITES: Final = re.compile(r"\bcontent\s*:([^;}]{1,4000})", re.I)
_MOST_WRITTEN: Final = 1 << 20  # characters that style sheets write into one page
_LONGEST: Final = 4_000  # characters of one declaration
_OUTER: Final = 6  # elements around an item that are asked for its mark


Written = tuple[str, Declarations]  # a text, and how a sheet places it
_NOTHING: Final[Written] = ("", {})


class Counters:
    """The counters of a page as it is gone through, and what is written from them."""

    def __init__(
        self,
        styles: dict[str, CounterStyle] | None = None,
        variables: dict[str, str] | None = None,
        style_of: Callable[[Element], Declarations] | None = None,
        finished: Callable[[Element, Declarations], Declarations] | None = None,
    ) -> None:
        """`variables` are those of the whole page, `style_of` tells an element's own, `finished` what becomes of
        declarations that depend on the element."""
        self._finished = finished
        self._styles = styles or {}
        self._variables = variables or {}
        self._style_of = style_of
        self._kinds: dict[int, str] = {}  # of the items in lists, by the number of the element that says so
        self._values: defaultdict[str, int] = defaultdict(int)
        self._room = _MOST_WRITTEN
        self.whole = True
        self._items: dict[int, int] = {}  # by the number of a list: the last item's

    def before(
        self, element: Element, style: Declarations, written: Writes, *, absent: bool = False
    ) -> tuple[str, Written]:
        """What stands before an element's own text: its mark, and what a sheet writes. `absent` ones count not."""
        if style and not absent:
            self._count(style)
        mark = ""
        kind = style.get("list-style-type") or style.get("list-style") or ""
        if kind:
            self._kinds[element.number] = kind
        if element.name == "li" or style.get("display") == "list-item":
            mark = self._item(element)
        if element.name == "q" and "quotes" in style:
            mark = _quote(style, "open-quote")
        if not written:
            return mark, _NOTHING
        mark = self._write(element, written, "marker")[0] or mark
        text = self._write(element, written, "before")
        return "" if element.name == "q" and text[0] else mark, text

    def after(self, element: Element, style: Declarations, written: Writes) -> Written:
        """What stands behind it. Counters are what they are there."""
        if written:
            text = self._write(element, written, "after")
            if text[0]:
                return text
        return (_quote(style, "close-quote"), {}) if element.name == "q" and "quotes" in style else _NOTHING

    def _write(self, element: Element, written: Writes, where: str) -> Written:
        merged = written.get(where)
        if not merged or merged.get("display") == "none":
            return _NOTHING
        if self._finished is not None:
            merged = self._finished(element, merged)
        self._count(merged)
        text = self._content(merged, element)
        self._room -= len(text)
        if self._room < 0:
            self.whole = False
            return _NOTHING
        return text, merged

    def _count(self, style: Declarations) -> None:
        for name, default in (("counter-reset", 0), ("counter-set", 0), ("counter-increment", 1)):
            value = style.get(name)
            if not value or value == "none":
                continue
            if "var(" in value:
                value = with_variables(value, ChainMap(style, dict(self._variables)))
            for match in _COUNTER.finditer(_summed(value[:2_000])):
                number = int(match[2]) if match[2] else default
                if name == "counter-increment":
                    self._values[match[1].lower()] += number
                else:
                    self._values[match[1].lower()] = number

    def _content(self, style: Declarations, element: Element) -> str:
        content = style.get("content", "")
        if not content or content in {"none", "normal"}:
            return ""
        if "var(" in content:
            content = with_variables(content, variables_of(element, style, self._style_of, self._variables))
        found: list[str] = []
        for match in _CONTENT.finditer(content[:_LONGEST]):
            double, single, attribute, otherwise, counter, named, quote, slash = match.groups()
            if slash:
                break  # what follows is for those who cannot see
            if double is not None or single is not None:
                found.append(unescape_css(double if double is not None else single))
            elif attribute:
                said = element.attributes.get(attribute.lower())
                if said is None and otherwise and (fallback := _QUOTED.search(otherwise)):
                    said = unescape_css(fallback[1] or fallback[2] or "")
                found.append(said or "")
            elif counter:
                found.append(self._written(self._values[counter.lower()], (named or "").rpartition(",")[2].strip()))
            elif quote:
                found.append(_quote(style, quote))
        return "".join(found)

    def _item(self, element: Element) -> str:
        """The mark of a list's item, where the page says which."""
        kind = self._kind_of(element)
        quoted = None if kind.startswith("symbols(") else _QUOTED.search(kind)
        if quoted:
            return unescape_css(quoted[1] or quoted[2] or "")
        outer = element.parent
        style = inline_style(kind) if kind.startswith("symbols(") else self._named(kind)
        if outer is None:
            return ""
        value, start = _NUMBER.match(element.attributes.get("value", "")), None
        if outer.name == "ol":
            start = _NUMBER.match(outer.attributes.get("start", ""))
        known = self._items.get(outer.number)
        if value is None and start is None and known is None and style is None:
            return ""
        step = -1 if "reversed" in outer.attributes else 1
        number = int(value[1]) if value else known + step if known is not None else int(start[1]) if start else 1
        self._items[outer.number] = number
        if style is not None:
            return f"{style.prefix}{style.written(number)}{style.suffix}"
        return f"{number}. " if outer.name == "ol" and "none" not in kind else ""

    def _named(self, kind: str) -> CounterStyle | None:
        """A style of the page's own, wherever it is named among the words of a declaration."""
        return next((self._styles[word] for word in kind.split() if word in self._styles), None)

    def _kind_of(self, element: Element) -> str:
        """Its own, or that of the list around it."""
        up: Element | None = element
        for _ in range(_OUTER):
            if up is None:
                break
            if up.number in self._kinds:
                return self._kinds[up.number]
            up = up.parent
        return ""

    def _written(self, number: int, style: str) -> str:
        """A counter in a style that the page has made, or with zeros in front."""
        known = self._styles.get(style)
        if known is not None:
            return known.written(number)
        return f"{number:02}" if style == "decimal-leading-zero" else str(number)


def _summed(value: str) -> str:
    """With the result of each `calc` in its place: whole numbers, with + - * between them."""

    def result(match: re.Match[str]) -> str:
        total = term = 0
        for operator, number in _TERM.findall(match[1]):
            if operator == "*":
                term *= int(number)
            else:
                total += term
                term = -int(number) if operator == "-" else int(number)
        return str(total + term)

    return _CALC.sub(result, value) if "calc(" in value else value


def _quote(style: Declarations, which: str) -> str:
    marks = [unescape_css(match[1] or match[2] or "") for match in _QUOTED.finditer(style.get("quotes", ""))]
    if len(marks) < 2:
        return '"'
    return marks[0] if which == "open-quote" else marks[1]


def written_texts(sheet: str) -> str:
    """What the rules of a style sheet write, a line each, where the page that it is for is not known."""
    lines: dict[str, None] = {}
    for declared in _WRITES.finditer(sheet[:_MOST_WRITTEN]):
        pieces = [match[1] if match[1] is not None else match[2] for match in _CONTENT.finditer(declared[1])]
        lines["".join(unescape_css(piece) for piece in pieces if piece)] = None
    return "\n".join(line for line in lines if line)
