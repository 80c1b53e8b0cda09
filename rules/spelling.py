"""One spelling for each digit, dash and space: what a character becomes, and where that needs a careful look."""

import re
import unicodedata
from typing import Final

import re2

# The commonest, one character for one: replaced without a look at anything else.
ONE_FOR_ONE: Final = {
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
_REMOVED: Final = frozenset(
    "\u2065\ufff0\ufff1\ufff2\ufff3\ufff4\ufff5\ufff6\ufff7\ufff8\u034f\u180b\u180c\u180d\u180e\u180f\u17b4\u17b5"
)
# Struck through, over or under something: it is read as what it was.
_STRUCK: Final = frozenset("\u0305\u0332\u0333\u0334\u0335\u0336\u0337\u0338\u033f\u0347")
# Digits in brackets, or with a stop or comma: NFKC would leave those beside the digit.
_ENCLOSED: Final = {
    **{0x2474 + n: str(n + 1) for n in range(9)},
    **{0x2488 + n: str(n + 1) for n in range(9)},
    0x1F100: "0",
    **{0x1F101 + n: str(n) for n in range(10)},
    # Of symbol fonts, which keep their signs in the private area: Symbol's digits, Wingdings' digits in circles.
    **{0xF030 + n: str(n) for n in range(10)},
    **{0xF080 + n: str(n) for n in range(10)},
    **{0xF08B + n: str(n) for n in range(10)},
    0xF02D: "-",
    # Numbers of old scripts that begin with one, ideographs in brackets, dice.
    **{first + n: str(n + 1) for first in (0x10107, 0x102E1, 0x111E1, 0x3220) for n in range(9)},
    **{0x2680 + n: str(n + 1) for n in range(6)},
    # Scripts that the tables of this Python may not know yet (Unicode 15 and 16).
    **{
        first + n: str(n)
        for first in (0x10D40, 0x116D0, 0x116DA, 0x11BF0, 0x11F50, 0x16130, 0x16D70, 0x1E4F0, 0x1E5F1)
        for n in range(10)
    },
    # Outlined, which the tables of this Python may not know yet (Unicode 16).
    **{0x1CCF0 + n: str(n) for n in range(10)},
}

# Braille: behind the sign of numbers the letters a to j are digits, up to the next space; in sums (Nemeth) the same one
# row lower. Where nothing but these stands in a long run, it is a number without its sign.
_BRAILLE_CELL: Final = re.compile("[\u2801-\u28ff]")
_BRAILLE_DIGITS: Final = dict(zip(map(ord, "⠚⠁⠃⠉⠙⠑⠋⠛⠓⠊⠴⠂⠆⠒⠲⠢⠖⠶⠦⠔⠤"), "01234567890123456789-", strict=True))
_BRAILLE: Final = re.compile(
    "⠼([⠚⠁⠃⠉⠙⠑⠋⠛⠓⠊⠤]+|[⠴⠂⠆⠒⠲⠢⠖⠶⠦⠔⠤]+)|(?<![\u2801-\u28ff])([⠚⠁⠃⠉⠙⠑⠋⠛⠓⠊⠤]{9,}|[⠴⠂⠆⠒⠲⠢⠖⠶⠦⠔⠤]{9,})(?![\u2801-\u28ff])"
)

# Letters and signs that stay as they are, alone and side by side: everything else gets the careful look.
# No combining mark, compatibility form, digit, dash, space or format character is among them but two phrases in one
# character, which would come out eighteen times as long.
_PLAIN: Final = (
    r"\x09\x0a\x0c\x0d\x20-\x7e\u00a1-\u00a7\u00a9\u00ab\u00ac\u00ae\u00b0\u00b1\u00b6\u00b7\u00bb\u00bf-\u0131"
    r"\u0134-\u013e\u0141-\u0148\u014a-\u017e\u0180-\u01c3\u0391-\u03a1\u03a3-\u03ce\u0400-\u0482\u048a-\u052f"
    r"\u05d0-\u05ea\u0621-\u063a\u0641-\u064a\u3001-\u3003\ufdfa\ufdfb\u3041-\u3096\u30a1-\u30fa\u4e00-\u9fff\uac00-\ud7a3"
    r"\u2016\u2018-\u201f\u2020-\u2023\u2030\u2039\u203a\u20ac\ufffd\U0001f300-\U0001faff"
)
ODD_SIGN: Final = "[^" + re.sub(r"\\[xuU]([0-9a-f]+)", r"\\x{\1}", _PLAIN) + "]"  # for RE2
ODD_BYTES: Final = re2.compile(ODD_SIGN)
ODD_RUN: Final = re.compile(f"[^{_PLAIN}]+")
_MARK_UPON_PLAIN: Final = re.compile(r"(?<=[0-9A-Za-z\- ])(?:\0[^\0])+")
_NFKC_PIECE: Final = 128
_MOST_SPELLINGS: Final = 20_000
_KEPT_RUN: Final = 3  # characters of a run that is likely to be met again
# Between two digits what is drawn there is a dash to the reader: a box's line, a middle dot, a long vowel's mark, an
# arrow, a small picture. Not what counts or measures: degrees, minutes, currencies, signs of arithmetic.
_STROKES: Final = (
    "\u00a6\u00a7\u00a9\u00ac\u00ae\u00b6\u00b7\u00b8\u2016-\u2027\u203b-\u205e\u2190-\u21ff\u2219\u22c5\u2300-\u23ff"
    "\u2500-\u27bf\u2900-\u297f\u2b00-\u2bff\u2e00-\u2e5d\ufffc\u06d4\u3001-\u3003\u3008-\u3020\u30fb\u30fc\u4e00\ua789"
    # The punctuation of other scripts, and what only a font of its own draws: an ornament, or an empty box.
    "\u055a-\u055f\u0589\u05be-\u05c6\u05f3\u05f4\u061b-\u061f\u0964\u0965\u0970\u0e4f\u0e5a\u0e5b\u0f04-\u0f14"
    "\u104a-\u104f\u1360-\u1368\u16eb-\u16ed\u1735\u1736\u17d4-\u17da\ue000-\uf02c\uf02e\uf02f\uf03a-\uf07f"
    "\uf095-\uf8ff\U0001f300-\U0001faff"
)
STROKE_BYTES: Final = re2.compile(f"[0-9] ?[{_STROKES}]{{1,2}} ?[0-9]")
STROKE: Final = re.compile(f"(?<=[0-9])( ?)[{_STROKES}]{{1,2}}(?= ?[0-9])")


class _CharSpellings(dict[int, str]):
    """For `str.translate`: what each character becomes, worked out where it is first met. Empty: it shows nothing."""

    def __missing__(self, code: int) -> str:
        fresh = _respell_char(chr(code))
        if len(self) < _MOST_SPELLINGS:
            self[code] = fresh
        return fresh


def plain_spelling(run: str) -> str:
    """`run` in plain spelling: odd characters, behind the plain one before them if there is one."""
    if len(run) > _KEPT_RUN:
        return _respell(run)
    known = _RUN_SPELLINGS.get(run)
    if known is None:
        known = _respell(run)
        if len(_RUN_SPELLINGS) < _MOST_SPELLINGS:
            _RUN_SPELLINGS[run] = known
    return known


def _respell(run: str) -> str:
    if _BRAILLE_CELL.search(run):
        run = _BRAILLE.sub(_braille_digits, run)
    plain = _nfkc(run.translate(_ENCLOSED)).translate(_CHAR_SPELLINGS)
    # What stood between two that combine may be gone.
    return _nfkc(_MARK_UPON_PLAIN.sub("", plain).replace("\0", ""))


def _braille_digits(match: re.Match[str]) -> str:
    return (match[1] or match[2]).translate(_BRAILLE_DIGITS)


def _nfkc(run: str) -> str:
    """NFKC, piece by piece: sorting the marks of one character takes the square of their number."""
    if len(run) <= _NFKC_PIECE:
        return unicodedata.normalize("NFKC", run)
    pieces = (run[start : start + _NFKC_PIECE] for start in range(0, len(run), _NFKC_PIECE))
    return "".join(unicodedata.normalize("NFKC", piece) for piece in pieces)


def _respell_char(char: str) -> str:
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
        struck = char in _STRUCK or "\u20d0" <= char <= "\u20ff"
        return "" if struck else "\0" + char  # for _MARK_UPON_PLAIN; NUL itself shows nothing and is gone
    digit = unicodedata.digit(char, None)
    return char if digit is None else str(digit)


_CHAR_SPELLINGS: Final = _CharSpellings()
_RUN_SPELLINGS: Final[dict[str, str]] = {}  # short ones that were met, and what they become
