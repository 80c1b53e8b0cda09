"""Every condition: when it holds, and the sentence it says."""

# ruff: noqa: E501 - the rows of a table read best as rows

from collections.abc import Mapping
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import Any

import pytest

from policy.clauses import Clauses, Names
from policy.conditions import Check, View, ask
from policy.intent import read_intent
from policy.message import Address, Client, Envelope, Message, Recipient
from policy.patterns import Addresses
from policy.problem import Mark
from policy.route import Directory
from policy.source import Source
from rules.content import Content, FileFact, FileKind
from rules.finding import Confidence, Finding, Hit

NAMES = Names(
    detectors=frozenset({"us.ssn", "us.itin"}),
    groups=frozenset({"identity"}),
    lists={
        "executives": Addresses.of(["ceo@example.com", "*.board.example"]),
        "free-mail": Addresses.of(["gmail.com"]),
    },
)
FILES = (
    FileFact("papers.zip", FileKind.ARCHIVE, 5_000_000, "papers.zip"),
    FileFact("Patients 2026.xlsx", FileKind.SPREADSHEET, 20_000, "papers.zip > Patients 2026.xlsx", depth=1),
    FileFact("locked.pdf", FileKind.PDF, 30_000, "locked.pdf", encrypted=True, unreadable=True),
)
SSN = Finding(
    "us.ssn",
    frozenset({"identity"}),
    tuple(
        Hit(value, sure, "body", 0, 1, "*")
        for value, sure in (
            ("1", Confidence.HIGH),
            ("2", Confidence.MEDIUM),
            ("2", Confidence.MEDIUM),
            ("3", Confidence.LOW),
        )
    ),
)
ITIN = Finding("us.itin", frozenset({"identity"}), (Hit("9", Confidence.MEDIUM, "body", 0, 1, "*"),))


def view(
    *,
    to: str = "bob@gmail.com",
    sender: str | None = "Alice@Example.com",
    others: int = 0,
    headers: tuple[tuple[str, str], ...] = (("subject", "Quarterly Numbers"), ("x-mailer", "Ricoh Scanner 3")),
    files: tuple[FileFact, ...] = FILES,
    size: int = 3 * 2**20,
    client: str = "10.0.8.7",
    origin: str | None = None,
    at: str = "2026-05-09T20:30:00+02:00",
) -> View:
    recipient = Address.parse(to)
    everyone = (recipient, *(Address.parse(f"u{n}@gmail.com") for n in range(others)))
    message = Message(size, headers, Content((), files))
    moment = datetime.fromisoformat(at).astimezone(UTC)
    envelope = Envelope(
        "e",
        Address.parse(sender) if sender else None,
        tuple(map(Recipient, everyone)),
        Client(ip_address(client), origin=ip_address(origin) if origin else None),
        moment,
    )
    findings: Mapping[str, Finding] = {"us.ssn": SSN, "us.itin": ITIN}
    directory = Directory(("example.com",), {"st-mary": ("*.stmary.example", "stmary.example")})
    return View(envelope, message, findings, read_intent(message), directory, moment, recipient, {})


def check(when: dict[str, Any], **about: Any) -> Check:
    source = Source("p", lambda path, key: Mark(1, 1))
    condition = Clauses(source, NAMES).when(when, ())
    assert source.problems == []
    assert condition is not None
    return ask(condition, view(**about))


