"""What a host must show, from what DNS and policies say; policies remembered; sessions counted: without a network."""

import gzip
import json
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import dns.flags
import dns.message
import dns.rdataclass
import dns.rdatatype
import dns.resolver
import dns.rrset
import pytest

from delivery.couriers.proving import Candidate, plan_for
from delivery.couriers.published import Promises
from delivery.couriers.targets import Dane, Target
from delivery.hops import DnsSettings
from delivery.mx import OwnServer
from delivery.resolving import DnsResolver, Found, LookupFailed, MxRecord, NoSuchDomain, Tlsa
from delivery.store.database import Database
from delivery.store.tls_sessions import ReportState, claim_reports, end_report, forget_sessions, sessions_of
from delivery.store.upgrade import upgrade
from delivery.sts.fetching import FetchFailed
from delivery.sts.known import KnownPolicies
from delivery.sts.passing import PassingPolicies
from delivery.stspolicy import Mode, StsPolicy
from delivery.tls import Flaw, Proof, TlsDemand, Unproven
from delivery.tlsrpt.counting import Tally
from delivery.tlsrpt.report import Reporter, compose, compose_mail, read_report_record
from delivery.verdicts import PolicyFact, PolicyKind, Verdict

GOOD = Tlsa(3, 1, 1, b"\xab" * 32)
USELESS = Tlsa(1, 1, 1, b"\xab" * 32)
ANY = TlsDemand(clear_allowed=True)
ORDINARY = Target(ANY, domain="a.example", dane=Dane.WHERE_PUBLISHED, sts=True)
START = datetime(2026, 3, 2, 9, tzinfo=UTC)


class World:
    """DNS and a web server in a dictionary; an exception is raised."""

    def __init__(self, **answers: Any) -> None:
        self.answers = answers

    def tell(self, kind: str, name: str) -> Any:
        answer = self.answers.get(f"{kind} {name}", NoSuchDomain(name))
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def mx(self, domain: str) -> Found[MxRecord]:
        return self.tell("MX", domain)

    async def addresses(self, host: str) -> Found[str]:
        return self.tell("A", host)

    async def alias(self, host: str) -> Found[str]:
        return self.tell("CNAME", host)

    async def tlsa(self, name: str) -> Found[Tlsa]:
        return self.tell("TLSA", name)

    async def txt(self, name: str) -> Found[str]:
        return self.tell("TXT", name)

    async def fetch(self, domain: str) -> bytes:
        return self.tell("GET", domain)


def candidate(*, secure: bool = True, vouched: bool = True, name: str = "mx.a.example") -> Candidate:
    return Candidate("mx.a.example", 25, Found(("192.0.2.1",), secure, name), vouched)


def sts(mode: Mode, *hosts: str) -> StsPolicy:
    return StsPolicy("a.example", "1", mode, hosts or ("mx.a.example",), 86400)


AT = "TLSA _25._tcp.mx.a.example"


async def test_records_decide_where_there_are_some() -> None:
    world = World(**{AT: Found((GOOD, USELESS), secure=True)})
    plan = await plan_for(world, ORDINARY, candidate(), sts(Mode.ENFORCE, "other.example"))
    assert (plan.demand.proof, plan.demand.tlsa, plan.demand.clear_allowed) == (Proof.DANE, (GOOD,), False)
    assert plan.demand.names == ("mx.a.example", "a.example")
    assert (plan.policy.kind, plan.demand.sni) == (PolicyKind.TLSA, "mx.a.example")


@pytest.mark.parametrize(
    ("records", "one"),
    [
        (Found((GOOD,), secure=False), candidate()),
        (Found((GOOD,), secure=True), candidate(secure=False)),
        (Found((GOOD,), secure=True), candidate(vouched=False)),
        (Found((GOOD,), secure=True), candidate(name="")),
        (Found((), secure=True), candidate()),
        (NoSuchDomain("x"), candidate()),
    ],
)
async def test_what_is_not_signed_demands_nothing(records: Any, one: Candidate) -> None:
    plan = await plan_for(World(**{AT: records}), ORDINARY, one, None)
    assert (plan.demand, plan.policy.kind) == (ANY, PolicyKind.NONE)
    with pytest.raises(Unproven) as told:
        await plan_for(World(**{AT: records}), Target(ANY, domain="a.example", dane=Dane.ALWAYS), one, None)
    assert told.value.flaw is Flaw.DANE_REQUIRED


