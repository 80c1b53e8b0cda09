"""Checks certificate and key files before anything starts: readable, belonging together, taken by OpenSSL, and valid
today.

A certificate that is out of its time is a warning: a gateway that did not start for it would stop all mail, where most
clients do not even look at the date.
"""

import ssl
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Final, NamedTuple

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from delivery.doors.contexts import server_context

# what OpenSSL calls what it does not take, in our words
_REASONS: Final = {
    "EE_KEY_TOO_SMALL": "its key is too short",
    "CA_KEY_TOO_SMALL": "the key of an authority in it is too short",
    "CA_MD_TOO_WEAK": "a signature in it is too weak",
    "BAD_END_LINE": "it ends within a certificate",
    "BAD_BASE64_DECODE": "it ends within a certificate",
}


_OPENSSLS: Final = b"-----BEGIN TRUSTED CERTIFICATE-----"


class Complaint(NamedTuple):
    """What is wrong: `key` names the file in its section. `warning`: it can be used all the same."""

    key: str
    cause: str
    hint: str
    warning: bool = False


def check_pair(certificate: Path, key: Path, now: datetime, names: tuple[str, str]) -> Iterator[Complaint]:
    """What is wrong with a certificate and its key; `names` are their keys in the section."""
    chain = _chain(certificate)
    if isinstance(chain, str):
        yield Complaint(names[0], chain, _hint(chain, "a PEM file with the certificate first is expected"))
        chain = []
    elif (late := _out_of_time(chain[0], now)) is not None:
        yield Complaint(names[0], late, "get a new one: whoever verifies it refuses to go on", warning=True)
    secret = _key(key)
    if isinstance(secret, str):
        yield Complaint(names[1], secret, "a PEM file without a passphrase is expected")
    elif chain and (place := _place_of(secret, chain)) is None:
        yield Complaint(
            names[1], f"{key} is not the key of {certificate}", "name the key that the certificate was made for"
        )
    elif chain and place:
        cause = f"{certificate} has the certificate of {key} in place {place + 1}"
        yield Complaint(names[0], cause, "put it first, and those of the authorities behind it")
    elif chain and (why := _refused(certificate, key)) is not None:
        yield Complaint(names[0], f"{certificate} cannot be used: {why}", "get a new one, with its whole chain")


def check_authorities(file: Path, name: str) -> Iterator[Complaint]:
    """What is wrong with a file of authorities."""
    chain = _chain(file)
    if isinstance(chain, str):
        yield Complaint(name, chain, _hint(chain, "a PEM file with one or more certificates is expected"))
        return
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(file)
    except ssl.SSLError as error:
        cause = f"{file} cannot be used: {_in_words(error)}"
        yield Complaint(name, cause, "a PEM file with one or more certificates is expected")


def _hint(cause: str, usual: str) -> str:
    return "`openssl x509 -in FILE -out NEW` writes one as all programs read it" if "TRUSTED" in cause else usual


def _refused(certificate: Path, key: Path) -> str | None:
    """What OpenSSL says against the pair. It reads the whole chain, and takes no short keys."""
    try:
        server_context(certificate, key)
    except OSError as error:  # ssl.SSLError is one
        return _in_words(error)
    return None


def _in_words(error: OSError) -> str:
    if not isinstance(error, ssl.SSLError):
        return error.strerror or type(error).__name__
    return _REASONS.get(error.reason, error.reason) if error.reason else "it cannot be read to its end"


def _place_of(secret: PrivateKeyTypes, chain: list[x509.Certificate]) -> int | None:
    """Which certificate of the chain the key belongs to."""
    mine = _public(secret)
    publics = (one.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo) for one in chain)
    return next((place for place, public in enumerate(publics) if public == mine), None)


def _chain(file: Path) -> list[x509.Certificate] | str:
    try:
        read = file.read_bytes()
        if _OPENSSLS in read:
            return f"{file} has a certificate in a form that OpenSSL alone knows (BEGIN TRUSTED CERTIFICATE)"
        return x509.load_pem_x509_certificates(read)
    except OSError as error:
        return f"{file} cannot be read: {error.strerror}"
    except ValueError:
        return f"{file} holds no certificate that can be read"


def _key(file: Path) -> PrivateKeyTypes | str:
    try:
        return load_pem_private_key(file.read_bytes(), None)
    except OSError as error:
        return f"{file} cannot be read: {error.strerror}"
    except TypeError:
        return f"{file} is locked with a passphrase"
    except (ValueError, UnsupportedAlgorithm):
        return f"{file} holds no key that can be read"


def _public(key: PrivateKeyTypes) -> bytes:
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _out_of_time(certificate: x509.Certificate, now: datetime) -> str | None:
    if now > certificate.not_valid_after_utc:
        return f"the certificate expired on {certificate.not_valid_after_utc:%Y-%m-%d}"
    if now < certificate.not_valid_before_utc:
        return f"the certificate is not valid before {certificate.not_valid_before_utc:%Y-%m-%d %H:%M} UTC"
    return None
