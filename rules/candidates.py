"""From the end of a match to a value: finds its start, runs the check, and looks at what it touches."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final, TypeAlias

import re2

from rules.budget import Budget
from rules.checks import CHECKS
from rules.detector import Pattern
from rules.finding import Confidence
from rules.verdict import Verdict
from rules.widths import LazyPattern, fixed_width

_SEPARATORS: Final = str.maketrans("", "", " -\t\r\n")
_DIGIT_SEPARATORS: Final = str.maketrans("", "", " -./,_~(\t\r\n")
_LEADING_IN: Final = frozenset(b"/\\@%+")  # a path, an address, an escape, a number with its country
_JOINING_DIGITS: Final = frozenset(b"-.")  # between two runs of digits
_RUNNING_ON: Final = frozenset(b"-+/\\@_%~")  # a value runs on where a letter or digit follows these
_STOPS: Final = frozenset(b".:")  # and where a digit follows these
_READ_SHIFT: Final = 8  # 1 << 8 bytes read by RE2 cost as much as one step
_MOST_VERDICTS: Final = 4096
MOST_OF_ONE_VALUE: Final = 5000  # of one value in one text: what is written more often is not judged again


_ValueTest: TypeAlias = Callable[[str], Verdict] | None


@dataclass(slots=True)
class Candidate:
    """A value that passed its check. `detector` is its index; `start` and `end` are bytes of the text's UTF-8."""

    detector: int
    start: int
    end: int
    value: str = field(repr=False)
    confidence: Confidence
    verdict: Verdict
    distance: int | None = None  # characters to the nearest word of the detector's `near`; None: none within reach
    applies: tuple[bool, ...] = ()  # for each set of `near`, whether one of its words is within reach
    named: bool = False  # it counts only where such a word names it
    raised: bool = False  # such a word stands nearer than any other detector's
    pattern: Pattern | None = None  # what found it; None: it is a term of a word list


def shifted(candidate: Candidate, by: int) -> Candidate:
    """A copy of the candidate, `by` bytes further on."""
    return replace(candidate, start=candidate.start + by, end=candidate.end + by)


@dataclass(slots=True)
class TextMemo:
    """What confirming matches of one text remembers, so that no string is checked twice.

    `verdicts`: what a check said of a string; `latest`: the span of each program's latest value; `surest`: where each
    detector's latest value ends, and the rank of its confidence; `times`: how often a detector found a value.
    """

    verdicts: dict[tuple[_ValueTest, bytes], Verdict] = field(default_factory=dict, repr=False)
    latest: "dict[Program, tuple[int, int]]" = field(default_factory=dict)
    surest: dict[int, tuple[int, int]] = field(default_factory=dict)
    times: dict[tuple[int, str], int] = field(default_factory=lambda: defaultdict(int), repr=False)


