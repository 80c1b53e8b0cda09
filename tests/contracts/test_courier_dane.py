"""DANE (RFC 7672) and MTA-STS (RFC 8461) against TLS servers and a DNS server on loopback."""

import hashlib
import ssl

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from nameserver import LOOPBACK, Zone, nameserver

from delivery.couriers.courier import Deferred, Refused, Sent
from delivery.couriers.published import Promises
from delivery.couriers.relay import RelayCourier
from delivery.hops import DestinationLimits, HopSettings, HopTls, PartnerSettings, PartnerTls, Verify
from delivery.items import TLS_REPORT, Kind
from delivery.mx import OwnServer
from delivery.sections import Endpoint
from delivery.stspolicy import Mode, StsPolicy
from policy.decision import Route

TO = "dr@a.example"


class Known:
    """MTA-STS policies as the test wants them."""

    def __init__(self, **modes: Mode) -> None:
        self.modes = modes
        self.hosts: tuple[str, ...] = ("mx.a.example",)

    async def policy(self, domain: str) -> StsPolicy | None:
        mode = self.modes.get(domain.replace(".", "_"))
        return None if mode is None else StsPolicy(domain, "1", mode, self.hosts, 86400)


class Rig:
    """One domain with one mail server, whose DNS and TLS the test sets."""

    def __init__(self, zone, peer_of, authority, monkeypatch) -> None:
        self.zone, self._peer_of, self.authority = zone, peer_of, authority
        self._patch = monkeypatch
        self.known = Known()
        self.verdicts: list = []

    def issue(self, *names: str, **facts):
        issued = self.authority.issue(*(names or ("mx.a.example",)), **facts)
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        chain = issued.certificate.read_text() + self.authority.path.read_text()
        issued.certificate.write_text(chain)
        context.load_cert_chain(issued.certificate, issued.key)
        context.pem = chain
        return context

    async def serve(self, context=None, **script):
        self.peer = await self._peer_of(tls=context, **script)
        self._patch.setattr("delivery.couriers.dialling.SMTP_PORT", self.peer.port)
        return self.peer

    def publish(self, *records: str, at: str = "mx.a.example") -> None:
        self.zone.put(f"_{self.peer.port}._tcp.{at}", TLSA=list(records))

    def courier(self, hop: HopSettings | None = None, **more) -> RelayCourier:
        return RelayCourier(
            "gate.example.com", hop or HopSettings(mx=True), resolver=self.zone.resolver(), private=LOOPBACK,
            policies=self.known,
            watch=self.verdicts.append, **more,
        )  # fmt: skip

    async def send(self, delivery, hop: HopSettings | None = None, *, route: Route = Route.RELAY, **more):
        facts = {"name": "st-mary"} if route is Route.PARTNER else {}
        async with self.courier(hop, partners=more.pop("partners", {})) as out:
            return (await out.deliver(delivery(more.pop("to", TO), route=route, **facts, **more)))[TO]

    def assert_nothing_was_said(self) -> None:
        assert not self.peer.arrived
        assert {line.split(" ")[0] for line in self.peer.lines} <= {"EHLO", "STARTTLS", "QUIT"}


def tlsa(context, usage: int = 3, *, of: int = 0, wrong: bool = False) -> str:
    """`USAGE 1 1` for a certificate of the chain."""
    pems = [f"-----BEGIN{part}" for part in context.pem.split("-----BEGIN")[1:]]
    key = x509.load_pem_x509_certificate(pems[of].encode()).public_key()
    digest = hashlib.sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()
    return f"{usage} 1 1 {digest[::-1] if wrong else digest}"


@pytest.fixture
async def rig(start_peer, authority, monkeypatch):
    zone = Zone(
        {
            "a.example": {"MX": ["10 mx.a.example."]},
            "mx.a.example": {"A": ["127.0.0.1"]},
        },
        signed={"a.example"},
    )
    async with nameserver(zone) as served:
        yield Rig(served, start_peer, authority, monkeypatch)


# -- DANE ------------------------------------------------------------------------------------------------------------


