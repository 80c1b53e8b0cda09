"""A worker that is stopped past its lease and goes on: fenced, but for the moment between last look and final dot."""

import os
import signal
import time
from collections.abc import Callable

import pytest
from faults_ledger import Kill, Ledger, balances, rows_in, states_in
from faults_load import send_once
from faults_peer import Peer
from faults_rig import TIMES, FaultyGateway
from mailhosts import wait_for

LEASE = 1.5  # seconds, in place of 60
SHORT = TIMES | {"delivery.claims:LEASE": LEASE, "delivery.worker:RENEW": LEASE / 3, "delivery.worker:KEEP": 0.2}


@pytest.mark.parametrize(
    ("point", "arrivals"),
    [
        pytest.param("after connect", 1, marks=pytest.mark.soak),
        ("before the dot", 1),  # before it asks whether the lease is still its own
        ("at the dot", 2),  # after it asked: the window that no fence can close
        pytest.param("after the dot", 2, marks=pytest.mark.soak),  # the other's 250 comes too late to be known
    ],
)
def test_stopped_past_the_lease(
    make_faulty: Callable[..., FaultyGateway], peer: Peer, ledger: Ledger, idle: Callable[..., None],
    point: str, arrivals: int,
) -> None:  # fmt: skip
    first = make_faulty(peer.port)
    first.arm["times"] = SHORT
    first.start()
    first.trigger(point, "stop")
    assert send_once(first.smtp, ledger, "one", point, ["friends.example"])
    wait_for(lambda: point in first.fired(), why="it stops there")
    second = make_faulty(peer.port, "gateway", twin_of=first)
    second.start()
    [got] = peer.wait("one@friends.example") if point != "after the dot" else peer.wait("one@friends.example", 2)[:1]
    wait_for(lambda: states_in(second.store) == {"one@friends.example": ["sent"]}, why="the other sends it")
    assert first.pid is not None
    ledger.kills.append(Kill(got.at + 0.01, point))  # as good as killed, as far as the others can tell
    os.killpg(first.pid, signal.SIGCONT)
    assert send_once(first.smtp, ledger, "two", point, ["friends.example"]), "it lives on"
    idle(second)
    wait_for(lambda: len(peer.arrivals()["one@friends.example"]) >= arrivals, why="the late one, where there is one")
    time.sleep(0.5)
    assert len(peer.arrivals()["one@friends.example"]) == arrivals
    assert balances(ledger.check(states_in(second.store), peer.arrivals()))
    late = rows_in(second.store, "select outcome from attempts where outcome = 'late'")
    wanted = 1 if arrivals == 2 else 0
    wait_for(
        lambda: len(rows_in(second.store, "select 1 from attempts where outcome = 'late'")) == wanted,
        why=f"what came late is on record, once: {late}",
    )
    first.command("queue", "audit")
