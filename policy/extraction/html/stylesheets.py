"""Style sheets to rules (CSS Syntax 3): what may hide, move or write text, and on which screens."""

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from policy.extraction.html.conditions import BOTH, Screens, holds
from policy.extraction.html.counterstyles import CounterStyle, counter_style
from policy.extraction.html.declared import PROPERTIES, TOKEN, Declarations, declarations
from policy.extraction.html.own import ASKS
from policy.extraction.html.selecting import Exhausted, Matching, Selector
from policy.extraction.html.selectors import parse_selectors
from policy.extraction.html.tree import Element

_PROPERTY: Final = re.compile(  # what a variable is where nothing sets it
    r"@property\s+(--[-\w]{1,80})\s*\{[^{}]{0,400}?initial-value\s*:\s*([^;{}]{0,200})"
)
_SKIPPED: Final = ("@font-face", "@page", "@property")
_KEYFRAMES: Final = re.compile(r"@(?:-webkit-|-moz-)?keyframes\s+[\"']?([-\w]{1,80})", re.I)
_LAYER: Final = re.compile(r"@layer\b\s*([^{;]{0,400})", re.I)
_NO_LAYER: Final = 10_000
_MOST_RULES: Final = 20_000
_MOST_SHEET: Final = 1 << 20  # characters of style sheets in one page
_WORK: Final = 400_000  # steps of matching in one page
_MOST_STYLES: Final = 200  # of counters
_DEEPEST: Final = 12


@dataclass(frozen=True, slots=True)
class Rule:
    """`screens` says where it holds: on a desk, on a phone."""

    selector: Selector
    plain: Declarations = field(repr=False)
    important: Declarations = field(repr=False)
    screens: Screens
    order: int
    layer: int = _NO_LAYER  # what stands in none is stronger than what does


@dataclass(slots=True)
class _Block:
    prelude: str
    kind: str  # rule, group, counter, frames, frame, skipped
    screens: Screens
    selectors: tuple[Selector, ...] = ()
    layer: int = _NO_LAYER
    body: list[str] = field(default_factory=list)


