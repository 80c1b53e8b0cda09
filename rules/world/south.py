"""Spain, Portugal, Italy, Greece, Turkey, Israel."""

import re
from typing import Final

from rules.verdict import Verdict, luhn_valid
from rules.world.arithmetic import (
    DIGITS_AND_LETTERS,
    Test,
    Tests,
    compact,
    digits_that,
    form_that,
    is_day,
    weighted_sum,
)

_DNI_LETTERS: Final = "TRWAGMYFPDXBNJZSQVHLCKE"
# Letters that stand for digits where two people would share a code (omocodia).
_STAND_IN: Final = str.maketrans("LMNPQRSTUV", "0123456789")
_N: Final = "[0-9LMNPQRSTUV]"
_FISCAL_CODE: Final = rf"([A-Z]{{6}})({_N}{{2}})([ABCDEHLMPRST])({_N}{{2}})([A-Z])({_N}{{3}})([A-Z])"
_ODD_PLACES: Final = dict(
    zip(
        DIGITS_AND_LETTERS,
        (
            1,
            0,
            5,
            7,
            9,
            13,
            15,
            17,
            19,
            21,
            1,
            0,
            5,
            7,
            9,
            13,
            15,
            17,
            19,
            21,
            2,
            4,
            18,
            20,
            11,
            3,
            6,
            8,
            12,
            14,
            16,
            10,
            22,
            25,
            24,
            23,
        ),
        strict=True,
    )
)  # of the first, third, fifth ... place (D.M. 23 December 1976)


def _dni(match: re.Match[str]) -> bool:
    return match[2] == _DNI_LETTERS[int(match[1]) % 23]


def _nie(match: re.Match[str]) -> bool:
    return match[3] == _DNI_LETTERS[int(str("XYZ".index(match[1])) + match[2]) % 23]


def _known(test: Test, examples: frozenset[str]) -> Test:
    def tested(text: str) -> Verdict:
        verdict = test(text)
        return Verdict.EXAMPLE if verdict is Verdict.YES and compact(text) in examples else verdict

    return tested


def _nuss(digits: str) -> bool:
    province, number, check = int(digits[:2]), int(digits[2:10]), int(digits[10:])
    whole = number + province * 10_000_000 if number < 10_000_000 else int(digits[:10])
    return 1 <= province <= 66 and whole % 97 == check


def _pt_nif(digits: str) -> bool:
    given = digits[0] in "12356789" or digits[:2] == "45"
    return given and -weighted_sum(digits[:8], range(9, 1, -1)) % 11 % 10 == int(digits[8])


def _pt_cc(match: re.Match[str]) -> bool:
    values = [DIGITS_AND_LETTERS.index(char) for char in match[0]]
    doubled = [value * 2 if place % 2 == 0 else value for place, value in enumerate(values)]
    return sum(v - 9 if p % 2 == 0 and v > 9 else v for p, v in enumerate(doubled)) % 10 == 0


def _codice_fiscale(match: re.Match[str]) -> bool:
    code, day = match[0], int(match[4].translate(_STAND_IN))
    total = sum(_ODD_PLACES[char] for char in code[0:15:2])
    total += sum(int(char) if char.isdigit() else ord(char) - 65 for char in code[1:15:2])
    return (1 <= day <= 31 or 41 <= day <= 71) and chr(65 + total % 26) == match[7]


def _amka(digits: str) -> bool:
    return is_day(digits[4:6], digits[2:4], digits[:2]) and luhn_valid(digits)


def _afm(digits: str) -> bool:
    return weighted_sum(digits[:8], (256, 128, 64, 32, 16, 8, 4, 2)) % 11 % 10 == int(digits[8])


def _kimlik(digits: str) -> bool:
    odd, even = sum(map(int, digits[0:9:2])), sum(map(int, digits[1:8:2]))
    tenth = (odd * 7 - even) % 10
    return digits[0] != "0" and tenth == int(digits[9]) and (odd + even + tenth) % 10 == int(digits[10])


TESTS: Final[Tests] = {
    "es_dni": (
        "eight digits and their letter, mod 23",
        _known(form_that(r"(\d{7,8})([A-Z])", _dni), frozenset({"00000000T", "12345678Z"})),
    ),
    "es_nie": ("X, Y or Z, seven digits and their letter, mod 23", form_that(r"([XYZ])0?(\d{7})([A-Z])", _nie)),
    "es_nuss": ("province, number, mod 97", digits_that(12, _nuss)),
    "pt_nif": ("nine digits of a person or firm, mod 11", digits_that(9, _pt_nif)),
    "pt_cc": ("eight digits, a digit, two letters or digits, a check digit", form_that(r"\d{9}[A-Z0-9]{2}\d", _pt_cc)),
    "it_codice_fiscale": (
        "name, year, month, day, place and check letter, with stand-ins for digits",
        form_that(_FISCAL_CODE, _codice_fiscale),
    ),
    "it_identity_card": ("two letters, five digits, two letters", form_that(r"C[A-Z]\d{5}[A-Z]{2}|A[A-Z]\d{7}")),
    "gr_amka": ("date of birth, check digit by Luhn", digits_that(11, _amka)),
    "gr_afm": ("nine digits, powers of two, mod 11", digits_that(9, _afm)),
    "tr_kimlik": ("eleven digits with two check digits", digits_that(11, _kimlik)),
    "il_id": ("nine digits, check digit by Luhn", digits_that(9, luhn_valid)),
}