async def test_no_answer_is_never_none() -> None:
    for world in (World(**{AT: LookupFailed("x")}), World(**{"CNAME mx.a.example": LookupFailed("x")})):
        one = candidate() if AT in world.answers else candidate(secure=False, name="b.example")
        with pytest.raises(Unproven) as told:
            await plan_for(world, ORDINARY, one, None)
        assert told.value.flaw is Flaw.DNSSEC_INVALID


async def test_an_alias_may_be_signed_though_what_it_leads_to_is_not() -> None:
    one = candidate(secure=False, name="host.b.example")
    signed = {"CNAME mx.a.example": Found(("host.b.example",), secure=True), AT: Found((GOOD,), secure=True)}
    assert (await plan_for(World(**signed), ORDINARY, one, None)).demand.proof is Proof.DANE
    signed["CNAME mx.a.example"] = Found(("host.b.example",), secure=False)
    assert (await plan_for(World(**signed), ORDINARY, one, None)).demand == ANY


async def test_useless_records_demand_tls() -> None:
    world = World(**{AT: Found((USELESS,), secure=True)})
    plan = await plan_for(world, ORDINARY, candidate(), None)
    assert (plan.demand.proof, plan.demand.clear_allowed) == (Proof.UNVERIFIED, False)


async def test_an_enforced_policy_is_demanded_and_one_in_testing_only_told() -> None:
    enforced = await plan_for(World(), ORDINARY, candidate(), sts(Mode.ENFORCE))
    assert (enforced.demand.proof, enforced.demand.listed, enforced.testing_demand) == (Proof.STS, "mx.a.example", None)
    with pytest.raises(Unproven, match="does not list"):
        await plan_for(World(), ORDINARY, candidate(), sts(Mode.ENFORCE, "other.example"))
    testing = await plan_for(World(), ORDINARY, candidate(), sts(Mode.TESTING, "other.example"))
    assert (testing.demand, testing.unlisted) == (ANY, True)
    assert (await plan_for(World(), ORDINARY, candidate(), sts(Mode.NONE))).demand == ANY
    own = TlsDemand(Proof.PKI, names=("a.example",))
    proven = Target(own, domain="a.example", sts=True)
    assert (await plan_for(World(), proven, candidate(), sts(Mode.TESTING))).demand == own
    both = (await plan_for(World(), proven, candidate(), sts(Mode.ENFORCE))).demand
    assert (both.proof, both.names, both.listed) == (Proof.PKI, ("a.example",), "mx.a.example")


TEXT = b"version: STSv1\nmode: enforce\nmx: mx.a.example\nmax_age: 604800\n"
ANNOUNCED = {"TXT _mta-sts.a.example": Found(("v=STSv1; id=1;",)), "GET a.example": TEXT}


async def test_a_domain_that_publishes_dane_or_an_enforced_policy_promises_proof() -> None:
    world = World(
        **ANNOUNCED,
        **{
            "MX d.example": Found((MxRecord(1, "mx.a.example"),), secure=True),
            "A mx.a.example": Found(("192.0.2.1",), True, "mx.a.example"),
            AT: Found((GOOD,), secure=True),
            "MX e.example": LookupFailed("x"),
        },
    )
    promises = Promises(("dane", "mta-sts"), world, PassingPolicies(world, world), OwnServer("gate.example.com"))
    told = await promises.of(["a.example", "d.example", "e.example", "g.example"])
    assert told == {"a.example": True, "d.example": True, "e.example": False, "g.example": False}


@pytest.fixture
def db(tmp_path):
    with Database.open(f"sqlite:///{tmp_path / 'x.db'}") as made:
        upgrade(made)
        yield made


