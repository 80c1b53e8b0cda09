"""Weighted word lists: terms that say little alone, and much together."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from ahocorasick_rs import BytesAhoCorasick, Implementation

from rules.budget import Budget
from rules.candidates import Candidate
from rules.detector import WordList
from rules.finding import Confidence
from rules.verdict import Verdict

MOST_LITERALS: Final = 500  # more terms than these are found by Aho-Corasick, fewer by the engine's one pass

MOST_OF_ONE: Final = 1000  # of one term in one text; what lies behind weighs no more
_PLURAL: Final = b"sS"
_SPACES: Final = bytes.maketrans(b"\n\r\t", b"   ")


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


class Terms:
    """The terms of all detectors, found in a text when they are too many for the engine."""

    def __init__(self, terms: Sequence[Term]) -> None:
        self._terms = terms
        spelled = [term.text.encode() for term in terms]
        # Twice as fast as what it would choose for so many.
        self._automaton = BytesAhoCorasick(spelled, implementation=Implementation.DFA) if terms else None

    def read(self, data: bytes, budget: Budget) -> Iterator[Seen]:
        """Every whole word or phrase of the lists, in any case, until the budget is spent."""
        if self._automaton is None:
            return
        terms, size = self._terms, len(data)
        for index, start, end in self._automaton.find_matches_as_indexes(_plain(data), overlapping=True):
            budget.left -= 1
            if budget.left <= 0:
                return
            if (not start or not _is_letter(data[start - 1])) and (end >= size or _ends(data, end)):
                yield Seen(start, end, terms[index])


class Sums:
    """The terms of one text by detector; of one term so many as can matter."""

    def __init__(self) -> None:
        self.seen: dict[int, list[Seen]] = defaultdict(list)
        self._counts: dict[Term, int] = defaultdict(int)

    def add(self, stands: Seen | None) -> None:
        """Take a term where it stands, if it does."""
        if stands is not None and self._counts[stands.term] < MOST_OF_ONE:
            self._counts[stands.term] += 1
            self.seen[stands.term.detector].append(stands)


def expression(term: Term) -> str:
    """The term as the engine's pattern; it may stand in the plural."""
    body = "".join(
        r"\s" if c == " " else f"\\x{ord(c):02x}" if c.isascii() and not c.isalnum() else c for c in term.text
    )
    before = r"\b" if term.text[:1].isascii() else ""  # \b knows ASCII letters only; `whole` looks again
    behind = r"s?\b" if term.text[-1:].isascii() else ""
    return before + body + behind


def whole(data: bytes, end: int, term: Term, spelled: bytes) -> Seen | None:
    """The term that ends at `end`, if it is a whole word or phrase there, its plural included. `spelled`: in UTF-8."""
    for stop in (end, end - 1):
        start = stop - len(spelled)
        if start >= 0 and _plain(data[start:stop]) == spelled:
            if (start and _is_letter(data[start - 1])) or not _ends(data, stop):
                continue
            return Seen(start, stop, term)
    return None


def _plain(data: bytes) -> bytes:
    """In lower case, line breaks as spaces; as long as before."""
    return data.lower().translate(_SPACES)


def _ends(data: bytes, stop: int) -> bool:
    if stop < len(data) and data[stop] in _PLURAL:
        stop += 1
    return stop >= len(data) or not _is_letter(data[stop])


def _is_letter(byte: int) -> bool:
    return byte >= 0x80 or 48 <= byte <= 57 or 65 <= byte <= 90 or 97 <= byte <= 122 or byte == 95


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
