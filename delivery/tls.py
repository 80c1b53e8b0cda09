"""What a peer has to show of its TLS (TlsDemand), and the check whether it did.

Names are only those that the configuration or the recipient's address gives, that DNSSEC vouches for, or that an
MTA-STS policy lists. A name that DNS gave unsigned proves nothing: who answers the question would choose it.
"""

import asyncio
import hashlib
import hmac
import ipaddress
import ssl
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID

from delivery.dane import Mismatch, matching_record
from delivery.errors import DeliveryError
from delivery.resolving import Tlsa


class Proof(StrEnum):
    """How far a peer was proven."""

    NONE = "none"  # no TLS
    UNVERIFIED = "unverified"  # TLS with whatever certificate
    PKI = "pki"
    PINNED = "pinned"
    DANE = "dane"
    STS = "mta-sts"  # PKI, and the name is one that the domain's policy lists


class Flaw(StrEnum):
    """What a peer lacks, in the words of RFC 8460 4.3."""

    NO_STARTTLS = "starttls-not-supported"
    WRONG_HOST = "certificate-host-mismatch"
    EXPIRED = "certificate-expired"
    NOT_TRUSTED = "certificate-not-trusted"
    INVALID = "validation-failure"
    TLSA_INVALID = "tlsa-invalid"
    DNSSEC_INVALID = "dnssec-invalid"
    DANE_REQUIRED = "dane-required"
    STS_FETCH = "sts-policy-fetch-error"
    STS_INVALID = "sts-policy-invalid"
    STS_WEBPKI = "sts-webpki-invalid"


class Unproven(DeliveryError):
    """The peer did not show what it must. The text says which, and may be shown to an admin."""

    def __init__(self, text: str, flaw: Flaw = Flaw.INVALID) -> None:
        super().__init__(text)
        self.flaw = flaw


class OwnTlsBroken(DeliveryError):
    """Our own certificate, key or CA file cannot be used."""


@dataclass(frozen=True, slots=True)
class TlsDemand:
    """What a connection must show before anything of a message is said on it."""

    proof: Proof = Proof.UNVERIFIED  # of DANE and STS only where DNS and policies were asked
    clear_allowed: bool = False  # opportunistic: no TLS, or a failing one, is not held against the peer
    names: tuple[str, ...] = ()  # pki, dane (usage 2): one of these must be in the certificate
    fingerprints: tuple[str, ...] = ()  # pinned: SHA-256 of the certificate, lower-case hex
    public_keys: tuple[str, ...] = ()  # pinned: SHA-256 of its public key (SPKI)
    minimum: str = "1.2"
    ca: Path | None = None  # None: the system's
    client_certificate: Path | None = None
    client_key: Path | None = None
    tlsa: tuple[Tlsa, ...] = ()  # dane: one of these must match
    tlsa_at: str = ""  # where they stand
    listed: str = ""  # the host's name, where the domain's MTA-STS policy lists it: counts beside `names`
    policy: str = ""  # which policy that is
    ask_for: str = ""  # the name to ask a certificate for; empty: the first of `names`

    @property
    def sni(self) -> str | None:
        """The name we ask the peer to show a certificate for."""
        wanted = (self.ask_for, *self.names, self.listed)
        return next((name for name in wanted if name and not _is_address(name)), None)

    @property
    def needs_authority(self) -> bool:
        """Must somebody we trust have signed the certificate?"""
        return self.proof in (Proof.PKI, Proof.STS)


@dataclass(frozen=True, slots=True)
class PeerTls:
    """What the peer showed, as far as it was checked."""

    protocol: str | None = None
    cipher: str | None = None
    proof: Proof = Proof.NONE
    certificate_sha256: str | None = None
    names: tuple[str, ...] = ()
    public_key_sha256: str | None = None
    proven_by: str = ""  # the fact that proves it, for people


_MINIMUM: Final = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}


