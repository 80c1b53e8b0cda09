"""Numbers in plain text that are written another way than they are read.

Marks of emphasis, escapes and links within a number (Markdown, TeX), pieces in arrays and in the columns of a table of
values, numbers that a quoted line breaks, digits one below the other, down a column, struck over, spelled as words or
as codes, groups in brackets, quotes and items of a list or with words between them. Each is given as it is read, in its
surroundings. One look at a text's bytes tells where there may be any of it; in a long text only these places are
looked at more closely.
"""

import re
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Final

import re2

from policy.extraction.text.around import of_places, places
from policy.extraction.text.codes import CODES_MARK, coded_numbers
from policy.extraction.text.gates import Gate
from policy.extraction.text.tables import COLUMN_MARK, downward_columns, joined_columns, joined_lines
from policy.reader.references import unescape
from rules.normalise import normalise
from rules.spelling import ODD_SIGN
from rules.turns import finditer_in_turns

_WORDS: Final = {
    word: digit
    for digit, words in {
        "0": "zero oh null zéro cero nul", "1": "one eins un uno um een", "2": "two zwei zwo deux dos due dois twee",
        "3": "three drei trois tres tre três drie", "4": "four vier quatre cuatro quattro quatro",
        "5": "five fünf cinq cinco cinque vijf", "6": "six sechs seis sei zes",
        "7": "seven sieben sept siete sette sete zeven",
        "8": "eight acht huit ocho otto oito", "9": "nine niner neun neuf nueve nove negen",
        "-": "dash hyphen minus tiret guion guión trattino streepje",
    }.items()
    for word in words.split()
}  # fmt: skip
_WORD: Final = "(?:" + "|".join(sorted(_WORDS, key=len, reverse=True)) + ")"
_MARK: Final = r"(?:[*_~`$^]{1,3}|\\(?![ux][0-9a-fA-F])[a-zA-Z]{0,12}[{ ]?|[{}]{1,2}|\]\([^()\n]{0,100}\)|\[)"
_GAP: Final = r"[\s\x{b}\x{85}\p{Z},./-]{0,3}"
_DIGITS: Final = "[0-9]{1,6}"
_EITHER: Final = f"(?:{_WORD}|{_DIGITS})"
_SPELLED: Final = re2.compile(rf"(?i)\b{_EITHER}(?:{_GAP}{_EITHER}){{2,}}\b")  # where one of them is a word
_HAS_WORD: Final = re.compile("[a-z]", re.I)
_SPELLED_SIGN: Final = re.compile(f"{_WORD}|[0-9]")
_CLOSED: Final = r"(?:[)\]}>][ ,./_-]{0,3}[(\[{<]?|[(\[{<]|['\"”’»] {0,2}['\"“‘«])"
# Marks of a forum (BBCode), and the next item of a list with its number.
_TAGGED: Final = r"(?:[ .-]{0,2}\[/?[a-zA-Z]{1,6}(?:=[^\]\n]{0,20})?\]){1,4}[ .-]{0,2}"
_ITEM: Final = r"(?:[.)]\r?\n[ \t]{0,8}|\r?\n[ \t]{0,8}[0-9]{1,2}[.)][ \t]{1,3})"
_BETWEEN: Final = rf"(?:{_CLOSED}|['’]|{_TAGGED}|{_ITEM}|,? (?i:and|then|und|et|y|e|en) (?:(?i:then) )?| ?[xX] ?)"
_GROUPED: Final = re2.compile(rf"\b(?:[A-Z]{{2}})?{_DIGITS}(?:{_BETWEEN}{_DIGITS}){{2,}}\b")
_GROUP_LENGTHS: Final = frozenset({(3, 2, 4), (3, 3, 3), (3, 3, 4), (4, 4, 4), (4, 4, 4, 4), (4, 6, 5), (4, 6, 4)})
_NUMBERED: Final = re.compile(r"\r?\n[ \t]{0,8}[0-9]{1,2}[.)][ \t]{1,3}|\[/?[a-zA-Z][^\]\n]{0,27}\]")
_THOUSANDS: Final = frozenset("'’")  # which also stand between thousands
_LONGEST_NUMBER: Final = 34
# Characters by their codes (TeX).
_BY_CODE: Final = re.compile(r"\\(?:char|symbol)[ {]{0,2}(?:([0-9]{2,3})|\"([0-9A-F]{2}))(?:\}| |(?![0-9A-F]))")
_MARKED: Final = re.compile(rf"[0-9*_~`${{\[\\-](?:[0-9 -]|{_MARK}){{5,120}}")
_MARKS: Final = re.compile(_MARK)
_STRUCK: Final = re.compile(r"~~[^~\n]{1,20}~~")
_COMMAND: Final = re.compile(r"\\[a-zA-Z]{1,12}$")
_ARRAY: Final = re.compile(r"\[(\s*\"?[0-9-]{1,5}\"?(?:\s*,\s*\"?[0-9-]{1,5}\"?){2,40}\s*)\]")
_PIECES: Final = re.compile(
    r"""\"[^\"\n]{1,40}\"\s*:\s*\"?([0-9]{3,4})\"?\s*,\s*\"[^\"\n]{1,40}\"\s*:\s*\"?([0-9]{2}|[0-9]{4})\"?\s*,"""
    r"""\s*\"[^\"\n]{1,40}\"\s*:\s*\"?([0-9]{4})\"?"""
)
_QUOTED: Final = re.compile(r"(?<=[0-9-])[ \t]*\r?\n>[> ]*(?=[0-9-])")
# A number that a program joins: strings beside each other, a line that goes on in the next.
_PARTED: Final = re.compile(
    r"""(?<=[0-9]-)(?:\\n)?["'][\s,+.&\\]{0,16}["'](?=[0-9])|(?<=[0-9])["'][\s,+.&\\]{0,16}["'](?=-[0-9])"""
    r"""|(?<=[0-9-])[\\%]\r?\n[ \t]*(?=-?[0-9])"""
)
# A number with dashes that goes on in the next line: behind a mark or number of the line, a table's rule, or with
# another column beside it.
_BROKEN: Final = re.compile(
    r"(?<=[0-9]-)(?:[ \t]{0,40}\r?\n[ \t]{0,8}(?:[#*|%;:+!]{1,3}|//|--|[0-9]{1,5}[.:)]?)[ \t]{1,8}"
    r"|[ \t]{0,40}\|[^\n]{0,120}\n[ \t]{0,8}\|[ \t]{0,8}|[ \t]{3,60}[^ \t\r\n][^\n]{0,120}\n[ \t]{0,8})(?=[0-9])"
)
# A number that goes on in a line set in from the edge.
_SET_IN: Final = re.compile(r"[0-9][0-9 -]{2,24}-[ \t]{0,4}\r?\n[ \t]{1,40}[0-9][0-9 -]{3,24}")
_REFERENCE: Final = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z]{2,8});")
_OVER: Final = re.compile(r"[^\n\x08]\x08")
_ESCAPE: Final = re.compile(r"\x1b(?:\[[0-9;?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\^_])")
_HIDDEN: Final = re.compile(r"\x1b\[(?:[0-9;]*;)?8m[^\x1b]*")
_DIGIT: Final = re.compile("[0-9]")
_LEAST: Final = 7  # digits of a number that is worth it
_FIRST: Final = 256  # characters of a text that may name its columns
_BEFORE: Final = 80  # characters kept in front, for the words that name the number
_BEHIND: Final = 24
_MOST: Final = 32 * 1024  # characters of such readings of one text
_LONGEST: Final = 4 << 20  # characters of a text that is looked through


