"""The demo's folder: certificates, configurations and policies, written as an admin would write them."""

import datetime
import fcntl
import ipaddress
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from keys.keyring import KeyRing

MARK: Final = ".sealgate-demo"  # tells our folder from one that holds something else; locked while a demo runs in it


class DemoFailed(Exception):
    """The demo could not be brought up; the text says what was missing, `hint` what to do."""

    def __init__(self, what: str, hint: str = "") -> None:
        super().__init__(what)
        self.hint = hint


@contextmanager
def taken(folder: Path) -> Iterator[None]:
    """The folder is this demo's alone until the block ends: another demo's files and a stranger's are never touched."""
    mark = folder / MARK
    if not mark.exists() and folder.exists() and any(folder.iterdir()):
        raise DemoFailed(f"{folder} holds other things than a demo", "name another: sealgate demo --folder NEW")
    folder.mkdir(parents=True, exist_ok=True)
    with mark.open("a") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise DemoFailed(
                f"a demo is running in {folder} already", "end it, or name another: sealgate demo --folder NEW"
            ) from None
        yield


@dataclass(frozen=True, slots=True)
class Ports:
    """Where everything listens, all on loopback."""

    smtp: int
    portal: int
    mailboxes: int
    world: int
    partner_smtp: int
    partner_portal: int


def choose_ports() -> Ports:
    """The well-remembered ports where they are free, others where not."""
    return Ports(*(_free(port) for port in (2525, 8080, 8081, 2526, 2527, 8082)))


def _free(port: int) -> int:
    for candidate in (port, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", candidate))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise OSError("no free port on 127.0.0.1")


def write_folder(folder: Path, ports: Ports) -> None:
    """Write the demo's files anew; what an earlier demo stored there is taken away."""
    for name in ("gateway", "partner"):
        shutil.rmtree(folder / name, ignore_errors=True)
        (folder / name).mkdir(parents=True)
        KeyRing.create(folder / name / "keyring.json")
    _write_certificates(folder / "partner")
    shutil.copy(folder / "partner" / "ca.pem", folder / "gateway" / "st-mary-ca.pem")
    policy = resources.files("gateway").joinpath("policy.example.yaml").read_text("utf-8")
    (folder / "gateway" / "policy.yaml").write_text(policy, "utf-8")
    (folder / "gateway" / "config.yaml").write_text(_GATEWAY.format(**_values(ports)), "utf-8")
    (folder / "partner" / "policy.yaml").write_text("version: 1\notherwise: relay\n", "utf-8")
    (folder / "partner" / "config.yaml").write_text(_PARTNER.format(**_values(ports)), "utf-8")


def _values(ports: Ports) -> dict[str, int]:
    return {name: getattr(ports, name) for name in Ports.__slots__}


_GATEWAY = """\
# The demo's gateway. `sealgate config check --config` with this file's name tells whether a change of yours is sound.
hostname: gate.example.com
domains: [example.com]
data: data
keys: file:keyring.json

listeners:
  - address: 127.0.0.1:{smtp}
    accepts: outbound
    require: network
    clients: [127.0.0.0/8]

next_hop: {{host: "127.0.0.1:{world}", tls: opportunistic}}   # the demo's internet: everyone's mailbox
inside: {{host: "127.0.0.1:{world}", tls: opportunistic}}     # our own people's mailboxes

partners:
  st-mary:
    domains: [stmary.example]
    host: localhost:{partner_smtp}
    tls: {{verify: pki, ca: st-mary-ca.pem, names: [gateway.stmary.example]}}
    fallback: safebox

policy: policy.yaml
rules: [builtin]

portal: {{address: "127.0.0.1:{portal}", url: "http://localhost:{portal}"}}
notices: {{from: "Example Clinic <secure@example.com>"}}

phones:   # codes by text and call; the demo's mailbox page shows what would be on the telephone
  sms: {{url: "http://127.0.0.1:{mailboxes}/telephone/text", form: {{to: "{{number}}", text: "{{text}}"}}}}
  voice: {{url: "http://127.0.0.1:{mailboxes}/telephone/call", form: {{to: "{{number}}", text: "{{spoken}}"}}}}

profiles:
  standard:
    participants: {{privileged: ["Nora Example <nora@example.com>"]}}
    signin: {{ways: [code, account, passkey, sms, voice, question], remember_device: 30 days}}
queue: {{first_retry: 5 seconds, longest_retry: 30 seconds, secure_fallback: 2 minutes}}
telemetry: {{log: text, metrics: null}}
"""

_PARTNER = """\
# The demo's partner: a second Sealgate, at St. Mary's, which takes mail for its own people.
hostname: gateway.stmary.example
domains: [stmary.example]
data: data
keys: file:keyring.json

listeners:
  - address: 127.0.0.1:{partner_smtp}
    accepts: inbound
    clients: [127.0.0.0/8]
    tls: {{certificate: gateway.pem, key: gateway.key}}

next_hop: {{host: "127.0.0.1:{world}", tls: opportunistic}}
inside: {{host: "127.0.0.1:{world}", tls: opportunistic}}

policy: policy.yaml
portal: {{address: "127.0.0.1:{partner_portal}", url: "http://localhost:{partner_portal}"}}
telemetry: {{log: text, metrics: null}}
"""


def _write_certificates(folder: Path) -> None:
    """St. Mary's own authority, and its gateway's certificate signed by it."""
    now = datetime.datetime.now(datetime.UTC)
    authority_key, gateway_key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    authority = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "St. Mary's demo authority")])

    def certificate(subject: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(authority)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(hours=1))
            .not_valid_after(now + datetime.timedelta(days=365))
        )

    usage = x509.KeyUsage(True, False, False, False, False, True, True, False, False)
    ca = (
        certificate(authority, authority_key)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(authority_key.public_key()), critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    names = [
        x509.DNSName("gateway.stmary.example"),
        x509.DNSName("localhost"),
        x509.IPAddress(ipaddress.ip_address("127.0.0.1")),
    ]
    leaf = (
        certificate(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "gateway.stmary.example")]), gateway_key)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()), critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    (folder / "ca.pem").write_bytes(ca.public_bytes(serialization.Encoding.PEM))
    (folder / "gateway.pem").write_bytes(leaf.public_bytes(serialization.Encoding.PEM))
    key = folder / "gateway.key"
    key.touch(mode=0o600)
    key.write_bytes(
        gateway_key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
