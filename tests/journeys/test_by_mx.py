"""The started program finds mail servers by MX and holds them to what their domains publish: DANE, MTA-STS, nothing."""

import hashlib
import json
import os
import random
import ssl
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from mailhosts import Sink, wait_for
from nameserver import Zone, nameserver_in_thread
from wiretap import server_context

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.geteuid() != 0, reason="missing: root, for ports 25 and 443 of a loopback address"),
]

POLICY = b"version: STSv1\r\nmode: enforce\r\nmx: mx.b.example\r\nmx: mx.c.example\r\nmax_age: 86400\r\n"


class _Policies(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(POLICY)))
        self.end_headers()
        self.wfile.write(POLICY)

    def log_message(self, *_: object) -> None:
        """Silent."""


@contextmanager
def web_server(address: str, context: ssl.SSLContext) -> Iterator[None]:
    """HTTPS with the policy, at port 443 of an address."""
    server = ThreadingHTTPServer((address, 443), _Policies)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)


def tlsa(certificate) -> str:
    """`3 1 1` of a certificate."""
    key = x509.load_pem_x509_certificate(certificate.certificate.read_bytes()).public_key()
    return "3 1 1 " + hashlib.sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()


def test_each_domain_is_held_to_what_it_publishes(
    world: Sink, make_gateway, letter, authority, tmp_path, monkeypatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.path))  # the gateway's system trusts the test's authority
    net = f"127.{random.randrange(10, 250)}.{random.randrange(1, 250)}"
    (tmp_path / "other").mkdir()
    unknown = type(authority)(tmp_path / "other", "Nobody").issue("whoever.example", expired=True)
    certificates = {
        "a": unknown, "b": authority.issue("mx.b.example"), "c": authority.issue("else.example"),
        "e": authority.issue("e.example"), "f": authority.issue("mx.f.example"),
    }  # fmt: skip
    zone = Zone(signed={"a.example", "f.example"})
    for number, domain in enumerate("abcdef", 1):
        zone.put(f"{domain}.example", MX=f"10 mx.{domain}.example.")
        zone.put(f"mx.{domain}.example", A=f"{net}.{number}")
    zone.put("_25._tcp.mx.a.example", TLSA=tlsa(unknown))
    zone.put("_25._tcp.mx.f.example", TLSA=tlsa(unknown))  # not what it shows
    zone.put("null.example", MX="0 .")
    for domain in "bc":
        zone.put(f"_mta-sts.{domain}.example", TXT='"v=STSv1; id=1;"')
        zone.put(f"mta-sts.{domain}.example", A=f"{net}.100")
    web = server_context(authority.issue("mta-sts.b.example", "mta-sts.c.example"))
    with ExitStack() as stack:
        stack.enter_context(nameserver_in_thread(zone))
        stack.enter_context(web_server(f"{net}.100", web))
        sinks = {
            domain: stack.enter_context(
                Sink(25, host=f"{net}.{number}", context=server_context(held) if held is not None else None)
            )
            for number, domain in enumerate("abcdef", 1)
            for held in (certificates.get(domain),)
        }
        gateway = make_gateway(world.port, more="")
        text = gateway.config.read_text()
        by_mx = (
            "next_hop: {mx: true, tls: opportunistic}\n"
            + f'dns: {{servers: ["127.0.0.1:{zone.port}"], private: [127.0.0.0/8]}}\n'
        )
        hop = next(line for line in text.splitlines() if line.startswith("next_hop:"))
        gateway.config.write_text(text.replace(hop, by_mx) + "proven: [mta-sts, dane]\n")
        assert "secure mail goes by proven TLS" in gateway.command("config", "check")
        gateway.start()
        gateway.send(letter(), "alice@example.com", *(f"bob@{domain}.example" for domain in (*"abcdef", "null")))
        for domain in "abde":
            sinks[domain].wait(f"bob@{domain}.example")
        gateway.send(letter("[secure] x"), "alice@example.com", "dr@a.example", "dr@b.example")
        sinks["a"].wait("dr@a.example")
        sinks["b"].wait("dr@b.example")
        shown = _settled(gateway)
        assert sinks["c"].arrivals == [] and sinks["f"].arrivals == []
        [bounce] = world.wait("alice@example.com")
        assert b"5.1.10" in bounce.raw
        assert "TLSA 3 1 1" in shown["bob@a.example"] and '"proof": "dane"' in shown["bob@a.example"]
        assert "the MTA-STS policy 1 of b.example lists" in shown["bob@b.example"]
        assert "the certificate is for else.example, not for mx.c.example" in shown["bob@c.example"]
        assert '"proof": "none"' in shown["bob@d.example"]
        assert '"proof": "unverified"' in shown["bob@e.example"]
        assert "not the one that DNS names" in shown["bob@f.example"]
        assert '"proof": "dane"' in shown["dr@a.example"] and '"proof": "mta-sts"' in shown["dr@b.example"]
        assert gateway.stop() == 0


def _settled(gateway) -> dict[str, str]:
    """What the last try of each item told, once all were tried: its reply, and the evidence."""

    def tried() -> dict[str, str]:
        rows = [*gateway.rows("queue", "list"), *gateway.rows("queue", "list", "--state", "sent")]
        rows = [row for row in rows if not row["recipient"].endswith("@example.com")]
        if len(rows) < 8 or not all(row["attempts"] for row in rows):
            return {}
        shown = [one for name in {row["message_id"] for row in rows} for one in gateway.rows("queue", "show", name)]
        return {one["recipient"]: json.dumps(one["tries"][-1]) for one in shown if one["tries"]}

    return wait_for(tried, seconds=60, why="every item was tried")
