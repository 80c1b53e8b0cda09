"""Tells which patterns can match only where digits stand close together, and where in a text that is.

Most detectors look for numbers. Searching for "seven digits close together" costs a tenth of searching for all the
shapes that numbers have, and tells where in a text those can stand; the rest of it need not be searched for them.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

RUN_DIGITS: Final = 7  # the fewest digits of a run
# The fewest of a long one, which most patterns need. Dates, times and amounts side by side make shorter ones.
LONG_RUN_DIGITS: Final = 9
_GAP: Final = 7  # signs between two of them, at most
WIDEST_MATCH: Final = 128  # bytes, at most, of a match that is sought around runs only
NARROW_MATCH: Final = 48  # bytes, at most, of a match that is sought in the small windows
_SIGNS: Final = r"[\t\n\f\r -/:-@\[-`{-~]"
# The end of a run, which is told once however long it is: what follows it is a letter, a gap too wide, or nothing.
_NO_SIGN: Final = _SIGNS.replace("[", "[^0-9", 1)
_BACKWARDS: Final = re.compile(rf"[^0-9]{{0,{_GAP + 4}}}[0-9](?:{_SIGNS}{{0,{_GAP}}}[0-9])*".encode())
_RUN_BYTES: Final = bytes(code for code in range(128) if re.fullmatch(rf"[0-9]|{_SIGNS}", chr(code)))
_GLANCE: Final = 64  # bytes in which most runs begin, and the signs before them
_LONGEST_RUN: Final = 1 << 16
_MERGE_WITHIN: Final = 3  # times as far as a match is wide: windows that are nearer are searched as one

_SIGN: Final = re.compile(_SIGNS)
_QUANTITY: Final = re.compile(r"\{(\d+)(?:(,)(\d*))?\}")
_OPEN: Final = re.compile(r"\((?:\?(?:P?<\w+>|[imsU-]*:))?")
_FLAGS: Final = re.compile(r"\(\?[imsU-]+\)")
_ENDLESS: Final = 1 << 20
_MOST_KNOWN: Final = 4096  # patterns, which several passes ask about


def run_end(least: int) -> str:
    """A pattern for the engine that matches at the end of a run of `least` digits or more."""
    return (
        rf"\d(?:{_SIGNS}{{0,{_GAP}}}\d){{{least - 1}}}(?:{_SIGNS}{{0,{_GAP}}}(?:{_NO_SIGN}|\z)|{_SIGNS}{{{_GAP + 1}}})"
    )


@dataclass(frozen=True, slots=True)
class _Piece:
    """What a piece of a pattern matches: at least so many digits in a run, and signs before and behind them.

    `pure`: nothing but digits and signs, without gaps too wide. Where it is not, `digits` are those of the best run
    that is sure to stand in it.
    """

    digits: int = 0
    before: int = 0
    behind: int = 0
    pure: bool = True

    @property
    def is_gap(self) -> bool:
        """Whether it may hold no digit at all; then `before` is its width."""
        return self.pure and not self.digits


_BREAKS_RUN: Final = _Piece(pure=False)
_NOTHING: Final = _Piece()
_DIGIT: Final = _Piece(1)


@lru_cache(_MOST_KNOWN)
def fewest_digits(regex: str) -> int:
    """How many digits, close together, every match of a pattern is sure to hold. Errs on the low side."""
    reader = _Reader(regex)
    piece = reader.alternatives()
    return piece.digits if reader.done else 0


class _Reader:
    """Walks a pattern that RE2 accepts. A construct it does not know counts as holding no digits."""

    def __init__(self, regex: str) -> None:
        self._regex = regex
        self._place = 0

    @property
    def done(self) -> bool:
        """Whether the whole pattern was read."""
        return self._place >= len(self._regex)

    def alternatives(self) -> _Piece:
        found = [self._sequence()]
        while self._regex[self._place : self._place + 1] == "|":
            self._place += 1
            found.append(self._sequence())
        return _alternation(found) if len(found) > 1 else found[0]

    def _sequence(self) -> _Piece:
        pieces: list[_Piece] = []
        while self._place < len(self._regex) and self._regex[self._place] not in "|)":
            pieces.append(self._repeated())
        return _concatenation(pieces)

    def _repeated(self) -> _Piece:
        piece = self._atom()
        while (counts := self._counts()) is not None:
            piece = _repetition(piece, *counts)
        return piece

    def _counts(self) -> tuple[int, int] | None:
        char = self._regex[self._place : self._place + 1]
        if char and char in "*+?":
            self._place += 1
            return {"*": (0, _ENDLESS), "+": (1, _ENDLESS), "?": (0, 1)}[char]
        match = _QUANTITY.match(self._regex, self._place)
        if match is None:
            return None
        self._place = match.end()
        least = int(match[1])
        return least, int(match[3]) if match[3] else _ENDLESS if match[2] else least

    def _atom(self) -> _Piece:
        regex, place = self._regex, self._place
        flags = _FLAGS.match(regex, place)
        if flags:
            self._place = flags.end()
            return _NOTHING
        if regex[place] == "(":
            opened = _OPEN.match(regex, place)
            self._place = opened.end() if opened else place + 1
            piece = self.alternatives()
            self._place += 1
            return piece
        if regex[place] == "[":
            return self._class()
        if regex[place] == "\\":
            self._place += 2
            return _escaped(regex[place + 1 : place + 2])
        self._place += 1
        return _NOTHING if regex[place] in "^$" else _literal(regex[place])

    def _class(self) -> _Piece:
        match = re.compile(r"\[\^?\]?(?:\\.|\[:\w+:\]|[^\]\\])*\]", re.S).match(self._regex, self._place)
        if match is None:
            self._place = len(self._regex) + 1
            return _BREAKS_RUN
        self._place = match.end()
        body = match[0][1:-1]
        if body.startswith("^") or "[:" in body or re.search(r"\\[^\WdtnfrsE]", body):
            return _BREAKS_RUN
        try:
            members = re.compile(match[0])
        except re.error:
            return _BREAKS_RUN
        among = [chr(code) for code in range(128) if members.match(chr(code))]
        if not body.isascii() or not among:
            return _BREAKS_RUN
        if all(char.isdigit() for char in among):
            return _DIGIT
        return _Piece(0, 1) if all(_SIGN.match(char) for char in among) else _BREAKS_RUN


def _escaped(char: str) -> _Piece:
    if char == "d":
        return _DIGIT
    if char in ("b", "B"):
        return _NOTHING
    if char and char in "snrtf.":
        return _Piece(0, 1)
    return _literal(char) if char and not char.isalnum() else _BREAKS_RUN


def _literal(char: str) -> _Piece:
    if char.isascii() and char.isdigit():
        return _DIGIT
    return _Piece(0, 1) if _SIGN.fullmatch(char) and char != "." else _BREAKS_RUN


def _concatenation(pieces: Iterable[_Piece]) -> _Piece:
    digits = gap = best = before = 0
    pure = True
    for piece in pieces:
        if not piece.pure:
            best, digits, gap, pure = max(best, piece.digits), 0, 0, False
            continue
        gap += piece.before
        if gap > _GAP and digits:
            pure, digits = False, 0
        if piece.digits:
            before = before if best else gap
            digits += piece.digits
            best, gap = max(best, digits), piece.behind
    return _Piece(best, before if best else gap, gap if best else 0, pure)


def _repetition(piece: _Piece, least: int, most: int) -> _Piece:
    if not piece.pure:
        return _Piece(piece.digits if least else 0, pure=False)
    if piece.is_gap:
        return _Piece(0, piece.before * most) if piece.before * most <= _GAP else _BREAKS_RUN
    if piece.before + piece.behind > _GAP:
        return _Piece(piece.digits if least else 0, pure=False)
    if not least:
        return _BREAKS_RUN  # digits that may be missing end a run, to be on the safe side
    return _Piece(piece.digits * least, piece.before, piece.behind)


def _alternation(pieces: Sequence[_Piece]) -> _Piece:
    digits = min(piece.digits for piece in pieces)
    pure = all(piece.pure for piece in pieces) and (digits > 0 or all(piece.is_gap for piece in pieces))
    return _Piece(digits, max(p.before for p in pieces), max(p.behind for p in pieces), pure)


def windows(data: bytes, ends: Iterable[int], widest: int = WIDEST_MATCH) -> list[tuple[int, int]]:
    """The pieces of a text around runs of digits, where a match of `widest` bytes can stand: (start, stop) in bytes.

    `ends`: where the engine saw `run_end`, rising. The pieces are in order and do not touch.
    """
    found: list[tuple[int, int]] = []
    size, first, last, floor, apart = len(data), 0, -1, 0, widest * _MERGE_WITHIN
    for end in ends:
        if last < 0 or end - last > apart:  # nearer ones are searched as one, wherever they begin
            # Behind a run stand signs, and at most one letter. To step over more signs than may stand in it costs time.
            glance = max(floor, end - _GLANCE)
            behind = end - 1 if data[end - 1] < 0x80 else end
            begins = glance + len(data[glance:behind].rstrip(_RUN_BYTES))
            if begins == glance or behind == end:
                begins = _run_start(data, floor, end)
            start = max(0, begins - widest)
            if last >= 0 and start - last > apart:
                found.append((first, last))
                last = -1
            first = start if last < 0 else first
        last = min(size, end + widest)
        floor = end
    if last >= 0:
        found.append((first, last))
    return found


def widened(spans: Sequence[tuple[int, int]], by: int, size: int) -> list[tuple[int, int]]:
    """Each piece with `by` bytes more on either side, within a text of `size` bytes; pieces that come near are one."""
    found: list[tuple[int, int]] = []
    first = last = -1
    apart = by * _MERGE_WITHIN
    for start, stop in spans:
        if last < 0:
            first = max(0, start - by)
        elif start - by - last > apart:
            found.append((first, last))
            first = start - by
        last = stop + by
    if last >= 0:
        found.append((first, min(last, size)))
    return found


def intersection(one: Sequence[tuple[int, int]], other: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """What both sets of pieces cover; the pieces of each are in order and do not touch."""
    if len(one) == 1 and other and one[0][0] <= other[0][0] and one[0][1] >= other[-1][1]:
        return list(other)
    found: list[tuple[int, int]] = []
    left = right = 0
    while left < len(one) and right < len(other):
        start, stop = max(one[left][0], other[right][0]), min(one[left][1], other[right][1])
        if start < stop:
            found.append((start, stop))
        if one[left][1] < other[right][1]:
            left += 1
        else:
            right += 1
    return found


def _run_start(data: bytes, floor: int, end: int) -> int:
    """Where the run of digits begins that ends at `end`, or a place before that; not before `floor`."""
    size = _GLANCE
    while size <= _LONGEST_RUN:
        start = max(floor, end - size)
        run = _BACKWARDS.match(data[start:end][::-1])
        if run is not None and (run.end() < end - start - _GAP or start == floor):
            return end - run.end()
        if start == floor:
            break
        size *= 4
    return floor
