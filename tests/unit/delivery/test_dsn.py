"""Bounces of others, as they come."""

import base64

from hypothesis import given
from hypothesis import strategies as st

from delivery.dsn import read_dsn

POSTFIX = b"""From: MAILER-DAEMON@mx.example.org (Mail Delivery System)
Subject: Undelivered Mail Returned to Sender
To: bounce-1@example.com
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status;
	boundary="4FGk.123/mx.example.org"

This is a MIME-encapsulated message.

--4FGk.123/mx.example.org
Content-Description: Notification
Content-Type: text/plain; charset=us-ascii

I'm sorry to have to inform you ...

--4FGk.123/mx.example.org
Content-Description: Delivery report
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.org
X-Postfix-Queue-ID: 4FGk
Arrival-Date: Fri,  7 Feb 2025 10:00:00 +0100 (CET)

Final-Recipient: rfc822; bob@example.org
Original-Recipient: rfc822;Bob@example.org
Action: failed
Status: 5.1.1
Remote-MTA: dns; inner.example.org
Diagnostic-Code: smtp; 550 5.1.1 <bob@example.org>: Recipient address
    rejected: User unknown

Final-Recipient: rfc822; carol@example.org
Action: delayed
Status: 4.4.1

--4FGk.123/mx.example.org
Content-Description: Undelivered Message
Content-Type: message/rfc822

Message-ID: <notice-1@example.com>
Subject: A message waits for you

text
--4FGk.123/mx.example.org--
"""


def crlf(text: bytes) -> bytes:
    return text.replace(b"\n", b"\r\n")


def test_a_report_of_postfix() -> None:
    for raw in (POSTFIX, crlf(POSTFIX)):
        dsn = read_dsn(raw)
        assert dsn is not None
        assert dsn.message_id == "<notice-1@example.com>"
        bob, carol = dsn.recipients
        assert (bob.final, bob.original, bob.action, bob.status) == (
            "bob@example.org",
            "Bob@example.org",
            "failed",
            "5.1.1",
        )
        assert bob.diagnostic == "550 5.1.1 <bob@example.org>: Recipient address rejected: User unknown"
        assert (carol.action, carol.status, carol.original) == ("delayed", "4.4.1", None)


def test_a_report_within_something_else() -> None:
    body = POSTFIX.partition(b"\n\n")[2]
    outer = b"Content-Type: multipart/mixed; boundary=out\n\n--out\n" + POSTFIX[POSTFIX.index(b"Content-Type") :]
    outer += b"\n--out\nContent-Type: text/plain\n\nfooter of a scanner\n--out--\n"
    assert body
    assert len(read_dsn(outer).recipients) == 2


def test_an_encoded_report() -> None:
    status = (
        "Reporting-MTA: dns; x\n\nFinal-Recipient: utf-8; b\\x{FC}cher@example.org\nAction: failed\nStatus: 5.1.1\n"
    )
    raw = (
        b"Content-Type: multipart/report; boundary=b\n\n--b\nContent-Type: message/global-delivery-status\n"
        b"Content-Transfer-Encoding: base64\n\n" + base64.encodebytes(status.encode()) + b"\n--b--\n"
    )
    assert read_dsn(raw).recipients[0].final == "bücher@example.org"


def test_a_missing_action_is_told_by_the_status() -> None:
    assert read_dsn(POSTFIX.replace(b"Action: failed\n", b"")).recipients[0].action == "failed"
    assert read_dsn(POSTFIX.replace(b"Status: 5.1.1\n", b"")).recipients[0].status == "5.1.1"


def test_exims_header() -> None:
    raw = b"X-Failed-Recipients: bob@example.org,\n  carol@example.org\nSubject: Mail delivery failed\n\nsorry\n"
    assert [each.final for each in read_dsn(raw).recipients] == ["bob@example.org", "carol@example.org"]


def test_qmails_paragraphs() -> None:
    raw = (
        b"From: MAILER-DAEMON@x\n\nHi. This is the qmail-send program at x.\nI'm afraid.\n\n"
        b"<bob@example.org>:\nSorry, no mailbox by that name. (#5.1.1)\n\n--- Below this line copy\n\n<eve@x>:\nno\n"
    )
    [bob] = read_dsn(raw).recipients
    assert (bob.final, bob.status) == ("bob@example.org", "5.1.1")


def test_what_is_no_bounce() -> None:
    for raw in (
        b"",
        b"\r\n",
        b"Subject: Hello\r\n\r\nHow are you?\r\n",
        b"Subject: Out of office\r\nAuto-Submitted: auto-replied\r\n\r\nI am away\r\n",
        POSTFIX.replace(b"message/delivery-status", b"text/plain"),
        b"Content-Type: multipart/report; boundary=b\n\n--b\nContent-Type: message/delivery-status\n\n\n--b--\n",
        b"Content-Type: multipart/report; boundary=b\n\n--b\nContent-Type: message/delivery-status\n\nA: b\n\nC: d\n",
    ):
        assert read_dsn(raw) is None


def test_a_flood_of_recipients_and_parts_is_bounded() -> None:
    group = b"\nFinal-Recipient: rfc822; bob@example.org\nAction: failed\nStatus: 5.1.1\n"
    at = POSTFIX.index(b"\nFinal-Recipient")
    dsn = read_dsn(POSTFIX[:at] + group * 5000 + POSTFIX[at:])
    assert dsn is not None
    assert len(dsn.recipients) == 1000
    deep = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(2000))
    assert read_dsn(deep + POSTFIX) is None
    assert read_dsn(b"X: " + b"y" * 5_000_000) is None


PIECES = [
    *POSTFIX.split(b"\n"),
    b'Content-Type: multipart/report; boundary=""',
    b"Content-Type: multipart/report; boundary*=x'y'%zz",
    b"Content-Type: =?x?=; boundary==",
    b"Content-Type: multipart/mixed; boundary=4FGk.123/mx.example.org",
    b"Content-Transfer-Encoding: base64",
    b"=\xff\xfe",
    b"--",
    b"\x00",
    b"Final-Recipient: utf-8; \\x{110000}@x\\x{D800}",
    b"Final-Recipient: ;",
    b"Status: 9.9.9",
    b"X-Failed-Recipients: ,@,",
    b"Hi. This is the qmail-send program",
    b"<@@@>:",
]


@given(
    st.lists(st.sampled_from(PIECES) | st.binary(max_size=40), max_size=60), st.sampled_from([b"\n", b"\r\n", b"\r"])
)
def test_no_bytes_break_the_reader(pieces: list[bytes], end: bytes) -> None:
    dsn = read_dsn(end.join(pieces))
    if dsn is not None:
        for each in dsn.recipients:
            assert each.action in {"failed", "delayed", "delivered", "relayed", "expanded"}
            assert len(each.final) <= 320
            assert each.final.encode()
            assert each.diagnostic.isprintable()
