"""Database and keys that are locked, killed, gone: 451 while it lasts, and all goes on by itself afterwards."""

import os
import sqlite3
import time
from collections.abc import Callable
from contextlib import ExitStack, closing
from typing import Any

import pytest
from faults_ledger import POLICY, Ledger, balances, printed, states_in
from faults_load import DOMAINS, LARGE, Crowd, Refused, send_once
from faults_peer import Peer
from faults_rig import FaultyGateway
from mailhosts import wait_for
from postgres import Server

LOCKED = float(os.environ.get("SEALGATE_LOCKED", "2"))  # seconds; `make soak` says 60
KILLS = int(os.environ.get("SEALGATE_KILLS", "4"))
LATER = (b"451 4.3.0 ", b"452 4.3.1 ")


def until_taken(gateway: FaultyGateway, ledger: Ledger, name: str, phase: str, seconds: float = 60) -> None:
    """Send as a mail server does: again and again, until it is taken."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            if send_once(gateway.smtp, ledger, name, phase, DOMAINS, LARGE):
                return
        except Refused as refused:
            assert refused.reply.startswith(LATER), refused.reply
            ledger.sent[name].unheard += 1  # whether it was committed, nobody could tell
        assert time.monotonic() < deadline, "it takes mail again by itself"
        time.sleep(0.1)


@pytest.mark.parametrize("how", ["IMMEDIATE", pytest.param("EXCLUSIVE", marks=pytest.mark.soak)])
def test_a_locked_database(
    make_faulty: Callable[..., FaultyGateway], peer: Peer, ledger: Ledger, idle: Callable[..., None], how: str
) -> None:
    """Another program holds SQLite's lock (a backup, a shell): nobody is told 250 meanwhile, and nothing hangs."""
    gateway = make_faulty(peer.port)
    gateway.arm["patience"] = min(5.0, LOCKED / 2)
    gateway.start()
    with closing(sqlite3.connect(gateway.folder / "data" / "sealgate.db", isolation_level=None)) as other:
        other.execute(f"BEGIN {how}")
        began = time.monotonic()
        with Crowd(gateway.smtp, ledger, "locked", clients=3) as crowd:
            while time.monotonic() - began < LOCKED:
                time.sleep(0.1)
        other.execute("COMMIT")
    assert crowd.refused and all(reply.startswith(LATER) for reply in crowd.refused)
    assert not any(sent.heard for sent in ledger.sent.values())
    until_taken(gateway, ledger, "after", "after the lock")
    idle(gateway)
    assert balances(ledger.check(states_in(gateway.store), peer.arrivals()))
    gateway.command("queue", "audit")


def _gone(server: Server, refused: Callable[[], object]) -> None:
    """Stopped at once, without a checkpoint, until clients hear of it."""
    server.stop()
    wait_for(refused, why="clients are told to come later")
    server.start()


def _killed(server: Server, _refused: Callable[[], object]) -> None:
    server.kill()
    server.start()


def _one_killed(server: Server, _refused: Callable[[], object]) -> None:
    server.kill_one()
    wait_for(server.answers, why="the server recovers by itself")


def _cut(server: Server, _refused: Callable[[], object]) -> None:
    for _ in range(10):
        server.cut()
        time.sleep(0.05)


def _frozen(server: Server, refused: Callable[[], object]) -> None:
    server.freeze()
    try:
        wait_for(refused, why="clients are told to come later")
    finally:
        server.thaw()


