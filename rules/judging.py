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

MOST_OF_ONE_VALUE: Final = 1000  # hits of one value in one text
MOST_JUDGED: Final = 30_000  # candidates of one detector in one text
_MOST_LABELS: Final = 1000
_BLANK: Final = re.compile(rb"\n(?=[ \t\r>|]*\n)")  # where a BLANK_LINE begins
_ONE_STEP_LESS: Final = {
    Confidence.HIGH: Confidence.MEDIUM,
    Confidence.MEDIUM: Confidence.LOW,
    Confidence.LOW: Confidence.LOW,
}


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
        self._label_places: dict[bytes, tuple[int, int]] = {}
        self._blank_lines: list[int] | None = None  # where blank lines begin
        self._near: dict[int, list[Nearby]] = {}
        self._unless: dict[int, list[Nearby]] = {}

    def judge(self, found: Mapping[int, Sequence[Candidate]]) -> dict[int, list[Candidate]]:
        """The candidates by detector with their confidence; those that a word of `unless` explains are left out."""
        judged: dict[int, list[Candidate]] = {}
        nearest: dict[tuple[int, int], int] = {}  # of several detectors' labels, the nearest to a value
        for index, candidates in found.items():
            judged[index] = [candidate for candidate in _surest(candidates) if self._look_around(candidate)]
            for candidate in judged[index]:
                if candidate.distance is not None:
                    span = (candidate.start, candidate.end)
                    nearest[span] = min(candidate.distance, nearest.get(span, candidate.distance))
        for candidates in judged.values():
            for candidate in candidates:
                self._raise_confidence(candidate, nearest)
        return {index: [c for c in candidates if not c.named or c.raised] for index, candidates in judged.items()}

    def _look_around(self, candidate: Candidate) -> bool:
        """Note in the candidate which words of `near` stand by it; False where it does not count at all."""
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
        candidate.distance = min((gap for gap in gaps if gap is not None), default=None)
        candidate.applies = tuple(gap is not None for gap in gaps)
        if candidate.confidence is not Confidence.HIGH and (detector.near or detector.unless):
            label = self._columns.header(start, end)
            raises, excused = self._words_in_header(index, label)
            if any(raises):
                candidate.distance = 0
                candidate.applies = tuple(map(or_, raises, candidate.applies))
            elif excused and not self._is_apart(label, start):
                return False
        if candidate.named and not any(rule.names for rule in itertools.compress(detector.near, candidate.applies)):
            return False
        for known, rule in zip(self._unless[index], detector.unless, strict=True):
            gap = known.distance(start, end, rule.within, candidate.distance)
            if gap is not None and (candidate.distance is None or gap < candidate.distance):
                return False
        return True

    def _is_apart(self, label: bytes, start: int) -> bool:
        """Whether a blank line stands between the value and `label`, which may then be any text above and no header."""
        place = self._last_place_of(label, start)
        if place < 0:
            return False
        if self._blank_lines is None:
            self._blank_lines = [match.start() for match in _BLANK.finditer(self._data)]
        return bisect_left(self._blank_lines, place + len(label)) < bisect_left(self._blank_lines, start)

    def _last_place_of(self, label: bytes, start: int) -> int:
        """Where `label` last stands before `start`; -1 where it does not. Cheap where places rise."""
        known, upto = self._label_places.get(label, (-1, 0))
        if start < upto:
            known, upto = -1, 0
        found = self._data.rfind(label, max(0, upto - len(label)), start)
        place = found if found >= 0 else known
        if len(self._label_places) < _MOST_LABELS or label in self._label_places:
            self._label_places[label] = place, start
        return place

    def _words_in_header(self, index: int, label: bytes) -> tuple[tuple[bool, ...], bool]:
        """Which sets of `near` have a word in a column's header `label`, and whether a set of `unless` has."""
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

    def _raise_confidence(self, candidate: Candidate, nearest: Mapping[tuple[int, int], int]) -> None:
        """Raise the confidence if a word of `near` is nearby and no other detector's word is nearer to the value."""
        if candidate.distance is not None and candidate.distance <= nearest[candidate.start, candidate.end]:
            candidate.raised = True
            detector = self._words.detectors[candidate.detector]
            for applies, rule in zip(candidate.applies, detector.near, strict=True):
                if applies and rule.confidence.rank > candidate.confidence.rank:
                    candidate.confidence = rule.confidence
        if candidate.verdict is Verdict.EXAMPLE:
            candidate.confidence = _ONE_STEP_LESS[candidate.confidence]


def _surest(candidates: Sequence[Candidate]) -> Iterable[Candidate]:
    """One candidate for each span, the surest where several patterns gave one."""
    spans: dict[tuple[int, int], Candidate] = {}
    for candidate in candidates:
        span = (candidate.start, candidate.end)
        known = spans.get(span)
        if known is None or _strength(candidate) > _strength(known):
            spans[span] = candidate
    return spans.values()


def _strength(candidate: Candidate) -> tuple[int, bool]:
    return candidate.confidence.rank, not candidate.named


class KeptCandidates:
    """The candidates kept of one text: the first `most` of each detector and confidence, so that no flood hides others.

    Of one value at most MOST_OF_ONE_VALUE are kept, so that a number written over and over hides no others. `full`:
    the detectors that take no more; `cut`: one of them was given up although more could have counted.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: dict[tuple[int, Confidence], list[Candidate]] = defaultdict(list)
        self._times: dict[tuple[int, Confidence, str], int] = defaultdict(int)
        self._judged: dict[int, int] = defaultdict(int)
        self.full: set[int] = set()
        self.cut = False

    def add(self, judged: Mapping[int, Sequence[Candidate]]) -> None:
        """Take what there is still room for."""
        for index, candidates in judged.items():
            for candidate in candidates:
                room = self._kept[index, candidate.confidence]
                if len(room) >= self._most:
                    continue
                times = (index, candidate.confidence, candidate.value)
                self._times[times] += 1
                if self._times[times] <= MOST_OF_ONE_VALUE:
                    room.append(candidate)
            self._judged[index] += len(candidates)
            if len(self._kept[index, Confidence.HIGH]) >= self._most:
                self.full.add(index)
            elif self._judged[index] >= MOST_JUDGED:
                self.full.add(index)
                self.cut = True

    def chosen(self) -> list[Candidate]:
        """What was kept, by detector; of its overlapping candidates the surest, then the longest, then the first."""
        by_detector: dict[int, list[Candidate]] = defaultdict(list)
        for (index, _), candidates in self._kept.items():
            by_detector[index] += candidates
        return [
            candidate
            for index in sorted(by_detector)
            for candidate in _without_overlaps(by_detector[index], self._most)
        ]


def _without_overlaps(candidates: Sequence[Candidate], most: int) -> list[Candidate]:
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


class MessageHits:
    """The hits of one message by detector, `most` of each confidence.

    A value that several readings of one place show counts once, unless a later reading is surer of it.
    """

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