async def test_a_server_is_proven_by_its_own_record_whatever_its_name_and_date(rig, delivery) -> None:
    context = rig.issue("elsewhere.example", expired=True)
    await rig.serve(context)
    rig.publish(tlsa(context, wrong=True), tlsa(context))
    for route, hop in (
        (Route.RELAY, HopSettings(mx=True)),
        (Route.RELAY, HopSettings(mx=True, tls=HopTls.DANE)),
        (Route.RELAY, HopSettings(mx=True, tls=HopTls.VERIFY)),
        (Route.TLS, HopSettings(host="127.0.0.1:1")),
    ):
        sent = await rig.send(delivery, hop, route=route)
        assert isinstance(sent, Sent), sent
        assert sent.evidence.proof == "dane"
        assert f"_{rig.peer.port}._tcp.mx.a.example" in sent.evidence.proven_by
        assert sent.evidence.public_key_sha256 == tlsa(context).split()[-1]
    assert {(v.policy.kind, v.flaw) for v in rig.verdicts} == {("tlsa", None)}


async def test_a_partner_is_proven_by_dane_with_and_without_mx(rig, delivery) -> None:
    context = rig.issue("elsewhere.example")
    await rig.serve(context)
    rig.publish(tlsa(context))
    for host in (None, f"mx.a.example:{rig.peer.port}"):
        partner = PartnerSettings(domains=("a.example",), host=host, tls=PartnerTls(verify=Verify.DANE))
        sent = await rig.send(delivery, route=Route.PARTNER, partners={"st-mary": partner})
        assert isinstance(sent, Sent)
        assert sent.evidence.proof == "dane"
    rig.zone.records.pop(f"_{rig.peer.port}._tcp.mx.a.example")
    rig.peer.lines.clear()
    rig.peer.arrived.clear()
    failed = await rig.send(delivery, route=Route.PARTNER, partners={"st-mary": partner})
    assert failed.insecure
    assert "no usable TLSA" in failed.reply.text
    rig.assert_nothing_was_said()


@pytest.mark.parametrize("names", [("mx.a.example",), ("a.example",)])
async def test_by_an_authoritys_record_the_name_counts(rig, delivery, names) -> None:
    context = rig.issue(*names)
    await rig.serve(context)
    rig.publish(tlsa(context, 2, of=1))
    sent = await rig.send(delivery)
    assert isinstance(sent, Sent)
    assert "TLSA 2 1 1" in sent.evidence.proven_by


@pytest.mark.parametrize("facts", [{"names": ("other.example",)}, {"expired": True}, {"client": True}])
async def test_by_an_authoritys_record_nothing_else_is_forgiven(rig, delivery, facts) -> None:
    issued = dict(facts)
    context = rig.issue(*issued.pop("names", ()), **issued)
    await rig.serve(context)
    rig.publish(tlsa(context, 2, of=1))
    failed = await rig.send(delivery)
    assert isinstance(failed, Deferred)
    assert failed.reply.status == "4.7.5"
    rig.assert_nothing_was_said()


async def test_a_wrong_record_is_never_answered_by_less(rig, delivery) -> None:
    context = rig.issue()
    await rig.serve(context)
    rig.publish(tlsa(context, wrong=True))
    for route in (Route.RELAY, Route.TLS):
        failed = await rig.send(delivery, route=route)
        assert isinstance(failed, Deferred)
        assert "not the one that DNS names" in failed.reply.text
    rig.assert_nothing_was_said()
    assert {v.flaw for v in rig.verdicts} == {"validation-failure"}


@pytest.mark.parametrize("script", [{}, {"offer_tls": False}, {"replies": {"STARTTLS": "454 4.7.0 no"}}])
async def test_with_records_there_is_no_mail_without_tls(rig, delivery, script) -> None:
    context = rig.issue()
    await rig.serve(context if script else None, **script)
    rig.publish(tlsa(context))
    failed = await rig.send(delivery)
    assert isinstance(failed, Deferred)
    assert failed.reply.status == "4.7.5"
    rig.assert_nothing_was_said()
    assert {v.flaw for v in rig.verdicts} == {"starttls-not-supported"}


