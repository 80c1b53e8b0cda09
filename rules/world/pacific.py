"""Australia, New Zealand, South Africa."""

import re
from typing import Final

from rules.verdict import luhn_valid
from rules.world.arithmetic import Tests, digits_that, form_that, is_day, weighted_sum

_MONTHS: Final = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_NHI_LETTERS: Final = "ABCDEFGHJKLMNPQRSTUVWXYZ"  # 1 to 24: I and O are left out


def _tfn(digits: str) -> bool:
    weights = (1, 4, 3, 7, 5, 8, 6, 9, 10) if len(digits) == 9 else (10, 7, 8, 4, 6, 3, 5, 1)
    return weighted_sum(digits, weights) % 11 == 0


def _medicare(digits: str) -> bool:
    """Eight digits, one that checks them, the issue of the card, and perhaps the person's place on it."""
    fits = digits[0] in "23456" and digits[9] != "0"
    return fits and weighted_sum(digits[:8], (1, 3, 7, 9, 1, 3, 7, 9)) % 10 == int(digits[8])


def _ird(digits: str) -> bool:
    number = digits.zfill(9)
    check = -weighted_sum(number[:8], (3, 2, 7, 6, 5, 4, 3, 2)) % 11
    if check == 10:
        check = -weighted_sum(number[:8], (7, 4, 3, 2, 5, 2, 7, 6)) % 11
    return 10_000_000 < int(number) < 150_000_000 and check == int(number[8])


def _nhi(match: re.Match[str]) -> bool:
    """Six places by seven to two; then a digit mod 11, or since 2022 a letter mod 24 (HISO 10046)."""
    code = match[0]
    if code[:3] in _MONTHS and code[3:5] in ("19", "20"):
        return False  # 16 Jul 2002
    values = [_NHI_LETTERS.index(char) + 1 if char.isalpha() else int(char) for char in code]
    total = sum(weight * value for weight, value in zip(range(7, 1, -1), values, strict=False))
    if code[6].isalpha():
        return values[6] == 24 - total % 24
    return total % 11 != 0 and values[6] == (11 - total % 11) % 10


def _za_id(digits: str) -> bool:
    return is_day(digits[:2], digits[2:4], digits[4:6]) and digits[10] in "012" and luhn_valid(digits)


TESTS: Final[Tests] = {
    "au_tfn": ("eight or nine digits, mod 11", digits_that((8, 9), _tfn)),
    "au_medicare": ("ten or eleven digits from 2 to 6, the ninth checks", digits_that((10, 11), _medicare)),
    "nz_ird": ("eight or nine digits, mod 11", digits_that((8, 9), _ird)),
    "nz_nhi": (
        "three letters and four digits, mod 11; or three letters, two digits, two letters, mod 24",
        form_that(r"[A-HJ-NP-Z]{3}\d{2}(?:\d{2}|[A-HJ-NP-Z]{2})", _nhi),
    ),
    "za_id": ("date of birth, serial, citizenship, check digit by Luhn", digits_that(13, _za_id)),
}
