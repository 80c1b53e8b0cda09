"""Poland, the Czech Republic, Slovakia, Hungary, Romania, Bulgaria, former Yugoslavia, Russia, Ukraine."""

import re
from typing import Final

from rules.world.arithmetic import DIGITS_AND_LETTERS, Tests, digits_that, form_that, is_day, mod11_10, weighted_sum


def _pesel(digits: str) -> bool:
    month = int(digits[2:4]) % 20  # 20, 40, 60 or 80 more say the century
    fits = is_day(digits[:2], month, digits[4:6])
    return fits and weighted_sum(digits, (1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1)) % 10 == 0


def _pl_card(match: re.Match[str]) -> bool:
    letters, digits = match[1], match[2]
    total = weighted_sum(digits, (9, 7, 3, 1, 7, 3))  # 7, 3, 1 go on behind the check digit's 9
    total += sum(w * DIGITS_AND_LETTERS.index(char) for w, char in zip((7, 3, 1), letters, strict=True))
    return total % 10 == 0


def _rodne_cislo(digits: str) -> bool:
    """Divisible by eleven, or the first nine leave ten and the last is 0. Nine digits until 1953."""
    year, month, day = int(digits[:2]), int(digits[2:4]), int(digits[4:6])
    month = month - 50 if month > 50 else month  # women
    month = month - 20 if month > 20 else month  # where a day had more births than numbers
    if not is_day(year, month, day):
        return False
    if len(digits) == 9:
        return year <= 53 and digits[6:] != "000"
    return int(digits[:9]) % 11 % 10 == int(digits[9])


def _taj(digits: str) -> bool:
    return weighted_sum(digits[:8], (3, 7, 3, 7, 3, 7, 3, 7)) % 10 == int(digits[8])


def _adoazonosito(digits: str) -> bool:
    return digits[0] == "8" and weighted_sum(digits[:9], range(1, 10)) % 11 == int(digits[9])


def _cnp(digits: str) -> bool:
    county = int(digits[7:9])
    check = weighted_sum(digits[:12], (2, 7, 9, 1, 4, 6, 3, 5, 8, 2, 7, 9)) % 11
    fits = (
        digits[0] != "0"
        and is_day(digits[1:3], digits[3:5], digits[5:7])
        and (1 <= county <= 52 or county in (70, 80, 81, 82, 83))
    )
    return fits and (1 if check == 10 else check) == int(digits[12])


def _egn(digits: str) -> bool:
    month = int(digits[2:4])
    month = month - 40 if month > 40 else month - 20 if month > 20 else month
    fits = is_day(digits[:2], month, digits[4:6])
    return fits and weighted_sum(digits[:9], (2, 4, 8, 5, 10, 9, 7, 3, 6)) % 11 % 10 == int(digits[9])


def _emso(digits: str) -> bool:
    year = int(digits[4:7])
    fits = is_day(year + (2000 if year < 800 else 1000), digits[2:4], digits[:2])
    return fits and -weighted_sum(digits[:12], (7, 6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2)) % 11 % 10 == int(digits[12])


def _inn(digits: str) -> bool:
    """Twelve digits of a person, two of which check."""
    eleventh = weighted_sum(digits[:10], (7, 2, 4, 10, 3, 5, 9, 4, 6, 8)) % 11 % 10
    twelfth = weighted_sum(digits[:11], (3, 7, 2, 4, 10, 3, 5, 9, 4, 6, 8)) % 11 % 10
    return digits[:2] != "00" and eleventh == int(digits[10]) and twelfth == int(digits[11])


def _snils(digits: str) -> bool:
    return weighted_sum(digits[:9], range(9, 0, -1)) % 101 % 100 == int(digits[9:]) and int(digits[:9]) > 1_001_998


def _rntrc(digits: str) -> bool:
    return weighted_sum(digits[:9], (-1, 5, 7, 9, 4, 6, 10, 5, 7)) % 11 % 10 == int(digits[9])


TESTS: Final[Tests] = {
    "pl_pesel": ("date of birth, serial, check digit", digits_that(11, _pesel)),
    "pl_identity_card": ("three letters, a check digit, five digits", form_that(r"([A-Z]{3})(\d{6})", _pl_card)),
    "cz_rc": ("date of birth, serial, divisible by eleven", digits_that((9, 10), _rodne_cislo)),
    "cz_rc_checked": ("as cz_rc, ten digits", digits_that(10, _rodne_cislo)),
    "hu_taj": ("nine digits, weights 3 and 7", digits_that(9, _taj)),
    "hu_adoazonosito": ("ten digits that begin with 8, mod 11", digits_that(10, _adoazonosito)),
    "ro_cnp": ("sex and century, date of birth, county, mod 11", digits_that(13, _cnp)),
    "bg_egn": ("date of birth, serial, mod 11", digits_that(10, _egn)),
    "hr_oib": ("eleven digits, ISO 7064 mod 11,10", digits_that(11, mod11_10)),
    "si_emso": ("date of birth, region, serial, mod 11", digits_that(13, _emso)),
    "ru_inn": ("twelve digits with two check digits", digits_that(12, _inn)),
    "ru_snils": ("nine digits and their sum mod 101", digits_that(11, _snils)),
    "ua_rntrc": ("ten digits, mod 11", digits_that(10, _rntrc)),
}
