"""Numbers whose signs stand as codes beside each other: hexadecimal with spaces, or the numbers of ASCII."""

import re
from collections.abc import Iterator
from typing import Final

_STEP: Final = r"(?:[ \t]{1,2}|, ?|:|\r?\n[ \t]{0,4}|,\\?\r?\n[ \t]{0,4})"
_HEX_DIGIT: Final = r"(?:0[xX]|\\x)?(?:3[0-9]|2[0dDeE])"
_ANY_HEX: Final = r"(?:0[xX]|\\x)?[0-9a-fA-F]{2}"
_DECIMAL_DIGIT: Final = "(?:4[5-9]|5[0-7])"
_MORE_HEX: Final = rf"{_STEP}(?:(?:0[xX])?00{_STEP})?{_HEX_DIGIT}"
# Seven digits of a number in hexadecimal, with zeros between them where each takes two bytes; nine in decimal.
CODES_MARK: Final = rf"(?:{_HEX_DIGIT}(?:{_MORE_HEX}){{6}}|{_DECIMAL_DIGIT}(?:{_STEP}{_DECIMAL_DIGIT}){{8}})"
_HEX: Final = re.compile(rf"{_ANY_HEX}(?:{_STEP}{_ANY_HEX}){{6,2000}}(?![0-9a-zA-Z])")
_DECIMAL: Final = re.compile(rf"(?<![0-9.])[0-9]{{2,3}}(?:{_STEP}[0-9]{{2,3}}){{8,2000}}(?![0-9.])")
_ONE_HEX: Final = re.compile(r"(?:0[xX]|\\x)?([0-9a-fA-F]{2})")
_ONE_DECIMAL: Final = re.compile("[0-9]{2,3}")
_PRINTED: Final = frozenset((*range(32, 127), 9, 10, 13))


def coded_numbers(text: str) -> Iterator[tuple[int, int, str]]:
    """(start, end, what it says) of each run of codes that are all of text."""
    for pattern, one, base in ((_HEX, _ONE_HEX, 16), (_DECIMAL, _ONE_DECIMAL, 10)):
        for match in pattern.finditer(text):
            codes = [int(code, base) for code in one.findall(match[0])]
            said = [code for code in codes if code]
            if 2 * len(said) + 4 >= len(codes) and _PRINTED.issuperset(said):
                yield match.start(), match.end(), "".join(map(chr, said))
