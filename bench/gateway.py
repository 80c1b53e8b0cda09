"""The whole gateway under load, beside its peers, in one run: `make bench`.

Messages of 4 KB, 64 KB and 5 MB go through SMTP into each peer and out by TLS to a sink that counts each arrival once.
Peers take turns, and ratios are of medians of the same run. The gateway runs with the shipped policy and every default;
fsync, sealing, scanning and audit cannot be switched off, and before anything is reported a mail with a number in it
must have been kept back and the queue's own proof must hold. Everything is on loopback.

A peer that this machine cannot run is named and left out. `--peers sealgate,postfix,postfix+rspamd`; there are
`postfix+amavis` and `haraka` (with HARAKA=FOLDER, where npm installed it) too.
"""

import argparse
import json
import os
import platform
import smtplib
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from peers import HERE, Peer, PostfixPeer, SealgatePeer, megabytes, processor_seconds, settle
from scanners import SCANNERS

PEERS: dict[str, type[Peer]] = {kind.name: kind for kind in (SealgatePeer, PostfixPeer, *SCANNERS)}
KINDS = {"4k": (4096, 2000), "64k": (65536, 600), "5m": (5 * 2**20, 30)}
SLOWEST = 300  # seconds for a load to arrive


class Memory(threading.Thread):
    """The highest PSS of a tree of processes while something runs."""

    def __init__(self, roots: list[int]) -> None:
        super().__init__(daemon=True)
        self.roots, self.highest, self._over = roots, 0.0, threading.Event()

    def run(self) -> None:
        """Look now and then: looking costs time as well."""
        while True:
            self.highest = max(self.highest, megabytes(self.roots))
            if self._over.wait(1.0):
                return

    def end(self) -> float:
        """Megabytes."""
        self._over.set()
        self.join()
        return self.highest


def measure(peer: Peer, kind: str, sessions: int, scale: float) -> dict[str, float]:
    """One load; arrivals are waited for and counted. Ends the run where one is lost."""
    size, count = KINDS[kind]
    count, prefix = max(10, int(count * scale * peer.share)), f"{kind}r{time.time_ns():x}n"
    words = [str(word) for word in (peer.port, sessions, count, size, prefix)]
    memory, before = Memory(peer.roots), processor_seconds(peer.roots)
    memory.start()
    done = subprocess.run([sys.executable, HERE / "load.py", *words], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{peer.name}: {done.stderr.strip()}")
    told = json.loads(done.stdout)
    lines = _arrivals(peer, prefix, count)
    twice = sum(number - 1 for number in Counter(name for _, name in lines).values())
    settle(peer)
    return {
        "accepted": count / told["seconds"],
        "delivered": count / (max(float(at) for at, _ in lines) - told["began"]),
        "p50": told["p50"] * 1000,
        "p99": told["p99"] * 1000,
        "twice": twice,
        "processor": (processor_seconds(peer.roots) - before) / count * 1000,
        "memory": memory.end(),
    }


def _arrivals(peer: Peer, prefix: str, count: int) -> list[list[str]]:
    deadline = time.time() + SLOWEST
    while True:
        lines = [line.split() for line in peer.arrivals.read_text().splitlines() if f" {prefix}" in line]
        if len({name for _, name in lines}) >= count:
            return lines
        if time.time() > deadline:
            raise SystemExit(f"{peer.name}: {count - len(lines)} of {count} messages did not arrive within {SLOWEST} s")
        time.sleep(0.05)


def control(peer: SealgatePeer) -> None:
    """A mail that the shipped policy has to keep back, so that figures without scanning are never reported."""
    with smtplib.SMTP("127.0.0.1", peer.port) as client:
        text = "Subject: control\r\n\r\nHer social security number is 536-22-1234.\r\n"
        client.sendmail("alice@example.com", ["control@friends.example"], text)


def certificate(folder: Path) -> tuple[Path, Path]:
    """A self-signed certificate for the sink."""
    chain, key = folder / "sink.pem", folder / "sink.key"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
         "-keyout", str(key), "-out", str(chain)], check=True, capture_output=True,
    )  # fmt: skip
    return chain, key


def wanted(names: str) -> list[type[Peer]]:
    """The peers asked for that can be run here."""
    found = []
    for name in names.split(","):
        if name not in PEERS:
            raise SystemExit(f"no peer is called {name}: there are {', '.join(PEERS)}")
        missing = PEERS[name].missing()
        if missing:
            print(f"{name} is left out: it needs {missing}", file=sys.stderr)
        else:
            found.append(PEERS[name])
    return found


def table(rows: dict[tuple[str, int, str], dict[str, float]]) -> None:
    """One line for each load and peer, with ratios to the peers that are there."""
    titles = (
        f"{'load':6}{'sessions':>9} {'peer':16}{'accepted/s':>11}{'delivered/s':>12}{'of Postfix':>11}{'of rspamd':>10}"
    )
    print(f"{titles}{'p50 ms':>8}{'p99 ms':>8}{'CPU ms':>8}{'PSS MB':>8}{'twice':>6}")
    for (kind, sessions, name), row in rows.items():
        ratios = ""
        for other, width in (("postfix", 11), ("postfix+rspamd", 10)):
            base = rows.get((kind, sessions, other))
            ratios += f"{row['delivered'] / base['delivered']:{width}.2f}" if base else " " * width
        print(
            f"{kind:6}{sessions:9} {name:16}{row['accepted']:11.1f}{row['delivered']:12.1f}{ratios}"
            f"{row['p50']:8.1f}{row['p99']:8.1f}{row['processor']:8.2f}{row['memory']:8.0f}{row['twice']:6.0f}"
        )


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peers", default=",".join(PEERS))
    parser.add_argument("--kinds", default="4k,64k,5m")
    parser.add_argument("--sessions", default="20", help="one figure or several: 1,20,100")
    parser.add_argument("--reps", type=int, default=3)
    parser.add_argument("--scale", type=float, default=1.0, help="of the number of messages")
    parser.add_argument("--out", type=Path, help="write the figures as JSON, too")
    asked = parser.parse_args()
    runs: dict[tuple[str, int, str], list[dict[str, float]]] = {}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="sealgate-bench-")))
        pair, peers = certificate(folder), []
        for kind_of_peer in wanted(asked.peers):
            place = folder / kind_of_peer.name
            place.mkdir()
            peers.append(kind_of_peer(place, stack, pair))
        for peer in peers:
            if isinstance(peer, SealgatePeer):
                control(peer)
            measure(peer, "4k", 5, 0.05)  # warm, and unmeasured
        for kind in asked.kinds.split(","):
            for sessions in map(int, asked.sessions.split(",")):
                for _ in range(asked.reps):
                    for peer in peers:
                        taken = measure(peer, kind, sessions, asked.scale)
                        runs.setdefault((kind, sessions, peer.name), []).append(taken)
        for peer in peers:
            if isinstance(peer, SealgatePeer) and (why := peer.honest()):
                raise SystemExit(f"nothing is reported: {why}")
    rows = {
        key: {name: statistics.median(run[name] for run in taken) for name in taken[0]} for key, taken in runs.items()
    }
    print(f"{platform.machine()}, {os.cpu_count()} cores, {asked.reps} runs each, medians")
    table(rows)
    if asked.out is not None:
        told: list[dict[str, Any]] = [
            {"load": kind, "sessions": sessions, "peer": name, **row} for (kind, sessions, name), row in rows.items()
        ]
        asked.out.write_text(json.dumps(told, indent=1) + "\n")


if __name__ == "__main__":
    main()
