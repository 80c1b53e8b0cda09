"""From a text to candidates: which passes of the engine are made over it, and what each of them searches for."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from dataclasses import dataclass, field
from itertools import accumulate, chain
from typing import Final, TypeAlias

from rules.arming import FIELDS, Armed, Arming
from rules.budget import Budget
from rules.candidates import Candidate, Program, TextMemo, shifted
from rules.dense import (
    LONG_RUN_DIGITS,
    NARROW_MATCH,
    RUN_DIGITS,
    WIDEST_MATCH,
    fewest_digits,
    intersection,
    run_end,
    widened,
    windows,
)
from rules.detector import Detector, Pattern
from rules.disguise import FOREIGN_MARK, MARK
from rules.encoded import DIGITS_MARK, PACKED_MARK, SPOKEN_MARK
from rules.engine import Bundle, Cache, Engine, Expression, Mode
from rules.lanes import Lane, lane_of, lean
from rules.literals import Literals
from rules.normalise import BARRIER
from rules.widths import LazyPattern, has_line_anchor, has_text_anchor
from rules.words import Term, TermCollector, TermPlace, weighted_candidates

Spans: TypeAlias = Sequence[tuple[int, int]]

_END_MASK: Final = (1 << 40) - 1
_BARRIER: Final = BARRIER.encode()
_EVENTS_SHIFT: Final = 3  # 1 << 3 matches that are only counted cost as much as one step of the budget
# Searched for beside the lane of numbers: runs of digits, long ones, marks of disguised numbers.
_WITH_NUMBERS: Final = (run_end(RUN_DIGITS), run_end(LONG_RUN_DIGITS), f"{MARK}|{DIGITS_MARK}")
_SEARCHED_WHOLE: Final = 1024  # bytes: a text up to this length is searched whole


@dataclass(slots=True)
class Surveyed:
    """What was found in one of several texts that were searched as one.

    `found`: values that passed their checks; `terms`: weighted terms that count; `marks`: see `Search.candidates`.
    `alone`: a pattern may match whose ends the engine cannot tell, so the text has to be searched again by itself.
    """

    found: list[Candidate] = field(default_factory=list)
    terms: list[Candidate] = field(default_factory=list)
    marks: list[int] = field(default_factory=list)
    alone: bool = False


class Search:
    """Searches texts for the patterns and terms of all detectors, in four passes, of which ordinary mail needs one.

    1. The whole text, lane by lane, is searched for patterns that can stand anywhere, and for runs of digits. Terms of
       word lists, and the words that name a value ("passport no."), are found beside it.
    2. Around runs of digits: patterns that can stand only there. Around short runs few patterns are tried, around long
       ones most; narrow patterns in a small window, the others in a larger one.
    3. Around words that name a value, or below the header of a table: patterns that count only where they are named.
    4. The same, for patterns of digits. So patterns as weak as "eight digits" cost nothing in texts that name nothing.

    In the third and fourth pass each detector has a database of its own, since mostly the words of a single detector
    stand at a place. In the others, equal patterns of several detectors are run once.
    """

    def __init__(self, detectors: Sequence[Detector], cache: Cache | None) -> None:
        self._detectors = detectors
        terms = [
            Term(index, text, weight)
            for index, d in enumerate(detectors)
            if d.words is not None
            for text, weight in d.words.terms.items()
        ]
        bundle = Bundle(cache, repr([(d.id, d.patterns, d.near) for d in detectors])) if cache is not None else None
        cache = bundle
        self._arming = Arming(detectors)
        self._literals = Literals(terms, self._arming.names, cache)
        self._words = _Pass(detectors, _anywhere(Lane.WORDS), [Expression(SPOKEN_MARK)], cache)
        self._numbers = _Pass(detectors, _anywhere(Lane.NUMBERS), [*map(Expression, _WITH_NUMBERS)], cache)
        fields = Expression(FIELDS, once=True, lines=True)
        self._capitals = _Pass(detectors, _anywhere(Lane.CAPITALS), [fields, Expression(PACKED_MARK)], cache)
        self._others = _Pass(detectors, _anywhere(Lane.OTHERS), [], cache)
        self._foreign = Engine([Expression(FOREIGN_MARK)], cache)
        self._second = tuple(
            _Pass(detectors, _in_runs(named=False, wide=wide, long=long), [], cache)
            for long in (False, True)
            for wide in (False, True)
        )
        self._third = {
            index: _Pass(detectors, _needs_word_only, [], cache, index)
            for index, detector in enumerate(detectors)
            if any(map(_needs_word_only, detector.patterns))
        }
        self._fourth = {
            index: tuple(_Pass(detectors, _in_runs(named=True, wide=wide), [], cache, index) for wide in (False, True))
            for index, detector in enumerate(detectors)
            if any(pattern.named and _needs_digits(pattern) for pattern in detector.patterns)
        }
        self._passes = (
            self._words,
            self._numbers,
            self._capitals,
            self._others,
            *self._second,
            *self._third.values(),
            *chain.from_iterable(self._fourth.values()),
        )
        if bundle is not None:
            bundle.close()
        self.slow_notes = tuple(note for each in self._passes for note in each.slow_notes)
        # Whether several texts may be surveyed as one: no pattern asks where a text begins, and the engine has all.
        self.joinable = all(each.joinable for each in self._passes)
        self._alone = [each for each in self._passes if each.alone]

    def survey(self, texts: Sequence[bytes], budget: Budget, firsts: Sequence[int] = (0,)) -> dict[int, Surveyed]:
        """What several texts hold, by index, searched as one text; texts in which nothing was seen are left out.

        Each value is confirmed in its own text. Weighted terms add up across neighbouring texts of one message, within
        the distance that their list allows: a subject, the body, a file's name. `firsts`: where each message's begin.
        """
        starts = list(accumulate((len(text) + len(_BARRIER) for text in texts), initial=0))
        seen: dict[int, Surveyed] = defaultdict(Surveyed)
        known: dict[int, TextMemo] = defaultdict(TextMemo)
        begins = [starts[first] for first in firsts]
        sums, marks = [TermCollector() for _ in firsts], list[int]()

        def weigh_in(place: TermPlace) -> None:
            sums[bisect_left(begins, place.end) - 1].add(place)

        for each, block in self._events(_BARRIER.join(texts), budget, weigh_in, marks):
            for event in block:
                index, end = event >> 40, event & _END_MASK
                if index in each.slow:  # reported once for all the texts
                    for part in range(len(texts)):
                        seen[part].alone = True
                    continue
                part = bisect_left(starts, end) - 1
                text = texts[part]
                end = min(end - starts[part], len(text))  # it may have taken the first sign behind the text
                for program in each.programs[index]:
                    candidate = program.confirm(text, end, budget, known[part])
                    if candidate is not None:
                        seen[part].found.append(candidate)
        for mark in marks:
            part = bisect_left(starts, mark) - 1
            seen[part].marks.append(mark - starts[part])
        for candidate in chain.from_iterable(map(self._weighed, sums)):
            part = bisect_left(starts, candidate.end) - 1
            seen[part].terms.append(shifted(candidate, -starts[part]))
        return seen

    def candidates(
        self, data: bytes, budget: Budget, full: Set[int], terms: bool, marks: list[int]
    ) -> Iterator[Candidate]:
        """Every value that passes its check, in no order, except those of the detectors in `full`.

        `terms`: whether weighted terms are wanted too. To `marks` are added the ends, in bytes, of what may be a number
        or a word in disguise, for `disguise.disguised`.
        """
        known = TextMemo()
        sums = TermCollector() if terms else None
        slow = {each: set(each.alone) for each in self._alone}
        for each, block in self._events(data, budget, sums.add if sums is not None else None, marks):
            for event in block:
                index = event >> 40
                if index in each.slow:
                    slow.setdefault(each, set()).add(index)
                    continue
                for program in each.programs[index]:
                    if program.detector in full:
                        continue
                    candidate = program.confirm(data, event & _END_MASK, budget, known)
                    if candidate is not None:
                        yield candidate
        for each, indices in slow.items():
            for index in sorted(indices):
                for program in each.programs[index]:
                    yield from program.read(data, budget, known)
        if sums is not None:
            yield from self._weighed(sums)

    def _events(
        self, data: bytes, budget: Budget, term: Callable[[TermPlace], None] | None, marks: list[int]
    ) -> Iterator[tuple["_Pass", Iterable[int]]]:
        """Each pass with what the engine saw of its patterns, block by block, as `index << 40 | end`.

        Terms are given to `term`, places of disguised numbers are added to `marks`.
        """
        armed, runs, long_runs = Armed(self._arming, data), list[int](), list[int]()
        whole = ((0, len(data)),)
        for block in self._others.blocks(data, whole, budget):
            yield self._others, block
        words = self._words.count << 40
        for block in self._words.blocks(data, whole, budget):
            if any(event >= words for event in block):
                marks += [event & _END_MASK for event in block if event >= words]
            yield self._words, [event for event in block if event < words]
        numbers, capitals = self._numbers, self._capitals
        others, lists = numbers.count << 40, (runs, long_runs, marks)
        for block in numbers.blocks(data, whole, budget):
            seen = list[int]()
            for event in block:
                if event < others:
                    seen.append(event)
                else:
                    lists[event - others >> 40].append(event & _END_MASK)
            yield numbers, seen
        for block in capitals.blocks(data, whole, budget):
            seen = list[int]()
            for event in block:
                if event >> 40 < capitals.count:
                    seen.append(event)
                elif event >> 40 == capitals.count:
                    armed.add(self._arming.fields, (0,))
                else:
                    marks.append(event & _END_MASK)
            yield capitals, seen
        if not data.isascii():
            marks += [event & _END_MASK for block in self._foreign.ends(data) for event in block]
        about = self._windows_around(data, runs)
        for each, near in zip(self._second, (*about, *self._windows_around(data, long_runs)), strict=True):
            for block in each.blocks(data, near, budget):
                yield each, block
        self._literals.read(data, budget, armed.add, term)
        for detector in armed.detectors:
            spans = armed.spans(detector)
            if detector in self._third:
                for block in self._third[detector].blocks(data, spans, budget):
                    yield self._third[detector], block
            for each, near in zip(self._fourth.get(detector, ()), about, strict=False):
                if each.count:
                    for block in each.blocks(data, intersection(spans, near), budget):
                        yield each, block

    @staticmethod
    def _windows_around(data: bytes, runs: list[int]) -> "tuple[Spans, Spans]":
        """Windows around the ends of runs of digits: small ones for narrow patterns, and larger ones for the others."""
        if not runs:
            return (), ()
        if len(data) <= _SEARCHED_WHOLE:
            return ((0, len(data)),), ((0, len(data)),)
        near = windows(data, runs, NARROW_MATCH)
        return near, widened(near, WIDEST_MATCH - NARROW_MATCH, len(data))

    def _weighed(self, sums: TermCollector) -> Iterator[Candidate]:
        for detector, places in sums.by_detector.items():
            words = self._detectors[detector].words
            if words is not None:
                yield from weighted_candidates(places, detector, words)


def _anywhere(lane: Lane) -> Callable[[Pattern], bool]:
    return lambda pattern: not pattern.named and not _needs_digits(pattern) and lane_of(pattern.regex) is lane


def _in_runs(*, named: bool, wide: bool, long: bool | None = None) -> Callable[[Pattern], bool]:
    return lambda pattern: (
        pattern.named is named
        and _needs_digits(pattern)
        and (pattern.max_width > NARROW_MATCH) is wide
        and (long is None or (fewest_digits(pattern.regex) >= LONG_RUN_DIGITS) is long)
    )


def _needs_word_only(pattern: Pattern) -> bool:
    return pattern.named and not _needs_digits(pattern)


def _needs_digits(pattern: Pattern) -> bool:
    return 0 < pattern.max_width <= WIDEST_MATCH and fewest_digits(pattern.regex) >= RUN_DIGITS


class _Pass:
    """One database: the patterns that `takes` accepts (of the detector `only`, if given), then the `others`.

    `programs`: by the index that the engine reports, what confirms its matches; `count` of these; larger indices are
    the `others`. `alone`: indices that only RE2 can read; `slow`: those and what Hyperscan runs as a prefilter.
    """

    def __init__(
        self,
        detectors: Sequence[Detector],
        takes: Callable[[Pattern], bool],
        others: Sequence[Expression],
        cache: Cache | None,
        only: int | None = None,
    ) -> None:
        by_regex: dict[str, list[tuple[int, Pattern]]] = defaultdict(list)
        for index, detector in enumerate(detectors):
            if only is not None and index != only:
                continue
            for pattern in filter(takes, detector.patterns):
                by_regex[pattern.regex].append((index, pattern))
        self.programs = [
            tuple(Program(index, pattern, shared, exact=lean(regex) == regex) for index, pattern in patterns)
            for regex, patterns in by_regex.items()
            for shared in (LazyPattern(regex),)
        ]
        self.count = len(by_regex)
        sought = [Expression(lean(regex), lines=has_line_anchor(regex)) for regex in by_regex]
        self._engine = Engine([*sought, *others], cache)
        modes = self._engine.modes
        self.alone = [place for place in range(self.count) if modes[place] is Mode.ALONE]
        self.slow = frozenset(place for place in range(self.count) if modes[place] is not Mode.EXACT)
        self.joinable = not self.alone and not any(map(has_text_anchor, by_regex))
        self.slow_notes = tuple(
            _slow_note(detectors[patterns[0][0]], regex, place in self.alone)
            for place, (regex, patterns) in enumerate(by_regex.items())
            if place in self.slow
        )

    def blocks(self, data: bytes, spans: Spans, budget: Budget) -> Iterable[Iterable[int]]:
        """What the engine sees in pieces of a text, as `index << 40 | end`, block by block."""
        seen = self._engine.ends_within(data, spans)
        return self._charged(seen, budget) if seen else ()

    @staticmethod
    def _charged(seen: Iterable[Sequence[int]], budget: Budget) -> Iterator[Iterable[int]]:
        """The blocks, as long as the budget pays for them."""
        for block in seen:
            budget.left -= len(block) >> _EVENTS_SHIFT
            if budget.spent:
                return
            yield block


def _slow_note(detector: Detector, regex: str, alone: bool) -> str:
    how = "RE2 reads every text for it" if alone else "it runs as a prefilter, and RE2 reads the texts that may match"
    return f"{detector.id}: the engine does not take {regex!r} whole: {how}"
