"""The readings of one part: as it is stored, as its letters look, and as it is displayed."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from rules.budget import Budget
from rules.candidates import Candidate
from rules.direction import CONTROLS, displayed
from rules.disguise import disguised
from rules.normalise import Normalised, normalise
from rules.searching import Surveyed

_SOME: Final = 1 << 19  # characters


@dataclass(frozen=True, slots=True)
class Reading:
    """One reading. `place` and `origin` take a character of it to the part's plain reading, and to its text."""

    normal: Normalised
    origin: Callable[[int], int] = field(repr=False)
    place: Callable[[int], int] = field(default=int, repr=False)
    found: Sequence[Candidate] | None = None  # values that passed their checks; None: to be searched for
    terms: Sequence[Candidate] | None = None  # of word lists, that count; None: likewise
    marks: list[int] = field(default_factory=list)  # where letters look like others; noted while it is searched


class _Origin:
    """Where characters of a normalised text stood; found out when first asked."""

    def __init__(self, text: str, normal: Normalised) -> None:
        self._text = text
        self._normal = normal
        self._origin: Callable[[int], int] | None = None

    def __call__(self, offset: int) -> int:
        if self._origin is None:
            self._origin = self._normal.origin(self._text)
        return self._origin(offset)


def plain_reading(text: str, normal: Normalised, seen: Surveyed | None = None) -> Reading:
    """The text as it is stored, normalised; `seen`: what a survey saw of it."""
    origin = _Origin(text, normal)
    if seen is None:
        return Reading(normal, origin)
    if seen.alone:
        return Reading(normal, origin, terms=seen.terms)
    return Reading(normal, origin, found=seen.found, terms=seen.terms, marks=seen.marks)


def further_readings(text: str, plain: Reading, budget: Budget) -> Iterator[Reading]:
    """What a part says besides its plain reading, which was searched."""
    if plain.marks:
        besides = disguised(plain.normal, plain.marks, budget)
        if besides is not None:
            inner = besides.origin
            yield Reading(besides.normal, lambda offset: plain.origin(inner(offset)), inner, terms=())
    if is_turned(text):
        seen = displayed(text)
        turned = normalise(seen)
        if turned.data != plain.normal.data:
            lines, starts = turned.origin(seen), _starts(text)
            yield Reading(turned, lambda offset: starts[seen.count("\n", 0, lines(offset))], terms=())


def is_turned(text: str) -> bool:
    """Whether a text changes the direction of writing."""
    if text.isascii():
        return False
    # Some at a time: a look at a long text would keep all other threads waiting.
    return any(CONTROLS.search(text, start, start + _SOME) for start in range(0, len(text), _SOME))


def _starts(text: str) -> list[int]:
    """Where lines begin, and the end."""
    starts = [0]
    for line in text.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    return starts
