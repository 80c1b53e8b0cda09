"""Database and keys that are locked, killed, gone: 451 while it lasts, and all goes on by itself afterwards."""

import os
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from typing import Any

import psycopg
import pytest
from faults_ledger import POLICY, Ledger, balances, printed, states_in
from faults_load import DOMAINS, LARGE, Crowd, Refused, send_once
from faults_peer import Peer
from faults_rig import FaultyGateway
from mailhosts import wait_for
from postgres import Server

LOCKED = float(os.environ.get("SEALGATE_LOCKED", "2"))  # seconds; `make soak` says 60
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
    assert balances(ledger.check(states_in(gateway.folder / "data"), peer.arrivals()))
    gateway.command("queue", "audit")


def test_a_database_server_that_is_killed_and_stopped(
    make_faulty: Callable[..., FaultyGateway], peer: Peer, ledger: Ledger, postgres_server: Server, capsys: Any
) -> None:
    url = postgres_server.url(postgres_server.new_database())
    gateway = make_faulty(peer.port, database=f"database: {url}")
    gateway.start()
    for phase in ("server killed", "server restarted"):
        with Crowd(gateway.smtp, ledger, phase, clients=4) as crowd:
            wait_for(
                lambda phase=phase: any(s.heard for s in ledger.sent.values() if s.phase == phase), why="mail flows"
            )
            postgres_server.stop()  # every process of it at once, without a checkpoint
            if phase == "server killed":
                wait_for(lambda crowd=crowd: crowd.refused, why="clients are told to come later")
            postgres_server.start()
        assert all(reply.startswith(LATER) for reply in crowd.refused)
        until_taken(gateway, ledger, f"{phase.split()[1]}-after", phase)

    def rows(query: str) -> list[Any]:
        with psycopg.connect(url) as conn:
            return conn.execute(query.encode()).fetchall()

    wait_for(lambda: not rows("select 1 from items where state in ('due', 'leased')"), seconds=60, why="all is done")
    query = "select recipient, state from items where kind = 'mail'"
    states: dict[str, list[str]] = {}
    for recipient, state in rows(f"{query} union all {query.replace('items', 'finished_items')}"):
        states.setdefault(recipient, []).append(state)
    table = ledger.check(states, peer.arrivals())
    with capsys.disabled():
        print("\n" + printed(table))
    assert balances(table)
    gateway.command("queue", "audit")


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
    assert balances(ledger.check(states_in(gateway.folder / "data"), peer.arrivals()))


def test_policy_of_the_rig_is_the_gateways(make_faulty: Callable[..., FaultyGateway], peer: Peer) -> None:
    """The books know the ends by the recipients' domains: the policy must say the same."""
    gateway = make_faulty(peer.port)
    gateway.command("policy", "check")
    assert (gateway.folder / "policy.yaml").read_text() == POLICY
