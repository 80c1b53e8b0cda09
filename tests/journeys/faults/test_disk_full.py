"""No room: 452 at the door and nothing half done, whichever write it is that fails; all goes on once there is room."""

import errno
import os
import subprocess
import sys
import time
from collections.abc import Callable

from faults_disk import Ballast, Disk
from faults_ledger import Ledger, balances, printed, states_in
from faults_load import DOMAINS, LARGE, Refused, send_once
from faults_peer import Peer
from faults_rig import TIMES, FaultyGateway

LATER = (b"452 4.3.1 ", b"451 4.3.0 ")
ROOM = (
    0,
    4096,
    8192,
    20_000,
    60_000,
    150_000,
    300_000,
    700_000,
)  # bytes: each write of a message is the one that fails


def offer(gateway: FaultyGateway, ledger: Ledger, name: str, phase: str, size: int) -> bytes:
    """Send one message; `250`, or how it was refused. A cut connection is no answer."""
    try:
        assert send_once(gateway.smtp, ledger, name, phase, DOMAINS, size), gateway.log.read_text()[-2000:]
    except Refused as refused:
        return refused.reply
    return b"250"


def test_a_full_disk_is_452_and_no_more(
    make_faulty: Callable[..., FaultyGateway], peer: Peer, ledger: Ledger, idle: Callable[..., None], disk: Disk, capsys
) -> None:
    # no warning before it is full; what finds no room for its SafeBox is tried again soon
    more = "workers: 1\nlimits: {free_disk: 0}"
    gateway = make_faulty(peer.port, folder=disk.path, more=more)
    gateway.log = disk.path.parent / "log"
    gateway.arm |= {"retry": 0.3, "times": TIMES | {"delivery.housekeeping:TIDY": 0.3}}
    gateway.start()
    ballast, answers, pid = Ballast(disk), [], gateway.pid
    for room in ROOM:
        phase = f"{room} bytes left"
        ballast.leave(room)
        for size in (1500, LARGE, 1500):
            answers.append(offer(gateway, ledger, f"m{len(ledger.sent)}", phase, size))
        ballast.gone()
        name = f"m{len(ledger.sent)}"
        deadline = time.monotonic() + 20
        while (said := offer(gateway, ledger, name, phase, LARGE)) != b"250":
            assert said.startswith(LATER) and time.monotonic() < deadline, "it takes mail again by itself"
    refused = [answer for answer in answers if answer != b"250"]
    assert refused and all(answer.startswith(LATER) for answer in refused)
    assert any(answer.startswith(b"452 4.3.1 ") for answer in refused)
    idle(gateway)
    table = ledger.check(states_in(gateway.store), peer.arrivals())
    with capsys.disabled():
        print("\n" + printed(table))
    assert balances(table)
    assert not any(row.twice_by_dot for row in table.values()), "a result waits for room, the mail is not sent again"
    assert gateway.pid == pid
    gateway.command("queue", "audit")


def test_a_write_that_fails_leaves_nothing_but_what_nobody_can_be_sure_of(
    make_faulty: Callable[..., FaultyGateway], peer: Peer, ledger: Ledger, idle: Callable[..., None]
) -> None:
    gateway = make_faulty(peer.port)
    gateway.start()
    numbers = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)
    for number in numbers:
        for point in ("file written", "before the file's fsync", "before the commit"):
            gateway.trigger(point, "fail", errno=number)
            said = offer(gateway, ledger, f"m{len(ledger.sent)}", point, LARGE)
            assert said.startswith(LATER[number == errno.EIO :]), (point, number, said)
    gateway.calm()
    assert offer(gateway, ledger, "well", "well", LARGE) == b"250"
    idle(gateway)
    assert balances(ledger.check(states_in(gateway.store), peer.arrivals()))
    blobs = [path for path in (gateway.folder / "data" / "blobs").rglob("*") if path.is_file()]
    # of the one that is held, and of the SafeBox's original; and of those whose commit nobody can be sure of: the sweep
    # takes them once it is sure
    assert len(blobs) == 2 + len(numbers)
    assert not [path for path in blobs if path.name.startswith("partial-")]


COUNT = """
import sys
from delivery.items import Reply
from gateway.telemetry import Metrics
metrics = Metrics()
print("begun", flush=True)
sys.stdin.readline()
for number in range(3000):
    metrics.refused(str(number), Reply(452, "4.3.1", ""))
print("counted", flush=True)
"""


def test_who_counts_on_a_full_disk_does_not_end(disk: Disk) -> None:
    """Workers count in files that are mapped into memory: a hole that finds no room would end whoever writes there."""
    environ = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(disk.path)}

    def begin() -> subprocess.Popen[str]:
        words = [sys.executable, "-c", COUNT]
        counting = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environ)
        assert counting.stdout is not None and counting.stdout.readline() == "begun\n", counting.wait()
        return counting

    disk.sync()
    with begin() as before:
        Ballast(disk).leave(0)
        with begin() as after:
            for counting in (before, after):
                said, _ = counting.communicate("go on\n", timeout=60)
                assert (counting.returncode, said) == (0, "counted\n")