@pytest.mark.parametrize(
    ("when", "holds", "because"),
    [
        ({"sender": "alice@example.com"}, True, "Alice@example.com is among alice@example.com"),
        ({"sender": "ours"}, True, "Alice@example.com is ours"),
        ({"sender": "executives"}, False, "Alice@example.com is not among executives"),
        ({"sender": {"not_in": ["executives", "partners"]}}, True, "Alice@example.com is not among executives, partners"),
        ({"sender": {"in": ["ours"], "not_in": ["alice@example.com"]}}, False, "Alice@example.com is among alice@example.com"),
        ({"recipients": "free-mail"}, True, "bob@gmail.com is in the list free-mail"),
        ({"recipients": ["*@gmail.com"]}, True, "bob@gmail.com is among *@gmail.com"),
        ({"recipients": ["b*@gmail.*"]}, True, "bob@gmail.com is among b*@gmail.*"),
        ({"recipients": ["*.gmail.com"]}, False, "bob@gmail.com is not among *.gmail.com"),
        ({"recipients": "BOB@GMAIL.COM"}, True, "bob@gmail.com is among BOB@GMAIL.COM"),
        ({"recipients": {"not_in": ["ours"]}}, True, "bob@gmail.com is not among ours"),
        ({"recipient_count": 1}, True, "1 recipient, asked at least 1"),
        ({"recipient_count": "> 1"}, False, "1 recipient, asked more than 1"),
        ({"recipient_count": "= 1"}, True, "1 recipient, asked exactly 1"),
        ({"subject": "quarterly*"}, True, 'Subject fits "quarterly*"'),
        ({"subject": "quarterly"}, False, 'Subject does not fit "quarterly"'),
        ({"subject": ["x", {"regex": "num[bB]ers$"}]}, True, 'Subject fits "num[bB]ers$"'),
        ({"headers": {"X-Mailer": "*scanner*"}}, True, 'X-Mailer fits "*scanner*"'),
        ({"headers": {"X-Mailer": "*scanner*", "X-Nope": "*"}}, False, "there is no header X-Nope"),
        ({"headers": {"X-Nope": False, "x-MAILER": True}}, True, "there is no header X-Nope; there is a header x-MAILER"),
        ({"attachments": {"name": "*patients*", "type": "spreadsheet"}}, True,
         "1 of 3 files named *patients*, of type spreadsheet: papers.zip > Patients 2026.xlsx"),
        ({"attachments": {"name": "*patients*", "type": "pdf"}}, False, "0 of 3 files named *patients*, of type pdf"),
        ({"attachments": {"encrypted": True}}, True, "1 of 3 files encrypted: locked.pdf"),
        ({"attachments": {"unreadable": False, "type": "pdf"}}, False, "0 of 3 files of type pdf, not unreadable"),
        ({"attachments": {"size": "> 1 MB"}}, True, "1 of 3 files of more than 1 MB: papers.zip"),
        ({"attachments": {"count": 3}}, False, "2 of 2 files, asked at least 3"),
        ({"attachments": {"count": "= 2"}}, True, "2 of 2 files, asked exactly 2"),
        ({"attachments": {"count": "< 2", "type": ["pdf", "spreadsheet"]}}, False,
         "2 of 3 files of type pdf or spreadsheet: papers.zip > Patients 2026.xlsx, …, asked less than 2"),
        ({"content": {"us.ssn": 2}}, True, "needs 2 us.ssn, found 2 (medium or surer)"),
        ({"content": {"us.ssn": 3}}, False, "needs 3 us.ssn, found 2 (medium or surer) in 3 places, and 1 less sure"),
        ({"content": {"us.ssn": {"at_least": 3, "confidence": "low"}}}, True, "needs 3 us.ssn, found 3 (low or surer)"),
        ({"content": {"us.ssn": {"at_least": 1, "confidence": "high"}}}, True, "needs 1 us.ssn, found 1 (high)"),
        ({"content": {"us.ssn": {"at_least": 3, "unique": False}}}, True, "needs 3 us.ssn (every hit counts), found 3 (medium or surer)"),
        ({"content": {"identity": 3}}, True, "needs 3 identity, found 3 (medium or surer)"),
        ({"content": {"us.ssn": 1, "us.itin": 2}}, False,
         "needs 1 us.ssn, found 2 (medium or surer); needs 2 us.itin, found 1 (medium or surer)"),
        ({"size": "> 2 MiB"}, True, "the message has 3 MiB, asked more than 2 MiB"),
        ({"size": "< 1 MB"}, False, "the message has 3 MiB, asked less than 1 MB"),
        ({"marked": "secure"}, False, "the sender did not mark it secure"),
        ({"client": "10.0.8.0/24"}, True, "the client 10.0.8.7 is in 10.0.8.0/24"),
        ({"client": ["10.0.9.0/24", "fd00::/8"]}, False, "the client 10.0.8.7 is not in 10.0.9.0/24, fd00::/8"),
        ({"time": {"days": ["sat", "sun"], "zone": "Europe/Zurich"}}, True, "it is sat 20:30 in Europe/Zurich"),
        ({"time": {"days": ["mon"], "zone": "Europe/Zurich"}}, False, "it is sat 20:30 in Europe/Zurich, asked mon"),
        ({"time": {"days": ["sun"], "zone": "Asia/Tokyo"}}, True, "it is sun 03:30 in Asia/Tokyo"),
        ({"any": [{"sender": "partners"}, {"marked": "secure"}]}, False,
         "none of: Alice@example.com is not among partners; the sender did not mark it secure"),
        ({"any": [{"sender": "partners"}, {"sender": "ours"}]}, True, "Alice@example.com is ours"),
        ({"all": [{"sender": "ours"}, {"recipients": "free-mail"}]}, True,
         "Alice@example.com is ours; bob@gmail.com is in the list free-mail"),
        ({"not": {"sender": "partners"}}, True, "as asked, not: Alice@example.com is not among partners"),
        ({"not": {"sender": "ours"}}, False, "not so: Alice@example.com is ours"),
        ({"not": {"any": [{"not": {"all": [{"sender": "ours"}]}}]}}, True,
         "as asked, not: none of: not so: Alice@example.com is ours"),
    ],
)  # fmt: skip
def test_conditions(when: dict[str, Any], holds: bool, because: str) -> None:
    assert check(when) == Check(holds, because)


