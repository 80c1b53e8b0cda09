"""Selectors of style sheets (Selectors Level 4), as far as browsers and mail programs carry them out."""

import re
from typing import Final

from policy.extraction.html.selecting import (
    STATES,
    Compound,
    Selector,
    Test,
    attribute_test,
    has_relative,
    position_test,
    words_test,
)

_NAME: Final = r"(?:[-\w]|[^\x00-\x7f]|\\(?:[0-9a-fA-F]{1,6}\s?|[^\n0-9a-fA-F]))+"
_TOKEN: Final = re.compile(
    rf"""\s*(?P<combinator>[>+~]|\|\|)\s*|(?P<space>\s+)|(?P<comma>,)|(?P<all>\*\|?|(?:{_NAME})?\|(?=[\w*]))
    |\#(?P<id>{_NAME})|\.(?P<cls>{_NAME})
    |\[\s*(?P<attribute>(?:\*?\|)?{_NAME})\s*(?:(?P<operator>[~|^$*]?=)\s*(?P<value>"[^"]*"|'[^']*'|[^\]\s]+)\s*(?P<flag>[iIsS]?)\s*)?\]
    |(?P<colons>::?)(?P<pseudo>{_NAME})(?P<open>\()?|(?P<tag>{_NAME})|(?P<nest>&)""",
    re.X,
)
_ESCAPE: Final = re.compile(r"\\(?:([0-9a-fA-F]{1,6})[ \t\n]?|([^0-9a-fA-F\n]))")
_WRITING: Final = frozenset({"before", "after", "marker", "first-letter", "first-line"})
_LONGEST: Final = 4_000  # characters of one list of selectors
_MOST: Final = 400  # selectors in one list
_DEEPEST: Final = 4  # selectors within selectors


def unescape_css(text: str) -> str:
    """The escapes of CSS Syntax 4.3.7."""
    return _ESCAPE.sub(_unescaped, text) if "\\" in text else text


def _unescaped(match: re.Match[str]) -> str:
    if not match[1]:
        return match[2]
    code = int(match[1], 16)
    return chr(code) if 0 < code < 0x110000 else "\ufffd"


def parse_selectors(text: str, inside: tuple[Selector, ...] = (), depth: int = 0) -> tuple[Selector, ...]:
    """A list of selectors; those that cannot be read are left out. `inside`: the selectors of the rule around it."""
    if len(text) > _LONGEST * 4 or depth > _DEEPEST:
        return ()
    found: list[Selector] = []
    for one in split_list(text)[:_MOST]:
        selector = _Reader(one.strip(), depth).read()
        if selector is None:
            continue
        if inside and depth == 0:
            found += [_nested(selector, outer, one) for outer in inside[:20]]
        else:
            found.append(selector)
    return tuple(found)


def _nested(inner: Selector, outer: Selector, text: str) -> Selector:
    """A selector within a rule (CSS Nesting): `&` is the outer one, and without it the outer one's descendants."""
    weight = (inner.weight[0] + outer.weight[0], inner.weight[1] + outer.weight[1], inner.weight[2] + outer.weight[2])
    last, first = inner.compounds[-1], outer.compounds[0]
    if "&" not in text:
        joined = Compound(last.tag, last.ids, last.classes, last.tests, _lead(text))
        return Selector((*inner.compounds[:-1], joined, *outer.compounds), weight, inner.writes)
    merged = Compound(
        last.tag or first.tag, last.ids + first.ids, last.classes | first.classes, last.tests + first.tests,
        first.combinator,
    )  # fmt: skip
    return Selector((*inner.compounds[:-1], merged, *outer.compounds[1:]), weight, inner.writes)


def _lead(text: str) -> str:
    start = text.lstrip()[:1]
    return start if start in {">", "+", "~"} else " "


def split_list(text: str) -> list[str]:
    """At the commas that stand in no brackets and no quotes."""
    if "(" not in text and "[" not in text and '"' not in text:
        return text.split(",")
    pieces, depth, start = [], 0, 0
    for match in re.finditer(r""""[^"]*"|'[^']*'|[(),\[\]]""", text):
        sign = match[0]
        if sign in "([":
            depth += 1
        elif sign in ")]":
            depth -= 1
        elif sign == "," and depth <= 0:
            pieces.append(text[start : match.start()])
            start = match.end()
    return [*pieces, text[start:]]


