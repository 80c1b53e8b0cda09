"""Canada, Mexico, Brazil, Argentina, Chile."""

import re
from typing import Final

from rules.verdict import Verdict, is_date, luhn_valid
from rules.world.arithmetic import Tests, digits_that, form_that, is_day, weighted_sum

_EXAMPLE_SIN: Final = "046454286"  # begins with a digit that is not given
_CURP: Final = (
    r"[A-Z][AEIOUX][A-Z]{2}(\d\d)(\d\d)(\d\d)[HMX]"
    r"(?:AS|BC|BS|CC|CH|CL|CM|CS|DF|DG|GR|GT|HG|JC|MC|MN|MS|NE|NL|NT|OC|PL|QR|QT|SL|SP|SR|TC|TL|TS|VZ|YN|ZS)"
    r"[A-Z]{3}[0-9A-Z]\d"
)
_CURP_LETTERS: Final = "0123456789ABCDEFGHIJKLMNÑOPQRSTUVWXYZ"
_RFC_LETTERS: Final = "0123456789ABCDEFGHIJKLMN&OPQRSTUVWXYZ Ñ"
_RFC: Final = re.compile(r"([A-ZÑ&]{4})[ -]?(\d\d)(\d\d)(\d\d)[ -]?([1-9A-V][1-9A-Z][0-9A])")
_RFC_FORM: Final = re.compile(r"([A-ZÑ&]{4})[ -]?(\d\d)(\d\d)(\d\d)[ -]?[A-Z0-9]{3}")
_RAMQ: Final = r"([A-Z]{4})(\d\d)(\d\d)(\d\d)(\d\d)"


def _phn(digits: str) -> bool:
    """British Columbia: begins with 9, the tenth digit checks the eight between, mod 11."""
    return digits[0] == "9" and -weighted_sum(digits[1:9], (2, 4, 8, 5, 10, 9, 7, 3)) % 11 == int(digits[9])


def _ramq(match: re.Match[str]) -> bool:
    """Québec: four letters of the name, year, month (50 more for women), day, two digits."""
    month = int(match[3])
    return is_day(match[2], month - 50 if month > 50 else month, match[4])


def _cpf(digits: str) -> bool:
    first = -weighted_sum(digits[:9], range(10, 1, -1)) % 11
    second = -weighted_sum(digits[:10], range(11, 1, -1)) % 11
    return first % 11 % 10 == int(digits[9]) and second % 11 % 10 == int(digits[10])


def _cnpj(match: re.Match[str]) -> bool:
    """Letters count by their place in ASCII since 2026."""
    values = [ord(char) - 48 for char in match[0]]
    weights = (6, 5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2)
    first = -sum(w * v for w, v in zip(weights[1:], values, strict=False)) % 11 % 10
    second = -sum(w * v for w, v in zip(weights, values, strict=False)) % 11 % 10
    return len(set(values)) > 1 and (first, second) == (values[12], values[13])


def _curp(match: re.Match[str]) -> bool:
    total = sum((18 - place) * _CURP_LETTERS.index(char) for place, char in enumerate(match[0][:17]))
    return is_day(match[1], match[2], match[3]) and -total % 10 == int(match[0][17])


def mx_rfc(text: str) -> Verdict:
    """Of a person: four letters, the date of birth, and three that the tax office gives, mod 11."""
    match = _RFC.fullmatch(text.upper())
    if match is None or not is_day(match[2], match[3], match[4]):
        return Verdict.NO
    number = "".join(match.groups())
    total = sum((13 - place) * _RFC_LETTERS.index(char) for place, char in enumerate(number[:12]))
    return Verdict.YES if _RFC_LETTERS[-total % 11] == number[12] else Verdict.NO


def mx_rfc_form(text: str) -> Verdict:
    """As `mx_rfc` without the check digit: the tax office itself has given many that do not agree with it."""
    match = _RFC_FORM.fullmatch(text.upper())
    return Verdict.YES if match is not None and is_day(match[2], match[3], match[4]) else Verdict.NO


def _cuit(digits: str) -> bool:
    check = min(-weighted_sum(digits[:10], (5, 4, 3, 2, 7, 6, 5, 4, 3, 2)) % 11, 9)
    return digits[:2] in ("20", "23", "24", "25", "26", "27") and check == int(digits[10])


def _rut(match: re.Match[str]) -> bool:
    if is_date(match[1] + match[2]):
        return False
    total = weighted_sum(match[1][::-1], (2, 3, 4, 5, 6, 7, 2, 3))
    return int(match[1]) >= 100_000 and len(set(match[1])) > 1 and "0123456789K"[-total % 11] == match[2]


TESTS: Final[Tests] = {
    "ca_sin": (
        "nine digits by Luhn, the first not 0 or 8",
        digits_that(9, lambda digits: digits[0] not in "08" and luhn_valid(digits), _EXAMPLE_SIN),
    ),
    "ca_ontario": (
        "ten digits by Luhn, perhaps two letters (Ontario)",
        form_that(r"(\d{10})(?:[A-Z]{2})?", lambda match: luhn_valid(match[1])),
    ),
    "ca_phn": ("ten digits from 9, mod 11 (British Columbia)", digits_that(10, _phn)),
    "ca_ramq": ("four letters, date of birth, two digits (Québec)", form_that(_RAMQ, _ramq)),
    "ca_province": ("eight to twelve digits, not one digit repeated", digits_that((8, 9, 10, 12), lambda digits: True)),
    "mx_curp": ("name, date of birth, sex, state, check digit", form_that(_CURP, _curp)),
    "mx_rfc": ("name, date of birth, check digit mod 11", mx_rfc),
    "mx_rfc_form": ("name and date of birth; a fault of its check digit is not held against it", mx_rfc_form),
    "mx_nss": ("eleven digits by Luhn", digits_that(11, luhn_valid)),
    "br_cpf": ("eleven digits, the last two check, mod 11", digits_that(11, _cpf)),
    "br_cnpj": ("fourteen digits or letters, the last two check, mod 11", form_that(r"[0-9A-Z]{12}\d\d", _cnpj)),
    "ar_cuit": ("eleven digits of a person, mod 11", digits_that(11, _cuit)),
    "ar_dni": ("seven or eight digits", digits_that((7, 8), lambda digits: int(digits) >= 1_000_000)),
    "cl_rut": ("up to eight digits and 0 to 9 or K, mod 11, no date", form_that(r"(\d{6,8})([0-9K])", _rut)),
}
