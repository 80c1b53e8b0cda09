"""The checks that patterns name: whether a candidate can be what it looks like.

Each takes the candidate as matched (normalised text) and says YES, NO, or EXAMPLE for numbers that manuals, wallets and
test systems print: those count one step less sure, and no word nearby makes them surer.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from rules import cards, codes, dates, endings, financial, identity, licences, medical, secrets, securities
from rules.verdict import Verdict, digits_of, luhn_valid, spoken_end
from rules.world import asia, isles, table, west


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
    exact: bool = False  # values that differ in case or in a dash are two: passwords


def _luhn(text: str) -> Verdict:
    digits = digits_of(text)
    return Verdict.YES if len(digits) > 1 and luhn_valid(digits) else Verdict.NO


CHECKS: Final[Mapping[str, Check]] = MappingProxyType(
    {
        "luhn": Check("check digit by Luhn (ISO/IEC 7812-1)", _luhn),
        "us_ssn": Check("area not 000, 666 or 9xx, group not 00, serial not 0000, not advertised", identity.us_ssn),
        "us_ssn_typed": Check(
            "as us_ssn, with O for 0 and I or l for 1", identity.us_ssn_typed, None, identity.SSN_TYPED
        ),
        "us_ssn_spaced": Check(
            "as us_ssn; no address, no row of numbers", identity.us_ssn, around=identity.us_ssn_place
        ),
        "us_ssn_spoken": Check("as us_ssn, each digit a word", identity.us_ssn_spoken, spoken_end),
        "us_ssn_posted": Check("as us_ssn, percent-encoded", identity.us_ssn_posted),
        "us_ein": Check("a prefix that the IRS gives", identity.us_ein),
        "us_driver_license": Check("the form of a state's licences", licences.us_driver_license),
        "us_driver_license_named": Check(
            "as us_driver_license, its end found by the form",
            licences.us_driver_license,
            licences.us_driver_license_end,
        ),
        "us_driver_license_dashed": Check("as us_driver_license; no phone, no date", licences.us_driver_license_dashed),
        "us_passport": Check(
            "nine digits, or a letter and eight; no passport of another country",
            licences.us_passport,
            around=licences.us_passport_place,
        ),
        "passport_number": Check("not one digit repeated, no round number", licences.passport_number),
        "us_passport_zone": Check("the five check digits of ICAO 9303", licences.us_passport_zone),
        "us_itin": Check(
            "9xx, with the fourth and fifth digit 50-65, 70-88, 90-92 or 94-99, not advertised", identity.us_itin
        ),
        "card": Check(
            "issuer's range and length, check digit by Luhn, not one digit repeated, no part of an IBAN",
            cards.card,
            around=cards.card_place,
        ),
        "iban": Check(
            "the country's length, counted from its two letters and two digits, mod 97 (ISO 13616)",
            financial.iban,
            financial.iban_end,
            financial.IBAN_SEPARATORS,
        ),
        "aba": Check("Federal Reserve prefix and weighted check digit", financial.aba),
        "bic": Check(
            "a country of ISO 3166 in the fifth and sixth place (ISO 9362)",
            financial.bic,
            None,
            financial.BIC_SEPARATORS,
        ),
        "bic_any_case": Check("as bic, small letters too", financial.bic_any_case),
        "bic_known": Check("as bic, of a bank that sends much", financial.bic_known, None, financial.BIC_SEPARATORS),
        "card_spoken": Check("as card, each digit a word", cards.card_spoken, spoken_end),
        "card_lines": Check("as card, between lines that are no numbers", cards.card, around=cards.lines_place),
        "card_posted": Check("as card, percent-encoded", cards.card_posted),
        "track": Check("the card's number and a month of expiry (ISO/IEC 7813)", cards.track),
        "track_hex": Check("as track, with D between and padding behind, as chips give it", cards.track_hex),
        "card_expiry": Check("a month, and a year of 2000-2059", cards.card_expiry, around=cards.expiry_place),
        "card_expiry_fields": Check("as card_expiry, in fields of their own", cards.card_expiry_fields),
        "card_expiry_year_first": Check("a year and a month", cards.card_expiry_year_first),
        "cvv": Check("three or four digits that are no year", cards.cvv, around=cards.cvv_named_place),
        "cvv_behind_card": Check(
            "as cvv, behind a card's number and its expiry or a label", cards.cvv, around=cards.cvv_place
        ),
        "cusip": Check("check digit over letters and digits (ANSI X9.6)", securities.cusip),
        "isin": Check("a country, and Luhn over letters as numbers (ISO 6166)", securities.isin),
        "isin_bare": Check("as isin, with seven digits or more", securities.isin_bare),
        "account": Check(
            "8 to 17 digits, not one digit repeated, not a date; no account of a utility, a shop or a website",
            financial.account,
            around=financial.account_place,
        ),
        "account_routed": Check("as account, six digits or more, behind a routing number", financial.account_routed),
        "account_grouped": Check(
            "as account; no phone, SSN, ZIP code or years", financial.account_grouped, around=financial.account_place
        ),
        "record_dashed": Check("as record; no date", medical.record_dashed),
        "record": Check("at least five digits, not a date, not one digit repeated in a short number", medical.record),
        "npi": Check("begins with 1 or 2, check digit by Luhn over 80840 and the number", medical.npi),
        "dea": Check("registrant's letter and check digit", medical.dea),
        "mbi": Check(
            "letters and digits in their places, without S L O I B Z", medical.mbi, None, medical.MBI_SEPARATORS
        ),
        "hicn": Check("a Social Security number and the claim's letters", medical.hicn, None, medical.MBI_SEPARATORS),
        "hicn_railroad": Check("the board's letters, and six digits or nine", medical.hicn_railroad),
        "member": Check(
            "six digits or more, not a date; no subscriber of a magazine, no other insurance",
            medical.member,
            around=medical.member_place,
        ),
        "member_segment": Check("six digits or more", medical.member_segment),
        "member_named": Check(
            "as member, its end found by the form", medical.member, medical.member_end, around=medical.member_place
        ),
        "patient": Check("four digits or more, no date, no year", medical.patient),
        "medicaid": Check("eight to fourteen letters and digits, five of them digits", medical.medicaid),
        "icd10": Check("a category of ICD-10-CM, and a fourth place that it has", codes.icd10),
        "icd10_named": Check("a category of ICD-10-CM", codes.icd10_named),
        "icd9": Check("001-999, V01-V91 or E000-E999 with two places at most", codes.icd9),
        "cpt": Check("a section's range of CPT, or Category II or III", codes.cpt),
        "hcpcs": Check("the range of its letter in HCPCS Level II", codes.hcpcs),
        "ndc": Check("labeler, product and package as 4-4-2, 5-3-2, 5-4-1 or 5-4-2", codes.ndc),
        "loinc": Check("check digit by Luhn behind the dash", codes.loinc),
        **{name: Check(about, test, table.end_of(test)) for name, (about, test) in table.TESTS.items()},
        "fr_nir_short": Check("as fr_nir, without its key", table.TESTS["fr_nir"][1], around=west.nir_stands_alone),
        "in_aadhaar_grouped": Check(
            "as in_aadhaar, and no part of a card or an IBAN", table.TESTS["in_aadhaar"][1], around=asia.aadhaar_place
        ),
        "uk_nino_short": Check("as uk_nino, without its suffix", table.TESTS["uk_nino"][1], around=isles.nino_ends),
        "birth_date": Check(
            "a day since 1900, behind no wish for a birthday", dates.birth_date, around=dates.birth_place
        ),
        "birth_date_day_first": Check("as birth_date, the month a word", dates.birth_date, endings.day_first),
        "birth_date_month_first": Check("as birth_date, the month a word", dates.birth_date, endings.month_first),
        **{
            name: Check(
                about,
                test,
                reach,
                around=secrets.meeting if name.startswith(("password", "strong")) else None,
                exact=True,
            )
            for name, (about, test, reach) in secrets.TESTS.items()
        },
    }
)
