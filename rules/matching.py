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
from rules.judging import Judge, KeptCandidates, MessageHits, Words
from rules.masking import MASK, Masker
from rules.normalise import Normalised, normalise, normalise_all
from rules.places import Places
from rules.readings import Reading, changes_direction, further_readings, plain_reading
from rules.repeats import LOOKED_UP_FROM, Repeats, Searched
from rules.searching import Search, Surveyed

__all__ = ["MOST_HITS", "Cache", "Matcher"]

MOST_HITS: Final = 10_000  # of one detector and confidence in one message: more are not counted
MOST_EXCERPTS: Final = 1_000  # of one detector in one text; further hits are counted, but masked whole
UNFINISHED: Final = "too many candidates to check"
_BATCH: Final = 10_000  # candidates judged at a time
_SHORT_PART: Final = 16_384  # characters: parts up to this length are searched together with others …
_GROUP_SIZE: Final = 262_144  # … about so many characters at a time
Batch: TypeAlias = "dict[int, list[Candidate]]"
_PartHits: TypeAlias = "tuple[Part, Iterable[dict[int, list[Hit]]]]"  # a part, and its hits reading by reading


@dataclass(frozen=True, slots=True)
class _Request:
    """What a scan was asked for: the steps it may still cost, and whether its hits are to say `why` they are sure."""

    budget: Budget
    why: bool = False


