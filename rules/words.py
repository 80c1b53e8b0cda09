"""Weighted word lists: terms that say little alone count once enough of them stand near each other."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from rules.candidates import Candidate
from rules.detector import WordList
from rules.finding import Confidence
from rules.verdict import Verdict

MOST_OF_ONE: Final = 1000  # of one term in one text; what lies behind weighs no more


@dataclass(frozen=True, slots=True)
class Term:
    """One term of one detector; `text` in lower case."""

    detector: int
    text: str
    weight: int


@dataclass(frozen=True, slots=True)
class Seen:
    """A term where it stands, in bytes."""

    start: int
    end: int
    term: Term


class Sums:
    """Gathers the terms of one text by detector; of one term no more places than can matter."""

    def __init__(self) -> None:
        self.seen: dict[int, list[Seen]] = defaultdict(list)
        self._counts: dict[Term, int] = defaultdict(int)

    def add(self, stands: Seen) -> None:
        """Take a term where it stands."""
        if self._counts[stands.term] < MOST_OF_ONE:
            self._counts[stands.term] += 1
            self.seen[stands.term.detector].append(stands)


def weigh(seen: Sequence[Seen], detector: int, words: WordList) -> Iterator[Candidate]:
    """A candidate for every term within reach of enough others, as sure as the highest sum it is part of."""
    places = _longest(seen)
    tiers: list[Confidence | None] = [None] * len(places)
    for confidence in sorted(words.thresholds, key=lambda tier: tier.rank):
        _mark(places, words.within, words.thresholds[confidence], confidence, tiers)
    for place, tier in zip(places, tiers, strict=True):
        if tier is not None:
            yield Candidate(detector, place.start, place.end, place.term.text, tier, Verdict.YES)


def _longest(seen: Sequence[Seen]) -> list[Seen]:
    """Without the terms that lie within longer ones, which would weigh twice."""
    kept: list[Seen] = []
    for place in sorted(seen, key=lambda place: (place.start, -place.end)):
        if not kept or place.end > kept[-1].end:
            kept.append(place)
    return kept


def _mark(
    places: Sequence[Seen], within: int, threshold: int, confidence: Confidence, tiers: list[Confidence | None]
) -> None:
    """Give `confidence` to all places of every window whose distinct terms sum to the threshold."""
    counts: dict[str, int] = {}
    total = first = marked = 0
    for last, place in enumerate(places):
        counts[place.term.text] = counts.get(place.term.text, 0) + 1
        if counts[place.term.text] == 1:
            total += place.term.weight
        while place.end - places[first].start > within and first < last:
            gone = places[first].term
            counts[gone.text] -= 1
            if not counts[gone.text]:
                total -= gone.weight
            first += 1
        if total >= threshold:
            for index in range(max(first, marked), last + 1):
                tiers[index] = confidence
            marked = last + 1