class Program:
    """One pattern of one detector, which confirms what the engine saw: finds where a match begins, runs the check.

    `exact`: the engine searched for the pattern itself, not for a leaner one (`lanes.lean`).
    """

    def __init__(self, detector: int, pattern: Pattern, regex: LazyPattern, *, exact: bool = True) -> None:
        self.detector = detector
        self._pattern = pattern
        self._lazy_regex = regex
        self._regex: re2._Regexp | None = None
        self._group = 0
        self._width = pattern.max_width
        self._fixed = fixed_width(pattern.regex) if exact else 0
        self._rank = pattern.confidence.rank
        check = CHECKS[pattern.check] if pattern.check else None
        self._test = check.test if check else None
        self._separators = check.separators if check else _SEPARATORS
        self._exact = check.exact if check else False
        self._reach = check.reach if check else None
        self._around = check.around if check else None

    def _compiled(self) -> re2._Regexp:
        regex = self._lazy_regex.compiled
        self._group = regex.groupindex.get("value", 0)
        self._regex = regex  # last: another thread that sees it may go on
        return regex

    def confirm(self, data: bytes, end: int, budget: Budget, known: TextMemo) -> Candidate | None:
        """The longest valid match that ends at `end`, if there is one; None also if the budget is spent, or if a surer
        pattern of the detector has found one there already.
        """
        last, rank = known.surest.get(self.detector, (0, 0))
        if last == end and rank > self._rank:
            return None
        if self._fixed:
            budget.left -= 1
            return self._candidate(data, end - self._fixed, end, True, known)
        regex = self._regex or self._compiled()
        place = max(0, end - self._width)
        start, stop = known.latest.get(self, (0, 0))
        if stop < end:  # what begins before a valid value and ends behind it is not looked for
            place = max(place, start)
        while place < end and budget.left > 0:
            budget.left -= 2 + (end - place >> _READ_SHIFT)
            match = regex.search(data, place, end)
            if match is None:
                return None
            if match.end() == end:
                found = self._candidate_of(data, match, known)
                if found is not None:
                    known.latest[self] = (match.start(), end)
                    return found
            place = match.start() + 1
        return None

    def read(self, data: bytes, budget: Budget, known: TextMemo) -> Iterator[Candidate]:
        """Every valid match of a text that RE2 reads by itself: from each start the longest, overlapping ones too."""
        regex = self._regex or self._compiled()
        place = 0
        while place < len(data) and budget.left > 0:
            match = regex.search(data, place)
            if match is None:
                return
            start, end = match.span()
            budget.left -= 1 + (end - place >> _READ_SHIFT)
            while end > start and budget.left > 0:
                found = self._candidate_of(data, match, known)
                if found is not None:
                    yield found
                    break
                budget.left -= 1 + (end - start >> _READ_SHIFT)
                match = regex.match(data, start, end - 1)
                if match is None:
                    break
                end = match.end()
            place = start + 1

    def _candidate_of(self, data: bytes, match: re2._Match, known: TextMemo) -> Candidate | None:
        start, end = match.span(self._group)
        return self._candidate(data, start, end, start == match.start(), known) if end > start else None

    def _candidate(self, data: bytes, start: int, end: int, bare: bool, known: TextMemo) -> Candidate | None:
        if self._reach is not None:
            end = self._reach(data, start)
            if not end:
                return None
        # Where the pattern holds a label before the value, the label may touch it: MRN-987654.
        if self._pattern.alone and (_continues_behind(data, end) or (bare and _continues_before(data, start))):
            return None
        key = (self._test, data[start:end])
        verdict = known.verdicts.get(key)
        if verdict is None:
            verdict = self._test(key[1].decode("utf-8", "replace")) if self._test else Verdict.YES
            if len(known.verdicts) < _MOST_VERDICTS:
                known.verdicts[key] = verdict
        if verdict is not Verdict.NO and self._around is not None:
            placed = self._around(data, start, end)
            verdict = placed if placed is not Verdict.YES else verdict
        if verdict is Verdict.NO:
            return None
        text = key[1].decode("utf-8", "replace")
        value = text if self._exact else canonical(text, self._separators)
        known.times[self.detector, value] += 1
        if known.times[self.detector, value] > MOST_OF_ONE_VALUE:
            return None
        pattern = self._pattern
        if not pattern.named:
            known.surest[self.detector] = (end, self._rank)
        return Candidate(
            self.detector, start, end, value, pattern.confidence, verdict, named=pattern.named, pattern=pattern
        )


def canonical(text: str, separators: Mapping[int, int | None] = _SEPARATORS) -> str:
    """The form in which two ways of writing one value are equal: without separators, in capital letters."""
    if text.isdigit():
        return text
    digits = text.translate(_DIGIT_SEPARATORS)
    return digits if digits.isdigit() else text.translate(separators).upper()


def _continues_before(data: bytes, start: int) -> bool:
    """Whether the value at `start` is the end of something longer: a path, a version, an address, a phone number."""
    if not start:
        return False
    before = data[start - 1]
    return (
        _is_word(before)
        or before in _LEADING_IN
        or (before in _JOINING_DIGITS and start > 1 and _is_digit(data[start - 2]))
    )


def _continues_behind(data: bytes, end: int) -> bool:
    """Whether the value runs on into something longer; a comma or the stop of a sentence is no more of it."""
    if end >= len(data):
        return False
    behind, next_but_one = data[end], data[end + 1] if end + 1 < len(data) else 32
    if behind in _STOPS:
        return _is_digit(next_but_one)
    return _is_word(behind) or (behind in _RUNNING_ON and _is_word(next_but_one))


def _is_digit(byte: int) -> bool:
    return 48 <= byte <= 57


def _is_word(byte: int) -> bool:
    return 48 <= byte <= 57 or 65 <= byte <= 90 or 97 <= byte <= 122 or byte == 95
