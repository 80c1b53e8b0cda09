"""The tests inside a policy file: what is sent, and which way each copy is expected to go."""

from base64 import b64decode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any, Final

from policy.clauses import is_header_name
from policy.decision import Route
from policy.message import Address, AddressInvalid
from policy.problem import Path, did_you_mean
from policy.source import Source
from policy.units import has_every_zone, parse_size
from rules.content import FileKind

TEST_KEYS: Final = ("name", "from", "to", "subject", "headers", "body", "attachments", "client", "at", "expect")
FILE_KEYS: Final = ("name", "type", "text", "content", "size", "encrypted", "unreadable")
LOOPBACK: Final = IPv4Address("127.0.0.1")
CASE_TIME: Final = datetime(2026, 1, 7, 12, 0, tzinfo=UTC)  # a Wednesday: when tests happen that name no time


@dataclass(frozen=True, slots=True)
class CaseFile:
    """A file of a test: given as facts, or by its bytes (`content`, base64), which are then read as any attachment."""

    name: str
    kind: FileKind = FileKind.TEXT
    text: str = field(default="", repr=False)
    content: str | None = field(default=None, repr=False)
    size: int | None = None
    encrypted: bool = False
    unreadable: bool = False


@dataclass(frozen=True, slots=True)
class Case:
    """One test of the policy file. `line` is where it begins."""

    name: str
    line: int
    sender: Address | None
    recipients: tuple[Address, ...]
    expect: Mapping[str, Route]  # Address.key -> route
    subject: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    body: str = field(default="", repr=False)
    files: tuple[CaseFile, ...] = ()
    client: IPv4Address | IPv6Address = LOOPBACK
    at: datetime = CASE_TIME


def read_address(source: Source, value: object, path: Path) -> Address | None:
    """Read an address; None where it is wrong, which is reported to `source`."""
    text = source.text(value, path, "an address")
    if text is None:
        return None
    try:
        return Address.parse(text)
    except AddressInvalid:
        source.report(path, f'"{text}" is no mail address', "write it as bob@example.com")
        return None


