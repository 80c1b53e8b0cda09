"""The checks that patterns name: whether a candidate can be what it looks like.

Each takes the candidate as matched (normalised text) and says YES, NO, or EXAMPLE for numbers that manuals, wallets and
test systems print: those count one step less sure, and no word nearby makes them surer.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from rules import financial, identity, medical
from rules.verdict import Verdict, digits_of, luhn_valid


@dataclass(frozen=True, slots=True)
class Check:
    """A named check; `about` is one line for the docs."""

    about: str
    test: Callable[[str], Verdict]
    # For values that say by their beginning how long they are: a pattern finds where one begins, this where it ends.
    # Takes the text and the place; gives 0 where there is no value.
    reach: Callable[[bytes, int], int] | None = None
    separators: Mapping[int, int | None] = field(default_factory=lambda: str.maketrans("", "", " -\t\r\n"))
    # What stands around a value can say that it is none: takes the text and where the value begins and ends.
    around: Callable[[bytes, int, int], Verdict] | None = None


def _luhn(text: str) -> Verdict:
    digits = digits_of(text)
    return Verdict.YES if len(digits) > 1 and luhn_valid(digits) else Verdict.NO


CHECKS: Final[Mapping[str, Check]] = MappingProxyType(
    {
        "luhn": Check("check digit by Luhn (ISO/IEC 7812-1)", _luhn),
        "us_ssn": Check("area not 000, 666 or 9xx, group not 00, serial not 0000, not advertised", identity.us_ssn),
        "us_itin": Check("9xx, with the fourth and fifth digit 50-65, 70-88, 90-92 or 94-99", identity.us_itin),
        "card": Check("issuer's range and length, check digit by Luhn, not one digit repeated", financial.card),
        "iban": Check(
            "the country's length, counted from its two letters and two digits, mod 97 (ISO 13616)",
            financial.iban,
            financial.iban_end,
            financial.IBAN_SEPARATORS,
        ),
        "aba": Check("Federal Reserve prefix and weighted check digit", financial.aba),
        "bic": Check("a country of ISO 3166 in the fifth and sixth place (ISO 9362)", financial.bic),
        "bic_any_case": Check("as bic, small letters too", financial.bic_any_case),
        "account": Check("8 to 17 digits, not one digit repeated, not a date", financial.account),
        "record": Check("at least five digits, not a date, not one digit repeated in a short number", medical.record),
        "npi": Check("begins with 1 or 2, check digit by Luhn over 80840 and the number", medical.npi),
        "dea": Check("registrant's letter and check digit", medical.dea),
        "mbi": Check(
            "letters and digits in their places, without S L O I B Z", medical.mbi, None, medical.MBI_SEPARATORS
        ),
        "icd10": Check("a chapter's range of ICD-10-CM", medical.icd10),
    }
)
