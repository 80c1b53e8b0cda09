"""A process that has imported all of Sealgate, and forks one that runs when asked: a start for a tenth.

Orders come in as lines of JSON on stdin, answers go out on stdout. Each child is a session and group of its own.
"""

import json
import os
import signal
import sys
import time
import traceback
from contextlib import suppress
from typing import Any

MODULES = (
    "gateway.app",
    "gateway.cli.serve",
    "gateway.cli.queue",
    "gateway.cli.keys",
    "gateway.workers.processes",
    "uvloop",
)


def run(order: dict[str, Any]) -> None:
    """The child: become `sealgate ...`, armed with faults where the order says so."""
    os.setsid()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    log = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for ours, theirs in ((nothing, 0), (log, 1), (log, 2)):
        os.dup2(ours, theirs)
    code = 1
    try:
        if order.get("arm"):
            from faults_armed import Arming

            Arming(order["arm"]).arm()
        from gateway.cli.main import main

        main(order["words"], prog_name="sealgate")
        code = 0
    except SystemExit as leaving:
        code = leaving.code if isinstance(leaving.code, int) else 1
    except BaseException:  # noqa: BLE001 - the child's own top: told, then gone
        traceback.print_exc()
    finally:
        with suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


def wait(pid: int, seconds: float) -> int | None:
    """The exit code (negative: the signal) once it has ended; None if it has not in time."""
    until = time.monotonic() + seconds
    while True:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        if time.monotonic() >= until:
            return None
        time.sleep(0.005)


class Children:
    """Those that were forked, and how they ended: told again whenever somebody asks, until another one has the id."""

    def __init__(self) -> None:
        self.running: set[int] = set()
        self._codes: dict[int, int] = {}

    def began(self, pid: int) -> None:
        """One was forked. Ids come again after some ten thousand processes of the machine."""
        self._codes.pop(pid, None)
        self.running.add(pid)

    def code(self, pid: int, seconds: float) -> int | None:
        """Its exit code (negative: the signal); None if it still runs then."""
        if pid in self.running and (code := wait(pid, seconds)) is not None:
            self.running.discard(pid)
            self._codes[pid] = code
        return self._codes.get(pid)


def main() -> None:
    """Obey until stdin ends; then nobody is left."""
    import gc
    import importlib

    for name in MODULES:
        importlib.import_module(name)
    gc.collect()
    gc.freeze()
    # Ctrl-C comes to the whole group: whoever uses us ends us when all that we started has ended.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    children = Children()
    print(json.dumps({"ready": True}), flush=True)
    for line in sys.stdin:
        order = json.loads(line)
        if "words" in order:
            pid = os.fork()
            if not pid:
                run(order)
            children.began(pid)
            answer: dict[str, Any] = {"pid": pid}
        else:
            answer = {"code": children.code(order["wait"], order["seconds"])}
        print(json.dumps(answer), flush=True)
    for pid in children.running:
        with suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)
            os.waitpid(pid, 0)


if __name__ == "__main__":
    main()
