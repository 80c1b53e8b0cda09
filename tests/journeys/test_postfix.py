"""A real Postfix as sending server, and as a partner with STARTTLS and its own authority."""

import pwd
import smtplib
from email.message import EmailMessage
from pathlib import Path

import pytest
from mailhosts import Postfix, Sink, has_postfix, wait_for

pytestmark = pytest.mark.postfix


@pytest.fixture(autouse=True)
def _postfix_is_here() -> None:
    if not has_postfix():
        pytest.skip("missing: Postfix, run as root (make system-packages installs it)")


def through(port: int, mail: EmailMessage, *to: str) -> None:
    with smtplib.SMTP("127.0.0.1", port, timeout=30) as client:
        client.send_message(mail, from_addr="alice@example.com", to_addrs=list(to))


def test_postfix_relays_through_us(world: Sink, make_gateway, letter, free_port, tmp_path: Path) -> None:
    gateway = make_gateway(world.port)
    gateway.start()
    with Postfix(tmp_path / "pf", free_port(), main={"relayhost": f"[127.0.0.1]:{gateway.smtp}"}) as postfix:
        through(postfix.port, letter(text="Grüße an alle\n"), "bob@friends.example", "bea@friends.example")
        through(postfix.port, letter(text="SSN 536-22-1234\n"), "dora@post.example")
        through(postfix.port, letter(), "refused@friends.example")
        [arrival] = world.wait("bob@friends.example")
        assert b"by gate.example.com" in arrival.raw and b"by mail.example.com (Postfix)" in arrival.raw
        world.wait("bea@friends.example")
        [notice] = world.wait("dora@post.example")
        assert b"/b/" in notice.raw
        world.wait("refused@friends.example")
        wait_for(lambda: "status=sent (250 2." in postfix.log(), why="Postfix got a 250 with an enhanced code")


def test_a_refusal_comes_back_to_postfix(world: Sink, make_gateway, letter, free_port, tmp_path: Path) -> None:
    gateway = make_gateway(world.port)
    (gateway.folder / "policy.yaml").write_text(
        "version: 1\nrules:\n  - name: Never\n    when: {recipients: enemy.example}\n"
        '    then: {reject: "Not to them"}\n'
        "otherwise: relay\n"
    )
    gateway.start()
    with Postfix(tmp_path / "pf", free_port(), main={"relayhost": f"[127.0.0.1]:{gateway.smtp}"}) as postfix:
        through(postfix.port, letter(), "x@enemy.example")
        wait_for(lambda: "status=bounced" in postfix.log(), why="Postfix bounces what was refused")
        assert "550 5.7.1" in postfix.log() and "Not to them" in postfix.log()


def test_postfix_as_a_partner_with_its_own_authority(
    world: Sink, make_gateway, letter, free_port, tmp_path: Path, authority
) -> None:
    certificate = authority.issue("gateway.stmary.example")
    owner = pwd.getpwnam("postfix")
    folder = tmp_path / "stmary"
    main = {
        "myhostname": "gateway.stmary.example",
        "smtpd_tls_security_level": "encrypt",
        "smtpd_tls_cert_file": str(certificate.certificate),
        "smtpd_tls_key_file": str(certificate.key),
        "smtpd_tls_received_header": "yes",
        "virtual_mailbox_domains": "stmary.example",
        "virtual_mailbox_base": str(folder / "mail"),
        "virtual_mailbox_maps": "static:carol/",
        "virtual_uid_maps": f"static:{owner.pw_uid}",
        "virtual_gid_maps": f"static:{owner.pw_gid}",
        "virtual_minimum_uid": "1",
    }
    with Postfix(folder, free_port(), main=main) as partner:
        gateway = make_gateway(
            world.port,
            more="partners:\n  st-mary:\n    domains: [stmary.example]\n"
            f"    host: 127.0.0.1:{partner.port}\n"
            f"    tls: {{verify: pki, ca: {authority.path}, names: [gateway.stmary.example]}}\n",
        )
        gateway.start()
        gateway.send(letter(text="SSN 536-22-1234\n"), "alice@example.com", "carol@stmary.example")
        [mail] = wait_for(lambda: partner.delivered("carol"), why=partner.log())
        assert b"536-22-1234" in mail
        assert b"using TLSv1.3" in mail, "Postfix says how it got it"
