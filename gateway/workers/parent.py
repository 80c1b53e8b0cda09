"""What the process that forked the workers becomes once they stand: a small program that only looks after them.

It has loaded everything that a worker needs, and the workers share that memory; but what they write into they copy, and
then the copies that it keeps are of use to nobody. So it becomes another program by exec: with the same process id, the
same children, the listening sockets and all else that `Handover` names, and a twentieth of the memory.

A worker that has to be started again is a program of its own, too (`gateway.cli.serve.replace`). It is given what the
others work by (`given.py`), not what the files say by now.
"""

import json
import os
import signal
import sys
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any, Final

from gateway.children.keeper import NurseryKeeper
from gateway.children.words import NurserySettings
from gateway.plainlog import Log, PlainLog
from gateway.tallies import Tallies
from gateway.workers.processes import HEARD, Standing, Workers
from gateway.workers.seats import Seats

_BOOT: Final = "import json, sys; told = json.loads(sys.argv[1]); sys.path[:] = told['path']; "
_PARENT: Final = _BOOT + "from gateway.workers.parent import main; main(told)"
_REPLACEMENT: Final = _BOOT + "from gateway.cli.serve import replace; replace(told, int(sys.argv[2]))"


@dataclass(frozen=True, slots=True)
class Handover:
    """All that the small program is told. What is named by a descriptor is inherited."""

    path: list[str]  # where modules are
    form: str  # of log lines
    shutdown: float  # seconds that workers may take to end
    with_stdin: bool  # standard input closing means stop
    program: str  # which program this is (`given.program`)
    given: int  # what workers are given (`given.Given`)
    files: int  # files as they use them (`given.files_of`)
    processes: int
    seats: int
    sockets: dict[str, list[int]]  # by address as configured
    nursery: list[int]
    nursery_runs: bool
    nursery_settings: str
    tallies: tuple[str, int]  # the folder, and its lock
    workers: list[tuple[int, float]]  # as in Standing
    bell: tuple[int, int]

    @property
    def of_workers(self) -> list[int]:
        """Descriptors that a worker needs."""
        listening = [one for sockets in self.sockets.values() for one in sockets]
        return [self.given, self.files, self.seats, *self.nursery, *listening]

    @property
    def descriptors(self) -> list[int]:
        """All descriptors."""
        return [*self.of_workers, self.tallies[1], *self.bell]

    def to_json(self) -> str:
        """As JSON, for a command line."""
        return json.dumps(asdict(self))


def become_parent(handover: Handover, log: Log) -> None:
    """Go on as the small program. Comes back only if it cannot be started: then all stays as it is.

    Signals wait until it can hear them.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, HEARD)
    _inherited(handover.descriptors, True)
    try:
        os.execv(sys.executable, [sys.executable, "-I", "-S", "-c", _PARENT, handover.to_json(), *sys.argv[1:]])  # noqa: S606 (our own interpreter, no shell)
    except OSError as error:
        log.error("parent.stays_large", error=type(error).__name__)
    _inherited(handover.descriptors, False)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, HEARD)


def main(told: dict[str, Any]) -> None:
    """The small program. `told`: as in Handover."""
    handover = Handover(**told)
    _inherited(handover.descriptors, False)
    log = PlainLog(handover.form)
    nursery = NurseryKeeper(
        NurserySettings.from_json(handover.nursery_settings),
        log=log,
        descriptors=handover.nursery,
        runs=handover.nursery_runs,
    )
    tallies = Tallies(*handover.tallies)
    workers = Workers(
        Seats(handover.processes, handover.seats),
        partial(_start_anew, handover),
        log,
        shutdown_seconds=handover.shutdown,
        with_stdin=handover.with_stdin,
        look_after=nursery.look,
        forget=tallies.forget,
        standing=Standing(handover.workers, *handover.bell),
    )
    code = workers.run(on_stop=partial(_close, handover))
    nursery.close()
    tallies.remove()
    sys.exit(code)


def _start_anew(handover: Handover, number: int) -> int:
    """Become a worker that loads everything itself; in a process that was forked for it."""
    _inherited(handover.of_workers, True)
    told = handover.to_json()
    os.execv(sys.executable, [sys.executable, "-I", "-c", _REPLACEMENT, told, str(number), *sys.argv[2:]])  # noqa: S606 (our own interpreter, no shell)


def _close(handover: Handover) -> None:
    for sockets in handover.sockets.values():
        for descriptor in sockets:
            os.close(descriptor)


def _inherited(descriptors: list[int], by_exec: bool) -> None:
    for descriptor in descriptors:
        os.set_inheritable(descriptor, by_exec)
