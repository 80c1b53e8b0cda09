"""The matcher: detectors over a content, in one pass a text.

A text is normalised, the engine tells in one pass which patterns end where, RE2 confirms the span, the check says
whether it can be, words nearby say how sure; where hits of one detector overlap, the surest and then the longest stays.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Final

from rules.candidates import Candidate, Program
from rules.content import Content
from rules.context import Nearby, word_pattern
from rules.detector import Detector
from rules.engine import Cache, Engine, Mode
from rules.finding import Confidence, Finding, Hit
from rules.masking import Masker
from rules.normalise import Normalised, normalise
from rules.verdict import Verdict
from rules.widths import compile_pattern
from rules.words import MOST_LITERALS, Seen, Term, Terms, expression, weigh, whole

__all__ = ["MOST_HITS", "Cache", "Matcher"]

MOST_HITS: Final = 10_000  # of one detector in one text; what lies behind is counted no more
_END: Final = (1 << 40) - 1
_LOWER: Final = {Confidence.HIGH: Confidence.MEDIUM, Confidence.MEDIUM: Confidence.LOW, Confidence.LOW: Confidence.LOW}


class Matcher:
    """Finds. Safe to use from several threads at once. `told`: a sentence for each pattern that runs slower."""

    told: tuple[str, ...]

    def __init__(self, detectors: Sequence[Detector], cache: Cache | None = None) -> None:
        self.detectors = tuple(detectors)
        patterns = [(index, pattern) for index, d in enumerate(self.detectors) for pattern in d.patterns]
        self._programs = [Program(index, pattern, compile_pattern(pattern.regex)) for index, pattern in patterns]
        terms = [
            Term(index, text, weight)
            for index, d in enumerate(self.detectors)
            if d.words is not None
            for text, weight in d.words.terms.items()
        ]
        self._literals = terms if len(terms) <= MOST_LITERALS else []
        self._terms = Terms([] if self._literals else terms)
        expressions = [pattern.regex for _, pattern in patterns] + [expression(term) for term in self._literals]
        caseless = [False] * len(patterns) + [True] * len(self._literals)
        self._engine = Engine(expressions, caseless, cache)
        self._alone = [i for i in range(len(patterns)) if self._engine.modes[i] is Mode.ALONE]
        self._slow = frozenset(i for i in range(len(patterns)) if self._engine.modes[i] is not Mode.EXACT)
        self.told = tuple(
            _telling(self.detectors[patterns[i][0]], patterns[i][1].regex, i in self._alone) for i in self._slow
        )
        self._near = [[word_pattern(near.words) for near in d.near] for d in self.detectors]
        self._unless = [[word_pattern(unless.words) for unless in d.unless] for d in self.detectors]

    def scan(self, content: Content) -> tuple[Finding, ...]:
        """All findings of all parts, in the order of the detectors; empty findings are left out.

        Parts of one place are readings of one thing: what an earlier one has shown as surely is not counted again.
        """
        hits: dict[int, list[Hit]] = defaultdict(list)
        shown: dict[tuple[str, int, str], int] = {}  # how sure a value was in earlier readings of its place
        for part in content.parts:
            found = self._scan(part.text, part.place)
            for detector, fresh in found.items():
                hits[detector] += [
                    hit for hit in fresh if hit.confidence.rank > shown.get((part.place, detector, hit.value), -1)
                ]
            for detector, fresh in found.items():
                for hit in fresh:
                    key = (part.place, detector, hit.value)
                    shown[key] = max(hit.confidence.rank, shown.get(key, -1))
        return self._findings({detector: fresh for detector, fresh in hits.items() if fresh})

    def scan_text(self, text: str, place: str = "text") -> tuple[Finding, ...]:
        """The findings of one text."""
        return self._findings(self._scan(text, place))

    def _findings(self, hits: Mapping[int, list[Hit]]) -> tuple[Finding, ...]:
        return tuple(
            Finding(self.detectors[index].id, self.detectors[index].groups, tuple(hits[index]))
            for index in sorted(hits)
        )

    def _scan(self, text: str, place: str) -> dict[int, list[Hit]]:
        if not text:
            return {}
        normal = normalise(text)
        candidates = self._candidates(normal.data)
        if not candidates:
            return {}
        kept = [c for found in self._judge(candidates, normal).values() for c in _choose(found)]
        return _hits(kept, normal, place)

    def _candidates(self, data: bytes) -> dict[int, list[Candidate]]:
        """Every value that passes its check, by detector."""
        found: dict[int, list[Candidate]] = defaultdict(list)
        seen: dict[int, list[Seen]] = defaultdict(list)
        slow = set(self._alone)
        patterns = len(self._programs)
        for block in self._engine.ends(data):
            for event in block:
                index = event >> 40
                if index >= patterns:
                    term = self._literals[index - patterns]
                    stands = whole(data, event & _END, term)
                    if stands is not None:
                        seen[term.detector].append(stands)
                elif index in self._slow:
                    slow.add(index)
                else:
                    self._confirm(self._programs[index], data, event & _END, found)
        for index in sorted(slow):
            program = self._programs[index]
            for candidate in program.read(data):
                if len(found[program.detector]) < MOST_HITS:
                    found[program.detector].append(candidate)
        for stands in self._terms.read(data):
            seen[stands.term.detector].append(stands)
        for detector, places in seen.items():
            words = self.detectors[detector].words
            assert words is not None
            found[detector] += list(weigh(places, detector, words))[:MOST_HITS]
        return found

    def _confirm(self, program: Program, data: bytes, end: int, found: dict[int, list[Candidate]]) -> None:
        already = found.get(program.detector)
        if already is not None and len(already) >= MOST_HITS:
            return
        candidate = program.confirm(data, end)
        if candidate is not None:
            found[program.detector].append(candidate)

    def _judge(self, found: dict[int, list[Candidate]], normal: Normalised) -> dict[int, list[Candidate]]:
        """How sure each is, by the words around it; those that a word of `unless` explains are gone."""
        is_ascii = len(normal.text) == len(normal.data)
        judged: dict[int, list[Candidate]] = {}
        raised: dict[tuple[int, int], int] = {}  # of several detectors' labels, the nearest to a value
        for index, candidates in found.items():
            near = [Nearby(pattern, normal.data, is_ascii) for pattern in self._near[index]]
            unless = [Nearby(pattern, normal.data, is_ascii) for pattern in self._unless[index]]
            judged[index] = [c for c in candidates if self._stands(c, near, unless)]
            for c in judged[index]:
                if c.near is not None:
                    span = (c.start, c.end)
                    raised[span] = min(c.near, raised.get(span, c.near))
        for index, candidates in judged.items():
            for c in candidates:
                self._raise(c, self.detectors[index], raised)
        return judged

    def _stands(self, candidate: Candidate, near: Sequence[Nearby], unless: Sequence[Nearby]) -> bool:
        detector = self.detectors[candidate.detector]
        start, end = candidate.start, candidate.end
        gaps = [known.distance(start, end, rule.within) for known, rule in zip(near, detector.near, strict=True)]
        candidate.near = min((gap for gap in gaps if gap is not None), default=None)
        candidate.raises = tuple(gap is not None for gap in gaps)
        for known, rule in zip(unless, detector.unless, strict=True):
            gap = known.distance(start, end, rule.within)
            if gap is not None and (candidate.near is None or gap < candidate.near):
                return False
        return True

    def _raise(self, candidate: Candidate, detector: Detector, raised: dict[tuple[int, int], int]) -> None:
        """A word nearby makes surer, unless another detector's word stands nearer to the same value."""
        if candidate.near is not None and candidate.near <= raised[candidate.start, candidate.end]:
            for applies, rule in zip(candidate.raises, detector.near, strict=True):
                if applies and rule.confidence.rank > candidate.confidence.rank:
                    candidate.confidence = rule.confidence
        if candidate.verdict is Verdict.EXAMPLE:
            candidate.confidence = _LOWER[candidate.confidence]


