"""Text as patterns want it: one spelling for each digit, dash and space, and nothing that is invisible.

A value must be found however it was dressed: full-width or Arabic digits, a non-breaking hyphen, a zero-width space
between two digits, a line that a mail program broke within a number. What is changed, and into what:

- compatibility forms (NFKC), decimal digits of all scripts to ASCII, dashes of all scripts to `-`, spaces to ` `,
  line ends to line feeds;
- removed: zero-width and bidi characters, soft hyphens, variation selectors, control characters, marks set upon
  digits, dashes and spaces (an underlined or circled 5 is a 5 to the reader);
- a line break within a number, where a mail program made it: behind a dash, behind a space (RFC 3676 4.1), or where
  the line is as long as wrapped lines are; a soft break that nobody decoded (RFC 2045 6.7);
- strokes and dots of drawings between two digits become dashes.
"""

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final, TypeAlias

import re2

WRAPPED_FROM: Final = 55  # a line of so many characters that ends in a number was broken by a program

# The commonest, one character for one: replaced without a look at anything else.
_ONE_FOR_ONE: Final = {
    "\u00a0": " ",
    "\u2009": " ",
    "\u202f": " ",
    "\u2010": "-",
    "\u2011": "-",
    "\u2012": "-",
    "\u2013": "-",
    "\u2014": "-",
    "\u2212": "-",
}
_ALSO_DASHES: Final = frozenset("\u02d7\u2043\u2212\u2796\ufe58\ufe63\uff0d")
_BLANKS: Final = frozenset("\u2800\u3164\uffa0\u115f\u1160")  # drawn as nothing or as a space
_LINES: Final = {"\x0b": "\n", "\x85": "\n", "\u2028": "\n", "\u2029": "\n"}
_REMOVED: Final = frozenset("\u034f\u180b\u180c\u180d\u180e\u180f")

# Letters and signs that stay as they are, alone and side by side: everything else gets the careful look.
# No combining mark, compatibility form, digit, dash, space or format character is among them but two phrases in one
# character, which would come out eighteen times as long.
_PLAIN: Final = (
    r"\x09\x0a\x0c\x0d\x20-\x7e\u00a1-\u00a7\u00a9\u00ab\u00ac\u00ae\u00b0\u00b1\u00b6\u00b7\u00bb\u00bf-\u0131"
    r"\u0134-\u013e\u0141-\u0148\u014a-\u017e\u0180-\u01c3\u0391-\u03a1\u03a3-\u03ce\u0400-\u0482\u048a-\u052f"
    r"\u05d0-\u05ea\u0621-\u063a\u0641-\u064a\u3001-\u3003\ufdfa\ufdfb\u3041-\u3096\u30a1-\u30fa\u4e00-\u9fff\uac00-\ud7a3"
    r"\u2016\u2018-\u201f\u2020-\u2023\u2030\u2039\u203a\u20ac\U0001f300-\U0001faff"
)
_ODD_BYTES: Final = re2.compile("[^" + re.sub(r"\\[xuU]([0-9a-f]+)", r"\\x{\1}", _PLAIN) + "]")
_ODD_RUN: Final = re.compile(f"[{_PLAIN}]?[^{_PLAIN}]+")
_PLAIN_ASCII: Final = bytes([9, 10, 12, 13, *range(32, 127)])
BARRIER: Final = "\n\f\n"  # between texts that are looked at together: nothing is written across it
_UPON: Final = re.compile(r"(?<=[0-9\- ])(?:\0[^\0])+")
_PIECE: Final = 128
_SLICE: Final = 1 << 15
_MOST_SPELLINGS: Final = 20_000
# Drawn as a dash or a dot, and read as one between two digits: a box's line, a middle dot, a long vowel's mark.
_STROKES: Final = "\u00b7\u2022\u2027\u2219\u22c5\u2500\u2501\u2504\u2505\u2508\u2509\u254c\u254d\u30fb\u30fc\u4e00"
_STROKE_BYTES: Final = re2.compile(f"[0-9] ?[{_STROKES}] ?[0-9]")
_STROKE: Final = re.compile(f"(?<=[0-9])( ?)[{_STROKES}](?= ?[0-9])")
_CRLF: Final = re.compile("\r\n")
_SOFT: Final = re.compile(r"(?<=[0-9-])=\n(?=[0-9-])")
_BREAK_BYTES: Final = re2.compile(r"[0-9][- ]{0,2}\r?\n {0,2}[0-9]")
_BREAK: Final = re.compile(r"(?<=[0-9])([- ]{0,2})(\r?\n {0,2})(?=[0-9])")


@dataclass(frozen=True, slots=True)
class Normalised:
    """A text in one spelling. `data` is `text` in UTF-8."""

    text: str = field(repr=False)
    data: bytes = field(repr=False)

    def origin(self, source: str) -> Callable[[int], int]:
        """For characters of `text`: where in `source`, of which it was made, they stand."""
        if source is self.text:
            return lambda offset: offset
        steps: Steps = []
        normalise(source, steps)
        return partial(_traced, steps)


# What each step replaced: where it ended in what came out, and how much farther it ended in what went in.
Steps: TypeAlias = list[tuple[list[int], list[int]]]


