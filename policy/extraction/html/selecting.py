"""What selectors of style sheets ask of an element, and where it stands (Selectors Level 4)."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from policy.extraction.html.tree import Element

_NTH: Final = re.compile(r"([+-]?\d*)n(?:([+-])(\d+))?|([+-]?\d+)")

_OUTER: Final = 60  # elements around one that are asked what it is written in

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


def attribute_test(name: str, operator: str, wanted: str, *, folded: bool) -> Test:
    """`[name operator wanted]`; `folded`: without regard to case."""
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


def position_test(name: str, inner: str, among: Callable[[str], tuple[Selector, ...]]) -> Test | None:
    """`:first-child`, `:nth-last-of-type(2n+1)` and their like; `among` reads the selectors behind `of`."""
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
    chosen = among(of) if of else ()

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


def words_test(name: str, inner: str) -> Test | None:
    """`:lang(de, "en-US")` and `:dir(rtl)`: what an element, or the nearest around it that says so, is written in."""
    wanted = [one.strip().strip("\"'").lower() for one in inner.split(",")[:20]]
    if name == "lang":
        return lambda element, _: any(_compares(_said(element, "lang"), "|=", one) for one in wanted if one)
    if name == "dir":
        return lambda element, _: (_said(element, "dir") or "ltr") == wanted[0]
    return None


def _said(element: Element, name: str) -> str:
    up: Element | None = element
    for _ in range(_OUTER):
        if up is None:
            break
        if name in up.attributes:
            return up.attributes[name].strip().lower()
        up = up.parent
    return ""


def _step(text: str) -> tuple[int, int] | None:
    match = _NTH.fullmatch(text)
    if match is None or len(text) > 20:
        return None
    if match[4]:
        return 0, int(match[4])
    every = int(match[1] + "1") if match[1] in {"", "+", "-"} else int(match[1])
    first = int(match[2] + match[3]) if match[2] else 0
    return every, first


def has_relative(element: Element, matching: Matching, chosen: tuple[Selector, ...], leads: list[str]) -> bool:
    """Whether one of the selectors holds for what is within or behind an element."""
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


_ENTERED: Final = frozenset({"input", "select", "textarea"})


def _is_wanting(element: Element) -> bool:
    """Whether a field that has to be filled in is empty."""
    return "required" in element.attributes and not element.attributes.get("value") and not element.children


STATES: Final[dict[str, Test]] = {
    "root": lambda element, _: element.parent is None,
    "empty": _is_empty,
    "link": lambda element, _: "href" in element.attributes,
    "any-link": lambda element, _: "href" in element.attributes,
    "enabled": lambda element, _: "disabled" not in element.attributes,
    "disabled": lambda element, _: "disabled" in element.attributes,
    "checked": lambda element, _: "checked" in element.attributes or "selected" in element.attributes,
    "placeholder-shown": lambda element, _: "placeholder" in element.attributes and not element.attributes.get("value"),
    "required": lambda element, _: "required" in element.attributes,
    "optional": lambda element, _: "required" not in element.attributes,
    "valid": lambda element, _: element.name in _ENTERED and not _is_wanting(element),
    "invalid": lambda element, _: element.name in _ENTERED and _is_wanting(element),
    "open": lambda element, _: "open" in element.attributes,
    "read-write": lambda element, _: element.name in {"input", "textarea"},
    "read-only": lambda element, _: element.name not in {"input", "textarea"},
    "defined": lambda element, _: True,
    "scope": lambda element, _: element.parent is None,
}
