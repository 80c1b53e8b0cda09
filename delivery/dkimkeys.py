"""Keys for DKIM: files that hold one, made and read, and what the DNS says of them (RFC 6376 3.6.1, RFC 8463 4)."""

import os
import re
from base64 import b64encode
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from delivery.dkim import Signer, SigningKey
from delivery.doors.inforce import FilesInForce
from delivery.errors import DeliveryError
from delivery.settings import DkimKeySettings, DkimSettings
from keys.backends.file import check_access
from keys.errors import KeyringInvalid

LEAST_BITS: Final = 1024  # RFC 8301 3.2: verifiers take no shorter key
_MAX_BYTES: Final = 64 * 1024
_TEXT: Final = 255  # octets of one string of a TXT record


class DkimKeyInvalid(DeliveryError):
    """The file holds no key that can sign. `hint`: what to do."""

    def __init__(self, cause: str, hint: str = "") -> None:
        super().__init__(cause)
        self.hint = hint


class DkimKeyMissing(DkimKeyInvalid):
    """There is no such file."""


def credential_or_file(path: Path) -> Path:
    """Where the key is read: a systemd credential of the file's name (LoadCredential), if there is one; else `path`."""
    folder = os.environ.get("CREDENTIALS_DIRECTORY")
    credential = Path(folder, path.name) if folder else path
    return credential if credential.is_file() else path


def read_key(path: Path, domain: str, selector: str, files: FilesInForce | None = None) -> SigningKey:
    """The key of a PEM file that nobody else may read; of `files`, where other workers sign with it already.

    Raises DkimKeyInvalid.
    """
    path = credential_or_file(path)
    folder = os.environ.get("CREDENTIALS_DIRECTORY")
    try:
        with (files or FilesInForce()).first(path) as (there,), there.open("rb") as file:
            check_access(path, os.fstat(file.fileno()), os.geteuid(), Path(folder) if folder else None)
            return SigningKey(domain, selector, _private(file.read(_MAX_BYTES), path))
    except KeyringInvalid as error:
        raise DkimKeyInvalid(str(error), error.hint) from error
    except FileNotFoundError as error:
        raise DkimKeyMissing(f"{path} does not exist", "`sealgate dkim make` makes one") from error
    except OSError as error:
        may_not = isinstance(error, PermissionError)
        hint = f"give it to the user that runs sealgate, or hand it over by LoadCredential={path.name}:{path}"
        raise DkimKeyInvalid(f"{path} cannot be read: {error.strerror}", hint if may_not else "") from error


def _private(pem: bytes, path: Path) -> RSAPrivateKey | Ed25519PrivateKey:
    try:
        key = load_pem_private_key(pem, password=None)
    except TypeError as error:
        raise DkimKeyInvalid(
            f"{path} is locked with a passphrase", "take it off: nobody is there to type it"
        ) from error
    except (ValueError, UnsupportedAlgorithm) as error:
        hint = "`sealgate dkim make` makes one; a public key or a certificate cannot sign"
        raise DkimKeyInvalid(f"{path} holds no private key in PEM", hint) from error
    if isinstance(key, RSAPrivateKey):
        if key.key_size < LEAST_BITS:
            raise DkimKeyInvalid(f"{path}: {key.key_size} bits are too few, no server takes them", "make one of 2048")
        return key
    if isinstance(key, Ed25519PrivateKey):
        return key
    raise DkimKeyInvalid(f"{path} holds a key that is neither RSA nor Ed25519", "DKIM knows no other")


def read_keys(
    settings: DkimSettings, domain: str, files: FilesInForce | None = None
) -> Iterator[tuple[tuple[str | int, ...], SigningKey | DkimKeyInvalid]]:
    """Every key that the settings name, or why it cannot be used, with its place below `dkim`.

    `domain` is that of our notices: of keys that name none.
    """
    yield (), _read_or_tell(settings, domain, files)
    for index, one in enumerate(settings.more):
        yield ("more", index), _read_or_tell(one, domain, files)


def _read_or_tell(settings: DkimKeySettings, domain: str, files: FilesInForce | None) -> SigningKey | DkimKeyInvalid:
    try:
        return read_key(settings.key, settings.domain or domain, settings.selector, files)
    except DkimKeyInvalid as error:
        return error


def signer_of(
    settings: DkimSettings | None, domain: str, clock: Callable[[], datetime], files: FilesInForce | None = None
) -> Signer | None:
    """What signs as the settings say; None: nothing does. `files` has the keys as other workers use them.

    Raises DkimKeyInvalid.
    """
    if settings is None:
        return None
    keys = []
    for _, found in read_keys(settings, domain, files):
        if isinstance(found, DkimKeyInvalid):
            raise found
        keys.append(found)
    return Signer(tuple(keys), settings.relayed, clock)


def make_key(path: Path, *, bits: int | None) -> RSAPrivateKey | Ed25519PrivateKey:
    """Make a file (0600) with a new key: RSA of so many bits, or Ed25519. Raises FileExistsError, OSError."""
    key = Ed25519PrivateKey.generate() if bits is None else generate_private_key(65537, bits)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb") as file:
        file.write(pem)
        file.flush()
        os.fsync(file.fileno())
    return key


def record_name(key: SigningKey) -> str:
    """The DNS name of a key's record."""
    return f"{key.selector}._domainkey.{key.domain}"


def record_text(key: SigningKey) -> str:
    """The text of a key's DNS record, in one piece."""
    public = key.private.public_key()
    if isinstance(key.private, Ed25519PrivateKey):
        return f"v=DKIM1; k=ed25519; p={b64encode(public.public_bytes(Encoding.Raw, PublicFormat.Raw)).decode()}"
    der = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return f"v=DKIM1; k=rsa; p={b64encode(der).decode()}"


def zone_line(key: SigningKey) -> str:
    """The record as a zone file has it: in strings of at most 255 octets."""
    text = record_text(key)
    parts = " ".join(f'"{text[at : at + _TEXT]}"' for at in range(0, len(text), _TEXT))
    return f"{record_name(key)}. IN TXT ( {parts} )"


def publishes_key(published: str, key: SigningKey) -> bool:
    """Does a published record hold this key? Blanks, the order of tags, and other tags do not matter."""
    return _public_half(published) == _public_half(record_text(key))


def _public_half(text: str) -> str:
    found = re.search(r"(?:^|;)\s*p\s*=([^;]*)", text)
    return re.sub(r"\s+", "", found[1]) if found else ""
