"""Who may send what to whom, by each kind of identity."""

import os
from datetime import UTC, datetime
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher

from gateway.smtp.admission import Admission, Proven
from gateway.smtp.logins import Logins, LoginsInvalid, Throttle, read_logins
from gateway.smtp.received import received_line
from gateway.smtp.reception import House
from gateway.smtp.settings import Accepts, LimitSettings, ListenerSettings, ListenerTls, Require
from policy.message import Address, Client, Envelope

TLS = ListenerTls(certificate=Path("c"), key=Path("k"), client_ca=Path("ca"))


def admission(**more: Any) -> Admission:
    listener = ListenerSettings.model_construct(
        **{
            "address": "127.0.0.1:25",
            "accepts": Accepts.OUTBOUND,
            "require": Require.NETWORK,
            "clients": (ip_network("10.0.0.0/8"), ip_network("::1/128")),
            "senders": {},
            "tls": None,
            "logins": None,
        }
        | more
    )
    return Admission.of(listener, ("example.com", "*.example.org"), "bounces.example.net")


def who(address: str = "10.0.0.7", **more: Any) -> Proven:
    return Proven(ip_address(address), **more)


def may(rules: Admission, client: Proven, sender: str) -> bool:
    return rules.sender(client, Address.parse(sender)) is None


@pytest.mark.parametrize(("address", "known"), [("10.1.2.3", True), ("::1", True), ("11.0.0.1", False), ("::2", False)])
def test_clients_come_from_their_networks(address: str, known: bool) -> None:
    assert (admission().client(ip_address(address)) is None) is known


@pytest.mark.parametrize(
    ("sender", "ours"),
    [
        ("a@example.com", True),
        ("a@EXAMPLE.com", True),
        ("a@sub.example.com", False),
        ("a@sub.example.org", True),
        ("a@example.org", False),
        ("a@evilexample.org", False),
        ("a@gmail.com", False),
    ],
)
def test_without_a_list_a_network_may_use_our_domains(sender: str, ours: bool) -> None:
    assert may(admission(), who(), sender) is ours


def test_a_listed_network_may_use_what_is_listed_and_nothing_else() -> None:
    rules = admission(senders={"10.9.0.0/16": ("scanner@example.com", "leased.example")})
    assert may(rules, who("10.9.0.1"), "Scanner@example.com")
    assert may(rules, who("10.9.0.1"), "anyone@leased.example")
    assert not may(rules, who("10.9.0.1"), "ceo@example.com")
    assert may(rules, who("10.8.0.1"), "ceo@example.com")


def test_whom_a_client_that_sends_from_nobody_may_speak_for() -> None:
    rules = admission(senders={"10.9.0.0/16": ("scanner@example.com",), "alice@example.com": ("sales@example.com",)})
    assert rules.senders(who()) is None, "anybody of ours"
    assert admission(accepts=Accepts.INBOUND).senders(who()) is None
    for client, its in ((who("10.9.0.1"), "scanner"), (who(tls=True, login="alice@example.com"), "alice")):
        allowed = rules.senders(client)
        assert allowed is not None and allowed.allows(Address.parse(f"{its}@example.com"))
        assert not allowed.allows(Address.parse("ceo@example.com"))
    new = rules.senders(who("10.9.0.1", tls=True, login="new@example.com"))
    assert new is not None and not new.allows(Address.parse("scanner@example.com")), "a login is not its network"


def test_a_login_has_its_own_address_and_what_is_listed() -> None:
    rules = admission(require=Require.LOGIN, tls=TLS, senders={"Alice@example.com": ("sales@example.com",)})
    alice = who(tls=True, login="alice@example.com")
    assert may(rules, alice, "Alice@Example.com")
    assert may(rules, alice, "sales@example.com")
    assert not may(rules, alice, "bob@example.com")
    printer = who(tls=True, login="printer")
    assert may(rules, printer, "printer@example.com")
    assert not may(rules, printer, "alice@example.com")
    assert not may(rules, printer, "printer@gmail.com")
    assert not may(rules, who(tls=True, login="eve@gmail.com"), "eve@gmail.com")


