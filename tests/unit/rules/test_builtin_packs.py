"""The packs that come with the product: their samples hold, and people can read about them."""

from pathlib import Path

import pytest
import yaml

from rules.detector import GROUPS, Detector
from rules.finding import Confidence
from rules.matching import Matcher
from rules.pack import PackSource, load_builtin, load_packs
from rules.parts import PARTS, builtin_words
from rules.reference import CHANGES, EXAMPLE, markdown
from rules.samples import run_samples

IDS = {
    *("us.ssn", "us.itin", "us.ein", "us.passport", "us.driver_license"),
    *("payment.card", "payment.cvv", "payment.track", "payment.card_expiry", "iban", "swift.bic"),
    *("us.aba", "us.bank_account", "cusip", "isin"),
    *("medical.mrn", "medical.patient_id", "medical.member_id", "medical.hicn", "medical.medicaid"),
    *("us.npi", "us.dea", "us.mbi", "icd10", "icd9", "cpt", "hcpcs", "ndc", "loinc", "hl7", "medical.terms"),
}


def sure(matcher: Matcher, text: str, least: Confidence = Confidence.MEDIUM) -> set[str]:
    return {finding.detector for finding in matcher.scan_text(text) if finding.confidence.rank >= least.rank}


@pytest.mark.parametrize("detector", load_builtin(), ids=lambda detector: detector.id)
def test_every_sample_holds(matcher: Matcher, detector: Detector) -> None:
    assert [str(failure) for failure in run_samples(matcher, [detector])] == []
    assert detector.found
    assert detector.ignored
    assert detector.about
    assert detector.groups <= set(GROUPS)


def test_the_detectors_are_there(builtin: tuple[Detector, ...]) -> None:
    assert {detector.id for detector in builtin} >= IDS


def test_every_builtin_pattern_runs_in_the_one_pass(matcher: Matcher) -> None:
    assert matcher.slow_notes == ()


def test_a_letter_about_a_patient(matcher: Matcher) -> None:
    text = "Her SSN is 536-22-1234, her MRN 00412345 and NPI 1234567893."
    assert sure(matcher, text) == {"us.ssn", "medical.mrn", "us.npi"}
    values = {finding.detector: finding.values() for finding in matcher.scan_text(text)}
    assert values == {"us.ssn": {"536221234"}, "medical.mrn": {"00412345"}, "us.npi": {"1234567893"}}


@pytest.mark.parametrize(
    "text",
    [
        "Call me at 415-555-0132 or (415) 555-0199, or +1 212 555 0147.",
        "Our office: 1600 Pennsylvania Avenue NW, Washington, DC 20500-0003",
        "Your order 112-3456789-1234567 has shipped. Tracking number 1Z999AA10123456784.",
        "Tracking 9400 1118 9922 3197 4284 99 will arrive on 2024-03-15.",
        "commit 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "id 550e8400-e29b-41d4-a716-446655440000",
        "Message-ID: <20240315123456.123456789@mail.example.com>",
        "2024-03-15T12:34:56.123456789Z took 1710506096123 ms",
        "Invoice no 536221234 of 15.03.2024, amount $1,234,567.89",
        "Server 192.168.10.254 port 5432, version 10.15.7.1234",
        "https://example.com/a/1234567893/b?id=536221234&x=47163791420219",
        "ISBN 978-3-16-148410-0 and EAN 4006381333931",
        "Please join: https://zoom.example/j/98765432101 passcode 536221",
        "Section E11.9 of the manual; the part B12.3 fits model A10.1.",
        "INTERNET DOCUMENT SECURITY STANDARDS COMMITTEE",
        "The patient customer waited at the hospital café; the doctor ordered surgery on the menu.",
        "Room 680 36 4022 Oakridge Lane",
        "RFC 5321, RFC 2045-2049, port 25, 587",
        "Boeing 737-800, flight AA1234567, seat 12A",
        "The account manager will call you about the account at 10:30.",
        "DSC_20240315_123456789.jpg",
        "Ref 123456789/2024-1",
        "Fax 987654321, mobile 0791234567",
    ],
)
def test_ordinary_mail_is_left_alone(matcher: Matcher, text: str) -> None:
    assert sure(matcher, text) == set()


@pytest.mark.parametrize(
    ("text", "detector"),
    [
        ("S\u200bSN: 5\u00ad36\u201122\u20111234", "us.ssn"),
        ("SSN ５３６－２２－１２３４", "us.ssn"),
        ("SSN ٥٣٦-٢٢-١٢٣٤", "us.ssn"),
        ("SSN 536-22-\r\n1234", "us.ssn"),
        ("card 4716 3791 \r\n4202 1968", "payment.card"),
        ("card 4716\u202f3791\u202f4202\u202f1968", "payment.card"),
        ("Kontonummer\u00a0DE89\u00a03704\u00a00044\u00a00532\u00a00130\u00a000 danke", "iban"),
        ("社会保障番号536-22-1234です", "us.ssn"),
    ],
)
def test_a_value_in_disguise_is_found(matcher: Matcher, text: str, detector: str) -> None:
    assert detector in sure(matcher, text)


def test_the_word_list_is_real() -> None:
    words = builtin_words("medical_terms")
    assert words is not None
    assert len(words) > 500
    assert all(term == term.lower() and 1 <= weight <= 16 for term, weight in words.items())
    assert builtin_words("no_such_list") is None
    assert builtin_words("../packs/identity") is None


def test_the_example_of_the_page_works() -> None:
    detectors = load_packs([PackSource("example.yaml", yaml.safe_load(EXAMPLE))], builtin=False)
    assert [str(failure) for failure in run_samples(Matcher(detectors), detectors)] == []


def test_the_changes_of_the_docs_can_be_made() -> None:
    detectors = {d.id: d for d in load_packs([PackSource("local.yaml", yaml.safe_load(CHANGES))])}
    assert "legal.terms" not in detectors
    assert detectors["us.ein"].groups == {"financial"}
    changed = [detectors[name] for name in ("us.ssn", "us.ein", "iban")]
    assert [str(failure) for failure in run_samples(Matcher(changed), changed)] == []


def test_the_page_of_detectors_is_up_to_date(builtin: tuple[Detector, ...]) -> None:
    page = Path(__file__).parents[3] / "docs" / "detectors.md"
    assert page.read_text("utf-8") == markdown(builtin), "run: sealgate rules list --markdown > docs/detectors.md"


def test_the_page_tells_every_key_of_an_own_detector(builtin: tuple[Detector, ...]) -> None:
    own = markdown(builtin).partition("## Your own")[2].partition("### The checks")[0]
    for key in (*PARTS, "regex", "check", "confidence", "alone", "named", "terms", "list", "within", "raise", "names"):
        assert f"`{key}`" in own, f"{key} is not told"
