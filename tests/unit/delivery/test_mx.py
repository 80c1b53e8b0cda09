"""Which hosts take mail for a domain."""

import random
from ipaddress import ip_network

import pytest

from delivery.mx import (
    OwnServer,
    Reach,
    Undeliverable,
    address_literal,
    configured_addresses,
    host_addresses,
    mail_hosts,
)
from delivery.resolving import Found, LookupFailed, MxRecord, NoSuchDomain


class Dns:
    def __init__(self, mx: object = (), addresses: object = ("192.0.2.1",)) -> None:
        self.answers = {"mx": mx, "addresses": addresses}
        self.asked: list[tuple[str, str]] = []

    def answer(self, kind: str, name: str):
        self.asked.append((kind, name))
        answer = self.answers[kind]
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def mx(self, domain: str) -> Found[MxRecord]:
        return Found(self.answer("mx", domain))

    async def addresses(self, host: str) -> Found[str]:
        return Found(self.answer("addresses", host), name=host)

    async def system_addresses(self, host: str) -> tuple[str, ...]:
        return self.answer("addresses", host)


class InOrder(random.Random):
    def shuffle(self, x) -> None:
        pass


async def hosts(dns: Dns, domain: str = "example.org") -> tuple[str, ...]:
    return (await mail_hosts(dns, domain, own_server=OwnServer("gate.example.com"), shuffle=InOrder())).hosts


def records(found) -> tuple[str, ...]:
    return found.records if isinstance(found, Found) else found


async def refusal(dns: Dns) -> str:
    with pytest.raises(Undeliverable) as error:
        await hosts(dns)
    return f"{error.value.reply.code} {error.value.reply.status}"


async def test_in_the_order_of_preference() -> None:
    dns = Dns(
        (MxRecord(20, "b.example"), MxRecord(10, "a.example"), MxRecord(20, "c.example"), MxRecord(30, "a.example"))
    )
    assert await hosts(dns) == ("a.example", "b.example", "c.example")


async def test_without_a_record_the_domain_is_the_host() -> None:
    dns = Dns()
    assert await hosts(dns) == ("example.org",)
    assert dns.asked == [("mx", "example.org"), ("addresses", "example.org")]


async def test_what_is_never_delivered() -> None:
    assert await refusal(Dns((MxRecord(0, "."),))) == "556 5.1.10"
    assert await refusal(Dns(NoSuchDomain("x"))) == "550 5.1.2"
    assert await refusal(Dns((), ())) == "550 5.1.2"
    assert await refusal(Dns((), NoSuchDomain("x"))) == "550 5.1.2"
    assert await refusal(Dns((MxRecord(10, "gate.example.com"), MxRecord(10, "b.example")))) == "554 5.4.6"


async def test_a_null_record_among_others_does_not_count() -> None:
    assert await hosts(Dns((MxRecord(0, "."), MxRecord(10, "a.example")))) == ("a.example",)


async def test_no_host_that_is_no_better_than_ourselves() -> None:
    records = (MxRecord(10, "a.example"), MxRecord(20, "Gate.Example.com"), MxRecord(20, "b.example"))
    assert await hosts(Dns(records)) == ("a.example",)


async def test_no_answer_now_is_not_an_answer() -> None:
    with pytest.raises(LookupFailed):
        await hosts(Dns(LookupFailed("later")))
    with pytest.raises(LookupFailed):
        await hosts(Dns((), LookupFailed("later")))


async def test_there_is_an_end_to_the_hosts() -> None:
    assert len(await hosts(Dns(tuple(MxRecord(1, f"{n}.example") for n in range(500))))) == 10
    assert (
        len((await host_addresses(Dns(addresses=tuple(f"192.0.2.{n}" for n in range(50))), "a.example")).records) == 5
    )


@pytest.mark.parametrize("odd", ["0.0.0.0", "::", "224.0.0.1", "ff02::1", "::ffff:127.0.0.1", "::ffff:192.0.2.1"])
async def test_addresses_that_are_nobody_or_another_spelling(odd: str) -> None:
    assert records(await host_addresses(Dns(), odd)) == (), "an MX record that names it"
    assert records(await host_addresses(Dns(addresses=(odd, "192.0.2.1")), "a.example")) == ("192.0.2.1",)


async def test_addresses() -> None:
    for look in (host_addresses, configured_addresses):
        assert records(await look(Dns(), "192.0.2.7")) == ("192.0.2.7",)
        assert records(await look(Dns(), "2001:db8:0::1")) == ("2001:db8::1",)
        assert records(await look(Dns(), "a.example")) == ("192.0.2.1",)
        assert records(await look(Dns(addresses=NoSuchDomain("x")), "a.example")) == ()
    assert await hosts(Dns(), "[192.0.2.7]") == ("192.0.2.7",)
    assert address_literal("[IPv6:2001:db8::1]") == "2001:db8::1"
    for wrong in ("[2001:db8::1]", "[IPv6:x]", "[x]", "192.0.2.1", "[]", "[192.0.2.1"):
        assert address_literal(wrong) is None


@pytest.mark.parametrize(
    "inner",
    [
        "127.0.0.1", "127.9.9.9", "10.1.2.3", "172.31.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.1",
        "198.18.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255", "::", "::1", "fd00::1", "fe80::1", "fec0::1",
        "ff02::1", "::ffff:10.0.0.1", "::10.0.0.1", "64:ff9b::10.0.0.1", "64:ff9b:1::1", "2002:a00:1::1",
    ],
)  # fmt: skip
def test_addresses_off_the_internet(inner: str) -> None:
    assert not Reach().allows(inner)
    assert Reach((ip_network(inner),)).allows(inner)


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "172.32.0.1", "192.169.0.1", "2600::1", "64:ff9b::8.8.8.8", "2002:808:808::1"]
)
def test_addresses_of_the_internet(address: str) -> None:
    assert Reach().allows(address)
    assert Reach((ip_network("10.0.0.0/8"),)).allows(address)


def test_what_is_allowed_is_that_network_alone() -> None:
    reach = Reach((ip_network("10.20.0.0/16"),))
    assert reach.allows("10.20.3.4")
    assert not reach.allows("10.21.0.1")
    assert not reach.allows("::1")
