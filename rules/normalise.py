"""Rewrites text for the patterns: one spelling for each digit, dash and space, and nothing that is invisible.

A value must be found however it was written: with full-width or Arabic digits, a non-breaking hyphen, a zero-width
space between two digits, a line that a mail program broke within a number. What is changed, and into what:

- compatibility forms (NFKC), decimal digits of all scripts to ASCII, dashes of all scripts to `-`, spaces to ` `,
  line ends to line feeds;
- removed: zero-width and bidi characters, soft hyphens, variation selectors, control characters, marks that strike
  through or under, and marks set upon digits, plain letters, dashes and spaces (a circled 5 is a 5 to the reader);
- a line break within a number, where a mail program made it: behind a dash, behind a space (RFC 3676 4.1), or where
  the line is as long as wrapped lines are; a soft break that nobody decoded (RFC 2045 6.7);
- strokes, dots and small pictures between two digits become dashes;
- the line of a form that a number was written upon (`SSN: __536-22-1234__`) becomes spaces.
"""

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import AnyStr, Final, Generic, TypeAlias

import re2

from rules.engine import Engine, Expression
from rules.spelling import ODD, ODD_BYTES, ONE_FOR_ONE, STROKE, STROKE_BYTES, careful
from rules.turns import found_in_turns, replaced_in_turns

WRAPPED_FROM: Final = 55  # a line of so many characters that ends in a number was broken by a program
BARRIER: Final = "\n\f\n"  # between texts that are looked at together: nothing is written across it

_BARRIER: Final = BARRIER.encode()
_PLAIN_ASCII: Final = bytes([9, 10, 12, 13, *range(32, 127)])
_NUL: Final = b"\0"
_NUL_FOR_ODD: Final = bytes(code if code in _PLAIN_ASCII else 0 for code in range(256))
_SLICE: Final = 1 << 15
_SOME: Final = 1 << 20  # characters
_CRLF: Final = "\r\n"
_MAY_BE_SOFT: Final = re.compile(rb"[0-9-]=\n(?:[0-9-]|\Z)")  # of some lines; base64 ends with signs like these
# The drawn line of a form before or behind what was written upon it: letters and digits that begin or end there.
_DRAWN: Final = r"(?:(?<![^\s:;,(#|>])__+(?=[A-Z]{0,9}[0-9])|(?<=[0-9A-Z])__+(?![^\s:;,.)|<]))"
_RULED: Final = re.compile(_DRAWN.encode())
_RULED_TEXT: Final = re.compile(_DRAWN)
_SOFT: Final = re.compile(r"(?<=[0-9-])=\n(?=[0-9-])")
_Change: TypeAlias = tuple[int, int, str]  # from where to where something stood, and what stands there now
# What a step replaced: where each ended in what came out, and how much farther it ended in what went in.
Steps: TypeAlias = list[tuple[list[int], list[int]]]


class Normalised:
    """A text in one spelling; `data` is it in UTF-8."""

    __slots__ = ("_steps", "_text", "data")

    def __init__(self, data: bytes, text: str | None = None, steps: Steps | None = None) -> None:
        self.data = data
        self._text = text
        self._steps = steps  # None: what changed has to be found out again

    @property
    def text(self) -> str:
        """The text; made where it is asked for."""
        if self._text is None:
            self._text = self.data.decode()
        return self._text

    @property
    def is_ascii(self) -> bool:
        """Whether each character is one byte."""
        return len(self._text) == len(self.data) if self._text is not None else self.data.isascii()

    def origin(self, source: str) -> Callable[[int], int]:
        """For characters of `text`: where in `source`, of which it was made, they stand."""
        steps = self._steps
        if steps is None:
            steps = []
            _reread(_without_crlf(source), steps)
        traced = partial(_traced, steps)
        ends = _Ends(source) if _CRLF in source else None
        return (lambda offset: ends.source(traced(offset))) if ends is not None else traced


