"""What stands around a value: whose account it is, which paragraph a word is in, how a secret is counted."""

import pytest

from rules.finding import Confidence
from rules.matching import Matcher


def tiers(matcher: Matcher, text: str) -> dict[str, Confidence]:
    return {finding.detector: finding.confidence for finding in matcher.scan_text(text)}


def test_a_word_of_another_paragraph_excuses_nothing(matcher: Matcher) -> None:
    assert tiers(matcher, "the nightly build\n\n536-22-1234")["us.ssn"] is Confidence.MEDIUM
    assert tiers(matcher, "> the nightly build\n>\n> 536-22-1234")["us.ssn"] is Confidence.MEDIUM
    assert "us.ssn" not in tiers(matcher, "the nightly build\n536-22-1234")


def test_a_word_of_another_paragraph_still_names(matcher: Matcher) -> None:
    assert tiers(matcher, "Social security\n\n536221234")["us.ssn"] is Confidence.HIGH


def test_a_header_and_the_words_near_count_together(matcher: Matcher) -> None:
    assert tiers(matcher, "Bank,Routing,Account\nChase,021000021,7788990011")["us.bank_account"] is Confidence.MEDIUM
    assert tiers(matcher, "Item,Account\nDesk,7788990011")["us.bank_account"] is Confidence.LOW


@pytest.mark.parametrize(
    ("text", "least"),
    [
        ("account no. 7788990011", Confidence.MEDIUM),
        ("Your electric account no. 7788990011", None),
        ("water bill account number: 7788990011", None),
        ("Routing 021000021, acct 883726", Confidence.HIGH),
        ("the account of 7788990011 soldiers", Confidence.LOW),
    ],
)
def test_whose_account_it_is(matcher: Matcher, text: str, least: Confidence | None) -> None:
    assert tiers(matcher, text).get("us.bank_account") is least


@pytest.mark.parametrize(
    ("text", "detector", "found"),
    [
        ("The SSN you gave us on the phone yesterday: 536221234", "us.ssn", True),
        ("The NHS number she read out by telephone today: 9434765919", "uk.nhs", True),
        ("The SSN you gave us on the phone: 536-22-1234.", "us.ssn", True),
        ("The SSN I told you over the phone, 536-22-1234", "us.ssn", True),
        ("SSN per fax 536-22-1234", "us.ssn", True),
        ("SSN (as on your order form): 536-22-1234", "us.ssn", True),
        ("the SSN as in my order of May: 536-22-1234", "us.ssn", True),
        ("SSN in the tracking sheet - 536-22-1234", "us.ssn", True),
        ("her SSN, written on the back of the invoice: 536-22-1234", "us.ssn", True),
        ("Steuer-ID laut Ihrem Fax: 86095742719", "de.steuer_id", True),
        ("Die Steuer-ID, die Sie am Telefon nannten: 86095742719", "de.steuer_id", True),
        ("Steuer-ID aus meiner Bestellung vom Mai: 86095742719", "de.steuer_id", True),
        ("Le NIR que vous m'avez donné au téléphone : 255081416802538", "fr.nir", True),
        ("El DNI que me dio por teléfono: 54362315K", "es.dni", True),
        ("Il codice fiscale come sul vostro ordine: RSSMRA85T10A562S", "it.codice_fiscale", True),
        ("Het BSN op uw bestelling: 111222333", "nl.bsn", True),
        ("O NIF que me deu pelo telefone: 501964843", "pt.nif", True),
        ("SSN to follow. Reach us by phone: 536221234", "us.ssn", False),
        ("SSN is missing; please call us by phone 536-22-1234", "us.ssn", False),
        ("Phone: 536-22-1234", "us.ssn", False),
        ("phone 536 22 1234", "us.ssn", False),
        ("SSN pending, order number 536-22-1234", "us.ssn", False),
        ("SSN is not on the invoice, invoice number: 536-22-1234", "us.ssn", False),
        ("The SSN is missing on your invoice no. 536-22-1234", "us.ssn", False),
        ("Steuer-ID fehlt laut Ihrer Auftragsnummer: 86095742719", "de.steuer_id", False),
        ("Teléfono: 54362315K", "es.dni", False),
        ("[x] Driver's License  [ ] Passport   ID No.: Z7013647", "us.driver_license", True),
        ("[x] Driver's License  [x] Passport   ID No.: Z7013647", "us.driver_license", False),
    ],
)
def test_a_word_that_only_says_how_or_what_else(matcher: Matcher, text: str, detector: str, found: bool) -> None:
    assert (tiers(matcher, text).get(detector, Confidence.LOW) is not Confidence.LOW) is found


def test_tags_between_a_label_and_its_value_take_no_room(matcher: Matcher) -> None:
    table = (
        "<table><thead><tr><th>Name</th><th>{}</th></tr></thead><tbody><tr><td>Doe</td><td>{}</td></tr></tbody></table>"
    )
    assert tiers(matcher, table.format("Date of birth", "04/12/1985"))["date_of_birth"] is Confidence.HIGH
    assert tiers(matcher, table.format("Passport number", "548812347"))["us.passport"] is Confidence.HIGH
    assert "date_of_birth" not in tiers(matcher, "Date of birth " + "<jane.doe@mail.example> " * 3 + "04/12/1985")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("subscriber ID 918273645", True),
        ("podcast subscriber ID 918273645", False),
        ("car insurance policy number 918273645", False),
        ("member count 918273645", False),
    ],
)
def test_what_a_member_is_of(matcher: Matcher, text: str, found: bool) -> None:
    assert ("medical.member_id" in tiers(matcher, text)) is found


def test_three_groups_of_a_card_are_no_aadhaar(matcher: Matcher) -> None:
    assert tiers(matcher, "It is 3706 1691 7260.")["in.aadhaar"] is Confidence.MEDIUM
    assert "in.aadhaar" not in tiers(matcher, "It is 3706 1691 7260 4471.")
    assert "in.aadhaar" not in tiers(matcher, "It is 4471 3706 1691 7260.")


def test_passwords_that_differ_in_case_are_two(matcher: Matcher) -> None:
    (finding,) = matcher.scan_text("password: Winter-97\npassword: WINTER-97\npassword: Winter-97\n")
    assert finding.values() == {"Winter-97", "WINTER-97"}
    assert finding.count() == 3


def test_what_lets_one_into_a_call_is_less_sure(matcher: Matcher) -> None:
    invitation = "Join: https://zoom.us/j/81234567890?pwd=a1b2c3\nMeeting ID: 812 3456 7890\nPassword: 402331x\n"
    assert tiers(matcher, invitation)["secret.password"] is Confidence.LOW
    assert tiers(matcher, "Password: 402331x\n")["secret.password"] is Confidence.MEDIUM


@pytest.mark.parametrize(
    "text",
    [
        "536-22-1234, Tel. 555-123-4567",
        "536-22-1234; order no: 44102",
        "536-22-1234\nPhone: (614) 555-0142",
        "Version 2, hers is 536-22-1234",
    ],
)
def test_the_label_of_another_number_excuses_nothing(matcher: Matcher, text: str) -> None:
    assert tiers(matcher, text)["us.ssn"] is Confidence.MEDIUM


@pytest.mark.parametrize(
    "text",
    [
        "536-22-1234 (order number)",
        "call 555-12-1234 ext 22",
        "order no 44102, 536-22-1234",
        "Tel. 0171 536 22 1234",
        "room 12 or 536 22 1234",
    ],
)
def test_a_label_of_its_own_still_does(matcher: Matcher, text: str) -> None:
    assert "us.ssn" not in tiers(matcher, text)