@pytest.mark.parametrize("how", ["bogus", "servfail"])
async def test_bogus_records_hold_the_mail(rig, delivery, how: str) -> None:
    context = rig.issue()
    await rig.serve(context)
    rig.publish(tlsa(context))
    getattr(rig.zone, how).add(f"_{rig.peer.port}._tcp.mx.a.example")
    for route in (Route.RELAY, Route.TLS):
        failed = await rig.send(delivery, route=route)
        assert isinstance(failed, Deferred)
        assert failed.reply.status == "4.7.5"
    assert rig.peer.connections == 0
    assert {v.flaw for v in rig.verdicts} == {"dnssec-invalid"}


async def test_bogus_mx_and_addresses_hold_the_mail(rig, delivery) -> None:
    await rig.serve(rig.issue())
    for question in (("a.example", "MX"), "mx.a.example"):
        rig.zone.bogus = {question}
        failed = await rig.send(delivery)
        assert isinstance(failed, Deferred)
        assert failed.reply.status == "4.4.3"
    assert rig.peer.connections == 0


@pytest.mark.parametrize(
    "unsigned",
    [{"_"}, {"mx.a.example"}, {"a.example"}],
    ids=["records", "addresses", "MX"],
)
async def test_what_nobody_signed_proves_nothing_and_demands_nothing(rig, delivery, unsigned) -> None:
    context = rig.issue()
    await rig.serve(context)
    rig.publish(tlsa(context, wrong=True))
    at = f"_{rig.peer.port}._tcp.mx.a.example"
    rig.zone.signed = {
        "_": {("a.example", "MX"), ("mx.a.example", "A"), ("mx.a.example", "AAAA")},
        "mx.a.example": {("a.example", "MX"), at},
        "a.example": {"mx.a.example"},
    }[next(iter(unsigned))]
    sent = await rig.send(delivery)
    assert isinstance(sent, Sent)
    assert sent.evidence.proof == "unverified"
    failed = await rig.send(delivery, HopSettings(mx=True, tls=HopTls.DANE))
    assert isinstance(failed, Deferred)


async def test_records_of_no_use_demand_tls_and_prove_nothing(rig, delivery) -> None:
    context = rig.issue("elsewhere.example")
    await rig.serve(context)
    rig.publish("1 0 1 " + "ab" * 32, "3 1 9 abcd")
    sent = await rig.send(delivery)
    assert isinstance(sent, Sent)
    assert (sent.evidence.proof, rig.peer.arrived[0].tls) == ("unverified", True)
    assert (await rig.send(delivery, HopSettings(mx=True, tls=HopTls.DANE))).insecure
    await rig.serve(None)
    rig.publish("1 0 1 " + "ab" * 32)
    failed = await rig.send(delivery)
    assert "does not offer STARTTLS" in failed.reply.text
    rig.assert_nothing_was_said()


async def test_an_alias_has_its_records_where_it_leads(rig, delivery) -> None:
    context = rig.issue("host.b.example")
    await rig.serve(context)
    rig.zone.put("mx.a.example", CNAME="host.b.example.", A=[])
    rig.zone.put("host.b.example", A="127.0.0.1")
    rig.zone.signed |= {"b.example"}
    rig.publish(tlsa(context, 2, of=1), at="host.b.example")
    sent = await rig.send(delivery)
    assert isinstance(sent, Sent)
    assert "_tcp.host.b.example" in sent.evidence.proven_by
    # unsigned beyond: the alias itself is signed, and so are records at its own name
    rig.zone.signed = {"a.example"}
    own = rig.issue()
    await rig.serve(own)
    rig.publish(tlsa(own), at="mx.a.example")
    rig.zone.records.pop("host.b.example")
    rig.zone.put("host.b.example", A="127.0.0.1")
    sent = await rig.send(delivery)
    assert isinstance(sent, Sent)
    assert "_tcp.mx.a.example" in sent.evidence.proven_by


