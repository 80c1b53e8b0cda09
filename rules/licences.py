"""Passports and driver's licences of the United States."""

import re
from typing import Final

from rules.verdict import Verdict, digits_of, is_date, is_repeated

_FARTHEST_LABEL: Final = 60
_OTHER_PASSPORT: Final = re.compile(
    rb"\b(?:u\.?k\.?|british|gbr?|united kingdom|indian|ind|canadian|can|australian|aus|"
    rb"new zealand|nzl|irish|irl|german|d(?:eu)?|"
    rb"deutscher?|french|fra|fran\xc3\xa7ais|italian|ita|spanish|esp|dutch|nld|swiss|che|japanese|jpn|chinese|chn|korean|kor|brazilian|bra)"
    rb" (?:citizen )?passports?\b[^0-9\n]{0,30}$",
    re.I,
)
_PASSPORT: Final = re.compile(r"[0-9]{9}|[A-Z][0-9]{8}")
_MRZ: Final = re.compile(
    r"([A-Z0-9<]{9})([0-9])USA([0-9]{6})([0-9])[MFX<]([0-9]{6})([0-9])([A-Z0-9<]{14})([0-9<])([0-9])"
)
_WEIGHTS: Final = (7, 3, 1)
_SEPARATORS: Final = str.maketrans("", "", " -.")

# What the states print, letters as A and digits as 9, once separators are gone (AAMVA; each state's DMV). Digits
# alone: 6-12 in most states, 13 and 14 in Montana, 16 in New York; below 6 the number says too little.
_STATES: Final = (
    "A99999",
    "A999999",  # Nebraska, Ohio, Rhode Island
    "A9999999",  # California, New York, Nebraska, Wisconsin's and Ohio's shorter
    "A99999999",  # Arizona, Hawaii, Kansas, Kentucky, Massachusetts, Ohio, Virginia, Nevada (X)
    "A999999999",  # Indiana, Kentucky, Oklahoma, Virginia, Missouri
    "A9999999999",  # Michigan, Virginia
    "A99999999999",  # Illinois, Virginia
    "A999999999999",  # Florida, Maryland, Michigan, Minnesota
    "A9999999999999",  # Wisconsin
    "A99999999999999",  # New Jersey
    "A999999999999999999",  # New York
    "AA99999",  # West Virginia, Colorado, Ohio
    "AA999999",  # West Virginia, Ohio
    "AA9999999",  # Massachusetts, Ohio
    "AA999999A",  # Idaho
    "AA99999999",  # federal and commercial forms
    "AAA999999",  # North Dakota
    "AAA99999999",  # New Hampshire
    "99AAA99999",  # New Hampshire
    "999AA9999",  # Iowa
    "9999999A",  # Maine, Vermont
    "99999999A",
    "999999999A",  # Missouri
    "99999999AA",
    "A999999A",  # Missouri
    "A99999A",
    "A9A9A",  # Kansas
    "AAAAA99999",
)
_SHAPES: Final = frozenset(_STATES)
_LETTERS: Final = str.maketrans(dict.fromkeys("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "A") | dict.fromkeys("0123456789", "9"))
_GROUPS: Final = re.compile(
    rb"(?:[A-Za-z](?: [0-9]{2,7}){2,5}|[0-9]{2,3}(?: [0-9]{3}){2}|[A-Za-z]{1,3} [0-9]{5,12})(?![A-Za-z0-9])"
    rb"|[A-Za-z0-9*]{1,20}(?:[.-][0-9]{1,9}){0,5}(?:-?[A-Za-z])?(?![A-Za-z0-9])"
)
_OTHER_DASHED: Final = re.compile(
    r"[0-9]{3}-[0-9]{3}-[0-9]{4}|[0-9]{3}-[0-9]{2}-[0-9]{4}|(?:[0-9]{4}-[0-9]{2}|[0-9]{2}-[0-9]{2})-[0-9]{2,4}"
)
_GROUPED: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789*"
_WASHINGTON: Final = re.compile(r"WDL[A-Z0-9*]{9}|[A-Z*]{7}[0-9]{3}[A-Z0-9]{2}")


def us_driver_license(text: str) -> Verdict:
    """A licence in the form of one of the states; they have no check digit that is published."""
    compact = text.translate(_SEPARATORS).upper()
    if compact.isdigit():
        found = 6 <= len(compact) <= 14 or len(compact) == 16
        return Verdict.YES if found and not is_repeated(compact) and not is_date(compact) else Verdict.NO
    if compact.translate(_LETTERS) in _SHAPES or _WASHINGTON.fullmatch(compact):
        return Verdict.YES
    return Verdict.NO


def us_driver_license_end(data: bytes, start: int) -> int:
    """Where the licence that begins at `start` ends: the longest of its groups that make a state's form; 0 for none."""
    match = _GROUPS.match(data, start)
    while match is not None:
        if us_driver_license(match[0].decode()) is Verdict.YES:
            return match.end()
        shorter = match[0].rstrip(_GROUPED).rstrip(b" -.")
        match = _GROUPS.fullmatch(data, start, start + len(shorter)) if shorter else None
    return 0


def us_driver_license_dashed(text: str) -> Verdict:
    """As `us_driver_license`, but for what dashes show to be a phone, a Social Security number or a date."""
    if _OTHER_DASHED.fullmatch(text):
        return Verdict.NO
    return us_driver_license(text)


def us_passport(text: str) -> Verdict:
    """Nine digits, or a letter and eight (a card, or a book since 2021); no round number."""
    return Verdict.YES if _PASSPORT.fullmatch(text.upper()) and not text.endswith("0" * 7) else Verdict.NO


def us_passport_place(data: bytes, start: int, end: int) -> Verdict:
    """Not where the words before say that it is the passport of another country."""
    return Verdict.NO if _OTHER_PASSPORT.search(data[max(0, start - _FARTHEST_LABEL) : start]) else Verdict.YES


def passport_number(text: str) -> Verdict:
    """Letters and digits as countries number their passports; no row of one digit."""
    digits = digits_of(text)
    return Verdict.NO if is_repeated(digits) or digits.endswith("0" * 6) else Verdict.YES


def us_passport_zone(text: str) -> Verdict:
    """The second line of the machine-readable zone, its five check digits right (ICAO 9303-4)."""
    match = _MRZ.fullmatch(text.upper())
    if match is None:
        return Verdict.NO
    number, birth, expiry, rest = match[1], match[3], match[5], match[7]
    whole = number + match[2] + birth + match[4] + expiry + match[6] + rest + match[8]
    checks = ((number, match[2]), (birth, match[4]), (expiry, match[6]), (whole, match[9]))
    right = all(_check_digit(field) == int(digit) for field, digit in checks)
    return Verdict.YES if right and match[8] in (str(_check_digit(rest)), "<") else Verdict.NO


def _check_digit(field: str) -> int:
    values = (0 if char == "<" else int(char, 36) for char in field)
    return sum(value * _WEIGHTS[place % 3] for place, value in enumerate(values)) % 10
