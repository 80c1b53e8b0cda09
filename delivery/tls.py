"""What a peer's TLS must show, and whether it did.

Names are only those that the configuration or the recipient's address gives. A name that DNS gave unsigned proves
nothing: who answers the question would choose it.
"""

import asyncio
import hashlib
import hmac
import ipaddress
import ssl
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Final

from cryptography import x509

from delivery.errors import DeliveryError


class Proof(StrEnum):
    """How far a peer was proven."""

    NONE = "none"  # no TLS
    UNVERIFIED = "unverified"  # TLS with whatever certificate
    PKI = "pki"
    PINNED = "pinned"


class Unproven(DeliveryError):
    """The peer did not show what it must. The text says which, and may be shown to an admin."""


class OwnTlsBroken(DeliveryError):
    """Our own certificate, key or CA file cannot be used."""


@dataclass(frozen=True, slots=True)
class TlsDemand:
    """What a connection must show before anything of a message is said on it."""

    proof: Proof = Proof.UNVERIFIED
    clear_allowed: bool = False  # opportunistic: no TLS, or a failing one, is not held against the peer
    names: tuple[str, ...] = ()  # pki: one of these must be in the certificate
    fingerprints: tuple[str, ...] = ()  # pinned: SHA-256 of the certificate, lower-case hex
    minimum: str = "1.2"
    ca: Path | None = None  # None: the system's
    client_certificate: Path | None = None
    client_key: Path | None = None

    @property
    def sni(self) -> str | None:
        """The name we ask the peer to show a certificate for."""
        return next((name for name in self.names if not _is_address(name)), None)


@dataclass(frozen=True, slots=True)
class Shown:
    """What the peer showed, as far as it was checked."""

    protocol: str | None = None
    cipher: str | None = None
    proof: Proof = Proof.NONE
    certificate_sha256: str | None = None
    names: tuple[str, ...] = ()


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
    context.verify_mode = ssl.CERT_REQUIRED if demand.proof is Proof.PKI else ssl.CERT_NONE
    try:
        if demand.proof is Proof.PKI and demand.ca is None:
            context.load_default_certs(ssl.Purpose.SERVER_AUTH)
        elif demand.proof is Proof.PKI:
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


def prove(tls: ssl.SSLObject | ssl.SSLSocket, demand: TlsDemand) -> Shown:
    """Check what the handshake left to us. Raises Unproven, with the cause."""
    certificate = tls.getpeercert(binary_form=True)
    if not certificate and demand.proof is not Proof.UNVERIFIED:
        raise Unproven("the peer showed no certificate")
    cipher = tls.cipher()
    shown = Shown(tls.version(), cipher[0] if cipher else None, demand.proof)
    if not certificate:
        return shown
    digest = hashlib.sha256(certificate).hexdigest()
    names = certificate_names(certificate)
    if demand.proof is Proof.PKI and not any(name_matches(name, names) for name in demand.names):
        raise Unproven(f"the certificate is for {_listed(names)}, not for {_listed(demand.names)}")
    if demand.proof is Proof.PINNED and not any(hmac.compare_digest(digest, each) for each in demand.fingerprints):
        raise Unproven(f"the certificate's fingerprint {digest} is not the pinned one")
    return replace(shown, certificate_sha256=digest, names=names[:20])


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
        # Names and fingerprints are checked after the handshake: demands that differ in them share a context.
        key = replace(demand, names=(), fingerprints=())
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
