"""Detectors: what a pack says to look for, as values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from rules.finding import Confidence

GROUPS: Final = ("identity", "financial", "medical", "secrets")


def plain(value: str) -> str:
    """The letters and digits of a value, in capitals, so that it is recognised however it is grouped."""
    return "".join(filter(str.isalnum, value)).upper()


@dataclass(frozen=True, slots=True)
class Pattern:
    """One regular expression (RE2). A group named `value` marks the value where the pattern holds more than that.

    `alone`: the value is no piece of a longer run of letters, digits, dashes, dots, slashes and the like.
    `named`: it counts only where a word of the detector's `near` applies, beside it or in its column's header.
    `max_width` is the longest match in bytes of UTF-8, found by analysis.
    """

    regex: str
    confidence: Confidence = Confidence.MEDIUM
    check: str | None = None  # a name of rules.checks.CHECKS
    alone: bool = False
    max_width: int = 0
    named: bool = False


@dataclass(frozen=True, slots=True)
class Near:
    """Words that make a hit surer when one stands within `within` characters on either side.

    `names`: they name the value, too; where false, a pattern that counts only `named` does not count by them.
    """

    words: tuple[str, ...]
    within: int
    confidence: Confidence
    names: bool = True


@dataclass(frozen=True, slots=True)
class Unless:
    """Words that say a value is something else, so that it does not count unless a word of `Near` stands nearer.

    `shared` is the name of the built-in list that they are; empty where the pack gives the words itself.
    """

    words: tuple[str, ...]
    within: int
    shared: str = ""


@dataclass(frozen=True, slots=True)
class WordList:
    """Weighted terms. Where distinct terms within `within` characters sum to a threshold, each of them is a hit."""

    terms: Mapping[str, int] = field(repr=False)
    within: int
    thresholds: Mapping[Confidence, int]


@dataclass(frozen=True, slots=True)
class Found:
    """A sample in which the detector has to find something: with exactly this confidence, if one is given."""

    text: str
    confidence: Confidence | None = None


@dataclass(frozen=True, slots=True)
class Detector:
    """A named thing to look for."""

    id: str
    title: str
    groups: frozenset[str]
    patterns: tuple[Pattern, ...] = ()
    words: WordList | None = None
    near: tuple[Near, ...] = ()
    unless: tuple[Unless, ...] = ()
    found: tuple[Found, ...] = ()
    ignored: tuple[str, ...] = ()  # samples in which nothing may be found
    about: str = ""
    source: str = ""
    exempt: frozenset[str] = frozenset()  # values that never count, as `plain` writes them
