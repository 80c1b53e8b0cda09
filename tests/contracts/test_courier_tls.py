"""What a peer must prove: nothing of a message, not even its sender, is said before."""

import asyncio
import ssl
import warnings

import pytest
from aiosmtpd.smtp import SMTP as Server
from nameserver import LOOPBACK

from delivery.couriers.courier import Deferred, Refused, Sent
from delivery.couriers.relay import RelayCourier
from delivery.hops import Fallback, HopSettings, HopTls, PartnerSettings, PartnerTls, Verify
from delivery.resolving import Found, LookupFailed, MxRecord, NoSuchDomain
from policy.decision import Route


class Dns:
    """DNS as the test wants it; every host is this machine."""

    def __init__(self, **zones: list[str]) -> None:
        self.zones = {name.replace("_", "."): hosts for name, hosts in zones.items()}
        self.missing: set[str] = set()

    async def mx(self, domain: str) -> Found[MxRecord]:
        if domain not in self.zones:
            raise NoSuchDomain(domain)
        if self.zones[domain] == ["?"]:
            raise LookupFailed("looking up the mail servers failed")
        return Found(tuple(MxRecord(10 * number, host) for number, host in enumerate(self.zones[domain])))

    async def addresses(self, host: str) -> Found[str]:
        return Found(() if host in self.missing else ("127.0.0.1",), name=host)


@pytest.fixture
def server_context(authority):
    """A server's TLS for names, by the test's authority or by whatever is given."""

    def make(*names: str, by=None, **facts) -> ssl.SSLContext:
        issued = (by or authority).issue(*(names or ("127.0.0.1",)), **facts)
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(issued.certificate, issued.key)
        context.sha256 = issued.sha256
        return context

    return make


@pytest.fixture
def partner(authority):
    """A courier with one partner, `st-mary`, on a port of this machine."""

    def make(peer, host: str = "127.0.0.1", **tls) -> RelayCourier:
        known = PartnerTls(**{"ca": authority.path, **tls} if tls.get("verify") != Verify.PINNED else tls)
        one = PartnerSettings(
            domains=("stmary.example",), host=f"{host}:{peer.port}", tls=known, fallback=Fallback.SAFEBOX
        )
        return RelayCourier("gate.example.com", HopSettings(host="127.0.0.1:1"), partners={"st-mary": one})

    return make


async def bring(out: RelayCourier, delivery, route: Route = Route.PARTNER, to: str = "dr@stmary.example", **more):
    async with out:
        outcomes = await out.deliver(
            delivery(to, route=route, name="st-mary" if route is Route.PARTNER else "", **more)
        )
    return outcomes[to]


def assert_nothing_was_said(peer) -> None:
    assert not peer.arrived
    said = {line.split(" ", maxsplit=1)[0] for line in peer.lines}
    assert said <= {"EHLO", "STARTTLS", "QUIT"}
    assert "stmary.example" not in "".join(peer.lines)


async def test_a_proven_partner_gets_it_and_the_evidence_is_kept(start_peer, delivery, partner, server_context) -> None:
    context = server_context("127.0.0.1", "gateway.stmary.example")
    peer = await start_peer(tls=context)
    sent = await bring(partner(peer), delivery)
    assert isinstance(sent, Sent)
    assert peer.arrived[0].tls
    assert sent.evidence.proof == "pki"
    assert sent.evidence.protocol in ("TLSv1.3", "TLSv1.2")
    assert sent.evidence.cipher
    assert sent.evidence.certificate_sha256 == context.sha256
    assert sent.evidence.names == ("gateway.stmary.example", "127.0.0.1")
    assert [line for line in peer.clear_lines if line.startswith(("MAIL", "RCPT"))] == []


async def test_a_name_of_the_configuration_counts_instead_of_the_host(
    start_peer, delivery, partner, server_context
) -> None:
    peer = await start_peer(tls=server_context("gateway.stmary.example"))
    assert isinstance(await bring(partner(peer, names=("gateway.stmary.example",)), delivery), Sent)


