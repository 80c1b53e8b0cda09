"""Which detectors a text can name at all, and where: told by the first pass, so that others need no look."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Final

from rules.columns import may_head
from rules.context import pieces
from rules.detector import Detector

FIELDS: Final = r"^[A-Z][A-Z0-9]{1,2}[|*]"  # a line of HL7 or X12
_FARTHEST: Final = 2_000  # bytes; a word that reaches farther has the whole text searched


class Arming:
    """The words by which texts name the values of detectors with `named` patterns: `names`, each as its pieces."""

    def __init__(self, detectors: Sequence[Detector]) -> None:
        named: dict[tuple[str, ...], set[int]] = defaultdict(set)
        reaches: dict[tuple[str, ...], int] = defaultdict(int)
        needing = [i for i, d in enumerate(detectors) if any(pattern.named for pattern in d.patterns)]
        for index in needing:
            width = max(pattern.max_width for pattern in detectors[index].patterns if pattern.named)
            for near in filter(lambda near: near.names, detectors[index].near):
                for word in near.words:
                    name = tuple(pieces(word))
                    named[name].add(index)
                    reaches[name] = max(reaches[name], near.within + width + 2 * len(word.encode()))
        self.names = list(named)
        self.detectors = [frozenset(indices) for indices in named.values()]
        self.reaches = [reach if reach <= _FARTHEST else 0 for reach in reaches.values()]
        # A line of HL7 or X12 names its fields by where they stand: whatever can be named may be.
        self.fields = len(self.names)
        self.detectors.append(frozenset(needing))
        self.reaches.append(0)


class Armed:
    """What of one text has to be searched for values that count only where they are named, detector by detector."""

    def __init__(self, arming: Arming, data: bytes) -> None:
        self._arming = arming
        self._data = data
        self._characters = 1 if data.isascii() else 4
        self._whole: set[int] = set()
        self._spans: dict[int, list[tuple[int, int]]] = defaultdict(list)

    @property
    def detectors(self) -> list[int]:
        """Those that the text names, in their order."""
        return sorted(self._whole | self._spans.keys())

    def add(self, index: int, end: int) -> None:
        """Take a word where it ends. One that may head a column speaks for all of the text."""
        detectors = self._arming.detectors[index]
        if self._whole.issuperset(detectors):
            return
        reach = self._arming.reaches[index] * self._characters
        if not reach or may_head(self._data, end):
            self._whole |= detectors
            return
        span = (max(0, end - reach), min(len(self._data), end + reach))
        for detector in detectors:
            self._spans[detector].append(span)

    def spans(self, detector: int) -> list[tuple[int, int]]:
        """The pieces to be searched for one detector, in order; they do not meet."""
        return [(0, len(self._data))] if detector in self._whole else merged(self._spans[detector])

    def all_spans(self) -> list[tuple[int, int]]:
        """The pieces to be searched for any."""
        if self._whole:
            return [(0, len(self._data))]
        return merged([span for spans in self._spans.values() for span in spans])


def merged(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Spans in order, those that meet as one."""
    found: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((start, end))
    return found
