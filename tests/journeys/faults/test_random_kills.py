"""kill -9 at random moments under load, of the whole group or of one worker, and the books balance."""

import os
import random
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from faults_ledger import Kill, Ledger, balances, printed, states_in
from faults_load import Crowd
from faults_peer import Peer
from faults_rig import FaultyGateway

KILLS = int(os.environ.get("SEALGATE_KILLS", "4"))


def workers(gateway: FaultyGateway) -> list[int]:
    """Process ids of the workers."""
    pid = gateway.pid
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@pytest.mark.timeout(120 + KILLS * 20)
def test_killed_at_random_moments(
    make_faulty: Callable[..., FaultyGateway], peer: Peer, ledger: Ledger, idle: Callable[..., None], capsys: Any
) -> None:
    gateway = make_faulty(peer.port, more="workers: 2")
    peer.manners.pause = 0.02
    gateway.start()
    for number in range(KILLS):
        phase = f"{'worker' if number % 2 else 'group'} {number // 20}"
        with Crowd(gateway.smtp, ledger, f"{phase}-{number}", clients=6, phase=phase):
            time.sleep(random.uniform(0.05, 1.2))
            if number % 2:
                os.kill(random.choice(workers(gateway)), signal.SIGKILL)
            else:
                gateway.kill()
            ledger.kills.append(Kill(time.monotonic(), phase))
            time.sleep(0.2 if number % 2 else 0.0)
        if not number % 2:
            gateway.start()
    idle(gateway, seconds=600)
    table = ledger.check(states_in(gateway.folder / "data"), peer.arrivals())
    with capsys.disabled():
        print("\n" + printed(table))
    assert balances(table)
    assert all(row.accepted for row in table.values())
    gateway.command("queue", "audit")
    assert gateway.stop() == 0