_BROKEN_MARK: Final = (
    r"[0-9]-[ \t]{0,40}(?:\|[^\n]|\r?\n[ \t]{0,8}(?:[#*|%;:+!/-]|[0-9]{1,5}[.:)]?[ \t]{1,8}[0-9]))"
    r"|[0-9]-[ \t]{3,60}[^ \t\r\n|]"
)
# One look tells whether any of it is there.
_ODD: Final = re2.compile(
    r"[0-9-] ?(?:[*_~`$^]{1,3}|[\\{}]|\]\()[a-z*_~`$^{}\\ -]{0,8}[0-9\\]|[\x07\x08\x1b]"
    r"|[0-9-]\]\([^()\n]{0,100}\)-?\[?[0-9-]"
    r'|[0-9]"?\s?[,;|]\s?"?[0-9-]{1,6}"?\s?[,;|]\s?"?[0-9]|\n[0-9]\r?\n[0-9-]\r?\n[0-9-]\r?\n'
    r'|\[\s{0,40}"?[0-9-]{1,5}"?\s{0,40},\s{0,40}"?[0-9-]'
    r'|[0-9]"?\s{0,8},\s*"[^"\n]{1,40}"\s{0,8}:\s{0,8}"?[0-9]|[0-9-][ \t]*\r?\n>'
    r"""|[0-9](?:-(?:\\n)?["'][\s,+.&\\\p{Z}]{0,16}["'][0-9]|["'][\s,+.&\\\p{Z}]{0,16}["']-[0-9])"""
    r"|[0-9-][\\%]\r?\n[ \t]*-?[0-9]"
    r"|[0-9-]&[#a-zA-Z][0-9a-zA-Z]{1,8};|&#[0-9xX]{1,8};?&#"
    rf"|[0-9](?:{_BETWEEN})[0-9]{{1,6}}(?:{_BETWEEN})[0-9]|\\(?:char|symbol)[ {{]{{0,2}}[0-9\"]"
    rf"|(?i:{_WORD}{_GAP}(?:{_WORD}{_GAP}{_WORD}{_GAP}(?:{_WORD}|[0-9])|[0-9]{{1,6}}{_GAP}{_WORD})"
    rf"|[0-9]{_GAP}{_WORD}{_GAP}[0-9]|{_WORD}(?:{_GAP}[0-9]{{1,6}}){{2}})|[0-9]-[ \t]{{0,4}}\r?\n[ \t]{{1,40}}[0-9]"
    rf"|{COLUMN_MARK}|{CODES_MARK}|{_BROKEN_MARK}"
)
_ODD_SIGN: Final = re2.compile(rf"[0-9-][\s\x1e]{{0,3}}{ODD_SIGN}|{ODD_SIGN}[\s\x1e]{{0,3}}[0-9-]|[^\P{{N}}0-9]")
# And where some of it is there, one each whether a closer and slower look can find what it looks for.
_BLANK: Final = "[^0-9A-Za-z,;|-]{0,6}"
_MAY_BE_ROWS: Final = Gate(rf"[0-9]{_BLANK}[,;|]{_BLANK}[0-9-]{{1,6}}{_BLANK}[,;|]{_BLANK}[0-9-]")
_MAY_BE_SET_IN: Final = Gate(r"[0-9]-[ \t]{0,4}\r?\n[ \t]{1,40}[0-9]")
_MAY_BE_DOWNWARDS: Final = Gate(COLUMN_MARK)
_MAY_BE_CODES: Final = Gate(CODES_MARK)
# Likewise, and in bytes: whatever is not ASCII may be a space.
_MAY_BE_QUOTED: Final = Gate(r"[0-9-][ \t]*\r?\n>[> ]*[0-9-]", bytewise=True)
_BLANKS: Final = r"[\s\x0b\x1c-\x1f\x80-\xff,+.&\\]{0,64}"
_MAY_BE_PARTED: Final = Gate(
    rf"""[0-9]-(?:\\n)?["']{_BLANKS}["'][0-9]|[0-9]["']{_BLANKS}["']-[0-9]|[0-9-][\\%]\r?\n[ \t]*-?[0-9]""",
    bytewise=True,
)
_MAY_BE_MARKED: Final = Gate(r"[0-9][ -]*[*_~`$^\\{}\[\]]|[*_~`$^\\{}\[)][a-zA-Z]{0,12}[{ -]*[0-9]", bytewise=True)
_MAY_BE_BROKEN: Final = Gate(_BROKEN_MARK, bytewise=True)
_MAY_BE_WORDS: Final = re2.compile(
    f"(?i){_WORD}{_GAP}{_EITHER}{_GAP}{_EITHER}|{_DIGITS}{_GAP}(?:{_WORD}{_GAP}{_EITHER}|{_DIGITS}{_GAP}{_WORD})"
)


