"""Precision, recall and F1 of each type, and what is averaged."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass

LEAST = 20  # positives of a type that is averaged; of fewer it is only told


@dataclass(frozen=True, slots=True)
class Row:
    """One labelled text: `label` is the detector's id; `none` where the text holds nothing of any type."""

    text: str
    label: str
    expected: bool


@dataclass(slots=True)
class Counts:
    """What was right and wrong of one type."""

    hits: int = 0
    missed: int = 0
    wrong: int = 0
    negatives: int = 0

    @property
    def positives(self) -> int:
        """Texts that hold a value."""
        return self.hits + self.missed

    @property
    def precision(self) -> float:
        """Of what was found, how much is right."""
        return self.hits / (self.hits + self.wrong) if self.hits + self.wrong else 0.0

    @property
    def recall(self) -> float:
        """Of what is there, how much was found."""
        return self.hits / self.positives if self.positives else 0.0

    @property
    def f1(self) -> float:
        """The harmonic mean of both."""
        return 2 * self.hits / (2 * self.hits + self.missed + self.wrong) if self.hits else 0.0


def score(rows: Sequence[Row], found: Iterable[Set[str]]) -> dict[str, Counts]:
    """Counts by type. A text with nothing in it speaks against every type found there."""
    counts: dict[str, Counts] = defaultdict(Counts)
    nothing: list[Set[str]] = []
    for row, seen in zip(rows, found, strict=True):
        if row.label == "none":
            nothing.append(seen)
            continue
        count, hit = counts[row.label], row.label in seen
        if row.expected:
            count.hits += hit
            count.missed += not hit
        else:
            count.negatives += 1
            count.wrong += hit
    for seen in nothing:
        for label in seen & counts.keys():
            counts[label].wrong += 1
    return dict(counts)


def macro(counts: Mapping[str, Counts], labels: Iterable[str] | None = None) -> float:
    """The mean F1 of the types with enough positives, or of those of `labels`."""
    wanted = set(counts if labels is None else labels)
    measured = [count.f1 for label, count in counts.items() if label in wanted and count.positives >= LEAST]
    return sum(measured) / len(measured) if measured else 0.0
