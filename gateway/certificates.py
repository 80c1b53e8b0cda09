"""Checks certificate and key files before anything starts: readable, valid today, and belonging together."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

Complaint = tuple[str, str, str]  # the key of the file in its section, cause, hint


def check_pair(certificate: Path, key: Path, now: datetime, names: tuple[str, str]) -> Iterator[Complaint]:
    """What is wrong with a certificate and its key; `names` are their keys in the section."""
    chain = _chain(certificate)
    if isinstance(chain, str):
        yield names[0], chain, "a PEM file with the certificate first is expected"
        chain = []
    elif (late := _out_of_time(chain[0], now)) is not None:
        yield names[0], late, "get a new one"
    secret = _key(key)
    if isinstance(secret, str):
        yield names[1], secret, "a PEM file without a passphrase is expected"
    elif chain and _public(secret) != chain[0].public_key().public_bytes(
        Encoding.DER, PublicFormat.SubjectPublicKeyInfo
    ):
        yield names[1], f"{key} is not the key of {certificate}", "name the key that the certificate was made for"


def check_authorities(file: Path, name: str) -> Iterator[Complaint]:
    """What is wrong with a file of authorities."""
    chain = _chain(file)
    if isinstance(chain, str):
        yield name, chain, "a PEM file with one or more certificates is expected"


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
