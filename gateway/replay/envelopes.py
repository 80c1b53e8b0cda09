"""Who sent an old message to whom: from what servers wrote on top of it, else from its own headers."""

import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum
from ipaddress import IPv4Address, IPv6Address, ip_address
from itertools import islice
from typing import Final

from policy.message import Address, AddressInvalid, Client, Envelope, Message, Recipient
from policy.units import has_every_zone

_SENDERS: Final = ("return-path", "x-envelope-from", "x-return-path", "envelope-sender", "x-mail-from")
_AUTHORS: Final = ("resent-sender", "resent-from", "sender", "from")
_RECIPIENTS: Final = (
    *("x-original-to", "envelope-to", "x-envelope-to", "x-rcpt-to", "x-rcptto", "x-real-to", "delivered-to"),
)
_ADDRESSED: Final = ("to", "cc", "bcc")
_ASIDE: Final = re.compile(r'"[^"<>]*"|\([^()]*\)')  # a quoted name, a comment
_ADDRESS: Final = re.compile(
    r"<\s*([^<>\s]{1,320}@[^<>\s@]{1,255})\s*>|<[^<>]*>"
    r"|([^\s<>,;:\"()\[\]@]{1,64}@[^\s<>,;:\"()\[\]@]{1,255})"
)
_CLIENT: Final = re.compile(r"\[(?:IPv6:)?([0-9a-fA-F.:]{3,45})\]")
_LOOPBACK: Final = IPv4Address("127.0.0.1")
_MOST: Final = 10_000  # addresses of one message


class RecipientsFrom(StrEnum):
    """Whose word counts for the recipients."""

    ENVELOPE = "envelope"  # the server that delivered it, where it wrote them down; else the sender
    HEADER = "header"  # To, Cc and Bcc, as the sender wrote them


@dataclass(frozen=True, slots=True)
class Overrides:
    """What is said of all messages alike; None: as each message tells."""

    sender: Address | None = None
    empty_sender: bool = False  # `--from <>`
    recipients: tuple[Address, ...] = ()
    client: IPv4Address | IPv6Address | None = None
    told: RecipientsFrom = RecipientsFrom.ENVELOPE


class NoRecipient(Exception):
    """The message names nobody that it was for."""


def envelope_of(message: Message, given: Overrides, *, sender: str | None, written: float) -> Envelope:
    """The envelope. `sender` is what a mailbox says beside the message. Raises NoRecipient."""
    recipients = given.recipients or tuple(_recipients(message, given.told))
    if not recipients:
        raise NoRecipient
    mine = None if given.empty_sender else given.sender or _sender(message, sender)
    return Envelope(
        id="replay",
        sender=mine,
        recipients=tuple(Recipient(address) for address in recipients),
        client=Client(given.client or _client(message)),
        received_at=_time(message, written),
    )


def addresses_in(text: str) -> list[Address]:
    """The addresses of a header: those in angle brackets, and bare ones; whatever else stands around them."""
    found = (match[1] or match[2] for match in _ADDRESS.finditer(_ASIDE.sub(" ", text)))
    return _parsed(islice(filter(None, found), _MOST))


def _parsed(texts: Iterable[str]) -> list[Address]:
    good: list[Address] = []
    for text in texts:
        with suppress(AddressInvalid):
            good.append(Address.parse(text))
    return good


def _of(message: Message, names: Sequence[str]) -> list[Address]:
    return [address for name in names for value in message.header(name) for address in addresses_in(value)]


def _recipients(message: Message, told: RecipientsFrom) -> list[Address]:
    if told is RecipientsFrom.ENVELOPE:
        for name in _RECIPIENTS:
            if found := _of(message, [name]):
                return _once(found)
    resent = _of(message, [f"resent-{name}" for name in _ADDRESSED])
    return _once(resent or _of(message, _ADDRESSED))


def _once(addresses: Iterable[Address]) -> list[Address]:
    good: dict[str, Address] = {}
    for address in addresses:
        good.setdefault(address.key, address)
    return list(good.values())


def _sender(message: Message, beside: str | None) -> Address | None:
    for name in _SENDERS:
        for value in message.header(name):
            if value.strip() == "<>":
                return None
            if found := addresses_in(value):
                return found[0]
    if beside is not None and (found := addresses_in(beside)):
        return found[0]
    return next(iter(_of(message, _AUTHORS)), None)


def _client(message: Message) -> IPv4Address | IPv6Address:
    """The address that the last server took the message from."""
    for value in message.header("received")[:1]:
        for match in _CLIENT.finditer(value[:1000]):
            try:
                return ip_address(match[1])
            except ValueError:
                continue
    return _LOOPBACK


def _time(message: Message, written: float) -> datetime:
    """When the last server took it, else when it was written, else how old its file is."""
    dates = [value.rpartition(";")[2] for value in message.header("received")[:1]] + list(message.header("date")[:1])
    for text in dates:
        try:
            at = parsedate_to_datetime(text.strip()[:100])
        except (ValueError, TypeError, OverflowError):
            continue
        if has_every_zone(at):
            return at if at.tzinfo is not None else at.replace(tzinfo=UTC)
    return datetime.fromtimestamp(written, UTC)
