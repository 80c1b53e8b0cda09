"""From a text to candidates: the passes of the engine, and who is asked about what they see."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import dataclass
from typing import Final

from rules.arming import Arming
from rules.budget import Budget
from rules.candidates import Candidate, Known, Program, moved
from rules.detector import Detector, Pattern
from rules.engine import Cache, Engine, Expression, Mode
from rules.widths import asks_for_lines, asks_for_text, compile_pattern
from rules.words import MOST_LITERALS, Sums, Term, Terms, expression, weigh, whole

_END: Final = (1 << 40) - 1
_EVENTS: Final = 3  # 1 << 3 events that are only counted cost as much as one step


@dataclass(frozen=True, slots=True)
class Laid:
    """Where texts begin that were written one behind the other."""

    starts: Sequence[int]

    def at(self, end: int) -> int:
        """The number of the text in which something ends there."""
        return bisect_left(self.starts, end) - 1


class Search:
    """Two passes. The first looks for what speaks for itself, for the terms of word lists, and for words that name.

    The second looks for what counts only where it is named, and only in texts in which such a word stands: patterns
    as weak as "eight digits" cost the others nothing. Equal patterns of several detectors are looked for once.
    """

    def __init__(self, detectors: Sequence[Detector], cache: Cache | None) -> None:
        self._detectors = detectors
        terms = [
            Term(index, text, weight)
            for index, d in enumerate(detectors)
            if d.words is not None
            for text, weight in d.words.terms.items()
        ]
        literals = terms if len(terms) <= MOST_LITERALS else []
        self._literals = [(term, term.text.encode()) for term in literals]
        self._terms = Terms([] if literals else terms)
        arming = Arming(detectors)
        self._arms = arming.detectors
        listed = [Expression(expression(term), caseless=True) for term in literals]
        self._first = _Pass(detectors, False, [*listed, *arming.expressions], cache)
        self._second = _Pass(detectors, True, [], cache)
        self.told = (*self._first.told, *self._second.told)

    @property
    def joins(self) -> bool:
        """Whether several texts may be surveyed as one: no pattern asks where a text begins, and the engine has all."""
        return self._first.joins and self._second.joins

    def survey(self, data: bytes, parts: Laid, budget: Budget) -> dict[int, list[Candidate]]:
        """Which of several texts written one behind the other need a look, each with the weighted terms that count.

        Terms count together across texts that stand as near as the list says: a subject, the body, a file's name.
        """
        sums, armed = Sums(), set[int]()
        found: dict[int, list[Candidate]] = {}
        for event in self._first.events(data, budget):
            index = (event >> 40) - self._first.count
            if index < 0:
                found.setdefault(parts.at(event & _END), [])
            elif index < len(self._literals):
                sums.add(whole(data, event & _END, *self._literals[index]))
            else:
                armed |= self._arms[index - len(self._literals)]
        if armed:
            for event in self._second.events(data, budget):
                if not armed.isdisjoint(self._second.askers(event >> 40)):
                    found.setdefault(parts.at(event & _END), [])
        for candidate in self._weighed(data, sums, budget):
            part = parts.at(candidate.end)
            found.setdefault(part, []).append(moved(candidate, -parts.starts[part]))
        return found

    def candidates(self, data: bytes, budget: Budget, full: Set[int], terms: bool) -> Iterator[Candidate]:
        """Every value that passes its check, in no order; none of the detectors in `full`. `terms`: the lists', too."""
        sums, known, armed = Sums(), Known(), set[int]()
        for value, event in self._first.run(data, budget, full, known, None):
            if value is not None:
                yield value
            elif event >> 40 >= len(self._literals):
                armed |= self._arms[(event >> 40) - len(self._literals)]
            elif terms:
                budget.left -= 1
                sums.add(whole(data, event & _END, *self._literals[event >> 40]))
        if armed:
            for value, _ in self._second.run(data, budget, full, known, armed):
                if value is not None:
                    yield value
        if terms:
            yield from self._weighed(data, sums, budget)

    def _weighed(self, data: bytes, sums: Sums, budget: Budget) -> Iterator[Candidate]:
        for stands in self._terms.read(data, budget):
            sums.add(stands)
        for detector, places in sums.seen.items():
            words = self._detectors[detector].words
            if words is not None:
                yield from weigh(places, detector, words)


class _Pass:
    """One database: the patterns that are named, or those that are not, and further expressions behind them."""

    def __init__(
        self, detectors: Sequence[Detector], named: bool, others: Sequence[Expression], cache: Cache | None
    ) -> None:
        by_regex: dict[str, list[tuple[int, Pattern]]] = defaultdict(list)
        for index, detector in enumerate(detectors):
            for pattern in detector.patterns:
                if pattern.named is named:
                    by_regex[pattern.regex].append((index, pattern))
        compiled = {regex: compile_pattern(regex) for regex in by_regex}
        self._programs = [
            tuple(Program(index, pattern, compiled[regex]) for index, pattern in patterns)
            for regex, patterns in by_regex.items()
        ]
        self._engine = Engine([*(Expression(regex, lines=asks_for_lines(regex)) for regex in by_regex), *others], cache)
        self.count = len(by_regex)
        modes = self._engine.modes
        self._alone = [place for place in range(len(by_regex)) if modes[place] is Mode.ALONE]
        self._slow = frozenset(place for place in range(len(by_regex)) if modes[place] is not Mode.EXACT)
        self.joins = not self._alone and not any(map(asks_for_text, by_regex))
        self.told = tuple(
            _telling(detectors[patterns[0][0]], regex, place in self._alone)
            for place, (regex, patterns) in enumerate(by_regex.items())
            if place in self._slow
        )

    def events(self, data: bytes, budget: Budget) -> Iterator[int]:
        """What the engine sees, as `index << 40 | end`."""
        for block in self._engine.ends(data):
            budget.left -= len(block) >> _EVENTS
            if budget.spent:
                return
            yield from block

    def askers(self, index: int) -> Iterable[int]:
        """The detectors that ask for one pattern."""
        return [program.detector for program in self._programs[index]]

    def run(
        self, data: bytes, budget: Budget, full: Set[int], known: Known, only: Set[int] | None
    ) -> Iterator[tuple[Candidate | None, int]]:
        """Values of the detectors in `only` (None: of all); events of further expressions, counted from theirs on."""
        slow = set(self._alone)
        count = self.count
        for block in self._engine.ends(data):
            if budget.spent:
                return
            for event in block:
                index = event >> 40
                if index >= count:
                    yield None, event - (count << 40)
                    continue
                if index in self._slow:
                    slow.add(index)
                    continue
                for program in self._programs[index]:
                    if program.detector in full or (only is not None and program.detector not in only):
                        continue
                    candidate = program.confirm(data, event & _END, budget, known)
                    if candidate is not None:
                        yield candidate, 0
        for index in sorted(slow):
            for program in self._programs[index]:
                if only is None or program.detector in only:
                    for candidate in program.read(data, budget, known):
                        yield candidate, 0


def _telling(detector: Detector, regex: str, alone: bool) -> str:
    how = "RE2 reads every text for it" if alone else "it runs as a prefilter, and RE2 reads the texts that may match"
    return f"{detector.id}: the engine does not take {regex!r} whole: {how}"
