"""Germany, Austria, Switzerland, France, the Low Countries."""

import re
from collections import Counter
from typing import Final

from rules.verdict import Verdict, luhn_valid
from rules.world.arithmetic import (
    DIGITS_AND_LETTERS,
    Tests,
    digit_sum,
    digits_that,
    form_that,
    icao_digit,
    is_day,
    mod11_10,
    verhoeff,
    weighted_sum,
)

_SVNR_WEIGHTS: Final = (2, 1, 2, 5, 7, 1, 2, 1, 2, 1, 2, 1)
# Letters of German documents: no vowels, and none that can be taken for a digit or another letter.
_PLACE: Final = r"[CFGHJKLMNPRTVWXYZ0-9]"
_KEY: Final = re.compile(rb"[ ./_~-]{0,3}[0-9]{2}(?![0-9])")
_NIR: Final = r"([1-478])(\d\d)(0[1-9]|1[0-2]|[2-9]\d)(\d\d|2A|2B)(\d{6})(\d\d)?"


def _steuer_id(digits: str) -> bool:
    """One digit of the first ten stands there twice or three times, the others once at most."""
    counts = sorted(Counter(digits[:10]).values())
    return digits[0] != "0" and counts[-1] in (2, 3) and counts[-2] == 1 and mod11_10(digits)


def _svnr(match: re.Match[str]) -> bool:
    area, day, month, year, letter, serial, check = match.groups()
    number = f"{area}{day}{month}{year}{DIGITS_AND_LETTERS.index(letter) - 9:02}{serial}"
    total = sum(digit_sum(weight * int(digit)) for weight, digit in zip(_SVNR_WEIGHTS, number, strict=True))
    # A day of 51 to 81 and a month of 00 stand where a number was given twice, or a day is not known.
    fits = 1 <= int(day) % 50 <= 31 and int(month) <= 12 and 2 <= int(area) <= 89
    return fits and total % 10 == int(check)


def _kvnr(match: re.Match[str]) -> bool:
    number = f"{DIGITS_AND_LETTERS.index(match[1]) - 9:02}{match[2]}"
    total = sum(digit_sum((1, 2)[place % 2] * int(digit)) for place, digit in enumerate(number[:-1]))
    return total % 10 == int(number[-1])


def _document(match: re.Match[str]) -> bool:
    """Nine places with a digit among them, and the check digit of ICAO 9303 where there is one."""
    number, check = match[1], match[2]
    return any(char.isdigit() for char in number) and (not check or icao_digit(number) == int(check))


def _at_svnr(digits: str) -> bool:
    day, month = int(digits[4:6]), int(digits[6:8])
    check = weighted_sum(digits, (3, 7, 9, 0, 5, 8, 4, 2, 1, 6)) % 11
    return digits[0] != "0" and check == int(digits[3]) and 1 <= day <= 31 and 1 <= month <= 15


def _ahv(digits: str) -> bool:
    return digits.startswith("756") and weighted_sum(digits, (1, 3) * 6 + (1,)) % 10 == 0


def _nir(match: re.Match[str]) -> bool:
    sex, year, month, place, rest, key = match.groups()
    if "20" > month > "12" or "42" < month < "50":
        return False
    number = int(sex + year + month + place.replace("2A", "19").replace("2B", "18") + rest)
    return key is None or int(key) == 97 - number % 97


def nir_stands_alone(data: bytes, start: int, end: int) -> Verdict:
    """Thirteen digits are no number where two more stand behind them: that is a key, and a wrong one."""
    return Verdict.NO if _KEY.match(data, end) else Verdict.YES


def _bsn(digits: str) -> bool:
    return (weighted_sum(digits, range(9, 1, -1)) - int(digits[8])) % 11 == 0


def _be_rrn(digits: str) -> bool:
    """The last two are 97 less the others mod 97; with a 2 before them for who was born since 2000."""
    year, month, day = int(digits[:2]), int(digits[2:4]), int(digits[4:6])
    month %= 20  # 20 or 40 more for those who are not in the register of residents
    if month > 12 or day > 31:
        return False
    number, check = int(digits[:9]), int(digits[9:])
    known = not month or not day or is_day(year, month, day)
    checks = [97 - number % 97]
    if year < 50:
        checks.append(97 - (2_000_000_000 + number) % 97)
    return known and check in checks


def _lu_matricule(digits: str) -> bool:
    fits = 1880 <= int(digits[:4]) <= 2099 and is_day(digits[:4], digits[4:6], digits[6:8])
    return fits and luhn_valid(digits[:12]) and verhoeff(digits[:11] + digits[12])


def _fiscal(digits: str) -> bool:
    return digits[0] in "0123" and int(digits[:10]) % 511 == int(digits[10:])


TESTS: Final[Tests] = {
    "de_steuer_id": (
        "eleven digits, one of the first ten twice or three times and no other, ISO 7064 mod 11,10",
        digits_that(11, _steuer_id),
    ),
    "de_svnr": (
        "office, date of birth, letter, serial, check digit (VKVV)",
        form_that(r"(\d\d)(\d\d)(\d\d)(\d\d)([A-Z])(\d\d)(\d)", _svnr),
    ),
    "de_kvnr": ("a letter and nine digits, the last one checks (SGB V)", form_that(r"([A-Z])(\d{9})", _kvnr)),
    "de_personalausweis": (
        "nine letters and digits, the check digit of ICAO 9303 where it is given",
        form_that(rf"([LMNPRTVWXYZ]{_PLACE}{{8}})(?:(\d)D?)?", _document),
    ),
    "de_passport": (
        "nine letters and digits, the check digit of ICAO 9303 where it is given",
        form_that(rf"([CFGHJK]{_PLACE}{{8}})(?:(\d)D?)?", _document),
    ),
    "at_svnr": ("serial, check digit mod 11, date of birth", digits_that(10, _at_svnr)),
    "ch_ahv": ("thirteen digits that begin with 756, check digit by EAN-13", digits_that(13, _ahv)),
    "fr_nir": (
        "sex, year, month, department (2A and 2B are Corsica), commune, serial, key mod 97",
        form_that(_NIR, _nir),
    ),
    "fr_nir_key": (
        "as fr_nir, with its key",
        form_that(_NIR, lambda match: match[6] is not None and _nir(match)),
    ),
    "fr_numero_fiscal": ("thirteen digits, the last three are the first ten mod 511", digits_that(13, _fiscal)),
    "fr_passport": ("two digits, two letters, five digits", form_that(r"\d{2}[A-Z]{2}\d{5}")),
    "nl_bsn": ("nine digits, the test of eleven", digits_that(9, _bsn)),
    "be_rrn": ("date of birth, serial, mod 97", digits_that(11, _be_rrn)),
    "lu_matricule": ("date of birth, serial, check digits by Luhn and by Verhoeff", digits_that(13, _lu_matricule)),
}