class _Ends:
    """Where the characters of a text stood before its CRLF became line feeds."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._known = (0, 0)  # as it is now, as it was

    def source(self, offset: int) -> int:
        """The place of a character; cheapest where offsets rise."""
        now, was = self._known if offset >= self._known[0] else (0, 0)
        counted, place = was, was + offset - now
        while more := self._count(counted, place + 1):
            counted, place = place, place + more
        self._known = (offset, place)
        return place

    def _count(self, start: int, stop: int) -> int:
        """Those that begin there; some at a time, for a look at a long text would keep all other threads waiting."""
        return sum(self._source.count(_CRLF, at, min(at + _SOME + 1, stop)) for at in range(start, stop, _SOME))


def _traced(steps: Steps, offset: int) -> int:
    for ends, shifts in reversed(steps):
        place = bisect_right(ends, offset)
        if place:
            offset += shifts[place - 1]
    return offset


def normalise(text: str) -> Normalised:
    """`text` in one spelling; plain ASCII costs a look at its bytes."""
    data = _plain(text) if text.isascii() else None
    if data is not None:
        steps: Steps = []
        return Normalised(_join(data, _IN_BYTES, steps) if _MAY_JOIN.search(data) else data, None, steps)
    plain = _reread(_without_crlf(text), None)
    return Normalised(_encode(plain), plain)


def _plain(text: str) -> bytes | None:
    """A text of ASCII with line feeds alone; None where something in it has to be looked at.

    Line by line of a long one, some at a time: what fits the processor's cache is read several times for the price of
    one, and no other thread waits long.
    """
    pieces: list[bytes] = []
    start = 0
    while start < len(text):
        stop = text.find("\n", start + _SLICE) + 1 or len(text)
        data = _line_feeds(text[start:stop].encode())
        if _NUL in data or (b"=" in data and b"=\n" in data and _MAY_BE_SOFT.search(data)):
            return None
        pieces.append(_RULED.sub(_blank, data) if b"__" in data else data)
        start = stop
    return b"".join(pieces) if len(pieces) != 1 else pieces[0]


def _blank(match: re.Match[AnyStr]) -> AnyStr:
    return match[0][:0].ljust(len(match[0]))


def _is_ruled(data: bytes) -> bool:
    return b"__" in data and _RULED.search(data) is not None


def _line_feeds(data: bytes) -> bytes:
    """With line feeds for CRLF, and NUL for what is not plain; in one pass where there are pairs of CR and LF only.

    To take every CR away is quicker than to find each pair.
    """
    if b"\r" not in data:
        return _NUL if data.translate(None, _PLAIN_ASCII) else data
    if _LONE_CR.search(data):
        data = data.replace(b"\r\n", b"\n")
        return _NUL if data.translate(None, _PLAIN_ASCII) else data
    return data.translate(_NUL_FOR_ODD, b"\r")


def normalise_all(texts: Sequence[str]) -> list[Normalised]:
    """Each of several texts; where all are plain ASCII with nothing to be joined, at the cost of one look."""
    if all(map(str.isascii, texts)):
        plain = [_line_feeds(text.encode()) for text in texts]
        data = _BARRIER.join(plain)
        if _NUL not in data and b"=\n" not in data and not _JOINS.search(data) and not _is_ruled(data):
            return [Normalised(one, None, []) for one in plain]
    return [normalise(text) for text in texts]


def _reread(text: str, steps: Steps | None) -> str:
    """All that is done for a text that is not plain; `steps` takes what led where."""
    if not text.isascii():
        text = "".join([_one_for_one(text[start : start + _SOME]) for start in range(0, len(text), _SOME)])
    data = _encode(text)
    if ODD_BYTES.search(data) is not None:
        text = _in_pieces(text, steps)
        data = _encode(text)
    if not text.isascii() and STROKE_BYTES.search(data) is not None:
        text = _replace(STROKE, lambda match: f"{match[1]}-", text, steps)
    if "__" in text:
        text = replaced_in_turns(_RULED_TEXT, _blank, text)
    if "=\n" in text:
        text = _replace(_SOFT, lambda match: "", text, steps)
    return _join(text, _IN_TEXT, steps)


def _one_for_one(piece: str) -> str:
    piece = _encode(piece).decode()
    for odd, plain in ONE_FOR_ONE.items():
        piece = piece.replace(odd, plain)
    return piece


def _without_crlf(text: str) -> str:
    """With line feeds for CRLF."""
    pieces: list[str] = []
    start = 0
    while start < len(text):
        stop = text.find("\n", start + _SOME) + 1 or len(text)
        pieces.append(text[start:stop].replace(_CRLF, "\n"))
        start = stop
    return "".join(pieces)


def _in_pieces(text: str, steps: Steps | None) -> str:
    """Odd characters by their spelling; a long text piece by piece, so that it takes little memory beyond it."""
    if steps is not None:
        return _noted(text, _spelled(text), steps)
    return "".join("".join(_filled(piece, _spelled(piece))) for piece in _pieces(text))


def _spelled(text: str) -> Iterator[_Change]:
    """Runs of odd characters, each with the plain one before it, which its marks may stand on."""
    for match in ODD.finditer(text):
        start, end = match.span()
        start = max(start - 1, 0)
        yield start, end, careful(text[start:end])


def _pieces(text: str) -> Iterator[str]:
    """The text cut before plain characters, so that rewriting a long one takes little memory beyond it."""
    start = 0
    while start < len(text):
        end = min(start + _SLICE, len(text))
        most = end + _SLICE
        while end < most and end < len(text) and not "\x20" < text[end] < "\x7f":
            end += 1
        yield text[start:end]
        start = end


def _encode(text: str) -> bytes:
    """UTF-8 that the engine may rely on: a lone surrogate (a broken charset) becomes `?`, one for one."""
    if len(text) <= _SOME:
        return text.encode("utf-8", "replace")
    return b"".join([text[start : start + _SOME].encode("utf-8", "replace") for start in range(0, len(text), _SOME)])


def _join(text: AnyStr, rule: "_Rule[AnyStr]", steps: Steps | None) -> AnyStr:
    """Without the line breaks within numbers."""
    pieces: list[AnyStr] = []
    ends: list[int] = []
    shifts: list[int] = []
    done = shift = 0
    for line, resumed in rule.line_breaks(text):
        before = text[max(0, line - 3) : line]
        bare = before.rstrip(rule.gap)
        if not rule.digit.match(bare[-1:]) or len(before) - len(bare) > 2:
            continue
        if len(before) > len(bare):
            fill = rule.nothing
        elif line >= WRAPPED_FROM and text.rfind(rule.line_feed, line - WRAPPED_FROM, line) < 0:
            fill = rule.space
        else:
            continue
        pieces += (text[done:line], fill)
        done = resumed
        shift += done - line - len(fill)
        ends.append(done - shift)
        shifts.append(shift)
    if not pieces:
        return text
    if steps is not None:
        steps.append((ends, shifts))
    pieces.append(text[done:])
    return rule.nothing.join(pieces)


@dataclass(frozen=True, slots=True)
class _Rule(Generic[AnyStr]):
    """How a break within a number looks, in characters or in bytes.

    `line_breaks`: those behind what may be the end of a number's half and before a digit, each with where that stands.
    """

    line_breaks: Callable[[AnyStr], Iterator[tuple[int, int]]]
    digit: re.Pattern[AnyStr]
    gap: AnyStr
    line_feed: AnyStr
    space: AnyStr
    nothing: AnyStr


# From a sign that is leapt to, and on from there only where it stands behind what may be the end of a number's half.
_BREAK: Final = re.compile(r"\n(?<=[0-9 -]\n) {0,2}(?=[0-9])")
_MAY_JOIN: Final = re2.compile(r"\n {0,2}[0-9]")  # a look that is far quicker, for most texts have no such line
_LONE_CR: Final = re2.compile(r"\r(?:[^\n]|\z)")
_JOINS: Final = re.compile(rb"\n(?<=[0-9 -]\n) {0,2}(?=[0-9])")


@cache
def _engine() -> Engine:
    """Sees the breaks in half the time, and keeps no other thread waiting meanwhile."""
    return Engine([Expression(r"[0-9 -]\n {0,2}[0-9]", bytewise=True)])


def _breaks_of_text(text: str) -> Iterator[tuple[int, int]]:
    return (match.span() for match in _BREAK.finditer(text))


def _breaks_of_bytes(data: bytes) -> Iterator[tuple[int, int]]:
    for block in _engine().ends(data):
        for end in sorted(block):
            yield data.rindex(b"\n", 0, end), end - 1


_IN_TEXT: Final = _Rule(_breaks_of_text, re.compile("[0-9]"), "- ", "\n", " ", "")
_IN_BYTES: Final = _Rule(_breaks_of_bytes, re.compile(b"[0-9]"), b"- ", b"\n", b" ", b"")


def _replace(pattern: re.Pattern[str], by: Callable[[re.Match[str]], str], text: str, steps: Steps | None) -> str:
    """`pattern.sub`, noting what it changed in length."""
    changes = ((found.start(), found.end(), by(found)) for found in found_in_turns(pattern, text))
    return "".join(_filled(text, changes)) if steps is None else _noted(text, changes, steps)


def _filled(text: str, changes: Iterable[_Change]) -> Iterator[str]:
    """The text's pieces, with what takes others' place."""
    done = 0
    for start, end, fresh in changes:
        yield text[done:start]
        yield fresh
        done = end
    yield text[done:]


def _noted(text: str, changes: Iterable[_Change], steps: Steps) -> str:
    """The text with its changes; `steps` takes those in length."""
    ends: list[int] = []
    shifts: list[int] = []

    def noted() -> Iterator[_Change]:
        shift = 0
        for start, end, fresh in changes:
            change = end - start - len(fresh)
            if change:
                ends.append(end - shift - change)
                shift += change
                shifts.append(shift)
            yield start, end, fresh

    changed = "".join(_filled(text, noted()))
    steps.append((ends, shifts))
    return changed
