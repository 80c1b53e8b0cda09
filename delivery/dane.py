"""TLSA records against the certificates of a mail server (RFC 6698, 7671 and 7672). Pure.

Usage 3 names the server's own certificate or key: nothing else of it counts, neither its name nor its dates. Usage 2
names an authority: a path from the server's certificate to it is looked for among what the server showed, and its name
and dates count. Usages 0 and 1 are of no use between mail servers (RFC 7672 3.1.3).
"""

import hashlib
import hmac
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
    """The record that proves the server, which showed `chain` (DER, its own certificate first). Raises Mismatch."""
    for record in records:
        if record.usage == SERVER and _matches(record, chain[0]):
            return record
    authorities = [record for record in records if record.usage == AUTHORITY]
    if not authorities:
        raise Mismatch("the certificate is not the one that DNS names")
    told = [record.data for record in authorities if record.selector == record.matching == 0]
    others = [one for one in map(_read, (*chain[1:_SHOWN], *told)) if one is not None]
    anchors = {
        one: record for one in others for record in authorities if _matches(record, one.public_bytes(Encoding.DER))
    }
    if not anchors:
        raise Mismatch("no certificate that was shown is of the authority that DNS names")
    try:
        server = x509.load_der_x509_certificate(chain[0])
        _check_server(server, now)
        anchor = _path_to(anchors, server, others, now)
    except (ValueError, TypeError, x509.InvalidVersion, UnsupportedAlgorithm) as error:
        raise Mismatch("a certificate that was shown cannot be read") from error
    if anchor is None:
        raise Mismatch("the authority that DNS names did not sign the certificate, or no more")
    return anchors[anchor]


def _read(certificate: bytes) -> x509.Certificate | None:
    try:
        return x509.load_der_x509_certificate(certificate)
    except (ValueError, TypeError, x509.InvalidVersion):
        return None


def _matches(record: Tlsa, certificate: bytes) -> bool:
    content = certificate
    if record.selector == 1:
        try:
            key = x509.load_der_x509_certificate(certificate).public_key()
            content = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        except (ValueError, TypeError, x509.InvalidVersion, UnsupportedAlgorithm):
            return False
    if record.matching:
        content = (hashlib.sha256 if record.matching == 1 else hashlib.sha512)(content).digest()
    return hmac.compare_digest(content, record.data)


# -- the path to an authority ------------------------------------------------------------------------------------------


def _path_to(
    anchors: Container[x509.Certificate],
    server: x509.Certificate,
    others: Sequence[x509.Certificate],
    now: datetime,
) -> x509.Certificate | None:
    """The nearest of the anchors that signed the server's certificate, by way of `others`, the anchors among them.

    Each certificate is looked at once as an issuer, so that no chain made to confuse costs more than its square.
    """
    unseen = [one for one in dict.fromkeys(others) if one != server]
    signed = [server]
    for below in range(_PATH):
        issuers = [one for one in unseen if _may_sign(one, now, below) and any(_signed_by(s, one) for s in signed)]
        for issuer in issuers:
            if issuer in anchors:
                return issuer
        unseen = [one for one in unseen if one not in issuers]
        signed = issuers
    return None


def _signed_by(signed: x509.Certificate, issuer: x509.Certificate) -> bool:
    if isinstance(signed.signature_hash_algorithm, _WEAK):
        return False
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
