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
from rules.spelling import ODD_BYTES, ODD_RUN, ONE_FOR_ONE, STROKE, STROKE_BYTES, plain_spelling
from rules.turns import finditer_in_turns, sub_in_turns

WRAPPED_FROM: Final = 55  # a line of so many characters that ends in a number was broken by a program
BARRIER: Final = "\n\f\n"  # between texts that are looked at together: nothing is written across it

_BARRIER: Final = BARRIER.encode()
_PLAIN_ASCII: Final = bytes([9, 10, 12, 13, *range(32, 127)])
_NUL: Final = b"\0"
_NUL_FOR_ODD: Final = bytes(code if code in _PLAIN_ASCII else 0 for code in range(256))
_SLICE: Final = 1 << 15  # characters of a long text that are rewritten at a time
_PER_CALL: Final = 1 << 20  # characters looked at by one call, since no other thread runs meanwhile
_CRLF: Final = "\r\n"
_MAY_BE_SOFT_BREAK: Final = re.compile(rb"[0-9-]=\n(?:[0-9-]|\Z)")  # a quick look, for base64 ends with = too
# The drawn line of a form before or behind what was written upon it: letters and digits that begin or end there.
_FORM_LINE: Final = r"(?:(?<![^\s:;,(#|>])__+(?=[A-Z]{0,9}[0-9])|(?<=[0-9A-Z])__+(?![^\s:;,.)|<]))"
_FORM_LINE_BYTES: Final = re.compile(_FORM_LINE.encode())
_FORM_LINE_TEXT: Final = re.compile(_FORM_LINE)
_SOFT_BREAK: Final = re.compile(r"(?<=[0-9-])=\n(?=[0-9-])")
_Change: TypeAlias = tuple[int, int, str]  # start and end of what is replaced, and its replacement
# For each rewriting: the ends of its changes in the new text, rising, and how much farther each ended in the old one.
Steps: TypeAlias = list[tuple[list[int], list[int]]]


class Normalised:
    """A text in one spelling: `text`, and `data`, the same in UTF-8."""

    __slots__ = ("_steps", "_text", "data")

    def __init__(self, data: bytes, text: str | None = None, steps: Steps | None = None) -> None:
        self.data = data
        self._text = text
        self._steps = steps  # None: what changed was not recorded, and is worked out anew when it is asked for

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
        """A function from an offset in `text` to the offset in `source`, the text that was normalised."""
        steps = self._steps
        if steps is None:
            steps = []
            _rewrite(_without_crlf(source), steps)
        traced = partial(_trace_back, steps)
        ends = _CrlfOffsets(source) if _CRLF in source else None
        return (lambda offset: ends.source(traced(offset))) if ends is not None else traced


