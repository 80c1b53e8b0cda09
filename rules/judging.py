"""Decides how sure a candidate is, by the words around it, and which of several overlapping ones stays."""

import itertools
import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from operator import or_
from typing import Final

import re2

from rules.budget import Budget
from rules.candidates import Candidate
from rules.columns import Columns
from rules.context import Nearby, word_pattern
from rules.detector import Detector, plain
from rules.finding import Confidence, Hit
from rules.normalise import Normalised
from rules.verdict import Verdict

MOST_OF_ONE: Final = 1000  # hits of one value in one text
MOST_JUDGED: Final = 30_000  # candidates of one detector in one text
_MOST_LABELS: Final = 1000
_BLANK: Final = re.compile(rb"\n(?=[ \t\r>|]*\n)")  # where a BLANK_LINE begins
_LOWER: Final = {Confidence.HIGH: Confidence.MEDIUM, Confidence.MEDIUM: Confidence.LOW, Confidence.LOW: Confidence.LOW}


class Words:
    """The words of `near` and `unless` of all detectors; those of a detector are compiled once it has a candidate."""

    def __init__(self, detectors: Sequence[Detector]) -> None:
        self.detectors = detectors
        self._near: dict[int, list[re2._Regexp]] = {}
        self._unless: dict[int, list[re2._Regexp]] = {}

    def near(self, index: int) -> list[re2._Regexp]:
        """The sets of words that make values of a detector surer, in the order of its `near`."""
        found = self._near.get(index)
        if found is None:
            found = self._near[index] = [word_pattern(near.words) for near in self.detectors[index].near]
        return found

    def unless(self, index: int) -> list[re2._Regexp]:
        """The sets of words that excuse them, in the order of its `unless`."""
        found = self._unless.get(index)
        if found is None:
            found = self._unless[index] = [word_pattern(unless.words) for unless in self.detectors[index].unless]
        return found


class Judge:
    """Judges the candidates of one text, batch by batch."""

    def __init__(self, words: Words, normal: Normalised, budget: Budget) -> None:
        self._budget = budget
        self._words = words
        self._data = normal.data
        self._is_ascii = normal.is_ascii
        self._columns = Columns(normal.data, budget)
        self._labels: dict[tuple[int, bytes], tuple[tuple[bool, ...], bool]] = {}
        self._stood: dict[bytes, tuple[int, int]] = {}
        self._blanks: list[int] | None = None  # where blank lines begin
        self._near: dict[int, list[Nearby]] = {}
        self._unless: dict[int, list[Nearby]] = {}

    def judge(self, found: Mapping[int, Sequence[Candidate]]) -> dict[int, list[Candidate]]:
        """The candidates by detector with their confidence; those that a word of `unless` explains are left out."""
        judged: dict[int, list[Candidate]] = {}
        nearest: dict[tuple[int, int], int] = {}  # of several detectors' labels, the nearest to a value
        for index, candidates in found.items():
            judged[index] = [candidate for candidate in _surest(candidates) if self._stands(candidate)]
            for candidate in judged[index]:
                if candidate.near is not None:
                    span = (candidate.start, candidate.end)
                    nearest[span] = min(candidate.near, nearest.get(span, candidate.near))
        for candidates in judged.values():
            for candidate in candidates:
                self._raise(candidate, nearest)
        return {index: [c for c in candidates if not c.named or c.raised] for index, candidates in judged.items()}

    def _stands(self, candidate: Candidate) -> bool:
        index, start, end = candidate.detector, candidate.start, candidate.end
        self._budget.left -= 1
        detector = self._words.detectors[index]
        if detector.exempt and plain(candidate.value) in detector.exempt:
            return False
        if index not in self._near:
            self._near[index] = self._lookups(self._words.near(index))
            # What is said in another paragraph may help to name a value, and excuses none.
            self._unless[index] = self._lookups(self._words.unless(index), across=False)
        rules = zip(self._near[index], detector.near, strict=True)
        gaps = [known.distance(start, end, rule.within) for known, rule in rules]
        candidate.near = min((gap for gap in gaps if gap is not None), default=None)
        candidate.raises = tuple(gap is not None for gap in gaps)
        if candidate.confidence is not Confidence.HIGH and (detector.near or detector.unless):
            label = self._columns.header(start, end)
            raises, excused = self._labelled(index, label)
            if any(raises):
                candidate.near = 0
                candidate.raises = tuple(map(or_, raises, candidate.raises))
            elif excused and not self._apart(label, start):
                return False
        if candidate.named and not any(rule.names for rule in itertools.compress(detector.near, candidate.raises)):
            return False
        for known, rule in zip(self._unless[index], detector.unless, strict=True):
            gap = known.distance(start, end, rule.within, candidate.near)
            if gap is not None and (candidate.near is None or gap < candidate.near):
                return False
        return True

    def _apart(self, label: bytes, start: int) -> bool:
        """Whether a blank line stands between a header of one cell and the value: then it may be any text above it."""
        place = self._last(label, start)
        if place < 0:
            return False
        if self._blanks is None:
            self._blanks = [match.start() for match in _BLANK.finditer(self._data)]
        return bisect_left(self._blanks, place + len(label)) < bisect_left(self._blanks, start)

    def _last(self, label: bytes, start: int) -> int:
        """Where a label last stands before a place; cheap where places rise, however far above them it stands."""
        known, upto = self._stood.get(label, (-1, 0))
        if start < upto:
            known, upto = -1, 0
        found = self._data.rfind(label, max(0, upto - len(label)), start)
        place = found if found >= 0 else known
        if len(self._stood) < _MOST_LABELS or label in self._stood:
            self._stood[label] = place, start
        return place

    def _labelled(self, index: int, label: bytes) -> tuple[tuple[bool, ...], bool]:
        """Which `near` hold a word of a column's header, and whether an `unless` does."""
        if not label:
            return (), False
        known = self._labels.get((index, label))
        if known is None:
            near = tuple(pattern.search(label) is not None for pattern in self._words.near(index))
            known = near, any(pattern.search(label) is not None for pattern in self._words.unless(index))
            if len(self._labels) < _MOST_LABELS:
                self._labels[index, label] = known
        return known

    def _lookups(self, patterns: Iterable[object], across: bool = True) -> list[Nearby]:
        return [Nearby(pattern, self._data, self._is_ascii, across) for pattern in patterns]

    def _raise(self, candidate: Candidate, nearest: Mapping[tuple[int, int], int]) -> None:
        """Raise the confidence if a word of `near` is nearby and no other detector's word is nearer to the value."""
        if candidate.near is not None and candidate.near <= nearest[candidate.start, candidate.end]:
            candidate.raised = True
            detector = self._words.detectors[candidate.detector]
            for applies, rule in zip(candidate.raises, detector.near, strict=True):
                if applies and rule.confidence.rank > candidate.confidence.rank:
                    candidate.confidence = rule.confidence
        if candidate.verdict is Verdict.EXAMPLE:
            candidate.confidence = _LOWER[candidate.confidence]


