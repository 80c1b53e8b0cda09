"""Style sheets to rules (CSS Syntax 3): what may hide, move or write text, and on which screens."""

import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from policy.extraction.html.counterstyles import CounterStyle, counter_style
from policy.extraction.html.selecting import Exhausted, Matching, Selector
from policy.extraction.html.selectors import parse_selectors, unescape_css
from policy.extraction.html.tree import Element

_TOKEN: Final = re.compile(
    r"""/\*[^*]*+\**+(?:[^*/][^*]*+\**+)*+(?:/|\Z)|"(?:[^"\\\n]|\\.)*+"?|'(?:[^'\\\n]|\\.)*+'?|\\."""
    r"""|url\(\s*+[^"'()\s][^()]*+\)?|<!--|-->|[{};()]""",
    re.S | re.I,
)
_COMMENT: Final = re.compile(r"/\*[^*]*+\**+(?:[^*/][^*]*+\**+)*+(?:/|\Z)|<!--|-->")
_PROPERTY: Final = re.compile(  # what a variable is where nothing sets it
    r"@property\s+(--[-\w]{1,80})\s*\{[^{}]{0,400}?initial-value\s*:\s*([^;{}]{0,200})"
)
_VARIABLE: Final = re.compile(r"var\(\s*(--[-\w]+)\s*(?:,([^()]*(?:\([^()]*\)[^()]*)*))?\)", re.I)
_WIDTH: Final = re.compile(
    r"\(\s*(?:(min|max)-(?:device-)?(?:width|height)\s*:|(?:width|height)\s*([<>])=?)\s*([\d.]+)(px|em|rem|cm|in)?\s*\)"
)
_SCREENS: Final = (1280.0, 375.0)  # pixels across: a desk's and a phone's
# What can hide an element, move it or write text. Everything else of a sheet is of no concern.
PROPERTIES: Final = frozenset(
    {
        "all", "animation", "background", "background-clip", "-webkit-background-clip", "background-color",
        "background-image", "bottom", "caption-side", "clip", "clip-path", "color", "content",
        "content-visibility", "counter-increment", "counter-reset", "counter-set", "direction", "display", "filter",
        "flex-direction",
        "flex-flow", "float", "font", "font-size", "grid-area", "grid-auto-flow", "grid-column", "grid-column-end",
        "grid-column-start", "grid-row", "grid-row-start", "grid-template", "grid-template-areas",
        "grid-template-columns", "height", "inset", "left", "letter-spacing", "line-height", "list-style",
        "list-style-type", "margin", "margin-left", "margin-top", "max-height", "max-width", "opacity", "order",
        "overflow", "overflow-x", "overflow-y", "padding-left", "position", "quotes", "right", "rotate", "scale",
        "text-indent", "text-shadow", "top", "transform", "translate", "unicode-bidi", "visibility",
        "-webkit-text-fill-color", "-webkit-transform", "-webkit-clip-path", "white-space", "width", "writing-mode",
        "zoom",
    }
)  # fmt: skip
# Other names of theirs, which browsers still take (Compatibility Standard 3) or which say the same for most scripts.
_ALIASES: Final = {
    "inset-block-start": "top", "inset-inline-end": "right", "inset-inline-start": "left",
    "margin-inline-start": "margin-left", "-webkit-flex-direction": "flex-direction", "-webkit-flex-flow": "flex-flow",
    "-webkit-order": "order",
}  # fmt: skip
_SKIPPED: Final = ("@font-face", "@keyframes", "@-webkit-keyframes", "@-moz-keyframes", "@page", "@property")
_MOST_RULES: Final = 20_000
_MOST_SHEET: Final = 1 << 20  # characters of style sheets in one page
_WORK: Final = 400_000  # steps of matching in one page
_MOST_STYLES: Final = 200  # of counters
_DEEPEST: Final = 12

Declarations = dict[str, str]


@dataclass(frozen=True, slots=True)
class Rule:
    """`screens` says where it holds: on a desk, on a phone."""

    selector: Selector
    plain: Declarations = field(repr=False)
    important: Declarations = field(repr=False)
    screens: tuple[bool, bool]
    order: int


@dataclass(slots=True)
class _Block:
    prelude: str
    kind: str  # rule, group, counter, skipped
    screens: tuple[bool, bool]
    selectors: tuple[Selector, ...] = ()
    body: list[str] = field(default_factory=list)


