"""Which hosts take mail for a domain (RFC 5321 section 5), and at which addresses they are."""

import asyncio
import ipaddress
import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

import dns.asyncresolver
import dns.exception
import dns.name
import dns.rdatatype
import dns.resolver
from dns.rdtypes.ANY.MX import MX

from delivery.errors import DeliveryError
from delivery.items import Reply

MAX_HOSTS: Final = 10  # of one domain that are tried
MAX_ADDRESSES: Final = 5  # of one host
LOOKUP_SECONDS: Final = 30.0


@dataclass(frozen=True, slots=True)
class MxRecord:
    """One MX record; lower preferences come first. `host` is "." in a null MX (RFC 7505)."""

    preference: int
    host: str


class LookupFailed(DeliveryError):
    """DNS gave no answer now: the mail waits."""


class NoSuchDomain(DeliveryError):
    """DNS says with authority that the name does not exist."""


class Undeliverable(DeliveryError):
    """No host takes mail for the domain, now or later. `reply` is what the sender is told."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(str(reply))
        self.reply = reply


class Resolver(Protocol):
    """The questions we ask of DNS. Both methods raise LookupFailed and NoSuchDomain."""

    async def mx(self, domain: str) -> tuple[MxRecord, ...]:
        """The MX records of a domain (A-labels) in any order; empty: the domain exists and has none."""

    async def addresses(self, host: str) -> tuple[str, ...]:
        """IPv6 and IPv4 addresses of a host in the order to try; empty: it has none."""


class SystemResolver:
    """MX by dnspython and /etc/resolv.conf; addresses as the system gives them, so that /etc/hosts counts."""

    def __init__(self, make: Callable[[], dns.asyncresolver.Resolver] = dns.asyncresolver.Resolver) -> None:
        self._make = make
        self._resolver: dns.asyncresolver.Resolver | None = None

    async def mx(self, domain: str) -> tuple[MxRecord, ...]:
        """The MX records of a domain."""
        try:
            name = dns.name.from_text(domain)
        except (dns.exception.DNSException, UnicodeError) as error:
            raise NoSuchDomain("the name cannot be that of a domain") from error
        try:
            if self._resolver is None:
                self._resolver = self._make()
                self._resolver.lifetime = LOOKUP_SECONDS
            answer = await self._resolver.resolve(name, dns.rdatatype.MX, raise_on_no_answer=False, search=False)
        except dns.resolver.NXDOMAIN as error:
            raise NoSuchDomain(f"the domain {domain} does not exist") from error
        except (dns.exception.DNSException, OSError) as error:
            self._resolver = None  # /etc/resolv.conf may be another one next time
            raise LookupFailed(f"looking up the mail servers of {domain} failed") from error
        return tuple(MxRecord(r.preference, _plain(r.exchange)) for r in answer if isinstance(r, MX))

    async def addresses(self, host: str) -> tuple[str, ...]:
        """Addresses of a host."""
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(LOOKUP_SECONDS):
                found = await loop.getaddrinfo(host, None, type=socket.SOCK_STREAM)
        except socket.gaierror as error:
            if error.errno in (socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)):
                raise NoSuchDomain(f"the host {host} does not exist") from error
            raise LookupFailed(f"looking up the host {host} failed") from error
        except (OSError, UnicodeError) as error:  # TimeoutError is an OSError
            raise LookupFailed(f"looking up the host {host} failed") from error
        return tuple(dict.fromkeys(str(address[4][0]) for address in found))


def _plain(name: dns.name.Name) -> str:
    return name.to_text(omit_final_dot=True).lower() or "."


async def mail_hosts(resolver: Resolver, domain: str, *, ourselves: str) -> tuple[str, ...]:
    """Hosts to try for a domain, best first. Raises LookupFailed for later, Undeliverable for never.

    No MX record: the domain itself is the host. A host that is `ourselves` is left out with all that are no better than
    it (RFC 5321 5.1), or the mail would come back to us for ever.
    """
    literal = address_literal(domain)
    if literal is not None:
        return (literal,)
    try:
        records = await resolver.mx(domain)
        if not records:
            return await _implicit(resolver, domain)
    except NoSuchDomain as error:
        raise Undeliverable(Reply(550, "5.1.2", "The recipient's domain does not exist")) from error
    usable = sorted((record for record in records if record.host != "."), key=lambda record: record.preference)
    if not usable:  # RFC 7505
        raise Undeliverable(Reply(556, "5.1.10", "The recipient's domain does not accept mail (null MX)"))
    own = [record.preference for record in usable if record.host.lower() == ourselves.lower()]
    usable = [record for record in usable if not own or record.preference < min(own)]
    if not usable:
        raise Undeliverable(Reply(554, "5.4.6", "The recipient's domain names this server itself as its mail server"))
    return tuple(dict.fromkeys(record.host for record in usable))[:MAX_HOSTS]


async def _implicit(resolver: Resolver, domain: str) -> tuple[str, ...]:
    if not await resolver.addresses(domain):
        raise Undeliverable(Reply(550, "5.1.2", "The recipient's domain has no mail server"))
    return (domain,)


async def host_addresses(resolver: Resolver, host: str) -> tuple[str, ...]:
    """Addresses of one host; none if it does not exist. Raises LookupFailed."""
    try:
        return (str(ipaddress.ip_address(host)),)
    except ValueError:
        pass
    try:
        return (await resolver.addresses(host))[:MAX_ADDRESSES]
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
