"""Delivery reports: what people read, what programs read, and what comes back."""

from datetime import UTC, datetime
from email import message_from_bytes
from email.policy import default

import pytest

from delivery.bounce import compose_dsn, original_message_id
from delivery.dsn import read_dsn
from delivery.items import Destination, Fate, Item, OpenMessage, Reply, Report, State
from policy.decision import Route

NOW = datetime(2025, 3, 1, 12, tzinfo=UTC)
RAW = b"From: Alice <alice@example.com>\r\nMessage-ID: <1@example.com>\r\nSubject: Her results\r\n\r\nPlain text\r\n"


def item(recipient: str = "bob@example.org", **more: object) -> Item:
    return Item(
        "i1", "m1", "default", recipient, Destination(Route.RELAY), State.LEASED, 3, NOW, NOW, NOW, "", "", **more
    )


def message(raw: bytes = RAW, **more: object) -> OpenMessage:
    return OpenMessage("m1", "default", "alice@example.com", "alice@example.com", raw, NOW, **more)


def failed(recipient: str = "bob@example.org", text: str = "No such user", **more: object) -> Report:
    return Report(item(recipient, **more), Fate.FAILED, Reply(550, "5.1.1", text), "mx.example.org", NOW)


def compose(*reports: Report, to: OpenMessage | None = None, confidential: bool = False):
    return compose_dsn(to or message(), reports, hostname="gate.example.com", now=NOW, confidential=confidential)


def parts(raw: bytes):
    parsed = message_from_bytes(raw, policy=default)
    assert not parsed.defects
    return parsed, *parsed.iter_parts()


def test_a_failure() -> None:
    dsn = compose(failed(orcpt="rfc822;bob+2Bold@example.org"), to=message(envid="a+2Bb"))
    parsed, text, status, returned = parts(dsn.raw)
    assert parsed.get_content_type() == "multipart/report"
    assert parsed.get_param("report-type") == "delivery-status"
    assert parsed["Auto-Submitted"] == "auto-replied"
    assert parsed["To"] == "alice@example.com"
    assert parsed["In-Reply-To"] == parsed["References"] == "<1@example.com>"
    assert parsed["Subject"] == dsn.subject == "Your message could not be delivered"
    assert "bob@example.org" in text.get_content()
    assert "The mail server mx.example.org answered: 550 5.1.1 No such user" in text.get_content()
    assert "Her results" not in text.get_content()
    assert "Your message is attached." in text.get_content()
    groups = status.get_payload()
    assert dict(groups[0].items()) == {
        "Reporting-MTA": "dns; gate.example.com",
        "Original-Envelope-Id": "a+b",
        "Arrival-Date": "Sat, 01 Mar 2025 12:00:00 +0000",
    }
    assert dict(groups[1].items()) == {
        "Original-Recipient": "rfc822; bob+old@example.org",
        "Final-Recipient": "rfc822; bob@example.org",
        "Action": "failed",
        "Status": "5.1.1",
        "Remote-MTA": "dns; mx.example.org",
        "Diagnostic-Code": "smtp; 550 5.1.1 No such user",
        "Last-Attempt-Date": "Sat, 01 Mar 2025 12:00:00 +0000",
    }
    assert returned.get_content_type() == "message/rfc822"
    assert "Plain text" in returned.get_content().get_content()
    assert not dsn.eight_bit
    assert not dsn.smtputf8


@pytest.mark.parametrize("fate", list(Fate))
def test_every_line_is_crlf_and_short_enough(fate: Fate) -> None:
    report = Report(item(), fate, Reply(450, "4.2.0", "word " * 150), "mx.example.org", NOW, NOW)
    raw = compose(report).raw
    assert raw.count(b"\n") == raw.count(b"\r\n") == raw.count(b"\r")
    assert max(map(len, raw.split(b"\r\n"))) <= 998


def test_what_we_refuse_ourselves_is_not_called_an_answer_of_a_server() -> None:
    report = Report(item(), Fate.FAILED, Reply(550, "5.7.1", "Card numbers are not sent by mail"))
    _, text, status, _ = parts(compose(report).raw)
    assert "The reason: 550 5.7.1 Card numbers are not sent by mail" in text.get_content()
    assert "answered" not in text.get_content()
    assert status.get_payload()[1]["Diagnostic-Code"] == "x-sealgate; 550 5.7.1 Card numbers are not sent by mail"
    assert status.get_payload()[1]["Remote-MTA"] is None


def test_a_delay_says_until_when_and_returns_no_body() -> None:
    until = datetime(2025, 3, 6, 12, tzinfo=UTC)
    report = Report(item(), Fate.DELAYED, Reply(451, "4.4.1", "Connecting failed"), "", NOW, until)
    parsed, text, status, returned = parts(compose(report).raw)
    assert parsed["Subject"] == "Your message is delayed"
    assert "06 March 2025, 12:00 UTC" in text.get_content()
    assert status.get_payload()[1]["Will-Retry-Until"] == "Thu, 06 Mar 2025 12:00:00 +0000"
    assert status.get_payload()[1]["Action"] == "delayed"
    assert returned.get_content_type() == "text/rfc822-headers"
    assert "Plain text" not in returned.get_content()
    assert "The header of your message is attached." in text.get_content()


