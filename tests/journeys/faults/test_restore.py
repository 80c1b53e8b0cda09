"""An old backup is put back: what waited then was sent since, so the queue is restored on hold, and new mail flows."""

import shutil
from collections.abc import Callable

from faults_ledger import Ledger, balances, rows_in, states_in
from faults_load import send_once
from faults_peer import Peer
from faults_rig import FaultyGateway
from mailhosts import wait_for

REASON = "restored from Sunday's backup"


def test_an_old_backup_sends_nothing_twice(
    make_faulty: Callable[..., FaultyGateway], peer: Peer, ledger: Ledger, idle: Callable[..., None]
) -> None:
    gateway = make_faulty(peer.port)
    gateway.arm["retry"] = 0.2
    data, backup = gateway.folder / "data", gateway.folder / "backup"
    gateway.start()
    takes, later = peer.manners.recipient, lambda _address: "451 4.2.1 later"
    peer.manners.recipient = later
    domains = ["friends.example", "box.example", "hold.example"]
    assert send_once(gateway.smtp, ledger, "before", "before", domains, 200_000)
    waiting = "select 1 from items where recipient = 'before@friends.example' and state = 'due' and attempts > 0"
    wait_for(lambda: rows_in(data, waiting), why="it waits")
    gateway.trigger("after connect")
    assert send_once(gateway.smtp, ledger, "leased", "leased", ["friends.example"])
    peer.hang_up()
    gateway.dies()  # a backup of a machine that crashed: leases of a worker that is gone are in it
    shutil.copytree(data, backup)
    peer.manners.recipient = takes
    gateway.start()
    idle(gateway)
    gateway.stop()
    assert len(peer.arrivals()["before@friends.example"]) == len(peer.arrivals()["leased@friends.example"]) == 1

    shutil.rmtree(data)
    backup.rename(data)
    assert "items: held" in gateway.command("queue", "hold", "--all", "--reason", REASON)
    gateway.start()
    assert send_once(gateway.smtp, ledger, "after", "after", domains)
    peer.wait("after@friends.example")
    idle(gateway)
    held = gateway.rows("queue", "list", "--state", "held", "--said", REASON)
    assert {"before@friends.example", "leased@friends.example"} <= {line["recipient"] for line in held}
    assert len(peer.arrivals()["before@friends.example"]) == len(peer.arrivals()["leased@friends.example"]) == 1
    gateway.command("queue", "cancel", "--said", REASON, "--recipient", "before@friends.example")
    gateway.command("queue", "release", "--said", REASON)
    peer.wait("leased@friends.example", 2)  # as the admin decided
    idle(gateway)
    states = states_in(data)
    assert states["before@friends.example"] == ["cancelled"] and states["leased@friends.example"] == ["sent"]
    assert balances({"new": ledger.check(states, peer.arrivals())["after"]})
    gateway.command("queue", "audit")
