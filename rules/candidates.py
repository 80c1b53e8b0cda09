"""From the end of a match to a value: the span, the check, what it touches."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

import re2

from rules.checks import CHECKS
from rules.detector import Pattern
from rules.finding import Confidence
from rules.verdict import Verdict

_SEPARATORS: Final = str.maketrans("", "", " -\t\r\n")
_DIGIT_SEPARATORS: Final = str.maketrans("", "", " -./\t\r\n")
_LEADS: Final = frozenset(b"/\\@%+")  # a path, an address, an escape, a number with its country
_JOINS: Final = frozenset(b"-.")  # between two runs of digits
_RUNS_ON: Final = frozenset(b"-+/\\@_%~")
_STOPS: Final = frozenset(b".:")


@dataclass(slots=True)
class Candidate:
    """A value that passed its check. Offsets are bytes of the text's UTF-8."""

    detector: int
    start: int
    end: int
    value: str = field(repr=False)
    confidence: Confidence
    verdict: Verdict
    near: int | None = None  # how far the nearest word of `near` stands
    raises: tuple[bool, ...] = ()  # which of the `near` apply


class Program:
    """One pattern of one detector, ready to confirm what the engine saw."""

    def __init__(self, detector: int, pattern: Pattern, regex: re2._Regexp) -> None:
        self.detector = detector
        self._pattern = pattern
        self._regex = regex
        self._width = pattern.max_width
        self._group = regex.groupindex.get("value", 0)
        self._test = CHECKS[pattern.check].test if pattern.check else None

    def confirm(self, data: bytes, end: int) -> Candidate | None:
        """The longest valid match that ends at `end`, if there is one."""
        place = max(0, end - self._width)
        while place < end:
            match = self._regex.search(data, place, end)
            if match is None:
                return None
            if match.end() == end:
                found = self._candidate(data, match)
                if found is not None:
                    return found
            place = match.start() + 1
        return None

    def read(self, data: bytes) -> Iterator[Candidate]:
        """Every valid match of a text that RE2 reads by itself: from each start the longest, overlapping ones too."""
        place = 0
        while place < len(data):
            match = self._regex.search(data, place)
            if match is None:
                return
            start, end = match.span()
            while end > start:
                found = self._candidate(data, match)
                if found is not None:
                    yield found
                    break
                match = self._regex.match(data, start, end - 1)
                if match is None:
                    break
                end = match.end()
            place = start + 1

    def _candidate(self, data: bytes, match: re2._Match) -> Candidate | None:
        start, end = match.span(self._group)
        if end <= start:
            return None
        # Where the pattern holds a label before the value, the label may touch it: MRN-987654.
        if self._pattern.alone and (_goes_on(data, end) or (start == match.start() and _comes_from(data, start))):
            return None
        text = data[start:end].decode("utf-8", "replace")
        verdict = self._test(text) if self._test else Verdict.YES
        if verdict is Verdict.NO:
            return None
        return Candidate(self.detector, start, end, canonical(text), self._pattern.confidence, verdict)


def canonical(text: str) -> str:
    """What two ways of writing one value share: no separators, capital letters."""
    digits = text.translate(_DIGIT_SEPARATORS)
    return digits if digits.isdigit() else text.translate(_SEPARATORS).upper()


def _comes_from(data: bytes, start: int) -> bool:
    """Whether something longer leads into the value: a path, a version, an address, a phone number, a code."""
    if not start:
        return False
    before = data[start - 1]
    return _is_word(before) or before in _LEADS or (before in _JOINS and start > 1 and _is_digit(data[start - 2]))


def _goes_on(data: bytes, end: int) -> bool:
    """Whether the value runs on into something longer; a comma or the stop of a sentence is no more of it."""
    if end >= len(data):
        return False
    behind, next_but_one = data[end], data[end + 1] if end + 1 < len(data) else 32
    if behind in _STOPS:
        return _is_digit(next_but_one)
    return _is_word(behind) or (behind in _RUNS_ON and _is_word(next_but_one))


def _is_digit(byte: int) -> bool:
    return 48 <= byte <= 57


def _is_word(byte: int) -> bool:
    return 48 <= byte <= 57 or 65 <= byte <= 90 or 97 <= byte <= 122 or byte == 95
