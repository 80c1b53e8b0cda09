"""Asking DNS: what we ask, what an answer says, and whether a resolver we trust has validated it (DNSSEC).

We validate nothing ourselves: a resolver on this machine, or one that the configuration says to trust, does, and tells
by the AD bit (RFC 6840 5.8). What fails its validation comes as SERVFAIL, which here is `LookupFailed`: the mail waits.
"""

import asyncio
import random
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain, zip_longest
from typing import Any, Final, Generic, Protocol, TypeVar

import dns.asyncresolver
import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rdata
import dns.rdatatype
import dns.resolver
from dns.nameserver import Do53Nameserver
from dns.rdtypes.ANY.CNAME import CNAME
from dns.rdtypes.ANY.MX import MX
from dns.rdtypes.ANY.TLSA import TLSA
from dns.rdtypes.ANY.TXT import TXT
from dns.rdtypes.IN.A import A
from dns.rdtypes.IN.AAAA import AAAA

from delivery.errors import DeliveryError
from delivery.hops import DnsSettings, Families

T = TypeVar("T")

LOOKUP_SECONDS: Final = 30.0
_REMEMBERED: Final = 20_000  # answers, the negative ones too
_LONGEST: Final = 3600.0  # seconds an answer is believed, whatever it says
_PAYLOAD: Final = 1232  # bytes over UDP: what crosses any path unfragmented; more comes by TCP
_LARGEST: Final = 16 * 1024  # bytes by TCP: hundreds of records


class LookupFailed(DeliveryError):
    """DNS gave no answer now: the mail waits."""


class NoSuchDomain(DeliveryError):
    """DNS says with authority that the name does not exist."""


@dataclass(frozen=True, slots=True)
class Found(Generic[T]):
    """An answer. `secure`: validated by DNSSEC, the way by aliases included. `name`: where aliases led."""

    records: tuple[T, ...]
    secure: bool = False
    name: str = ""

    def __bool__(self) -> bool:
        return bool(self.records)


@dataclass(frozen=True, slots=True)
class MxRecord:
    """One MX record; lower preferences come first. `host` is "." in a null MX (RFC 7505)."""

    preference: int
    host: str


@dataclass(frozen=True, slots=True)
class Tlsa:
    """One TLSA record (RFC 6698 2.1)."""

    usage: int
    selector: int
    matching: int
    data: bytes

    def __str__(self) -> str:
        return f"{self.usage} {self.selector} {self.matching} {self.data.hex()[:16]}…"


class Resolver(Protocol):
    """The questions we ask. Names are A-labels without a last dot; all raise LookupFailed and NoSuchDomain.

    An empty answer: the name exists and has no such record.
    """

    async def mx(self, domain: str) -> Found[MxRecord]:
        """MX records in any order."""

    async def addresses(self, host: str) -> Found[str]:
        """IPv6 and IPv4 addresses in the order to try."""

    async def alias(self, host: str) -> Found[str]:
        """What a name itself is an alias of, one step."""

    async def tlsa(self, name: str) -> Found[Tlsa]:
        """The TLSA records of a name."""

    async def txt(self, name: str) -> Found[str]:
        """TXT records, the strings of each joined."""

    async def system_addresses(self, host: str) -> tuple[str, ...]:
        """Addresses of a host that the configuration names: as the system gives them, so that /etc/hosts counts."""


class _Cache(dns.resolver.LRUCache):
    """Answers for as long as they say, but for no more than an hour: a mistake must not last for weeks."""

    def put(self, key: dns.resolver.CacheKey, value: dns.resolver.Answer) -> None:
        has_soa = any(each.rdtype == dns.rdatatype.SOA for each in value.response.authority)
        if value.rrset is None and not has_soa:
            return  # it does not say for how long (RFC 2308 5)
        value.expiration = min(value.expiration, time.time() + _LONGEST)
        super().put(key, value)

    def get(self, key: dns.resolver.CacheKey) -> dns.resolver.Answer | None:
        value = super().get(key)
        if value is not None and value.expiration > time.time() + _LONGEST:
            return None  # the clock was ahead when it was put here, and it would last for as long
        return value


