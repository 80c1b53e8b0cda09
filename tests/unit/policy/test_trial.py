"""The tests inside a policy: built as a client would send them, read, matched, decided."""

import base64
import io
import zipfile
from typing import Any

import pytest

from policy.clauses import Names
from policy.decision import Route
from policy.engine import Policy
from policy.extraction.message import read_message
from policy.language import read_policy
from policy.message import Message
from policy.problem import Mark
from policy.route import Directory
from policy.trial import build_message, try_policy
from rules.content import Content
from rules.finding import Confidence, Finding, Hit, Scanned

SSN = "536-22-1234"


class FindsSsn:
    """Finds one number, wherever it stands."""

    def scan(self, content: Content) -> Scanned:
        hits = tuple(Hit(SSN, Confidence.HIGH, part.place, 0, 1, "*") for part in content.parts if SSN in part.text)
        return Scanned((Finding("us.ssn", frozenset({"identity"}), hits),) if hits else (), content)


def policy(*tests: dict[str, Any], rules: tuple[dict[str, Any], ...] = ()) -> Policy:
    data = {"rules": list(rules) or [{"name": "SSN", "when": {"content": {"us.ssn": 1}}, "then": "secure"}]}
    data["tests"] = [{"from": "alice@example.com", "to": "bob@gmail.com", **test} for test in tests]
    names = Names(frozenset({"us.ssn"}), frozenset({"identity"}))
    text, problems = read_policy(data, "p", lambda path, key: Mark(1, 1), names)
    assert problems == ()
    return Policy("digest", Directory(("example.com",), {"st-mary": ("stmary.example",)}), text)


def run(*tests: dict[str, Any], rules: tuple[dict[str, Any], ...] = ()) -> list[bool]:
    outcomes = try_policy(policy(*tests, rules=rules), read_message, FindsSsn())
    return [outcome.passed for outcome in outcomes]


def message_of(test: dict[str, Any]) -> Message:
    (case,) = policy({"name": "t", "expect": "relay", **test}).text.tests
    return read_message(build_message(case))


def test_body_subject_headers_and_files_are_read() -> None:
    letter = f"Größe: {SSN}"
    assert (
        run(
            {"name": "body", "body": letter, "expect": "safebox"},
            {"name": "clean", "body": "nothing", "expect": "relay"},
            {"name": "subject", "subject": letter, "expect": "safebox"},
            {"name": "header", "headers": {"X-Note": f"see {SSN}"}, "expect": "safebox"},
            {
                "name": "file",
                "attachments": [{"name": "a.docx", "type": "document", "text": letter}],
                "expect": "safebox",
            },
            {"name": "partner", "to": "x@stmary.example", "body": letter, "expect": "partner"},
        )
        == [True] * 6
    )


def test_a_real_file_is_really_read() -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("letter.txt", f"Her SSN is {SSN}")
    content = base64.b64encode(packed.getvalue()).decode()
    files = [{"name": "Brief 1.zip", "content": content}]
    assert run({"name": "zip", "attachments": files, "expect": "safebox"}) == [True]


def test_what_does_not_come_true_is_told_with_its_decision() -> None:
    tried = policy({"name": "t", "to": ["bob@gmail.com", "carl@x.example"], "expect": {"bob@gmail.com": "safebox"}})
    (outcome,) = try_policy(tried, read_message, FindsSsn())
    (miss,) = outcome.misses
    assert (miss.recipient, miss.expected) == ("bob@gmail.com", Route.SAFEBOX)
    assert miss.got is not None
    assert miss.got.route is Route.RELAY
    assert not outcome.passed


def test_facts_of_files_client_and_time_can_be_stated() -> None:
    rules = (
        {"name": "locked", "when": {"attachments": {"encrypted": True, "size": "> 1 MB"}}, "then": "safebox"},
        {"name": "scanner", "when": {"client": "10.0.8.0/24"}, "then": "hold"},
        {"name": "night", "when": {"time": {"between": ["18:00", "08:00"]}}, "then": "tls"},
        {"name": "big", "when": {"size": "> 20 MB"}, "then": {"reject": "too big"}},
        {"name": "marked", "when": {"marked": "secure"}, "then": "secure"},
        {"name": "empty", "when": {"sender": "<>"}, "then": "hold"},
    )
    locked = {"name": "a.zip", "type": "archive", "encrypted": True, "size": "2 MB"}
    assert (
        run(
            {"name": "locked", "attachments": [locked], "expect": "safebox"},
            {"name": "scanner", "client": "10.0.8.7", "expect": "hold"},
            {"name": "night", "at": "2026-01-07T23:00:00Z", "expect": "tls"},
            {"name": "big", "attachments": [{"name": "b", "size": "25 MB"}], "expect": "reject"},
            {"name": "marked", "headers": {"X-Sealgate": "secure"}, "expect": "safebox"},
            {"name": "subject replaced", "headers": {"Subject": "[secure] x"}, "expect": "safebox"},
            {"name": "nobody", "from": "<>", "expect": "hold"},
            {"name": "noon", "expect": "relay"},
            rules=rules,
        )
        == [True] * 8
    )


def test_copies_can_be_expected() -> None:
    rules = ({"name": "copies", "also": [{"copy_to": "archive@vault.example"}]},)
    assert run({"name": "c", "expect": {"archive@vault.example": "relay"}}, rules=rules) == [True]


def test_the_message_is_what_a_client_would_send() -> None:
    message = message_of({"subject": "Größe € 5", "body": "Zeile 1\nZeile 2 ü", "headers": {"X-A": ["1", "zwei ö"]}})
    assert message.subject == "Größe € 5"
    assert message.header("x-a") == ("1", "zwei ö")
    assert message.header("to") == ("bob@gmail.com",)
    assert any("Zeile 2 ü" in part.text for part in message.content.parts)


def test_a_body_of_its_own_kind() -> None:
    html = {"headers": {"Content-Type": "text/html; charset=utf-8"}, "body": "<p>53<b>6</b>-22-1234</p>"}
    assert run({"name": "html", "expect": "safebox", **html}) == [True]


@pytest.mark.parametrize("body", ["--=_policy-test_=--\n" + SSN, ".\n" + SSN, "\n\n" + SSN])
def test_no_body_breaks_out(body: str) -> None:
    content = base64.b64encode(b"x").decode()
    assert run(
        {"name": "t", "body": body, "attachments": [{"name": "x", "content": content}], "expect": "safebox"}
    ) == [True]
