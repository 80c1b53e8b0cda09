"""Finds which detectors a text names, and where, so that `named` patterns are searched for only there.

A detector is armed by one of its words ("passport no.") or the header of a column; the first pass finds both.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Final

from rules.columns import may_head
from rules.context import word_pieces
from rules.detector import Detector
from rules.engine import BLOCK

FIELDS: Final = r"^[A-Z][A-Z0-9]{1,2}[|*]"  # a line of HL7 or X12
_FARTHEST: Final = 2_000  # bytes; for a word that reaches farther the whole text is searched
_MOST_OF_TEXT: Final = 0.2  # if a word's places reach more of the text than this, the whole of it is searched


class Arming:
    """The words by which texts name the values of detectors with `named` patterns.

    `names`: the words, each as its pieces. By a name's index, `detectors`: those that it arms, and `reaches`: how many
    characters around it are searched (0: the whole text). `fields`: the index for lines of HL7 or X12.
    """

    def __init__(self, detectors: Sequence[Detector]) -> None:
        named: dict[tuple[str, ...], set[int]] = defaultdict(set)
        reaches: dict[tuple[str, ...], int] = defaultdict(int)
        needing = [i for i, d in enumerate(detectors) if any(pattern.named for pattern in d.patterns)]
        for index in needing:
            width = max(pattern.max_width for pattern in detectors[index].patterns if pattern.named)
            for near in filter(lambda near: near.names, detectors[index].near):
                for word in near.words:
                    name = tuple(word_pieces(word))
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
    """The detectors that one text names, and the pieces of it to be searched for their `named` patterns."""

    def __init__(self, arming: Arming, data: bytes) -> None:
        self._arming = arming
        self._data = data
        self._characters = 1 if data.isascii() else 4
        self._whole: set[int] = set()
        self._spans: dict[int, list[tuple[int, int]]] = defaultdict(list)  # of each name

    @property
    def detectors(self) -> list[int]:
        """The detectors that the text names, in their order."""
        return sorted(self._whole.union(*(self._arming.detectors[name] for name in self._spans)))

    def add(self, index: int, ends: Sequence[int]) -> None:
        """Take the `ends` in bytes, rising, of the word at `index`.

        A word that may stand in a column's header arms its detectors for the whole text.
        """
        detectors = self._arming.detectors[index]
        if self._whole.issuperset(detectors):
            return
        reach, size = self._arming.reaches[index] * self._characters, len(self._data)
        # A word that stands everywhere is not worth a look at each place.
        if not reach or reach * len(ends) >= min(size, BLOCK) * _MOST_OF_TEXT or may_head(self._data, ends):
            self._whole |= detectors
            return
        spans = self._spans[index]
        first = last = ends[0]
        for end in ends:
            if end - reach > last:
                spans.append((max(0, first - reach), last))
                first = end
            last = min(end + reach, size)
        spans.append((max(0, first - reach), last))

    def spans(self, detector: int) -> list[tuple[int, int]]:
        """The pieces to be searched for one detector, in order; they do not touch."""
        if detector in self._whole:
            return [(0, len(self._data))]
        naming = self._arming.detectors
        return merged(span for name, spans in self._spans.items() if detector in naming[name] for span in spans)


def merged(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """The spans in order, with those that touch or overlap made one."""
    found: list[tuple[int, int]] = []
    first = last = -1
    for start, end in sorted(spans):
        if start > last:
            if last >= 0:
                found.append((first, last))
            first, last = start, end
        elif end > last:
            last = end
    if last >= 0:
        found.append((first, last))
    return found
