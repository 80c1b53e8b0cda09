"""TLS reports (RFC 8460): counted, made once, sent by mail or HTTPS."""

import asyncio
import base64
import email
import gzip
import json
from functools import partial

import pytest
from aiohttp import web
from nameserver import Zone, nameserver

from delivery.couriers.courier import Refused
from delivery.items import TLS_REPORT, Reply, State
from delivery.queueadmin import QueueAdmin
from delivery.store.tls_sessions import ReportState, claim_reports, end_report, sessions_of
from delivery.tls import Flaw, Proof
from delivery.tlsrpt.counting import Tally
from delivery.tlsrpt.report import ReportDestinations, Reporter, read_report_record
from delivery.tlsrpt.reporting import Reports
from delivery.verdicts import PolicyFact, PolicyKind, Verdict

WHO = Reporter("Example Corporation", "tls@example.com", "tls@example.com", "gate.example.com")
FACT = PolicyFact(PolicyKind.STS, "a.example", ("version: STSv1", "mode: testing"), ("mx.a.example",))
WELL = Verdict("a.example", FACT, "mx.a.example", "192.0.2.1", Proof.STS)
BAD = Verdict("a.example", FACT, "mx.a.example", "192.0.2.1", Proof.NONE, Flaw.EXPIRED, "old", "198.51.100.7")


@pytest.fixture
async def zone():
    async with nameserver(Zone({"example": {}})) as served:
        yield served


@pytest.fixture
def queue(store):
    return store.queue


@pytest.fixture
def clock(store):
    return store.clock


def reports(queue, zone, **more) -> tuple[Tally, Reports]:
    tally = Tally(queue.db, queue.clock)
    return tally, Reports(queue, zone.resolver(), tally, WHO, namespace="default", **more)


async def count(tally: Tally, *verdicts: Verdict) -> None:
    for verdict in verdicts:
        tally.note(verdict)
    await tally.write()


def test_a_record_says_where_reports_are_wanted_and_never_within_our_network() -> None:
    assert read_report_record(["v=TLSRPTv1;rua=mailto:a@b.example,https://c.example/x"]) == ReportDestinations(
        ("a@b.example",), ("https://c.example/x",)
    )
    assert read_report_record(["v=TLSRPTv1; rua=mailto:a%2Bb@c.example!10m"]) is None
    assert read_report_record(["v=TLSRPTv1; rua=mailto:a%2Bb@c.example"]) == ReportDestinations(("a+b@c.example",))
    assert read_report_record(["v=TLSRPTv1; rua=https://c.example"]) == ReportDestinations((), ("https://c.example",))
    for inner in (
        "127.0.0.1/x",
        "[::1]/x",
        "2130706433/x",
        "localhost/x",
        "c.example:9464/x",
        "u@c.example/x",
        "0x7f.1/x",
    ):
        assert read_report_record([f"v=TLSRPTv1; rua=https://{inner}"]) is None, inner
    for wrong in (
        [], ["v=TLSRPTv1; rua=mailto:a@b.example"] * 2, ["v=TLSRPTv1"], ["v=TLSRPTv2; rua=mailto:a@b.example"],
        ["v=TLSRPTv1; rua=http://a.example/"], ["v=TLSRPTv1; rua=mailto:a@b.example%0d%0aBcc:c@d.example"],
        ["v=TLSRPTv1; rua=mailto:<a@b.example>"], ["v=TLSRPTv1; ruf=mailto:a@b.example"],
    ):  # fmt: skip
        assert read_report_record(wrong) is None, wrong


async def test_counts_add_up_over_workers_and_writes(queue, zone) -> None:
    for tally, _ in (reports(queue, zone), reports(queue, zone)):
        await count(tally, WELL, WELL, BAD)
        await count(tally, WELL, Verdict("", FACT, "smtp.example.com", "192.0.2.9", Proof.NONE))
        await tally.write()
    found = await queue.db.read(lambda conn: sessions_of(conn, f"{queue.clock():%Y-%m-%d}", "a.example"))
    assert {(session.result, session.host, number) for session, number in found} == {
        ("", "", 6),
        ("certificate-expired", "mx.a.example", 2),
    }
    assert {session.policy for session, _ in found} == {FACT}


async def test_a_day_is_reported_once_by_mail(queue, zone, clock) -> None:
    zone.put("_smtp._tls.a.example", TXT='"v=TLSRPTv1; rua=mailto:reports@a.example"')
    (tally, first), (_, second) = reports(queue, zone), reports(queue, zone)
    await count(tally, WELL, WELL, BAD)
    assert await first.report_due() == 0, "the day is not over"
    clock.advance(days=1)
    assert sum(await asyncio.gather(first.report_due(), second.report_due())) == 1
    clock.advance(days=1)
    assert await first.report_due() == 0
    waiting = await queue.db.read(lambda conn: claim_reports(conn, clock(), 10))
    assert waiting == []
    [item] = [one for one in await everything(queue) if one.rule == TLS_REPORT]
    assert (item.recipient, item.state) == ("reports@a.example", State.DUE)
    opened, _ = await queue.open_items(item.message_id)
    assert opened.sender is None
    mail = email.message_from_bytes(opened.raw)
    assert mail["TLS-Report-Domain"] == "a.example"
    assert mail["TLS-Required"] == "No"
    assert mail.get_param("report-type") == "tlsrpt"
    text, part = mail.get_payload()
    assert (text.get_content_type(), part.get_content_type()) == ("text/plain", "application/tlsrpt+gzip")
    check_report(json.loads(gzip.decompress(base64.b64decode(part.get_payload()))))


