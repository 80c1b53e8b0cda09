"""Explains the confidence of hits: worked out anew when people ask, so that scans need not remember it."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Final

import re2

from rules.budget import Budget
from rules.candidates import Candidate
from rules.columns import Columns
from rules.context import BEHIND_COSTS, belongs_elsewhere
from rules.detector import Detector, WordList
from rules.finding import Because
from rules.judging import Words
from rules.verdict import Verdict

_LONGEST: Final = 80  # bytes of a word, at most
_STEPS: Final = 10_000_000


class Reasons:
    """Explains the hits of one text. `chosen`: all of its hits, of all detectors."""

    def __init__(self, words: Words, data: bytes, chosen: Sequence[Candidate]) -> None:
        self._words = words
        self._data = data
        self._columns = Columns(data, Budget(_STEPS))
        self._at: dict[tuple[int, int], list[Candidate]] = defaultdict(list)
        self._terms: dict[int, list[Candidate]] = defaultdict(list)
        for candidate in chosen:
            self._at[candidate.start, candidate.end].append(candidate)
            if candidate.pattern is None:
                self._terms[candidate.detector].append(candidate)

    def of(self, candidate: Candidate) -> Because:
        """Why one of the hits is as sure as it is."""
        index, pattern = candidate.detector, candidate.pattern
        detector = self._words.detectors[index]
        if pattern is None:
            return Because(candidate.confidence, weight=self._weight(candidate, detector.words))
        label = self._label(candidate, detector)
        word, gap = (label, 0) if label else self._nearest(index, candidate)
        raised = candidate.raised and bool(word)
        against = self._against(index, candidate)
        return Because(
            alone=pattern.confidence,
            check=pattern.check or "",
            example=candidate.verdict is Verdict.EXAMPLE,
            raised_by=word if raised else "",
            raised_gap=gap if raised else 0,
            in_header=raised and bool(label),
            held_down_by="" if candidate.raised or not word else self._rival(candidate),
            against=against,
        )

    def _label(self, candidate: Candidate, detector: Detector) -> str:
        """The word in the header of the value's column; empty where no header made it surer."""
        if candidate.distance != 0 or not detector.near:
            return ""
        header = self._columns.header(candidate.start, candidate.end)
        for pattern in self._words.near(candidate.detector) if header else ():
            match = pattern.search(header)
            if match is not None:
                return _shown(match[0])
        return ""

    def _nearest(self, index: int, candidate: Candidate) -> tuple[str, int]:
        """The nearest word of the sets that raise the confidence most, and the characters between it and the value."""
        rules = zip(self._words.detectors[index].near, self._words.near(index), strict=True)
        found = [
            (-rule.confidence.rank, rank, word, gap)
            for rule, pattern in rules
            for rank, word, gap in self._around(pattern, candidate, rule.within)
        ]
        return min(found)[2:] if found else ("", 0)

    def _against(self, index: int, candidate: Candidate) -> str:
        rules = zip(self._words.detectors[index].unless, self._words.unless(index), strict=True)
        found = [
            near for rule, pattern in rules for near in self._around(pattern, candidate, rule.within, across=False)
        ]
        return min(found)[1] if found else ""

    def _rival(self, candidate: Candidate) -> str:
        """Another detector's word that stands nearer to the same value; empty where there is none."""
        near = candidate.distance
        rivals = [
            other
            for other in self._at[candidate.start, candidate.end]
            if other.detector != candidate.detector
            and other.distance is not None
            and (near is None or other.distance < near)
        ]
        return self._nearest(rivals[0].detector, rivals[0])[0] if rivals else ""

    def _around(
        self, pattern: re2._Regexp, candidate: Candidate, within: int, across: bool = True
    ) -> Iterator[tuple[int, str, int]]:
        """The words of a set within reach: rank (least is best), the word, the characters between it and the value.

        `across`: also words of other paragraphs and labels of other values.
        """
        start, end = candidate.start, candidate.end
        first, last = max(0, start - 4 * within - _LONGEST), min(len(self._data), end + 4 * within + _LONGEST)
        for match in pattern.finditer(self._data, first, last):
            before = match.end() <= start
            left, right = (match.end(), start) if before else (end, match.start())
            gap = len(self._data[left:right].decode("utf-8", "ignore")) if right > left else 0
            elsewhere = not across and belongs_elsewhere(self._data, left, right, None if before else match.end())
            if gap <= within and not elsewhere:
                yield gap if before or match.start() < end else gap + BEHIND_COSTS, _shown(match[0]), gap

    def _weight(self, candidate: Candidate, words: WordList | None) -> int:
        """The sum of the weights of the distinct terms within reach."""
        if words is None:
            return 0
        first, last = candidate.end - words.within, candidate.start + words.within
        near = {other.value for other in self._terms[candidate.detector] if first <= other.start and other.end <= last}
        return sum(words.terms.get(term, 0) for term in near)


def _shown(word: bytes) -> str:
    """A word of a pack as the text has it, on one line."""
    return " ".join(word.decode("utf-8", "replace").lower().strip("_").split())
