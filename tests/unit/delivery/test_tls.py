"""Names of certificates, and demands."""

import ssl
from types import SimpleNamespace

import pytest

from delivery.couriers.targets import Hops, NoTarget
from delivery.hops import HopSettings, HopTls, InsideSettings, PartnerSettings, PartnerTls, Verify
from delivery.items import Destination
from delivery.tls import (
    OwnTlsBroken,
    Proof,
    TlsContexts,
    TlsDemand,
    Unproven,
    certificate_names,
    make_context,
    name_matches,
    prove,
)
from policy.decision import Route


def test_names_match_whole_or_by_their_first_label() -> None:
    assert name_matches("mail.example.org", ("mail.example.org",))
    assert name_matches("MAIL.example.org.", ("mail.example.org",))
    assert name_matches("mail.example.org", ("x", "*.example.org"))
    assert name_matches("192.0.2.1", ("192.0.2.1",))
    assert name_matches("2001:DB8::1", ("2001:db8::1",))
    for name, names in {
        "mail.example.org": ("example.org", "*.org", "m*.example.org", "*", "*.mail.example.org", "mail.*.org"),
        "a.mail.example.org": ("*.example.org",),
        "example.org": ("*.example.org", "*.org"),
        "192.0.2.1": ("*.0.2.1", "192.0.2.10"),
        "": ("", "*"),
    }.items():
        for each in names:
            assert not name_matches(name, (each,)) or name == each == "", (name, each)


def test_the_common_name_is_not_a_name(authority) -> None:
    issued = authority.issue("mail.example.org", "*.example.net", "192.0.2.1")
    der = ssl.PEM_cert_to_DER_cert(issued.certificate.read_text())
    assert certificate_names(der) == ("mail.example.org", "*.example.net", "192.0.2.1")
    assert certificate_names(b"no certificate") == ()
    assert certificate_names(der[:100]) == ()


def peer(der: bytes | None) -> SimpleNamespace:
    return SimpleNamespace(
        getpeercert=lambda binary_form: der, cipher=lambda: ("X", "TLSv1.3", 256), version=lambda: "TLSv1.3"
    )


def test_a_peer_without_certificate_proves_nothing() -> None:
    for demand in (TlsDemand(Proof.PKI, names=("a.example",)), TlsDemand(Proof.PINNED, fingerprints=("00" * 32,))):
        with pytest.raises(Unproven, match="no certificate"):
            prove(peer(None), demand)
    shown = prove(peer(None), TlsDemand(clear_allowed=True))
    assert (shown.proof, shown.certificate_sha256) == (Proof.UNVERIFIED, None)


def test_a_demand_without_names_is_met_by_nobody() -> None:
    with pytest.raises(Unproven):
        prove(peer(b"\x30\x00"), TlsDemand(Proof.PKI))
    with pytest.raises(Unproven):
        prove(peer(b"\x30\x00"), TlsDemand(Proof.PINNED))


def test_our_own_files_are_named_when_broken(tmp_path) -> None:
    broken = tmp_path / "broken.pem"
    broken.write_text("no certificate")
    with pytest.raises(OwnTlsBroken, match="of ours"):
        make_context(TlsDemand(Proof.PKI, ca=broken))
    with pytest.raises(OwnTlsBroken, match="of ours"):
        make_context(TlsDemand(Proof.PKI, ca=tmp_path / "gone.pem"))


async def test_contexts_are_made_again_when_a_file_changes(authority) -> None:
    contexts = TlsContexts()
    demand = TlsDemand(Proof.PKI, names=("a.example",), ca=authority.path)
    first = await contexts.get(demand)
    assert await contexts.get(TlsDemand(Proof.PKI, names=("b.example",), ca=authority.path)) is first
    authority.path.write_bytes(authority.path.read_bytes() + b"\n")
    assert await contexts.get(demand) is not first


