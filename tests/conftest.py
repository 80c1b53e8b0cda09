"""What tests of every kind share: what is missing is named, never silently skipped; certificates; free ports."""

import datetime
import gc
import ipaddress
import os
import random
import socket
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import sqlalchemy
from compiled import Kept
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from postgres import Server
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.util import LRUCache

import delivery.store.sqlite
import rules.matching
from delivery.store.database import Database
from delivery.store.upgrade import upgrade
from rules.detector import Detector
from rules.engine import Cache
from rules.searching import Search

# A timing never decides a test, and a run can be repeated: what random search finds is searched for in `make soak`.
# `make check` looks at fewer examples than `make test`, to be done while its reader still waits.
hypothesis.settings.register_profile("steady", deadline=None, derandomize=True)
hypothesis.settings.register_profile("brief", deadline=None, derandomize=True, max_examples=10)
hypothesis.settings.register_profile("searching", deadline=None, max_examples=1000)
hypothesis.settings.load_profile(os.environ.get("SEALGATE_SEARCH", "steady"))


@pytest.fixture(scope="session", autouse=True)
def _statements_compiled_once() -> Iterator[None]:
    """Hundreds of tests open a database of their own: what one compiled of a statement serves the next.

    SQLAlchemy keeps compiled statements by engine and by the dialect's identity; all of ours on SQLite are equal.
    """
    compiled: LRUCache[Any, Any] = LRUCache(4000)

    def sharing(*args: Any, **more: Any) -> sqlalchemy.Engine:
        engine = sqlalchemy.create_engine(*args, **more)
        engine._compiled_cache = compiled
        return engine

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SQLiteDialect_pysqlite, "__hash__", lambda self: hash(type(self)))
        patch.setattr(SQLiteDialect_pysqlite, "__eq__", lambda self, other: type(self) is type(other))
        patch.setattr(delivery.store.sqlite, "create_engine", sharing)
        yield


@pytest.fixture(scope="session", autouse=True)
def _patterns_compiled_once(request: pytest.FixtureRequest) -> Iterator[None]:
    """The shipped packs take seconds to compile and to arrange: who brings no cache of its own gets the run's."""
    kept = Kept(request.config)
    alive: list[tuple[Detector, ...]] = []
    made: dict[tuple[int, ...], Search] = {}  # by the identity of detectors, which `alive` keeps

    def sharing(detectors: Sequence[Detector], cache: Cache | None) -> Search:
        if cache is not None:
            return Search(detectors, cache)
        wanted = tuple(map(id, detectors))
        if wanted not in made:
            made[wanted] = Search(detectors, kept)
            alive.append(tuple(detectors))
        return made[wanted]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rules.matching, "Search", sharing)
        yield


def pytest_collection_finish() -> None:
    """What was imported lives as long as the run: the collector need not walk it again and again."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]):  # type: ignore[no-untyped-def]  # pytest's own
    """With CI=true nothing may be skipped: a skip is a failure that says what is missing."""
    report = yield
    if os.environ.get("CI") == "true" and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped with CI=true: {report.longrepr}"
    return report


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Bytes are numbered, not spelled out: archives hold times, so their names would differ from worker to worker."""
    odd = isinstance(val, bytes) and (len(val) > 32 or not val.isascii() or b"\0" in val)
    return argname if odd else None


def missing(what: str) -> None:
    """Skip the test and say what it needs (a failure where CI=true)."""
    pytest.skip(f"missing: {what} (make system-packages installs it as root)")


_HANDED_OUT: set[int] = set()


@pytest.fixture
def free_port() -> Callable[[], int]:
    """A loopback port nobody listens on, none twice, and below those that outgoing connections take for themselves."""

    def find() -> int:
        while True:
            port = random.randrange(12_000, 32_000)
            with socket.socket() as probe:
                if port not in _HANDED_OUT and probe.connect_ex(("127.0.0.1", port)):
                    _HANDED_OUT.add(port)
                    return port

    return find


@dataclass(frozen=True)
class Certificate:
    """PEM files of one certificate and its key."""

    certificate: Path
    key: Path
    sha256: str


class Authority:
    """A certificate authority for one test."""

    def __init__(self, folder: Path, name: str = "Test CA") -> None:
        self.folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        now = datetime.datetime.now(datetime.UTC)
        self._certificate = (
            x509.CertificateBuilder()
            .subject_name(self._name)
            .issuer_name(self._name)
            .public_key(self._key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=30))
            .not_valid_after(now + datetime.timedelta(days=30))
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(self._key.public_key()), critical=False)
            .add_extension(
                x509.KeyUsage(
                    digital_signature=True, key_cert_sign=True, crl_sign=True, content_commitment=False,
                    key_encipherment=False, data_encipherment=False, key_agreement=False,
                    encipher_only=False, decipher_only=False,
                ),
                critical=True,
            )
            .sign(self._key, hashes.SHA256())
        )  # fmt: skip
        self.path = folder / f"{name.replace(' ', '-').lower()}.pem"
        self.path.write_bytes(self._certificate.public_bytes(serialization.Encoding.PEM))

    def issue(self, *names: str, expired: bool = False, client: bool = False) -> Certificate:
        """A certificate for host names or addresses, signed by this authority."""
        key = ec.generate_private_key(ec.SECP256R1())
        now = datetime.datetime.now(datetime.UTC)
        until = now - datetime.timedelta(days=1) if expired else now + datetime.timedelta(days=10)
        sans: list[x509.GeneralName] = []
        for name in names:
            try:
                sans.append(x509.IPAddress(ipaddress.ip_address(name)))
            except ValueError:
                sans.append(x509.DNSName(name))
        usage = ExtendedKeyUsageOID.CLIENT_AUTH if client else ExtendedKeyUsageOID.SERVER_AUTH
        certificate = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])]))
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=20))
            .not_valid_after(until)
            .add_extension(x509.SubjectAlternativeName(sans), critical=False)
            .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        stem = f"{names[0].replace('*', 'any')}-{certificate.serial_number:x}"[:60]
        paths = Certificate(
            self.folder / f"{stem}.pem", self.folder / f"{stem}.key", certificate.fingerprint(hashes.SHA256()).hex()
        )
        paths.certificate.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        paths.key.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        paths.key.chmod(0o600)
        return paths


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    """An authority whose files lie in the test's own folder."""
    folder = tmp_path / "certificates"
    folder.mkdir(exist_ok=True)
    return Authority(folder)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Server]:
    """A real PostgreSQL; `template` is a database with our schema."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[4]))
    if not found:
        missing("PostgreSQL")
    server = Server(found[-1].parent)
    try:
        with Database.open(server.url(server.template)) as db:
            upgrade(db)
        yield server
    finally:
        server.remove()
