"""Several equal workers on one machine: this process forks them and keeps them at their work.

It handles no mail itself. A worker that ends without being told to is started again, one that shows no sign of life is
killed first; SIGHUP and SIGTERM are passed on; systemd's watchdog is fed as long as every worker lives.

The first workers are forked from a process that has loaded everything, so that they share its memory. Once they stand,
that process becomes a small one (`parent.py`), which goes on here with what this one has: `Standing`.
"""

import os
import select
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from gateway.plainlog import Log
from gateway.supervised import Systemd
from gateway.workers.seats import Seats

Work = Callable[[int], int]  # the whole life of the worker with this number; its exit code

OTHER_PROGRAM: Final = 79  # exit code of a worker that finds another program on disk than the one that runs
HEARD: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD)
_PR_SET_PDEATHSIG: Final = 1
_TURN: Final = 1.0  # seconds between looks at the workers
_SILENT: Final = 60.0  # seconds without a sign of life after which a worker is taken for dead
_STARTING: Final = 300.0  # seconds for the first one: patterns may have to be compiled
_FROZEN: Final = 10.0  # seconds between two looks, from which on this process cannot have run in between
_STEADY: Final = 10.0  # seconds that a worker has to last for its next start to come at once
_LONGEST_PAUSE: Final = 30.0  # seconds between starts of a worker that does not last
_GRACE: Final = 15.0  # seconds after the time that workers have for stopping


@dataclass(slots=True)
class _Slot:
    """The place of one worker: its process id (0: none runs), since when, and when the next one may start."""

    number: int
    pid: int = 0
    since: float = 0.0
    failures: int = 0
    not_before: float = 0.0


@dataclass(frozen=True, slots=True)
class Standing:
    """Workers that run, as the process knows them that goes on looking after them: process ids, and since when.

    `bell` and `ringer` are the descriptors by which it hears of signals; what came before is still to be read there.
    """

    workers: Sequence[tuple[int, float]]
    bell: int
    ringer: int


