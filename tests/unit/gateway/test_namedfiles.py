"""Files and folders that the configuration names, tried before anything starts."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from smallest import write_config

from gateway.certificates import check_authorities, check_pair
from gateway.settings import SettingsInvalid, load_settings


def certificate(key: rsa.RSAPrivateKey) -> bytes:
    called, now = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "gate.example.com")]), datetime.now(UTC)
    made = x509.CertificateBuilder().subject_name(called).issuer_name(called).public_key(key.public_key())
    made = made.serial_number(7).not_valid_before(now).not_valid_after(now + timedelta(days=9))
    return made.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)


def test_what_openssl_would_not_take_is_told_before_serve(certificates: Path, tmp_path: Path) -> None:
    """`serve` ended on these with an error of OpenSSL, and a renewal with them was refused so."""
    whole, good = (certificates / "good.pem").read_bytes(), certificates / "good.key"
    weak = rsa.generate_private_key(65537, 1024)
    short, chain = certificate(weak), tmp_path / "chain.pem"
    weak_key = tmp_path / "weak.key"
    weak_key.write_bytes(weak.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))

    def causes(content: bytes, key: Path) -> list[str]:
        chain.write_bytes(content)
        found = check_pair(chain, key, datetime.now(UTC), ("certificate", "key"))
        return [f"{one.key}: {one.cause}" for one in found]

    assert causes(whole, good) == []
    refused = f"certificate: {chain} cannot be used: "
    assert causes(whole + whole[:200], good) == [f"{refused}it ends within a certificate"]
    assert causes(whole + short, good) == [f"{refused}the key of an authority in it is too short"]
    assert causes(short, weak_key) == [f"{refused}its key is too short"]
    assert causes(short + whole, good) == [f"certificate: {chain} has the certificate of {good} in place 2"]
    assert causes(short, good) == [f"key: {good} is not the key of {chain}"]


def test_a_file_of_authorities_that_ends_half_way(certificates: Path, tmp_path: Path) -> None:
    whole, file = (certificates / "good.pem").read_bytes(), tmp_path / "ca.pem"
    file.write_bytes(whole + whole)
    assert not list(check_authorities(file, "ca"))
    file.write_bytes(whole + whole[:200])
    (complaint,) = check_authorities(file, "ca")
    assert complaint.cause == f"{file} cannot be used: it cannot be read to its end"


@pytest.mark.parametrize("place", ["sealgate.db", "blobs", "blobs/3c"])
def test_what_root_put_back_is_told_where_the_service_cannot_write_it(tmp_path: Path, place: str) -> None:
    config, data = write_config(tmp_path, keys=True), tmp_path / "data"
    (data / "blobs" / "3c").mkdir(parents=True)
    (data / "sealgate.db").touch()
    (data / "lost+found").mkdir(mode=0)  # nothing of ours
    if os.geteuid() == 0:
        for one in (data, *data.glob("**/*")):
            os.chown(one, 65534, 65534)
        os.chown(data / "lost+found", 0, 0)
    load_settings(config)
    if os.geteuid() == 0:
        os.chown(data / place, 0, 0)
    else:
        (data / place).chmod(0o400)
    with pytest.raises(SettingsInvalid) as invalid:
        load_settings(config)
    (problem,) = invalid.value.problems
    assert problem.cause == f"{data / place} in it cannot be written by the owner of {data}"
    assert f"chown -R --reference={data} {data}" in problem.hint