def test_a_certificate_counts_by_any_of_its_names() -> None:
    rules = admission(require=Require.CERTIFICATE, tls=TLS, senders={"mx.example.com": ("leased.example",)})
    assert may(rules, who(tls=True, certificates=("other", "MX.example.com")), "a@leased.example")
    assert not may(rules, who(tls=True, certificates=("MX.example.com",)), "a@example.com")
    assert may(rules, who(tls=True, certificates=("other",)), "a@example.com")


def test_what_has_to_be_shown_first() -> None:
    login = admission(require=Require.LOGIN, tls=TLS)
    certificate = admission(require=Require.CERTIFICATE, tls=TLS)
    for rules, client, code in [
        (login, who(), "530 5.7.0"),
        (login, who(tls=True), "530 5.7.0"),
        (login, who(tls=True, login="a"), None),
        (certificate, who(), "530 5.7.0"),
        (certificate, who(tls=True), "554 5.7.1"),
        (certificate, who(tls=True, certificates=("a",)), None),
        (admission(tls=TLS), who(), None),
        (admission(tls=TLS.model_copy(update={"require": True})), who(), "530 5.7.0"),
    ]:
        reply = rules.identity(client)
        assert (reply and f"{reply.code} {reply.status}") == code


def test_our_clients_may_send_bounces_and_outsiders_only_to_us() -> None:
    assert admission().sender(who(), None) is None
    inbound = admission(accepts=Accepts.INBOUND)
    assert inbound.sender(who(), Address.parse("x@gmail.com")) is None
    for recipient, taken in [
        ("a@example.com", True),
        ("a@x.example.org", True),
        ("a@bounces.example.net", True),
        ("a@gmail.com", False),
        ("a@example.org", False),
        ("a@x.bounces.example.net", False),
    ]:
        assert (inbound.recipient(Address.parse(recipient)) is None) is taken
        assert admission().recipient(Address.parse(recipient)) is None


def test_strangers_are_those_from_outside_whom_nobody_named() -> None:
    anyone = admission(accepts=Accepts.INBOUND, reports=(ip_network("192.0.2.0/24"),))
    assert anyone.verifies
    assert anyone.is_stranger(ip_address("198.51.100.1"))
    assert not anyone.is_stranger(ip_address("192.0.2.9"))
    assert not admission(accepts=Accepts.INBOUND, verify_recipients=False).verifies
    assert not admission().is_stranger(ip_address("10.0.0.1"))
    assert not admission().verifies


def test_a_house_counts_its_guests_and_a_whole_network_of_addresses_as_one() -> None:
    house = House("gate", ("example.com",), limits=LimitSettings(sessions=4, sessions_per_client=2))
    assert house.enter(ip_address("2001:db8::1")) is None
    assert house.enter(ip_address("2001:db8::2")) is None
    refused = house.enter(ip_address("2001:db8::3"))
    assert refused and refused.status == "4.7.0"
    house.leave(ip_address("2001:db8::3"))
    assert house.enter(ip_address("10.0.0.1")) is None
    assert house.enter(ip_address("10.0.0.2")) is None
    full = house.enter(ip_address("10.0.0.3"))
    assert full and full.code == 421
    for address in ("2001:db8::1", "2001:db8::9", "10.0.0.1", "10.0.0.2", "10.0.0.3"):
        house.leave(ip_address(address))
    assert house.crowd.sessions == 0


def test_a_crowded_house_waits_less() -> None:
    house = House("gate", ("example.com",), limits=LimitSettings(sessions=10, sessions_per_client=10))
    assert house.command_seconds == 300
    for _ in range(9):
        house.enter(ip_address("10.0.0.1"))
    assert house.command_seconds == 20


def test_throttling_forgets_one_failure_after_another() -> None:
    now = [0.0]
    throttle = Throttle(lambda: now[0])
    for _ in range(10):
        assert not throttle.is_blocked("client 10.0.0.1", "login a")
        throttle.failed("client 10.0.0.1", "login a")
    assert throttle.is_blocked("client 10.0.0.1", "login b")
    assert not throttle.is_blocked("client 10.0.0.2", "login b")
    now[0] = 600.0
    assert not throttle.is_blocked("client 10.0.0.1")
    throttle.failed("client 10.0.0.1")
    assert throttle.is_blocked("client 10.0.0.1")
    throttle.forgive("client 10.0.0.1")
    assert not throttle.is_blocked("client 10.0.0.1")


