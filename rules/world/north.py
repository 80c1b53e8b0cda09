"""Scandinavia, Finland, Iceland and the Baltic states."""

import re
from typing import Final

from rules.verdict import luhn_valid
from rules.world.arithmetic import Tests, digits_that, form_that, is_day, weighted_sum

_HETU_LETTERS: Final = "0123456789ABCDEFHJKLMNPRSTUVWXY"


def _cpr(digits: str) -> bool:
    """A date; the old sum mod 11 has not been kept since 2007."""
    return is_day(digits[4:6], digits[2:4], digits[:2]) and digits[6:] != "0000"


def _personnummer(digits: str) -> bool:
    """With or without the century; a day beyond 60 is a coordination number."""
    short = digits[-10:]
    day = int(short[4:6])
    century = len(digits) == 10 or digits[:2] in ("18", "19", "20")
    return century and is_day(short[:2], short[2:4], day - 60 if day > 60 else day) and luhn_valid(short)


def _fodselsnummer(digits: str) -> bool:
    day, month = int(digits[:2]), int(digits[2:4])
    day, month = day - 40 if day > 40 else day, month - 40 if month > 40 else month
    first = -weighted_sum(digits[:9], (3, 7, 6, 1, 8, 9, 4, 5, 2)) % 11
    second = -weighted_sum(digits[:10], (5, 4, 3, 2, 7, 6, 5, 4, 3, 2)) % 11
    year, serial = int(digits[4:6]), int(digits[6:9])
    if not (serial < 500 or (serial < 750 and year >= 54) or year < 40 or serial >= 900):
        return False  # of no century
    return is_day(year, month, day) and first == int(digits[9]) and second == int(digits[10])


def _hetu(match: re.Match[str]) -> bool:
    day, month, year, serial, check = match.groups()
    fits = is_day(year, month, day) and int(serial) >= 2
    return fits and check == _HETU_LETTERS[int(day + month + year + serial) % 31]


def _kennitala(digits: str) -> bool:
    day = int(digits[:2])
    fits = digits[9] in "890" and is_day(digits[4:6], digits[2:4], day)
    return fits and weighted_sum(digits[:9], (3, 2, 7, 6, 5, 4, 3, 2, 1)) % 11 == 0


def _baltic(digits: str) -> bool:
    """Sex and century, date, serial; mod 11, and with other weights where that gives 10 (Estonia, Lithuania)."""
    check = weighted_sum(digits[:10], (1, 2, 3, 4, 5, 6, 7, 8, 9, 1)) % 11
    if check == 10:
        check = weighted_sum(digits[:10], (3, 4, 5, 6, 7, 8, 9, 1, 2, 3)) % 11 % 10
    return digits[0] in "12345678" and is_day(digits[1:3], digits[3:5], digits[5:7]) and check == int(digits[10])


def _latvian(digits: str) -> bool:
    """A date, or since 2017 a number that begins with 32 and says nothing."""
    fits = digits[:2] == "32" or (digits[6] in "012" and is_day(digits[4:6], digits[2:4], digits[:2]))
    return fits and (1 + weighted_sum(digits[:10], (10, 5, 8, 4, 2, 1, 6, 3, 7, 9))) % 11 % 10 == int(digits[10])


TESTS: Final[Tests] = {
    "dk_cpr": ("a date of birth and four digits", digits_that(10, _cpr)),
    "se_personnummer": ("date of birth, serial, check digit by Luhn", digits_that((10, 12), _personnummer)),
    "no_fodselsnummer": ("date of birth, serial, two check digits mod 11", digits_that(11, _fodselsnummer)),
    "fi_hetu": (
        "date of birth, century, serial, mod 31",
        # The sign of the century is a dash or a plus for most, and `compact` takes it away.
        form_that(r"(\d\d)(\d\d)(\d\d)[A-FUVWXY]?(\d{3})([0-9A-FHJ-NPR-Y])", _hetu),
    ),
    "is_kennitala": ("date of birth, serial, check digit mod 11, century", digits_that(10, _kennitala)),
    "ee_isikukood": ("sex and century, date of birth, serial, mod 11", digits_that(11, _baltic)),
    "lv_personas_kods": ("date of birth or 32, serial, mod 11", digits_that(11, _latvian)),
}
