"""Mail of Postfix, Exim and Python's smtplib leaves as it came, byte by byte, with our Received line on top."""

import re
import smtplib
from collections.abc import Callable, Iterator
from pathlib import Path

import exim
import pytest
from faults_peer import Peer
from faults_rig import FaultyGateway
from mailhosts import Postfix, has_postfix, wait_for
from tap import Tap

pytestmark = [pytest.mark.postfix, pytest.mark.timeout(600)]

HEAD = (
    b"From: Alice <alice@example.com>\nTo: bob@friends.example\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=  two  spaces \n"
    b"Date: Sun, 01 Mar 2026 10:00:00 +0000\nMessage-ID: <one@example.com>\nX-Folded: a\n\tb\n   c\nX-Empty:\n"
    b"DKIM-Signature: v=1; a=rsa-sha256; c=simple/simple;\n b=abc\nMIME-Version: 1.0\n"
    b"Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n"
)
BODY = (
    b".\n..\n.leading dot\nFrom the beginning\n trailing blanks  \t\n\n\xc3\xbc\xff 8-bit\n" + b"x" * 900 + b"\n"
    b"\x0b\x0c\x1b controls\n=3D\n-- \n" + b"line\n" * 3000 + b"\n\n"
)


@pytest.fixture
def door(make_faulty: Callable[..., FaultyGateway], peer: Peer, free_port: Callable[[], int]) -> Iterator[Tap]:
    """The gateway's door, and what is said to it."""
    gateway = make_faulty(peer.port)
    gateway.start()
    with Tap(free_port(), gateway.smtp) as tap:
        yield tap


def arrived(peer: Peer, tap: Tap, recipient: str) -> None:
    """What came to the next hop is what was sent to us, our Received line taken off."""
    [got] = peer.wait(recipient)
    [sent] = wait_for(tap.messages, why="the message was said to our door")
    received = re.match(rb"Received: from [^\r\n]+\r\n(\t[^\r\n]+\r\n)+", got.raw)
    assert received is not None and b"by gate.example.com" in received[0]
    assert got.raw[received.end() :] == sent


def test_from_pythons_smtplib(door: Tap, peer: Peer) -> None:
    with smtplib.SMTP("127.0.0.1", door.port, timeout=60) as client:
        client.sendmail("alice@example.com", ["bob@friends.example"], (HEAD + BODY).replace(b"\n", b"\r\n"))
    arrived(peer, door, "bob@friends.example")
    assert peer.arrivals()["bob@friends.example"][0].raw.count(b"\r\nline") == 3000


def test_from_postfix(door: Tap, peer: Peer, tmp_path: Path, free_port: Callable[[], int]) -> None:
    if not has_postfix():
        pytest.skip("missing: Postfix, run as root (make system-packages installs it)")
    with Postfix(tmp_path / "pf", free_port(), main={"relayhost": f"[127.0.0.1]:{door.port}"}) as postfix:
        with smtplib.SMTP("127.0.0.1", postfix.port, timeout=60) as client:
            client.sendmail("alice@example.com", ["bob@friends.example"], (HEAD + BODY).replace(b"\n", b"\r\n"))
        arrived(peer, door, "bob@friends.example")


def test_from_exim(door: Tap, peer: Peer, tmp_path: Path) -> None:
    exim.send(tmp_path / "exim", door.port, "alice@example.com", "bob@friends.example", HEAD + BODY)
    arrived(peer, door, "bob@friends.example")