@pytest.mark.parametrize(("fate", "action"), [(Fate.RELAYED, "relayed"), (Fate.DELIVERED, "delivered")])
def test_success_is_confirmed_without_a_diagnosis(fate: Fate, action: str) -> None:
    report = Report(item(), fate, Reply(250, "2.0.0", "queued"), "mx.example.org", NOW)
    _, text, status, returned = parts(compose(report).raw)
    assert "You asked for this confirmation." in text.get_content()
    assert status.get_payload()[1]["Action"] == action
    assert status.get_payload()[1]["Diagnostic-Code"] is None
    assert returned.get_content_type() == "text/rfc822-headers"


def test_what_comes_back() -> None:
    def back(raw: bytes = RAW, confidential: bool = False, **more: object) -> tuple[str, bytes]:
        dsn = compose(failed(), to=message(raw, **more), confidential=confidential)
        part = parts(dsn.raw)[3]
        return part.get_content_type(), dsn.raw

    assert back()[0] == "message/rfc822"
    assert back(ret="FULL")[0] == "message/rfc822"
    assert back(ret="FULL", require_tls=True)[0] == "text/rfc822-headers", "RFC 8689 5"
    kind, raw = back(ret="HDRS")
    assert kind == "text/rfc822-headers"
    assert b"Her results" in raw
    assert b"Plain text" not in raw
    assert back(RAW + b"x" * 60_000)[0] == "text/rfc822-headers"
    kind, raw = back(confidential=True, ret="FULL")
    assert kind == "text/rfc822-headers"
    assert b"<1@example.com>" in raw
    assert b"Her results" not in raw
    assert b"Plain text" not in raw
    assert len(back(b"X: y\r\n" * 20_000 + b"\r\nbody")[1]) < 40_000


def test_eight_bit_is_declared() -> None:
    dsn = compose(failed(), to=message(RAW + "Grüße\r\n".encode()))
    assert dsn.eight_bit
    assert message_from_bytes(dsn.raw)["Content-Transfer-Encoding"] == "8bit"
    assert not compose(failed(), to=message(RAW + "Grüße\r\n".encode(), ret="HDRS")).eight_bit


def test_nothing_a_server_said_becomes_a_header_or_a_part() -> None:
    evil = "no\r\nAction: delivered\r\n\r\nFinal-Recipient: rfc822; eve@example.org\r\n--="
    dsn = compose(failed(text=evil), failed("x\r\nBcc: eve@example.org"))
    parsed, _, status, _ = parts(dsn.raw)
    assert parsed["Bcc"] is None
    assert len(status.get_payload()) == 3
    assert status.get_payload()[1].get_all("Action") == ["failed"]


def test_internationalised_addresses_are_written_in_ascii() -> None:
    raw = compose(failed("bücher@example.org")).raw
    status = raw.partition(b"message/delivery-status")[2]
    assert b"Final-Recipient: utf-8; b\\x{FC}cher@example.org\r\n" in status
    assert read_dsn(raw).recipients[0].final == "bücher@example.org"


def test_many_recipients_are_all_in_the_report() -> None:
    dsn = compose(*(failed(f"r{number}@example.org") for number in range(150)))
    _, text, status, _ = parts(dsn.raw)
    assert "and 50 more" in text.get_content()
    assert len(status.get_payload()) == 151


def test_failures_and_delays_together() -> None:
    late = Report(item("carol@example.org"), Fate.DELAYED, Reply(450, "4.2.1", "later"), "mx.example.org", NOW, NOW)
    parsed, text, _, _ = parts(compose(late, failed()).raw)
    assert parsed["Subject"] == "Your message could not be delivered"
    content = text.get_content()
    assert content.index("bob@example.org") < content.index("carol@example.org")


@pytest.mark.parametrize(
    ("raw", "found"),
    [
        (b"Message-ID: <a@b>\r\n\r\nx", "<a@b>"),
        (b"message-id:\r\n <a@b>\r\n\r\nx", "<a@b>"),
        (b"Message-ID: a@b\r\n\r\n", None),
        (b"Message-ID: <a b@c>\r\n\r\n", None),
        (b"\r\nMessage-ID: <a@b>\r\n", None),
        (b"Message-ID: <" + b"x" * 300 + b">\r\n\r\n", None),
    ],
)
def test_the_id_of_the_message(raw: bytes, found: str | None) -> None:
    assert original_message_id(raw) == found


def test_ours_are_read_by_ourselves() -> None:
    late = Report(item("carol@example.org"), Fate.DELAYED, Reply(450, "4.2.1", "later"), "mx.example.org", NOW, NOW)
    dsn = read_dsn(compose(failed(), late, to=message(envid="e1")).raw)
    assert dsn is not None
    assert dsn.message_id == "<1@example.com>"
    assert [(each.final, each.action, each.status) for each in dsn.recipients] == [
        ("bob@example.org", "failed", "5.1.1"),
        ("carol@example.org", "delayed", "4.2.1"),
    ]
    assert dsn.recipients[0].diagnostic == "550 5.1.1 No such user"
