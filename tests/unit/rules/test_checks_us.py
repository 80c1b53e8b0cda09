"""Checks of the numbers of the US, of cards and of the clinic, against what their issuers publish."""

import pytest

from rules.cards import card_place
from rules.checks import CHECKS
from rules.identity import us_ssn_place
from rules.licences import us_driver_license_end
from rules.verdict import Verdict, spoken_digits

YES, NO, EXAMPLE = Verdict.YES, Verdict.NO, Verdict.EXAMPLE


@pytest.mark.parametrize(
    ("check", "text", "verdict"),
    [
        ("us_ssn_typed", "536-22-1O34", YES),
        ("us_ssn_typed", "S36-22-1O34", NO),
        ("us_ssn_typed", "536-22-1234", NO),  # nothing typed: us_ssn has it
        ("us_ssn_typed", "OOO-OO-1234", NO),
        ("us_ssn_spoken", "five three six two two one two three four", YES),
        ("us_ssn_spoken", "oh oh oh two two one two three four", NO),
        ("us_ein", "52-1234568", YES),
        ("us_ein", "07-1234567", NO),
        ("us_ein", "12-3456789", EXAMPLE),
        ("us_ein", "11-1111111", NO),
        ("us_driver_license", "D1234567", YES),  # California
        ("us_driver_license", "A123-456-78-901-0", YES),  # Florida
        ("us_driver_license", "01ABC12345", YES),  # New Hampshire
        ("us_driver_license", "WDLABCD456DG", YES),  # Washington
        ("us_driver_license", "2270-66-1551", YES),  # Indiana
        ("us_driver_license", "20240131", NO),
        ("us_driver_license", "12345", NO),
        ("us_driver_license", "ABCDE", NO),
        ("us_driver_license_dashed", "415-555-0132", NO),
        ("us_driver_license_dashed", "12-345-6789", YES),
        ("us_passport", "A12345678", YES),
        ("us_passport", "548812347", YES),
        ("us_passport", "AB1234567", NO),
        ("us_passport_zone", "5488123476USA8001014F3001019<<<<<<<<<<<<<<00", YES),
        ("us_passport_zone", "5488123475USA8001014F3001019<<<<<<<<<<<<<<00", NO),
        ("us_passport_zone", "5488123476GBR8001014F3001019<<<<<<<<<<<<<<00", NO),
        ("track", "%B4716379142021968^DOE/JOHN^27091010000000000?", YES),
        ("track", ";4716379142021968=27091010000?", YES),
        ("track", ";4716379142021968=27131010000?", NO),
        ("track", ";4111111111111111=27091010000?", EXAMPLE),
        ("track_hex", "4716379142021968D27091010000FF", YES),
        ("card_spoken", "four seven one six three seven nine one four two oh two one nine six eight", YES),
        ("card_expiry", "09/27", YES),
        ("card_expiry", "13/27", NO),
        ("card_expiry", "09/2027", YES),
        ("cvv", "123", YES),
        ("cvv", "2024", NO),
        ("cusip", "037833100", YES),
        ("cusip", "17275R102", YES),
        ("cusip", "037833101", NO),
        ("cusip", "000000000", NO),
        ("isin", "US0378331005", YES),
        ("isin", "IE00B4L5Y983", YES),
        ("isin", "US0378331006", NO),
        ("isin", "ZZ0378331005", NO),
        ("isin", "ISBN61007132", NO),
        ("isin_bare", "US0378331005", YES),
        ("bic", "DEUT DE FF 500", YES),
        ("bic_known", "CHASUS33", YES),
        ("bic_known", "NFBKUS33", NO),
        ("account_grouped", "0012-345678", YES),
        ("account_grouped", "415-555-0132", NO),
        ("account_grouped", "2026 2026 417", NO),
        ("record_dashed", "53-05-47", YES),
        ("record_dashed", "01-31-24", NO),
        ("hicn", "536-22-1234-A", YES),
        ("hicn", "536221234B1", YES),
        ("hicn", "000-22-1234-A", NO),
        ("hicn", "536-22-1234-X", NO),
        ("hicn_railroad", "WA536221234", YES),
        ("hicn_railroad", "ZZ536221234", NO),
        ("member", "ABC123456789", YES),
        ("member", "20240131", NO),
        ("member", "A123", NO),
        ("patient", "A1029", YES),
        ("patient", "2024", NO),
        ("medicaid", "AB12345C", YES),
        ("medicaid", "123", NO),
        ("icd10", "E11.9", YES),
        ("icd10", "e119", YES),
        ("icd10", "E14.9", NO),
        ("icd10", "I10.9", NO),
        ("icd10_named", "I10.9", YES),
        ("icd10_named", "U50.1", NO),
        ("icd9", "250.00", YES),
        ("icd9", "V45.81", YES),
        ("icd9", "V95.1", NO),
        ("icd9", "000.1", NO),
        ("cpt", "99213", YES),
        ("cpt", "0191T", YES),
        ("cpt", "00001", NO),
        ("hcpcs", "J1100", YES),
        ("hcpcs", "W1100", NO),
        ("hcpcs", "U9999", NO),
        ("ndc", "00071-0155-23", YES),
        ("ndc", "0071-0155-23", YES),
        ("ndc", "00000-0000-00", NO),
        ("ndc", "071-0155-23", NO),
        ("loinc", "4548-4", YES),
        ("loinc", "4548-5", NO),
    ],
)
def test_the_check_says(check: str, text: str, verdict: Verdict) -> None:
    assert CHECKS[check].test(text) is verdict


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        (b"pay 4716379142021968 now", YES),
        (b"https://shop.example/?id=4716379142021968", EXAMPLE),
        (b"https://shop.example/?cardnumber=4716379142021968", YES),
        (b"see https://shop.example/ or 4716379142021968", YES),
        (b"order no. 4716379142021968", EXAMPLE),
        (b"order no. 4716 3791 4202 1968", YES),
    ],
)
def test_what_stands_around_a_card(text: bytes, verdict: Verdict) -> None:
    start = text.index(b"4716")
    end = start + (19 if b" 3791" in text else 16)
    assert card_place(text, start, end) is verdict


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        (b"it is 523 23 4566.", YES),
        (b"523 23 4566 Oakridge Lane", NO),
        (b"Suite 523 23 4566", NO),
        (b"12 523 23 4566", EXAMPLE),
        (b"523 23 4566 1", EXAMPLE),
        (b"523 23 2026", EXAMPLE),
        (b"523 23 4566\n12 Oakridge Lane", YES),
    ],
)
def test_what_stands_around_three_groups(text: bytes, verdict: Verdict) -> None:
    start = text.index(b"523")
    assert us_ssn_place(text, start, start + 11) is verdict


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (b"D1234567 until 2030", b"D1234567"),
        (b"A123-456-78-901-0.", b"A123-456-78-901-0"),
        (b"A 123 456 789 012", b"A 123 456 789 012"),
        (b"S123-4567-890 and", b"S123-4567-890"),
        (b"renewal", b""),
        (b"2026 417", b""),
    ],
)
def test_where_a_licence_ends(text: bytes, value: bytes) -> None:
    assert text[: us_driver_license_end(text, 0)] == value


def test_words_that_are_no_digits_say_none() -> None:
    assert spoken_digits("Oh one, two-three DASH nine") == "01239"
