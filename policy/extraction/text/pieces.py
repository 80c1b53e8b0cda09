"""Text in pieces, each with what may hide it: from it come the readings that programs and their settings would show."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from policy.extraction.text.tables import joined_cells

DELETED: Final = 1  # taken out by a tracked change
INSERTED: Final = 2  # put in by one
HIDDEN: Final = 4
FAINT: Final = 8  # in the paper's colour, or too small to see
FALLBACK: Final = 16  # for programs that do not know the newer markup
CHOICE: Final = 32  # for those that do
FIELD: Final = 64  # the instruction behind a field
RUBY: Final = 128  # a small gloss above or within the line
CACHED: Final = 256  # a value as it was when the document was saved
BOUND: Final = 512  # that value as the data says it now
_DISPLAYED: Final = DELETED | HIDDEN | FAINT | FALLBACK | FIELD | RUBY | BOUND
# What each reading leaves out. The first is what is displayed.
_VIEWS: Final = (
    _DISPLAYED,
    _DISPLAYED & ~(HIDDEN | FAINT),
    _DISPLAYED & ~FAINT,
    _DISPLAYED & ~DELETED | INSERTED,
    _DISPLAYED & ~FALLBACK | CHOICE,
    _DISPLAYED & ~BOUND | CACHED,
    FALLBACK | BOUND,
    0,
)
_DIGIT: Final = re.compile(r"\d")
_UPRIGHT: Final = re.compile(r"(?<![^\n])[0-9-](?:\n[0-9-]){8,33}(?![^\n])")
_NUMBER: Final = frozenset("0123456789-")
_KINDS: Final = 6  # looks that are left out, one at a time
_LONGEST: Final = 24  # characters of a run within a number
_MOST_LAYERED: Final = 2_000  # paragraphs of one text that are read without each kind of run within their numbers

Piece = tuple[str, int, str]  # text, flags, how it looks (empty: like the paragraph)
Marks = list[tuple[int, str]]


@dataclass(slots=True)
class Line:
    """A paragraph or a row. `end` are the flags of its end: where that is left out, the next line goes on in it.

    `other` is what is seen of it where that runs in another order than its pieces.
    """

    pieces: list[Piece] = field(default_factory=list)
    mark: str = ""
    end: int = 0
    is_leftwards: bool = False
    other: str = ""

    def shown(self, *, leftwards: bool = False) -> str:
        """What is displayed of it, from its first piece or from its last."""
        texts = [text for text, flags, _ in self.pieces if not flags & _DISPLAYED]
        return "".join(reversed(texts) if leftwards else texts)

    def flags(self) -> int:
        """All that occur."""
        found = self.end
        for _, flags, _ in self.pieces:
            found |= flags
        return found


@dataclass(frozen=True, slots=True)
class Reading:
    """One text with its marks."""

    text: str = field(repr=False)
    marks: tuple[tuple[int, str], ...] = field(default=(), repr=False)


def readings_of(lines: list[Line]) -> list[Reading]:
    """What is displayed, and then each paragraph that reads otherwise in another view, with the one before it."""
    flags = [line.flags() for line in lines]
    seen = 0
    for each in flags:
        seen |= each
    found = [_view(lines, _DISPLAYED)]
    for without in _VIEWS[1:]:
        differs = (without ^ _DISPLAYED) & seen
        if differs:
            found.append(_view(_around(lines, flags, differs), without))
    found += [Reading(text) for text in (*layered(lines), *_joined(found[0].text))]
    if others := "\n".join(line.other for line in lines if line.other):
        found += [Reading(text) for text in (others, *_joined(others))]
    known: set[str] = set()
    fresh: list[Reading] = []
    for reading in found:
        if reading.text and reading.text not in known:
            known.add(reading.text)
            fresh.append(reading)
    return fresh


def _joined(text: str) -> Iterable[str]:
    """Numbers with a few digits in each cell, or one digit in each line."""
    if "\t" in text:
        yield joined_cells(text)
    yield joined_lines(text)


def joined_lines(text: str) -> str:
    """Numbers written downwards, a digit a line, with the line above; empty when there are none."""
    found = []
    for match in _UPRIGHT.finditer(text):
        above = text.rfind("\n", 0, max(0, match.start() - 1))
        found.append(f"{text[max(above + 1, match.start() - 80) : match.start()]}{match[0].replace(chr(10), '')}")
    return "\n".join(found)


def _around(lines: list[Line], flags: list[int], differs: int) -> list[Line]:
    chosen: list[Line] = []
    last = -1
    for number, each in enumerate(flags):
        if each & differs:
            if number - 1 > last:
                chosen.append(lines[number - 1])
            chosen.append(lines[number])
            last = number
        elif number and lines[number - 1].end & differs and number > last:
            chosen.append(lines[number])
            last = number
    return chosen


def _view(lines: list[Line], without: int) -> Reading:
    out: list[str] = []
    marks: Marks = []
    size = 0
    for line in lines:
        text = "".join([text for text, flags, _ in line.pieces if not flags & without])
        if not line.end & without:
            if not text or text.isspace():
                continue
            text += "\n"
        if text:
            if line.mark:
                marks.append((size, line.mark))
            out.append(text)
            size += len(text)
    return Reading("".join(out).removesuffix("\n"), tuple(marks))


def layered(lines: list[Line]) -> list[str]:
    """Paragraphs in whose numbers runs stand that look different, without each kind of these."""
    found: list[str] = []
    before = ""
    looked = 0
    for line in lines:
        if len(line.pieces) < 3 or looked >= _MOST_LAYERED:
            before = line.pieces[0][0][-80:] if len(line.pieces) == 1 else ""
            continue
        shown = [(text, look) for text, flags, look in line.pieces if text and not flags & _DISPLAYED]
        if any(look and len(text) <= 24 and _DIGIT.search(text) for text, look in shown):
            looked += 1
            found += [f"{before}\n{text}" for text in without_kinds(shown)]
        before = ""
    return ["\n".join(found)] if found else []


def without_kinds(pieces: list[tuple[str, str]]) -> list[str]:
    """(text, look) in order: the text without each look that stands within numbers, and without all of these.

    There are more ways to hide a run than are followed here, so what may be noise in a number is left out, too.
    """
    within: Counter[str] = Counter()
    for place in range(1, len(pieces) - 1):
        text, look = pieces[place]
        before, behind = pieces[place - 1][0], pieces[place + 1][0]
        if look and len(text) <= _LONGEST and before[-1] in _NUMBER and behind[0] in _NUMBER and not text.isspace():
            within[look] += 1
    if not within:
        return []
    chosen = [frozenset((look,)) for look, _ in within.most_common(_KINDS)]
    if len(within) > 1:
        chosen.append(frozenset(within))
    return ["".join(text for text, look in pieces if look not in left_out) for left_out in chosen]