class Sheets:
    """The rules of a page's style sheets, ready to be asked for an element's declarations."""

    def __init__(self, sources: list[str], inline: Sequence[str] = ()) -> None:
        """`inline` are the declarations of elements that may set variables."""
        self.variables: dict[str, str] = {}
        self.keyframes: dict[str, dict[bool, Declarations]] = {}  # by name: how they end, and how they begin (True)
        self._varied: set[str] = set()  # variables that are not the same everywhere
        self._layers: dict[str, int] = {}
        self.rules: list[Rule] = []
        self.whole = True
        self.counter_styles: dict[str, CounterStyle] = {}
        self._by_id: dict[str, list[Rule]] = defaultdict(list)
        self._by_class: dict[str, list[Rule]] = defaultdict(list)
        self._by_tag: dict[str, list[Rule]] = defaultdict(list)
        self._any: list[Rule] = []
        self._placed: set[str] = set()  # names, classes and ids of rules that ask where an element stands
        self._matching = Matching(_WORK)
        room = _MOST_SHEET
        for source in sources:
            if "--" in source:
                self._note_variables(source[:room])
        for said in inline:
            self._note_variables(said[:2_000])
        # Whether texts are written, or elements placed, by variables: then each element's own are kept.
        written = any("var(" in source and "content" in source for source in sources)
        self.kept = frozenset(self._varied) if written or self._varied else None
        # Whether what is declared may be another for each element.
        self.own = bool(self._varied) or any(map(ASKS.search, (*sources, *inline)))
        for source in sources:
            if len(source) > room:
                self.whole = False
            self._read(source[:room])
            room = max(0, room - len(source))
        for rule in self.rules:
            self._index(rule)

    def __bool__(self) -> bool:
        return bool(self.rules)

    @property
    def asked(self) -> frozenset[str]:
        """Names of elements that rules speak of."""
        return frozenset(self._by_tag)

    @property
    def relevant(self) -> frozenset[str]:
        """Attributes by which rules may hold."""
        names = ("style", "class" if self._by_class else "style", "id" if self._by_id else "style")
        return frozenset(names)

    @property
    def everyone(self) -> bool:
        """Whether some rule may hold for any element."""
        return bool(self._any)

    def _note_variables(self, source: str) -> None:
        for name, value in _PROPERTY.findall(source)[:500] if "@property" in source else ():
            self.variables.setdefault(name, value)
        for name, said in re.findall(r"(--[-\w]{1,80})\s*:\s*([^;{}]{0,200})", source)[:500]:
            value = said.replace("!important", "").strip()
            if self.variables.setdefault(name, value) != value or "var(" in value:
                self._varied.add(name)
            self.variables[name] = value

    def _index(self, rule: Rule) -> None:
        last = rule.selector.compounds[0]
        if last.ids:
            self._by_id[last.ids[0]].append(rule)
        elif last.classes:
            self._by_class[next(iter(last.classes))].append(rule)
        elif last.tag:
            self._by_tag[last.tag].append(rule)
        else:
            self._any.append(rule)
        if len(rule.selector.compounds) > 1 or last.tests:
            self._placed.update(last.ids, last.classes, {last.tag} if last.tag else ())

    def is_placed(self, element: Element) -> bool:
        """Whether it may depend on more than an element's name and attributes which rules hold for it."""
        if self._any:
            return True
        attributes = element.attributes
        asked = {element.name, attributes.get("id", ""), *attributes.get("class", "").split()}
        return not self._placed.isdisjoint(asked)

    def of(self, element: Element) -> list[Rule]:
        """The rules that hold for an element, the strongest last. None once too much work was done."""
        if not self.whole:
            return []
        attributes = element.attributes
        found = [*self._any, *self._by_tag.get(element.name, ())]
        if attributes and (self._by_id or self._by_class):
            name = attributes.get("id")
            if name and name in self._by_id:
                found += self._by_id[name]
            classes = attributes.get("class")
            if classes:
                for one in set(classes.split()):
                    if one in self._by_class:
                        found += self._by_class[one]
        if not found:
            return []
        try:
            held = [rule for rule in found if self._matching.matches(rule.selector, element)]
        except Exhausted:
            self.whole = False
            return []
        if len(held) > 1:
            held.sort(key=lambda rule: (rule.layer, rule.selector.weight, rule.order))
        return held

    def _read(self, source: str) -> None:
        """One sheet, from its first brace to its last."""
        stack: list[_Block] = [_Block("", "group", BOTH)]
        start = brackets = 0
        pieces: list[str] = []  # of the statement being read, without comments
        for match in TOKEN.finditer(source):
            sign = match[0]
            if sign.startswith(("/*", "<!--", "-->")):
                pieces.append(source[start : match.start()])
                start = match.end()
            elif sign == "(":
                brackets += 1
            elif sign == ")":
                brackets = max(0, brackets - 1)
            elif sign == "{":
                statement = "".join((*pieces, source[start : match.start()])).strip()
                stack.append(self._begin(statement, stack[-1], len(stack)))
                pieces, start, brackets = [], match.end(), 0
            elif sign == "}" or (sign == ";" and not brackets):
                pieces.append(source[start : match.start()])
                stack[-1].body.append("".join(pieces))
                if sign == ";" and "@layer" in stack[-1].body[-1]:
                    self._layer(stack[-1].body[-1].strip())
                pieces, start, brackets = [], match.end(), 0
                if sign == "}" and len(stack) > 1:
                    self._end(stack.pop())
            if len(self.rules) > _MOST_RULES:
                self.whole = False
                return
        stack[-1].body.append("".join((*pieces, source[start:])))
        while len(stack) > 1:
            self._end(stack.pop())

    def _begin(self, statement: str, outer: _Block, depth: int) -> _Block:
        if depth > _DEEPEST or outer.kind in {"skipped", "frame"}:
            return _Block(statement, "skipped", outer.screens)
        if outer.kind == "frames":
            return _Block(f"{outer.prelude} {statement[:40]}", "frame", outer.screens)
        lower = statement[:40].lower()
        if lower.startswith("@"):
            if lower.startswith("@counter-style"):
                return _Block(statement, "counter", outer.screens)
            frames = _KEYFRAMES.match(statement)
            if frames is not None:
                return _Block(frames[1].lower(), "frames", outer.screens)
            screens, selectors, layer = outer.screens, outer.selectors, outer.layer
            if lower.startswith("@scope"):
                selectors = parse_selectors(_closed(statement[6:])) or selectors
                return _Block(statement, "group", screens, selectors, layer)
            if lower.startswith(_SKIPPED):
                return _Block(statement, "skipped", screens)
            if lower.startswith("@layer"):
                layer = self._layer(statement)
            held = holds(statement, PROPERTIES)
            screens = (screens[0] and held[0], screens[1] and held[1])
            return _Block(statement, "rule" if outer.selectors else "group", screens, selectors, layer)
        inside = parse_selectors(statement, outer.selectors)
        return _Block(statement, "rule", outer.screens, inside, outer.layer)

    def _layer(self, statement: str) -> int:
        """How strong a layer is: the later it is first named, the stronger (CSS Cascade 5, 6.4.3)."""
        named = _LAYER.match(statement)
        names = [name.strip() for name in named[1].split(",")[:100]] if named else []
        for name in names or [""]:
            self._layers.setdefault(name or f" {len(self._layers)}", len(self._layers))
        return self._layers[names[-1]] if names and names[-1] else len(self._layers) - 1

    def _end(self, block: _Block) -> None:
        if block.kind == "counter" and len(self.counter_styles) < _MOST_STYLES:
            self.counter_styles[block.prelude[14:].strip()] = counter_style(";".join(block.body))
        if block.kind == "frame" and len(self.keyframes) < _MOST_STYLES:
            self._frame(block)
        if block.kind != "rule" or not block.selectors or not any(block.screens):
            return
        plain, important = declarations(";".join(block.body), self.variables, self.kept)
        if not plain and not important:
            return
        for selector in block.selectors:
            self.rules.append(Rule(selector, plain, important, block.screens, len(self.rules), block.layer))

    def _frame(self, block: _Block) -> None:
        """A moment of an animation: how it begins and how it ends is kept."""
        name, _, moments = block.prelude.partition(" ")
        said, _ = declarations(";".join(block.body), self.variables, self.kept)
        known = self.keyframes.setdefault(name, {})
        for moment in moments.lower().replace(" ", "").split(","):
            if moment in {"from", "0%", "to", "100%"}:
                known.setdefault(moment in {"from", "0%"}, {}).update(said)


def _closed(text: str) -> str:
    """What stands in the first brackets; of `@scope`, where it begins."""
    inner = text.partition("(")[2]
    depth = 1
    for match in re.finditer(r"[()]", inner):
        depth += 1 if match[0] == "(" else -1
        if not depth:
            return inner[: match.start()]
    return inner
