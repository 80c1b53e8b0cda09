"""`proven`: domains that publish how their servers are proven count as partners."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from ipaddress import ip_address
from types import SimpleNamespace
from typing import Any

import pytest

from gateway.intake import Intake
from gateway.telemetry import Metrics
from policy.decision import Action, Decision, Route, Verdict
from policy.engine import Facts
from policy.message import Address, Client, Envelope, Message, Recipient
from policy.route import Directory, choose_route
from rules.content import Content
from rules.finding import Scanned

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)

BOB = Address("bob", "a.example")
PROVEN = Directory(domains=("example.com",), partners={"p": ("b.example",)}, proven=True)


@pytest.mark.parametrize(
    ("directory", "proves", "route"),
    [
        (PROVEN, True, Route.TLS),
        (PROVEN, False, Route.SAFEBOX),
        (PROVEN, None, Route.SAFEBOX),
        (replace(PROVEN, proven=False), True, Route.SAFEBOX),
    ],
)
def test_a_domain_counts_only_where_it_proves_itself_and_that_is_configured(directory, proves, route) -> None:
    assert choose_route(Action.SECURE, BOB, directory, proves_tls=proves).route is route


def test_partners_and_our_own_come_first() -> None:
    assert choose_route(Action.SECURE, Address("x", "b.example"), PROVEN, proves_tls=True).partner == "p"
    assert choose_route(Action.SECURE, Address("x", "example.com"), PROVEN, proves_tls=True).route is Route.SAFEBOX
    assert choose_route(Action.SAFEBOX, BOB, PROVEN, proves_tls=True).route is Route.SAFEBOX


class Asked:
    """Promises as the test wants them."""

    def __init__(self, **answers: bool) -> None:
        self.answers = {name.replace("_", "."): answer for name, answer in answers.items()}
        self.asked: list[list[str]] = []

    async def of(self, domains: Collection[str]) -> Mapping[str, bool]:
        self.asked.append(list(domains))
        return {domain: self.answers.get(domain, False) for domain in domains}


class ByRoute:
    """A policy that says `secure` for everybody; routes are those of policy/route.py."""

    directory = PROVEN
    passwords = ()

    def __init__(self) -> None:
        self.times = 0

    def decide(self, envelope: Envelope, message: Message, findings: Any, facts: Facts) -> Verdict:
        self.times += 1
        made = []
        for recipient in envelope.recipients:
            domain = recipient.address.domain
            way = choose_route(Action.SECURE, recipient.address, PROVEN, proves_tls=facts.proves_tls.get(domain))
            made.append(
                Decision(
                    f"d{len(made)}", str(recipient.address), Action.SECURE, way.route, "Rule", "ab" * 32,
                    partner=way.partner, tls_else=Route.SAFEBOX if way.route is Route.TLS else None,
                )
            )  # fmt: skip
        return Verdict("ab" * 32, tuple(made), (), (), ())


async def taken(promises: Asked | None, *to: str) -> tuple[ByRoute, dict[str, Any]]:
    policy, kept = ByRoute(), list[Any]()
    rules = SimpleNamespace(policy=policy, matcher=SimpleNamespace(scan=lambda content: Scanned((), content)))

    async def read(raw: bytes, passwords: Any = ()) -> Message:
        return Message(len(raw), (("subject", "x"),), Content(()))

    async def accept(message: Any, items: Any, events: Any = (), also: Any = ()) -> str:
        kept.extend(items)
        return str(message.id)

    intake = Intake(
        reader=SimpleNamespace(read=read), policies=SimpleNamespace(in_force=rules),
        queue=SimpleNamespace(accept=accept), composer=SimpleNamespace(), boxes=SimpleNamespace(), note=None,
        fallbacks={}, bounces=None, metrics=Metrics(), clock=lambda: NOW, promises=promises,
    )  # fmt: skip
    recipients = tuple(Recipient(Address.parse(address)) for address in to)
    envelope = Envelope("m1", Address("alice", "example.com"), recipients, Client(ip_address("127.0.0.1")), NOW)
    assert (await intake.take(envelope, b"Subject: x\r\n\r\n")).code == 250
    return policy, {item.recipient: item for item in kept}


async def test_secure_mail_goes_to_domains_that_prove_themselves() -> None:
    asked = Asked(a_example=True)
    to = ("bob@a.example", "eve@a.example", "carol@c.example", "dr@b.example", "ann@example.com")
    policy, items = await taken(asked, *to)
    assert asked.asked == [["a.example", "c.example"]], "not partners, not ours, each once"
    routes = {address: item.destination.route for address, item in items.items()}
    assert routes == dict(zip(to, (Route.TLS, Route.TLS, Route.SAFEBOX, Route.PARTNER, Route.SAFEBOX), strict=True))
    assert items["bob@a.example"].fallback is Route.SAFEBOX
    assert policy.times == 2


async def test_nobody_is_asked_in_vain() -> None:
    asked = Asked()
    policy, _ = await taken(asked, "dr@b.example")
    assert (asked.asked, policy.times) == ([], 1)
    policy, items = await taken(asked, "carol@c.example")
    assert (policy.times, items["carol@c.example"].destination.route) == (1, Route.SAFEBOX)
    assert (await taken(None, "bob@a.example"))[0].times == 1
