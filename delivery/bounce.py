"""Delivery status notifications (RFC 3464), written to senders about their mail. `dsn.py` reads those of others.

A DSN goes from <> and is never answered by another. Its three parts are a text for people, the same for programs, and
what came back of the message: all of it, its header, or only what identifies it.
"""

import re
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import format_datetime
from quopri import encodestring
from typing import Final

from delivery.items import Fate, OpenMessage, Report
from keys.tokens import new_id, new_token

RETURNED_BYTES: Final = 50_000  # a larger message comes back as its header only
_HEADER_BYTES: Final = 32_768
_LISTED: Final = 100  # recipients named in the text for people; the part for programs has all
_IDENTIFYING: Final = frozenset({b"message-id", b"date", b"from", b"to", b"cc", b"in-reply-to"})
_MESSAGE_ID: Final = re.compile(rb"<[!-;=?-~]{1,250}>")
_CONTROLS: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]+")
_XTEXT: Final = re.compile(r"\+([0-9A-F]{2})")

_SUBJECTS: Final = {
    Fate.FAILED: "Your message could not be delivered",
    Fate.DELAYED: "Your message is delayed",
    Fate.RELAYED: "Your message was handed on",
    Fate.DELIVERED: "Your message was delivered",
}
_OPENINGS: Final = {
    Fate.FAILED: "We are sorry: your message could not be delivered to",
    Fate.DELAYED: "Your message could not be delivered yet to",
    Fate.RELAYED: "Your message was handed on to a mail server that does not send confirmations itself, for",
    Fate.DELIVERED: "Your message was delivered to",
}
_CLOSINGS: Final = {
    Fate.FAILED: "The message will not be tried again. Please check the address, or reach the person another way.",
    Fate.DELAYED: "You need not do anything: we go on trying{until}, and tell you if it does not succeed.",
    Fate.RELAYED: "You asked for this confirmation. No further one may follow.",
    Fate.DELIVERED: "You asked for this confirmation.",
}
_ORDER: Final = (Fate.FAILED, Fate.DELAYED, Fate.RELAYED, Fate.DELIVERED)


@dataclass(frozen=True, slots=True)
class DsnMail:
    """A DSN ready for the queue, from <>, to the owner of the message it tells of."""

    subject: str
    raw: bytes = field(repr=False)
    eight_bit: bool
    smtputf8: bool


def compose_dsn(
    message: OpenMessage,
    reports: Sequence[Report],
    *,
    hostname: str,
    now: datetime,
    postmaster: str | None = None,
    confidential: bool = False,
) -> DsnMail:
    """Tell the owner of `message` what became of it for the recipients of `reports`, of which there is at least one.

    `confidential`: the message was to travel proven or sealed, so nothing comes back but what identifies it.
    """
    worst = next(fate for fate in _ORDER if any(report.fate is fate for report in reports))
    sections = [section for fate in _ORDER if (section := _section(fate, [r for r in reports if r.fate is fate]))]
    kind, returned = _returned(message, worst, confidential=confidential)
    enclosed = "Your message is attached." if returned is message.raw else "The header of your message is attached."
    text = "\n\n".join([f"This is the mail server {hostname}.", *sections, enclosed]) + "\n"
    boundary = f"=_{new_token()}"
    parts = [
        b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
        + encodestring(text.encode()).replace(b"\n", b"\r\n"),
        b"Content-Description: Delivery report\r\nContent-Type: message/delivery-status\r\n\r\n"
        + _status_part(message, reports, hostname),
        b"Content-Description: Your message\r\nContent-Type: " + kind + b"\r\n\r\n" + returned,
    ]
    eight_bit = not returned.isascii()
    lines = [
        f"From: Mail delivery <{postmaster or f'postmaster@{hostname}'}>",
        f"To: <{_CONTROLS.sub('', message.owner)}>",
        f"Subject: {_SUBJECTS[worst]}",
        f"Date: {format_datetime(now)}",
        f"Message-ID: <{new_id()}@{hostname}>",
        *_threaded(message.raw),
        "Auto-Submitted: auto-replied",
        "MIME-Version: 1.0",
        "Content-Type: multipart/report; report-type=delivery-status;",
        f' boundary="{boundary}"',
        *(["Content-Transfer-Encoding: 8bit"] if eight_bit else []),
    ]
    head = "".join(f"{line}\r\n" for line in lines).encode("utf-8", "replace")
    edge = b"\r\n--" + boundary.encode()
    body = b"".join([edge + b"\r\n" + part for part in parts]) + edge + b"--\r\n"
    return DsnMail(_SUBJECTS[worst], head + body, eight_bit, not head.isascii())


def _threaded(raw: bytes) -> list[str]:
    original = original_message_id(raw)
    return [f"In-Reply-To: {original}", f"References: {original}"] if original else []


# --- the part for people --------------------------------------------------------------------------------------------


