"""Numbers that name a person."""

import re
from typing import Final
from urllib.parse import unquote

from rules.verdict import Verdict, digits_of, is_repeated, spoken_digits

# Printed in wallets and leaflets, used by thousands, and void since (SSA: "Misused Social Security numbers").
_ADVERTISED: Final = frozenset(
    {
        "078051120", "219099999", "457555462", "002281852", "042103580", "062360749", "095073645", "128036045",
        "135016629", "141186941", "165167999", "165187999", "165207999", "165227999", "165247999", "189092294",
        "212097694", "212099999", "306302348", "308125070", "468288779", "549241889",
    }
)  # fmt: skip
_FOR_ADVERTISING: Final = "98765432"  # kept by the SSA for numbers that are shown in leaflets
_TYPED: Final = frozenset({"123456789"})  # what people type when they need any number


def us_ssn(text: str) -> Verdict:
    """A number that the SSA can have given: area, group and serial in range (20 CFR 422.103; any area since 2011)."""
    digits = digits_of(text)
    if len(digits) != 9 or digits in _ADVERTISED or is_repeated(digits):
        return Verdict.NO
    area, group, serial = digits[:3], digits[3:5], digits[5:]
    if area in ("000", "666") or area[0] == "9" or group == "00" or serial == "0000":
        return Verdict.NO
    return Verdict.EXAMPLE if digits in _TYPED else Verdict.YES


def us_itin(text: str) -> Verdict:
    """A number that the IRS can have given in place of a social security number (IRM 3.21.263)."""
    digits = digits_of(text)
    if len(digits) != 9 or digits[0] != "9" or is_repeated(digits):
        return Verdict.NO
    if digits.startswith(_FOR_ADVERTISING):
        return Verdict.NO
    group = int(digits[3:5])
    valid = 50 <= group <= 65 or 70 <= group <= 88 or 90 <= group <= 92 or 94 <= group <= 99
    return Verdict.YES if valid else Verdict.NO


_STREET: Final = re.compile(
    rb"[ ,]{1,2}(?:[A-Za-z0-9.'-]{1,20} ){1,3}(?:st|street|rd|road|ave?|avenue|ln|lane|dr|drive|blvd|boulevard|way|"
    rb"court|ct|place|pl|terrace|parkway|pkwy|highway|hwy|circle|square|sq)\b",
    re.I,
)
_UNIT: Final = re.compile(rb"(?:suite|ste\.?|apt\.?|apartment|room|rm\.?|floor|unit|box|#) ?$", re.I)
_NUMBER_BEFORE: Final = re.compile(rb"[0-9][0-9.,:%]*[ \t]{1,3}$")
_NUMBER_BEHIND: Final = re.compile(rb"[ \t]{1,3}[$]?[0-9]")
SSN_TYPED: Final = str.maketrans("OoIl", "0011", " .-/\t\n")
# Prefixes that the IRS never gave to an office or to its site on the Internet.
_NO_EIN: Final = frozenset(
    {"00", "07", "08", "09", "17", "18", "19", "28", "29", "49", "69", "70", "78", "79", "89", "96", "97"}
)


def us_ssn_place(data: bytes, start: int, end: int) -> Verdict:
    """Three groups between spaces may be an address or a row of a table: then it is none, or one step less sure."""
    line = data.find(b"\n", end, end + 80)
    behind = data[end : line if line >= 0 else end + 80]
    before = data[max(data.rfind(b"\n", max(0, start - 20), start) + 1, start - 20, 0) : start]
    if _STREET.match(behind) or _UNIT.search(before):
        return Verdict.NO
    in_row = _NUMBER_BEFORE.search(before) or _NUMBER_BEHIND.match(behind)
    return Verdict.EXAMPLE if in_row or b"1900" <= data[end - 4 : end] <= b"2099" else Verdict.YES


def us_ssn_spoken(text: str) -> Verdict:
    """As `us_ssn`, each digit a word."""
    return us_ssn(spoken_digits(text))


def us_ssn_posted(text: str) -> Verdict:
    """As `us_ssn`, with its spaces and dashes as forms post them (WHATWG URL 5)."""
    return us_ssn(unquote(text))


def us_ssn_typed(text: str) -> Verdict:
    """As `us_ssn`, with letters typed for the digits that look like them, in no more than three places."""
    typed = sum(text.count(letter) for letter in "OoIl")
    return us_ssn(text.translate(SSN_TYPED)) if 0 < typed <= 3 else Verdict.NO


def us_ein(text: str) -> Verdict:
    """A number that the IRS can have given to an employer (IRM 21.7.13): its prefix is in use."""
    digits = digits_of(text)
    if len(digits) != 9 or digits[:2] in _NO_EIN or is_repeated(digits):
        return Verdict.NO
    return Verdict.EXAMPLE if digits in _TYPED else Verdict.YES
