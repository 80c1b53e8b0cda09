"""Our questions to DNS, asked of a server on loopback that answers well, badly, or not at all."""

import random
import time

import pytest
from nameserver import Zone, nameserver

from delivery.hops import DnsSettings
from delivery.mx import OwnServer, Undeliverable, host_addresses, mail_hosts
from delivery.resolving import DnsResolver, LookupFailed, MxRecord, NoSuchDomain, Tlsa
from delivery.sections import Endpoint

US = OwnServer("gate.example.com")


@pytest.fixture
async def zone():
    made = Zone(
        {
            "two.example": {"MX": ["10 MX1.two.example.", "5 mx0.two.example."]},
            "mx0.two.example": {"A": ["192.0.2.1"], "AAAA": ["2001:db8::1", "2001:db8::2"]},
            "null.example": {"MX": ["0 ."]},
            "plain.example": {"A": ["192.0.2.7"]},
            "empty.example": {},
            "alias.example": {"CNAME": ["plain.example."]},
        }
    )
    async with nameserver(made) as served:
        yield served


async def test_mx_records_are_read_and_hosts_come_in_their_order(zone) -> None:
    resolver = zone.resolver()
    found = await resolver.mx("two.example")
    assert set(found.records) == {MxRecord(10, "mx1.two.example"), MxRecord(5, "mx0.two.example")}
    assert not found.secure
    assert (await resolver.mx("null.example")).records == (MxRecord(0, "."),)
    assert not await resolver.mx("plain.example")
    assert (await mail_hosts(resolver, "two.example", own_server=US)).hosts == ("mx0.two.example", "mx1.two.example")


async def test_what_was_answered_while_the_clock_was_ahead_is_asked_again(zone, monkeypatch) -> None:
    """Else it would be believed for as long as the clock had jumped."""
    resolver, right = zone.resolver(), time.time
    monkeypatch.setattr(time, "time", lambda: right() + 365 * 86_400)
    for _ in range(2):
        await resolver.mx("two.example")
    assert zone.asked.count(("two.example", "MX")) == 1
    monkeypatch.undo()
    for _ in range(2):
        await resolver.mx("two.example")
    assert zone.asked.count(("two.example", "MX")) == 2


async def test_what_is_not_is_told_apart_from_what_is_not_known(zone, monkeypatch) -> None:
    zone.servfail |= {"broken.example"}
    zone.silent |= {"silent.example"}
    resolver = zone.resolver()
    with pytest.raises(NoSuchDomain):
        await resolver.mx("gone.example")
    with pytest.raises(LookupFailed):
        await resolver.mx("broken.example")
    monkeypatch.setattr("delivery.resolving.LOOKUP_SECONDS", 0.2)
    resolver = zone.resolver()
    began = time.monotonic()
    with pytest.raises(LookupFailed):
        await resolver.mx("silent.example")
    assert time.monotonic() - began < 20
    assert len((await resolver.mx("two.example")).records) == 2
    for odd in ("a..b", "x" * 70 + ".example", "." * 300):
        with pytest.raises(NoSuchDomain):
            await resolver.mx(odd)


async def test_a_null_record_refuses(zone) -> None:
    with pytest.raises(Undeliverable) as told:
        await mail_hosts(zone.resolver(), "null.example", own_server=US)
    assert str(told.value).startswith("556 5.1.10 ")


async def test_without_mx_the_domain_is_its_own_host(zone) -> None:
    resolver = zone.resolver()
    for domain in ("plain.example", "alias.example"):
        hosts = await mail_hosts(resolver, domain, own_server=US)
        assert (hosts.hosts, hosts.implicit) == ((domain,), True)
    for domain, status in (("empty.example", "5.1.2"), ("gone.example", "5.1.2")):
        with pytest.raises(Undeliverable) as told:
            await mail_hosts(resolver, domain, own_server=US)
        assert told.value.reply.status == status
    zone.servfail |= {("plain2.example", "A"), ("plain2.example", "AAAA")}
    zone.put("plain2.example", TXT='"x"')
    with pytest.raises(LookupFailed):
        await mail_hosts(resolver, "plain2.example", own_server=US)


async def test_families_come_by_turns_and_one_may_fail(zone) -> None:
    found = await zone.resolver().addresses("mx0.two.example")
    assert [":" in address for address in found.records] == [True, False, True]
    assert (await zone.resolver(addresses="ipv4").addresses("mx0.two.example")).records == ("192.0.2.1",)
    assert len((await zone.resolver(addresses="ipv6").addresses("mx0.two.example")).records) == 2
    zone.servfail |= {("mx0.two.example", "AAAA")}
    assert (await zone.resolver().addresses("mx0.two.example")).records == ("192.0.2.1",)
    zone.servfail |= {("plain.example", "A")}
    with pytest.raises(LookupFailed):  # no AAAA, and A unknown
        await zone.resolver().addresses("plain.example")


async def test_the_word_on_dnssec_counts_only_from_whom_we_trust(zone) -> None:
    zone.signed |= {"two.example"}
    assert (await zone.resolver().mx("two.example")).secure
    assert not (await zone.resolver(dnssec="never").mx("two.example")).secure
    assert not DnsSettings().is_validating
    assert not DnsSettings(servers=("192.0.2.53:53",)).is_validating
    assert DnsSettings(servers=("192.0.2.53:53",), dnssec="trusted").is_validating
    with pytest.raises(ValueError, match="needs servers"):
        DnsSettings(dnssec="trusted")