async def test_policies_are_remembered(db) -> None:
    now, told = [START], list[Verdict]()
    world = World(**ANNOUNCED)
    known = KnownPolicies(world, world, db, lambda: now[0], told.append)
    assert (await known.policy("a.example")).mode is Mode.ENFORCE
    assert await known.policy("no domain") is None
    world.answers.clear()
    fresh = KnownPolicies(world, world, db, lambda: now[0], told.append)
    assert await fresh.policy("a.example")
    now[0] += timedelta(days=1, minutes=1)
    world.answers["GET a.example"] = FetchFailed("gone", Flaw.STS_FETCH)
    assert await fresh.refresh() == 1
    assert await fresh.refresh() == 0
    assert [verdict.flaw for verdict in told] == [Flaw.STS_FETCH]
    world.answers |= {"TXT _mta-sts.a.example": Found(("v=STSv1; id=2;",)), "GET a.example": b"nonsense"}
    assert (await fresh.policy("a.example")).id == "1"
    now[0] += timedelta(days=7)
    assert await fresh.policy("a.example") is None


async def test_sessions_are_counted_and_told(db) -> None:
    now = [START]
    tally = Tally(db, lambda: now[0])
    fact = PolicyFact(PolicyKind.STS, "a.example", ("mode: testing",), ("mx.a.example",))
    for flaw in (None, None, Flaw.EXPIRED):
        tally.note(Verdict("a.example", fact, "mx.a.example", "192.0.2.1", Proof.STS, flaw))
        await tally.write()
    tally.note(Verdict("", fact, "mx.a.example", "192.0.2.1", Proof.STS))
    await tally.write()
    now[0] += timedelta(days=1)
    [due] = await db.write(partial(claim_reports, now=now[0], limit=5))
    counted = await db.read(lambda conn: sessions_of(conn, due.day, due.domain))
    who = Reporter("Example", "tls@example.com", "tls@example.com", "gate.example.com")
    report = compose(who, due.day, due.domain, counted)
    [policy] = json.loads(gzip.decompress(report.packed))["policies"]
    assert policy["summary"] == {"total-successful-session-count": 2, "total-failure-session-count": 1}
    subject, raw = compose_mail(who, report, "reports@a.example", now[0])
    assert subject in raw.decode()
    assert await db.write(partial(end_report, report=due, state=ReportState.SENT))
    assert await db.write(partial(claim_reports, now=now[0] + timedelta(hours=5), limit=5)) == []
    await db.write(partial(forget_sessions, now=now[0] + timedelta(days=30)))
    assert read_report_record(["v=TLSRPTv1; rua=mailto:reports@a.example"]).mail == ("reports@a.example",)


async def test_a_resolver_says_what_dns_said() -> None:
    class Answers:
        def use_edns(self, *_: Any) -> None: ...

        def set_flags(self, _: Any) -> None: ...

        async def resolve(self, name: Any, kind: Any, **_: Any) -> dns.resolver.Answer:
            text = {"MX": "5 MX.a.example.", "AAAA": "2001:db8::1", "A": "192.0.2.1", "CNAME": "b.example.",
                    "TLSA": "3 1 1 " + "ab" * 32, "TXT": '"a" "b"'}[dns.rdatatype.to_text(kind)]  # fmt: skip
            if str(name) == "gone.example.":
                raise dns.resolver.NXDOMAIN
            if str(name) == "failing.example.":
                raise dns.resolver.NoNameservers
            query = dns.message.make_query(name, kind)
            reply = dns.message.make_response(query)
            reply.flags |= dns.flags.AD
            reply.answer.append(dns.rrset.from_text(name, 60, "IN", kind, text))
            return dns.resolver.Answer(name, kind, dns.rdataclass.IN, dns.message.from_wire(reply.to_wire()))

    resolver = DnsResolver(DnsSettings(servers=("127.0.0.1",)), make=Answers)
    assert await resolver.mx("a.example") == Found((MxRecord(5, "mx.a.example"),), True, "a.example")
    assert await resolver.addresses("a.example") == Found(("2001:db8::1", "192.0.2.1"), True, "a.example")
    assert (await resolver.alias("a.example")).records == ("b.example",)
    assert (await resolver.tlsa("a.example")).records == (GOOD,)
    assert (await resolver.txt("a.example")).records == ("ab",)
    for error, name in ((NoSuchDomain, "gone.example"), (LookupFailed, "failing.example"), (NoSuchDomain, "a..b")):
        with pytest.raises(error):
            await resolver.addresses(name)