def _choose(candidates: Sequence[Candidate]) -> list[Candidate]:
    """Of overlapping candidates of one detector the surest, then the longest, then the first."""
    order = sorted(candidates, key=lambda c: (-c.confidence.rank, c.start - c.end, c.start))
    starts: list[int] = []
    ends: list[int] = []
    chosen: list[Candidate] = []
    for c in order:
        place = bisect_left(starts, c.end)  # those before begin before this one ends
        if place and ends[place - 1] > c.start:
            continue
        starts.insert(place, c.start)
        ends.insert(place, c.end)
        chosen.append(c)
    return sorted(chosen, key=lambda c: c.start)


def _hits(kept: Sequence[Candidate], normal: Normalised, place: str) -> dict[int, list[Hit]]:
    offsets = _characters(normal, sorted({offset for c in kept for offset in (c.start, c.end)}))
    masker = Masker(normal.text, [(offsets[c.start], offsets[c.end]) for c in kept])
    hits: dict[int, list[Hit]] = defaultdict(list)
    for c in kept:
        start, end = offsets[c.start], offsets[c.end]
        hits[c.detector].append(Hit(c.value, c.confidence, place, start, end, masker.excerpt(start, end)))
    return hits


def _characters(normal: Normalised, offsets: Sequence[int]) -> dict[int, int]:
    """Characters for offsets in bytes, which rise."""
    if len(normal.text) == len(normal.data):
        return {offset: offset for offset in offsets}
    counted: dict[int, int] = {}
    done = characters = 0
    for offset in offsets:
        characters += len(normal.data[done:offset].decode("utf-8", "ignore"))
        counted[offset] = characters
        done = offset
    return counted


def _telling(detector: Detector, regex: str, alone: bool) -> str:
    how = "RE2 reads every text for it" if alone else "it runs as a prefilter, and RE2 reads the texts that may match"
    return f"{detector.id}: the engine does not take {regex!r} whole: {how}"