def make_context(demand: TlsDemand) -> ssl.SSLContext:
    """A client context for the demand. Reads files: not for the event loop. Raises OwnTlsBroken.

    OpenSSL checks the chain during the handshake; `prove` checks names, since OpenSSL takes one name only.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.minimum_version = _MINIMUM[demand.minimum]
    if demand.clear_allowed:
        # Old TLS is better than none, and none is what a failed handshake leads to (RFC 7435).
        context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
        context.set_ciphers("DEFAULT:@SECLEVEL=0")
    context.verify_mode = ssl.CERT_REQUIRED if demand.needs_authority else ssl.CERT_NONE
    try:
        if demand.needs_authority and demand.ca is None:
            context.load_default_certs(ssl.Purpose.SERVER_AUTH)
        elif demand.needs_authority:
            context.load_verify_locations(cafile=demand.ca)
            context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # an intermediate may be the authority to trust
        if demand.client_certificate is not None:
            context.load_cert_chain(demand.client_certificate, demand.client_key, password=_no_password)
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        raise OwnTlsBroken(f"a certificate, key or CA file of ours cannot be used: {_reason(error)}") from error
    return context


def _no_password() -> str:
    raise ValueError("the key is protected by a password")


def context_files(demand: TlsDemand) -> tuple[Path, ...]:
    """The files that `make_context` reads: when one changes, the context is made anew."""
    return tuple(path for path in (demand.ca, demand.client_certificate, demand.client_key) if path is not None)


def prove(tls: ssl.SSLObject | ssl.SSLSocket, demand: TlsDemand, now: datetime | None = None) -> PeerTls:
    """Check what the handshake left to us. Raises Unproven, with the cause."""
    certificate = tls.getpeercert(binary_form=True)
    if not certificate and demand.proof is not Proof.UNVERIFIED:
        raise Unproven("the peer showed no certificate")
    cipher = tls.cipher()
    shown = PeerTls(tls.version(), cipher[0] if cipher else None, Proof.UNVERIFIED)
    if not certificate:
        return shown
    names = certificate_names(certificate)
    shown = replace(
        shown,
        certificate_sha256=hashlib.sha256(certificate).hexdigest(),
        names=names[:20],
        public_key_sha256=_public_key_sha256(certificate),
    )
    match demand.proof:
        case Proof.PKI | Proof.STS:
            proof, by = _by_name(demand, names, certificate)
        case Proof.PINNED:
            proof, by = Proof.PINNED, _by_pin(demand, shown)
        case Proof.DANE:
            proof, by = Proof.DANE, _by_tlsa(demand, [certificate, *peer_chain(tls)[1:]], names, now)
        case _:
            proof, by = Proof.UNVERIFIED, ""
    return replace(shown, proof=proof, proven_by=by)


def _by_name(demand: TlsDemand, names: tuple[str, ...], certificate: bytes) -> tuple[Proof, str]:
    """An authority signed it (the handshake saw to that); for whom?"""
    if demand.listed and name_matches(demand.listed, names):
        return Proof.STS, f"a certificate for {demand.listed}, which {demand.policy} lists, by {_issuer(certificate)}"
    for name in demand.names:
        if name_matches(name, names):
            return Proof.PKI, f"a certificate for {name} by {_issuer(certificate)}"
    wanted = (*demand.names, *([demand.listed] if demand.listed else []))
    raise Unproven(f"the certificate is for {_listed(names)}, not for {_listed(wanted)}", Flaw.WRONG_HOST)


def _by_pin(demand: TlsDemand, shown: PeerTls) -> str:
    digest, key = shown.certificate_sha256 or "", shown.public_key_sha256 or ""
    if any(hmac.compare_digest(digest, each) for each in demand.fingerprints):
        return f"the pinned certificate {digest[:16]}…"
    if any(hmac.compare_digest(key, each) for each in demand.public_keys):
        return f"the pinned public key {key[:16]}…"
    if demand.public_keys:
        raise Unproven(f"the certificate's public key {key} is not the pinned one", Flaw.NOT_TRUSTED)
    raise Unproven(f"the certificate's fingerprint {digest} is not the pinned one", Flaw.NOT_TRUSTED)


def _by_tlsa(demand: TlsDemand, chain: Sequence[bytes], names: tuple[str, ...], now: datetime | None) -> str:
    try:
        record = matching_record(demand.tlsa, chain, now or datetime.now(UTC))
    except Mismatch as error:
        raise Unproven(f"{error} (TLSA of {demand.tlsa_at})") from error
    # An authority's record vouches for whatever it signs, so the name counts; a record of the very certificate says
    # all (RFC 7672 3.1.1).
    if record.usage == 2 and not any(name_matches(name, names) for name in demand.names):
        raise Unproven(f"the certificate is for {_listed(names)}, not for {_listed(demand.names)}", Flaw.WRONG_HOST)
    return f"TLSA {record} of {demand.tlsa_at}"


def peer_chain(tls: Any) -> list[bytes]:
    """The certificates that the peer showed, its own first, in DER. Nothing of them is checked."""
    public = getattr(tls, "get_unverified_chain", None)  # from Python 3.13 on
    if public is not None:
        return list(public() or ())
    inner = getattr(tls, "_sslobj", None)
    chain = inner.get_unverified_chain() if inner is not None else None
    return [one.public_bytes(_DER) for one in chain or ()]


_DER: Final = 2  # _ssl.ENCODING_DER


def _public_key_sha256(certificate: bytes) -> str | None:
    try:
        key = x509.load_der_x509_certificate(certificate).public_key()
        return hashlib.sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()
    except (ValueError, TypeError, x509.InvalidVersion, UnsupportedAlgorithm):
        return None


def _issuer(certificate: bytes) -> str:
    """Who signed it, in few words."""
    try:
        name = x509.load_der_x509_certificate(certificate).issuer
        parts = [str(each.value) for each in (*name.get_attributes_for_oid(NameOID.ORGANIZATION_NAME), *name)]
    except (ValueError, TypeError, x509.InvalidVersion):
        parts = []
    return next((part[:100] for part in parts if part.isprintable()), "an authority without a name")


def certificate_names(certificate: bytes) -> tuple[str, ...]:
    """DNS names and addresses of a DER certificate's subjectAltName; the common name counts no more (RFC 9525 6.3)."""
    try:
        found = x509.load_der_x509_certificate(certificate).extensions.get_extension_for_class(
            x509.SubjectAlternativeName
        )
    except (ValueError, TypeError, x509.ExtensionNotFound, x509.DuplicateExtension, x509.UnsupportedGeneralNameType):
        return ()
    hosts = [name.lower() for name in found.value.get_values_for_type(x509.DNSName)]
    return (*hosts, *(str(address) for address in found.value.get_values_for_type(x509.IPAddress)))