def check_report(told) -> None:
    assert told["organization-name"] == "Example Corporation"
    assert told["date-range"] == {
        "start-datetime": "2026-03-02T00:00:00Z",
        "end-datetime": "2026-03-02T23:59:59Z",
    }
    assert told["contact-info"] == "tls@example.com"
    [policy] = told["policies"]
    assert policy["policy"] == {
        "policy-type": "sts",
        "policy-string": ["version: STSv1", "mode: testing"],
        "policy-domain": "a.example",
        "mx-host": ["mx.a.example"],
    }
    assert policy["summary"] == {"total-successful-session-count": 2, "total-failure-session-count": 1}
    assert policy["failure-details"] == [
        {
            "result-type": "certificate-expired",
            "sending-mta-ip": "198.51.100.7",
            "receiving-mx-hostname": "mx.a.example",
            "receiving-ip": "192.0.2.1",
            "failed-session-count": 1,
        }
    ]


async def everything(queue):

    return [line.item for line in await QueueAdmin(queue).items()]


async def test_who_asks_for_nothing_gets_nothing(queue, zone, clock) -> None:
    tally, worker = reports(queue, zone)
    await count(tally, WELL)
    clock.advance(days=1)
    assert await worker.report_due() == 0
    zone.put("_smtp._tls.a.example", TXT='"v=TLSRPTv1; rua=mailto:reports@a.example"')
    clock.advance(hours=2)
    assert await worker.report_due() == 0, "it was asked once for that day"
    assert await everything(queue) == []


async def test_a_question_without_an_answer_is_asked_again_later(queue, zone, clock) -> None:
    zone.put("_smtp._tls.a.example", TXT='"v=TLSRPTv1; rua=mailto:reports@a.example"')
    zone.servfail.add("_smtp._tls.a.example")
    tally, worker = reports(queue, zone)
    await count(tally, WELL)
    clock.advance(days=1)
    assert await worker.report_due() == 0
    zone.servfail.clear()
    assert await worker.report_due() == 0, "not at once"
    clock.advance(hours=1, minutes=1)
    assert await worker.report_due() == 1


async def test_by_https_and_again_each_hour_for_a_day(queue, zone, clock) -> None:
    got, status = list[bytes](), [503]

    async def take(request: web.Request) -> web.Response:
        assert request.content_type == "application/tlsrpt+gzip"
        got.append(await request.read())
        return web.Response(status=status[0])

    app = web.Application()
    app.router.add_post("/report", take)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = site._server.sockets[0].getsockname()[1]
    try:
        tally, worker = reports(queue, zone)
        plain = partial(worker._post)  # the test's server has no TLS: its address is changed just before it is asked

        async def post(url: str, report) -> bool:
            assert url == "https://reports.a.example/report"
            return await plain(f"http://127.0.0.1:{port}/report", report)

        worker._post = post
        zone.put("_smtp._tls.a.example", TXT='"v=TLSRPTv1; rua=https://reports.a.example/report"')
        await count(tally, WELL, WELL, BAD)
        clock.advance(days=1)
        assert await worker.report_due() == 0
        assert await worker.report_due() == 0
        assert len(got) == 1, "an hour passes first"
        clock.advance(hours=1, minutes=1)
        status[0] = 201
        assert await worker.report_due() == 1
        clock.advance(hours=2)
        assert await worker.report_due() == 0
        check_report(json.loads(gzip.decompress(got[-1])))
        assert len(got) == 2
    finally:
        await runner.cleanup()


async def test_what_fails_for_a_day_is_given_up_and_what_is_old_is_forgotten(queue, zone, clock) -> None:
    tally, worker = reports(queue, zone)
    zone.put("_smtp._tls.a.example", TXT='"v=TLSRPTv1; rua=https://inner.a.example/x"')
    zone.put("inner.a.example", A="127.0.0.1")  # no network of ours is reported to
    await count(tally, WELL)
    clock.advance(days=1)
    for _ in range(30):
        await worker.report_due()
        clock.advance(hours=1, minutes=1)
    due = await queue.db.write(partial(claim_reports, now=clock(), limit=10))
    assert due == []
    clock.advance(days=9)
    await worker.report_due()
    assert await queue.db.read(lambda conn: sessions_of(conn, "2026-03-02", "a.example")) == []


async def test_only_one_ends_a_report(queue, zone, clock) -> None:
    tally, _ = reports(queue, zone)
    await count(tally, WELL)
    clock.advance(days=1)
    [due] = await queue.db.write(partial(claim_reports, now=clock(), limit=10))
    assert await queue.db.write(partial(end_report, report=due, state=ReportState.SENT))
    assert not await queue.db.write(partial(end_report, report=due, state=ReportState.SENT))


async def test_requiretls_lasts_and_its_bounce_has_it_too(store) -> None:
    message_id = await store.accept(sender="alice@example.com", require_tls=True)
    plain = await store.accept(sender="alice@example.com")
    opened, _ = await store.queue.open_items(message_id)
    assert opened.require_tls
    assert not (await store.queue.open_items(plain))[0].require_tls
    store.courier.answers["bob@there.test"] = Refused(Reply(550, "5.7.30", "REQUIRETLS support required"))
    async with store.working():
        await store.until_state(message_id, State.BOUNCED)
        await store.until(lambda: sum(one.message.sender is None for one in store.courier.deliveries) == 2)
    bounces = [one.message for one in store.courier.deliveries if one.message.sender is None]
    assert sorted(bounce.require_tls for bounce in bounces) == [False, True]
