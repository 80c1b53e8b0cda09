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

# A piece of a rewritten text: the offset in the original (characters) where it begins, and the new text.
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
_NEXT_WORD: Final = "zero|oh|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thir|twen|fou?r|fif|eigh"
SPOKEN_MARK: Final = rf"(?i)(?:ty|teen|hundred|\bten|twelve|eleven)[ ,.;-]{{1,3}}(?:and |dash )?(?:{_NEXT_WORD})"

_VALUES: Final = {
    **{word: max(0, value - 1) for value, word in enumerate(_UNITS)},
    **{word: 10 + value for value, word in enumerate(_TEENS)},
    **{word: 20 + 10 * value for value, word in enumerate(_TENS)},
}
_NUMBER_WORDS: Final = "|".join((*_UNITS, *sorted(_TEENS, key=len, reverse=True), *_TENS, "hundred"))
_BETWEEN: Final = r"[ ,.;:/\n-]{1,3}(?:(?:and|dash|hyphen|then)[ ,]{1,2})?"
_SPOKEN_RUN: Final = rf"\b(?:{_NUMBER_WORDS})(?:{_BETWEEN}(?:{_NUMBER_WORDS})){{2,40}}\b"
_ESCAPED: Final = r"(?:%3[0-9]|%2[0DdEe]|[0-9.+-]){4,120}"
_ENCODED: Final = re.compile(rf"(?i){_SPOKEN_RUN}|{_ESCAPED}")
_WORD: Final = re.compile(rf"(?i)({_BETWEEN})?({_NUMBER_WORDS})\b")
_GROUP_ENDS: Final = re.compile(r"(?i)[,.;:/]|\s-|-\s|dash|hyphen|then")  # between two groups of a number
_ESCAPE: Final = re.compile(r"%(..)")
_FEWEST_SPOKEN: Final = 9  # digits of a number in words that is read
_FEWEST_ESCAPED: Final = 4  # escaped digits

_BASE64_MARK: Final = re.compile(PACKED_MARK.encode())
_HEX_MARK: Final = re.compile(rb"3[0-9]3[0-9]3[0-9]")
_BASE64: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_"
_URL_SAFE: Final = bytes.maketrans(b"-_", b"+/")
_HEXADECIMAL: Final = b"0123456789abcdefABCDEF"
_CONTROL_BYTES: Final = bytes(code for code in range(256) if (code < 32 and code not in b"\t\n\r") or code == 127)
_AROUND: Final = 1024  # signs on either side of a mark that are unpacked
_FEWEST_BASE64: Final = 16
_MOST_CUT_BYTES: Final = 3  # bytes of a character of UTF-8 that is cut
_FEWEST_HEX: Final = 24
_WHOLE_LINE: Final = 40
_MOST_LINES: Final = 40


def numbers_decoded(text: str) -> list[Segment]:
    """The text with escaped and spoken numbers in digits, as segments; empty where it holds none."""
    segments: list[Segment] = []
    done = 0
    for match in finditer_in_turns(_ENCODED, text):
        plain = _unescaped(match[0]) if match[0][0] in "%+-.0123456789" else _spoken(match[0])
        if plain is None:
            continue
        segments += [(done, text[done : match.start()]), (match.start(), plain)]
        done = match.end()
    return [*segments, (done, text[done:])] if segments else []


def _unescaped(text: str) -> str | None:
    if text.count("%3") < _FEWEST_ESCAPED:
        return None
    return _ESCAPE.sub(lambda match: chr(int(match[1], 16)), text)


def _spoken(text: str) -> str | None:
    """The digits of a number in words; None where each word says one digit only, or too few are said."""
    pieces: list[str] = []
    numbers: list[int] = []
    above = 0  # what the last number can still take: 100 behind "hundred", 10 behind "thirty"
    in_tens = False
    for between, word in _WORD.findall(text):
        apart = _GROUP_ENDS.search(between)
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
    return plain if in_tens and sum(map(str.isdigit, plain)) >= _FEWEST_SPOKEN else None


def is_packed(data: bytes, mark: int) -> bool:
    """Whether digits in base64 or hexadecimal end at `mark`."""
    return (
        _BASE64_MARK.fullmatch(data, mark - 4, mark) is not None
        or _HEX_MARK.fullmatch(data, mark - 6, mark) is not None
    )


def unpacked(data: bytes, marks: Sequence[int]) -> Iterator[tuple[int, int, str]]:
    """The packed texts at the marks for which `is_packed` holds: start and end in bytes, and the text unpacked."""
    done = 0
    for mark in sorted(marks):
        if mark <= done:
            continue
        base64 = _BASE64_MARK.fullmatch(data, mark - 4, mark) is not None
        before, behind = _packed_run(data, mark, _BASE64 if base64 else _HEXADECIMAL)
        if len(before) + len(behind) < (_FEWEST_BASE64 if base64 else _FEWEST_HEX):
            continue
        text = (_from_base64 if base64 else _from_hex)(before, behind)
        if text is not None:
            done = mark + len(behind)
            yield mark - len(before), done, text


def _packed_run(data: bytes, mark: int, members: bytes) -> tuple[bytes, bytes]:
    """The run of `members` before `mark` and behind it; across line ends where whole lines consist of them."""
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
    """What is packed; four characters end at the mark, so groups of four are counted from there. None: no text."""
    before, behind = before.replace(b"\n", b""), behind.replace(b"\n", b"")
    signs = before[len(before) % 4 :] + behind
    signs = signs[: len(signs) // 4 * 4] if len(signs) % 4 == 1 else signs + b"=" * (-len(signs) % 4)
    try:
        return _as_text(b64decode(signs.translate(_URL_SAFE)))
    except Error:
        return None


def _from_hex(before: bytes, behind: bytes) -> str | None:
    before, behind = before.replace(b"\n", b""), behind.replace(b"\n", b"")
    signs = before[len(before) % 2 :] + behind
    return _as_text(bytes.fromhex(signs[: len(signs) // 2 * 2].decode("ascii")))


def _as_text(data: bytes) -> str | None:
    """UTF-8 as text, of which a character may be cut at either end; None where it is no text."""
    if len(data.translate(None, _CONTROL_BYTES)) != len(data):
        return None
    text = data.decode("utf-8", "ignore")
    is_cut = len(text.encode()) + 2 * _MOST_CUT_BYTES < len(data)
    if is_cut or not (text.isascii() or any(map(str.isspace, text))):
        return None
    return text.replace("\r\n", "\n").replace("\r", "\n")