async def test_without_starttls_nothing_is_said(start_peer, delivery, partner) -> None:
    peer = await start_peer()
    failed = await bring(partner(peer), delivery)
    assert isinstance(failed, Deferred)
    assert failed.insecure
    assert "does not offer STARTTLS" in failed.reply.text
    assert_nothing_was_said(peer)


async def test_a_stripped_offer_is_no_offer(start_peer, delivery, partner, server_context) -> None:
    peer = await start_peer(tls=server_context(), offer_tls=False, extensions=["XXXXXXXA", "SIZE"])
    failed = await bring(partner(peer), delivery)
    assert failed.insecure
    assert_nothing_was_said(peer)


@pytest.mark.parametrize("reply", ["454 4.7.0 TLS not available", "501 5.5.4 syntax", "nonsense", "cut"])
async def test_a_refused_starttls_ends_it(start_peer, delivery, partner, server_context, reply: str) -> None:
    peer = await start_peer(tls=server_context(), replies={"STARTTLS": reply})
    failed = await bring(partner(peer), delivery)
    assert isinstance(failed, Deferred)
    assert failed.insecure
    assert_nothing_was_said(peer)


async def test_text_behind_the_answer_to_starttls_is_not_believed(
    start_peer, delivery, partner, server_context
) -> None:
    injected = "220 2.0.0 Ready\r\n250-peer.test\r\n250 XINJECTED"
    peer = await start_peer(tls=server_context(), replies={"STARTTLS": injected})
    failed = await bring(partner(peer), delivery)
    assert isinstance(failed, Deferred)
    assert failed.insecure
    assert_nothing_was_said(peer)


async def test_certificates_that_prove_nothing(
    start_peer, delivery, partner, server_context, authority, tmp_path
) -> None:
    folder = tmp_path / "other"
    folder.mkdir()
    stranger = type(authority)(folder, "Other CA")
    wrong = {
        "not for 127.0.0.1": server_context("elsewhere.example"),
        "has expired": server_context("127.0.0.1", expired=True),
        "unable to get local issuer": server_context("127.0.0.1", by=stranger),
        "purpose": server_context("127.0.0.1", client=True),
    }
    for text, context in wrong.items():
        peer = await start_peer(tls=context)
        failed = await bring(partner(peer), delivery)
        assert isinstance(failed, Deferred), text
        assert failed.insecure
        assert text in failed.reply.text
        assert failed.reply.status == "4.7.5"
        assert_nothing_was_said(peer)


async def test_the_systems_authorities_do_not_know_ours(start_peer, delivery, partner, server_context) -> None:
    peer = await start_peer(tls=server_context())
    failed = await bring(partner(peer, ca=None), delivery)
    assert failed.insecure
    assert "not trusted" in failed.reply.text
    assert_nothing_was_said(peer)


async def test_a_pinned_certificate_is_that_certificate(
    start_peer, delivery, partner, server_context, authority, tmp_path
) -> None:
    folder = tmp_path / "own"
    folder.mkdir()
    context = server_context("whatever.example", by=type(authority)(folder, "Self"), expired=True)
    peer = await start_peer(tls=context)
    right, wrong = context.sha256, "ab" * 32
    sent = await bring(partner(peer, verify=Verify.PINNED, fingerprints=(wrong, right)), delivery)
    assert isinstance(sent, Sent)
    assert sent.evidence.proof == "pinned"
    peer.lines.clear()
    peer.arrived.clear()
    failed = await bring(partner(peer, verify=Verify.PINNED, fingerprints=(wrong,)), delivery)
    assert failed.insecure
    assert "not the pinned one" in failed.reply.text
    assert_nothing_was_said(peer)


async def test_a_lower_version_than_the_minimum_is_refused(start_peer, delivery, partner, server_context) -> None:
    context = server_context()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    peer = await start_peer(tls=context)
    assert isinstance(await bring(partner(peer), delivery), Sent)
    peer.lines.clear()
    peer.arrived.clear()
    failed = await bring(partner(peer, minimum="1.3"), delivery)
    assert failed.insecure
    assert_nothing_was_said(peer)