def _surest(candidates: Sequence[Candidate]) -> Iterable[Candidate]:
    """Of candidates with one span, which several patterns gave, the surest."""
    spans: dict[tuple[int, int], Candidate] = {}
    for candidate in candidates:
        span = (candidate.start, candidate.end)
        known = spans.get(span)
        if known is None or _standing(candidate) > _standing(known):
            spans[span] = candidate
    return spans.values()


def _standing(candidate: Candidate) -> tuple[int, bool]:
    return candidate.confidence.rank, not candidate.named


class Kept:
    """The candidates kept of one text: the first `most` of each detector and confidence, so that no flood hides others.

    Of one value at most MOST_OF_ONE are kept, so that a number written over and over hides no others. `full`: the
    detectors of which nothing more could count.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: dict[tuple[int, Confidence], list[Candidate]] = defaultdict(list)
        self._times: dict[tuple[int, Confidence, str], int] = defaultdict(int)
        self._judged: dict[int, int] = defaultdict(int)
        self.full: set[int] = set()
        self.cut = False  # whether a detector was given up with candidates left

    def add(self, judged: Mapping[int, Sequence[Candidate]]) -> None:
        """Take what there is still room for."""
        for index, candidates in judged.items():
            for candidate in candidates:
                room = self._kept[index, candidate.confidence]
                if len(room) >= self._most:
                    continue
                times = (index, candidate.confidence, candidate.value)
                self._times[times] += 1
                if self._times[times] <= MOST_OF_ONE:
                    room.append(candidate)
            self._judged[index] += len(candidates)
            if len(self._kept[index, Confidence.HIGH]) >= self._most:
                self.full.add(index)
            elif self._judged[index] >= MOST_JUDGED:
                self.full.add(index)
                self.cut = True

    def chosen(self) -> list[Candidate]:
        """Of overlapping candidates of one detector the surest, then the longest, then the first."""
        by_detector: dict[int, list[Candidate]] = defaultdict(list)
        for (index, _), candidates in self._kept.items():
            by_detector[index] += candidates
        return [candidate for index in sorted(by_detector) for candidate in _choose(by_detector[index], self._most)]


def _choose(candidates: Sequence[Candidate], most: int) -> list[Candidate]:
    order = sorted(candidates, key=lambda c: (-c.confidence.rank, c.start - c.end, c.start))
    starts: list[int] = []
    ends: list[int] = []
    chosen: list[Candidate] = []
    for candidate in order:
        place = bisect_left(starts, candidate.end)  # those before begin before this one ends
        if place and ends[place - 1] > candidate.start:
            continue
        starts.insert(place, candidate.start)
        ends.insert(place, candidate.end)
        chosen.append(candidate)
        if len(chosen) == most:
            break
    return sorted(chosen, key=lambda candidate: candidate.start)


class Gathered:
    """The hits of one message: readings of one place count once, and of each detector and confidence `most`."""

    def __init__(self, most: int) -> None:
        self.hits: dict[int, list[Hit]] = {}
        self._most = most
        self._counts: dict[tuple[int, Confidence], int] = defaultdict(int)
        self._shown: dict[tuple[str, int, str], int] = {}  # how sure a value was in earlier readings of its place

    def add(self, place: str, found: Mapping[int, Sequence[Hit]]) -> None:
        """Take the hits of one reading of `place`."""
        for detector, hits in found.items():
            fresh = [hit for hit in hits if hit.confidence.rank > self._shown.get((place, detector, hit.value), -1)]
            for hit in fresh:
                key, count = (place, detector, hit.value), (detector, hit.confidence)
                self._shown[key] = max(hit.confidence.rank, self._shown.get(key, -1))
                if self._counts[count] < self._most:
                    self._counts[count] += 1
                    self.hits.setdefault(detector, []).append(hit)