async def test_without_mx_the_domains_own_records_count(rig, delivery) -> None:
    context = rig.issue("whatever.example")
    await rig.serve(context)
    rig.zone.records["a.example"] = {"A": ["127.0.0.1"]}
    rig.publish(tlsa(context), at="a.example")
    sent = await rig.send(delivery)
    assert isinstance(sent, Sent)
    assert sent.evidence.proof == "dane"


async def test_the_next_host_is_tried_where_the_first_fails_its_proof(rig, delivery, start_peer) -> None:
    good = rig.issue()
    peer = await rig.serve(good)
    bad = await start_peer(host="127.0.0.2", port=peer.port, tls=rig.issue("bad.a.example"))
    rig.zone.put("a.example", MX=["10 bad.a.example.", "20 mx.a.example."])
    rig.zone.put("bad.a.example", A="127.0.0.2")
    rig.publish(tlsa(good), at="bad.a.example")
    rig.publish(tlsa(good))
    sent = await rig.send(delivery)
    assert isinstance(sent, Sent)
    assert sent.evidence.host == "mx.a.example"
    assert not bad.arrived


async def test_nobody_asks_for_records_where_no_resolver_is_trusted(rig, delivery) -> None:
    context = rig.issue()
    await rig.serve(context)
    rig.publish(tlsa(context, wrong=True))
    resolver = rig.zone.resolver(dnssec="never")
    async with RelayCourier("gate.example.com", HopSettings(mx=True), resolver=resolver, private=LOOPBACK) as out:
        outcome = (await out.deliver(delivery(TO)))[TO]
    assert isinstance(outcome, Sent)
    assert not [kind for _, kind in rig.zone.asked if kind == "TLSA"]


# -- MTA-STS ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def trusting(rig, monkeypatch):
    """The test's authority is one of the system's."""
    monkeypatch.setenv("SSL_CERT_FILE", str(rig.authority.path))
    return rig


async def test_an_enforced_policy_proves_a_listed_host(trusting, delivery) -> None:
    rig = trusting
    rig.known = Known(a_example=Mode.ENFORCE)
    await rig.serve(rig.issue("mx.a.example"))
    for route in (Route.RELAY, Route.TLS):
        sent = await rig.send(delivery, route=route)
        assert isinstance(sent, Sent), sent
        assert sent.evidence.proof == "mta-sts"
        assert "the MTA-STS policy 1 of a.example" in sent.evidence.proven_by
    assert {(v.policy.kind, v.policy.hosts, v.flaw) for v in rig.verdicts} == {("sts", ("mx.a.example",), None)}


@pytest.mark.parametrize("mode", [Mode.ENFORCE, Mode.TESTING])
@pytest.mark.parametrize("fault", ["unlisted", "name", "expired", "stranger", "no tls", "refused"])
async def test_what_a_policy_forbids(trusting, delivery, mode: Mode, fault: str, tmp_path) -> None:
    rig = trusting
    rig.known = Known(a_example=mode)
    flaw = {
        "unlisted": "certificate-host-mismatch", "name": "certificate-host-mismatch",
        "expired": "certificate-expired", "stranger": "certificate-not-trusted",
    }.get(fault, "starttls-not-supported")  # fmt: skip
    if fault == "unlisted":
        rig.known.hosts = ("other.a.example", "*.mx.a.example")
    if fault == "stranger":
        (tmp_path / "other").mkdir()
        rig.authority = type(rig.authority)(tmp_path / "other", "Other CA")
    context = rig.issue("b.example" if fault == "name" else "mx.a.example", expired=fault == "expired")
    replies = {"STARTTLS": "454 4.7.0 no"} if fault == "refused" else {}
    await rig.serve(None if fault == "no tls" else context, replies=replies)
    outcome = await rig.send(delivery)
    if mode is Mode.ENFORCE:
        assert isinstance(outcome, Deferred)
        assert outcome.reply.status == "4.7.5"
        rig.assert_nothing_was_said()
    else:
        assert isinstance(outcome, Sent)
        assert outcome.evidence.proof in ("unverified", "none")
    assert [(v.policy.kind, v.flaw) for v in rig.verdicts] == [("sts", flaw)]


