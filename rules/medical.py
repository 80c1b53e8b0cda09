"""Numbers and codes of the health sector."""

import re
from typing import Final

from rules.verdict import Verdict, digits_of, is_date, is_repeated, luhn_sum

# 1-9, letter, letter or digit, digit, twice over with the middle shorter (CMS: "Understanding the MBI").
_MBI: Final = re.compile(
    r"[1-9][AC-HJKMNP-RT-Y][AC-HJKMNP-RT-Y0-9][0-9]"
    r"[AC-HJKMNP-RT-Y][AC-HJKMNP-RT-Y0-9][0-9]"
    r"[AC-HJKMNP-RT-Y]{2}[0-9]{2}"
)
MBI_SEPARATORS: Final = str.maketrans("", "", " ./_-")
_DEA: Final = re.compile(r"[ABCDEFGHJKLMPRSTUX][A-Z9][0-9]{7}")
_ICD10: Final = re.compile(r"([A-Z])([0-9][0-9AB])(?:\.?([0-9A-Z]{1,4}))?")

# ICD-10-CM chapters: the letter, and the first and last category of each range that has codes.
_CHAPTERS: Final = {
    "A": (("00", "99"),),
    "B": (("00", "99"),),
    "C": (("00", "96"),),
    "D": (("00", "49"), ("50", "89")),
    "E": (("00", "13"), ("15", "16"), ("20", "46"), ("50", "68"), ("70", "89")),
    "F": (("01", "99"),),
    "G": (("00", "99"),),
    "H": (("00", "59"), ("60", "95")),
    "I": (("00", "16"), ("20", "52"), ("60", "99")),
    "J": (("00", "99"),),
    "K": (("00", "95"),),
    "L": (("00", "99"),),
    "M": (("00", "99"),),
    "N": (("00", "99"),),
    "O": (("00", "9A"),),
    "P": (("00", "96"),),
    "Q": (("00", "99"),),
    "R": (("00", "99"),),
    "S": (("00", "99"),),
    "T": (("07", "88"),),
    "U": (("07", "09"),),
    "V": (("00", "99"),),
    "W": (("00", "99"),),
    "X": (("00", "99"),),
    "Y": (("00", "99"),),
    "Z": (("00", "99"),),
}
_LETTERED: Final = frozenset({"C4A", "C7A", "C7B", "D3A", "M1A", "O9A", "Z3A"})


def record(text: str) -> Verdict:
    """A record number as hospitals write them behind its label: five digits or more, and not a date."""
    digits = digits_of(text)
    if len(digits) < 5 or is_date(digits) or (is_repeated(digits) and len(digits) < 6):
        return Verdict.NO
    return Verdict.YES


def npi(text: str) -> Verdict:
    """A National Provider Identifier: Luhn with the prefix 80840, which adds 24 (45 CFR 162.406)."""
    digits = digits_of(text)
    if len(digits) != 10 or digits[0] not in "12" or is_repeated(digits):
        return Verdict.NO
    return Verdict.YES if (luhn_sum(digits) + 24) % 10 == 0 else Verdict.NO


def dea(text: str) -> Verdict:
    """A DEA registration: d1+d3+d5 plus twice d2+d4+d6 ends in d7."""
    compact = text.replace(" ", "").replace("-", "").upper()
    if not _DEA.fullmatch(compact):
        return Verdict.NO
    digits = [int(digit) for digit in compact[2:]]
    total = sum(digits[0:6:2]) + 2 * sum(digits[1:6:2])
    return Verdict.YES if total % 10 == digits[6] and any(digits[:6]) else Verdict.NO


def mbi(text: str) -> Verdict:
    """A Medicare Beneficiary Identifier of eleven places; dashes and spaces are no part of it."""
    compact = text.translate(MBI_SEPARATORS).upper()
    return Verdict.YES if _MBI.fullmatch(compact) else Verdict.NO


def icd10(text: str) -> Verdict:
    """A diagnosis code within a chapter's range; up to four characters may follow the category."""
    match = _ICD10.fullmatch(text.upper())
    if match is None:
        return Verdict.NO
    letter, category = match[1], match[2]
    if not category.isdigit():
        return Verdict.YES if letter + category in _LETTERED else Verdict.NO
    return Verdict.YES if any(first <= category <= last for first, last in _CHAPTERS[letter]) else Verdict.NO
