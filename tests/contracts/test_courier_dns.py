"""The resolver of the system, asked by way of a small DNS server on loopback."""

import asyncio
import time

import dns.asyncresolver
import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest

from delivery.mx import LookupFailed, MxRecord, NoSuchDomain, SystemResolver, Undeliverable, mail_hosts

ZONE = {
    "two.example.": ["10 MX1.two.example.", "5 mx0.two.example."],
    "null.example.": ["0 ."],
    "plain.example.": [],
}


class Server(asyncio.DatagramProtocol):
    def connection_made(self, transport) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, address) -> None:
        query = dns.message.from_wire(data)
        answer = dns.message.make_response(query)
        [question] = query.question
        name = question.name.to_text()
        if name == "broken.example.":
            answer.set_rcode(dns.rcode.SERVFAIL)
        elif name == "silent.example.":
            return
        elif name not in ZONE:
            answer.set_rcode(dns.rcode.NXDOMAIN)
        elif ZONE[name]:
            answer.answer.append(dns.rrset.from_text(name, 60, "IN", "MX", *ZONE[name]))
        self.transport.sendto(answer.to_wire(), address)


@pytest.fixture
async def resolver():
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(Server, local_addr=("127.0.0.1", 0))

    def make() -> dns.asyncresolver.Resolver:
        made = dns.asyncresolver.Resolver(configure=False)
        made.nameservers = ["127.0.0.1"]
        made.port = transport.get_extra_info("sockname")[1]
        return made

    yield SystemResolver(make)
    transport.close()


async def test_records(resolver) -> None:
    assert set(await resolver.mx("two.example")) == {MxRecord(10, "mx1.two.example"), MxRecord(5, "mx0.two.example")}
    assert await resolver.mx("null.example") == (MxRecord(0, "."),)
    assert await resolver.mx("plain.example") == ()
    assert await mail_hosts(resolver, "two.example", ourselves="gate.example.com") == (
        "mx0.two.example",
        "mx1.two.example",
    )


async def test_no_domain_is_told_apart_from_no_answer(resolver, monkeypatch) -> None:
    with pytest.raises(NoSuchDomain):
        await resolver.mx("gone.example")
    with pytest.raises(LookupFailed):
        await resolver.mx("broken.example")
    monkeypatch.setattr("delivery.mx.LOOKUP_SECONDS", 0.2)
    began = time.monotonic()
    with pytest.raises(LookupFailed):
        await resolver.mx("silent.example")
    assert time.monotonic() - began < 20
    assert len(await resolver.mx("two.example")) == 2
    for odd in ("a..b", "x" * 70 + ".example", "." * 300):
        with pytest.raises(NoSuchDomain):
            await resolver.mx(odd)


async def test_a_null_record_refuses(resolver) -> None:
    with pytest.raises(Undeliverable):
        await mail_hosts(resolver, "null.example", ourselves="gate.example.com")


async def test_addresses_come_from_the_system(resolver) -> None:
    assert set(await resolver.addresses("localhost")) & {"127.0.0.1", "::1"}
    with pytest.raises((NoSuchDomain, LookupFailed)):  # the second where there is no network
        await resolver.addresses("nowhere.invalid")
    with pytest.raises(LookupFailed):
        await resolver.addresses("x" * 300)