async def test_tls_of_long_ago_is_no_proof(start_peer, delivery, partner, server_context) -> None:
    context = server_context()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
        context.maximum_version = ssl.TLSVersion.TLSv1
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    peer = await start_peer(tls=context)
    failed = await bring(partner(peer), delivery)
    assert failed.insecure
    assert_nothing_was_said(peer)
    assert isinstance(
        await hop(delivery, peer, HopTls.OPPORTUNISTIC), Sent
    )  # by it, or without where OpenSSL has it not


async def test_our_certificate_is_shown_to_who_asks(start_peer, delivery, partner, server_context, authority) -> None:
    context = server_context()
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(authority.path)
    ours = authority.issue("gate.example.com", client=True)
    peer = await start_peer(tls=context)
    sent = await bring(partner(peer, client_certificate=ours.certificate, client_key=ours.key), delivery)
    assert isinstance(sent, Sent)
    failed = await bring(partner(peer), delivery)
    assert isinstance(failed, Deferred)
    assert failed.insecure


async def test_a_missing_ca_file_is_our_own_fault_and_says_so(
    start_peer, delivery, partner, server_context, tmp_path
) -> None:
    peer = await start_peer(tls=server_context())
    failed = await bring(partner(peer, ca=tmp_path / "gone.pem"), delivery)
    assert failed.insecure
    assert failed.reply.status == "4.3.5"
    assert "of ours" in failed.reply.text
    assert_nothing_was_said(peer)


async def test_an_unreachable_partner_is_not_proven_either(delivery, partner, free_port) -> None:
    class Nobody:
        port = free_port()

    failed = await bring(partner(Nobody), delivery)
    assert isinstance(failed, Deferred)
    assert failed.insecure


async def test_a_4xx_of_a_proven_partner_is_its_own_word(start_peer, delivery, partner, server_context) -> None:
    peer = await start_peer(tls=server_context(), replies={"RCPT": "450 4.2.1 later"})
    failed = await bring(partner(peer), delivery)
    assert isinstance(failed, Deferred)
    assert not failed.insecure
    assert failed.evidence.proof == "pki"


async def test_a_partner_that_is_no_more_configured_waits(delivery) -> None:
    out = RelayCourier("gate.example.com", HopSettings(host="127.0.0.1:1"))
    failed = await bring(out, delivery)
    assert isinstance(failed, Deferred)
    assert failed.insecure


# --- hops ------------------------------------------------------------------------------------------------------------


async def hop(delivery, peer, tls: HopTls, **more):
    out = RelayCourier("gate.example.com", HopSettings(host=f"127.0.0.1:{peer.port}", tls=tls, **more))
    return await bring(out, delivery, Route.RELAY)


async def test_opportunistic_takes_any_certificate(start_peer, delivery, server_context) -> None:
    peer = await start_peer(tls=server_context("elsewhere.example", expired=True))
    sent = await hop(delivery, peer, HopTls.OPPORTUNISTIC)
    assert isinstance(sent, Sent)
    assert sent.evidence.proof == "unverified"
    assert sent.evidence.protocol
    assert peer.arrived[0].tls


@pytest.mark.parametrize("reply", ["454 4.7.0 not now", "220 2.0.0 Ready\r\nno handshake"])
async def test_opportunistic_goes_on_without(start_peer, delivery, server_context, reply: str) -> None:
    peer = await start_peer(tls=server_context(), replies={"STARTTLS": [reply]})
    sent = await hop(delivery, peer, HopTls.OPPORTUNISTIC)
    assert isinstance(sent, Sent)
    assert sent.evidence.proof == "none"
    assert not peer.arrived[0].tls


@pytest.mark.parametrize("tls", [HopTls.REQUIRE, HopTls.VERIFY])
async def test_a_demanding_hop_never_goes_on_without(start_peer, delivery, server_context, tls: HopTls) -> None:
    for script in ({}, {"tls": server_context(), "replies": {"STARTTLS": "454 4.7.0 no"}}):
        peer = await start_peer(**script)
        failed = await hop(delivery, peer, tls)
        assert isinstance(failed, Deferred)
        assert failed.insecure
        assert_nothing_was_said(peer)


