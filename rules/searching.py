"""From a text to candidates: the passes of the engine, and who is asked about what they see."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence, Set
from dataclasses import dataclass
from itertools import chain
from typing import Final

from rules.arming import FIELDS, Armed, Arming
from rules.budget import Budget
from rules.candidates import Candidate, Known, Program, moved
from rules.dense import NARROW, RUN_END, WIDEST, common, is_dense, windows
from rules.detector import Detector, Pattern
from rules.disguise import FOREIGN_MARK, MARK
from rules.engine import Bundle, Cache, Engine, Expression, Mode
from rules.lanes import Lane, lane_of
from rules.literals import Literals
from rules.widths import asks_for_lines, asks_for_text, compile_pattern
from rules.words import Sums, Term, weigh

_END: Final = (1 << 40) - 1
_EVENTS: Final = 3  # 1 << 3 events that are only counted cost as much as one step
_RUN: Final = 0  # the further expressions among the numbers; the other is a mark
_SMALL: Final = 1024  # bytes; a text no longer is searched whole


@dataclass(frozen=True, slots=True)
class Laid:
    """Where texts begin that were written one behind the other."""

    starts: Sequence[int]

    def at(self, end: int) -> int:
        """The number of the text in which something ends there."""
        return bisect_left(self.starts, end) - 1


class Search:
    """Four passes, of which ordinary mail needs one.

    The first reads the whole text, lane by lane: for what can stand anywhere, and for runs of digits; terms of word
    lists and words that name are found beside it. The second looks about the runs for what can stand only there: close
    about them for most patterns, which are narrow, farther for the others. The third and the fourth look for what
    counts only where it is named, about the words that name it or below the header of a table: patterns as weak as
    "eight digits" cost other texts nothing. In these each detector has a database of its own, since it is another one's
    words that stand there mostly. Equal patterns of several detectors are otherwise run once.
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
        self._words = _Pass(detectors, _anywhere(Lane.WORDS), [], cache)
        self._numbers = _Pass(detectors, _anywhere(Lane.NUMBERS), [Expression(RUN_END), Expression(MARK)], cache)
        fields = Expression(FIELDS, once=True, lines=True)
        self._capitals = _Pass(detectors, _anywhere(Lane.CAPITALS), [fields], cache)
        self._others = _Pass(detectors, _anywhere(Lane.OTHERS), [], cache)
        self._foreign = Engine([Expression(FOREIGN_MARK)], cache)
        self._second = tuple(_Pass(detectors, _in_runs(named=False, wide=wide), [], cache) for wide in (False, True))
        self._third = {
            index: _Pass(detectors, _named, [], cache, index)
            for index, detector in enumerate(detectors)
            if any(map(_named, detector.patterns))
        }
        self._fourth = {
            index: tuple(_Pass(detectors, _in_runs(named=True, wide=wide), [], cache, index) for wide in (False, True))
            for index, detector in enumerate(detectors)
            if any(pattern.named and _runs(pattern) for pattern in detector.patterns)
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
        self.told = tuple(told for each in self._passes for told in each.told)
        # Whether several texts may be surveyed as one: no pattern asks where a text begins, and the engine has all.
        self.joins = all(each.joins for each in self._passes)

    def survey(self, data: bytes, parts: Laid, budget: Budget) -> dict[int, list[Candidate]]:
        """Which of several texts written one behind the other need a look, each with the weighted terms that count.

        Terms count together across texts that stand as near as the list says: a subject, the body, a file's name.
        """
        found: dict[int, list[Candidate]] = {}
        sums, known = Sums(), Known()
        marks: list[int] = []
        for each, event in self._events(data, budget, sums, marks):
            part = parts.at(event & _END)
            if part not in found and each.holds(data, event, budget, known):
                found[part] = []
        for mark in marks:
            found.setdefault(parts.at(mark), [])
        for candidate in self._weighed(sums):
            part = parts.at(candidate.end)
            found.setdefault(part, []).append(moved(candidate, -parts.starts[part]))
        return found

    def candidates(
        self, data: bytes, budget: Budget, full: Set[int], terms: bool, marks: list[int]
    ) -> Iterator[Candidate]:
        """Every value that passes its check, in no order; none of the detectors in `full`. `terms`: the lists', too.

        `marks` takes the places at which letters look like digits or like letters of another script.
        """
        known = Known()
        sums = Sums() if terms else None
        slow = {each: set(each.alone) for each in self._passes if each.alone}
        for each, event in self._events(data, budget, sums, marks):
            index = event >> 40
            if index in each.slow:
                slow.setdefault(each, set()).add(index)
                continue
            for program in each.programs[index]:
                if program.detector in full:
                    continue
                candidate = program.confirm(data, event & _END, budget, known)
                if candidate is not None:
                    yield candidate
        for each, indices in slow.items():
            for index in sorted(indices):
                for program in each.programs[index]:
                    yield from program.read(data, budget, known)
        if sums is not None:
            yield from self._weighed(sums)

    def _events(
        self, data: bytes, budget: Budget, sums: Sums | None, marks: list[int]
    ) -> Iterator[tuple["_Pass", int]]:
        """What the engine sees of patterns, pass by pass."""
        armed, runs = Armed(self._arming, data), list[int]()
        whole = ((0, len(data)),)
        for each in (self._words, self._others):
            for event in each.events(data, whole, budget):
                yield each, event
        for event in self._numbers.events(data, whole, budget):
            kind = (event >> 40) - self._numbers.count
            if kind < 0:
                yield self._numbers, event
            else:
                (runs if kind == _RUN else marks).append(event & _END)
        for event in self._capitals.events(data, whole, budget):
            if event >> 40 < self._capitals.count:
                yield self._capitals, event
            else:
                armed.add(self._arming.fields, (event & _END,))
        if not data.isascii():
            marks += [event & _END for block in self._foreign.ends(data) for event in block]
        small = len(data) <= _SMALL and runs
        about = [whole if small else windows(data, runs, widest) for widest in (NARROW, WIDEST)]
        for each, near in zip(self._second, about, strict=True):
            for event in each.events(data, near, budget):
                yield each, event
        self._literals.read(data, budget, armed.add, sums.add if sums is not None else None)
        for detector in armed.detectors:
            spans = armed.spans(detector)
            if detector in self._third:
                for event in self._third[detector].events(data, spans, budget):
                    yield self._third[detector], event
            for each, near in zip(self._fourth.get(detector, ()), about, strict=False):
                if each.count:
                    for event in each.events(data, common(spans, near), budget):
                        yield each, event

    def _weighed(self, sums: Sums) -> Iterator[Candidate]:
        for detector, places in sums.seen.items():
            words = self._detectors[detector].words
            if words is not None:
                yield from weigh(places, detector, words)


def _anywhere(lane: Lane) -> Callable[[Pattern], bool]:
    return lambda pattern: not pattern.named and not _runs(pattern) and lane_of(pattern.regex) is lane


def _in_runs(*, named: bool, wide: bool) -> Callable[[Pattern], bool]:
    return lambda pattern: pattern.named is named and _runs(pattern) and (pattern.max_width > NARROW) is wide


def _named(pattern: Pattern) -> bool:
    return pattern.named and not _runs(pattern)


def _runs(pattern: Pattern) -> bool:
    return 0 < pattern.max_width <= WIDEST and is_dense(pattern.regex)


class _Pass:
    """One database: the patterns of one kind (of one detector, where `only` says so), and further expressions."""

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
        compiled = {regex: compile_pattern(regex) for regex in by_regex}
        self.programs = [
            tuple(Program(index, pattern, compiled[regex]) for index, pattern in patterns)
            for regex, patterns in by_regex.items()
        ]
        self.count = len(by_regex)
        self._engine = Engine([*(Expression(regex, lines=asks_for_lines(regex)) for regex in by_regex), *others], cache)
        modes = self._engine.modes
        self.alone = [place for place in range(self.count) if modes[place] is Mode.ALONE]
        self.slow = frozenset(place for place in range(self.count) if modes[place] is not Mode.EXACT)
        self.joins = not self.alone and not any(map(asks_for_text, by_regex))
        self.told = tuple(
            _telling(detectors[patterns[0][0]], regex, place in self.alone)
            for place, (regex, patterns) in enumerate(by_regex.items())
            if place in self.slow
        )

    def events(self, data: bytes, spans: Sequence[tuple[int, int]], budget: Budget) -> Iterator[int]:
        """What the engine sees in pieces of a text, as `index << 40 | end`."""
        for block in self._engine.ends_within(data, spans):
            budget.left -= len(block) >> _EVENTS
            if budget.spent:
                return
            yield from block

    def holds(self, data: bytes, event: int, budget: Budget, known: Known) -> bool:
        """Whether a value that passes its check ends where the engine saw something."""
        index = event >> 40
        return index in self.slow or any(
            program.confirm(data, event & _END, budget, known) is not None for program in self.programs[index]
        )


def _telling(detector: Detector, regex: str, alone: bool) -> str:
    how = "RE2 reads every text for it" if alone else "it runs as a prefilter, and RE2 reads the texts that may match"
    return f"{detector.id}: the engine does not take {regex!r} whole: {how}"