def _traced(steps: Steps, offset: int) -> int:
    for ends, shifts in reversed(steps):
        place = bisect_right(ends, offset)
        if place:
            offset += shifts[place - 1]
    return offset


def _replace(pattern: re.Pattern[str], by: Callable[[re.Match[str]], str], text: str, steps: Steps | None) -> str:
    """`pattern.sub`, noting what it changed in length."""
    if steps is None:
        return pattern.sub(by, text)
    ends: list[int] = []
    shifts: list[int] = []
    shift = 0

    def noted(match: re.Match[str]) -> str:
        nonlocal shift
        fresh = by(match)
        change = match.end() - match.start() - len(fresh)
        if change:
            ends.append(match.end() - shift - change)
            shift += change
            shifts.append(shift)
        return fresh

    changed = pattern.sub(noted, text)
    steps.append((ends, shifts))
    return changed


class _Spelling(dict[int, str]):
    """For `str.translate`: what each character becomes, worked out where it is first met. Empty: it shows nothing."""

    def __missing__(self, code: int) -> str:
        fresh = _one(chr(code))
        if len(self) < _MOST_SPELLINGS:
            self[code] = fresh
        return fresh


def normalise(text: str, steps: Steps | None = None) -> Normalised:
    """`text` in one spelling; plain ASCII costs one look at its bytes. `steps` takes what led where."""
    if "\r\n" in text:
        text = _replace(_CRLF, _line_feed, text, steps) if steps is not None else text.replace("\r\n", "\n")
    if not text.isascii():
        text = _encode(text).decode()
        for odd, plain in _ONE_FOR_ONE.items():
            text = text.replace(odd, plain)
    data = _encode(text)
    if _ODD_BYTES.search(data) is not None:
        text = _in_pieces(text, steps)
        data = _encode(text)
    if _STROKE_BYTES.search(data) is not None:
        text = _replace(_STROKE, lambda match: f"{match[1]}-", text, steps)
        data = _encode(text)
    if b"=\n" in data:
        text = _replace(_SOFT, lambda match: "", text, steps)
        data = _encode(text)
    if _BREAK_BYTES.search(data) is not None:
        text = _join_lines(text, steps)
        data = _encode(text)
    return Normalised(text, data)


def normalise_all(texts: Sequence[str]) -> tuple[Normalised, ...]:
    """Each of several short texts in one spelling; where all are plain ASCII, at the cost of one look."""
    plain = [text.replace("\r\n", "\n") for text in texts]
    joined = BARRIER.join(plain)
    if joined.isascii():
        data = joined.encode()
        if not data.translate(None, _PLAIN_ASCII) and b"=\n" not in data and _BREAK_BYTES.search(data) is None:
            return tuple(Normalised(text, text.encode()) for text in plain)
    return tuple(map(normalise, texts))


def _line_feed(match: re.Match[str]) -> str:
    return "\n"


def _in_pieces(text: str, steps: Steps | None) -> str:
    """Odd characters by their spelling; a long text piece by piece, so that it takes little memory beyond it."""
    if steps is not None:
        return _replace(_ODD_RUN, _careful, text, steps)
    return "".join(_ODD_RUN.sub(_careful, piece) for piece in _pieces(text))


def _encode(text: str) -> bytes:
    """UTF-8 that the engine may rely on: a lone surrogate (a broken charset) becomes `?`, one for one."""
    return text.encode("utf-8", "replace")


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


def _careful(match: re.Match[str]) -> str:
    plain = _compatible(match.group()).translate(_SPELLING)
    # What stood between two that combine may be gone.
    return _compatible(_UPON.sub("", plain).replace("\0", ""))


def _compatible(run: str) -> str:
    """NFKC, piece by piece: sorting the marks of one character takes the square of their number."""
    if len(run) <= _PIECE:
        return unicodedata.normalize("NFKC", run)
    pieces = (run[start : start + _PIECE] for start in range(0, len(run), _PIECE))
    return "".join(unicodedata.normalize("NFKC", piece) for piece in pieces)


def _one(char: str) -> str:
    """What a character becomes; empty where it shows nothing."""
    if char in _LINES:
        return _LINES[char]
    if "\x20" <= char <= "\x7e" or char in "\t\n\r\f":
        return char
    category = unicodedata.category(char)
    if category in ("Cf", "Cc") or char in _REMOVED or "\ufe00" <= char <= "\ufe0f" or char >= "\U000e0000":
        return ""
    if category == "Pd" or char in _ALSO_DASHES:
        return "-"
    if category == "Zs" or char in _BLANKS:
        return " "
    if category in ("Mn", "Me"):
        return "\0" + char  # for _UPON; NUL itself shows nothing and is gone
    digit = unicodedata.digit(char, None)
    return char if digit is None else str(digit)


def _join_lines(text: str, steps: Steps | None) -> str:
    """Without the line breaks within numbers."""

    def joined(match: re.Match[str]) -> str:
        gap, line = match[1], match.start(2)
        if gap.endswith(("-", " ")):
            return gap
        wrapped = line >= WRAPPED_FROM and text.rfind("\n", line - WRAPPED_FROM, line) < 0
        return f"{gap} " if wrapped else match[0]

    return _replace(_BREAK, joined, text, steps)


_SPELLING: Final = _Spelling()
