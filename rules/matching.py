"""The matcher: finds the hits of all detectors in a content.

Each text is normalised (`normalise`). The engine tells which patterns match and where each match ends (`searching`,
`engine`); RE2 finds where it starts, and the detector's check sorts out values that cannot be (`candidates`). Words
nearby tell how sure a hit is (`judging`). Where hits of one detector overlap, the surest stays, then the longest.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from itertools import accumulate, chain
from typing import Final, TypeAlias

from rules.because import Reasons
from rules.budget import MOST_STEPS, Budget
from rules.candidates import Candidate
from rules.content import Content, FileFact, FileKind, Part
from rules.detector import Detector
from rules.engine import Cache
from rules.finding import Finding, Hit, Scanned
from rules.judging import Gathered, Judge, Kept, Words
from rules.masking import MASK, Masker
from rules.normalise import Normalised, normalise, normalise_all
from rules.places import Places
from rules.readings import Reading, further_readings, is_turned, plain_reading
from rules.repeats import WORTH, Repeats, Searched
from rules.searching import Search, Surveyed

__all__ = ["MOST_HITS", "Cache", "Matcher"]

MOST_HITS: Final = 10_000  # of one detector and confidence in one message: more are not counted
MOST_EXCERPTS: Final = 1_000  # of one detector in one text; further hits are counted, but masked whole
UNFINISHED: Final = "too many candidates to check"
_BATCH: Final = 10_000  # candidates judged at a time
_SHORT: Final = 16_384  # characters: parts up to this length are searched together with others …
_GROUP: Final = 262_144  # … about so many characters at a time
Batch: TypeAlias = "dict[int, list[Candidate]]"
_Found: TypeAlias = "tuple[Part, Iterable[dict[int, list[Hit]]]]"  # a part, and its hits reading by reading


@dataclass(frozen=True, slots=True)
class _Asked:
    """One scan: what it may still cost, and whether its hits are to say why."""

    budget: Budget
    why: bool = False


class Matcher:
    """Finds hits of a fixed set of detectors. Safe to use from several threads at once.

    `told`: a sentence for each pattern that the engine cannot run at full speed.
    """

    told: tuple[str, ...]

    def __init__(
        self,
        detectors: Sequence[Detector],
        cache: Cache | None = None,
        *,
        most_steps: int = MOST_STEPS,
        repeats: Repeats | None = None,
    ) -> None:
        """`repeats` knows long texts that were here before; None: each is searched."""
        self._most_steps = most_steps
        self.detectors = tuple(detectors)
        self._search = Search(self.detectors, cache)
        self.told = self._search.told
        self._words = Words(self.detectors)
        self._repeats = repeats

    def scan(self, content: Content, *, why: bool = False) -> Scanned:
        """All findings of all parts, in the order of the detectors; empty findings are left out.

        `why`: hits say why they are as sure as they are. That takes time, and deciding does not need it.

        Parts with the same place are readings of the same thing: a hit that an earlier one showed as surely is not
        counted again. A scan may cost so many steps and no more (`most_steps`); texts that were not searched to the end
        are added to the content's files as unreadable.
        """
        budget = Budget(self._most_steps)
        return self._scanned(content, self._all(content, budget, why=why), budget)

    def scan_within(self, contents: Sequence[Content], steps: int) -> list[Scanned | None]:
        """`scan` of several messages for so many steps in all; None for each that would take more than what is left.

        Small ones are searched as one text, for little more than the price of one. In each is found what would be found
        in it alone, and nothing that is written across two of them.
        """
        budget = Budget(min(steps, self._most_steps))
        parts = [part for content in contents for part in content.parts]
        sizes = [len(part.text) for part in parts]
        if len(contents) < 2 or not self._search.joins or max(sizes, default=0) > _SHORT or sum(sizes) > _GROUP:
            return [self._if_complete(content, self._all(content, budget), budget) for content in contents]
        normals = [one for content in contents for one in normalise_all([part.text for part in content.parts])]
        firsts = list(accumulate((len(content.parts) for content in contents[:-1]), initial=0))
        seen = self._search.survey([normal.data for normal in normals], budget, firsts)
        return [
            self._if_complete(
                content,
                self._surveyed(
                    content.parts,
                    [(normals[index], seen.get(index)) for index in range(first, first + len(content.parts))],
                    _Asked(budget),
                ),
                budget,
            )
            for content, first in zip(contents, firsts, strict=True)
        ]

    def _if_complete(self, content: Content, read: Iterable[_Found], budget: Budget) -> Scanned | None:
        if budget.spent:
            return None
        scanned = self._scanned(content, read, budget)
        return scanned if scanned.content is content else None  # else a text is told that was not read to its end

    def _all(self, content: Content, budget: Budget, *, why: bool = False) -> Iterator[_Found]:
        """Each part of a content with its hits."""
        asked = _Asked(budget, why)
        for parts in self._groups(content.parts):
            yield from self._together(parts, asked)

    def _scanned(self, content: Content, read: Iterable[_Found], budget: Budget) -> Scanned:
        """What was found in a content, part by part; parts that were not read to their end are told."""
        gathered = Gathered(MOST_HITS)
        unread: dict[str, int] = {}
        for part, readings in read:
            for found in readings:
                gathered.add(part.place, found)
            if (budget.spent or budget.cut) and part.text:
                budget.cut = False
                unread[part.place] = unread.get(part.place, 0) + len(part.text)
        facts = tuple(
            FileFact(place.rpartition(" > ")[2], FileKind.TEXT, size, place, unreadable=True, reason=UNFINISHED)
            for place, size in unread.items()
        )
        told = replace(content, files=(*content.files, *facts)) if facts else content
        return Scanned(self._findings(gathered.hits), told)

    def scan_text(self, text: str, place: str = "text") -> tuple[Finding, ...]:
        """The findings of one text."""
        return self.scan(Content((Part(place, text),))).findings

    def _findings(self, hits: Mapping[int, list[Hit]]) -> tuple[Finding, ...]:
        return tuple(
            Finding(self.detectors[index].id, self.detectors[index].groups, tuple(hits[index]))
            for index in sorted(hits)
        )

    def _groups(self, parts: Sequence[Part]) -> Iterator[list[Part]]:
        """The parts in order, in groups to search at once: neighbouring short ones together, a long one alone."""
        group: list[Part] = []
        size = 0
        for part in parts:
            alone = not self._search.joins or len(part.text) > _SHORT
            if group and (alone or size > _GROUP):
                yield group
                group, size = [], 0
            if alone:
                yield [part]
            else:
                group.append(part)
                size += len(part.text)
        if group:
            yield group

    def _together(self, parts: Sequence[Part], asked: _Asked) -> Iterator[_Found]:
        """For each part of a group, its hits reading by reading; of several parts, of those with any match."""
        budget = asked.budget
        if len(parts) <= 1 or budget.spent:
            for part in parts:
                read = bool(part.text) and not budget.spent
                yield part, self._alone(part, asked) if read else ()
            return
        normals = normalise_all([part.text for part in parts])
        seen = self._search.survey([normal.data for normal in normals], budget)
        yield from self._surveyed(parts, [(normal, seen.get(index)) for index, normal in enumerate(normals)], asked)

    def _surveyed(
        self, parts: Sequence[Part], seen: Iterable[tuple[Normalised, Surveyed | None]], asked: _Asked
    ) -> Iterator[_Found]:
        """The hits of parts that were searched as one text; of those in which something was seen."""
        for part, (normal, theirs) in zip(parts, seen, strict=True):
            if theirs is None and not is_turned(part.text):
                if asked.budget.spent:
                    yield part, ()
                continue
            yield part, self._scan(part, plain_reading(part.text, normal, theirs or Surveyed()), asked)

    def _alone(self, part: Part, asked: _Asked) -> Iterable[dict[int, list[Hit]]]:
        """The hits of a part that is searched by itself, reading by reading: now, or when its text was here before."""

        def readings() -> Iterator[dict[int, list[Hit]]]:
            return self._scan(part, plain_reading(part.text, normalise(part.text)), asked)

        if self._repeats is None or asked.why or len(part.text) < WORTH:
            return readings()
        budget, before = asked.budget, asked.budget.left

        def search() -> Searched:
            found = tuple(readings())
            return Searched(found, before - budget.left, not budget.spent and not budget.cut)

        searched = self._repeats.searched(part, before, search)
        budget.left = before - searched.steps
        return searched.found

    def _scan(self, part: Part, plain: Reading, asked: _Asked) -> Iterator[dict[int, list[Hit]]]:
        """The hits of one part, reading by reading."""
        yield self._read(part, plain, asked)
        for reading in further_readings(part.text, plain, asked.budget):
            yield self._read(part, reading, asked)

    def _read(self, part: Part, reading: Reading, asked: _Asked) -> dict[int, list[Hit]]:
        judge, kept = Judge(self._words, reading.normal, asked.budget), Kept(MOST_HITS)
        for batch in self._batches(reading, asked.budget, kept.full):
            kept.add(judge.judge(batch))
        asked.budget.cut |= kept.cut
        chosen = kept.chosen()
        if not chosen:
            return {}
        return _hits(chosen, reading, part, Reasons(self._words, reading.normal.data, chosen) if asked.why else None)

    def _batches(self, reading: Reading, budget: Budget, full: Set[int]) -> Iterator[Batch]:
        """All candidates by detector, at most _BATCH at a time; none of the detectors in `full`."""
        batch: Batch = defaultdict(list)
        waiting = 0
        found: Iterable[Candidate] | None = reading.found
        if found is None:
            found = self._search.candidates(reading.normal.data, budget, full, reading.terms is None, reading.marks)
        for candidate in chain(found, reading.terms or ()):
            batch[candidate.detector].append(candidate)
            waiting += 1
            if waiting == _BATCH:
                yield batch
                batch, waiting = defaultdict(list), 0
        yield batch


def _hits(kept: Sequence[Candidate], reading: Reading, part: Part, reasons: Reasons | None) -> dict[int, list[Hit]]:
    normal = reading.normal
    offsets = _characters(normal, sorted({offset for c in kept for offset in (c.start, c.end)}))
    masker = Masker(normal.text, [(offsets[c.start], offsets[c.end]) for c in kept])
    places = Places(part)
    named = {start: places.of(reading.origin(offsets[start])) for start in sorted({c.start for c in kept})}
    hits: dict[int, list[Hit]] = defaultdict(list)
    for c in kept:
        start, end = offsets[c.start], offsets[c.end]
        shown = len(hits[c.detector]) < MOST_EXCERPTS
        excerpt = masker.excerpt(start, end) if shown else MASK * (end - start)
        because = reasons.of(c) if reasons is not None and shown else None
        first = reading.place(start)
        hits[c.detector].append(
            Hit(c.value, c.confidence, named[c.start], first, first + end - start, excerpt, because)
        )
    return hits


def _characters(normal: Normalised, offsets: Sequence[int]) -> dict[int, int]:
    """For each offset in bytes (given in rising order) the offset in characters."""
    if normal.is_ascii:
        return {offset: offset for offset in offsets}
    counted: dict[int, int] = {}
    done = characters = 0
    for offset in offsets:
        characters += len(normal.data[done:offset].decode("utf-8", "ignore"))
        counted[offset] = characters
        done = offset
    return counted