async def test_a_policy_in_testing_proves_nothing(trusting, delivery) -> None:
    rig = trusting
    rig.known = Known(a_example=Mode.TESTING)
    await rig.serve(rig.issue("mx.a.example"))
    assert isinstance(await rig.send(delivery), Sent)
    assert (await rig.send(delivery, route=Route.TLS)).insecure
    assert (await rig.send(delivery, HopSettings(mx=True, tls=HopTls.VERIFY))).insecure
    assert len(rig.peer.arrived) == 1


async def test_dane_comes_first(trusting, delivery) -> None:
    rig = trusting
    rig.known = Known(a_example=Mode.ENFORCE)
    context = rig.issue("mx.a.example")
    await rig.serve(context)
    rig.publish(tlsa(context, wrong=True))  # valid for MTA-STS, but DNS says otherwise
    failed = await rig.send(delivery)
    assert isinstance(failed, Deferred)
    rig.assert_nothing_was_said()
    rig.known.hosts = ("other.example",)
    rig.publish(tlsa(context))
    rig.zone.ttl = 0
    sent = await rig.send(delivery)
    assert isinstance(sent, Sent)
    assert sent.evidence.proof == "dane"


async def test_what_is_not_to_be_honoured_is_not(trusting, delivery) -> None:
    rig = trusting
    rig.known = Known(a_example=Mode.ENFORCE)
    context = rig.issue("b.example")
    await rig.serve(context)
    rig.publish(tlsa(context, wrong=True))
    assert isinstance(await rig.send(delivery, HopSettings(mx=True, honours=())), Sent)
    assert isinstance(await rig.send(delivery, HopSettings(mx=True, honours=("dane",))), Deferred)
    assert isinstance(await rig.send(delivery, HopSettings(mx=True, honours=("mta-sts",))), Deferred)
    assert len(rig.peer.arrived) == 1


# -- REQUIRETLS and TLS-Required: No (RFC 8689) ----------------------------------------------------------------------

PROMISING = ["8BITMIME", "DSN", "REQUIRETLS"]


async def test_requiretls_goes_on_with_the_mail(rig, delivery) -> None:
    context = rig.issue("elsewhere.example")
    await rig.serve(context, extensions=list(PROMISING))
    rig.publish(tlsa(context))
    sent = await rig.send(delivery, require_tls=True)
    assert isinstance(sent, Sent)
    assert rig.peer.arrived[0].mail.endswith(" REQUIRETLS")
    assert isinstance(await rig.send(delivery), Sent)
    assert "REQUIRETLS" not in rig.peer.arrived[1].mail


@pytest.mark.parametrize("fault", ["no promise", "not proven", "no tls"])
async def test_requiretls_comes_back_where_it_is_not_kept(rig, delivery, fault: str) -> None:
    extensions = ["DSN"] if fault == "no promise" else list(PROMISING)
    context = rig.issue("elsewhere.example")
    await rig.serve(None if fault == "no tls" else context, extensions=extensions)
    if fault == "no promise":
        rig.publish(tlsa(context))
    refused = await rig.send(delivery, require_tls=True)
    assert isinstance(refused, Refused), refused
    assert (refused.reply.code, refused.reply.status) == (550, "5.7.30")
    rig.assert_nothing_was_said()


async def test_requiretls_waits_while_it_may_still_be_kept(rig, delivery) -> None:
    context = rig.issue()
    await rig.serve(context, extensions=list(PROMISING), replies={"GREETING": "421 4.3.2 later"})
    rig.publish(tlsa(context))
    assert isinstance(await rig.send(delivery, require_tls=True), Deferred)
    rig.peer.replies.clear()
    rig.zone.bogus.add(f"_{rig.peer.port}._tcp.mx.a.example")
    assert isinstance(await rig.send(delivery, require_tls=True), Deferred)
    rig.assert_nothing_was_said()