def test_throttling_remembers_no_more_than_it_can_hold() -> None:
    throttle = Throttle(lambda: 0.0)
    for number in range(20_000):
        throttle.failed(f"client {number}")
    assert len(throttle._failures) == 10_000


@pytest.mark.parametrize(
    ("text", "named"),
    [("alice", ":1:"), ("a:plain", ":1:"), (":$argon2id$x", ":1:"), ("# x\n\na:$argon2id$x\nA:$argon2id$y", ":4:")],
)
def test_a_broken_file_of_logins_names_its_line(tmp_path: Path, text: str, named: str) -> None:
    path = tmp_path / "logins"
    path.write_text(text)
    with pytest.raises(LoginsInvalid, match=named) as caught:
        read_logins(path)
    assert "$argon2" not in str(caught.value)


def test_every_broken_line_of_logins_is_named(tmp_path: Path) -> None:
    path = tmp_path / "logins"
    path.write_text("alice\nbob:$argon2id$x\n\nBOB:$argon2id$y\ncarol:plain\n")
    with pytest.raises(LoginsInvalid) as caught:
        read_logins(path)
    assert caught.value.flaws == (
        f"{path}:1: expected name:argon2-hash",
        f"{path}:4: this login stands in the file twice",
        f"{path}:5: expected name:argon2-hash",
    )


async def test_logins_are_read_again_and_a_broken_file_changes_nothing(tmp_path: Path) -> None:
    cheap = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    path = tmp_path / "logins"
    path.write_text(f"alice:{cheap.hash('one')}\n")
    now = 1_800_000_000.0

    def write(text: str, at: float) -> None:
        path.write_text(text)
        os.utime(path, (at, at))

    logins = Logins(path, seconds=lambda: now)
    assert await logins.check("ALICE", "one")
    assert not await logins.check("alice", "two")
    assert not await logins.check("nobody", "nobody")
    for age in (0.0, 0.5, -0.001):  # the last: by a clock a little ahead, as that of a file server
        write("", now - age)  # somebody begins to write it anew
        assert await logins.check("alice", "one")
    write(f"alice:{cheap.hash('two')}\nbob:{cheap.hash('three')}\n", now - 2)
    assert await logins.check("alice", "two")
    assert await logins.check("bob", "three")
    write(f"alice:{cheap.hash('four')}\nbob:{cheap.hash('three')}\n", now + 3600)
    assert await logins.check("alice", "four")
    write("broken", now - 3)
    assert await logins.check("bob", "three")
    path.unlink()
    assert await logins.check("bob", "three")


@pytest.mark.parametrize(
    ("client", "utf8", "extended", "expected"),
    [
        (
            Client(ip_address("10.0.0.7"), "c.example"),
            False,
            True,
            b"from c.example ([10.0.0.7])\r\n\tby gate with ESMTP id i;",
        ),
        (
            Client(ip_address("::1"), "10.1.1.1"),
            False,
            False,
            b"from [10.1.1.1] ([IPv6:::1])\r\n\tby gate with SMTP id i;",
        ),
        (
            Client(ip_address("10.0.0.7"), "c", login="alice", tls="TLSv1.3 X"),
            True,
            True,
            b"from c ([10.0.0.7])\r\n\t(TLSv1.3 X)\r\n\tby gate with UTF8SMTPSA id i;",
        ),
    ],
)
def test_the_received_line_says_how_it_came_and_not_for_whom(
    client: Client, utf8: bool, extended: bool, expected: bytes
) -> None:
    envelope = Envelope("i", None, (), client, datetime(2026, 3, 1, tzinfo=UTC), smtputf8=utf8)
    line = received_line(envelope, "gate", extended=extended)
    assert line == b"Received: " + expected + b"\r\n\tSun, 01 Mar 2026 00:00:00 +0000\r\n"
    assert b"alice" not in line