async def test_an_alias_into_an_unsigned_zone_is_not_secure(zone) -> None:
    zone.put("mx.signed.example", CNAME="host.unsigned.example.")
    zone.put("host.unsigned.example", A="192.0.2.9")
    zone.signed |= {"signed.example"}
    resolver = zone.resolver()
    found = await resolver.addresses("mx.signed.example")
    assert (found.secure, found.name) == (False, "host.unsigned.example")
    assert (await resolver.alias("mx.signed.example")).secure


async def test_bogus_answers_are_no_answers(zone) -> None:
    zone.signed |= {"two.example"}
    zone.bogus |= {"_25._tcp.mx0.two.example"}
    zone.put("_25._tcp.mx0.two.example", TLSA="3 1 1 " + "ab" * 32)
    with pytest.raises(LookupFailed):
        await zone.resolver().tlsa("_25._tcp.mx0.two.example")
    zone.bogus.clear()
    found = await zone.resolver().tlsa("_25._tcp.mx0.two.example")
    assert (found.records, found.secure) == ((Tlsa(3, 1, 1, b"\xab" * 32),), True)


async def test_answers_are_remembered_the_negative_ones_too(zone) -> None:
    resolver = zone.resolver()
    zone.put("records.example", MX="1 a.example.", TXT=['"v=STSv1; " "id=1;"', '"other"'])
    for _ in range(3):
        await resolver.mx("records.example")
        assert set((await resolver.txt("records.example")).records) == {"v=STSv1; id=1;", "other"}
        assert not await resolver.tlsa("records.example")
    assert len(zone.asked) == 3
    zone.soa = False  # then an empty answer does not say for how long it holds
    for _ in range(3):
        assert not await resolver.tlsa("plain.example")
    assert len(zone.asked) == 6


async def test_what_does_not_fit_is_asked_by_tcp(zone) -> None:
    zone.truncated |= {"two.example"}
    assert len((await zone.resolver().mx("two.example")).records) == 2
    assert zone.asked.count(("two.example", "MX")) == 2


async def test_an_answer_that_takes_long_to_read_is_none(zone) -> None:
    """Who has a zone chooses how much it holds; what mail servers have is far below."""
    at = "_25._tcp.mx0.two.example"
    zone.truncated |= {at}
    zone.put(at, TLSA=[f"3 1 1 {number:064x}" for number in range(200)])
    assert len((await zone.resolver().tlsa(at)).records) == 200
    zone.put(at, TLSA=[f"3 1 1 {number:064x}" for number in range(600)])
    with pytest.raises(LookupFailed):
        await zone.resolver().tlsa(at)


async def test_hosts_of_one_preference_come_in_any_order(zone) -> None:
    zone.put("many.example", MX=[f"10 mx{number}.many.example." for number in range(5)] + ["5 first.many.example."])
    resolver, orders = zone.resolver(), set()
    for seed in range(20):
        hosts = (await mail_hosts(resolver, "many.example", own_server=US, shuffle=random.Random(seed))).hosts
        assert hosts[0] == "first.many.example"
        assert len(hosts) == 6
        orders.add(hosts)
    assert len(orders) > 10


async def test_hosts_that_are_ourselves_and_worse_ones_are_left_out(zone) -> None:
    zone.put("ours.example", MX=["5 better.example.", "10 GATE.example.com.", "10 same.example.", "20 worse.example."])
    zone.put("only.example", MX=["10 gate.example.com.", "20 worse.example."])
    assert (await mail_hosts(zone.resolver(), "ours.example", own_server=US)).hosts == ("better.example",)
    with pytest.raises(Undeliverable) as told:
        await mail_hosts(zone.resolver(), "only.example", own_server=US)
    assert told.value.reply.status == "5.4.6"


def test_addresses_that_are_ourselves() -> None:
    here = OwnServer("gate.example.com", (Endpoint("0.0.0.0", 25), Endpoint("192.0.2.1", 26)))
    assert here.is_address("127.0.0.1", 25)
    assert not here.is_address("127.0.0.1", 26)
    assert here.is_address("192.0.2.1", 26)
    assert not here.is_address("192.0.2.99", 25)


async def test_addresses_that_are_no_host(zone) -> None:
    zone.put("odd.example", A=["0.0.0.0", "224.0.0.1", "192.0.2.5"], AAAA=["::", "ff02::1"])
    assert (await host_addresses(zone.resolver(), "odd.example")).records == ("192.0.2.5",)
    assert (await host_addresses(zone.resolver(), "192.0.2.8")).records == ("192.0.2.8",)
    assert not await host_addresses(zone.resolver(), "gone.example")


async def test_hosts_of_the_configuration_come_from_the_system() -> None:
    resolver = DnsResolver()
    assert set(await resolver.system_addresses("localhost")) & {"127.0.0.1", "::1"}
    with pytest.raises((NoSuchDomain, LookupFailed)):  # the second where there is no network
        await resolver.system_addresses("nowhere.invalid")
    with pytest.raises(LookupFailed):
        await resolver.system_addresses("x" * 300)