class _Nameserver(Do53Nameserver):
    """A server, asked as dnspython does, except that the largest answers by TCP are not read: whoever has a zone
    chooses how large they are, and reading 64 KiB of names would hold the event loop for most of a second.
    """

    async def async_query(  # noqa: PLR0917  # as it is there
        self,
        request: dns.message.QueryMessage,
        timeout: float,  # noqa: ASYNC109  # its name there
        source: str | None,
        source_port: int,
        max_size: bool,
        backend: Any,
        one_rr_per_rrset: bool = False,
        ignore_trailing: bool = False,
    ) -> dns.message.Message:
        """The answer to one question. Raises what dnspython's resolver takes for a server that is of no use."""
        if not max_size:
            return await super().async_query(
                request, timeout, source, source_port, max_size, backend, one_rr_per_rrset, ignore_trailing
            )
        try:
            async with asyncio.timeout(timeout):
                wire = await self._by_tcp(request.to_wire())
        except TimeoutError as error:
            raise dns.exception.Timeout(timeout=timeout) from error  # type: ignore[no-untyped-call]  # it has none
        response = dns.message.from_wire(wire, one_rr_per_rrset=one_rr_per_rrset, ignore_trailing=ignore_trailing)
        if not request.is_response(response):
            raise EOFError("the answer to another question")
        return response

    async def _by_tcp(self, question: bytes) -> bytes:
        reader, writer = await asyncio.open_connection(self.address, self.port)
        try:
            writer.write(len(question).to_bytes(2, "big") + question)
            length = int.from_bytes(await reader.readexactly(2), "big")
            if length > _LARGEST:
                raise EOFError("the answer is too large")
            return await reader.readexactly(length)
        finally:
            writer.close()