async def test_requiretls_by_a_configured_host_verifies_it_even_where_ordinary_mail_does_not(rig, delivery) -> None:
    await rig.serve(rig.issue("127.0.0.1"), extensions=list(PROMISING))
    hop = HopSettings(host=f"127.0.0.1:{rig.peer.port}", ca=rig.authority.path)
    sent = await rig.send(delivery, hop, require_tls=True)
    assert isinstance(sent, Sent)
    assert sent.evidence.proof == "pki"
    stranger = await rig.serve(rig.issue("other.example"), extensions=list(PROMISING))
    hop = HopSettings(host=f"127.0.0.1:{stranger.port}", ca=rig.authority.path)
    assert isinstance(await rig.send(delivery, hop, require_tls=True), Refused)
    assert isinstance(await rig.send(delivery, hop), Sent)


async def test_a_bounce_says_requiretls_where_it_can_and_goes_where_it_cannot(rig, delivery) -> None:
    context = rig.issue()
    await rig.serve(context, extensions=list(PROMISING))
    assert isinstance(await rig.send(delivery, require_tls=True, sender=None), Sent)
    assert rig.peer.arrived[0].mail == "MAIL FROM:<> REQUIRETLS"
    for script in ({"tls": None, "extensions": list(PROMISING)}, {"tls": context, "extensions": ["DSN"]}):
        tls = script.pop("tls")
        await rig.serve(tls, **script)
        assert isinstance(await rig.send(delivery, require_tls=True, sender=None), Sent)
        assert rig.peer.arrived[0].mail == "MAIL FROM:<>"


async def test_a_partner_without_the_promise_gets_no_requiretls(rig, delivery) -> None:
    await rig.serve(rig.issue("127.0.0.1"), extensions=["DSN"])
    host = f"127.0.0.1:{rig.peer.port}"
    partner = PartnerSettings(domains=("a.example",), host=host, tls=PartnerTls(ca=rig.authority.path))
    for expected, message in ((Refused, {"require_tls": True}), (Sent, {})):
        outcome = await rig.send(delivery, route=Route.PARTNER, partners={"st-mary": partner}, **message)
        assert isinstance(outcome, expected)
    wrong = PartnerSettings(
        domains=("a.example",), host=host, tls=PartnerTls(ca=rig.authority.path, names=("b.example",))
    )
    waits = await rig.send(delivery, route=Route.PARTNER, partners={"st-mary": wrong}, require_tls=True)
    assert isinstance(waits, Deferred)  # its fallback is for just this
    assert waits.insecure


NO = b"Subject: x\r\nTLS-Required: No\r\n\r\nhello\r\n"


async def test_tls_required_no_waives_what_domains_publish_for_ordinary_mail_only(trusting, delivery, item) -> None:
    rig = trusting
    rig.known = Known(a_example=Mode.ENFORCE)
    context = rig.issue("elsewhere.example")
    await rig.serve(context)
    rig.publish(tlsa(context, wrong=True))
    waived = await rig.send(delivery, raw=NO)
    assert isinstance(waived, Sent)
    assert rig.peer.arrived.pop().raw == NO
    notice = item(TO, kind=Kind.NOTICE)
    held = (
        await rig.send(delivery, raw=NO, route=Route.TLS),
        await rig.send(delivery, HopSettings(mx=True, tls=HopTls.DANE), raw=NO),
        await rig.send(delivery, HopSettings(mx=True, tls=HopTls.VERIFY), raw=NO),
        await rig.send(delivery, raw=NO, to=notice),
        await rig.send(delivery, raw=NO.replace(b"No", b"No, really")),
        await rig.send(delivery, raw=NO.replace(b"TLS", b"TLS-Required: No\r\nTLS")),
        await rig.send(delivery, raw=b"Subject: x\r\n\r\nTLS-Required: No\r\n"),
    )
    for outcome in held:
        assert isinstance(outcome, Deferred), outcome
    refused = await rig.send(delivery, raw=NO, require_tls=True)  # the header counts for nothing beside it
    assert isinstance(refused, Refused)
    partner = PartnerSettings(domains=("a.example",), tls=PartnerTls(verify=Verify.DANE))
    assert (await rig.send(delivery, raw=NO, route=Route.PARTNER, partners={"st-mary": partner})).insecure
    assert not rig.peer.arrived
    report = item(TO, kind=Kind.NOTICE, rule=TLS_REPORT)  # tells of what does not work
    assert isinstance(await rig.send(delivery, raw=NO, to=report), Sent)