def spelled_readings(text: str, data: bytes) -> Iterator[str]:
    """Numbers as they are read, where they are written another way. `data`: the text in a charset that keeps ASCII."""
    if len(text) > _LONGEST:
        return
    whole = data if len(data) == len(text) and text.isascii() else text.encode("utf-8", "replace")
    told = _in_other_signs(text, whole)
    if spans := places(_ODD, whole):
        odd, own = of_places(text, whole, spans)
        yield from _undone(odd, own)
        told = chain(_downwards(text, whole), _windows(odd, own), _joined(odd, own, text[:_FIRST]), told)
    yield from _within(_MOST, told)


def _in_other_signs(text: str, data: bytes) -> Iterator[str]:
    """Likewise, of what is written with the digits, dashes and spaces of other scripts than ASCII's."""
    spans = () if data.isascii() else places(_ODD_SIGN, data)
    if spans:
        plain = normalise(of_places(text, data, spans)[0])
        if inner := places(_ODD, plain.data):
            yield from _downwards(plain.text, plain.data)
            yield from _windows(*of_places(plain.text, plain.data, inner))


def has_odd_signs(text: str) -> bool:
    """Whether a digit, or what stands beside one, is written with a sign of another script than ASCII's."""
    return not text.isascii() and _ODD_SIGN.search(text.encode("utf-8", "replace")) is not None


