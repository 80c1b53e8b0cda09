"""What tests of the gateway share."""

import datetime
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import NameOID


def _key_pem(key: ec.EllipticCurvePrivateKey, password: bytes | None = None) -> bytes:
    lock = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, lock)


def _certificate(key: ec.EllipticCurvePrivateKey, begins: datetime.datetime, ends: datetime.datetime) -> bytes:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "gate.example.com")])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(begins).not_valid_after(ends)
    return builder.sign(key, SHA256()).public_bytes(serialization.Encoding.PEM)


@pytest.fixture(scope="session", autouse=True)
def _commands_keep_what_they_compile(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[None]:
    """And keep it where pytest keeps its own things, not in the home of whoever runs it."""
    cache = getattr(request.config, "cache", None)  # none with -p no:cacheprovider
    folder = cache.mkdir("commands") if cache else tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(folder))
        yield


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with good.pem and good.key, old.pem (its key: old.key) long expired, other.key, and locked.key."""
    folder = tmp_path_factory.mktemp("certificates")
    now = datetime.datetime.now(datetime.UTC)
    day = datetime.timedelta(days=1)
    good, old, other = (ec.generate_private_key(ec.SECP256R1()) for _ in range(3))
    (folder / "good.pem").write_bytes(_certificate(good, now - day, now + 30 * day))
    (folder / "good.key").write_bytes(_key_pem(good))
    early = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
    (folder / "old.pem").write_bytes(_certificate(old, early, early + 30 * day))
    (folder / "old.key").write_bytes(_key_pem(old))
    (folder / "other.key").write_bytes(_key_pem(other))
    (folder / "locked.key").write_bytes(_key_pem(good, b"secret"))
    return folder
