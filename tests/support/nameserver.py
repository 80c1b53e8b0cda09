"""A DNS server on loopback that answers as a validating resolver would: signed zones, bogus ones, failures, silence."""

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from ipaddress import ip_network
from typing import Any

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset

from delivery.hops import DnsSettings
from delivery.resolving import DnsResolver

LOOPBACK = (ip_network("127.0.0.0/8"),)  # where all hosts are that these servers name


@dataclass
class Zone:
    """Records by name and kind: `{"mx.a.example": {"A": ["127.0.0.1"]}}`. What a name has not, it has not.

    `signed`, `bogus`, `servfail`, `silent` hold names (and all below them), or `(name, kind)` for one question.
    """

    records: dict[str, dict[str, list[str]]] = field(default_factory=dict)
    signed: set[Any] = field(default_factory=set)
    bogus: set[Any] = field(default_factory=set)  # a validating resolver says SERVFAIL
    servfail: set[Any] = field(default_factory=set)
    silent: set[Any] = field(default_factory=set)
    truncated: set[Any] = field(default_factory=set)  # over UDP: ask again by TCP
    ttl: int = 300
    soa: bool = True  # do negative answers say for how long they hold?
    port: int = 0
    asked: list[tuple[str, str]] = field(default_factory=list)

    def put(self, name: str, **records: str | list[str]) -> None:
        """Give a name these records, in place of those of the same kind."""
        kinds = self.records.setdefault(name, {})
        kinds |= {kind: [one] if isinstance(one, str) else one for kind, one in records.items()}

    def has(self, names: set[Any], name: str, kind: str) -> bool:
        """Is this question, or a name at or above it, among them?"""
        labels = name.split(".")
        above = {".".join(labels[at:]) for at in range(len(labels))}
        return bool(above & {one for one in names if isinstance(one, str)}) or (name, kind) in names

    def answer(self, wire: bytes, *, udp: bool) -> bytes | None:
        """The answer to one question; None: none."""
        query = dns.message.from_wire(wire)
        [question] = query.question
        name, kind = question.name.to_text(omit_final_dot=True).lower(), dns.rdatatype.to_text(question.rdtype)
        self.asked.append((name, kind))
        reply = dns.message.make_response(query)
        reply.flags |= dns.flags.RA
        if self.has(self.silent, name, kind):
            return None
        if self.has(self.servfail, name, kind) or self.has(self.bogus, name, kind):
            reply.set_rcode(dns.rcode.SERVFAIL)
            return reply.to_wire()
        if udp and self.has(self.truncated, name, kind):
            reply.flags |= dns.flags.TC
            return reply.to_wire()
        secure = True
        for owner, record_kind, values in self._chain(name, kind):
            secure = secure and self.has(self.signed, owner, record_kind)
            if values is None:
                reply.set_rcode(dns.rcode.NXDOMAIN)
            elif values:
                reply.answer.append(dns.rrset.from_text(f"{owner}.", self.ttl, "IN", record_kind, *values))
        if self.soa and not reply.answer:
            reply.authority.append(dns.rrset.from_text(f"{name}.", self.ttl, "IN", "SOA", "a. b. 1 2 3 4 300"))
        asked_for_it = bool(query.flags & dns.flags.AD)
        if secure and asked_for_it:
            reply.flags |= dns.flags.AD
        return reply.to_wire(max_size=65535)

    def _chain(self, name: str, kind: str) -> Iterator[tuple[str, str, list[str] | None]]:
        for _ in range(8):
            kinds = self.records.get(name)
            if kinds is None:
                below = any(known.endswith(f".{name}") for known in self.records)
                yield name, kind, [] if below else None
                return
            if "CNAME" not in kinds or kind == "CNAME":
                yield name, kind, kinds.get(kind, [])
                return
            yield name, "CNAME", kinds["CNAME"]
            name = kinds["CNAME"][0].rstrip(".").lower()

    def resolver(self, **settings: Any) -> DnsResolver:
        """One of ours that asks this server and believes what it says of DNSSEC."""
        return DnsResolver(DnsSettings(servers=(f"127.0.0.1:{self.port}",), **settings))


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, zone: Zone) -> None:
        self._zone = zone

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, address: Any) -> None:
        answer = self._zone.answer(data, udp=True)
        if answer is not None:
            self._transport.sendto(answer, address)


@contextlib.contextmanager
def nameserver_in_thread(zone: Zone) -> Iterator[Zone]:
    """The same for tests of the started program."""
    loop, stop = asyncio.new_event_loop(), asyncio.Event()
    ready = threading.Event()

    async def serve() -> None:
        async with nameserver(zone):
            ready.set()
            await stop.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()), daemon=True)
    thread.start()
    assert ready.wait(10)
    try:
        yield zone
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)
        loop.close()


@contextlib.asynccontextmanager
async def nameserver(zone: Zone) -> AsyncIterator[Zone]:
    """Serve the zone on a port of 127.0.0.1, by UDP and TCP; it may change while it is served."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, OSError):
            while True:
                size = int.from_bytes(await reader.readexactly(2), "big")
                answer = zone.answer(await reader.readexactly(size), udp=False)
                if answer is not None:
                    writer.write(len(answer).to_bytes(2, "big") + answer)
        writer.close()

    loop = asyncio.get_running_loop()
    for _ in range(20):
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        try:
            transport, _ = await loop.create_datagram_endpoint(lambda: _Datagrams(zone), local_addr=("127.0.0.1", port))
        except OSError:  # somebody has that port for UDP
            server.close()
            continue
        break
    else:
        raise AssertionError("no port is free for both UDP and TCP")
    zone.port = port
    try:
        yield zone
    finally:
        transport.close()
        server.close()