def _section(fate: Fate, reports: list[Report]) -> str:
    if not reports:
        return ""
    entries = [_entry(report) for report in reports[:_LISTED]]
    if len(reports) > _LISTED:
        entries.append(f"  and {len(reports) - _LISTED} more, who are named in the attached report")
    until = max((report.retry_until for report in reports if report.retry_until), default=None)
    closing = _CLOSINGS[fate].format(until=f" until {until:%d %B %Y, %H:%M} UTC" if until else "")
    return "\n\n".join([f"{_OPENINGS[fate]}:", "\n\n".join(entries), textwrap.fill(closing, 76)])


def _entry(report: Report) -> str:
    address = f"  {_CONTROLS.sub(' ', report.item.recipient)}"
    if report.fate in (Fate.RELAYED, Fate.DELIVERED):
        return address
    said = _CONTROLS.sub(" ", str(report.reply))
    reason = f"The mail server {report.host} answered: {said}" if report.host else f"The reason: {said}"
    return f"{address}\n" + textwrap.fill(reason, 76, initial_indent="    ", subsequent_indent="    ")


# --- the part for programs ------------------------------------------------------------------------------------------


def _status_part(message: OpenMessage, reports: Sequence[Report], hostname: str) -> bytes:
    first = [("Reporting-MTA", f"dns; {hostname}")]
    if message.envid:
        first.append(("Original-Envelope-Id", _from_xtext(message.envid)))
    first.append(("Arrival-Date", format_datetime(message.received_at)))
    groups = [first, *(_recipient_fields(report) for report in reports)]
    return b"\r\n".join(b"".join(_field(name, value) for name, value in group) for group in groups)


def _recipient_fields(report: Report) -> list[tuple[str, str]]:
    item, reply = report.item, report.reply
    fields = []
    kind, _, original = (item.orcpt or "").partition(";")
    if original:
        fields.append(("Original-Recipient", f"{kind}; {_from_xtext(original)}"))
    fields += [
        ("Final-Recipient", _typed_address(item.recipient)),
        ("Action", str(report.fate)),
        ("Status", reply.status),
    ]
    if report.host:
        fields.append(("Remote-MTA", f"dns; {report.host}"))
    if report.fate in (Fate.FAILED, Fate.DELAYED):
        # What no SMTP server said is not called a reply of SMTP (RFC 3464 2.3.6).
        fields.append(("Diagnostic-Code", f"{'smtp' if report.host else 'x-sealgate'}; {reply}"))
    if report.attempted_at:
        fields.append(("Last-Attempt-Date", format_datetime(report.attempted_at)))
    if report.retry_until and report.fate is Fate.DELAYED:
        fields.append(("Will-Retry-Until", format_datetime(report.retry_until)))
    return fields


def _field(name: str, value: str) -> bytes:
    """One field in ASCII, folded; characters beyond are written `\\x{…}` as in RFC 6533."""
    plain = "".join(c if c.isascii() else f"\\x{{{ord(c):X}}}" for c in _CONTROLS.sub(" ", value))
    lines = textwrap.wrap(
        f"{name}: {plain}", 76, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False
    )
    return "".join(f"{line[:900]}\r\n" for line in lines).encode("ascii")


def _typed_address(address: str) -> str:
    return f"rfc822; {address}" if address.isascii() else f"utf-8; {address}"


def _from_xtext(text: str) -> str:
    return _XTEXT.sub(lambda found: chr(int(found[1], 16)), text)


# --- what comes back ------------------------------------------------------------------------------------------------


def _returned(message: OpenMessage, fate: Fate, *, confidential: bool) -> tuple[bytes, bytes]:
    """Content type and bytes of the third part. RET counts for failures only (RFC 3461 4.3)."""
    raw = message.raw
    asked = "HDRS" if message.require_tls else (message.ret or "FULL").upper()  # RFC 8689 5: FULL is disregarded
    whole = fate is Fate.FAILED and asked == "FULL" and not confidential
    if whole and len(raw) <= RETURNED_BYTES:
        return b"message/rfc822" + _encoding(raw), raw
    header = _header(raw)
    if confidential:
        header = b"".join(each for each in _fields(header) if each.partition(b":")[0].strip().lower() in _IDENTIFYING)
    if len(header) > _HEADER_BYTES:
        header = header[: header.rfind(b"\r\n", 0, _HEADER_BYTES) + 2]
    return b"text/rfc822-headers" + _encoding(header), header


def _encoding(content: bytes) -> bytes:
    return b"" if content.isascii() else b"\r\nContent-Transfer-Encoding: 8bit"


def _header(raw: bytes) -> bytes:
    if raw.startswith(b"\r\n"):
        return b""
    end = raw.find(b"\r\n\r\n")
    return raw if end < 0 else raw[: end + 2]


def _fields(header: bytes) -> list[bytes]:
    return re.split(rb"(?<=\r\n)(?![ \t])", header)


def original_message_id(raw: bytes) -> str | None:
    """The Message-ID of a message, with its brackets, if it has one that can stand in a header again."""
    for each in _fields(_header(raw)):
        name, _, value = each.partition(b":")
        if name.strip().lower() == b"message-id":
            found = _MESSAGE_ID.search(value)
            return found[0].decode("ascii") if found else None
    return None
