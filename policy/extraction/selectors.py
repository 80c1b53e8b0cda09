"""Selectors of style sheets (Selectors Level 4), as far as browsers and mail programs carry them out."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from policy.extraction.markup import Element

_NAME: Final = r"(?:[-\w]|[^\x00-\x7f]|\\(?:[0-9a-fA-F]{1,6}\s?|[^\n0-9a-fA-F]))+"
_TOKEN: Final = re.compile(
    rf"""\s*(?P<combinator>[>+~]|\|\|)\s*|(?P<space>\s+)|(?P<comma>,)|(?P<all>\*\|?|(?:{_NAME})?\|(?=[\w*]))
    |\#(?P<id>{_NAME})|\.(?P<cls>{_NAME})
    |\[\s*(?P<attribute>(?:\*?\|)?{_NAME})\s*(?:(?P<operator>[~|^$*]?=)\s*(?P<value>"[^"]*"|'[^']*'|[^\]\s]+)\s*(?P<flag>[iIsS]?)\s*)?\]
    |(?P<colons>::?)(?P<pseudo>{_NAME})(?P<open>\()?|(?P<tag>{_NAME})|(?P<nest>&)""",
    re.X,
)
_NTH: Final = re.compile(r"([+-]?\d*)n(?:([+-])(\d+))?|([+-]?\d+)")
_ESCAPE: Final = re.compile(r"\\(?:([0-9a-fA-F]{1,6})[ \t\n]?|([^0-9a-fA-F\n]))")
_WRITING: Final = frozenset({"before", "after", "marker", "first-letter", "first-line"})
_LONGEST: Final = 4_000  # characters of one list of selectors
_MOST: Final = 400  # selectors in one list
_DEEPEST: Final = 4  # selectors within selectors

Test = Callable[[Element, "Matching"], bool]


class Exhausted(Exception):
    """More work than one page is worth."""


@dataclass(frozen=True, slots=True)
class Compound:
    """What is asked of one element; `combinator` ties it to the compound on its left."""

    tag: str
    ids: tuple[str, ...]
    classes: frozenset[str]
    tests: tuple[Test, ...]
    combinator: str


@dataclass(frozen=True, slots=True)
class Selector:
    """Compounds from the right to the left. `writes` names a pseudo-element."""

    compounds: tuple[Compound, ...]
    weight: tuple[int, int, int]
    writes: str = ""


def unescape_css(text: str) -> str:
    """The escapes of CSS Syntax 4.3.7."""
    return _ESCAPE.sub(_unescaped, text) if "\\" in text else text


def _unescaped(match: re.Match[str]) -> str:
    if not match[1]:
        return match[2]
    code = int(match[1], 16)
    return chr(code) if 0 < code < 0x110000 else "\ufffd"


class Matching:
    """Asks elements; remembers where they stand among their siblings. Raises Exhausted once `work` is used up."""

    def __init__(self, work: int) -> None:
        self.left = work
        self._siblings: dict[int, list[Element]] = {}
        self._places: dict[int, tuple[int, int]] = {}
        self._kinds: dict[tuple[int, str], int] = {}

    def matches(self, selector: Selector, element: Element) -> bool:
        """Whether the whole selector holds for an element."""
        return self._from(selector.compounds, 0, element)

    def siblings(self, element: Element) -> list[Element]:
        """The elements of the same parent, in order."""
        parent = element.parent
        if parent is None:
            return [element]
        known = self._siblings.get(parent.number)
        if known is None:
            known = [child for child in parent.children if isinstance(child, Element)]
            self._siblings[parent.number] = known
            for at, child in enumerate(known):
                kind = (parent.number, child.name)
                of_kind = self._kinds.get(kind, 0)
                self._places[child.number] = (at, of_kind)
                self._kinds[kind] = of_kind + 1
        return known

    def place(self, element: Element, *, of_type: bool, from_end: bool) -> int:
        """Counted from 1."""
        count = len(self.siblings(element))
        if element.parent is None:
            return 1
        at, of_kind = self._places.get(element.number, (0, 0))
        if of_type:
            at, count = of_kind, self._kinds[element.parent.number, element.name]
        return count - at if from_end else at + 1

    def _from(self, compounds: tuple[Compound, ...], index: int, element: Element) -> bool:
        self.left -= 1
        if self.left < 0:
            raise Exhausted
        compound = compounds[index]
        if not self._holds(compound, element):
            return False
        if index + 1 == len(compounds):
            return True
        combinator = compound.combinator
        if combinator in {">", " "}:
            up = element.parent
            while up is not None:
                if self._from(compounds, index + 1, up):
                    return True
                if combinator == ">":
                    return False
                up = up.parent
            return False
        siblings = self.siblings(element)
        at = self._places.get(element.number, (0, 0))[0]
        if combinator == "+":
            return at > 0 and self._from(compounds, index + 1, siblings[at - 1])
        return any(self._from(compounds, index + 1, siblings[before]) for before in range(at - 1, -1, -1))

    def _holds(self, compound: Compound, element: Element) -> bool:
        if compound.tag and compound.tag != element.name:
            return False
        attributes = element.attributes
        if compound.ids and any(one != attributes.get("id") for one in compound.ids):
            return False
        if compound.classes and not compound.classes.issubset(attributes.get("class", "").split()):
            return False
        return all(test(element, self) for test in compound.tests)


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
            self._tests.append(_attribute_test(match))
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
        test = _position_test(name, inner) or _STATES.get(name)
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
            self._tests.append(lambda element, matching: _has(element, matching, chosen, leads))
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


def _attribute_test(match: re.Match[str]) -> Test:
    name = match["attribute"].rpartition("|")[2].lower()
    operator = match["operator"]
    wanted = match["value"] or ""
    if wanted[:1] in {'"', "'"}:
        wanted = wanted[1:-1]
    wanted = unescape_css(wanted)
    folded = match["flag"] in {"i", "I"} or name == "type"
    if folded:
        wanted = wanted.lower()

    def test(element: Element, _: Matching) -> bool:
        value = element.attributes.get(name)
        if value is None or not operator:
            return value is not None
        return _compares(value.lower() if folded else value, operator, wanted)

    return test


def _compares(value: str, operator: str, wanted: str) -> bool:
    match operator:
        case "=":
            return value == wanted
        case "~=":
            return bool(wanted) and wanted in value.split()
        case "|=":
            return value == wanted or value.startswith(wanted + "-")
        case "^=":
            return bool(wanted) and value.startswith(wanted)
        case "$=":
            return bool(wanted) and value.endswith(wanted)
    return bool(wanted) and wanted in value


def _position_test(name: str, inner: str) -> Test | None:
    """`:first-child`, `:nth-last-of-type(2n+1)` and their like."""
    of_type, from_end = name.endswith("of-type"), "last" in name
    if name in {"only-child", "only-of-type"}:
        return lambda e, m: (
            m.place(e, of_type=of_type, from_end=False) == m.place(e, of_type=of_type, from_end=True) == 1
        )
    if name in {"first-child", "last-child", "first-of-type", "last-of-type"}:
        return lambda e, m: m.place(e, of_type=of_type, from_end=from_end) == 1
    if not name.startswith("nth-"):
        return None
    plain, _, of = inner.lower().partition(" of ")
    step = {"odd": (2, 1), "even": (2, 0)}.get(plain.strip()) or _step("".join(plain.split()))
    if step is None:
        return None
    chosen = parse_selectors(of, depth=_DEEPEST) if of else ()

    def test(element: Element, matching: Matching) -> bool:
        if chosen:
            alike = [one for one in matching.siblings(element) if any(matching.matches(s, one) for s in chosen)]
            if element not in alike:
                return False
            place = len(alike) - alike.index(element) if from_end else alike.index(element) + 1
        else:
            place = matching.place(element, of_type=of_type, from_end=from_end)
        every, first = step
        return place == first if every == 0 else (place - first) % every == 0 and (place - first) // every >= 0

    return test


def _step(text: str) -> tuple[int, int] | None:
    match = _NTH.fullmatch(text)
    if match is None or len(text) > 20:
        return None
    if match[4]:
        return 0, int(match[4])
    every = int(match[1] + "1") if match[1] in {"", "+", "-"} else int(match[1])
    first = int(match[2] + match[3]) if match[2] else 0
    return every, first


def _has(element: Element, matching: Matching, chosen: tuple[Selector, ...], leads: list[str]) -> bool:
    for selector, lead in zip(chosen, leads, strict=False):
        if lead in {"+", "~"}:
            siblings = matching.siblings(element)
            at = matching.place(element, of_type=False, from_end=False)
            if any(matching.matches(selector, one) for one in siblings[at : at + 1 if lead == "+" else None]):
                return True
            continue
        waiting: list[Element] = [child for child in element.children if isinstance(child, Element)]
        while waiting:
            child = waiting.pop()
            if matching.matches(selector, child):
                return True
            if lead != ">":
                waiting += [one for one in child.children if isinstance(one, Element)]
    return False


def _is_empty(element: Element, _: Matching) -> bool:
    return not any(isinstance(child, Element) or type(child) is str for child in element.children)


_STATES: Final[dict[str, Test]] = {
    "root": lambda element, _: element.parent is None,
    "empty": _is_empty,
    "link": lambda element, _: "href" in element.attributes,
    "any-link": lambda element, _: "href" in element.attributes,
    "enabled": lambda element, _: "disabled" not in element.attributes,
    "disabled": lambda element, _: "disabled" in element.attributes,
    "checked": lambda element, _: "checked" in element.attributes or "selected" in element.attributes,
    "read-only": lambda element, _: element.name not in {"input", "textarea"},
    "defined": lambda element, _: True,
    "scope": lambda element, _: element.parent is None,
}
