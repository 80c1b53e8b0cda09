"""Findings: what a detector saw, and how sure it is."""

from dataclasses import dataclass, field
from enum import StrEnum

from rules.content import Content


class Confidence(StrEnum):
    """How sure a hit is. `rank` orders them; `medium` is what a policy asks for unless it says otherwise."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"

    @property
    def rank(self) -> int:
        """0 for low, 1 for medium, 2 for high."""
        return ("low", "medium", "high").index(self.value)


@dataclass(frozen=True, slots=True)
class Hit:
    """One place where a detector matched. `value` is normalised, and secret: it is never printed or logged."""

    value: str = field(repr=False)
    confidence: Confidence
    place: str = field(repr=False)  # Part.place, and the finer place in it: `pay.xlsx > Salaries > B7`
    start: int  # characters into the part's normalised text
    end: int
    excerpt: str = field(repr=False)  # masked: at most the last two characters of the value


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
        """The surest of the hits."""
        return max((hit.confidence for hit in self.hits), key=lambda c: c.rank)


@dataclass(frozen=True, slots=True)
class Scanned:
    """What a scan gave. `content` is what was scanned, with a file told as unreadable for each text not looked at."""

    findings: tuple[Finding, ...]
    content: Content
