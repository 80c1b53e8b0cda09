"""The whole gateway under load, beside its peers, in one run: `make bench`.

Messages of 4 KB, 64 KB and 5 MB go through SMTP into each peer and out to a sink that counts each arrival once.
Ratios to plain Postfix (durable queue, no content rules) are taken in the same run, interleaved. The gateway runs with
the shipped policy; fsync, sealing, scanning and audit cannot be switched off. Everything is on loopback.

Peers are run where they are installed and we are root: `--peers sealgate,postfix`.
"""

import argparse
import json
import os
import pwd
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "tests" / "support"))

# The journeys' own rig, so that bench and tests start the same program.
from mailhosts import Postfix  # noqa: E402 - found only by the path above
from started import Gateway  # noqa: E402 - likewise

KINDS = {"4k": (4096, 2000), "64k": (65536, 600), "5m": (5 * 2**20, 30)}


def free_port() -> int:
    """A loopback port nobody listens on."""
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def pss(pid: int) -> int:
    """Memory of a process tree in bytes: each page counted once."""
    total, todo = 0, [pid]
    while todo:
        one = todo.pop()
        try:
            todo += [int(word) for word in Path(f"/proc/{one}/task/{one}/children").read_text().split()]
            for line in Path(f"/proc/{one}/smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    total += int(line.split()[1]) * 1024
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue
    return total


class Peer:
    """One thing under test, with a sink of its own behind it."""

    def __init__(self, name: str, folder: Path, stack: ExitStack) -> None:
        self.name, self.sink_port, self.arrivals = name, free_port(), folder / "arrivals"
        self.pid = 0
        with self.arrivals.open("wb") as out:
            sink = subprocess.Popen([sys.executable, HERE / "load.py", "sink", str(self.sink_port)], stdout=out)
        stack.callback(sink.wait)
        stack.callback(sink.terminate)
        if name == "sealgate":
            ports = {"smtp": free_port(), "portal": free_port(), "world": self.sink_port}
            gateway = Gateway(folder / "gateway", ports)
            gateway.start()
            stack.callback(gateway.close)
            self.port = gateway.smtp
            self.pid = gateway._process.pid if gateway._process else 0
        else:
            self.port = free_port()
            limits = {"smtpd_client_connection_count_limit": "0", "message_size_limit": "100000000"}
            main = {"relayhost": f"[127.0.0.1]:{self.sink_port}", **limits}
            stack.enter_context(Postfix(folder / "postfix", self.port, main=main))

    def measure(self, kind: str, sessions: int, scale: float) -> dict[str, float]:
        """One load; arrivals are waited for and counted."""
        size, count = KINDS[kind]
        count, prefix = max(10, int(count * scale)), f"{kind}r{time.time_ns():x}n"
        words = [str(word) for word in (self.port, sessions, count, size, prefix)]
        done = subprocess.run([sys.executable, HERE / "load.py", *words], capture_output=True, text=True, check=True)
        told = json.loads(done.stdout)
        deadline = time.time() + 300
        while True:
            lines = [line.split() for line in self.arrivals.read_text().splitlines() if f" {prefix}" in line]
            if len({name for _, name in lines}) >= count:
                break
            if time.time() > deadline:
                raise SystemExit(f"{self.name}: {count - len(lines)} messages did not arrive")
            time.sleep(0.05)
        twice = sum(number - 1 for number in Counter(name for _, name in lines).values())
        whole = max(float(at) for at, _ in lines) - told["began"]
        memory = pss(self.pid) / 2**20 if self.pid else 0.0
        return {
            "accepted": count / told["seconds"], "delivered": count / whole, "p99": told["p99"], "twice": twice,
            "memory": memory,
        }  # fmt: skip


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peers", default="sealgate,postfix")
    parser.add_argument("--kinds", default="4k,64k,5m")
    parser.add_argument("--sessions", type=int, default=20)
    parser.add_argument("--reps", type=int, default=3)
    parser.add_argument("--scale", type=float, default=1.0, help="of the number of messages")
    asked = parser.parse_args()
    names = asked.peers.split(",")
    if "postfix" in names and (os.getuid() or not shutil.which("postfix")):
        print("postfix is left out: it needs to be installed, and root", file=sys.stderr)
        names.remove("postfix")
    if "postfix" in names:
        pwd.getpwnam("postfix")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="sealgate-bench-")))
        peers = []
        for name in names:
            (folder / name).mkdir()
            peers.append(Peer(name, folder / name, stack))
        print(f"{'kind':6}{'peer':10}{'accepted/s':>12}{'delivered/s':>13}{'ratio':>8}{'p99 ms':>9}{'PSS MB':>8}")
        for kind in asked.kinds.split(","):
            runs: dict[str, list[dict[str, float]]] = {peer.name: [] for peer in peers}
            for _ in range(asked.reps):
                for peer in peers:
                    runs[peer.name].append(peer.measure(kind, asked.sessions, asked.scale))
            middle = {
                name: {key: statistics.median(run[key] for run in taken) for key in taken[0]}
                for name, taken in runs.items()
            }
            base = middle.get("postfix", {}).get("delivered", 0.0)
            for name, row in middle.items():
                ratio = f"{row['delivered'] / base:8.2f}" if base else f"{'':8}"
                print(
                    f"{kind:6}{name:10}{row['accepted']:12.1f}{row['delivered']:13.1f}{ratio}"
                    f"{row['p99'] * 1000:9.0f}{row['memory']:8.0f}"
                )


if __name__ == "__main__":
    main()
