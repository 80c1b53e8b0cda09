"""The power is cut under load: what was answered with 250 lasts. Without fsync it does not, which proves the rig."""

import os
import sqlite3
import time
from collections.abc import Callable

import pytest
from faults_disk import Disk
from faults_ledger import Kill, Ledger, Row, balances, printed, states_in
from faults_load import Crowd
from faults_peer import Peer
from faults_rig import FaultyGateway
from mailhosts import wait_for

CUTS = int(os.environ.get("SEALGATE_CUTS", "2"))


def run(gateway: FaultyGateway, disk: Disk, ledger: Ledger, phase: str, seconds: float) -> None:
    """Load, and the power goes in the middle of it; then the machine starts again."""
    with Crowd(gateway.smtp, ledger, phase):
        wait_for(lambda: ledger.has_heard(phase), seconds=120, why="something is accepted that can be lost")
        time.sleep(seconds)
        # Power and network go together. A kernel that survives the cut calls an fsync that was under way a success:
        # whoever still ran could tell a client so.
        gateway.freeze()
        disk.cut()
        ledger.kills.append(Kill(time.monotonic(), phase))
        gateway.kill()
    disk.power_on()


def start(make_faulty: Callable[..., FaultyGateway], peer: Peer, disk: Disk, **arm: object) -> FaultyGateway:
    """A Sealgate on that disk. What an admin wrote by hand has long been written; what the gateway writes has not."""
    gateway = make_faulty(peer.port, folder=disk.path)
    gateway.log = disk.path.parent / "log"  # not on the disk: it should tell the end, too
    gateway.arm |= arm
    disk.sync()
    gateway.start()
    return gateway


def books(gateway: FaultyGateway, ledger: Ledger, peer: Peer) -> dict[str, Row]:
    """The table; a database that cannot be read holds nothing."""
    try:
        states = states_in(gateway.store)
    except sqlite3.Error:
        states = {}
    return ledger.check(states, peer.arrivals())


@pytest.mark.timeout(600 + CUTS * 60)
def test_power_cuts_lose_nothing(
    make_faulty: Callable[..., FaultyGateway], peer: Peer, ledger: Ledger, idle: Callable[..., None], disk: Disk, capsys
) -> None:
    gateway = start(make_faulty, peer, disk)
    for number in range(CUTS):
        run(gateway, disk, ledger, f"cut {number + 1}", 0.8)
        gateway.start()
    idle(gateway)
    table = books(gateway, ledger, peer)
    with capsys.disabled():
        print("\n" + printed(table))
    assert balances(table)
    assert all(row.accepted for row in table.values())
    gateway.command("queue", "audit")


def test_without_fsync_a_power_cut_loses_what_was_accepted(
    make_faulty: Callable[..., FaultyGateway], peer: Peer, ledger: Ledger, disk: Disk, capsys
) -> None:
    """The control: the same cut, and nobody waits for the disk."""
    gateway = start(make_faulty, peer, disk, no_fsync=True)
    disk.sync()  # the empty database may last
    run(gateway, disk, ledger, "cut without fsync", 0.8)
    table = books(gateway, ledger, peer)
    [row] = table.values()
    with capsys.disabled():
        print(f"\ncontrol, fsync off: {row.accepted} messages accepted, {len(row.lost)} recipients lost")
    balances(table)
    assert row.accepted and row.lost