def declarations(text: str, variables: dict[str, str], *, kept: bool = False) -> tuple[Declarations, Declarations]:
    """The plain and the important ones among `PROPERTIES`; variables are noted in `variables` and put in.

    `kept`: variables stand among the plain ones too, and in `content` their names stay, since each element has its own.
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
            if kept:
                plain[name] = value.replace("!important", "").strip()
            continue
        name = name.lower()
        if name not in PROPERTIES:
            if name not in _ALIASES:
                continue
            name = _ALIASES[name]
        if "var(" in value and not (kept and name == "content"):
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
        into.pop(name, None)
        into[name] = value
    return plain, important


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
    for match in _TOKEN.finditer(text):
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


class Sheets:
    """The rules of a page's style sheets, ready to be asked for an element's declarations."""

    def __init__(self, sources: list[str]) -> None:
        self.variables: dict[str, str] = {}
        self.rules: list[Rule] = []
        self.whole = True
        self.counter_styles: dict[str, CounterStyle] = {}
        self._by_id: dict[str, list[Rule]] = defaultdict(list)
        self._by_class: dict[str, list[Rule]] = defaultdict(list)
        self._by_tag: dict[str, list[Rule]] = defaultdict(list)
        self._any: list[Rule] = []
        self._placed: set[str] = set()  # names, classes and ids of rules that ask where an element stands
        # Whether texts are written out of variables: then each element's own are kept.
        self.kept = any("var(" in source and "content" in source for source in sources)
        self._matching = Matching(_WORK)
        room = _MOST_SHEET
        for source in sources:
            if "--" in source:
                self._note_variables(source[:room])
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
        for name, value in re.findall(r"(--[-\w]{1,80})\s*:\s*([^;{}]{0,200})", source)[:500]:
            self.variables[name] = value.replace("!important", "").strip()

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
            held.sort(key=lambda rule: (rule.selector.weight, rule.order))
        return held

    def _read(self, source: str) -> None:
        """One sheet, from its first brace to its last."""
        stack: list[_Block] = [_Block("", "group", (True, True))]
        start = brackets = 0
        pieces: list[str] = []  # of the statement being read, without comments
        for match in _TOKEN.finditer(source):
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
        if depth > _DEEPEST or outer.kind == "skipped":
            return _Block(statement, "skipped", outer.screens)
        lower = statement[:40].lower()
        if lower.startswith("@"):
            if lower.startswith("@counter-style"):
                return _Block(statement, "counter", outer.screens)
            if lower.startswith(_SKIPPED):
                return _Block(statement, "skipped", outer.screens)
            screens = outer.screens
            if lower.startswith("@media"):
                desk, phone = media(statement[6:])
                screens = (outer.screens[0] and desk, outer.screens[1] and phone)
            return _Block(statement, "rule" if outer.selectors else "group", screens, outer.selectors)
        return _Block(statement, "rule", outer.screens, parse_selectors(statement, outer.selectors))

    def _end(self, block: _Block) -> None:
        if block.kind == "counter" and len(self.counter_styles) < _MOST_STYLES:
            self.counter_styles[block.prelude[14:].strip()] = counter_style(";".join(block.body))
        if block.kind != "rule" or not block.selectors or not any(block.screens):
            return
        plain, important = declarations(";".join(block.body), self.variables, kept=self.kept)
        if not plain and not important:
            return
        for selector in block.selectors:
            self.rules.append(Rule(selector, plain, important, block.screens, len(self.rules)))


def media(query: str) -> tuple[bool, bool]:
    """Whether a media query (Media Queries 4) holds on a desk and on a phone."""
    lower = query.lower()
    desk = phone = False
    for one in lower.split(","):
        holds = [_holds(one, screen) for screen in (0, 1)]
        desk, phone = desk or holds[0], phone or holds[1]
    return desk, phone


def _holds(query: str, screen: int) -> bool:
    words = query.split("(", maxsplit=1)[0].split()
    negated = "not" in words
    kinds = [word for word in words if word not in {"not", "only", "and", "all", "screen"}]
    holds = not kinds
    for match in _WIDTH.finditer(query):
        bound = float(match[3][:12].strip(".") or 0) if match[3].count(".") < 2 else 0.0
        bound *= {"em": 16, "rem": 16, "cm": 37.8, "in": 96}.get(match[4] or "px", 1)
        least = match[1] == "min" or match[2] == ">"
        holds = holds and (_SCREENS[screen] >= bound if least else _SCREENS[screen] <= bound)
    others = _WIDTH.sub("", query)
    if "(" in others:
        holds = holds and _other_features(others, screen)
    return holds != negated


def _other_features(query: str, screen: int) -> bool:
    """Features other than sizes: what a phone may have and a desk may lack."""
    if "prefers-color-scheme" in query:
        return ("dark" in query) == (screen == 1)
    return screen == 1 or "min-resolution" in query or "device-pixel" in query or "color)" in query or "hover" in query
