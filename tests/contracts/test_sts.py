"""MTA-STS (RFC 8461): policies found by DNS, fetched from a real web server on loopback, and remembered."""

import asyncio
import contextlib
import ssl
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiohttp import web
from nameserver import LOOPBACK, Zone, nameserver

from delivery.mx import Reach
from delivery.store.database import Database
from delivery.store.upgrade import upgrade
from delivery.sts.fetching import Fetcher
from delivery.sts.known import KnownPolicies
from delivery.stspolicy import Mode

POLICY = "version: STSv1\nmode: {mode}\nmx: mx.a.example\nmax_age: {age}\n"
START = datetime(2026, 3, 2, 9, tzinfo=UTC)


class Site:
    """The web server of `mta-sts.a.example`, its zone, and what several workers know."""

    def __init__(self, zone: Zone, url: str, authority) -> None:
        self.zone, self.url, self.authority = zone, url, authority
        self.now = START
        self.asked = 0
        self.text = POLICY.format(mode="enforce", age=604_800)
        self.status, self.type, self.headers, self.slow = 200, "text/plain", dict[str, str](), 0.0
        self.verdicts: list[Any] = []
        self.port = 0

    async def answer(self, request: web.Request) -> web.Response:
        assert request.path == "/.well-known/mta-sts.txt"
        assert request.host.startswith("mta-sts.a.example")
        self.asked += 1
        await asyncio.sleep(self.slow)
        return web.Response(text=self.text, status=self.status, content_type=self.type, headers=self.headers)

    def announce(self, policy_id: str | None) -> None:
        self.zone.ttl = 0
        if policy_id is None:
            self.zone.records.pop("_mta-sts.a.example", None)
        else:
            self.zone.put("_mta-sts.a.example", TXT=f'"v=STSv1; id={policy_id};"')

    def worker(self, private=LOOPBACK) -> KnownPolicies:
        """What one worker has after a start."""

        def trusted() -> ssl.SSLContext:
            return ssl.create_default_context(cafile=self.authority.path)

        resolver = self.zone.resolver()
        fetcher = Fetcher(resolver, Reach(private), port=self.port, make_context=trusted)
        return KnownPolicies(resolver, fetcher, self.db, lambda: self.now, self.verdicts.append)


@pytest.fixture
async def site(tmp_path, authority):
    zone = Zone({"a.example": {"MX": ["10 mx.a.example."]}, "mta-sts.a.example": {"A": ["127.0.0.1"]}})
    async with nameserver(zone) as served, contextlib.AsyncExitStack() as stack:
        made = Site(served, "", authority)
        issued = authority.issue("mta-sts.a.example")
        made.context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        made.context.load_cert_chain(issued.certificate, issued.key)
        app = web.Application()
        app.router.add_get("/{path:.*}", made.answer)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        place = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=made.context)
        await place.start()
        made.port = place._server.sockets[0].getsockname()[1]
        made.db = stack.enter_context(Database.open(f"sqlite:///{tmp_path / 'sts.db'}"))
        upgrade(made.db)
        yield made


async def test_a_policy_is_fetched_once_and_shared_by_all_workers(site) -> None:
    site.announce("1")
    worker = site.worker()
    found = await asyncio.gather(*(worker.policy("a.example") for _ in range(10)))
    assert {policy.mode for policy in found} == {Mode.ENFORCE}
    assert found[0].mx == ("mx.a.example",)
    assert (await site.worker().policy("a.example")) == found[0]
    assert site.asked == 1


async def test_the_type_of_a_policy_is_read_without_its_parameters(site) -> None:
    """Thousands of brackets behind it are beyond what aiohttp reads a type with, and as many quotes take it seconds."""
    site.announce("1")
    site.type = "text/plain; x=" + "(" * 5000
    assert str(await site.worker().policy("a.example")).startswith("the MTA-STS policy 1 of")


async def test_a_policy_is_not_fetched_from_inside(site) -> None:
    site.announce("1")
    assert await site.worker(private=()).policy("a.example") is None
    assert site.asked == 0
    assert await site.worker().policy("a.example")


async def test_no_record_is_no_policy_and_nothing_is_fetched(site) -> None:
    for domain in ("a.example", "gone.example", "[192.0.2.1]", "a_b.example", "x", "a.example/..", "a..example"):
        assert await site.worker().policy(domain) is None
    assert site.asked == 0


