"""India, China, Hong Kong, Taiwan, Japan, Korea, Singapore, Malaysia, Thailand, Indonesia, the Emirates."""

import re
from typing import Final

from rules.financial import within_dump, within_iban
from rules.verdict import Verdict, luhn_valid
from rules.world.arithmetic import Tests, digits_that, form_that, is_day, verhoeff, weighted_sum

# GB/T 2260: the first two digits of a place in China.
_CN_PLACES: Final = re.compile(r"1[1-5]|2[1-3]|3[1-7]|4[1-6]|5[0-4]|6[1-5]|71|8[1-3]|91")
_FOUR_BEFORE: Final = re.compile(rb"[0-9]{4}[ -]$")
_FOUR_BEHIND: Final = re.compile(rb"[ -][0-9]{3,4}(?![0-9])")
_TW_LETTERS: Final = "ABCDEFGHJKLMNPQRSTUVXYWZIO"  # 10 to 35, in this order
_SG_LETTERS: Final = {"S": "JZIHGFEDCBA", "F": "XWUTRQPNMLK", "M": "XWUTRQPNJLK"}
_MY_NO_PLACES: Final = frozenset({"00", "17", "18", "19", "20", "69", "70", "73", "80", "81", "94", "95", "96", "97"})


def _aadhaar(digits: str) -> bool:
    return digits[0] in "23456789" and digits != digits[::-1] and verhoeff(digits)


def aadhaar_place(data: bytes, start: int, end: int) -> Verdict:
    """Three groups of four digits are none beside a fourth, as of a card, nor within an IBAN or a dump."""
    beside = _FOUR_BEFORE.search(data[max(0, start - 6) : start]) or _FOUR_BEHIND.match(data, end)
    elsewhere = beside or within_iban(data, start, end) or within_dump(data, start, end)
    return Verdict.NO if elsewhere else Verdict.YES


def _cn_id(match: re.Match[str]) -> bool:
    number, check = match[1], match[2]
    total = weighted_sum(number, [2**power for power in range(17, 0, -1)])
    fits = _CN_PLACES.match(number) is not None and 1850 <= int(number[6:10]) <= 2099
    return fits and is_day(number[6:10], number[10:12], number[12:14]) and check == "10X98765432"[total % 11]


def _hkid(match: re.Match[str]) -> bool:
    letters, digits, check = match.groups()
    values = [36 if char == " " else ord(char) - 55 for char in letters.rjust(2)]
    total = 9 * values[0] + 8 * values[1] + weighted_sum(digits, range(7, 1, -1))
    return (total + (10 if check == "A" else int(check))) % 11 == 0


def _tw_id(match: re.Match[str]) -> bool:
    letter = 10 + _TW_LETTERS.index(match[1])
    second = match[2] if match[2].isdigit() else str((10 + _TW_LETTERS.index(match[2])) % 10)
    total = letter // 10 + 9 * (letter % 10) + weighted_sum(second + match[3], (8, 7, 6, 5, 4, 3, 2, 1, 1))
    return total % 10 == 0


def _nric(match: re.Match[str]) -> bool:
    """T and G count four more than S and F of before 2000, M three more."""
    kind, digits, check = match.groups()
    total = weighted_sum(digits, (2, 7, 6, 5, 4, 3, 2)) + {"T": 4, "G": 4, "M": 3}.get(kind, 0)
    return _SG_LETTERS[{"T": "S", "G": "F"}.get(kind, kind)][total % 11] == check


def _my_nric(digits: str) -> bool:
    return is_day(digits[:2], digits[2:4], digits[4:6]) and digits[6:8] not in _MY_NO_PLACES


def _my_number(digits: str) -> bool:
    return -weighted_sum(digits[:11], (6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2)) % 11 % 10 == int(digits[11])


def _rrn_date(digits: str) -> bool:
    return digits[6] in "012345678" and is_day(digits[:2], digits[2:4], digits[4:6])


def _rrn_new(digits: str) -> bool:
    """Of who was born since October 2020: no check digit any more."""
    return digits[6] in "3478" and "2010" <= digits[:4] < "50" and _rrn_date(digits)


def _rrn(digits: str) -> bool:
    check = (11 - weighted_sum(digits[:12], (2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5)) % 11) % 10
    foreign = (check + 2) % 10 if digits[6] in "5678" else check
    return _rrn_date(digits) and int(digits[12]) in (check, foreign)


def _thai(digits: str) -> bool:
    return digits[0] in "12345678" and (11 - weighted_sum(digits[:12], range(13, 1, -1)) % 11) % 10 == int(digits[12])


def _nik(digits: str) -> bool:
    """Province, regency, district; the date of birth, 40 more for women; serial."""
    day = int(digits[6:8])
    return "11" <= digits[:2] <= "96" and is_day(digits[10:12], digits[8:10], day - 40 if day > 40 else day)


def _emirates(digits: str) -> bool:
    return digits.startswith("784") and 1900 <= int(digits[3:7]) <= 2099 and luhn_valid(digits)


TESTS: Final[Tests] = {
    "in_aadhaar": ("twelve digits from 2 on, check digit by Verhoeff", digits_that(12, _aadhaar)),
    "in_pan": (
        "five letters of which the fourth says the kind of holder, four digits, a letter",
        form_that(r"[A-Z]{3}[ABCEFGHJLPT][A-Z](?!0000)\d{4}[A-Z]"),
    ),
    "in_passport": ("a letter and seven digits", form_that(r"[A-PR-WY][1-9]\d{6}")),
    "cn_id": ("place, date of birth, serial, mod 11 (GB 11643)", form_that(r"(\d{17})([0-9X])", _cn_id)),
    "hk_hkid": ("one or two letters, six digits, mod 11", form_that(r"([A-Z]{1,2})(\d{6})([0-9A])", _hkid)),
    "tw_id": ("a letter and nine digits, mod 10", form_that(r"([A-Z])([1289A-D])(\d{8})", _tw_id)),
    "sg_nric": ("S, T, F, G or M, seven digits and their letter", form_that(r"([STFGM])(\d{7})([A-Z])", _nric)),
    "my_nric": ("date of birth, place, serial", digits_that(12, _my_nric)),
    "jp_my_number": ("twelve digits, mod 11", digits_that(12, _my_number)),
    "kr_rrn": ("date of birth, sex and century, check digit mod 11", digits_that(13, _rrn)),
    "kr_rrn_new": ("a date of birth since October 2020, sex and century", digits_that(13, _rrn_new)),
    "th_pin": ("thirteen digits, mod 11", digits_that(13, _thai)),
    "id_nik": ("place, date of birth, serial", digits_that(16, _nik)),
    "ae_emirates_id": ("784, year of birth, serial, check digit by Luhn", digits_that(15, _emirates)),
}