class _CrlfOffsets:
    """Where the characters of a text stood before its CRLF became line feeds."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._known = (0, 0)  # the offset asked for last, and its place in the source

    def source(self, offset: int) -> int:
        """The place of a character; cheapest where offsets rise."""
        now, was = self._known if offset >= self._known[0] else (0, 0)
        counted, place = was, was + offset - now
        while more := self._count(counted, place + 1):
            counted, place = place, place + more
        self._known = (offset, place)
        return place

    def _count(self, start: int, stop: int) -> int:
        """The pairs that begin in start..stop, counted piece by piece so that no other thread waits long."""
        return sum(self._source.count(_CRLF, at, min(at + _PER_CALL + 1, stop)) for at in range(start, stop, _PER_CALL))


def _trace_back(steps: Steps, offset: int) -> int:
    """The offset in the text before all `steps` of what stands at `offset` behind them."""
    for ends, shifts in reversed(steps):
        place = bisect_right(ends, offset)
        if place:
            offset += shifts[place - 1]
    return offset


def normalise(text: str) -> Normalised:
    """`text` in one spelling; plain ASCII costs a look at its bytes."""
    data = _normalise_plain(text) if text.isascii() else None
    if data is not None:
        steps: Steps = []
        return Normalised(
            _join_numbers(data, _BYTES_RULE, steps) if _MAY_BREAK_NUMBER.search(data) else data, None, steps
        )
    plain = _rewrite(_without_crlf(text), None)
    return Normalised(_encode(plain), plain)


def _normalise_plain(text: str) -> bytes | None:
    """An ASCII text with line feeds for line ends; None where it holds more to rewrite than form lines.

    A long text is read slice by slice: what fits the processor's cache is read several times for the price of one, and
    no other thread waits long.
    """
    pieces: list[bytes] = []
    start = 0
    while start < len(text):
        stop = text.find("\n", start + _SLICE) + 1 or len(text)
        data = _line_feeds(text[start:stop].encode())
        if _NUL in data or (b"=" in data and b"=\n" in data and _MAY_BE_SOFT_BREAK.search(data)):
            return None
        pieces.append(_FORM_LINE_BYTES.sub(_as_blanks, data) if b"__" in data else data)
        start = stop
    return b"".join(pieces) if len(pieces) != 1 else pieces[0]


def _as_blanks(match: re.Match[AnyStr]) -> AnyStr:
    return match[0][:0].ljust(len(match[0]))


def _has_form_line(data: bytes) -> bool:
    return b"__" in data and _FORM_LINE_BYTES.search(data) is not None


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
    """Each of several texts normalised; where all are plain ASCII with nothing to join, at the cost of one look."""
    if all(map(str.isascii, texts)):
        plain = [_line_feeds(text.encode()) for text in texts]
        data = _BARRIER.join(plain)
        if (
            _NUL not in data
            and b"=\n" not in data
            and not _NUMBER_BREAK_BYTES.search(data)
            and not _has_form_line(data)
        ):
            return [Normalised(one, None, []) for one in plain]
    return [normalise(text) for text in texts]


def _rewrite(text: str, steps: Steps | None) -> str:
    """A text with line feeds for line ends, in one spelling. Each change of length is added to `steps`, if given."""
    if not text.isascii():
        text = "".join([_one_for_one(text[start : start + _PER_CALL]) for start in range(0, len(text), _PER_CALL)])
    data = _encode(text)
    if ODD_BYTES.search(data) is not None:
        text = _rewrite_odd(text, steps)
        data = _encode(text)
    if not text.isascii() and STROKE_BYTES.search(data) is not None:
        text = _replace(STROKE, lambda match: f"{match[1]}-", text, steps)
    if "__" in text:
        text = sub_in_turns(_FORM_LINE_TEXT, _as_blanks, text)
    if "=\n" in text:
        text = _replace(_SOFT_BREAK, lambda match: "", text, steps)
    return _join_numbers(text, _TEXT_RULE, steps)


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
        stop = text.find("\n", start + _PER_CALL) + 1 or len(text)
        pieces.append(text[start:stop].replace(_CRLF, "\n"))
        start = stop
    return "".join(pieces)


def _rewrite_odd(text: str, steps: Steps | None) -> str:
    """The text with odd characters in plain spelling; a long one piece by piece, to need little memory besides."""
    if steps is not None:
        return _splice_and_record(text, _odd_changes(text), steps)
    return "".join("".join(_spliced(piece, _odd_changes(piece))) for piece in _cut_at_plain(text))


def _odd_changes(text: str) -> Iterator[_Change]:
    """The change for each run of odd characters, together with the plain one before, on which marks may stand."""
    for match in ODD_RUN.finditer(text):
        start, end = match.span()
        start = max(start - 1, 0)
        yield start, end, plain_spelling(text[start:end])


def _cut_at_plain(text: str) -> Iterator[str]:
    """The text in pieces, each of which begins with a plain character where that is possible."""
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
    if len(text) <= _PER_CALL:
        return text.encode("utf-8", "replace")
    return b"".join(
        [text[start : start + _PER_CALL].encode("utf-8", "replace") for start in range(0, len(text), _PER_CALL)]
    )


def _join_numbers(text: AnyStr, rule: "_JoinRule[AnyStr]", steps: Steps | None) -> AnyStr:
    """The text without the line breaks within numbers; `steps` takes what that changed."""
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
class _JoinRule(Generic[AnyStr]):
    """How a break within a number looks, in characters or in bytes.

    `line_breaks`: finds line feeds that may split a number, each as its offset and that of the digit behind it.
    """

    line_breaks: Callable[[AnyStr], Iterator[tuple[int, int]]]
    digit: re.Pattern[AnyStr]
    gap: AnyStr
    line_feed: AnyStr
    space: AnyStr
    nothing: AnyStr


# `re` leaps to the line feed, and goes on only where a digit, a space or a dash stands before it.
_NUMBER_BREAK: Final = re.compile(r"\n(?<=[0-9 -]\n) {0,2}(?=[0-9])")
_MAY_BREAK_NUMBER: Final = re2.compile(r"\n {0,2}[0-9]")  # a look that is far quicker, for most texts have no such line
_LONE_CR: Final = re2.compile(r"\r(?:[^\n]|\z)")
_NUMBER_BREAK_BYTES: Final = re.compile(rb"\n(?<=[0-9 -]\n) {0,2}(?=[0-9])")


@cache
def _break_engine() -> Engine:
    """Finds the breaks in half the time that `re` takes, and lets other threads run meanwhile."""
    return Engine([Expression(r"[0-9 -]\n {0,2}[0-9]", bytewise=True)])


def _breaks_of_text(text: str) -> Iterator[tuple[int, int]]:
    return (match.span() for match in _NUMBER_BREAK.finditer(text))


def _breaks_of_bytes(data: bytes) -> Iterator[tuple[int, int]]:
    for block in _break_engine().ends(data):
        for end in sorted(block):
            yield data.rindex(b"\n", 0, end), end - 1


_TEXT_RULE: Final = _JoinRule(_breaks_of_text, re.compile("[0-9]"), "- ", "\n", " ", "")
_BYTES_RULE: Final = _JoinRule(_breaks_of_bytes, re.compile(b"[0-9]"), b"- ", b"\n", b" ", b"")


def _replace(pattern: re.Pattern[str], by: Callable[[re.Match[str]], str], text: str, steps: Steps | None) -> str:
    """`pattern.sub(by, text)`; each change of length is added to `steps`."""
    changes = ((found.start(), found.end(), by(found)) for found in finditer_in_turns(pattern, text))
    return "".join(_spliced(text, changes)) if steps is None else _splice_and_record(text, changes, steps)


def _spliced(text: str, changes: Iterable[_Change]) -> Iterator[str]:
    """The pieces of the text with its changes made."""
    done = 0
    for start, end, fresh in changes:
        yield text[done:start]
        yield fresh
        done = end
    yield text[done:]


def _splice_and_record(text: str, changes: Iterable[_Change], steps: Steps) -> str:
    """The text with its changes made; those of length are added to `steps`."""
    ends: list[int] = []
    shifts: list[int] = []

    def recorded() -> Iterator[_Change]:
        shift = 0
        for start, end, fresh in changes:
            change = end - start - len(fresh)
            if change:
                ends.append(end - shift - change)
                shift += change
                shifts.append(shift)
            yield start, end, fresh

    changed = "".join(_spliced(text, recorded()))
    steps.append((ends, shifts))
    return changed
