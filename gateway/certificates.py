"""Checks certificate and key files before anything starts: readable, belonging together, and valid today.

A certificate that is out of its time is a warning: a gateway that did not start for it would stop all mail, where most
clients do not even look at the date.
"""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key


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
        yield Complaint(names[0], chain, "a PEM file with the certificate first is expected")
        chain = []
    elif (late := _out_of_time(chain[0], now)) is not None:
        yield Complaint(names[0], late, "get a new one: whoever verifies it refuses to go on", warning=True)
    secret = _key(key)
    if isinstance(secret, str):
        yield Complaint(names[1], secret, "a PEM file without a passphrase is expected")
    elif chain and _public(secret) != chain[0].public_key().public_bytes(
        Encoding.DER, PublicFormat.SubjectPublicKeyInfo
    ):
        yield Complaint(
            names[1], f"{key} is not the key of {certificate}", "name the key that the certificate was made for"
        )


def check_authorities(file: Path, name: str) -> Iterator[Complaint]:
    """What is wrong with a file of authorities."""
    chain = _chain(file)
    if isinstance(chain, str):
        yield Complaint(name, chain, "a PEM file with one or more certificates is expected")


def _chain(file: Path) -> list[x509.Certificate] | str:
    try:
        return x509.load_pem_x509_certificates(file.read_bytes())
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
