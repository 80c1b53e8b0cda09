"""Text as patterns want it: one spelling for each digit, dash and space, and nothing that is invisible.

A value must be found however it was dressed: full-width or Arabic digits, a non-breaking hyphen, a zero-width space
between two digits, a line that a mail program broke within a number. What is changed, and into what:

- compatibility forms (NFKC), decimal digits of all scripts to ASCII, dashes of all scripts to `-`, spaces to ` `,
  line ends to line feeds;
- removed: zero-width and bidi characters, soft hyphens, variation selectors, control characters, marks set upon
  digits, dashes and spaces (an underlined or circled 5 is a 5 to the reader);
- a line break within a number, where a mail program made it: behind a dash, behind a space (RFC 3676 4.1), or where
  the line is as long as wrapped lines are.
"""

import re
import unicodedata
from bisect import bisect_right
from dataclasses import dataclass, field
from typing import Final

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
# No combining mark, compatibility form, digit, dash, space or format character is among them.
_PLAIN: Final = (
    r"\x09\x0a\x0c\x0d\x20-\x7e\u00a1-\u00a7\u00a9\u00ab\u00ac\u00ae\u00b0\u00b1\u00b6\u00b7\u00bb\u00bf-\u0131"
    r"\u0134-\u013e\u0141-\u0148\u014a-\u017e\u0180-\u01c3\u0391-\u03a1\u03a3-\u03ce\u0400-\u0482\u048a-\u052f"
    r"\u05d0-\u05ea\u0621-\u063a\u0641-\u064a\u3001-\u3003\u3041-\u3096\u30a1-\u30fa\u4e00-\u9fff\uac00-\ud7a3"
    r"\u2016\u2018-\u201f\u2020-\u2023\u2030\u2039\u203a\u20ac\U0001f300-\U0001faff"
)
_ODD_BYTES: Final = re2.compile("[^" + re.sub(r"\\[xuU]([0-9a-f]+)", r"\\x{\1}", _PLAIN) + "]")
_ODD_RUN: Final = re.compile(f"[{_PLAIN}]?[^{_PLAIN}]+")
_BREAK_BYTES: Final = re2.compile(r"[0-9][- ]{0,2}\r?\n {0,2}[0-9]")
_BREAK: Final = re.compile(r"(?<=[0-9])([- ]{0,2})(\r?\n {0,2})(?=[0-9])")


@dataclass(frozen=True, slots=True)
class Normalised:
    """A text in one spelling. `data` is `text` in UTF-8. `anchors` maps places back to the text it was made from.

    The original is counted with line ends of one character, whichever it had.
    """

    text: str = field(repr=False)
    data: bytes = field(repr=False)
    anchors: tuple[tuple[int, int], ...] = ((0, 0),)  # (offset here, offset in the original), rising

    def original(self, offset: int) -> int:
        """Where in the original text the character at `offset` came from; the nearest place where many became one."""
        here, there = self.anchors[bisect_right(self.anchors, (offset, 1 << 62)) - 1]
        index = bisect_right(self.anchors, (offset, 1 << 62))
        limit = self.anchors[index][1] if index < len(self.anchors) else 1 << 62
        return min(there + offset - here, limit)


def normalise(text: str) -> Normalised:
    """`text` in one spelling; plain ASCII costs one look at its bytes."""
    anchors: list[tuple[int, int]] = [(0, 0)]
    if "\r\n" in text:
        text = text.replace("\r\n", "\n")
    if not text.isascii():
        text = _encode(text).decode()
        for odd, plain in _ONE_FOR_ONE.items():
            text = text.replace(odd, plain)
    data = _encode(text)
    if _ODD_BYTES.search(data) is not None:
        text, anchors = _rewrite(text)
        data = _encode(text)
    if _BREAK_BYTES.search(data) is not None:
        text, anchors = _join_lines(text, anchors)
        data = _encode(text)
    return Normalised(text, data, tuple(anchors))


def _encode(text: str) -> bytes:
    """UTF-8 that the engine may rely on: a lone surrogate (a broken charset) becomes `?`, one for one."""
    return text.encode("utf-8", "replace")


def _rewrite(text: str) -> tuple[str, list[tuple[int, int]]]:
    pieces: list[str] = []
    anchors = [(0, 0)]
    done = length = 0
    for run in _ODD_RUN.finditer(text):
        start, end = run.span()
        fresh = _careful(run.group())
        pieces += (text[done:start], fresh)
        length += start - done
        if len(fresh) != end - start:
            anchors.append((length, start))
            anchors.append((length + len(fresh), end))
        length += len(fresh)
        done = end
    pieces.append(text[done:])
    return "".join(pieces), anchors


def _careful(run: str) -> str:
    out: list[str] = []
    for char in unicodedata.normalize("NFKC", run):
        fresh = char if "\x20" <= char <= "\x7e" else _one(char, out[-1] if out else "")
        if fresh:
            out.append(fresh)
    return unicodedata.normalize("NFKC", "".join(out))  # what stood between two that combine may be gone


def _one(char: str, before: str) -> str:
    """What a character becomes; empty where it shows nothing."""
    if char in _LINES:
        return _LINES[char]
    if char in "\t\n\r\f":
        return char
    category = unicodedata.category(char)
    if category in ("Cf", "Cc") or char in _REMOVED or "\ufe00" <= char <= "\ufe0f" or char >= "\U000e0000":
        return ""
    if category in ("Mn", "Me"):
        return "" if before and before in "0123456789- " else char
    if category == "Pd" or char in _ALSO_DASHES:
        return "-"
    if category == "Zs" or char in _BLANKS:
        return " "
    digit = unicodedata.decimal(char, None)
    return char if digit is None else str(digit)


def _join_lines(text: str, anchors: list[tuple[int, int]]) -> tuple[str, list[tuple[int, int]]]:
    """Take out line breaks within numbers; the anchors already made are moved along."""
    cuts: list[tuple[int, int, str]] = []
    for match in _BREAK.finditer(text):
        gap, line = match.group(1), match.start(2)
        if gap.endswith(("-", " ")):
            cuts.append((line, match.end(), ""))
        elif line - (text.rfind("\n", 0, line) + 1) >= WRAPPED_FROM:
            cuts.append((line, match.end(), " "))
    pieces: list[str] = []
    moved: list[tuple[int, int]] = []
    done = lost = index = 0
    for start, end, fill in cuts:
        while index < len(anchors) and anchors[index][0] <= start:
            moved.append((anchors[index][0] - lost, anchors[index][1]))
            index += 1
        pieces += (text[done:start], fill)
        there = _back(anchors, index, end)
        lost += end - start - len(fill)
        while index < len(anchors) and anchors[index][0] <= end:
            index += 1
        moved.append((end - lost, there))
        done = end
    moved += [(here - lost, there) for here, there in anchors[index:]]
    pieces.append(text[done:])
    return "".join(pieces), moved


def _back(anchors: list[tuple[int, int]], index: int, offset: int) -> int:
    """The original place of `offset`, where `index` is the first anchor that may lie behind it."""
    while index < len(anchors) and anchors[index][0] <= offset:
        index += 1
    here, there = anchors[index - 1]
    return there + offset - here
