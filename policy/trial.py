"""Runs the tests inside a policy file: each is a message that is built, read, scanned and decided."""

from base64 import b64decode, encodebytes
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from email.header import Header
from itertools import count
from typing import Final, Protocol
from urllib.parse import quote

from policy.cases import Case, CaseFile
from policy.decision import Decision, Route
from policy.engine import Facts, Policy
from policy.message import Client, Envelope, Message, Recipient
from rules.content import Content, FileFact, Part
from rules.finding import Scanned

# The pure reader, or one that may use child processes; with `passwords=` where the policy has some to try.
ReadMessage = Callable[..., Message]

_BODY_HEADERS: Final = {"content-type", "content-transfer-encoding"}
_BOUNDARY: Final = "=_policy-test_="


class Scanner(Protocol):
    """What finds values in a content: rules.matching.Matcher."""

    def scan(self, content: Content) -> Scanned:
        """All findings, and the content with a file added for each text that was not searched to its end."""
        ...


@dataclass(frozen=True, slots=True)
class Miss:
    """One expectation that did not come true. `got` is None where there is no decision for the address."""

    recipient: str
    expected: Route
    got: Decision | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one test."""

    case: Case
    misses: tuple[Miss, ...]

    @property
    def passed(self) -> bool:
        """True where every expectation came true."""
        return not self.misses


def try_policy(policy: Policy, read: ReadMessage, matcher: Scanner) -> tuple[Outcome, ...]:
    """Run every test of the policy's file."""
    return tuple(try_case(policy, case, read, matcher) for case in policy.text.tests)


def try_case(policy: Policy, case: Case, read: ReadMessage, matcher: Scanner) -> Outcome:
    """Run one test."""
    raw = build_message(case)
    passwords = policy.passwords
    message = _with_files(read(raw, passwords=passwords) if passwords else read(raw), case.files)
    numbers = count(1)
    envelope = Envelope(
        id="test",
        sender=case.sender,
        recipients=tuple(Recipient(address) for address in case.recipients),
        client=Client(case.client),
        received_at=case.at,
    )
    facts = Facts(lambda: f"test-{next(numbers)}", at=case.at)
    scanned = matcher.scan(message.content)
    verdict = policy.decide(envelope, replace(message, content=scanned.content), scanned.findings, facts)
    return Outcome(case, _misses(case, (*verdict.decisions, *verdict.copies)))


def _misses(case: Case, decisions: Sequence[Decision]) -> tuple[Miss, ...]:
    made = {decision.recipient.lower(): decision for decision in decisions}
    misses = []
    for key, route in case.expect.items():
        decision = made.get(key)
        if decision is None or decision.route is not route:
            misses.append(Miss(key, route, decision))
    return tuple(misses)


def build_message(case: Case) -> bytes:
    """The raw message of a test, as a client would send it. Headers that the test gives replace the usual ones."""
    given = {name.lower() for name, _ in case.headers}
    top = [
        ("From", str(case.sender or "MAILER-DAEMON@localhost")),
        ("To", ", ".join(map(str, case.recipients))),
        ("Subject", case.subject),
        ("MIME-Version", "1.0"),
    ]
    top = [(name, value) for name, value in top if name.lower() not in given]
    top += [(name, value) for name, value in case.headers if name.lower() not in _BODY_HEADERS]
    body = _body(case, given)
    files = [file for file in case.files if file.content is not None]
    if not files:
        return _header_lines(top) + body
    top.append(("Content-Type", f"multipart/mixed; boundary={_BOUNDARY}"))
    parts = b"".join(b"--%b\r\n%b\r\n" % (_BOUNDARY.encode(), part) for part in (body, *map(_file, files)))
    return _header_lines(top) + b"\r\n" + parts + b"--%b--\r\n" % _BOUNDARY.encode()


def _body(case: Case, given: set[str]) -> bytes:
    """Base64 as UTF-8 text, unless the test says itself what its body is."""
    plain = "\r\n".join(case.body.splitlines())
    if given & _BODY_HEADERS:
        own = [(name, value) for name, value in case.headers if name.lower() in _BODY_HEADERS]
        return _header_lines(own) + b"\r\n" + plain.encode("utf-8", "replace") + b"\r\n"
    about = [("Content-Type", "text/plain; charset=utf-8"), ("Content-Transfer-Encoding", "base64")]
    return _header_lines(about) + b"\r\n" + encodebytes(plain.encode("utf-8", "replace")).replace(b"\n", b"\r\n")


def _file(file: CaseFile) -> bytes:
    name = quote(file.name, safe="")
    about = [
        ("Content-Type", "application/octet-stream"),
        ("Content-Disposition", f"attachment; filename*=UTF-8''{name}"),
        ("Content-Transfer-Encoding", "base64"),
    ]
    content = b64decode(file.content or "")
    return _header_lines(about) + b"\r\n" + encodebytes(content).replace(b"\n", b"\r\n")


def _header_lines(headers: Sequence[tuple[str, str]]) -> bytes:
    encoded = (
        (name, value if value.isascii() else Header(value, "utf-8").encode(linesep="\r\n")) for name, value in headers
    )
    return b"".join(f"{name}: {value}\r\n".encode() for name, value in encoded)


def _with_files(message: Message, files: Sequence[CaseFile]) -> Message:
    """The message with those files of a test that are given as facts, without bytes."""
    stated = [file for file in files if file.content is None]
    facts = tuple(
        FileFact(
            name=file.name,
            kind=file.kind,
            size=len(file.text.encode("utf-8", "replace")) if file.size is None else file.size,
            place=file.name,
            encrypted=file.encrypted,
            unreadable=file.unreadable,
            reason="the test says so" if file.encrypted or file.unreadable else "",
        )
        for file in stated
    )
    parts = tuple(Part(file.name, file.text) for file in stated if file.text)
    content = message.content
    return replace(
        message,
        size=message.size + sum(fact.size for fact in facts),
        content=replace(content, parts=content.parts + parts, files=content.files + facts),
    )