async def test_it_counts_until_its_time_is_over_whatever_dns_and_the_web_say(site) -> None:
    site.announce("1")
    assert await site.worker().policy("a.example")
    site.announce(None)
    site.status = 500
    site.now += timedelta(days=6)
    assert (await site.worker().policy("a.example")).mode is Mode.ENFORCE
    site.zone.servfail.add("_mta-sts.a.example")
    assert (await site.worker().policy("a.example")).mode is Mode.ENFORCE
    site.zone.servfail.clear()
    site.announce("2")  # a new one that cannot be had
    worker = site.worker()
    assert (await worker.policy("a.example")).id == "1"
    asked = site.asked
    assert (await worker.policy("a.example")).id == "1"
    assert site.asked == asked, "not asked again at once"
    site.now += timedelta(minutes=6)
    assert (await worker.policy("a.example")).id == "1"
    assert site.asked == asked + 1
    site.now += timedelta(days=2)
    assert await worker.policy("a.example") is None
    assert {verdict.flaw for verdict in site.verdicts} == {"sts-policy-fetch-error"}


async def test_a_new_id_brings_the_new_policy(site) -> None:
    site.announce("1")
    worker, other = site.worker(), site.worker()
    assert await worker.policy("a.example")
    assert await other.policy("a.example")
    site.announce("2")
    site.text = POLICY.format(mode="none", age=86_400)
    assert (await worker.policy("a.example")).mode is Mode.NONE
    assert (await other.policy("a.example")).id == "2"
    assert site.asked == 2, "the other worker found it in the database"


@pytest.mark.parametrize(
    ("facts", "flaw"),
    [
        ({"status": 404}, "sts-policy-fetch-error"),
        ({"status": 301, "headers": {"Location": "https://mta-sts.a.example/other"}}, "sts-policy-fetch-error"),
        ({"type": "text/html"}, "sts-policy-invalid"),
        ({"text": "mode: enforce\n"}, "sts-policy-invalid"),
        ({"text": POLICY.format(mode="enforce", age=1) + "x: y\n" * 20_000}, "sts-policy-invalid"),
    ],
)
async def test_what_is_no_policy_is_none(site, facts, flaw: str) -> None:
    site.announce("1")
    for name, value in facts.items():
        setattr(site, name, value)
    assert await site.worker().policy("a.example") is None
    assert [(verdict.flaw, verdict.domain) for verdict in site.verdicts] == [(flaw, "a.example")]
    assert site.asked == 1


@pytest.mark.parametrize("facts", [{"names": ("a.example",)}, {"expired": True}])
async def test_the_web_server_has_to_be_proven(site, authority, facts) -> None:
    issued = authority.issue(*facts.pop("names", ("mta-sts.a.example",)), **facts)
    site.context.load_cert_chain(issued.certificate, issued.key)
    site.announce("1")
    assert await site.worker().policy("a.example") is None
    assert {verdict.flaw for verdict in site.verdicts} == {"sts-webpki-invalid"}
    assert site.asked == 0


async def test_a_slow_or_missing_web_server_holds_nothing_up_for_ever(site, monkeypatch) -> None:
    monkeypatch.setattr("delivery.sts.fetching.SECONDS", 0.1)
    site.announce("1")
    site.slow = 5
    assert await site.worker().policy("a.example") is None
    site.zone.put("mta-sts.a.example", A="127.0.0.9")
    assert await site.worker().policy("a.example") is None
    site.zone.records.pop("mta-sts.a.example")
    assert await site.worker().policy("a.example") is None
    assert {verdict.flaw for verdict in site.verdicts} == {"sts-policy-fetch-error"}


async def test_policies_are_fetched_again_each_day_by_one_worker(site) -> None:
    site.announce("1")
    first, second = site.worker(), site.worker()
    assert await first.policy("a.example")
    assert await first.refresh() == 0
    site.now += timedelta(days=1, minutes=1)
    assert await asyncio.gather(first.refresh(), second.refresh()) in ([1, 0], [0, 1])
    assert site.asked == 2
    site.now += timedelta(days=6, hours=23)  # past the first end, not past the second
    site.announce(None)
    site.status = 500
    assert await site.worker().policy("a.example")
    assert await first.refresh() == 1, "it is tried"
    assert await first.refresh() == 0, "and not again at once"
    site.now += timedelta(days=60)
    assert await first.refresh() == 0
    assert await site.worker().policy("a.example") is None


async def test_a_database_that_does_not_answer_costs_no_policy_that_is_known(site) -> None:
    site.announce("1")
    worker = site.worker()
    assert await worker.policy("a.example")
    site.db.close()
    site.now += timedelta(minutes=10)
    assert await worker.policy("a.example")
    fresh = site.worker()
    assert await fresh.policy("a.example"), "it is fetched, if not kept"


async def test_a_policy_for_a_moment_is_not_fetched_for_each_mail(site) -> None:
    site.announce("1")
    site.text = POLICY.format(mode="enforce", age=0)
    worker = site.worker()
    for _ in range(5):
        assert await worker.policy("a.example")
    assert site.asked == 1
    site.now += timedelta(minutes=6)
    assert await worker.policy("a.example")
    assert site.asked == 2