SERVER_FAULTS = {
    "server gone": _gone, "server killed": _killed, "one process killed": _one_killed, "connections cut": _cut,
    "server frozen": _frozen,
}  # fmt: skip
ROUNDS = max(1, KILLS // 40)


@pytest.mark.postgres
@pytest.mark.timeout(600 + KILLS * 20)
@pytest.mark.parametrize(
    "faults",
    [("server gone", "connections cut"), pytest.param(tuple(SERVER_FAULTS) * ROUNDS, marks=pytest.mark.soak)],
    ids=["few", "all"],
)
def test_a_database_server_that_fails_under_load(
    make_faulty: Callable[..., FaultyGateway], peer: Peer, ledger: Ledger, idle: Callable[..., None],
    postgres_server: Server, faults: tuple[str, ...], capsys: Any,
) -> None:  # fmt: skip
    """Two nodes of two workers on one server. It is gone, or hangs up in the middle of transactions: no mail twice."""
    database = f"database: {postgres_server.url(postgres_server.new_database())}"
    first = make_faulty(peer.port, more="workers: 2", database=database)
    first.arm |= {"patience": 2.0, "retry": 0.3}  # what finds no database for its SafeBox is tried again soon
    second = make_faulty(peer.port, twin_of=first, more="workers: 2")
    peer.manners.pause = 0.02
    nodes = (first, second)
    for node in nodes:
        node.start()
    for number, fault in enumerate(faults):
        with ExitStack() as stack:
            crowds = [
                stack.enter_context(Crowd(node.smtp, ledger, f"{fault}-{number}-{at}", clients=3, phase=fault))
                for at, node in enumerate(nodes)
            ]
            begins = f"{fault}-{number}-".replace(" ", "")
            wait_for(
                lambda begins=begins: any(s.heard for s in list(ledger.sent.values()) if s.name.startswith(begins)),
                why="mail flows",
            )
            SERVER_FAULTS[fault](postgres_server, lambda crowds=crowds: any(crowd.refused for crowd in crowds))
            for at, node in enumerate(nodes):
                until_taken(node, ledger, f"after-{number}-{at}", fault)
        assert all(reply.startswith(LATER) for crowd in crowds for reply in crowd.refused)
    idle(first)
    table = ledger.check(states_in(first.store), peer.arrivals())
    with capsys.disabled():
        print("\n" + printed(table))
    assert balances(table)
    first.command("queue", "audit")
    for node in nodes:
        assert node.stop() == 0


def test_keys_that_are_gone(
    make_faulty: Callable[..., FaultyGateway], peer: Peer, ledger: Ledger, idle: Callable[..., None]
) -> None:
    """No key to seal with: 451. No key to open with: the mail waits. No keyring at start: it says so, and waits too."""
    gateway = make_faulty(peer.port)
    gateway.arm["retry"] = 0.2
    gateway.start()
    gateway.trigger("key asked for", "no keys")
    with pytest.raises(Refused, match=r"451 4\.3\.0"):
        send_once(gateway.smtp, ledger, "sealing", "sealing", DOMAINS, 1500)
    gateway.calm()
    until_taken(gateway, ledger, "sealing", "sealing")
    idle(gateway)
    peer.manners.recipient, takes = (lambda _address: "451 4.2.1 later"), peer.manners.recipient
    until_taken(gateway, ledger, "waiting", "waiting")
    gateway.stop()
    keyring, away = gateway.folder / "keyring.json", gateway.folder / "away.json"
    keyring.rename(away)
    assert "keys: " in gateway.refused_to_start()
    away.rename(keyring)
    peer.manners.recipient = takes
    gateway.trigger("key opened", "no keys")
    gateway.start()
    wait_for(lambda: gateway.fired().count("key opened") > 2, why="it asks again and again")
    assert "waiting@friends.example" not in peer.arrivals()
    gateway.calm()
    idle(gateway)
    assert balances(ledger.check(states_in(gateway.store), peer.arrivals()))


def test_policy_of_the_rig_is_the_gateways(make_faulty: Callable[..., FaultyGateway], peer: Peer) -> None:
    """The books know the ends by the recipients' domains: the policy must say the same."""
    gateway = make_faulty(peer.port)
    gateway.command("policy", "check")
    assert (gateway.folder / "policy.yaml").read_text() == POLICY
