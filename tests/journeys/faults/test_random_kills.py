"""kill -9 at random moments under load, of the whole group, of one worker, of the parent alone; the books balance."""

import os
import random
import signal
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from faults_ledger import Kill, Ledger, balances, printed, states_in
from faults_load import Crowd
from faults_peer import Peer
from faults_rig import FaultyGateway
from postgres import Server

KILLS = int(os.environ.get("SEALGATE_KILLS", "4"))

Chores = tuple[tuple[tuple[str, ...], ...], ...]  # each some commands

CHORES: Chores = (  # what an admin does
    (("queue", "list"), ("queue", "stats")),
    (("queue", "audit"),),
    (("queue", "pause", "nowhere.example"), ("queue", "resume", "nowhere.example")),
)
TRAIL: Chores = ((("audit", "verify"), ("audit", "export")),)  # reads all that ever was, so not each time


def workers(gateway: FaultyGateway) -> list[int]:
    """Process ids of the workers, and of the process that readers of documents are forked from."""
    pid = gateway.pid
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def chores(number: int) -> Chores:
    """What is done while, and after, the kill of this number comes."""
    return TRAIL if number % 10 in (3, 7) else CHORES


def admin_at_work(gateway: FaultyGateway, seconds: float, work: Chores) -> None:
    """Commands on the same data, under load: each ends well, and the books and the trail hold at any moment."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        for command in random.choice(work):
            gateway.command(*command)


KILLED = ("group", "worker", "parent")  # who: all at once; one of those that work; the one that started them


def torment(gateways: list[FaultyGateway], ledger: Ledger, kills: int) -> None:
    """Load at every door; in turns one of `KILLED` is killed, of one gateway after the other."""
    for number in range(kills):
        gateway = gateways[number // len(KILLED) % len(gateways)]
        whom = KILLED[number % len(KILLED)]
        phase = f"{whom} {number // 20}"
        with ExitStack() as crowds:
            for at, each in enumerate(gateways):
                name = f"{phase}-{number}-{at}"
                crowds.enter_context(Crowd(each.smtp, ledger, name, clients=6 // len(gateways), phase=phase))
            seconds = random.uniform(0.05, 1.2)
            if number % 2:
                admin_at_work(gateway, seconds, chores(number))
            else:
                time.sleep(seconds)
            if whom == "worker":
                os.kill(random.choice(workers(gateway)), signal.SIGKILL)
            else:
                gateway.kill(alone=whom == "parent")
            ledger.kills.append(Kill(time.monotonic(), phase))
            time.sleep(0.2 if whom == "worker" else 0.0)
        if whom == "group":
            gateway.command(*random.choice(chores(number)[:2])[0])  # on what the dead have left
        if whom != "worker":
            gateway.start()  # after a parent, beside those that still end what they had under way


def settle(gateways: list[FaultyGateway], peer: Peer, ledger: Ledger, capsys: Any) -> None:
    """The books."""
    table = ledger.check(states_in(gateways[0].store), peer.arrivals())
    with capsys.disabled():
        print("\n" + printed(table))
    assert balances(table)
    assert all(row.accepted for row in table.values())
    gateways[0].command("queue", "audit")
    for gateway in gateways:
        assert gateway.stop() == 0


@pytest.mark.timeout(600 + KILLS * 20)
def test_killed_at_random_moments(
    make_faulty: Callable[..., FaultyGateway], peer: Peer, ledger: Ledger, idle: Callable[..., None], capsys: Any
) -> None:
    gateway = make_faulty(peer.port, more="workers: 2")
    peer.manners.pause = 0.02
    gateway.start()
    torment([gateway], ledger, KILLS)
    idle(gateway, seconds=600)
    settle([gateway], peer, ledger, capsys)


@pytest.mark.postgres
@pytest.mark.timeout(600 + KILLS * 20)
def test_two_nodes_on_one_server_killed_at_random_moments(
    make_faulty: Callable[..., FaultyGateway], peer: Peer, ledger: Ledger, idle: Callable[..., None],
    postgres_server: Server, capsys: Any,
) -> None:  # fmt: skip
    """Two gateways of two workers each; what one leaves behind when it dies, the other brings there."""
    database = f"database: {postgres_server.url(postgres_server.new_database())}"
    first = make_faulty(peer.port, more="workers: 2", database=database)
    second = make_faulty(peer.port, twin_of=first, more="workers: 2")
    peer.manners.pause = 0.02
    first.start()
    second.start()
    torment([first, second], ledger, KILLS)
    idle(first, seconds=600)
    settle([first, second], peer, ledger, capsys)