class _Reader:
    """Reads one selector from the left."""

    def __init__(self, text: str, depth: int) -> None:
        self._text = text
        self._depth = depth
        self._tag = ""
        self._ids: list[str] = []
        self._classes: list[str] = []
        self._tests: list[Test] = []
        self._weight = [0, 0, 0]
        self._compounds: list[Compound] = []
        self._writes = ""

    def read(self) -> Selector | None:
        text, at = self._text, 0
        combinator = ""
        begun = False
        if text[:1] in {">", "+", "~"}:
            text = text[1:].lstrip()
        while at < len(text):
            match = _TOKEN.match(text, at)
            if match is None:
                return None
            at = match.end()
            if match["combinator"] or match["space"]:
                if begun and at < len(text):
                    self._end(combinator)
                    combinator = match["combinator"] or " "
                continue
            begun = True
            if match["pseudo"] is not None:
                inner = ""
                if match["open"]:
                    stop = _closing(text, at)
                    inner, at = text[at:stop], stop + 1
                if not self._pseudo(match["pseudo"].lower(), inner, double=match["colons"] == "::"):
                    return None
            elif match["comma"]:
                return None
            else:
                self._simple(match)
        if not begun:
            return None
        self._end(combinator)
        return Selector(
            tuple(reversed(self._compounds)), (self._weight[0], self._weight[1], self._weight[2]), self._writes
        )

    def _end(self, combinator: str) -> None:
        """`combinator` stands before what was just read."""
        self._compounds.append(
            Compound(self._tag, tuple(self._ids), frozenset(self._classes), tuple(self._tests), combinator)
        )
        self._tag, self._ids, self._classes, self._tests = "", [], [], []

    def _simple(self, match: re.Match[str]) -> None:
        if match["id"]:
            self._ids.append(unescape_css(match["id"]))
            self._weight[0] += 1
        elif match["cls"]:
            self._classes.append(unescape_css(match["cls"]))
            self._weight[1] += 1
        elif match["attribute"]:
            self._tests.append(_attribute(match))
            self._weight[1] += 1
        elif match["tag"]:
            self._tag = unescape_css(match["tag"]).lower()
            self._weight[2] += 1

    def _pseudo(self, name: str, inner: str, *, double: bool) -> bool:
        if double or name in _WRITING:
            self._writes = name
            self._weight[2] += 1
            return True
        if name in {"is", "where", "not", "has", "matches", "-webkit-any", "-moz-any"}:
            return self._within(name, inner)
        self._weight[1] += 1
        test = position_test(name, inner, _innermost) or words_test(name, inner) or STATES.get(name)
        if test is None:
            return False
        self._tests.append(test)
        return True

    def _within(self, name: str, inner: str) -> bool:
        chosen = parse_selectors(inner, depth=self._depth + 1)
        if not chosen:
            return name == "not"
        if name != "where":
            best = max(selector.weight for selector in chosen)
            self._weight = [mine + other for mine, other in zip(self._weight, best, strict=True)]
        if name == "not":
            self._tests.append(lambda element, matching: not any(matching.matches(s, element) for s in chosen))
        elif name == "has":
            leads = [_lead(one) for one in split_list(inner)]
            self._tests.append(lambda element, matching: has_relative(element, matching, chosen, leads))
        else:
            self._tests.append(lambda element, matching: any(matching.matches(s, element) for s in chosen))
        return True


def _closing(text: str, at: int) -> int:
    depth = 1
    for match in re.compile(r"[()]").finditer(text, at):
        depth += 1 if match[0] == "(" else -1
        if depth == 0:
            return match.start()
    return len(text)


def _innermost(text: str) -> tuple[Selector, ...]:
    return parse_selectors(text, depth=_DEEPEST)


def _attribute(match: re.Match[str]) -> Test:
    name = match["attribute"].rpartition("|")[2].lower()
    wanted = match["value"] or ""
    if wanted[:1] in {'"', "'"}:
        wanted = wanted[1:-1]
    folded = match["flag"] in {"i", "I"} or name == "type"
    return attribute_test(name, match["operator"] or "", unescape_css(wanted), folded=folded)