async def test_require_takes_any_certificate_and_verify_does_not(
    start_peer, delivery, server_context, authority
) -> None:
    peer = await start_peer(tls=server_context("mail.example.com"))
    assert isinstance(await hop(delivery, peer, HopTls.REQUIRE), Sent)
    assert (await hop(delivery, peer, HopTls.VERIFY, ca=authority.path)).insecure
    sent = await hop(delivery, peer, HopTls.VERIFY, ca=authority.path, names=("mail.example.com",))
    assert sent.evidence.proof == "pki"


async def test_secure_mail_for_ourselves_needs_a_verified_inside(
    start_peer, delivery, server_context, authority
) -> None:
    peer = await start_peer(tls=server_context("mail.example.com"))
    inside = HopSettings(host=f"127.0.0.1:{peer.port}", tls=HopTls.OPPORTUNISTIC, ca=authority.path)
    out = RelayCourier("gate.example.com", HopSettings(host="127.0.0.1:1"), inside=inside)
    failed = await bring(out, delivery, Route.TLS, inside=True)
    assert isinstance(failed, Deferred)
    assert failed.insecure
    assert not peer.arrived
    out = RelayCourier("gate.example.com", HopSettings(host="127.0.0.1:1"), inside=inside)
    assert isinstance(await bring(out, delivery, Route.RELAY, inside=True), Sent)


# --- by MX -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def on_port_25(monkeypatch):
    """Let the port of MX hosts be that of a peer."""

    def let(peer) -> None:
        monkeypatch.setattr("delivery.couriers.dialling.SMTP_PORT", peer.port)

    return let


async def test_by_mx_the_certificate_is_for_the_recipients_domain(
    start_peer, delivery, server_context, authority, on_port_25
) -> None:
    by_mx = PartnerSettings(domains=("stmary.example",), tls=PartnerTls(ca=authority.path))
    dns = Dns(stmary_example=["mx.hoster.example"])
    for name, kind in (("mx.hoster.example", Deferred), ("stmary.example", Sent), ("*.stmary.example", Deferred)):
        peer = await start_peer(tls=server_context(name))
        on_port_25(peer)
        out = RelayCourier(
            "gate.example.com",
            HopSettings(host="127.0.0.1:1"),
            partners={"st-mary": by_mx},
            resolver=dns,
            private=LOOPBACK,
        )
        outcome = await bring(out, delivery)
        assert isinstance(outcome, kind), name
        assert outcome.evidence.host == "mx.hoster.example"
        if kind is Deferred:
            assert outcome.insecure
            assert_nothing_was_said(peer)


async def test_the_tls_route_proves_the_recipients_domain_by_the_systems_authorities(
    start_peer, delivery, server_context, authority, on_port_25, monkeypatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.path))
    dns = Dns(lab_example=["mx.hoster.example"])
    for name, kind in (("lab.example", Sent), ("mx.hoster.example", Deferred)):
        peer = await start_peer(tls=server_context(name))
        on_port_25(peer)
        out = RelayCourier("gate.example.com", HopSettings(host="127.0.0.1:1"), resolver=dns, private=LOOPBACK)
        assert isinstance(await bring(out, delivery, Route.TLS, "x@lab.example"), kind)
    peer = await start_peer()
    on_port_25(peer)
    out = RelayCourier("gate.example.com", HopSettings(host="127.0.0.1:1"), resolver=dns, private=LOOPBACK)
    assert (await bring(out, delivery, Route.TLS, "x@lab.example")).insecure
    assert_nothing_was_said(peer)


@pytest.mark.parametrize("route", [Route.RELAY, Route.TLS, Route.PARTNER])
async def test_nobodys_dns_makes_us_knock_inside(start_peer, delivery, on_port_25, route) -> None:
    """Whoever has a recipient's domain could name any address: those of the internet and of `dns.private` count."""
    peer = await start_peer()
    on_port_25(peer)
    dns = Dns(stmary_example=["mx.stmary.example"])
    partners = {"st-mary": PartnerSettings(domains=("stmary.example",))}
    hop = HopSettings(mx=True)
    outcome = await bring(
        RelayCourier("gate.example.com", hop, partners=partners, resolver=dns), delivery, route, "x@stmary.example"
    )
    assert isinstance(outcome, Refused)
    assert (outcome.reply.code, outcome.reply.status) == (550, "5.4.4")
    assert "not the internet" in outcome.reply.text
    assert not peer.lines
    allowed = RelayCourier("gate.example.com", hop, partners=partners, resolver=dns, private=LOOPBACK)
    await bring(allowed, delivery, route, "x@stmary.example")
    assert peer.lines


