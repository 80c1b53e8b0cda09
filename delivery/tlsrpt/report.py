"""The report itself (RFC 8460 4 and 5): its JSON, packed, and the mail that carries it. Pure."""

import gzip
import json
import re
from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from email.utils import format_datetime
from typing import Any, Final
from urllib.parse import unquote

from delivery.store.tls_sessions import Session
from delivery.verdicts import PolicyFact
from keys.tokens import new_token

_DESTINATIONS: Final = 4  # of one domain
_MAILBOX: Final = re.compile(r"[!-;=?A-\[\]-~]{1,64}@[a-z0-9.-]{1,253}", re.IGNORECASE)
_WEB: Final = re.compile(  # a host name in it, never an address: our resolver sees to which network it leads
    r"//(?:[a-z0-9_](?:[a-z0-9-]{0,62})\.)+[a-z][a-z0-9-]{0,62}(?::443)?(?:[/?][!-~]{0,1000})?", re.IGNORECASE
)
_RECORD: Final = re.compile(r"v=TLSRPTv1[ \t]*;(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Reporter:
    """Who reports: the organisation, how to reach it, and the host that counted."""

    organisation: str
    contact: str
    sender: str  # the From header's address; its domain signs
    hostname: str


@dataclass(frozen=True, slots=True)
class ReportDestinations:
    """Where a domain wants its reports: addresses, and `https:` URLs."""

    mail: tuple[str, ...] = ()
    web: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """One domain's report of one day. `packed` is the JSON, gzipped."""

    domain: str
    id: str
    name: str
    packed: bytes = field(repr=False)


def read_report_record(texts: Iterable[str]) -> ReportDestinations | None:
    """What a domain's TXT records at `_smtp._tls` ask for (RFC 8460 3); None: nothing, or nothing we can do."""
    records = [text for text in texts if re.match(r"v=TLSRPTv1[ \t]*;", text)]
    if len(records) != 1:
        return None
    found = _RECORD.fullmatch(records[0])
    fields = [part.strip().partition("=") for part in found[1].split(";")] if found else []
    uris = [uri.strip() for name, _, value in fields if name.strip() == "rua" for uri in value.split(",")]
    mail, web = [], []
    for uri in uris[:_DESTINATIONS]:
        scheme, _, rest = uri.partition(":")
        address = unquote(rest.partition("?")[0])
        if scheme.lower() == "mailto" and _MAILBOX.fullmatch(address):
            mail.append(address)
        elif scheme.lower() == "https" and _WEB.fullmatch(rest):
            web.append(uri)
    return ReportDestinations(tuple(mail), tuple(web)) if mail or web else None


def compose(reporter: Reporter, day: str, domain: str, counted: Sequence[tuple[Session, int]]) -> Report:
    """The report of a day (2025-03-01) that is over."""
    begin = datetime.combine(date.fromisoformat(day), time(), UTC)
    end = begin + timedelta(days=1, seconds=-1)
    report_id = f"{day}T00:00:00Z_{domain}_{new_token()[:12]}"
    policies: dict[PolicyFact, list[tuple[Session, int]]] = {}
    for session, number in counted:
        policies.setdefault(session.policy, []).append((session, number))
    content = {
        "organization-name": reporter.organisation,
        "date-range": {"start-datetime": _written(begin), "end-datetime": _written(end)},
        "contact-info": reporter.contact,
        "report-id": report_id,
        "policies": [_policy(domain, fact, sessions) for fact, sessions in policies.items()],
    }
    packed = gzip.compress(json.dumps(content, ensure_ascii=False).encode(), mtime=0)
    unix = f"{int(begin.timestamp())}!{int(end.timestamp())}"
    name = f"{reporter.hostname}!{domain}!{unix}!{new_token()[:8]}.json.gz"
    return Report(domain, report_id, name, packed)


def _policy(domain: str, fact: PolicyFact, sessions: Sequence[tuple[Session, int]]) -> Mapping[str, Any]:
    policy: dict[str, Any] = {"policy-type": fact.kind.value, "policy-domain": fact.domain or domain}
    if fact.text:
        policy["policy-string"] = list(fact.text)
    if fact.hosts:
        policy["mx-host"] = list(fact.hosts)
    failed = [(session, number) for session, number in sessions if session.result]
    return {
        "policy": policy,
        "summary": {
            "total-successful-session-count": sum(number for session, number in sessions if not session.result),
            "total-failure-session-count": sum(number for _, number in failed),
        },
        **({"failure-details": [_failure(session, number) for session, number in failed]} if failed else {}),
    }


def _failure(session: Session, number: int) -> Mapping[str, Any]:
    told = {
        "result-type": session.result,
        "sending-mta-ip": session.our_address,
        "receiving-mx-hostname": session.host,
        "receiving-ip": session.address,
        "failed-session-count": number,
    }
    return {name: value for name, value in told.items() if value not in ("", None)}


def _written(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"


def compose_mail(reporter: Reporter, report: Report, to: str, now: datetime) -> tuple[str, bytes]:
    """Subject and bytes of the mail that brings a report (RFC 8460 5.3)."""
    subject = f"Report Domain: {report.domain} Submitter: {reporter.hostname} Report-ID: <{report.id}>"
    boundary = f"=_{new_token()}"
    head = [
        f"From: <{reporter.sender}>",
        f"To: <{to}>",
        f"Subject: {subject}"[:900],
        f"Date: {format_datetime(now)}",
        f"Message-ID: <{new_token()}@{reporter.hostname}>",
        f"TLS-Report-Domain: {report.domain}",
        f"TLS-Report-Submitter: {reporter.hostname}",
        "TLS-Required: No",  # it may tell of TLS that does not work (RFC 8460 3)
        "Auto-Submitted: auto-generated",
        "MIME-Version: 1.0",
        'Content-Type: multipart/report; report-type="tlsrpt";',
        f' boundary="{boundary}"',
    ]
    text = f"This is the daily report of {reporter.hostname} on TLS with the mail servers of {report.domain}."
    encoded = b64encode(report.packed).decode("ascii")
    body = [
        "",
        f"--{boundary}",
        "Content-Type: text/plain; charset=us-ascii",
        "",
        text,
        "",
        f"--{boundary}",
        "Content-Type: application/tlsrpt+gzip",
        "Content-Transfer-Encoding: base64",
        "Content-Disposition: attachment;",
        f' filename="{report.name}"',
        "",
        *(encoded[at : at + 76] for at in range(0, len(encoded), 76)),
        f"--{boundary}--",
        "",
    ]
    return subject, "\r\n".join([*head, *body]).encode("ascii", "replace")
