"""Word 6 to 2003 documents ([MS-DOC]): the text of every story, as shown and with what is deleted or hidden.

The text lies in pieces of one stream; a table in the other stream puts them in order (2.4.1). The stories follow each
other: the text itself, footnotes, headers, comments, endnotes, text boxes.
"""

import re
import struct
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntFlag
from typing import Final

from policy.extraction.text.pieces import Line, layered
from policy.reader.charsets import codec

_WORD97: Final = 0x00C1  # nFib; below are Word 6 and 95
_TABLE_1: Final = 0x0200  # of the flags at 0x0A: which of the two table streams
_COMPLEX: Final = 0x0004
_STORIES: Final = (
    ("", 0x4C), ("footnotes", 0x50), ("headers and footers", 0x54), ("macros", 0x58), ("comments", 0x5C),
    ("endnotes", 0x60), ("text boxes", 0x64), ("text boxes in headers", 0x68),
)  # fmt: skip
_STORIES_95: Final = tuple((label, offset - 0x18) for label, offset in _STORIES)
_CLX: Final = 0x1A2
_CLX_95: Final = 0x160
_CHARACTER_PAGES: Final = 0xFA  # fcPlcfBteChpx
_PAGE: Final = 512
_MOST_PIECES: Final = 200_000
_MOST_RUNS: Final = 500_000
_BY_LANGUAGE: Final = {0x19: 1251, 0x22: 1251, 0x02: 1251, 0x23: 1251, 0x15: 1250, 0x05: 1250, 0x0E: 1250, 0x18: 1250,
                       0x1B: 1250, 0x24: 1250, 0x08: 1253, 0x1F: 1254, 0x0D: 1255, 0x01: 1256, 0x11: 932, 0x04: 936,
                       0x12: 949, 0x1E: 874}  # fmt: skip
_SIGNS: Final = {
    0x00: "", 0x01: "", 0x02: "", 0x03: "", 0x04: "", 0x05: "", 0x07: "\t", 0x08: "", 0x0B: "\n", 0x0C: "\n",
    0x0D: "\n", 0x0E: "\n", 0x1E: "-", 0x1F: "", 0xA0: " ",
}  # fmt: skip
_BEGIN, _SEPARATE, _END = "\x13", "\x14", "\x15"
_FIELD_SIGN: Final = re.compile("[\x13-\x15]")


class WordBroken(ValueError):
    """The document contradicts itself."""


class Mark(IntFlag):
    """What a run of characters is beside being text (2.6.1)."""

    DELETED = 1
    INSERTED = 2
    HIDDEN = 4


_SPRMS: Final = {0x0800: Mark.DELETED, 0x0801: Mark.INSERTED, 0x083C: Mark.HIDDEN, 0x0818: Mark.HIDDEN}
# What nobody sees: who changed it and when, languages, what spelling said.
_LOOKLESS: Final = frozenset(
    {*_SPRMS, 0x6815, 0x6816, 0x6817, 0x4804, 0x6805, 0x4873, 0x4874, 0x486D, 0x486E, 0x485F, 0x0875, 0x484E}
)
_OPERANDS: Final = (1, 1, 2, 4, 2, 2, 0, 3)  # bytes of an operand, by the first three bits of the sprm


@dataclass(frozen=True, slots=True)
class _Piece:
    """Characters `first` to `end` of the document, `width` bytes each, from byte `at` of the stream."""

    first: int
    end: int
    at: int
    width: int


@dataclass(frozen=True, slots=True)
class _Run:
    """Characters of one look."""

    first: int
    text: str
    mark: Mark
    look: str = ""


def read_word(stream: bytes, tables: tuple[bytes, bytes]) -> list[tuple[str, str]]:
    """(story, text) of every story, in each reading. Raises WordBroken, struct.error, IndexError.

    `stream` is WordDocument; `tables` are 0Table and 1Table, empty where they are missing.
    """
    version, flags = struct.unpack_from("<H", stream, 2)[0], struct.unpack_from("<H", stream, 10)[0]
    if version < _WORD97:
        return _word_95(stream, flags)
    table = tables[1] if flags & _TABLE_1 else tables[0]
    pieces = _pieces(stream, table, _CLX, wide=True)
    stories = [(label, struct.unpack_from("<i", stream, at)[0]) for label, at in _STORIES]
    runs = list(_runs(stream, pieces, _looks(stream, table), "cp1252"))
    return _told(runs, stories)