async def test_our_own_domains_mail_servers_may_stand_inside(start_peer, delivery, on_port_25) -> None:
    peer = await start_peer()
    on_port_25(peer)
    dns = Dns(example_com=["mail.example.com"])
    async with RelayCourier("gate.example.com", HopSettings(mx=True), resolver=dns) as out:
        outcomes = await out.deliver(delivery("bob@example.com", inside=True))
    assert isinstance(outcomes["bob@example.com"], Sent)


async def test_each_domain_goes_to_its_own_mx(start_peer, delivery, on_port_25) -> None:
    peer = await start_peer()
    on_port_25(peer)
    dns = Dns(a_example=["mx.a.example"], b_example=[], null_example=["."], later_example=["?"])
    recipients = ["1@a.example", "2@A.example", "x@b.example", "x@null.example", "x@nowhere.example", "x@later.example"]
    async with RelayCourier("gate.example.com", HopSettings(mx=True), resolver=dns, private=LOOPBACK) as out:
        outcomes = await out.deliver(delivery(*recipients))
    told = {key: (type(each), each.reply.status) for key, each in outcomes.items()}
    assert told == {
        "1@a.example": (Sent, "2.0.0"),
        "2@A.example": (Sent, "2.0.0"),
        "x@b.example": (Sent, "2.0.0"),
        "x@null.example": (Refused, "5.1.10"),
        "x@nowhere.example": (Refused, "5.1.2"),
        "x@later.example": (Deferred, "4.4.3"),
    }
    assert sorted(len(each.recipients) for each in peer.arrived) == [1, 2]
    assert outcomes["1@a.example"].evidence.host == "mx.a.example"
    assert outcomes["x@b.example"].evidence.host == "b.example"


async def test_the_next_mx_is_tried_when_one_is_not_there_or_will_not(start_peer, delivery, on_port_25) -> None:
    class Two(Dns):
        async def addresses(self, host: str) -> Found[str]:
            known = {"mx2.a.example": ("127.0.0.3", "127.0.0.2"), "mx3.a.example": ("127.0.0.1",)}
            return Found(known.get(host, ()), name=host)

    good = await start_peer()
    busy = await start_peer(host="127.0.0.2", port=good.port, replies={"GREETING": "421 4.3.2 busy"})
    on_port_25(good)
    dns = Two(a_example=["mx1.a.example", "mx2.a.example", "mx3.a.example"])
    async with RelayCourier("gate.example.com", HopSettings(mx=True), resolver=dns, private=LOOPBACK) as out:
        outcomes = await out.deliver(delivery("1@a.example"))
    assert isinstance(outcomes["1@a.example"], Sent)
    assert outcomes["1@a.example"].evidence.host == "mx3.a.example"
    assert busy.connections == 1


async def test_a_real_server_with_starttls_and_its_own_ca(delivery, server_context, authority) -> None:

    class Keep:
        async def handle_DATA(self, server, session, envelope) -> str:
            self.got = envelope.original_content
            return "250 2.0.0 kept"

    keep, loop = Keep(), asyncio.get_running_loop()
    context = server_context("127.0.0.1")
    server = await loop.create_server(
        lambda: Server(keep, hostname="sink.test", loop=loop, tls_context=context, require_starttls=True),
        "127.0.0.1",
        0,
    )
    port = server.sockets[0].getsockname()[1]
    partner = PartnerSettings(domains=("stmary.example",), host=f"127.0.0.1:{port}", tls=PartnerTls(ca=authority.path))
    out = RelayCourier("gate.example.com", HopSettings(host="127.0.0.1:1"), partners={"st-mary": partner})
    sent = await bring(out, delivery)
    server.close()
    assert isinstance(sent, Sent)
    assert keep.got == b"Subject: Hello\r\n\r\nA line\r\n"