def name_matches(expected: str, names: tuple[str, ...]) -> bool:
    """Is a name of the certificate the expected one? `*` stands for the whole first label only (RFC 9525 6.3)."""
    expected = expected.lower().rstrip(".")
    if _is_address(expected):
        return str(ipaddress.ip_address(expected)) in names
    below = expected.partition(".")[2]
    # `*.com` would be everyone: a wildcard needs two labels behind it.
    return expected in names or ("." in below and f"*.{below}" in names)


def handshake_failure(error: BaseException) -> str:
    """Why a handshake failed, in words for an admin."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the certificate is not trusted: {error.verify_message or _reason(error)}"
    return f"the TLS handshake failed: {_reason(error)}"


def handshake_flaw(error: BaseException) -> Flaw:
    """The same in the words of a report (RFC 8460)."""
    if not isinstance(error, ssl.SSLCertVerificationError):
        return Flaw.INVALID
    return Flaw.EXPIRED if error.verify_code in _X509_DATES else Flaw.NOT_TRUSTED


_X509_DATES: Final = (9, 10)  # OpenSSL's X509_V_ERR_CERT_NOT_YET_VALID and X509_V_ERR_CERT_HAS_EXPIRED


def _reason(error: BaseException) -> str:
    if isinstance(error, ssl.SSLError) and error.reason:
        return str(error.reason).lower().replace("_", " ")
    return str(getattr(error, "strerror", None) or error or type(error).__name__)


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _listed(names: tuple[str, ...]) -> str:
    shown = [name if name.isascii() and name.isprintable() else "?" for name in names[:5]]
    return " or ".join(shown)[:300] or "no name"


class TlsContexts:
    """Contexts, made once and made anew when one of their files has changed (a renewed certificate)."""

    def __init__(self) -> None:
        self._made: dict[TlsDemand, tuple[object, ssl.SSLContext]] = {}

    async def get(self, demand: TlsDemand) -> ssl.SSLContext:
        """The context for a demand. Raises OwnTlsBroken."""
        # What is checked after the handshake (names, pins, TLSA) makes no difference: such demands share a context.
        key = TlsDemand(
            Proof.PKI if demand.needs_authority else Proof.UNVERIFIED,
            clear_allowed=demand.clear_allowed,
            minimum=demand.minimum,
            ca=demand.ca,
            client_certificate=demand.client_certificate,
            client_key=demand.client_key,
        )
        stamp = _stamp(context_files(key))
        found = self._made.get(key)
        if found is None or found[0] != stamp:
            found = (stamp, await asyncio.to_thread(make_context, key))
            self._made[key] = found
        return found[1]


def _stamp(files: tuple[Path, ...]) -> object:
    try:
        return tuple((status.st_ino, status.st_size, status.st_mtime_ns) for status in (file.stat() for file in files))
    except OSError as error:
        raise OwnTlsBroken(f"a certificate, key or CA file of ours cannot be read: {_reason(error)}") from error
