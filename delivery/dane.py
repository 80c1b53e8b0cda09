"""TLSA records against the certificates of a mail server (RFC 6698, 7671 and 7672). Pure.

Usage 3 names the server's own certificate or key: nothing else of it counts, neither its name nor its dates. Usage 2
names an authority: a path from the server's certificate to it is looked for among what the server showed, and its name
and dates count. Usages 0 and 1 are of no use between mail servers (RFC 7672 3.1.3).
"""

import hashlib
from collections.abc import Container, Iterable, Sequence
from datetime import datetime
from typing import Final, TypeVar

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, ExtensionOID

from delivery.errors import DeliveryError
from delivery.resolving import Tlsa

E = TypeVar("E", bound=x509.ExtensionType)

AUTHORITY: Final = 2
SERVER: Final = 3
_SIZES: Final = {1: 32, 2: 64}  # bytes of SHA-256 and SHA-512
_PATH: Final = 8  # certificates between the server's and the authority's
_SHOWN: Final = 20  # certificates of a peer that are looked at
_TOLD: Final = 20  # certificates that stand in records themselves
_CHECKS: Final = 50  # of signatures: an honest chain needs a handful
_WEAK: Final = (hashes.MD5, hashes.SHA1)
_UNDERSTOOD: Final = frozenset(
    {
        ExtensionOID.BASIC_CONSTRAINTS,
        ExtensionOID.KEY_USAGE,
        ExtensionOID.EXTENDED_KEY_USAGE,
        ExtensionOID.SUBJECT_ALTERNATIVE_NAME,
        ExtensionOID.CERTIFICATE_POLICIES,
    }
)


class Mismatch(DeliveryError):
    """No record matches. The text says how the nearest one fails."""


def usable(records: Iterable[Tlsa]) -> tuple[Tlsa, ...]:
    """Those that a mail server can be proven by; of digests only the strongest kind (RFC 7671 9)."""
    good = [record for record in dict.fromkeys(records) if _is_usable(record)]
    strongest: dict[tuple[int, int], int] = {}
    for record in good:
        kind = (record.usage, record.selector)
        strongest[kind] = max(strongest.get(kind, 0), record.matching)
    return tuple(record for record in good if record.matching in (0, strongest[(record.usage, record.selector)]))


def _is_usable(record: Tlsa) -> bool:
    if record.usage not in (AUTHORITY, SERVER) or record.selector not in (0, 1) or record.matching not in (0, 1, 2):
        return False
    return len(record.data) == _SIZES[record.matching] if record.matching else bool(record.data)


def matching_record(records: Sequence[Tlsa], chain: Sequence[bytes], now: datetime) -> Tlsa:
    """The record that proves the server, which showed `chain` (DER, its own certificate first). Raises Mismatch.

    A zone may hold a thousand records, and a peer shows what it likes: each certificate is read once, whatever the
    number of records, and so many signatures are checked and no more.
    """
    own = _Named(chain[0])
    for record in records:
        if record.usage == SERVER and own.matches(record):
            return record
    authorities = [record for record in records if record.usage == AUTHORITY]
    if not authorities:
        raise Mismatch("the certificate is not the one that DNS names")
    told = [record.data for record in authorities if record.selector == record.matching == 0][:_TOLD]
    others = [one for one in map(_Named, dict.fromkeys((*chain[1:_SHOWN], *told))) if one.read is not None]
    wanted: dict[tuple[int, int], dict[bytes, Tlsa]] = {}
    for record in authorities:
        wanted.setdefault((record.selector, record.matching), {}).setdefault(record.data, record)
    anchors: dict[x509.Certificate, Tlsa] = {}
    for one in others:
        for (selector, matching), by_data in wanted.items():
            found = by_data.get(one.content(selector, matching) or b"")
            if found is not None and one.read is not None:
                anchors[one.read] = found
    if not anchors:
        raise Mismatch("no certificate that was shown is of the authority that DNS names")
    try:
        server = x509.load_der_x509_certificate(chain[0])
        _check_server(server, now)
        anchor = _path_to(anchors, server, [one.read for one in others if one.read is not None], now)
    except (ValueError, TypeError, x509.InvalidVersion, UnsupportedAlgorithm) as error:
        raise Mismatch("a certificate that was shown cannot be read") from error
    if anchor is None:
        raise Mismatch("the authority that DNS names did not sign the certificate, or no more")
    return anchors[anchor]