class DnsResolver:
    """Asks the servers of the configuration, or those of /etc/resolv.conf."""

    def __init__(
        self,
        settings: DnsSettings = DnsSettings(),  # noqa: B008  # frozen
        *,
        make: Callable[[], dns.asyncresolver.Resolver] | None = None,
        shuffle: random.Random | None = None,
    ) -> None:
        self._settings = settings
        self._make = make or self._usual
        self._shuffle = shuffle or random.Random()  # noqa: S311  # spreads load, hides nothing
        self._cache = _Cache(_REMEMBERED)
        self._resolver: dns.asyncresolver.Resolver | None = None

    async def mx(self, domain: str) -> Found[MxRecord]:
        """The MX records of a domain."""
        answer = await self._ask(domain, dns.rdatatype.MX)
        return self._found(answer, [MxRecord(one.preference, _plain(one.exchange)) for one in _of(answer, MX)])

    async def addresses(self, host: str) -> Found[str]:
        """Addresses of both families by turns, so that one that leads nowhere does not use up all tries."""
        kinds = {
            Families.BOTH: (dns.rdatatype.AAAA, dns.rdatatype.A),
            Families.IPV6: (dns.rdatatype.AAAA,),
            Families.IPV4: (dns.rdatatype.A,),
        }[self._settings.addresses]
        answers = await asyncio.gather(*(self._ask(host, kind) for kind in kinds), return_exceptions=True)
        told: list[dns.resolver.Answer] = []
        for answer in answers:
            if isinstance(answer, NoSuchDomain) or (
                isinstance(answer, BaseException) and not isinstance(answer, LookupFailed)
            ):
                raise answer
            if not isinstance(answer, BaseException):
                told.append(answer)
        families = [
            self._shuffled([*(one.address for one in _of(each, A)), *(one.address for one in _of(each, AAAA))])
            for each in told
        ]
        found = [address for address in chain.from_iterable(zip_longest(*families)) if address is not None]
        if not found and len(told) < len(answers):  # the family that did not answer may have some
            raise LookupFailed(f"looking up the host {host} failed")
        secure = bool(told) and all(self._is_secure(answer) for answer in told)
        return Found(tuple(dict.fromkeys(found)), secure, _plain(told[0].canonical_name))

    async def alias(self, host: str) -> Found[str]:
        """What the name itself is an alias of."""
        answer = await self._ask(host, dns.rdatatype.CNAME)
        return self._found(answer, [_plain(one.target) for one in _of(answer, CNAME)])

    async def tlsa(self, name: str) -> Found[Tlsa]:
        """The TLSA records of a name."""
        answer = await self._ask(name, dns.rdatatype.TLSA)
        return self._found(answer, [Tlsa(one.usage, one.selector, one.mtype, one.cert) for one in _of(answer, TLSA)])

    async def txt(self, name: str) -> Found[str]:
        """The TXT records of a name."""
        answer = await self._ask(name, dns.rdatatype.TXT)
        return self._found(answer, [b"".join(one.strings).decode("ascii", "replace") for one in _of(answer, TXT)])

    async def system_addresses(self, host: str) -> tuple[str, ...]:
        """Addresses of a host of the configuration."""
        loop = asyncio.get_running_loop()
        family = {Families.IPV4: socket.AF_INET, Families.IPV6: socket.AF_INET6}.get(self._settings.addresses, 0)
        try:
            async with asyncio.timeout(LOOKUP_SECONDS):
                found = await loop.getaddrinfo(host, None, family=family, type=socket.SOCK_STREAM)
        except socket.gaierror as error:
            if error.errno in (socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)):
                raise NoSuchDomain(f"the host {host} does not exist") from error
            raise LookupFailed(f"looking up the host {host} failed") from error
        except (OSError, UnicodeError) as error:  # TimeoutError is an OSError
            raise LookupFailed(f"looking up the host {host} failed") from error
        return tuple(dict.fromkeys(str(address[4][0]) for address in found))

    # -- within -------------------------------------------------------------------------------------------------------

    async def _ask(self, text: str, kind: dns.rdatatype.RdataType) -> dns.resolver.Answer:
        try:
            name = dns.name.from_text(text)
        except (dns.exception.DNSException, UnicodeError) as error:
            raise NoSuchDomain("the name cannot be that of a domain") from error
        try:
            if self._resolver is None:
                self._resolver = self._made()
            return await self._resolver.resolve(name, kind, raise_on_no_answer=False, search=False)
        except dns.resolver.NXDOMAIN as error:
            raise NoSuchDomain(f"{text} does not exist") from error
        except (dns.exception.DNSException, OSError) as error:
            self._resolver = None  # /etc/resolv.conf may be another one next time
            raise LookupFailed(f"looking up {dns.rdatatype.to_text(kind)} of {text} failed") from error

    def _made(self) -> dns.asyncresolver.Resolver:
        resolver = self._make()
        resolver.cache = self._cache
        resolver.lifetime = LOOKUP_SECONDS
        resolver.use_edns(0, 0, _PAYLOAD)
        if self._settings.is_validating:  # the AD bit in a question asks for it in the answer (RFC 6840 5.7)
            resolver.set_flags(dns.flags.RD | dns.flags.AD)
        return resolver

    def _usual(self) -> dns.asyncresolver.Resolver:
        servers = self._settings.endpoints
        resolver = dns.asyncresolver.Resolver(configure=not servers)
        if servers:
            resolver.nameservers = [_Nameserver(server.host, server.port) for server in servers]
        else:
            resolver.nameservers = [
                _Nameserver(one, resolver.nameserver_ports.get(one, resolver.port)) if isinstance(one, str) else one
                for one in resolver.nameservers
            ]
        return resolver

    def _is_secure(self, answer: dns.resolver.Answer) -> bool:
        return self._settings.is_validating and bool(answer.response.flags & dns.flags.AD)

    def _found(self, answer: dns.resolver.Answer, records: list[T]) -> Found[T]:
        return Found(tuple(records), self._is_secure(answer), _plain(answer.canonical_name))

    def _shuffled(self, addresses: list[str]) -> list[str]:
        self._shuffle.shuffle(addresses)
        return addresses


R = TypeVar("R", bound=dns.rdata.Rdata)


def _of(answer: dns.resolver.Answer, kind: type[R]) -> Iterator[R]:
    return (record for record in answer if isinstance(record, kind)) if answer.rrset is not None else iter(())


def _plain(name: dns.name.Name) -> str:
    return name.to_text(omit_final_dot=True).lower() or "."