def _word_95(stream: bytes, flags: int) -> list[tuple[str, str]]:
    """Word 6 and 95: eight bits a character, one stream."""
    stories = [(label, struct.unpack_from("<i", stream, at)[0]) for label, at in _STORIES_95]
    first, end = struct.unpack_from("<ii", stream, 0x18)
    language = struct.unpack_from("<H", stream, 6)[0]
    charset = codec(f"cp{_BY_LANGUAGE.get(language & 0xFF, 1252)}") or "cp1252"
    if flags & _COMPLEX:
        pieces = _pieces(stream, stream, _CLX_95, wide=False)
    else:
        pieces = [_Piece(0, max(0, end - first), first, 1)]
    return _told(list(_runs(stream, pieces, _Looks([], []), charset)), stories)


def _pieces(stream: bytes, table: bytes, where: int, *, wide: bool) -> list[_Piece]:
    """The table of pieces (2.8.35), behind the formats of fast saves (2.9.38)."""
    at, size = struct.unpack_from("<II", stream, where)
    end = at + size
    while at < end and table[at] == 1:
        at += 3 + int(struct.unpack_from("<H", table, at + 1)[0])
    if at >= end or table[at] != 2:
        raise WordBroken("no table of pieces")
    size = struct.unpack_from("<I", table, at + 1)[0]
    count = (size - 4) // 12
    if not 0 < count <= _MOST_PIECES:
        raise WordBroken("a table of pieces of no sensible size")
    starts = struct.unpack_from(f"<{count + 1}I", table, at + 5)
    pieces: list[_Piece] = []
    for number in range(count):
        (position,) = struct.unpack_from("<I", table, at + 5 + 4 * (count + 1) + 8 * number + 2)
        first, last = starts[number], starts[number + 1]
        if last < first:
            raise WordBroken("pieces in disorder")
        narrow = bool(position & 0x4000_0000) or not wide
        position &= 0x3FFF_FFFF
        pieces.append(_Piece(first, last, position // 2 if narrow and wide else position, 1 if narrow else 2))
    return pieces


@dataclass(frozen=True, slots=True)
class _Looks:
    """From each byte of the stream on (`starts`, rising), what the characters are, and how they look."""

    starts: list[int]
    marks: list[tuple[Mark, str]]


def _looks(stream: bytes, table: bytes) -> _Looks:
    """Runs of characters that are deleted, inserted or hidden (2.8.5, 2.9.33). What is broken there marks nothing."""
    found: dict[int, tuple[Mark, str]] = {}
    try:
        at, size = struct.unpack_from("<II", stream, _CHARACTER_PAGES)
        count = min((size - 4) // 8, _MOST_RUNS // 100) if size >= 4 else 0
        pages = struct.unpack_from(f"<{count}I", table, at + 4 * (count + 1)) if count else ()
        for number in dict.fromkeys(page & 0x3F_FFFF for page in pages):
            found.update(_page(stream[number * _PAGE : (number + 1) * _PAGE]))
            if len(found) > _MOST_RUNS:
                break
    except struct.error:
        pass
    starts = sorted(found)
    return _Looks(starts, [found[start] for start in starts])


def _page(page: bytes) -> Iterator[tuple[int, tuple[Mark, str]]]:
    if len(page) < _PAGE:
        return
    count = min(page[-1], 101)
    starts = struct.unpack_from(f"<{count + 1}I", page)
    for number in range(count):
        at = page[4 * (count + 1) + number] * 2
        yield starts[number], _mark(page[at + 1 : at + 1 + page[at]]) if at else (Mark(0), "")
    yield starts[count], (Mark(0), "")


def _mark(properties: bytes) -> tuple[Mark, str]:
    """What properties say of a run: marks, and how it looks (colour, size, style and the like)."""
    mark = Mark(0)
    look: list[str] = []
    at = 0
    while at + 2 < len(properties):
        sprm = properties[at] | properties[at + 1] << 8
        if sprm in _SPRMS and properties[at + 2]:
            mark |= _SPRMS[sprm]
        size = _OPERANDS[sprm >> 13] or 1 + properties[at + 2]
        if sprm not in _LOOKLESS:
            look.append(properties[at : at + 2 + size].hex())
        at += 2 + size
    return mark, "|".join(look)


def _runs(stream: bytes, pieces: list[_Piece], looks: _Looks, charset: str) -> Iterator[_Run]:
    """The pieces in order, each cut where its look changes."""
    most = 4 * len(stream) + 1024  # pieces may lie over each other, but not without end
    for piece in pieces:
        end = piece.at + (piece.end - piece.first) * piece.width
        most -= end - piece.at
        if most < 0:
            raise WordBroken("pieces that lie over each other")
        if end > len(stream):
            raise WordBroken("a piece that is not there")
        at = piece.at
        while at < end:
            number = bisect_right(looks.starts, at)
            change = looks.starts[number] if number < len(looks.starts) else end
            until = max(at + piece.width, min(end, change - (change - at) % piece.width))
            data = stream[at:until]
            text = data.decode("utf-16-le", "replace") if piece.width == 2 else data.decode(charset, "replace")
            mark, look = looks.marks[number - 1] if number else (Mark(0), "")
            yield _Run(piece.first + (at - piece.at) // piece.width, text, mark, look)
            at = until


def _told(runs: list[_Run], stories: list[tuple[str, int]]) -> list[tuple[str, str]]:
    """Every story as shown; where something is deleted, inserted or hidden, also with all of it, and as it was."""
    found: list[tuple[str, str]] = []
    start = 0
    if sum(max(0, size) for _, size in stories) > (runs[-1].first + len(runs[-1].text) if runs else 0):
        raise WordBroken("stories longer than the text")
    for label, size in stories:
        if size <= 0:
            continue
        own = list(_between(runs, start, start + size))
        start += size
        without = [Mark(0), *(mark for mark in Mark if any(run.mark & mark for run in own))]
        if len(without) > 2:
            without.append(Mark.DELETED | Mark.HIDDEN)
        for left_out in without:
            text = "".join(run.text for run in own if not run.mark & left_out)
            shown, codes = _fields(text)
            found.append((label, shown))
            if codes:
                found.append((f"{label}, fields" if label else "fields", codes))
        found += [(label, text) for text in layered(list(_lines(own)))]
    rest = "".join(run.text for run in runs if run.first >= start)
    if rest.strip("\0\r\n "):
        found.append(("behind the text", _fields(rest)[0]))
    return [(label, text) for label, text in dict.fromkeys(found) if text.strip()]


def _between(runs: list[_Run], first: int, end: int) -> Iterator[_Run]:
    for run in runs:
        if run.first < end and run.first + len(run.text) > first:
            text = run.text[max(0, first - run.first) : end - run.first]
            yield _Run(max(first, run.first), text, run.mark, run.look)


def _lines(runs: list[_Run]) -> Iterator[Line]:
    """The paragraphs of a story, as runs that look alike; what is deleted or hidden is left out."""
    line = Line()
    for run in runs:
        if run.mark & (Mark.DELETED | Mark.HIDDEN):
            continue
        for number, text in enumerate(run.text.split("\r")):
            if number:
                yield line
                line = Line()
            if shown := _signs(text):
                line.pieces.append((shown, 0, run.look))
    yield line


def _fields(text: str) -> tuple[str, str]:
    """The text with fields as they show themselves, and the instructions of the fields (2.8.25)."""
    if _BEGIN not in text:
        return _signs(text), ""
    shown: list[str] = []
    codes: list[str] = []
    past: list[bool] = []  # of each open field: whether its separator was there
    silent = 0  # open fields whose separator was not there yet
    place = 0
    for sign in _FIELD_SIGN.finditer(text):
        (codes if silent else shown).append(text[place : sign.start()])
        place = sign.end()
        if sign[0] == _BEGIN:
            past.append(False)
            silent += 1
            codes.append("\n")
        elif sign[0] == _SEPARATE and past and not past[-1]:
            past[-1] = True
            silent -= 1
        elif sign[0] == _END and past:
            silent -= not past.pop()
    (codes if silent else shown).append(text[place:])
    return _signs("".join(shown)), _signs("".join(codes)).strip()


def _signs(text: str) -> str:
    """Marks of paragraphs, cells and rows (2.8.26) as characters."""
    return text.replace("\x07\x07", "\n").translate(_SIGNS)
