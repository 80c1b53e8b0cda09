"""Settings of DNS, proof and reports; and what targets are made of them."""

import base64
import hashlib
import ssl
from types import SimpleNamespace

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from pydantic import ValidationError

from delivery.couriers.changes import says_tls_not_required
from delivery.couriers.targets import Dane, Hops, Wish
from delivery.hops import (
    DestinationLimits,
    DnsSettings,
    HopSettings,
    HopTls,
    PartnerSettings,
    PartnerTls,
    Published,
    Verify,
)
from delivery.items import Destination
from delivery.settings import TlsReportSettings
from delivery.tls import Flaw, Proof, TlsDemand, Unproven, handshake_flaw, prove
from policy.decision import Route

MX = HopSettings(mx=True)


@pytest.mark.parametrize(
    ("kind", "values", "says"),
    [
        (DnsSettings, {"servers": ["dns.example"]}, "no address of a DNS server"),
        (DnsSettings, {"dnssec": "trusted"}, "needs servers"),
        (DestinationLimits, {"connections": 0}, "greater than or equal to 1"),
        (DestinationLimits, {"recipients": True}, "valid integer"),
        (HopSettings, {"host": "a.example", "honours": ["dane"]}, "only with mx"),
        (HopSettings, {"host": "a.example", "client_key": "x"}, "go together"),
        (PartnerTls, {"verify": "dane", "ca": "x"}, "do not count with verify: dane"),
        (PartnerTls, {"verify": "dane", "fingerprints": ["0" * 64]}, "only with verify: pinned"),
        (PartnerTls, {"public_keys": ["0" * 64]}, "only with verify: pinned"),
        (PartnerTls, {"verify": "pinned"}, "needs fingerprints"),
        (PartnerTls, {"verify": "pinned", "public_keys": ["sha256//short"]}, "no SHA-256 of a public key"),
        (TlsReportSettings, {"organisation": "Example"}, "only with contact"),
        (TlsReportSettings, {"contact": "nobody"}, "no address"),
        (TlsReportSettings, {"contact": "ü@example.com"}, "ASCII"),
    ],
)
def test_what_cannot_be_carried_out_is_a_mistake(kind, values, says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        kind.model_validate(values)


def test_servers_are_believed_only_where_that_was_said() -> None:
    assert [server.port for server in DnsSettings(servers=("127.0.0.1", "[::1]:5353")).endpoints] == [53, 5353]
    assert DnsSettings(servers=("127.0.0.1", "[::1]")).is_validating
    for settings in (
        DnsSettings(),
        DnsSettings(servers=("127.0.0.1", "192.0.2.53")),
        DnsSettings(servers=("127.0.0.1",), dnssec="never"),
    ):
        assert not settings.is_validating


def test_public_keys_are_written_in_more_than_one_way() -> None:
    digest = bytes(range(32))
    ways = (digest.hex(), digest.hex().upper(), f"sha256//{base64.b64encode(digest).decode()}", digest.hex(":"))
    assert PartnerTls(verify=Verify.PINNED, public_keys=ways).public_keys == (digest.hex(),) * 4


def target(hop: HopSettings, route: Route = Route.RELAY, wish: Wish = Wish.NOTHING, **more):
    hops = Hops(hop, more.get("inside"), more.get("partners", {}))
    name = "p" if route is Route.PARTNER else ""
    return hops.target(Destination(route, name, bool(more.get("inside"))), "bob@a.example", wish)


def test_what_is_asked_of_whom() -> None:
    assert (target(MX).dane, target(MX).sts) == (Dane.WHERE_PUBLISHED, True)
    only = HopSettings(mx=True, honours=(Published.MTA_STS,))
    assert (target(only).dane, target(only).sts) == (Dane.NEVER, True)
    host = HopSettings(host="smtp.example.com")
    assert (target(host).dane, target(host).sts) == (Dane.NEVER, False)
    assert target(HopSettings(host="smtp.example.com", tls=HopTls.DANE)).dane is Dane.ALWAYS
    tls = target(host, Route.TLS)
    assert (tls.dane, tls.sts, tls.demand.names) == (Dane.WHERE_PUBLISHED, True, ("a.example",))
    partner = PartnerSettings(domains=("a.example",), tls=PartnerTls(verify=Verify.DANE))
    assert target(host, Route.PARTNER, partners={"p": partner}).dane is Dane.ALWAYS


def test_a_wish_only_adds_but_for_ordinary_mail() -> None:
    strict = target(MX, wish=Wish.REQUIRE_TLS)
    assert (strict.requires_tls, strict.bounces_unproven, strict.demand.proof) == (True, True, Proof.PKI)
    assert not strict.demand.clear_allowed
    none = HopSettings(mx=True, honours=())
    assert target(none, wish=Wish.REQUIRE_TLS).sts, "what proves it is asked for all the same"
    waived = target(MX, wish=Wish.WITHOUT_POLICY)
    assert (waived.dane, waived.sts) == (Dane.NEVER, False)
    for hop, route in (
        (HopSettings(mx=True, tls=HopTls.DANE), Route.RELAY),
        (MX, Route.TLS),
    ):
        assert target(hop, route, Wish.WITHOUT_POLICY) == target(hop, route)
    verified = target(HopSettings(mx=True, tls=HopTls.VERIFY), wish=Wish.WITHOUT_POLICY)
    assert verified.demand.proof is Proof.PKI


def test_tls_required_no_is_read_from_the_header_alone() -> None:
    assert says_tls_not_required(b"A: b\r\ntls-required:  NO \r\n\r\nx")
    for raw in (
        b"\r\nTLS-Required: No\r\n",
        b"A: b\r\n\r\nTLS-Required: No\r\n",
        b"TLS-Required: Yes\r\n\r\n",
        b"TLS-Required: No\r\nTLS-Required: No\r\n\r\n",
        b"X-TLS-Required: No\r\n\r\n",
        b"A: b\r\n TLS-Required: No\r\n\r\n",
        b"",
    ):
        assert not says_tls_not_required(raw), raw


def test_names_of_flaws() -> None:
    assert handshake_flaw(ValueError()) is Flaw.INVALID
    assert Unproven("x").flaw is Flaw.INVALID
    assert TlsDemand(Proof.STS, listed="mx.a.example").sni == "mx.a.example"
    assert TlsDemand(names=("192.0.2.1", "b.example"), ask_for="c.example").sni == "c.example"


def test_a_pinned_public_key_outlives_its_certificate(authority) -> None:
    der = ssl.PEM_cert_to_DER_cert(authority.issue("a.example").certificate.read_text())
    key = x509.load_der_x509_certificate(der).public_key()
    digest = hashlib.sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()
    tls = SimpleNamespace(
        getpeercert=lambda binary_form: der, cipher=lambda: ("X", "TLSv1.3", 256), version=lambda: "TLSv1.3"
    )
    shown = prove(tls, TlsDemand(Proof.PINNED, fingerprints=("ab" * 32,), public_keys=(digest,)))
    assert (shown.proof, shown.public_key_sha256) == (Proof.PINNED, digest)
    assert "pinned public key" in shown.proven_by
    with pytest.raises(Unproven, match="public key"):
        prove(tls, TlsDemand(Proof.PINNED, public_keys=("cd" * 32,)))