class _Named:
    """A certificate, and what records would say of it: read once, each digest made once."""

    def __init__(self, der: bytes) -> None:
        self._der = der
        self._contents: dict[tuple[int, int], bytes | None] = {}
        self.read = _read(der)

    def matches(self, record: Tlsa) -> bool:
        """Is it the one that the record names? No secret: how long it takes tells nobody anything."""
        return self.content(record.selector, record.matching) == record.data

    def content(self, selector: int, matching: int) -> bytes | None:
        """What a record of this kind has of it; None: its key cannot be read."""
        kind = (selector, matching)
        if kind not in self._contents:
            self._contents[kind] = self._made(*kind)
        return self._contents[kind]

    def _made(self, selector: int, matching: int) -> bytes | None:
        if matching:
            plain = self.content(selector, 0)
            return None if plain is None else (hashlib.sha256 if matching == 1 else hashlib.sha512)(plain).digest()
        if not selector:
            return self._der
        try:
            key = self.read.public_key() if self.read is not None else None
            return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo) if key is not None else None
        except (ValueError, TypeError, x509.InvalidVersion, UnsupportedAlgorithm):
            return None


def _read(certificate: bytes) -> x509.Certificate | None:
    try:
        return x509.load_der_x509_certificate(certificate)
    except (ValueError, TypeError, x509.InvalidVersion):
        return None


# -- the path to an authority ------------------------------------------------------------------------------------------


def _path_to(
    anchors: Container[x509.Certificate],
    server: x509.Certificate,
    others: Sequence[x509.Certificate],
    now: datetime,
) -> x509.Certificate | None:
    """The nearest of the anchors that signed the server's certificate, by way of `others`, the anchors among them.

    Each certificate is looked at once as an issuer, and so many signatures are checked and no more: Mismatch, then.
    """
    unseen = [one for one in dict.fromkeys(others) if one != server]
    signed = [server]
    checks = _Checks()
    for below in range(_PATH):
        issuers = [
            one for one in unseen if _may_sign(one, now, below) and any(checks.signed_by(s, one) for s in signed)
        ]
        for issuer in issuers:
            if issuer in anchors:
                return issuer
        unseen = [one for one in unseen if one not in issuers]
        signed = issuers
    return None


class _Checks:
    """Checks signatures, as long as there are not too many: a peer chooses keys that take their time."""

    def __init__(self) -> None:
        self._left = _CHECKS

    def signed_by(self, signed: x509.Certificate, issuer: x509.Certificate) -> bool:
        """Did the issuer sign it? Raises Mismatch where that was asked too often."""
        if signed.issuer != issuer.subject or isinstance(signed.signature_hash_algorithm, _WEAK):
            return False
        if not self._left:
            raise Mismatch("the certificates that were shown could be put together in too many ways")
        self._left -= 1
        try:
            signed.verify_directly_issued_by(issuer)
        except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
            return False
        return True


def _may_sign(issuer: x509.Certificate, now: datetime, below: int) -> bool:
    """An authority, now, for a path with so many authorities below it (RFC 5280 6.1.4)."""
    if not _is_current(issuer, now) or not _is_understood(issuer):
        return False
    constraints = _extension(issuer, x509.BasicConstraints)
    if constraints is None or not constraints.ca:
        return False
    if constraints.path_length is not None and below > constraints.path_length:
        return False
    usage = _extension(issuer, x509.KeyUsage)
    return usage is None or usage.key_cert_sign


def _check_server(certificate: x509.Certificate, now: datetime) -> None:
    if not _is_current(certificate, now):
        raise Mismatch("the certificate has expired, or is not valid yet")
    purposes = _extension(certificate, x509.ExtendedKeyUsage)
    wanted = (ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE)
    if purposes is not None and not any(purpose in wanted for purpose in purposes):
        raise Mismatch("the certificate is not one of a server")
    if not _is_understood(certificate):
        raise Mismatch("the certificate has restrictions that we do not know")


def _is_current(certificate: x509.Certificate, now: datetime) -> bool:
    return certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc


def _is_understood(certificate: x509.Certificate) -> bool:
    """A critical extension that we do not carry out (name constraints, say) restricts: then it proves nothing."""
    return all(not one.critical or one.oid in _UNDERSTOOD for one in certificate.extensions)


def _extension(certificate: x509.Certificate, kind: type[E]) -> E | None:
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None
