"""The parts of a detector as a pack writes them: patterns, words near, weighted lists, samples; read strictly."""

import re
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from importlib.resources import files
from typing import Any, Final

from rules.checks import CHECKS
from rules.context import fit_one_pattern, word_pieces
from rules.detector import GROUPS, Found, Near, Pattern, Unless, WordList, plain
from rules.errors import PatternRefused
from rules.finding import Confidence
from rules.reading import Node
from rules.widths import compile_pattern, max_width

MOST_PATTERNS: Final = 200  # of one detector
MOST_EXCEPT: Final = 10_000
FARTHEST: Final = 10_000  # characters, for `within`
LONGEST_TERM: Final = 200  # characters
_ALWAYS_FIT: Final = 8_000  # characters of words that RE2 takes in one pattern, whatever they are; it refused 15,000
_LEVELS: Final = tuple(Confidence)
_WEIGHTED: Final = re.compile(r"([0-9]+)\s+(\S.*)")  # a line of a list of terms
Values = dict[str, Any]  # fields of a Detector, by name


def read_parts(entries: Mapping[str, Node]) -> Values:
    """The detector's fields given by `entries`, by name; mistakes are noted in the nodes."""
    values: Values = {}
    for key, node in entries.items():
        if key == "samples":
            values["found"], values["ignored"] = _samples(node)
        else:
            name, read = _READERS[key]
            values[name] = read(node)
    return values


def builtin_words(name: str) -> dict[str, int] | None:
    """A word list that comes with the product: terms in lower case with their weights; None if there is none."""
    terms: dict[str, int] = {}
    for line in _lines(name):
        weighted = _WEIGHTED.fullmatch(line)
        if weighted is None:
            return None  # a list of words without weights
        terms[weighted[2].lower()] = int(weighted[1])
    return terms or None


@cache
def builtin_phrases(name: str) -> tuple[str, ...]:
    """A list of words without weights that comes with the product; empty if there is none."""
    lines = _lines(name)
    return () if all(map(_WEIGHTED.fullmatch, lines)) else lines


def _lines(name: str) -> tuple[str, ...]:
    """The lines of a list that comes with the product, without comments; empty if there is none of that name."""
    folder = files("rules").joinpath("words")
    if f"{name}.txt" not in {file.name for file in folder.iterdir()}:
        return ()
    text = folder.joinpath(f"{name}.txt").read_text("utf-8")
    lines = (line.partition("#")[0].strip() for line in text.splitlines())
    return tuple(line for line in lines if line)


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
            entries["regex"].problem(refusal.cause, refusal.hint, refusal.pointed)
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
    words = tuple(filter(None, map(_phrase, node.items(least=1))))
    if sum(map(len, words)) > _ALWAYS_FIT and not fit_one_pattern(words):
        node.problem(
            f"{len(words)} words are too many for one set", "Make several sets of them, of 1,000 words or less each"
        )
    return words


def _phrase(node: Node) -> str:
    word = node.text(most=60)
    if word.strip() and not word_pieces(word):
        node.problem(f"no text can hold {word!r} as a word", "Blanks, hyphens and underscores only part words")
    return word if word_pieces(word) else ""


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


def _patterns(node: Node) -> tuple[Pattern, ...]:
    return tuple(filter(None, map(_pattern, node.items(least=1, most=MOST_PATTERNS))))


def _exempt(node: Node) -> frozenset[str]:
    return frozenset(plain(item.text(most=200)) for item in node.items(most=MOST_EXCEPT))


_READERS: Final[Mapping[str, tuple[str, Callable[[Node], object]]]] = {
    "title": ("title", lambda node: node.text()),
    "about": ("about", lambda node: node.text()),
    "groups": ("groups", lambda node: frozenset(_groups(node))),
    "patterns": ("patterns", _patterns),
    "words": ("words", _words),
    "near": ("near", lambda node: tuple(filter(None, map(_near, node.one_or_more())))),
    "unless": ("unless", lambda node: tuple(filter(None, map(_unless, node.one_or_more())))),
    "except": ("exempt", _exempt),
}
PARTS: Final = frozenset({*_READERS, "samples"})
