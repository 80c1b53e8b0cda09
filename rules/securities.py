"""Numbers of securities."""

import re
from typing import Final

from rules.countries import COUNTRIES
from rules.verdict import Verdict, luhn_valid

_CUSIP: Final = re.compile(r"[0-9A-Z*@#]{8}[0-9]")
_ISIN: Final = re.compile(r"([A-Z]{2})[0-9A-Z]{9}[0-9]")
_SIGNS: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ*@#"
# Beside countries: clearing houses, the EU, cryptographic assets and derivatives (ISO 6166).
_ISSUERS: Final = COUNTRIES | {"EU", "EZ", "QS", "QT", "QW", "XA", "XB", "XC", "XD", "XF", "XS", "XT"}


def cusip(text: str) -> Verdict:
    """A CUSIP: an issuer, an issue, and a check digit over both (ANSI X9.6); not nine times nothing."""
    compact = text.replace(" ", "").replace("-", "").upper()
    if not _CUSIP.fullmatch(compact) or len(set(compact)) < 3:
        return Verdict.NO
    total = 0
    for place, char in enumerate(compact[:8]):
        number = _SIGNS.index(char) * (1 + place % 2)
        total += number // 10 + number % 10
    return Verdict.YES if (10 - total % 10) % 10 == int(compact[8]) else Verdict.NO


def isin(text: str) -> Verdict:
    """An ISIN: a country, nine places, and a Luhn digit over letters as numbers (ISO 6166)."""
    compact = text.replace(" ", "").replace("-", "").upper()
    match = _ISIN.fullmatch(compact)
    if match is None or match[1] not in _ISSUERS or compact.startswith(("ISBN", "ISSN")) or len(set(compact[2:])) < 3:
        return Verdict.NO
    return Verdict.YES if luhn_valid("".join(str(int(char, 36)) for char in compact)) else Verdict.NO


def isin_bare(text: str) -> Verdict:
    """As `isin`, where nothing else says so: most of it digits, as national numbers are, and not counted up."""
    if sum(char.isdigit() for char in text) < 6 or "12345678" in text:
        return Verdict.NO
    return isin(text)
