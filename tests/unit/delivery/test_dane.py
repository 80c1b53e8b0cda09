"""TLSA records against certificates."""

import datetime
import hashlib
import warnings
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from delivery.dane import Mismatch, matching_record, usable
from delivery.resolving import Tlsa

NOW = datetime.datetime(2025, 3, 1, tzinfo=datetime.UTC)
DAY = datetime.timedelta(days=1)
KEYS = [ec.generate_private_key(ec.SECP256R1()) for _ in range(4)]


def certificate(
    subject: str, key: int, issuer: str = "", by: int | None = None, *, ca: bool = False, path: int | None = None,
    until: datetime.datetime = NOW + DAY, since: datetime.datetime = NOW - DAY, more: Any = (), purpose: Any = None,
) -> x509.Certificate:  # fmt: skip
    def name(text: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])

    builder = (
        x509.CertificateBuilder()
        .subject_name(name(subject))
        .issuer_name(name(issuer or subject))
        .public_key(KEYS[key].public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(since)
        .not_valid_after(until)
        .add_extension(x509.BasicConstraints(ca=ca, path_length=path), critical=True)
    )
    if purpose is not None:
        builder = builder.add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
    for extension, critical in more:
        builder = builder.add_extension(extension, critical=critical)
    return builder.sign(KEYS[key if by is None else by], hashes.SHA256())


def der(*certificates: x509.Certificate) -> list[bytes]:
    return [one.public_bytes(Encoding.DER) for one in certificates]


def record(usage: int, selector: int, matching: int, of: x509.Certificate) -> Tlsa:
    key = of.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    content = key if selector else of.public_bytes(Encoding.DER)
    data = {0: lambda c: c, 1: lambda c: hashlib.sha256(c).digest(), 2: lambda c: hashlib.sha512(c).digest()}[matching]
    return Tlsa(usage, selector, matching, data(content))


ROOT = certificate("root", 0, ca=True)
MIDDLE = certificate("middle", 1, "root", 0, ca=True)
LEAF = certificate("leaf", 2, "middle", 1, purpose=ExtendedKeyUsageOID.SERVER_AUTH)


@pytest.mark.parametrize("matching", [0, 1, 2])
@pytest.mark.parametrize("selector", [0, 1])
@pytest.mark.parametrize(("usage", "of"), [(3, LEAF), (2, MIDDLE), (2, ROOT)])
def test_every_kind_of_record(usage: int, of: x509.Certificate, selector: int, matching: int) -> None:
    right = record(usage, selector, matching, of)
    chain = der(LEAF, MIDDLE, ROOT)
    assert usable([right]) == (right,)
    assert matching_record([right], chain, NOW) is right
    wrong = Tlsa(usage, selector, matching, bytes(reversed(right.data)))
    with pytest.raises(Mismatch):
        matching_record([wrong], chain, NOW)
    assert matching_record([wrong, right], chain, NOW) is right


def test_of_a_servers_own_certificate_only_the_bytes_count() -> None:
    old = certificate("whoever", 3, since=NOW - 9 * DAY, until=NOW - DAY, ca=True)
    assert matching_record([record(3, 1, 1, old)], der(old), NOW)


def test_an_authority_that_was_not_shown_may_stand_in_dns_itself() -> None:
    assert matching_record([record(2, 0, 0, ROOT)], der(LEAF, MIDDLE), NOW)
    with pytest.raises(Mismatch, match="no certificate that was shown"):
        matching_record([record(2, 0, 1, ROOT)], der(LEAF, MIDDLE), NOW)


def test_the_servers_certificate_is_no_authority_for_itself() -> None:
    own = certificate("own", 3, ca=True)
    with pytest.raises(Mismatch):
        matching_record([record(2, 0, 1, own)], der(own), NOW)


BROKEN = {
    "expired": (certificate("leaf", 2, "middle", 1, since=NOW - 9 * DAY, until=NOW - DAY), MIDDLE),
    "not yet": (certificate("leaf", 2, "middle", 1, since=NOW + DAY, until=NOW + 2 * DAY), MIDDLE),
    "for clients": (certificate("leaf", 2, "middle", 1, purpose=ExtendedKeyUsageOID.CLIENT_AUTH), MIDDLE),
    "middle expired": (LEAF, certificate("middle", 1, "root", 0, ca=True, since=NOW - 9 * DAY, until=NOW - DAY)),
    "middle is no authority": (LEAF, certificate("middle", 1, "root", 0)),
    "middle by another key": (LEAF, certificate("middle", 1, "root", 3, ca=True)),
    "leaf by another key": (certificate("leaf", 2, "middle", 3), MIDDLE),
    "middle restricts names": (
        LEAF,
        certificate(
            "middle", 1, "root", 0, ca=True,
            more=[(x509.NameConstraints([x509.DNSName("other.example")], None), True)],
        ),
    ),
    "middle may not sign": (
        LEAF,
        certificate(
            "middle", 1, "root", 0, ca=True,
            more=[(x509.KeyUsage(True, False, False, False, False, False, True, False, False), True)],
        ),
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BROKEN)
def test_paths_that_do_not_hold(case: str) -> None:
    leaf, middle = BROKEN[case]
    with pytest.raises(Mismatch):
        matching_record([record(2, 0, 1, ROOT)], der(leaf, middle, ROOT), NOW)


def test_a_path_is_no_longer_than_its_authority_allows() -> None:
    short = certificate("root", 0, ca=True, path=0)
    with pytest.raises(Mismatch):
        matching_record([record(2, 1, 1, short)], der(LEAF, MIDDLE, short), NOW)
    direct = certificate("leaf", 2, "root", 0)
    assert matching_record([record(2, 1, 1, short)], der(direct, short), NOW)


def test_a_ring_of_authorities_has_an_end() -> None:
    ring = [certificate(f"n{n}", n % 4, f"n{(n + 1) % 12}", (n + 1) % 4, ca=True) for n in range(12)]
    with pytest.raises(Mismatch):
        matching_record([record(2, 0, 1, ROOT)], der(*ring, ROOT), NOW)


def test_bytes_that_are_no_certificate() -> None:
    with pytest.raises(Mismatch, match="cannot be read"):
        matching_record([record(2, 0, 1, ROOT)], [b"\x30\x03abc", *der(ROOT)], NOW)
    with pytest.raises(Mismatch):
        matching_record([record(3, 1, 1, ROOT)], [b"\x30\x03abc"], NOW)
    with warnings.catch_warnings(), pytest.raises(Mismatch):
        matching_record([Tlsa(2, 0, 0, b"nothing")], der(LEAF, MIDDLE), NOW)


def test_records_of_no_use() -> None:
    good = record(3, 1, 1, LEAF)
    for useless in (
        record(0, 0, 1, ROOT),
        record(1, 1, 1, LEAF),
        Tlsa(4, 0, 1, good.data),
        Tlsa(255, 0, 1, good.data),
        Tlsa(3, 2, 1, good.data),
        Tlsa(3, 1, 3, good.data),
        Tlsa(3, 1, 1, good.data[:-1]),
        Tlsa(3, 1, 2, good.data),
        Tlsa(3, 1, 0, b""),
    ):
        assert usable([useless]) == ()
        assert usable([useless, good]) == (good,)


def test_of_digests_only_the_strongest_counts() -> None:
    weak, strong, whole = record(3, 1, 1, LEAF), record(3, 1, 2, LEAF), record(3, 1, 0, LEAF)
    assert usable([weak, strong, whole]) == (strong, whole)
    other = record(3, 0, 1, LEAF)  # another selector stands for itself
    assert usable([weak, strong, other]) == (strong, other)


def test_a_thousand_records_cost_no_more_than_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """A zone that holds what fits into an answer, a peer that shows all it may: each certificate is read once."""
    reads: list[bytes] = []
    read = x509.load_der_x509_certificate
    monkeypatch.setattr(x509, "load_der_x509_certificate", lambda one: reads.append(one) or read(one))
    chain = der(LEAF, MIDDLE, ROOT, *(certificate(f"n{n}", n % 4, ca=True) for n in range(16)))
    many = [Tlsa(usage, 1, 1, bytes([usage]) + n.to_bytes(31, "big")) for n in range(600) for usage in (2, 3)]
    with pytest.raises(Mismatch, match="no certificate that was shown"):
        matching_record(many, chain, NOW)
    assert len(reads) <= len(chain) + 1
    right = record(2, 1, 1, ROOT)
    assert matching_record([*many, right], chain, NOW) is right


def test_certificates_that_fit_in_too_many_ways_prove_nothing() -> None:
    """All of one name: who signed whom is found by trying, and a peer chooses keys that take their time."""
    server = certificate("x", 3, "x", 1)
    shown = [certificate("x", 1, "x", 0, ca=True) for _ in range(19)]  # each signed the server's
    told = [Tlsa(2, 0, 0, one) for one in der(*(certificate("x", 2, "x", 0, ca=True) for _ in range(80)))]
    with pytest.raises(Mismatch, match="too many ways"):
        matching_record(told, der(server, *shown), NOW)
    assert matching_record([record(2, 0, 1, shown[5]), *told], der(server, *shown), NOW)
