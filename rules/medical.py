"""Numbers and codes of the health sector."""

import re
from typing import Final

from rules.identity import us_ssn
from rules.verdict import Verdict, digits_of, is_date, is_repeated, luhn_sum

# 1-9, letter, letter or digit, digit, twice over with the middle shorter (CMS: "Understanding the MBI").
_MBI: Final = re.compile(
    r"[1-9][AC-HJKMNP-RT-Y][AC-HJKMNP-RT-Y0-9][0-9]"
    r"[AC-HJKMNP-RT-Y][AC-HJKMNP-RT-Y0-9][0-9]"
    r"[AC-HJKMNP-RT-Y]{2}[0-9]{2}"
)
_FEWEST_SIGNS: Final = 4  # fewer of them show only where letters and digits stand: 1XX9-XX9-XX99
MBI_SEPARATORS: Final = str.maketrans("", "", " ./_-")
_DEA: Final = re.compile(r"[ABCDEFGHJKLMPRSTUX][A-Z9][0-9]{7}")


_HICN: Final = re.compile(
    r"([0-9]{9})(?:A|B[1-9ADGHJKLNPQRTWY]?|C[1-9A-Z]|D[1-9ACDGHJKLMNPQRSTVWXYZ]?|E[1-9ABCDFGHJKM]?|"
    r"F[1-8]|HA|HB|HC|J[1-4]|K[1-9A-HJLM]|LM|LW|M1?|T[2ABCDEFGHJKLMNPQRSTUVWXYZ]?|W[1-9BCFGJRT]?)[0-9]?"
)
_RAILROAD: Final = re.compile(r"(?:A|MA|WA|CA|PA|H|MH|WH|WCA|WCH|WCD|WD|PD|PH|JA)[0-9]{6}(?:[0-9]{3})?")


_DATE: Final = re.compile(
    r"(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])-[0-9]{2}|(?:0[1-9]|[12][0-9]|3[01])-(?:0[1-9]|1[0-2])-[0-9]{2}"
)
_DATED: Final = re.compile(r"(?:19|20)[0-9]{2}-(?:0[1-9]|1[0-2])(?:-|$)")
_MEMBER: Final = re.compile(
    rb"(?:[A-Za-z]{0,6}[ -]?[0-9]{6,14}[A-Za-z]{0,3}(?:-[0-9]{1,3})?|[A-Za-z]{1,4}[0-9][A-Za-z0-9]{5,12}"
    rb"|[0-9]{3,6}[ -][0-9]{2,6}[ -][0-9]{2,6}|[A-Za-z]{2,4}-[0-9]{2,4}-[0-9]{4,6})(?![A-Za-z0-9])"
)

_OTHER_MEMBER: Final = re.compile(
    rb"\b(?:newsletter|magazine|newspaper|journal|podcast|channel|cable|streaming|broadband|mobile|gym|fitness|club|union|"
    rb"library|museum|travel|car|auto(?:mobile|motive)?|motor|vehicle|home|homeowner'?s?|house(?:hold)?|renter'?s?|life|pet|dog|cat|"
    rb"frequent fl[iy]er|airline|mileage|rewards?|loyalty|hotel|"
    rb"flood|fire|liability|umbrella|boat|landlord|title|property|warranty)[ _-]{1,2}"
    rb"(?:insurance[ _-]?|magazine[ _-]?|club[ _-]?)?"
    rb"(?:polic(?:y|ies)|subscribers?|members?(?:hip)?|insurance|insured)\b[^0-9\n]{0,30}$"
    rb"|\b(?:subscribers?|members?) (?:count|total|number of|magazine|line|base)\b[^0-9\n]{0,20}$",
    re.I,
)
_FARTHEST_LABEL: Final = 90


def record(text: str) -> Verdict:
    """A record number as hospitals write them behind its label: five digits or more, and not a date."""
    digits = digits_of(text)
    if len(digits) < 5 or is_date(digits) or (is_repeated(digits) and len(digits) < 6) or text[:3].upper() == "MRN":
        return Verdict.NO
    return Verdict.YES


def record_dashed(text: str) -> Verdict:
    """As `record`, in groups of digits that are no date and no time."""
    return Verdict.NO if _DATE.fullmatch(text) else record(text)


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
    """A Medicare Beneficiary Identifier of eleven places, not its form alone; dashes and spaces are no part of it."""
    compact = text.translate(MBI_SEPARATORS).upper()
    return Verdict.YES if _MBI.fullmatch(compact) and len(set(compact)) >= _FEWEST_SIGNS else Verdict.NO


def hicn(text: str) -> Verdict:
    """A Health Insurance Claim Number: a Social Security number and what says whose claim it is, by A to W."""
    match = _HICN.fullmatch(text.translate(MBI_SEPARATORS).upper())
    return us_ssn(match[1]) if match else Verdict.NO


def hicn_railroad(text: str) -> Verdict:
    """A claim number of the Railroad Retirement Board: one to three letters, and six digits or nine."""
    return Verdict.YES if _RAILROAD.fullmatch(text.translate(MBI_SEPARATORS).upper()) else Verdict.NO


def member(text: str) -> Verdict:
    """A number of an insured person behind its label: six digits or more with what letters there are; no date."""
    digits = digits_of(text)
    if len(digits) < 6 or is_date(digits) or (is_repeated(digits) and len(digits) < 8):
        return Verdict.NO
    return Verdict.YES


def member_segment(text: str) -> Verdict:
    """A member's number in a segment that says so; one that reads as a date counts too."""
    digits = digits_of(text)
    return Verdict.NO if len(digits) < 6 or is_repeated(digits) else Verdict.YES


def member_place(data: bytes, start: int, end: int) -> Verdict:
    """Not where the words before say that it is no health plan: a magazine's subscriber, the insurance of a car."""
    return Verdict.NO if _OTHER_MEMBER.search(data[max(0, start - _FARTHEST_LABEL) : start]) else Verdict.YES


def member_end(data: bytes, start: int) -> int:
    """Where the member's number that begins at `start` ends; 0 where none does."""
    match = _MEMBER.match(data, start)
    return match.end() if match else 0


def medicaid(text: str) -> Verdict:
    """A Medicaid number behind its label: eight to fourteen letters and digits, five of them digits; no date."""
    compact = text.translate(MBI_SEPARATORS)
    digits = digits_of(text)
    if not 8 <= len(compact) <= 14 or len(digits) < 5 or is_date(digits):
        return Verdict.NO
    return Verdict.YES


def patient(text: str) -> Verdict:
    """A patient's number behind its label: four digits or more, not a date or a year."""
    digits = digits_of(text)
    if len(digits) < 4 or is_date(digits) or _DATED.match(text) or (text == digits and len(digits) == 4):
        return Verdict.NO
    return Verdict.YES
