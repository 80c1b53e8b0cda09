"""The parent of the workers: what it does with those that end, and how little of the program it needs."""

import errno
import json
import os
import signal
import socket
import subprocess
import sys
from typing import Any

import pytest

from gateway.plainlog import PlainLog
from gateway.workers.parent import Handover, become_parent
from gateway.workers.processes import Standing, Workers
from gateway.workers.seats import Seats

_RUN = """
import signal, sys, time
from gateway.plainlog import PlainLog
from gateway.workers.processes import OTHER_PROGRAM, Workers
from gateway.workers.seats import Seats

seats = Seats(2)
before = time.monotonic()

def until_told(seat):
    told = []
    signal.signal(signal.SIGTERM, lambda *_: told.append(1))
    seat.beat()
    seat.ready()
    while not told:
        time.sleep(0.01)
    return 0

def work(number):
    seat = seats.seat(number)
    if number == 0 and BAD:
        seat.beat()
        if READY:
            seat.ready()
            while not seats.is_ready(1):
                time.sleep(0.01)
        return CODE
    return until_told(seat)

workers = Workers(seats, work, PlainLog(), shutdown_seconds=30, forget=lambda pid: print("forgotten", flush=True))
sys.exit(workers.run(on_stop=lambda: print("closed", flush=True)))
"""


def _run(code: str, *, ready: bool) -> tuple[int, list[str], list[dict[str, Any]]]:
    program = _RUN.replace("BAD", "True").replace("READY", str(ready)).replace("CODE", code)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=60)
    return done.returncode, done.stdout.split(), [json.loads(line) for line in done.stderr.splitlines()]


def test_where_another_program_was_installed_all_end_so_that_it_can_start() -> None:
    code, told, log = _run("OTHER_PROGRAM", ready=True)
    assert code == 1
    assert told == ["forgotten", "closed", "forgotten"]
    assert [line["event"] for line in log if line["level"] == "error"] == [
        "worker_process.ended",
        "worker_process.other_program",
    ]


def test_where_no_process_is_to_be_had_the_others_work_on_and_it_is_tried_again() -> None:
    """fork fails (a limit of processes, no memory) when the first worker has ended and is to start again."""
    program = _RUN.replace("BAD", "True").replace("READY", "True").replace("CODE", "0")
    program = program.replace(
        "workers = Workers(",
        """
import errno, os
fork, tries = os.fork, []

def scarce():
    tries.append(1)
    if len(tries) == 3:
        raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
    if len(tries) == 4:
        os.kill(os.getpid(), signal.SIGTERM)
    return fork()

os.fork = scarce
workers = Workers(""",
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=60)
    events = [json.loads(line) for line in done.stderr.splitlines()]
    assert (done.returncode, done.stdout.split()[-1]) == (0, "forgotten"), done.stderr
    assert [line["event"] for line in events if line["level"] == "error"][:2] == [
        "worker_process.ended",
        "worker_process.cannot_start",
    ]
    assert events[1]["error"] == os.strerror(errno.EAGAIN)


def test_where_the_first_cannot_start_all_end_with_its_code() -> None:
    code, told, _ = _run("3", ready=False)
    assert code == 3
    assert told == ["forgotten", "closed", "forgotten"]


def test_who_could_not_show_life_while_all_were_frozen_is_not_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A container is paused for an hour: the first look behind it finds every worker silent for as long."""
    clock, killed = [1000.0], list[int]()
    monkeypatch.setattr("gateway.workers.processes.time.monotonic", lambda: clock[0])
    monkeypatch.setattr("gateway.workers.processes.os.kill", lambda pid, _number: killed.append(pid))
    seats = Seats(1)
    seats.seat(0).beat(1000.0)
    bell, ringer = socket.socketpair()
    standing = Standing([(4242, 900.0)], bell.detach(), ringer.detach())
    workers = Workers(seats, lambda _number: 0, PlainLog(), shutdown_seconds=1, standing=standing)
    for clock[0] in (1001.0, 1002.0, 4600.0, *(4600.0 + second for second in range(1, 60))):
        workers._look()
    assert killed == []
    for clock[0] in (4660.0, 4661.0):  # it had a minute, as any other
        workers._look()
    assert killed == [4242]
    for end in (workers._bell, workers._ringer):
        end.close()


def test_where_it_cannot_become_small_it_goes_on_as_it_is(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    descriptor = os.memfd_create("test")
    handover = Handover(
        path=[], form="json", shutdown=1.0, with_stdin=False, program="", given=descriptor, files=descriptor,
        processes=0, seats=descriptor, sockets={}, nursery=[], nursery_runs=False, nursery_settings="",
        tallies=("", descriptor), workers=[], bell=(descriptor, descriptor),
    )  # fmt: skip
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    become_parent(handover, PlainLog())
    assert json.loads(capsys.readouterr().err)["event"] == "parent.stays_large"
    assert not os.get_inheritable(descriptor)
    assert not signal.pthread_sigmask(signal.SIG_BLOCK, ()) & {signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD}
    os.close(descriptor)


def test_the_small_parent_loads_nothing_large() -> None:
    program = f"import sys; sys.path[:] = {sys.path!r}; import gateway.workers.parent; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-I", "-S", "-c", program], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert "gateway.workers.processes" in loaded
    assert not loaded & {"asyncio", "structlog", "logging", "pydantic", "sqlalchemy", "prometheus_client", "pathlib"}
