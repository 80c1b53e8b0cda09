"""Starts the process that children are forked from (`nursery.py`), starts it again if it ends, connects pools to it.

One process serves all workers. It is started before they are, so that its parsers are loaded before the doors open, and
its memory is there once. Each pool of children has a socket (a line) of its own to it.
"""

import array
import asyncio
import json
import mmap
import os
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import Final, TypeAlias

import structlog

from gateway.nursery import CONNECT, Nursery, Tesseract
from policy.reader.limits import DEFAULT_LIMITS, Limits

log = structlog.get_logger()

# Reading documents comes after taking mail: at a start, too, when their programs are loaded beside the first mail.
_BOOT: Final = "import os, sys, json; os.nice(5); sys.path[:] = json.loads(sys.argv[1]); from gateway.nursery import main; main(int(sys.argv[2]), sys.argv[3])"  # fmt: skip  # noqa: E501 (one line of Python for the child's command line)
_STOP_SECONDS: Final = 5.0
_PAUSE: Final = 2.0  # seconds between starts of one that does not last
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


class NurseryKeeper:
    """Starts the nursery and keeps it up. Forked processes may call only `connect`; all else is for its maker."""

    def __init__(
        self, limits: Limits = DEFAULT_LIMITS, pool: PoolLimits | None = None, tesseract: Tesseract | None = None
    ) -> None:
        pool = pool or PoolLimits()
        self._described = (pool.memory_bytes, pool.cpu_seconds, limits, tesseract)
        self._process: subprocess.Popen[bytes] | None = None
        self._started = 0.0
        self._pid = memoryview(mmap.mmap(-1, 4)).cast("I")  # shared with processes that are forked from this one
        self._door: tuple[Line, Line] | None = None  # our end and the nursery's

    @property
    def is_up(self) -> bool:
        """Is the nursery running?"""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int | None:
        """The id of the process, once there was one."""
        return self._pid[0] or None

    def start(self) -> None:
        """Start it; one whose lines are cut but has not quite ended is ended. Raises OSError."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        if self._door is None:
            # both ends are kept: what is said while there is no nursery waits for the next one
            self._door = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            self._door[0].setblocking(False)
        theirs = self._door[1].fileno()
        nursery = Nursery(os.getpid(), *self._described)
        path = json.dumps([os.path.abspath(entry) for entry in sys.path])  # noqa: PTH100 (entries may be zip files)
        self._started = time.monotonic()
        self._process = subprocess.Popen(  # noqa: S603 (our own interpreter and module)
            [sys.executable, "-I", "-c", _BOOT, path, str(theirs), nursery.to_json()],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=(theirs,),
            cwd="/",
            env={"LANG": "C.UTF-8", "PATH": os.defpath},
        )
        self._pid[0] = self._process.pid

    def look(self) -> None:
        """Start it again if it has ended; to be called now and then. Raises nothing."""
        if self.is_up or time.monotonic() < self._started + _PAUSE:
            return
        log.error("document.nursery_lost")
        try:
            self.start()
        except OSError as error:
            log.error("document.readers_do_not_start", error=type(error).__name__)

    def connect(self) -> Line:
        """A line to it, which may have to wait for it to start again. Raises OSError."""
        if self._door is None:
            raise RuntimeError("the nursery was not started")
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            try:
                hand_over(self._door[0], CONNECT, theirs)
            except BaseException:
                ours.close()
                raise
        return ours

    def close(self) -> None:
        """End it, and wait for that. Its lines are to be closed before."""
        for end in self._door or ():
            end.close()
        self._door = None
        process, self._process = self._process, None
        if process is not None:
            try:
                process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    async def aclose(self) -> None:
        """As `close`, without blocking the event loop."""
        await asyncio.to_thread(self.close)


def hand_over(line: Line, message: bytes, descriptor: socket.socket) -> None:
    """Say something, and give a socket along. Raises OSError."""
    line.sendmsg([message], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [descriptor.fileno()]))])


def is_cut(line: Line) -> bool:
    """Has the nursery at the other end ended? It says nothing by itself, so whatever is there to be read is an end."""
    try:
        line.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
    except BlockingIOError:
        return False
    except OSError:
        pass
    return True