class Workers:
    """Runs `work` in as many processes as there are seats until told to stop."""

    def __init__(
        self,
        seats: Seats,
        work: Work,
        log: Log,
        *,
        shutdown_seconds: float,
        with_stdin: bool = False,
        look_after: Callable[[], None] = lambda: None,
        forget: Callable[[int], None] = lambda _pid: None,
        standing: Standing | None = None,
    ) -> None:
        """`with_stdin`: standard input closing means stop. `shutdown_seconds`: how long a worker may take to end.

        `look_after` is called every second, and whenever a child of this process ends, until all are to stop; `forget`
        with the process id of each worker that has ended. `standing`: workers that run already, one for each seat.
        """
        self.seats = seats
        self._slots = [_Slot(number) for number in range(seats.count)]
        self._work = work
        self._log = log
        self._look_after = look_after
        self._forget = forget
        self._shutdown = shutdown_seconds
        self._stdin: list[int] = [sys.stdin.fileno()] if with_stdin else []
        self._systemd = Systemd()
        self._stop_at: float | None = None
        self._looked_at = self._awake_since = time.monotonic()
        self._told_ready = standing is not None
        self._code = 0
        self._on_stop: Callable[[], None] = lambda: None
        self._on_ready: Callable[[Standing], None] = lambda _standing: None
        if standing is None:
            self._bell, self._ringer = socket.socketpair()
        else:
            self._bell, self._ringer = socket.socket(fileno=standing.bell), socket.socket(fileno=standing.ringer)
            self._slots = [_Slot(number, *worker) for number, worker in enumerate(standing.workers)]

    def run(
        self,
        *,
        on_stop: Callable[[], None] = lambda: None,
        on_ready: Callable[[Standing], None] = lambda _standing: None,
    ) -> int:
        """Fork and keep the workers; the exit code once all have ended. Only in a process with a single thread.

        `on_stop` lets go of what this process holds for workers that are still to come: its listening sockets.
        `on_ready` is called once all workers take mail, and may make another program of this process.
        """
        self._on_stop, self._on_ready = on_stop, on_ready
        if threading.active_count() > 1:
            raise RuntimeError("workers are forked from a process without threads")
        for end in (self._bell, self._ringer):
            end.setblocking(False)
        signal.set_wakeup_fd(self._ringer.fileno(), warn_on_full_buffer=False)
        for number in HEARD:
            signal.signal(number, lambda *_: None)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, HEARD)
        for slot in self._slots:
            if not slot.pid:
                self._start(slot)
        while any(slot.pid for slot in self._slots) or self._stop_at is None:
            self._hear()
            self._reap()
            self._look()
        return self._code

    # -- what happens ----------------------------------------------------------------------------------------------

    def _hear(self) -> None:
        """Wait for a signal, for the end of standard input, or for the next look."""
        with suppress(InterruptedError):
            heard, _, _ = select.select([self._bell.fileno(), *self._stdin], [], [], _TURN)
            if self._stdin and self._stdin[0] in heard and not os.read(self._stdin[0], 4096):
                self._stdin = []
                self._stop(signal.SIGTERM)
        with suppress(BlockingIOError):
            for number in self._bell.recv(256):
                if number == signal.SIGHUP:
                    self._tell(signal.SIGHUP)
                elif number in (signal.SIGTERM, signal.SIGINT):
                    self._stop(signal.SIGTERM)

    def _reap(self) -> None:
        """Collect processes that have ended, and say when the next may start; one that cannot start at all ends us."""
        for slot in self._slots:
            if not slot.pid:
                continue
            pid, status = os.waitpid(slot.pid, os.WNOHANG)
            if not pid:
                continue
            code = os.waitstatus_to_exitcode(status)
            was_ready = self.seats.is_ready(slot.number)
            self.seats.clear(slot.number)
            self._forget(slot.pid)
            slot.pid = 0
            if self._stop_at is not None:
                self._code = self._code or max(code, 0)
                continue
            self._log.error("worker_process.ended", process=slot.number, code=code)
            if code == OTHER_PROGRAM:  # it cannot work beside the others; whoever started us starts the new one, whole
                self._log.error("worker_process.other_program")
                self._code = 1
                self._stop(signal.SIGTERM)
                continue
            if not self._told_ready and not was_ready and code > 0:
                self._code = code  # it cannot start: it said why, and another would say the same
                self._stop(signal.SIGTERM)
                continue
            self._put_off(slot)

    def _put_off(self, slot: _Slot) -> None:
        """Say when the next one may start: at once, unless several in a row did not last."""
        lasted = time.monotonic() - slot.since
        slot.failures = 0 if lasted > _STEADY else slot.failures + 1
        pause = min(_LONGEST_PAUSE, 2.0 ** (slot.failures - 1)) if slot.failures > 1 else 0.0
        slot.not_before = time.monotonic() + pause

    def _look(self) -> None:
        """Start who is missing, end who hangs, tell systemd."""
        now = time.monotonic()
        if now - self._looked_at > _FROZEN:
            self._awake_since = now
        self._looked_at = now
        if self._stop_at is not None:
            if now > self._stop_at:
                self._tell(signal.SIGKILL)
            return
        for slot in self._slots:
            if not slot.pid and now >= slot.not_before:
                self._start(slot)
            elif slot.pid and self._hangs(slot, now):
                self._log.error("worker_process.hangs", process=slot.number)
                with suppress(ProcessLookupError):
                    os.kill(slot.pid, signal.SIGKILL)
        if not self._told_ready and all(self.seats.is_ready(slot.number) for slot in self._slots):
            self._told_ready = True
            self._systemd.ready()
            self._log.info("gateway.ready", processes=len(self._slots))
            standing = [(slot.pid, slot.since) for slot in self._slots]
            self._on_ready(Standing(standing, self._bell.fileno(), self._ringer.fileno()))
        self._systemd.alive()
        self._look_after()

    def _hangs(self, slot: _Slot, now: float) -> bool:
        """Frozen as a whole (a container that was paused, SIGSTOP), workers could not show life while nobody looked."""
        silent = self.seats.silent_seconds(slot.number, now)
        if silent is None:
            return now - max(slot.since, self._awake_since) > _STARTING
        return min(silent, now - self._awake_since) > _SILENT

    def _stop(self, number: signal.Signals) -> None:
        if self._stop_at is None:
            self._stop_at = time.monotonic() + self._shutdown + _GRACE
            self._systemd.stopping()
            self._on_stop()
        self._tell(number)

    def _tell(self, number: signal.Signals) -> None:
        for slot in self._slots:
            if slot.pid:
                with suppress(ProcessLookupError):
                    os.kill(slot.pid, number)

    # -- a worker --------------------------------------------------------------------------------------------------

    def _start(self, slot: _Slot) -> None:
        slot.since = time.monotonic()
        sys.stdout.flush()
        sys.stderr.flush()
        parent = os.getpid()
        # a worker that is told to stop before it has dropped our handlers would not have heard it
        signal.pthread_sigmask(signal.SIG_BLOCK, HEARD)
        try:
            slot.pid = os.fork()
        except OSError as error:  # no process, or no memory, is to be had now: the other workers go on
            self._log.error("worker_process.cannot_start", process=slot.number, error=os.strerror(error.errno or 0))
            self._put_off(slot)
        if slot.pid or os.getpid() == parent:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, HEARD)
            return
        code = 1
        try:
            self._become_worker(parent)
            code = self._work(slot.number)
        except SystemExit as leaving:
            code = leaving.code if isinstance(leaving.code, int) else 1
        except BaseException as error:  # noqa: BLE001 - the top of a process
            self._log.error("worker_process.failed", exc_info=error)
        finally:
            with suppress(Exception):
                sys.stdout.flush()
                sys.stderr.flush()
            os._exit(code)

    def _become_worker(self, parent: int) -> None:
        signal.set_wakeup_fd(-1)
        for number in HEARD:
            signal.signal(number, signal.SIG_DFL)
        # Until it hears that signal: what it loads is new. What a program ignores, the one in its place does too.
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, HEARD)
        self._bell.close()
        self._ringer.close()
        os.environ.pop("NOTIFY_SOCKET", None)  # it is the parent that talks to systemd
        # a worker without its parent would never be stopped: it ends as if it had been told to
        import ctypes  # of a worker alone: the parent is to be small

        with suppress(AttributeError, OSError):
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:
            os._exit(1)
