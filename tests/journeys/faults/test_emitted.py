"""What we say to the next hop holds one message a DATA, however loosely it looks for the end; our own mails too."""

import itertools
import re
from collections.abc import Callable
from contextlib import closing

import pytest
from faults_ledger import Ledger
from faults_load import Line, Refused
from faults_peer import Peer
from faults_rig import FaultyGateway

EVIL = b"MAIL FROM:<ceo@example.com>\r\nRCPT TO:<victim@friends.example>\r\nDATA\r\nSubject: evil\r\n\r\nevil"
ENDS = (b"\r\n", b"\n", b"\r", b"\r\r\n", b"\n\n", b"\n\r", b"\r\n\r")
HIDDEN = [before + dot + after for before, dot, after in itertools.product(ENDS, (b".", b".."), ENDS)]
REAL = [hidden for hidden in HIDDEN if b"\r\n.\r\n" in hidden]  # an end as the standard has it: no hiding


@pytest.mark.parametrize("mode", ["normalise", pytest.param("refuse", marks=pytest.mark.soak)])
def test_no_second_message_comes_out(
    make_faulty: Callable[..., FaultyGateway], peer: Peer, ledger: Ledger, idle: Callable[..., None], mode: str
) -> None:
    gateway = make_faulty(peer.port, more=f"workers: 1\nsmtp: {{bare_newline: {mode}}}")
    gateway.start()
    taken = 0
    with closing(Line(gateway.smtp)) as line:
        for number, hidden in enumerate(hidden for hidden in HIDDEN if hidden not in REAL):
            raw = b"From: alice@example.com\r\nSubject: %d\r\n\r\n.b" % number + hidden + EVIL + b"\r\n"
            to = [f"m{number}@friends.example", f"m{number}@box.example", f"m{number}@bounce.example"]
            try:
                line.send(
                    "alice@example.com", to[: 3 if number % 20 == 0 else 1], raw.replace(b"\r\n.b", b"\r\n..b"), 0
                )
            except Refused as refused:
                assert mode == "refuse" and refused.reply.startswith(b"554 5.6.0 "), (hidden, refused.reply)
                with_bare = re.search(rb"\r(?!\n)|(?<!\r)\n", raw)
                assert with_bare, hidden
                if number % 15 == 14:  # a door hears so many errors and no more
                    line.send("alice@example.com", ["calm@friends.example"], b"Subject: x\r\n\r\nx\r\n")
            else:
                taken += 1
    idle(gateway)
    assert taken == len(HIDDEN) - len(REAL) if mode == "normalise" else taken
    arrivals = peer.arrivals()
    assert "victim@friends.example" not in arrivals
    assert sum(len(got) for to, got in arrivals.items() if re.fullmatch(r"m\d+@friends\.example", to)) == taken
    assert mode == "refuse" or any(got.sender == "" for got in peer.got), "a report of our own is among them"
    for got in peer.got:
        assert not re.search(rb"\r(?!\n)|(?<!\r)\n|\0", got.raw), got.raw
        assert not re.search(rb"(?:\A|\r\n)\.(?!\.)", got.raw), got.raw
