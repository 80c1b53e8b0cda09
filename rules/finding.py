"""Findings: what a detector saw, and how sure it is."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from rules.content import Content

_RANKS: Final = {"low": 0, "medium": 1, "high": 2}


class Confidence(StrEnum):
    """How sure a hit is. `rank` orders them; `medium` is what a policy asks for unless it says otherwise."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"

    @property
    def rank(self) -> int:
        """0 for low, 1 for medium, 2 for high."""
        return _RANKS[self.value]


@dataclass(frozen=True, slots=True)
class Because:
    """Why a hit is as sure as it is. Words are those of the detector's pack as the text has them, in small letters."""

    alone: Confidence  # what the pattern says without any word
    check: str = ""  # the check that it passed, a name of rules.checks.CHECKS
    example: bool = False  # known from manuals and test systems: one step less sure
    raised_by: str = ""  # the word nearby that made it surer
    raised_gap: int = 0  # characters between that word and the value
    in_header: bool = False  # the word stands in the header of its column
    held_down_by: str = ""  # another detector's word, which stood nearer, so that nothing was raised
    against: str = ""  # a word of `unless` that stands near too, but farther than the word of `near`
    weight: int = 0  # of a word list: the sum that was reached


@dataclass(frozen=True, slots=True)
class Hit:
    """One place where a detector matched. `value` is normalised, and secret: it is never printed or logged."""

    value: str = field(repr=False)
    confidence: Confidence
    place: str = field(repr=False)  # Part.place, and the finer place in it: `pay.xlsx > Salaries > B7`
    start: int  # characters into the part's normalised text
    end: int
    excerpt: str = field(repr=False)  # masked: at most the last two characters of the value
    because: Because | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Finding:
    """All hits of one detector in one content, in reading order."""

    detector: str
    groups: frozenset[str]
    hits: tuple[Hit, ...]

    def count(self, at_least: Confidence = Confidence.LOW) -> int:
        """Hits as sure as asked for or surer."""
        return sum(hit.confidence.rank >= at_least.rank for hit in self.hits)

    def values(self, at_least: Confidence = Confidence.LOW) -> frozenset[str]:
        """Distinct values as sure as asked for or surer."""
        return frozenset(hit.value for hit in self.hits if hit.confidence.rank >= at_least.rank)

    @property
    def confidence(self) -> Confidence:
        """The highest confidence among the hits."""
        return max((hit.confidence for hit in self.hits), key=lambda c: c.rank)


@dataclass(frozen=True, slots=True)
class Scanned:
    """The result of a scan: the findings, and the content.

    For each text that was not searched to its end, the content has an unreadable file more than what was scanned.
    """

    findings: tuple[Finding, ...]
    content: Content