class Matcher:
    """Finds hits of a fixed set of detectors. Safe to use from several threads at once.

    `slow_notes`: a sentence for each pattern that the engine cannot run at full speed.
    """

    slow_notes: tuple[str, ...]

    def __init__(
        self,
        detectors: Sequence[Detector],
        cache: Cache | None = None,
        *,
        most_steps: int = MOST_STEPS,
        repeats: Repeats | None = None,
    ) -> None:
        """`cache` keeps compiled databases between starts. `most_steps`: what a scan may cost (`rules.budget`).

        `repeats` remembers what was found in long texts; None: each is searched.
        """
        self._most_steps = most_steps
        self.detectors = tuple(detectors)
        self._search = Search(self.detectors, cache)
        self.slow_notes = self._search.slow_notes
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
        return self._gather(content, self._hits_by_part(content, budget, why=why), budget)

    def scan_within(self, contents: Sequence[Content], steps: int) -> list[Scanned | None]:
        """`scan` of several messages for so many steps in all; None for each that would take more than what is left.

        Small ones are searched as one text, for little more than the price of one. In each is found what would be found
        in it alone, and nothing that is written across two of them.
        """
        budget = Budget(min(steps, self._most_steps))
        parts = [part for content in contents for part in content.parts]
        sizes = [len(part.text) for part in parts]
        if (
            len(contents) < 2
            or not self._search.joinable
            or max(sizes, default=0) > _SHORT_PART
            or sum(sizes) > _GROUP_SIZE
        ):
            return [
                self._gather_if_complete(content, self._hits_by_part(content, budget), budget) for content in contents
            ]
        normals = [one for content in contents for one in normalise_all([part.text for part in content.parts])]
        firsts = list(accumulate((len(content.parts) for content in contents[:-1]), initial=0))
        seen = self._search.survey([normal.data for normal in normals], budget, firsts)
        return [
            self._gather_if_complete(
                content,
                self._scan_surveyed(
                    content.parts,
                    [(normals[index], seen.get(index)) for index in range(first, first + len(content.parts))],
                    _Request(budget),
                ),
                budget,
            )
            for content, first in zip(contents, firsts, strict=True)
        ]

    def _gather_if_complete(self, content: Content, read: Iterable[_PartHits], budget: Budget) -> Scanned | None:
        if budget.spent:
            return None
        scanned = self._gather(content, read, budget)
        return scanned if scanned.content is content else None  # else it names a text that was not read to its end

    def _hits_by_part(self, content: Content, budget: Budget, *, why: bool = False) -> Iterator[_PartHits]:
        """Each part of a content with its hits; of several short ones, only those with any match."""
        request = _Request(budget, why)
        for parts in self._groups(content.parts):
            yield from self._scan_group(parts, request)

    def _gather(self, content: Content, read: Iterable[_PartHits], budget: Budget) -> Scanned:
        """The result of a scan. Parts that were not read to their end are added to the content's unreadable files."""
        gathered = MessageHits(MOST_HITS)
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
        complete = replace(content, files=(*content.files, *facts)) if facts else content
        return Scanned(self._findings(gathered.hits), complete)

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
            alone = not self._search.joinable or len(part.text) > _SHORT_PART
            if group and (alone or size > _GROUP_SIZE):
                yield group
                group, size = [], 0
            if alone:
                yield [part]
            else:
                group.append(part)
                size += len(part.text)
        if group:
            yield group

    def _scan_group(self, parts: Sequence[Part], request: _Request) -> Iterator[_PartHits]:
        """The parts of a group with their hits, reading by reading; of several parts, only those with any match."""
        budget = request.budget
        if len(parts) <= 1 or budget.spent:
            for part in parts:
                read = bool(part.text) and not budget.spent
                yield part, self._scan_or_recall(part, request) if read else ()
            return
        normals = normalise_all([part.text for part in parts])
        seen = self._search.survey([normal.data for normal in normals], budget)
        yield from self._scan_surveyed(
            parts, [(normal, seen.get(index)) for index, normal in enumerate(normals)], request
        )

    def _scan_surveyed(
        self, parts: Sequence[Part], seen: Iterable[tuple[Normalised, Surveyed | None]], request: _Request
    ) -> Iterator[_PartHits]:
        """The hits of parts that were searched as one text; of those in which something was seen."""
        for part, (normal, theirs) in zip(parts, seen, strict=True):
            if theirs is None and not changes_direction(part.text):
                if request.budget.spent:
                    yield part, ()
                continue
            yield part, self._scan_part(part, plain_reading(part.text, normal, theirs or Surveyed()), request)

    def _scan_or_recall(self, part: Part, request: _Request) -> Iterable[dict[int, list[Hit]]]:
        """The hits of a part, reading by reading: searched by itself now, or remembered from an earlier message."""

        def readings() -> Iterator[dict[int, list[Hit]]]:
            return self._scan_part(part, plain_reading(part.text, normalise(part.text)), request)

        if self._repeats is None or request.why or len(part.text) < LOOKED_UP_FROM:
            return readings()
        budget, before = request.budget, request.budget.left

        def search() -> Searched:
            found = tuple(readings())
            return Searched(found, before - budget.left, not budget.spent and not budget.cut)

        searched = self._repeats.searched(part, before, search)
        budget.left = before - searched.steps
        return searched.found

    def _scan_part(self, part: Part, plain: Reading, request: _Request) -> Iterator[dict[int, list[Hit]]]:
        """The hits of one part, reading by reading."""
        yield self._scan_reading(part, plain, request)
        for reading in further_readings(part.text, plain, request.budget):
            yield self._scan_reading(part, reading, request)

    def _scan_reading(self, part: Part, reading: Reading, request: _Request) -> dict[int, list[Hit]]:
        judge, kept = Judge(self._words, reading.normal, request.budget), KeptCandidates(MOST_HITS)
        for batch in self._batches(reading, request.budget, kept.full):
            kept.add(judge.judge(batch))
        request.budget.cut |= kept.cut
        chosen = kept.chosen()
        if not chosen:
            return {}
        return _hits(chosen, reading, part, Reasons(self._words, reading.normal.data, chosen) if request.why else None)

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
    offsets = _character_offsets(normal, sorted({offset for c in kept for offset in (c.start, c.end)}))
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


def _character_offsets(normal: Normalised, offsets: Sequence[int]) -> dict[int, int]:
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
