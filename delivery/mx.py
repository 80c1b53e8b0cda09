"""Which hosts take mail for a domain (RFC 5321 section 5), and at which addresses they are."""

import ipaddress
import random
import socket
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, TypeAlias

from delivery.errors import DeliveryError
from delivery.items import Reply
from delivery.resolving import Found, MxRecord, NoSuchDomain, Resolver
from delivery.sections import Endpoint, Network

MAX_HOSTS: Final = 10  # of one domain that are tried
MAX_ADDRESSES: Final = 5  # of one host
_Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
_ANY: Final = ("0.0.0.0", "::")  # noqa: S104 - compared with, not bound
# What is not on the internet (RFC 6890), but for the examples of documents, which nobody has anywhere.
_NOT_PUBLIC: Final = tuple(
    ipaddress.ip_network(one)
    for one in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
        "192.168.0.0/16", "198.18.0.0/15", "224.0.0.0/3", "::/96", "64:ff9b:1::/48", "fc00::/7", "fe80::/10",
        "fec0::/10", "ff00::/8",
    )
)  # fmt: skip
_NAT64: Final = ipaddress.ip_network("64:ff9b::/96")


class Undeliverable(DeliveryError):
    """No host takes mail for the domain, now or later. `reply` is what the sender is told."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(str(reply))
        self.reply = reply


@dataclass(frozen=True, slots=True)
class OwnServer:
    """Our host name and the addresses we listen on, to recognise an MX that names ourselves (RFC 5321 5.1)."""

    hostname: str
    listening: tuple[Endpoint, ...] = ()

    def is_name(self, host: str) -> bool:
        """Is this host name ours?"""
        return host.lower().rstrip(".") == self.hostname.lower()

    def is_address(self, address: str, port: int) -> bool:
        """Do we listen at this address and port?"""
        for mine in self.listening:
            if mine.port == port and (mine.host == address or (mine.host in _ANY and _is_of_this_machine(address))):
                return True
        return False


@dataclass(frozen=True, slots=True)
class Reach:
    """Which addresses we connect to if a stranger's DNS names them: those of the internet, and the `private` networks.

    Whoever owns a domain writes its MX records. Without this check they could make us connect to servers in our own
    network.
    """

    private: tuple[Network, ...] = ()

    def allows(self, address: str) -> bool:
        """May we connect to it?"""
        parsed = ipaddress.ip_address(address)
        if any(parsed in network for network in self.private):
            return True
        return not any(one in network for one in _as_reached(parsed) for network in _NOT_PUBLIC)


@dataclass(frozen=True, slots=True)
class MailHosts:
    """Hosts to try, best first. `secure`: DNS vouches for them (DNSSEC). `implicit`: the domain itself, for no MX."""

    hosts: tuple[str, ...]
    secure: bool = False
    implicit: bool = False


async def mail_hosts(
    resolver: Resolver, domain: str, *, own_server: OwnServer, shuffle: random.Random | None = None
) -> MailHosts:
    """Hosts to try for a domain, best first. Raises LookupFailed for later, Undeliverable for never.

    No MX record: the domain itself is the host. Hosts of one preference come in another order each time. A host that is
    `own_server` is left out with all that are no better than it (RFC 5321 5.1), or mail would come back to us for ever.
    """
    literal = address_literal(domain)
    if literal is not None:
        return MailHosts((literal,))
    try:
        found = await resolver.mx(domain)
        if not found:
            return await _implicit(resolver, domain, found, own_server)
    except NoSuchDomain as error:
        raise Undeliverable(Reply(550, "5.1.2", "The recipient's domain does not exist")) from error
    usable = _ordered((record for record in found.records if record.host != "."), shuffle)
    if not usable:  # RFC 7505
        raise Undeliverable(Reply(556, "5.1.10", "The recipient's domain does not accept mail (null MX)"))
    own = [record.preference for record in usable if own_server.is_name(record.host)]
    usable = [record for record in usable if not own or record.preference < min(own)]
    if not usable:
        raise Undeliverable(LOOP)
    return MailHosts(tuple(dict.fromkeys(record.host for record in usable))[:MAX_HOSTS], found.secure)


PRIVATE: Final = Reply(550, "5.4.4", "The recipient's domain names mail servers in a network that is not the internet")
LOOP: Final = Reply(554, "5.4.6", "The recipient's domain names this server itself as its mail server")


def _ordered(records: Iterable[MxRecord], shuffle: random.Random | None) -> list[MxRecord]:
    mixed = list(records)
    (shuffle or random.Random()).shuffle(mixed)  # noqa: S311  # spreads load (RFC 5321 5.1), hides nothing
    return sorted(mixed, key=lambda record: record.preference)


async def _implicit(resolver: Resolver, domain: str, found: Found[MxRecord], own_server: OwnServer) -> MailHosts:
    if own_server.is_name(domain):
        raise Undeliverable(LOOP)
    if not await resolver.addresses(domain):
        raise Undeliverable(Reply(550, "5.1.2", "The recipient's domain has no mail server"))
    return MailHosts((domain,), found.secure, implicit=True)


async def host_addresses(resolver: Resolver, host: str) -> Found[str]:
    """Addresses of an MX host; none if it does not exist. Raises LookupFailed."""
    try:
        plain = str(ipaddress.ip_address(host))  # no name, and yet it stands in MX records
        return Found((plain,) if _may_be_a_host(plain) else ())
    except ValueError:
        pass
    try:
        found = await resolver.addresses(host)
    except NoSuchDomain:
        return Found(())
    usable = tuple(address for address in found.records if _may_be_a_host(address))[:MAX_ADDRESSES]
    return Found(usable, found.secure, found.name)


async def configured_addresses(resolver: Resolver, host: str) -> tuple[str, ...]:
    """Addresses of a host of the configuration; none if it does not exist. Raises LookupFailed."""
    try:
        return (str(ipaddress.ip_address(host)),)
    except ValueError:
        pass
    try:
        return (await resolver.system_addresses(host))[:MAX_ADDRESSES]
    except NoSuchDomain:
        return ()


def address_literal(domain: str) -> str | None:
    """The address of a domain written as `[192.0.2.1]` or `[IPv6:2001:db8::1]` (RFC 5321 4.1.3); else None."""
    if not (domain.startswith("[") and domain.endswith("]")):
        return None
    text = domain[1:-1]
    try:
        if text.lower().startswith("ipv6:"):
            return str(ipaddress.IPv6Address(text[5:]))
        return str(ipaddress.IPv4Address(text))
    except ValueError:
        return None


def _as_reached(address: _Address) -> Iterator[_Address]:
    """The address, and the one of IPv4 that a translator or tunnel of this network would make of it."""
    yield address
    if isinstance(address, ipaddress.IPv4Address):
        return
    for inner in (address.ipv4_mapped, address.sixtofour):
        if inner is not None:
            yield inner
    if address in _NAT64:
        yield ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)


def _may_be_a_host(address: str) -> bool:
    """Whether an address can be another host's: not an unspecified one (a connection there reaches this machine), a
    multicast one, or an IPv4-mapped IPv6 address, which may be another spelling of one of ours.
    """
    parsed = ipaddress.ip_address(address)
    is_mapped = isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is not None
    return not (parsed.is_unspecified or parsed.is_multicast or is_mapped)


def _is_of_this_machine(address: str) -> bool:
    """Whether this machine has the address: only then can a socket be bound to it."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.bind((address, 0))
    except OSError:
        return False
    return True