@pytest.mark.parametrize(
    ("between", "at", "holds"),
    [
        (["18:00", "08:00"], "18:00", True),
        (["18:00", "08:00"], "17:59", False),
        (["18:00", "08:00"], "07:59", True),
        (["18:00", "08:00"], "08:00", False),
        (["08:00", "18:00"], "08:00", True),
        (["08:00", "18:00"], "18:00", False),
        (["08:00", "18:00"], "03:00", False),
    ],
)
def test_the_time_of_day_may_pass_midnight(between: list[str], at: str, holds: bool) -> None:
    when = {"time": {"between": between, "zone": "Europe/Zurich"}}
    assert check(when, at=f"2026-05-09T{at}:00+02:00").holds is holds
    assert check(when, at=f"2026-01-09T{at}:00+01:00").holds is holds, "in winter too"


def test_all_keys_must_hold() -> None:
    assert not check({"sender": "ours", "size": "> 1 GB"}).holds
    assert check({"sender": "ours", "size": "> 1 MB"}).holds


def test_the_empty_sender_is_none_of_ours() -> None:
    assert not check({"sender": "ours"}, sender=None).holds
    assert check({"sender": {"not_in": ["ours"]}}, sender=None) == Check(True, "<> is not among ours")
    assert check({"sender": ["<>"]}, sender=None).holds


def test_all_attachment_keys_hold_for_one_file() -> None:
    files = (
        FileFact("patients.txt", FileKind.TEXT, 1, "patients.txt"),
        FileFact("list.pdf", FileKind.PDF, 1, "list.pdf"),
    )
    assert not check({"attachments": {"name": "*patient*", "type": "pdf"}}, files=files).holds


def test_a_mapped_ipv4_client_is_in_its_ipv4_network() -> None:
    assert check({"client": "10.0.8.0/24"}, client="::ffff:10.0.8.7").holds


def test_umlaut_domains_match_in_either_spelling() -> None:
    assert check({"recipients": "müller.example"}, to="a@xn--mller-kva.example").holds
    assert check({"recipients": "*@MÜLLER.example"}, to="a@müller.example").holds


def test_any_of_several_headers_counts() -> None:
    headers = (("subject", "one"), ("subject", "two"))
    assert check({"subject": "two"}, headers=headers).holds


def test_odd_text_in_a_header_breaks_nothing() -> None:
    headers = (("subject", "x\udcff\n\0 invoice " + " " * 50_000),)
    assert check({"subject": "*invoice*"}, headers=headers).holds
    assert not check({"subject": "*a*a*a*a*a*a*b"}, headers=(("subject", "a" * 100_000),)).holds


def test_brackets_in_a_pattern_are_themselves() -> None:
    headers = (("subject", "[External] Hi"),)
    assert check({"subject": "[External]*"}, headers=headers).holds
    assert not check({"subject": "[External]*"}, headers=(("subject", "E Hi"),)).holds


def test_of_a_trusted_server_in_front_the_one_behind_it_counts() -> None:
    found = check({"client": "10.0.8.0/24"}, client="192.0.2.1", origin="10.0.8.7")
    assert found.holds and "10.0.8.7" in found.because
