"""Each kind of mail takes its way: relayed, by verified TLS to a partner, or into a SafeBox with a notice."""

import io
import re
import ssl
import zipfile
from collections.abc import Callable
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest
from mailhosts import Sink, wait_for

from gateway.demo.samples import word_file

SECRET = "536-22-1234"


def hidden_letter(letter: Callable[..., EmailMessage], to: str) -> EmailMessage:
    """An SSN in a Word file in a zip in a forwarded message."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("for you/letter.docx", word_file((f"SSN {SECRET}",)))
    inner = letter("The papers", "See the attached file.\n", "alice@example.com")
    inner.add_attachment(packed.getvalue(), maintype="application", subtype="zip", filename="papers.zip")
    outer = letter("Fwd: The papers", "As promised.\n", to)
    outer.add_attachment(inner)
    return outer


def received_line_apart(raw: bytes) -> bytes:
    """What follows our Received line."""
    assert raw.startswith(b"Received: from ")
    return re.sub(rb"\AReceived: [^\r\n]*(\r\n[ \t][^\r\n]*)*\r\n", b"", raw, count=1)


def test_an_ordinary_mail_is_relayed_byte_for_byte(world: Sink, make_gateway, letter) -> None:
    gateway = make_gateway(world.port)
    gateway.start()
    raw = letter(text="A line.\n.\n..two dots\n\nüöä and trailing spaces   \n").as_bytes(policy=policy.SMTP)
    gateway.send(raw, "alice@example.com", "bob@friends.example")
    [arrival] = world.wait("bob@friends.example")
    assert arrival.sender == "alice@example.com"
    assert received_line_apart(arrival.raw) == raw
    assert gateway.stop() == 0


def test_a_number_hidden_deep_goes_by_safebox(world: Sink, make_gateway, letter) -> None:
    gateway = make_gateway(world.port)
    gateway.start()
    gateway.send(hidden_letter(letter, "dora@post.example"), "alice@example.com", "dora@post.example")
    [notice] = world.wait("dora@post.example")
    shown = message_from_bytes(notice.raw, policy=policy.default)
    text = shown.get_body(("plain",)).get_content()
    assert SECRET.encode() not in notice.raw and b"papers" not in notice.raw
    assert shown["Auto-Submitted"] == "auto-generated"
    assert "Alice Example" in text and "alice@example.com" in text
    [link] = re.findall(rf"http://localhost:{gateway.portal}(/b/\S+)", text)
    status, page = gateway.get(link)
    assert status == 200 and "Alice Example" in page and "papers" not in page
    [box] = gateway.rows("box", "list")
    assert box["owner"] == "alice@example.com"
    assert [guest["address"] for guest in box["guests"]] == ["dora@post.example"]


def test_a_partner_gets_it_over_verified_tls(world: Sink, make_gateway, letter, authority, free_port) -> None:
    certificate = authority.issue("gateway.stmary.example")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate.certificate, certificate.key)
    with Sink(free_port(), context=context) as partner:
        gateway = make_gateway(world.port, more=_partner(partner.port, authority.path))
        gateway.start()
        gateway.send(hidden_letter(letter, "carol@stmary.example"), "alice@example.com", "carol@stmary.example")
        [arrival] = partner.wait("carol@stmary.example")
        assert arrival.tls and b"papers.zip" in arrival.raw
        [item] = wait_for(lambda: [*gateway.rows("queue", "list", "--state", "sent")])
        assert item["route"] == "partner"
        assert "pki" in gateway.command("queue", "show", item["id"])
    assert not world.arrivals


@pytest.mark.parametrize("fault", ["wrong name", "other authority", "expired", "no tls"])
def test_a_partner_without_proof_gets_nothing_and_the_fallback_happens(
    world: Sink, make_gateway, letter, authority, free_port, tmp_path, fault: str
) -> None:
    issuer = authority
    if fault == "other authority":
        (tmp_path / "other").mkdir()
        issuer = type(authority)(tmp_path / "other")
    name = "somebody.else.example" if fault == "wrong name" else "gateway.stmary.example"
    certificate = issuer.issue(name, expired=fault == "expired")
    context = None
    if fault != "no tls":
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(certificate.certificate, certificate.key)
    with Sink(free_port(), context=context) as partner:
        more = _partner(partner.port, authority.path)
        more += "queue: {first_retry: 1 seconds, longest_retry: 1 seconds, secure_fallback: 3 seconds}\n"
        gateway = make_gateway(world.port, more=more)
        gateway.start()
        gateway.send(hidden_letter(letter, "carol@stmary.example"), "alice@example.com", "carol@stmary.example")
        [notice] = world.wait("carol@stmary.example")
        assert b"/b/" in notice.raw and b"papers" not in notice.raw
        assert partner.arrivals == []
        assert [box["guests"][0]["address"] for box in gateway.rows("box", "list")] == ["carol@stmary.example"]


def _partner(port: int, ca: object) -> str:
    return (
        "partners:\n  st-mary:\n    domains: [stmary.example]\n"
        f"    host: 127.0.0.1:{port}\n    tls: {{verify: pki, ca: {ca}, names: [gateway.stmary.example]}}\n"
    )