async def test_what_may_go_in_the_clear_shares_no_context_with_what_may_not() -> None:
    """Its own takes old versions and weak ciphers."""
    contexts = TlsContexts()
    weak, strong = await contexts.get(TlsDemand(clear_allowed=True)), await contexts.get(TlsDemand())
    assert weak.minimum_version < strong.minimum_version == ssl.TLSVersion.TLSv1_2


# --- targets ---------------------------------------------------------------------------------------------------------

HOST = HopSettings(host="smtp.example.com:25")
HOPS = Hops(
    next_hop=HOST,
    inside=InsideSettings(host="mail.example.com:2525"),
    partners={
        "pki": PartnerSettings(domains=("a.example",), host="gw.a.example:25"),
        "mx": PartnerSettings(domains=("a.example",), tls=PartnerTls(minimum="1.3")),
        "names": PartnerSettings(domains=("a.example",), host="192.0.2.1:25", tls=PartnerTls(names=("gw.a.example",))),
        "pinned": PartnerSettings(
            domains=("a.example",), host="192.0.2.1:25", tls=PartnerTls(verify=Verify.PINNED, fingerprints=("ab" * 32,))
        ),
    },
)


def target(route: Route, name: str = "", *, inside: bool = False, to: str = "x@A.example", hops: Hops = HOPS):
    return hops.target(Destination(route, name, inside), to)


def test_what_each_destination_demands() -> None:
    relay = target(Route.RELAY)
    assert (relay.host, relay.demand.clear_allowed, relay.demands_tls) == (("smtp.example.com", 25), True, False)
    assert target(Route.PARTNER, "pki").demand == TlsDemand(Proof.PKI, names=("gw.a.example",))
    by_mx = target(Route.PARTNER, "mx")
    assert (by_mx.host, by_mx.domain, by_mx.demand.names) == (None, "a.example", ("a.example",))
    assert by_mx.demand.minimum == "1.3"
    assert target(Route.PARTNER, "names").demand.names == ("gw.a.example",)
    pinned = target(Route.PARTNER, "pinned").demand
    assert (pinned.proof, pinned.fingerprints, pinned.names) == (Proof.PINNED, ("ab" * 32,), ())
    tls = target(Route.TLS)
    assert (tls.domain, tls.demand) == ("a.example", TlsDemand(Proof.PKI, names=("a.example",)))


def test_only_ordinary_mail_may_go_in_the_clear() -> None:
    for route, name in ((Route.PARTNER, "pki"), (Route.PARTNER, "mx"), (Route.PARTNER, "pinned"), (Route.TLS, "")):
        assert target(route, name).demands_tls
    open_inside = Hops(HOST, HopSettings(host="mail.example.com:25"), {})
    for hops in (open_inside, Hops(HOST, None, {})):
        for route in (Route.PARTNER, Route.TLS):
            secure = target(route, inside=True, hops=hops)
            assert secure.demand.proof is Proof.PKI
            assert secure.demands_tls
        assert not target(Route.RELAY, inside=True, hops=hops).demands_tls


def test_each_hop_demands_what_its_tls_setting_says() -> None:
    assert target(Route.RELAY, inside=True).demand == TlsDemand(Proof.PKI, names=("mail.example.com",))
    required = Hops(HopSettings(mx=True, tls=HopTls.REQUIRE), None, {})
    assert target(Route.RELAY, hops=required).demand == TlsDemand(Proof.UNVERIFIED)
    assert target(Route.RELAY, hops=required).domain == "a.example"
    verified = Hops(HopSettings(mx=True, tls=HopTls.VERIFY), None, {})
    assert target(Route.RELAY, hops=verified).demand.names == ("a.example",)
    assert target(Route.RELAY, hops=verified, to="x@Bücher.example").domain == "xn--bcher-kva.example"


def test_what_has_no_target() -> None:
    with pytest.raises(NoTarget):
        target(Route.PARTNER, "gone")
    with pytest.raises(NoTarget):
        target(Route.SAFEBOX)
    for wrong in ("x@", "x@a b", "x@" + "ü" * 300 + ".example", ""):
        with pytest.raises(NoTarget):
            target(Route.TLS, to=wrong)
