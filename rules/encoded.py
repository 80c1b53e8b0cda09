"""Numbers in another writing: escaped in a link, packed as base64 or hexadecimal, spoken in tens.

`%35%33%36` in a link, `NTM2LTIyLTEyMzQ` in a line of prose and `five hundred thirty-six, twenty-two, twelve
thirty-four` are numbers to whoever reads them on. The engine tells where digits can stand so written; what is about the
place is read so beside the plain reading, and only where it is text: keys and digests are left alone.
"""

import re
from base64 import b64decode
from binascii import Error
from collections.abc import Iterator, Sequence
from typing import Final, TypeAlias

from rules.turns import finditer_in_turns

# Where a text was rewritten: characters of it, and what stands there instead.
Segment: TypeAlias = tuple[int, str]

# For the engine: three digits as base64 and as hexadecimal write them, two as escapes, a number of two words.
PACKED_MARK: Final = r"[MNO][DTjz][AEIMQUYcgk][w-z0-5]"
DIGITS_MARK: Final = r"3[0-9]3[0-9]3[0-9]|%3[0-9](?:%2[0DdEe]|[ .+-])?%3[0-9]"
_UNITS: Final = ["zero", "oh", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
_TEENS: Final = [
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
]
_TENS: Final = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_NEXT: Final = "zero|oh|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thir|twen|fou?r|fif|eigh"
SPOKEN_MARK: Final = rf"(?i)(?:ty|teen|hundred|\bten|twelve|eleven)[ ,.;-]{{1,3}}(?:and |dash )?(?:{_NEXT})"

_VALUES: Final = {
    **{word: max(0, value - 1) for value, word in enumerate(_UNITS)},
    **{word: 10 + value for value, word in enumerate(_TEENS)},
    **{word: 20 + 10 * value for value, word in enumerate(_TENS)},
}
_SAID: Final = "|".join((*_UNITS, *sorted(_TEENS, key=len, reverse=True), *_TENS, "hundred"))
_BETWEEN: Final = r"[ ,.;:/\n-]{1,3}(?:(?:and|dash|hyphen|then)[ ,]{1,2})?"
_RUN: Final = rf"\b(?:{_SAID})(?:{_BETWEEN}(?:{_SAID})){{2,40}}\b"
_ESCAPED: Final = r"(?:%3[0-9]|%2[0DdEe]|[0-9.+-]){4,120}"
_ANEW: Final = re.compile(rf"(?i){_RUN}|{_ESCAPED}")
_WORD: Final = re.compile(rf"(?i)({_BETWEEN})?({_SAID})\b")
_BREAK: Final = re.compile(r"(?i)[,.;:/]|\s-|-\s|dash|hyphen|then")  # between two groups of a number
_ESCAPE: Final = re.compile(r"%(..)")
_LEAST: Final = 9  # digits of a number that is worth it
_LEAST_ESCAPED: Final = 4

_PACKED: Final = re.compile(PACKED_MARK.encode())
_HEX: Final = re.compile(rb"3[0-9]3[0-9]3[0-9]")
_BASE64: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_"
_URL_SAFE: Final = bytes.maketrans(b"-_", b"+/")
_HEXADECIMAL: Final = b"0123456789abcdefABCDEF"
_NO_TEXT: Final = bytes(code for code in range(256) if (code < 32 and code not in b"\t\n\r") or code == 127)
_AROUND: Final = 1024  # signs on either side of a mark that are unpacked
_LEAST_PACKED: Final = 16
_MOST_CUT: Final = 3  # bytes of a character of UTF-8 that is cut
_LEAST_HEX: Final = 24
_WHOLE_LINE: Final = 40
_MOST_LINES: Final = 40


def respelt(text: str) -> list[Segment]:
    """The text with numbers in digits that it spells otherwise; empty where it holds none."""
    segments: list[Segment] = []
    done = 0
    for match in finditer_in_turns(_ANEW, text):
        plain = _unescaped(match[0]) if match[0][0] in "%+-.0123456789" else _counted(match[0])
        if plain is None:
            continue
        segments += [(done, text[done : match.start()]), (match.start(), plain)]
        done = match.end()
    return [*segments, (done, text[done:])] if segments else []


def _unescaped(text: str) -> str | None:
    if text.count("%3") < _LEAST_ESCAPED:
        return None
    return _ESCAPE.sub(lambda match: chr(int(match[1], 16)), text)


def _counted(text: str) -> str | None:
    """A number said in words, of which some say more than a digit."""
    pieces: list[str] = []
    numbers: list[int] = []
    above = 0  # what the last number can still take: 100 behind "hundred", 10 behind "thirty"
    in_tens = False
    for between, word in _WORD.findall(text):
        apart = _BREAK.search(between)
        if apart:
            pieces += ["".join(map(str, numbers)), apart[0] if apart[0] in ",.;:/" else "-"]
            numbers, above = [], 0
        said = word.lower()
        if said == "hundred":
            if not numbers or not 0 < numbers[-1] < 100:
                return None
            numbers[-1] *= 100
            above = 100
            in_tens = True
            continue
        value = _VALUES[said]
        in_tens = in_tens or value > 9
        if 0 < value < above:
            numbers[-1] += value
        else:
            numbers.append(value)
        above = 10 if value >= 20 else 0
    pieces.append("".join(map(str, numbers)))
    plain = "".join(pieces)
    return plain if in_tens and sum(map(str.isdigit, plain)) >= _LEAST else None


def is_packed(data: bytes, mark: int) -> bool:
    """Whether a mark, which is an end, stands for digits in base64 or hexadecimal."""
    return _PACKED.fullmatch(data, mark - 4, mark) is not None or _HEX.fullmatch(data, mark - 6, mark) is not None


def unpacked(data: bytes, marks: Sequence[int]) -> Iterator[tuple[int, int, str]]:
    """What is packed about the marks (`is_packed`): where it stands in bytes, and what it says."""
    done = 0
    for mark in sorted(marks):
        if mark <= done:
            continue
        base64 = _PACKED.fullmatch(data, mark - 4, mark) is not None
        before, behind = _run(data, mark, _BASE64 if base64 else _HEXADECIMAL)
        if len(before) + len(behind) < (_LEAST_PACKED if base64 else _LEAST_HEX):
            continue
        text = (_from_base64 if base64 else _from_hex)(before, behind)
        if text is not None:
            done = mark + len(behind)
            yield mark - len(before), done, text


def _run(data: bytes, mark: int, members: bytes) -> tuple[bytes, bytes]:
    """The signs before a place and behind it; over line ends where whole lines consist of them."""
    lines = data[max(0, mark - _AROUND) : mark].split(b"\n")
    before = lines[-1][len(lines[-1].rstrip(members)) :]
    if before == lines[-1]:
        for line in reversed(lines[-_MOST_LINES:-1]):
            if len(line) < _WHOLE_LINE or line.strip(members):
                break
            before = line + b"\n" + before
    lines = data[mark : mark + _AROUND].split(b"\n")
    behind = lines[0][: len(lines[0]) - len(lines[0].lstrip(members))]
    if behind == lines[0] and len(before) + len(behind) >= _WHOLE_LINE:
        for line in lines[1:_MOST_LINES]:
            own = line[: len(line) - len(line.lstrip(members))]
            if line[len(own) :].strip(b"="):
                break
            behind += b"\n" + own
            if len(line) < _WHOLE_LINE:
                break
    return before, behind


def _from_base64(before: bytes, behind: bytes) -> str | None:
    """Text; the mark ends four signs, so they are counted from it."""
    before, behind = before.replace(b"\n", b""), behind.replace(b"\n", b"")
    signs = before[len(before) % 4 :] + behind
    signs = signs[: len(signs) // 4 * 4] if len(signs) % 4 == 1 else signs + b"=" * (-len(signs) % 4)
    try:
        return _text(b64decode(signs.translate(_URL_SAFE)))
    except Error:
        return None


def _from_hex(before: bytes, behind: bytes) -> str | None:
    before, behind = before.replace(b"\n", b""), behind.replace(b"\n", b"")
    signs = before[len(before) % 2 :] + behind
    return _text(bytes.fromhex(signs[: len(signs) // 2 * 2].decode("ascii")))


def _text(data: bytes) -> str | None:
    """As text; None where it is none. A character may be cut at either end."""
    if len(data.translate(None, _NO_TEXT)) != len(data):
        return None
    text = data.decode("utf-8", "ignore")
    is_cut = len(text.encode()) + 2 * _MOST_CUT < len(data)
    if is_cut or not (text.isascii() or any(map(str.isspace, text))):
        return None
    return text.replace("\r\n", "\n").replace("\r", "\n")
