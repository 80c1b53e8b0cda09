"""A message marked secure never leaves in the clear, whatever is wrong with the server it should go to.

One gateway, a partner for each fault, and a secret for each partner. Every byte that reached a partner is kept, and
where we are root every packet of the machine is looked at, the mail that others got included.
"""

import contextlib
import ssl

import pytest
from faults_visitor import Visitor, text_of
from mailhosts import Arrival, Sink, wait_for
from wiretap import FAULTS, LATE, FaultyServer, LoopbackTap, server_context

pytestmark = pytest.mark.slow


def _secret(number: int) -> str:
    return f"Kestrel{number:02d}Quarry"


def _contexts(authority, tmp_path) -> dict[str, ssl.SSLContext]:
    (tmp_path / "other").mkdir()
    stranger = type(authority)(tmp_path / "other", "Nobody")
    right = server_context(authority.issue("127.0.0.1"))
    return {
        **dict.fromkeys((*FAULTS, *LATE), right),
        "expired": server_context(authority.issue("127.0.0.1", expired=True)),
        "wrong host": server_context(authority.issue("elsewhere.example")),
        "self-signed": server_context(stranger.issue("127.0.0.1")),
        "TLS 1.0": server_context(authority.issue("127.0.0.1"), newest=ssl.TLSVersion.TLSv1),
        "TLS 1.1": server_context(authority.issue("127.0.0.1"), newest=ssl.TLSVersion.TLSv1_1),
    }


def test_whatever_is_wrong_nothing_is_said(world: Sink, make_gateway, letter, authority, tmp_path) -> None:
    contexts = _contexts(authority, tmp_path)
    with contextlib.ExitStack() as stack:
        servers = [stack.enter_context(FaultyServer(fault, contexts[fault])) for fault in (*FAULTS, *LATE)]
        tls = f"tls: {{ca: {authority.path}}}"
        partners = "".join(
            f"  p{number}: {{domains: [p{number}.example], host: '127.0.0.1:{server.port}', {tls}}}\n"
            for number, server in enumerate(servers)
        )
        quick = "queue: {first_retry: 1 seconds, longest_retry: 1 seconds, secure_fallback: 4 seconds}\n"
        gateway = make_gateway(world.port, more=f"partners:\n{partners}{quick}")
        gateway.start()
        ours = {gateway.smtp, gateway.portal}
        tap = stack.enter_context(LoopbackTap(but=lambda: ours)) if LoopbackTap.is_allowed() else None
        gateway.send(letter("Lunch", "OrdinaryMarker\n"), "alice@example.com", "bob@friends.example")
        for number, server in enumerate(servers):
            to = [f"dr@p{number}.example"] + ([f"second@p{number}.example"] if server.fault == "half accepted" else [])
            mail = letter("[secure] Lapwing", f"The word is {_secret(number)}.\n", to[0])
            gateway.send(mail, "alice@example.com", *to)
        world.wait("bob@friends.example")
        for number in range(len(FAULTS)):
            world.wait(f"dr@p{number}.example", seconds=90)  # its notice: the mail fell back to a SafeBox
        wait_for(lambda: _secret(len(servers) - 1).encode() in servers[-1].under_tls, why="the good partner has it")
        wait_for(lambda: len(gateway.rows("queue", "list", "--state", "sent")) >= 2 + len(FAULTS))
        _nothing_was_heard(servers)
        assert any(b"OrdinaryMarker" in arrival.raw for arrival in world.arrivals)
        for arrival in world.arrivals:  # neither notices nor reports tell it; the subject is the owner's own mail
            assert b"Kestrel" not in arrival.raw, arrival
            assert b"Lapwing" not in arrival.raw or arrival.recipients == ("alice@example.com",), arrival
        if tap is not None:
            assert tap.holds(b"OrdinaryMarker"), "the tap sees what is in the clear"
            assert tap.holds(b"STARTTLS")
            assert not tap.holds(b"Kestrel")
        _the_queue_tells_why(gateway)


def test_what_a_guest_answers_to_a_domain_that_was_given_up_goes_by_safebox(world: Sink, make_gateway, letter) -> None:
    dora, owner = "dora@post.example", "alice@sold.example"
    gateway = make_gateway(world.port)
    config = gateway.config.read_text()
    gateway.config.write_text(config.replace("domains: [example.com]", "domains: [example.com, sold.example]"))
    gateway.start()
    mail = letter("[secure] Lapwing", "The word is Kestrel.\n", dora)
    mail.replace_header("From", f"Alice <{owner}>")
    mail["Disposition-Notification-To"] = owner
    gateway.send(mail, owner, dora)
    world.wait(dora)
    gateway.stop()
    gateway.config.write_text(config)
    gateway.start()
    guest, sender = [Visitor(gateway.portal, lambda to=to: _of(world, to)) for to in (dora, owner)]
    path = guest.enter()
    assert "Kestrel" in guest.text
    assert guest.answer(f"{path}/answer", "It is Merlin here.") == 303
    wait_for(lambda: "/b/" in "".join(text_of(one) for one in _of(world, owner)), why="its notice")
    sender.enter()
    assert "It is Merlin here." in sender.text
    assert len(_of(world, owner)) == 3  # that it was opened, that an answer waits, the code
    for arrival in world.arrivals:
        assert all(word not in arrival.raw for word in (b"Kestrel", b"Merlin", b"Lapwing")), arrival


def _of(world: Sink, recipient: str) -> list[Arrival]:
    return [arrival for arrival in world.arrivals if recipient in arrival.recipients]


def _nothing_was_heard(servers: list[FaultyServer]) -> None:
    for number, server in enumerate(servers):
        wire, told = bytes(server.heard), _secret(number).encode()
        assert server.connections, server.fault
        for word in (told, b"MAIL FROM", b"alice@example.com", b"dr@p", b"Lapwing"):
            assert word not in wire, f"{server.fault}: {word!r} in the clear"
        if server.fault in FAULTS:
            assert b"MAIL FROM" not in server.read, server.fault
        elif server.fault != "cut in the content":
            assert told in server.under_tls, f"{server.fault}: it came under TLS"


def _the_queue_tells_why(gateway) -> None:
    good = [row for row in gateway.rows("queue", "list", "--state", "sent") if row["route"] == "partner"]
    shown = gateway.command("queue", "show", good[0]["id"])
    assert "proof pki" in shown
    assert "proven by a certificate for 127.0.0.1" in shown
