"""Packs: detectors read from parsed YAML, strictly, with every problem at once."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Final

import yaml

from rules.checks import CHECKS
from rules.detector import GROUPS, Detector, Found, Near, Pattern, Unless, WordList
from rules.errors import PackInvalid, PackProblem, PatternRefused
from rules.finding import Confidence
from rules.reading import Node, Where, nowhere
from rules.widths import compile_pattern, max_width

__all__ = ["PackSource", "Where", "load_builtin", "load_packs", "nowhere"]

MOST_PATTERNS: Final = 200  # of one detector
LONGEST_TERM: Final = 200  # characters
FARTHEST: Final = 10_000  # characters, for `within`
_ID: Final = r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*"
_LEVELS: Final = tuple(Confidence)


@dataclass(frozen=True, slots=True)
class PackSource:
    """A pack as parsed: `name` for messages (its file), `data` as plain dicts, lists, strings and numbers."""

    name: str
    data: object = field(repr=False)
    where: Where = nowhere


@cache
def load_builtin() -> tuple[Detector, ...]:
    """The detectors that come with the product, in the order of their packs and of the lines in them.

    Read once: the packs do not change while we run.
    """
    folder = files("rules").joinpath("packs")
    paths = sorted((path for path in folder.iterdir() if path.name.endswith(".yaml")), key=lambda path: path.name)
    # Our own files, held to the form by tests: the plain loader will do, places are not needed.
    parsed = ((path.name, yaml.load(path.read_text("utf-8"), yaml.CSafeLoader)) for path in paths)
    sources = [PackSource(f"builtin/{name}", data) for name, data in parsed]
    return load_packs(sources, builtin=False)


def load_packs(sources: Iterable[PackSource], builtin: bool = True) -> tuple[Detector, ...]:
    """The built-in detectors (if wanted) and those of `sources`; raise PackInvalid with all problems of all sources."""
    detectors = {detector.id: detector for detector in load_builtin()} if builtin else {}
    problems: list[PackProblem] = []
    for source in sources:
        for detector, node in _read(source, problems):
            other = detectors.get(detector.id)
            if other is not None:
                node.problem(f"the detector stands in {other.source} already", "Give it an id of its own")
            else:
                detectors[detector.id] = detector
    if problems:
        raise PackInvalid(tuple(problems))
    return tuple(detectors.values())


def builtin_words(name: str) -> dict[str, int] | None:
    """A word list that comes with the product: terms in lower case with their weights; None if there is none."""
    path = files("rules").joinpath("words").joinpath(f"{name}.txt")
    if not name.isidentifier() or not path.is_file():
        return None
    terms: dict[str, int] = {}
    for line in path.read_text("utf-8").splitlines():
        plain = line.partition("#")[0].strip()
        if plain:
            weight, term = plain.split(maxsplit=1)
            terms[term.lower()] = int(weight)
    return terms


@cache
def builtin_phrases(name: str) -> tuple[str, ...]:
    """A list of words without weights that comes with the product; empty if there is none."""
    path = files("rules").joinpath("words").joinpath(f"{name}.txt")
    if not name.isidentifier() or not path.is_file():
        return ()
    lines = (line.partition("#")[0].strip() for line in path.read_text("utf-8").splitlines())
    return tuple(line for line in lines if line)


def _read(source: PackSource, problems: list[PackProblem]) -> Iterable[tuple[Detector, Node]]:
    root = Node(source.name, source.where, problems, source.data)
    entries = root.mapping({"detectors"}, required={"detectors"})
    if entries is None or "detectors" not in entries:
        return
    named = entries["detectors"].mapping(None)
    for name, node in (named or {}).items():
        node.detector = name
        if not node.key_matches(_ID):
            node.problem(f"{name!r} is no id of a detector", "Ids are lower case words joined by dots, such as ch.ahv")
            continue
        before = len(problems)
        detector = _detector(name, node, source.name)
        if detector is not None and len(problems) == before:
            yield detector, node


def _detector(name: str, node: Node, source: str) -> Detector | None:
    keys = {"title", "about", "groups", "patterns", "words", "near", "unless", "samples"}
    entries = node.mapping(keys, required={"title", "groups", "samples"})
    if entries is None:
        return None
    if "patterns" not in entries and "words" not in entries:
        node.problem("looks for nothing", "Give `patterns` or `words`")
    patterns = (
        tuple(filter(None, map(_pattern, entries["patterns"].items(most=MOST_PATTERNS))))
        if "patterns" in entries
        else ()
    )
    if any(pattern.named for pattern in patterns) and "near" not in entries:
        node.problem("a pattern is `named`, but there is no `near` with the words that name it", "Give `near`")
    found, ignored = _samples(entries["samples"]) if "samples" in entries else ((), ())
    return Detector(
        id=name,
        title=entries["title"].text() if "title" in entries else "",
        about=entries["about"].text() if "about" in entries else "",
        groups=frozenset(_groups(entries["groups"])) if "groups" in entries else frozenset(),
        patterns=patterns,
        words=_words(entries["words"]) if "words" in entries else None,
        near=tuple(filter(None, map(_near, entries["near"].one_or_more()))) if "near" in entries else (),
        unless=tuple(filter(None, map(_unless, entries["unless"].one_or_more()))) if "unless" in entries else (),
        found=found,
        ignored=ignored,
        source=source,
    )


def _groups(node: Node) -> Iterable[str]:
    for item in node.items():
        yield item.choice(GROUPS)


def _pattern(node: Node) -> Pattern | None:
    entries = node.mapping({"regex", "check", "confidence", "alone", "named"}, required={"regex"})
    if entries is None or "regex" not in entries:
        return None
    regex = entries["regex"].text()
    width = 0
    if regex:
        try:
            compile_pattern(regex)
            width = max_width(regex)
        except PatternRefused as refusal:
            entries["regex"].problem(refusal.cause, refusal.hint)
    return Pattern(
        regex=regex,
        confidence=_confidence(entries.get("confidence"), Confidence.MEDIUM),
        check=(entries["check"].choice(tuple(CHECKS)) or None) if "check" in entries else None,
        alone=entries["alone"].flag() if "alone" in entries else False,
        max_width=width,
        named=entries["named"].flag() if "named" in entries else False,
    )


def _near(node: Node) -> Near | None:
    entries = node.mapping({"words", "within", "raise", "names"}, required={"words"})
    if entries is None or "words" not in entries:
        return None
    within = entries["within"].number(1, FARTHEST) if "within" in entries else 100
    names = entries["names"].flag() if "names" in entries else True
    return Near(_phrases(entries["words"]), within, _confidence(entries.get("raise"), Confidence.HIGH), names)


def _unless(node: Node) -> Unless | None:
    entries = node.mapping({"words", "list", "within"})
    if entries is None:
        return None
    within = entries["within"].number(1, FARTHEST) if "within" in entries else 100
    if "list" in entries and "words" not in entries:
        name = entries["list"].text()
        words = builtin_phrases(name)
        if not words:
            entries["list"].problem(f"there is no built-in list {name!r}", "other_numbers is one")
        return Unless(words, within, name)
    if "words" not in entries or "list" in entries:
        node.problem("give either `words` or `list`")
        return None
    return Unless(_phrases(entries["words"]), within)


def _phrases(node: Node) -> tuple[str, ...]:
    return tuple(item.text(most=60) for item in node.items(least=1))


def _words(node: Node) -> WordList | None:
    levels = {level.value for level in _LEVELS}
    entries = node.mapping({"list", "terms", "within"} | levels)
    if entries is None:
        return None
    terms = _terms(entries)
    thresholds = {level: entries[level.value].number(1, 1_000_000) for level in _LEVELS if level.value in entries}
    if not thresholds:
        node.problem("no threshold", "Say from which sum of weights on a text is low, medium or high: `medium: 8`")
    if not terms:
        node.problem("no terms", "Give `terms: {metformin: 3, ...}`, or `list:` with the name of a built-in list")
    within = entries["within"].number(1, 1_000_000) if "within" in entries else 1000
    return WordList(terms, within, thresholds)


def _terms(entries: dict[str, Node]) -> dict[str, int]:
    terms: dict[str, int] = {}
    if "list" in entries:
        name = entries["list"].text()
        known = builtin_words(name)
        if known is None:
            entries["list"].problem(f"there is no built-in list {name!r}", "medical_terms is one")
        terms |= known or {}
    if "terms" in entries:
        for term, weight in (entries["terms"].mapping(None) or {}).items():
            if not 1 <= len(term.strip()) <= LONGEST_TERM:
                weight.problem(f"a term has 1 to {LONGEST_TERM} characters")
            terms[" ".join(term.lower().split())] = weight.number(1, 1000)
    return terms


def _samples(node: Node) -> tuple[tuple[Found, ...], tuple[str, ...]]:
    entries = node.mapping({"found", "ignored"}, required={"found"})
    if entries is None:
        return (), ()
    found = tuple(filter(None, map(_found, entries["found"].items(least=1)))) if "found" in entries else ()
    ignored = tuple(item.text() for item in entries["ignored"].items()) if "ignored" in entries else ()
    return found, ignored


def _found(node: Node) -> Found | None:
    if isinstance(node.value, str):
        return Found(node.text())
    entries = node.mapping({"text", "confidence"}, required={"text"})
    if entries is None or "text" not in entries:
        return None
    level = _confidence(entries["confidence"], Confidence.MEDIUM) if "confidence" in entries else None
    return Found(entries["text"].text(), level)


def _confidence(node: Node | None, default: Confidence) -> Confidence:
    if node is None:
        return default
    return Confidence(node.choice(tuple(level.value for level in _LEVELS)) or default)
