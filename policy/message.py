"""The envelope (who sends what to whom, from which client) and the message as rules see it."""

import re
from dataclasses import dataclass, field
from datetime import datetime
from ipaddress import IPv4Address, IPv6Address
from typing import Final, Protocol

from policy.domains import a_labels
from rules.content import Content

_LABEL: Final = r"[a-z0-9_](?:[a-z0-9_-]{0,62})"
_DOMAIN: Final = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_FORBIDDEN: Final = re.compile(r"[\r\n\0<> \t]")
_LITERAL: Final = re.compile(r"\[[a-z0-9:.-]+\]")
# Signs (of Kelvin, Ohm, Angstrom, a theta) whose small letters are those of K and others: in lower case, which is what
# is looked up, two mailboxes would be one.
_SECOND_CAPITALS: Final = re.compile(r"[\u03f4\u2126\u212a\u212b]")


class AddressInvalid(ValueError):
    """The text is no mail address (RFC 5321 4.1.2, RFC 6531 3.3)."""


@dataclass(frozen=True, slots=True)
class Address:
    """A mailbox. `domain` is lower case and in A-label form; `local` is kept as written."""

    local: str
    domain: str

    @classmethod
    def parse(cls, text: str) -> "Address":
        """Read `local@domain`; raise AddressInvalid. No angle brackets, source routes or display names."""
        local, at, domain = text.rpartition("@")
        if not at or not local or not domain or _FORBIDDEN.search(text) or _SECOND_CAPITALS.search(local):
            raise AddressInvalid("not a mail address")
        try:
            plain = a_labels(domain)
        except UnicodeError as cause:
            raise AddressInvalid("not a domain name") from cause
        # IDNA may have made any ASCII sign of the text (U+FF20 becomes @, U+FF1E becomes >), so it is checked again.
        if _LITERAL.fullmatch(plain):
            return cls(local, plain)
        plain = plain.rstrip(".")
        if not _DOMAIN.fullmatch(plain):
            raise AddressInvalid("not a domain name")
        return cls(local, plain)

    def __str__(self) -> str:
        return f"{self.local}@{self.domain}"

    @property
    def key(self) -> str:
        """The form that is compared and looked up: all lower case."""
        return f"{self.local.lower()}@{self.domain}"


@dataclass(frozen=True, slots=True)
class Recipient:
    """One RCPT TO with its DSN wishes (RFC 3461 4). `notify` is None where the client said nothing."""

    address: Address
    notify: frozenset[str] | None = None  # NEVER, or some of SUCCESS FAILURE DELAY
    orcpt: str | None = None  # as received, still xtext


@dataclass(frozen=True, slots=True)
class Client:
    """The SMTP client that brought the message."""

    address: IPv4Address | IPv6Address
    helo: str = ""
    login: str | None = None
    certificate: str | None = None  # subject name of a verified client certificate
    tls: str | None = None  # e.g. "TLSv1.3 TLS_AES_256_GCM_SHA384"
    origin: IPv4Address | IPv6Address | None = None  # the client of a trusted server in front of us (XFORWARD)


class Senders(Protocol):
    """Knows which addresses a client may send as."""

    def allows(self, sender: Address) -> bool:
        """Whether the client may send as this address."""
        ...


@dataclass(frozen=True, slots=True)
class Envelope:
    """What SMTP said. `sender` is None for MAIL FROM:<>; `inbound` where an inbound listener took it."""

    id: str
    sender: Address | None
    recipients: tuple[Recipient, ...]
    client: Client
    received_at: datetime  # UTC
    inbound: bool = False
    stranger: bool = False  # inbound, from a client whose senders may be forged: they are told nothing
    smtputf8: bool = False
    eight_bit: bool = False
    ret: str | None = None  # FULL | HDRS
    envid: str | None = None  # as received, still xtext
    require_tls: bool = False  # REQUIRETLS (RFC 8689)
    senders: Senders | None = field(default=None, repr=False, compare=False)  # of this client; None: any of ours


@dataclass(frozen=True, slots=True)
class Message:
    """The message as rules see it. Header names are lower case, values decoded and unfolded."""

    size: int  # bytes as received
    headers: tuple[tuple[str, str], ...] = field(repr=False)
    content: Content = field(repr=False)

    def header(self, name: str) -> tuple[str, ...]:
        """Every value of one header, in order."""
        wanted = name.lower()
        return tuple(value for key, value in self.headers if key == wanted)

    @property
    def subject(self) -> str:
        """The first Subject, decoded; empty when there is none."""
        return next(iter(self.header("subject")), "")
