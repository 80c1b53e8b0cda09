"""Starts the process that children are forked from (`nursery.py`), starts it again if it ends, connects pools to it.

One process serves all workers. It is started before they are, so that its parsers are loaded before the doors open, and
its memory is there once. Each pool of children has a socket (a line) of its own to it.
"""

import array
import json
import mmap
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Self, TypeAlias

from gateway.children.words import CONNECT, NurserySettings, Tesseract
from gateway.plainlog import Log, PlainLog
from policy.reader.limits import DEFAULT_LIMITS, Limits

# Reading documents comes after taking mail: at a start, too, when their programs are loaded beside the first mail.
# Where that is not allowed, as under the shipped unit of systemd, they come at the same time.
_BOOT: Final = """\
import contextlib, json, os, sys
with contextlib.suppress(OSError):
    os.nice(5)
sys.path[:] = json.loads(sys.argv[1])
from gateway.children.nursery import main
main(int(sys.argv[2]), sys.argv[3])
"""
_STOP_SECONDS: Final = 5.0
_PAUSE: Final = 2.0  # seconds between starts of one that does not last
_PID_BYTES: Final = 4
_GLANCE: Final = 0.01  # seconds between looks at one that is to end
Line: TypeAlias = socket.socket  # to the nursery, of one pool


@dataclass(frozen=True, slots=True)
class PoolLimits:
    """What one child may use, and how many files may wait for a child."""

    seconds: float = 20.0  # for one file, by the clock
    cpu_seconds: int = 15  # for one file, of the processor
    memory_bytes: int = 768 * 1024 * 1024  # beyond what the parsers themselves take
    files: int = 200  # that one child reads before it is replaced
    waiting: int = 2_000  # files that may wait for a child
    wait_seconds: float = 60.0


@dataclass(frozen=True, slots=True)
class _Held:
    """What outlasts each nursery: its process id, which workers see too, and both ends of the way to it.

    Both ends are kept: what is said while there is no nursery waits for the next one.
    """

    memory: int
    pid: memoryview
    ours: socket.socket
    theirs: socket.socket

    @classmethod
    def new(cls) -> Self:
        memory = os.memfd_create("nursery")
        os.ftruncate(memory, _PID_BYTES)
        lines = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        return cls._made(memory, *lines)

    @classmethod
    def of(cls, descriptors: Sequence[int]) -> Self:
        memory, ours, theirs = descriptors
        return cls._made(memory, socket.socket(fileno=ours), socket.socket(fileno=theirs))

    @classmethod
    def _made(cls, memory: int, ours: socket.socket, theirs: socket.socket) -> Self:
        ours.setblocking(False)
        return cls(memory, memoryview(mmap.mmap(memory, _PID_BYTES)).cast("I"), ours, theirs)

    @property
    def descriptors(self) -> tuple[int, ...]:
        return self.memory, self.ours.fileno(), self.theirs.fileno()

    def hang_up(self) -> None:
        """Close both ends of the way to the nursery, which ends when nobody is left there. Its id is kept."""
        os.close(self.memory)
        self.ours.close()
        self.theirs.close()


class NurseryKeeper:
    """Starts the nursery and keeps it up. A worker that was given one may call only `connect` and `pid`."""

    def __init__(
        self,
        settings: NurserySettings | None = None,
        *,
        log: Log | None = None,
        descriptors: Sequence[int] = (),
        runs: bool = False,
    ) -> None:
        """`descriptors`: of a keeper in another program, whose place this one takes; `runs`: it is our child."""
        self._settings = settings or settings_for()
        self._log = log or PlainLog()
        self._started = 0.0
        self._runs = runs  # as far as is known
        self._held = _Held.of(descriptors) if descriptors else None

    @property
    def is_up(self) -> bool:
        """Is the nursery running?"""
        if self._runs and self.pid is not None:
            self._runs = os.waitpid(self.pid, os.WNOHANG)[0] == 0
        return self._runs

    @property
    def pid(self) -> int | None:
        """The id of the process, once there was one."""
        return None if self._held is None else self._held.pid[0] or None

    def start(self) -> None:
        """Start it; one whose lines are cut but has not quite ended is ended. Raises OSError."""
        self._kill()
        if self._held is None:
            self._held = _Held.new()
        theirs = self._held.theirs.fileno()
        path = json.dumps([os.path.abspath(entry) for entry in sys.path])  # noqa: PTH100 (entries may be zip files)
        self._started = time.monotonic()
        process = subprocess.Popen(  # noqa: S603 (our own interpreter and module)
            [sys.executable, "-I", "-c", _BOOT, path, str(theirs), self._settings.to_json()],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=(theirs,),
            cwd="/",
            env={"LANG": "C.UTF-8", "PATH": os.defpath},
        )
        process.returncode = 0  # not the object's to collect: it is kept by its id, which outlasts this program
        self._held.pid[0], self._runs = process.pid, True

    def look(self) -> None:
        """Start it again if it has ended; to be called now and then. Raises nothing."""
        if self.is_up or time.monotonic() < self._started + _PAUSE:
            return
        self._log.error("document.nursery_lost")
        try:
            self.start()
        except OSError as error:
            self._log.error("document.readers_do_not_start", error=type(error).__name__)

    def connect(self) -> Line:
        """A line to it, which may have to wait for it to start again. Raises OSError."""
        if self._held is None:
            raise RuntimeError("the nursery was not started")
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            try:
                hand_over(self._held.ours, CONNECT, theirs)
            except BaseException:
                ours.close()
                raise
        return ours

    def close(self) -> None:
        """End it, and wait for that. Its lines are to be closed before."""
        if self._held is None:
            return
        self._held.hang_up()
        until = time.monotonic() + _STOP_SECONDS
        while self.is_up and time.monotonic() < until:
            time.sleep(_GLANCE)
        self._kill()
        self._held = None

    def _kill(self) -> None:
        if self.is_up and self.pid is not None:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
            self._runs = False

    @property
    def descriptors(self) -> tuple[int, ...]:
        """What another program has to inherit, and to be told, that takes the place of this one or uses its nursery.

        None before the first start.
        """
        return () if self._held is None else self._held.descriptors

    @property
    def settings(self) -> NurserySettings:
        """As they were given."""
        return self._settings


def settings_for(
    limits: Limits = DEFAULT_LIMITS, pool: PoolLimits | None = None, tesseract: Tesseract | None = None
) -> NurserySettings:
    """The settings of a nursery that this very process starts."""
    pool = pool or PoolLimits()
    return NurserySettings(os.getpid(), pool.memory_bytes, pool.cpu_seconds, limits, tesseract)


def hand_over(line: Line, message: bytes, descriptor: socket.socket) -> None:
    """Send a message, and a socket with it. Raises OSError."""
    line.sendmsg([message], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [descriptor.fileno()]))])


def is_cut(line: Line) -> bool:
    """Has the nursery at the other end ended? It never speaks first, so a line that can be read has come to its end."""
    try:
        line.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
    except BlockingIOError:
        return False
    except OSError:
        pass
    return True