class CaseReader:
    """Reads the tests inside a policy file; they may also expect routes for `copies`, the addresses of `copy_to`."""

    def __init__(self, source: Source, copies: Iterable[Address]) -> None:
        self._source = source
        self._copies = frozenset(address.key for address in copies)

    def test(self, value: object, path: Path, line: int) -> Case | None:
        keys = self._source.mapping(value, path, TEST_KEYS, ("name", "from", "to", "expect"))
        if keys is None:
            return None
        name = self._source.text(keys.get("name", "?"), (*path, "name"), "a name")
        sender = None
        if keys.get("from", "") not in ("", "<>"):
            sender = read_address(self._source, keys["from"], (*path, "from"))
        found = [
            read_address(self._source, text, place)
            for place, text in self._source.texts(keys.get("to", "nobody@localhost"), (*path, "to"), "an address")
        ]
        recipients = tuple(address for address in found if address is not None)
        return Case(
            name=name or "",
            line=line,
            sender=sender,
            recipients=recipients,
            expect=self._expect(keys["expect"], (*path, "expect"), recipients) if "expect" in keys else {},
            subject=self._line(keys, "subject", path),
            headers=self._headers(keys.get("headers", {}), (*path, "headers")),
            body=self._source.text(keys.get("body", ""), (*path, "body"), empty=True) or "",
            files=self._files(keys.get("attachments", []), (*path, "attachments")),
            client=self._client(keys.get("client", "127.0.0.1"), (*path, "client")),
            at=self._at(keys["at"], (*path, "at")) if "at" in keys else CASE_TIME,
        )

    def _line(self, keys: Mapping[str, Any], key: str, path: Path) -> str:
        text = self._source.text(keys.get(key, ""), (*path, key), empty=True) or ""
        if any(c in text for c in "\r\n\0"):
            self._source.report((*path, key), "one line is expected")
            return ""
        return text

    def _expect(self, value: object, path: Path, recipients: tuple[Address, ...]) -> dict[str, Route]:
        """One route for all recipients, or a route for each, by `Address.key`."""
        if not isinstance(value, dict):
            word = self._source.choice(value, path, (*Route,))
            return {address.key: Route(word) for address in recipients} if word is not None else {}
        known = {address.key for address in recipients} | self._copies
        expect = {}
        for text, route in value.items():
            place = (*path, text)
            try:
                key = Address.parse(text).key
            except AddressInvalid:
                key = text
            if key not in known:
                hint = did_you_mean(text, known) or "add it to `to`"
                self._source.report(place, f'"{text}" gets no copy in this test', hint, key=True)
            word = self._source.choice(route, place, (*Route,))
            if word is not None:
                expect[key] = Route(word)
        if not value:
            self._source.report(path, "expects nothing", "write bob@gmail.com: safebox")
        return expect

    def _headers(self, value: object, path: Path) -> tuple[tuple[str, str], ...]:
        if not isinstance(value, dict):
            self._source.expected(value, path, "header names with values")
            return ()
        headers = []
        for name, inner in value.items():
            if not is_header_name(name):
                self._source.report((*path, name), f'"{name}" is no name of a header', key=True)
                continue
            for place, text in self._source.texts(inner, (*path, name), "a header's value"):
                if any(c in text for c in "\r\n\0"):
                    self._source.report(place, "one line is expected")
                else:
                    headers.append((name, text))
        return tuple(headers)

    def _files(self, value: object, path: Path) -> tuple[CaseFile, ...]:
        entries = self._source.sequence(value, path, "files, as in [{name: list.csv, text: …}]")
        files = [self._file(entry, (*path, index)) for index, entry in enumerate(entries)]
        return tuple(file for file in files if file is not None)

    def _file(self, value: object, path: Path) -> CaseFile | None:
        keys = self._source.mapping(value, path, FILE_KEYS, ("name",))
        if keys is None or "name" not in keys:
            return None
        source = self._source
        name = source.text(keys["name"], (*path, "name"), "a file's name")
        kind = source.choice(keys.get("type", "text"), (*path, "type"), (*FileKind,))
        content = keys.get("content")
        if content is not None:
            content = self._base64(content, (*path, "content"))
            for key in set(keys) - {"name", "content"}:
                source.report((*path, key), "does not go with content, which is read as it is", key=True)
        size = None
        if "size" in keys:
            try:
                size = parse_size(keys["size"])
            except ValueError as cause:
                source.report((*path, "size"), str(cause))
        return CaseFile(
            name=name or "",
            kind=FileKind(kind) if kind is not None else FileKind.TEXT,
            text=source.text(keys.get("text", ""), (*path, "text"), empty=True) or "",
            content=content,
            size=size,
            encrypted=bool(source.flag(keys.get("encrypted", False), (*path, "encrypted"))),
            unreadable=bool(source.flag(keys.get("unreadable", False), (*path, "unreadable"))),
        )

    def _base64(self, value: object, path: Path) -> str | None:
        text = self._source.text(value, path, "the file's bytes in base64")
        if text is None:
            return None
        packed = "".join(text.split())
        try:
            b64decode(packed, validate=True)
        except ValueError:
            self._source.report(path, "is no base64", "run base64 -w0 FILE")
            return None
        return packed

    def _client(self, value: object, path: Path) -> IPv4Address | IPv6Address:
        try:
            if isinstance(value, str):
                return ip_address(value)
        except ValueError:
            pass
        self._source.report(path, f'"{value}" is no IP address', "write it as 10.0.8.7")
        return LOOPBACK

    def _at(self, value: object, path: Path) -> datetime:
        try:
            at = datetime.fromisoformat(value) if isinstance(value, str) else None
        except ValueError:
            at = None
        if at is None or at.tzinfo is None or not has_every_zone(at):
            self._source.report(path, f'"{value}" is no time with a zone', "write it as 2026-05-09T20:30:00+02:00")
            return CASE_TIME
        return at
