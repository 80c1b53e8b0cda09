"""Checks against numbers known to be right and wrong."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum import iban as stdnum_iban
from stdnum import luhn as stdnum_luhn

from rules.checks import CHECKS
from rules.financial import iban, iban_end
from rules.verdict import Verdict, is_date, luhn_valid

YES, NO, EXAMPLE = Verdict.YES, Verdict.NO, Verdict.EXAMPLE


@pytest.mark.parametrize(
    ("check", "text", "verdict"),
    [
        ("luhn", "79927398713", YES),
        ("luhn", "79927398710", NO),
        ("us_ssn", "536-22-1234", YES),
        ("us_ssn", "899 99 9999", YES),
        ("us_ssn", "000-12-3456", NO),
        ("us_ssn", "666-12-3456", NO),
        ("us_ssn", "900-12-3456", NO),
        ("us_ssn", "123-00-4567", NO),
        ("us_ssn", "123-45-0000", NO),
        ("us_ssn", "078-05-1120", NO),
        ("us_ssn", "219-09-9999", NO),
        ("us_ssn", "111-11-1111", NO),
        ("us_ssn", "123-45-6789", EXAMPLE),
        ("us_itin", "912-50-1234", YES),
        ("us_itin", "912-65-1234", YES),
        ("us_itin", "912-66-1234", NO),
        ("us_itin", "912-69-1234", NO),
        ("us_itin", "912-70-1234", YES),
        ("us_itin", "912-88-1234", YES),
        ("us_itin", "912-89-1234", NO),
        ("us_itin", "912-93-1234", NO),
        ("us_itin", "912-99-1234", YES),
        ("us_itin", "812-70-1234", NO),
        ("card", "4716 3791 4202 1968", YES),
        ("card", "4716379142021969", NO),
        ("card", "345342067490433", YES),
        ("card", "2307733725847513", YES),
        ("card", "5018 6466 7909", YES),
        ("card", "4111-1111-1111-1111", EXAMPLE),
        ("card", "378282246310005", EXAMPLE),
        ("card", "0000000000000000", NO),
        ("card", "9999999999999995", NO),
        ("card", "471637914202196", NO),
        ("iban", "GB82 WEST 1234 5698 7654 32", YES),
        ("iban", "GB82=WEST@1234!5698&7654%32", YES),
        ("iban", "NO93 8601 1117 947", YES),
        ("iban", "MT84MALT011000012345MTLCAST001S", YES),
        ("iban", "gb82west12345698765432", YES),
        ("iban", "GB82WEST12345698765431", NO),
        ("iban", "GB82WEST1234569876543", NO),
        ("iban", "XX82WEST12345698765432", NO),
        ("aba", "021000021", YES),
        ("aba", "122000247", YES),
        ("aba", "021000022", NO),
        ("aba", "991000025", NO),
        ("aba", "000000000", NO),
        ("bic", "DEUTDEFF", YES),
        ("bic", "BOFAUS3NXXX", YES),
        ("bic", "DEUTXXFF", NO),
        ("bic", "DEUTDE", NO),
        ("bic_any_case", "deutdeff", YES),
        ("account", "1234567890", YES),
        ("account", "20240131", NO),
        ("account", "31012024", NO),
        ("account", "1111111111", NO),
        ("account", "1234567", NO),
        ("record", "00412345", YES),
        ("record", "20240131", NO),
        ("record", "123", NO),
        ("npi", "1234567893", YES),
        ("npi", "1245319599", YES),
        ("npi", "1234567890", NO),
        ("npi", "3234567893", NO),
        ("dea", "AB1234563", YES),
        ("dea", "F91234563", YES),
        ("dea", "AB1234567", NO),
        ("dea", "IB1234563", NO),
        ("dea", "AB0000000", NO),
        ("mbi", "1EG4-TE5-MK73", YES),
        ("mbi", "1eg4te5mk73", YES),
        ("mbi", "0EG4TE5MK73", NO),
        ("mbi", "1SG4TE5MK73", NO),
        ("mbi", "1EG4TE5M773", NO),
        ("icd10", "E11.9", YES),
        ("icd10", "S72.001A", YES),
        ("icd10", "C7A.00", YES),
        ("icd10", "E14.9", NO),
        ("icd10", "U50.1", NO),
        ("icd10", "C6A.00", NO),
        ("icd10", "E11.", NO),
    ],
)
def test_known_numbers(check: str, text: str, verdict: Verdict) -> None:
    assert CHECKS[check].test(text) is verdict


@given(st.text(alphabet="0123456789", min_size=2, max_size=20))
def test_luhn_agrees_with_stdnum(digits: str) -> None:
    assert luhn_valid(digits) is stdnum_luhn.is_valid(digits)


@given(st.sampled_from(["GB", "DE", "FR", "NO", "MT", "CH", "QQ"]), st.text(alphabet="0123456789ABC", max_size=32))
def test_iban_agrees_with_stdnum(country: str, rest: str) -> None:
    number = country + rest
    expected = stdnum_iban.is_valid(number, check_country=False)
    assert (iban(number) is YES) is expected


@given(st.text(alphabet="0123456789", min_size=14, max_size=26))
def test_an_iban_with_its_check_digits_is_taken_only_in_its_shape(bban: str) -> None:
    number = "DE" + stdnum_iban.calc_check_digits("DE00" + bban) + bban
    assert (iban(number) is YES) is (len(bban) == 18)


@pytest.mark.parametrize("name", sorted(CHECKS))
@given(text=st.text(max_size=40))
def test_no_check_minds_what_it_is_given(name: str, text: str) -> None:
    assert CHECKS[name].test(text) in set(Verdict)


@pytest.mark.parametrize(
    ("digits", "expected"),
    [
        ("20240131", True),
        ("31012024", True),
        ("01312024", True),
        ("20241331", False),
        ("12345678", False),
        ("1", False),
        ("2024013K", False),  # of a Chilean RUT
    ],
)
def test_digits_are_a_date_if_a_calendar_has_it(digits: str, expected: bool) -> None:
    assert is_date(digits) is expected


@pytest.mark.parametrize("between", ["\n>", "\n> ", " \n>", "- \n>", "!!!", ">>", "> ", "\n\n>>"])
def test_what_stands_between_the_signs_of_an_iban_is_read_in_one_way(between: str) -> None:
    """A second way for each sign would double the work with each: of Malta's 31, that is hours."""
    signs = between.join("84MALT011000012345MTLCAST001")
    assert iban_end(f"MT{signs}{between}\u00a7".encode(), 0) == 0
