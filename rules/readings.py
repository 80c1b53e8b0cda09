"""The readings of one part: as it is stored, as its letters look, and in the order in which it is displayed."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from rules.budget import Budget
from rules.candidates import Candidate
from rules.direction import CONTROLS, displayed
from rules.disguise import disguised
from rules.normalise import Normalised, normalise
from rules.searching import Surveyed

_PER_CALL: Final = 1 << 19  # characters looked at by one call


@dataclass(frozen=True, slots=True)
class Reading:
    """One reading of a part's text, `normal`.

    From the offset of a character in it, `place` gives that in the part's plain reading, `origin` that in its text.
    """

    normal: Normalised
    origin: Callable[[int], int] = field(repr=False)
    place: Callable[[int], int] = field(default=int, repr=False)
    found: Sequence[Candidate] | None = None  # values that passed their checks; None: not searched yet
    terms: Sequence[Candidate] | None = None  # weighted terms that count; None: not searched yet
    marks: list[int] = field(default_factory=list)  # see `Search.candidates`; filled while it is searched


class _LazyOrigin:
    """`Normalised.origin` of a text, worked out on the first call."""

    def __init__(self, text: str, normal: Normalised) -> None:
        self._text = text
        self._normal = normal
        self._origin: Callable[[int], int] | None = None

    def __call__(self, offset: int) -> int:
        if self._origin is None:
            self._origin = self._normal.origin(self._text)
        return self._origin(offset)


def plain_reading(text: str, normal: Normalised, seen: Surveyed | None = None) -> Reading:
    """The reading of a text as it is stored; `seen`: what a survey found in it, if there was one."""
    origin = _LazyOrigin(text, normal)
    if seen is None:
        return Reading(normal, origin)
    if seen.alone:
        return Reading(normal, origin, terms=seen.terms)
    return Reading(normal, origin, found=seen.found, terms=seen.terms, marks=seen.marks)


def further_readings(text: str, plain: Reading, budget: Budget) -> Iterator[Reading]:
    """The other readings of a part, once its plain reading was searched: with disguises undone, and as displayed."""
    if plain.marks:
        besides = disguised(plain.normal, plain.marks, budget)
        if besides is not None:
            inner = besides.origin
            yield Reading(besides.normal, lambda offset: plain.origin(inner(offset)), inner, terms=())
    if changes_direction(text):
        seen = displayed(text)
        turned = normalise(seen)
        if turned.data != plain.normal.data:
            lines, starts = turned.origin(seen), _line_starts(text)
            yield Reading(turned, lambda offset: starts[seen.count("\n", 0, lines(offset))], terms=())


def changes_direction(text: str) -> bool:
    """Whether a text changes the direction of writing."""
    if text.isascii():
        return False
    # Some at a time: a look at a long text would keep all other threads waiting.
    return any(CONTROLS.search(text, start, start + _PER_CALL) for start in range(0, len(text), _PER_CALL))


def _line_starts(text: str) -> list[int]:
    """The offsets at which lines begin, and that of the text's end."""
    starts = [0]
    for line in text.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    return starts
