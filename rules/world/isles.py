"""The United Kingdom and Ireland."""

import re
from typing import Final

from rules.verdict import Verdict, digits_of
from rules.world.arithmetic import Test, Tests, digits_that, form_that, weighted_sum

# HMRC, NIM39110: letters that no prefix holds, and prefixes that are not given.
_NINO: Final = r"(?!BG|GB|KN|NK|NT|TN|ZZ)[ABCEGHJ-PRSTW-Z][ABCEGHJ-NPRSTW-Z](?P<number>\d{6})[A-D]?"
# DVLA: five of the surname, the decade, the month (51-62 for women), the day, the year, initials, three more.
_UK_DRIVER: Final = (
    r"(?:[A-Z]{5}|[A-Z]{4}9|[A-Z]{3}99|[A-Z]{2}999|[A-Z]9999)\d(?:0[1-9]|1[0-2]|5[1-9]|6[0-2])"
    r"(?:0[1-9]|[12]\d|3[01])\d(?:[A-Z]{2}|[A-Z]9|99)[A-Z0-9][A-Z]{2}"
)
_SUFFIX: Final = re.compile(rb"[ ./-]{0,3}[A-Za-z](?![A-Za-z])")
_IE_LETTERS: Final = "WABCDEFGHIJKLMNOPQRSTUV"


def _nhs(digits: str) -> bool:
    return weighted_sum(digits, range(10, 0, -1)) % 11 == 0 and not digits.startswith("000")


def _utr(digits: str) -> bool:
    return digits[0] == "21987654321"[weighted_sum(digits[1:], (6, 7, 8, 9, 10, 5, 4, 3, 2)) % 11]


def _pps(match: re.Match[str]) -> bool:
    total = weighted_sum(match[1], range(8, 1, -1))
    if match[3] and match[3] in "ABHWTX":
        # The second letter counts nine-fold since 2013; W, T and X are of before and do not count.
        total += 9 * _IE_LETTERS.index(match[3]) if match[3] in "ABH" else 0
    return match[2] == _IE_LETTERS[total % 23]


def nino_ends(data: bytes, start: int, end: int) -> Verdict:
    """Two letters and six digits are no number where a letter stands behind them: that is a suffix, and a wrong one."""
    return Verdict.NO if _SUFFIX.match(data, end) else Verdict.YES


def _never_typed(test: Test, typed: str) -> Test:
    def tested(text: str) -> Verdict:
        verdict = test(text)
        return Verdict.EXAMPLE if verdict is Verdict.YES and digits_of(text) == typed else verdict

    return tested


TESTS: Final[Tests] = {
    "uk_nhs": ("ten digits, mod 11 (NHS Data Dictionary)", digits_that(10, _nhs)),
    "uk_nhs_no_phone": (
        "as uk_nhs, and no phone number of North America (the fourth digit is 0 or 1)",
        digits_that(10, lambda digits: digits[3] in "01" and _nhs(digits)),
    ),
    "uk_nino": ("a prefix that HMRC gives, six digits, A to D", _never_typed(form_that(_NINO), "123456")),
    "uk_utr": ("ten digits, the first checks the others, mod 11", digits_that(10, _utr)),
    "uk_driver_license": ("surname, date of birth and initials in their places", form_that(_UK_DRIVER)),
    "uk_passport": ("nine digits, or two letters and seven digits", form_that(r"\d{9}|[A-Z]{2}\d{7}")),
    "ie_pps": ("seven digits and a letter, mod 23", form_that(r"(\d{7})([A-W])([A-IWTX]?)", _pps)),
}
