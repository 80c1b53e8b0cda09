"""Weighted word lists: terms that say little alone count where enough of them stand near each other."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from rules.candidates import Candidate
from rules.detector import WordList
from rules.finding import Confidence
from rules.verdict import Verdict

MOST_OF_ONE_TERM: Final = 1000  # of one term in one text; further places weigh nothing


@dataclass(frozen=True, slots=True)
class Term:
    """One term of one detector; `text` in lower case."""

    detector: int
    text: str
    weight: int


@dataclass(frozen=True, slots=True)
class TermPlace:
    """A term in a text: `start` and `end` in bytes."""

    start: int
    end: int
    term: Term


class TermCollector:
    """Collects the places of terms in one text, by detector; of one term MOST_OF_ONE_TERM at most."""

    def __init__(self) -> None:
        self.by_detector: dict[int, list[TermPlace]] = defaultdict(list)
        self._counts: dict[Term, int] = defaultdict(int)

    def add(self, place: TermPlace) -> None:
        """Take one place of a term, unless it has MOST_OF_ONE_TERM already."""
        if self._counts[place.term] < MOST_OF_ONE_TERM:
            self._counts[place.term] += 1
            self.by_detector[place.term.detector].append(place)


def weighted_candidates(seen: Sequence[TermPlace], detector: int, words: WordList) -> Iterator[Candidate]:
    """A candidate for every term within reach of enough others, as sure as the highest sum it is part of."""
    places = _without_nested(seen)
    tiers: list[Confidence | None] = [None] * len(places)
    for confidence in sorted(words.thresholds, key=lambda tier: tier.rank):
        _mark_windows(places, words.within, words.thresholds[confidence], confidence, tiers)
    for place, tier in zip(places, tiers, strict=True):
        if tier is not None:
            yield Candidate(detector, place.start, place.end, place.term.text, tier, Verdict.YES)


def _without_nested(seen: Sequence[TermPlace]) -> list[TermPlace]:
    """The places in order, without those inside a longer term, whose weight would be counted twice."""
    kept: list[TermPlace] = []
    for place in sorted(seen, key=lambda place: (place.start, -place.end)):
        if not kept or place.end > kept[-1].end:
            kept.append(place)
    return kept


def _mark_windows(
    places: Sequence[TermPlace], within: int, threshold: int, confidence: Confidence, tiers: list[Confidence | None]
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