def _undone(text: str, data: bytes) -> Iterator[str]:
    """The text without what a program takes out or replaces. `data`: the text in UTF-8; so below."""
    if "\x08" in text or "\x1b" in text:
        yield _ESCAPE.sub("", _HIDDEN.sub("", _OVER.sub("", text.replace("\x08_", ""))))
    for gate, parting in ((_MAY_BE_QUOTED, _QUOTED), (_MAY_BE_PARTED, _PARTED), (_MAY_BE_BROKEN, _BROKEN)):
        if gate.search(data) and (joined := _without(parting, text)) != text:
            yield joined
    if "&" in text and _REFERENCE.search(text):
        yield unescape(text)
    if "\\char" in text or "\\symbol" in text:
        yield _BY_CODE.sub(_of_code, text)


def _without(parting: re.Pattern[str], text: str) -> str:
    """The text without what matches."""
    kept: list[str] = []
    done = 0
    for match in finditer_in_turns(parting, text):
        kept.append(text[done : match.start()])
        done = match.end()
    return "".join((*kept, text[done:]))


def numbers_spelled(text: str) -> Iterator[str]:
    """As `spelled_readings`, the numbers alone: for what is displayed of pages and documents."""
    if len(text) > _LONGEST:
        return
    text = text.replace("\xa0", " ")  # most pages have some, and mostly nothing else that is odd
    whole = text.encode("utf-8", "replace")
    told = _in_other_signs(text, whole)
    if spans := places(_ODD, whole):
        told = chain(_downwards(text, whole), _windows(*of_places(text, whole, spans)), told)
    yield from _within(_MOST, told)


def _within(room: int, readings: Iterable[str]) -> Iterator[str]:
    for found in readings:
        room -= len(found)
        if found and room > 0:
            yield found


def _of_code(match: re.Match[str]) -> str:
    code = int(match[1]) if match[1] else int(match[2], 16)
    return chr(code) if 32 <= code < 127 else ""


def _downwards(text: str, data: bytes) -> Iterator[str]:
    """Numbers down a column, whose rows may be long: of all of a text."""
    if _MAY_BE_DOWNWARDS.search(data):
        yield downward_columns(text)


def _joined(text: str, data: bytes, first: str) -> Iterator[str]:
    """Numbers in lines or cells of their own. `first`: what the whole text begins with."""
    yield joined_lines(text)
    if _MAY_BE_ROWS.search(data):
        yield joined_columns(text, first)


def _windows(text: str, data: bytes) -> Iterator[str]:
    """Each number that is written with marks, as pieces or in words."""
    for match in finditer_in_turns(_MARKED, text) if _MAY_BE_MARKED.search(data) else ():
        number = _MARKS.sub("", match[0])
        if number != match[0]:
            yield from _window(text, match.span(), number)
        if "~~" in match[0]:
            yield from _window(text, match.span(), _MARKS.sub("", _STRUCK.sub("", match[0])))
    for start, end, number in coded_numbers(text) if _MAY_BE_CODES.search(data) else ():
        yield from _window(text, (start, end), number)
    for match in _SET_IN.finditer(text) if _MAY_BE_SET_IN.search(data) else ():
        yield from _window(text, match.span(), "".join(match[0].split()))
    for match in _ARRAY.finditer(text) if "[" in text else ():
        yield from _window(text, match.span(), re.sub(r"[^0-9-]", "", match[1]))
    for match in _PIECES.finditer(text) if '"' in text else ():
        yield from _window(text, match.span(), "".join(match.groups()))
    in_bytes = data.isascii()  # then RE2 need not make a copy, nor count its signs
    for match in _GROUPED.finditer(data if in_bytes else text):
        start, end = match.span()
        told = _NUMBERED.sub("\n", text[start:end])
        lengths = tuple(map(len, re.findall("[0-9]+", told)))
        number = "".join(re.findall("[A-Z]{2}|[0-9]+", told))
        if lengths == (3, 3, 3) and not _THOUSANDS.isdisjoint(text[start:end]):
            continue
        if lengths in _GROUP_LENGTHS or (len(number) <= _LONGEST_NUMBER and (max(lengths) == 1 or number[0] > "9")):
            yield from _window(text, (start, end), number)
    for match in _SPELLED.finditer(data if in_bytes else text) if _MAY_BE_WORDS.search(data) else ():
        start, end = match.span()
        if _HAS_WORD.search(text, start, end):
            signs = _SPELLED_SIGN.findall(text[start:end].lower())
            yield from _window(text, (start, end), "".join(_WORDS.get(sign, sign) for sign in signs))


def _window(text: str, span: tuple[int, int], number: str) -> Iterator[str]:
    if len(_DIGIT.findall(number)) >= _LEAST:
        before = _COMMAND.sub("", text[max(0, span[0] - _BEFORE) : span[0]])
        yield f"{before}{number}{text[span[1] : span[1] + _BEHIND]}"