# -- limits, loops ---------------------------------------------------------------------------------------------------


async def test_limits_of_a_destination(rig, delivery) -> None:
    await rig.serve(None)
    hop = HopSettings(mx=True, limits=DestinationLimits(connections=1, recipients=2, messages=1))
    async with rig.courier(hop) as out:
        await out.deliver(delivery(*(f"{n}@a.example" for n in range(5))))
    assert [len(each.recipients) for each in rig.peer.arrived] == [2, 2, 1]
    assert (rig.peer.connections, rig.peer.most_open) == (3, 1)


async def test_an_mx_that_is_our_own_door_ends_in_no_ring(rig, delivery) -> None:
    await rig.serve(None)
    async with rig.courier(listening=(Endpoint("0.0.0.0", rig.peer.port),)) as out:
        outcome = (await out.deliver(delivery(TO)))[TO]
    assert isinstance(outcome, Refused)
    assert outcome.reply.status == "5.4.6"
    assert rig.peer.connections == 0


async def test_hosts_without_addresses_are_final_and_unknown_ones_are_not(rig, delivery) -> None:
    await rig.serve(None)
    rig.zone.put("a.example", MX=["10 gone.a.example.", "20 empty.a.example."])
    rig.zone.put("empty.a.example", TXT='"x"')
    refused = await rig.send(delivery)
    assert isinstance(refused, Refused)
    assert refused.reply.status == "5.4.4"
    rig.zone.servfail |= {("empty.a.example", "A")}
    assert isinstance(await rig.send(delivery), Deferred)
    rig.zone.put("a.example", MX=["10 empty.a.example.", "20 mx.a.example."])
    assert isinstance(await rig.send(delivery), Sent)


# -- proven: what domains publish, asked before a message is decided -------------------------------------------------


@pytest.mark.parametrize("kinds", [("dane",), ("mta-sts",), ("dane", "mta-sts")])
async def test_domains_that_publish_what_proves_them(rig, kinds, monkeypatch) -> None:
    context = rig.issue()
    await rig.serve(context)
    monkeypatch.setattr("delivery.couriers.published.SMTP_PORT", rig.peer.port)
    rig.publish(tlsa(context))
    rig.zone.put("bogus.example", MX="10 mx.bogus.example.")
    rig.zone.put("mx.bogus.example", A="127.0.0.1")
    rig.zone.signed |= {"bogus.example"}
    rig.zone.bogus |= {"_tcp.mx.bogus.example", f"_{rig.peer.port}._tcp.mx.bogus.example"}
    rig.zone.put("testing.example", MX="10 mx.a.example.")
    rig.zone.put("enforcing.example", MX="10 mx.a.example.")
    rig.known = Known(testing_example=Mode.TESTING, enforcing_example=Mode.ENFORCE)
    promises = Promises(kinds, rig.zone.resolver(), rig.known, OwnServer("gate.example.com"))
    names = ["a.example", "bogus.example", "enforcing.example", "gone.example", "testing.example"]
    told = await promises.of(names)
    wanted = {"a.example": "dane" in kinds, "enforcing.example": "mta-sts" in kinds}
    assert told == dict.fromkeys(names, False) | wanted


async def test_who_does_not_answer_in_time_promises_nothing(rig, monkeypatch) -> None:
    monkeypatch.setattr("delivery.couriers.published.SECONDS", 0.05)
    rig.zone.silent.add("a.example")
    promises = Promises(("dane",), rig.zone.resolver(), rig.known, OwnServer("gate.example.com"))
    assert await promises.of(["a.example"]) == {"a.example": False}
