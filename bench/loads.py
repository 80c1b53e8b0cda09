"""One load on one peer: sent, counted where it arrives, and what it cost."""

import json
import smtplib
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

from peers import HERE, Peer, SealgatePeer, megabytes, processor_seconds, settle

# Bytes and messages of each load. A file is attached to a large message: the same to all, or (`-own`) another to each.
KINDS = {
    "4k": (4096, 2000),
    "64k": (65536, 600),
    "64k-own": (65536, 600),
    "5m": (5 * 2**20, 60),
    "5m-own": (5 * 2**20, 30),
    "25m": (25 * 2**20, 40),
    "25m-own": (25 * 2**20, 40),
}
OWN = "-own"
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


def new_prefix(kind: str) -> str:
    """What the names of one load begin with."""
    return f"{kind}r{time.time_ns():x}n"


def send(peer: Peer, sessions: int, count: int, size: int, prefix: str, *, own: bool = False) -> dict[str, float]:
    """Send a load, and say what its clients saw: began, seconds, accepted, p50, p99."""
    words = [str(word) for word in (peer.port, sessions, count, size, prefix, "own" if own else "same")]
    done = subprocess.run([sys.executable, HERE / "load.py", *words], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{peer.name}: {done.stderr.strip()}")
    told: dict[str, float] = json.loads(done.stdout)
    return told


def measure(peer: Peer, kind: str, sessions: int, scale: float) -> dict[str, float]:
    """One load; arrivals are waited for and counted. Ends the run where one is lost."""
    size, count = KINDS[kind]
    count, prefix = max(10, int(count * scale * peer.share)), new_prefix(kind)
    memory, before = Memory(peer.roots), processor_seconds(peer.roots)
    memory.start()
    told = send(peer, sessions, count, size, prefix, own=kind.endswith(OWN))
    lines = arrivals(peer, prefix, count)
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


def arrivals(peer: Peer, prefix: str, count: int) -> list[list[str]]:
    """When each of a load arrived, once all of them have: `[TIME, NAME]`."""
    deadline = time.time() + SLOWEST
    lines: list[list[str]] = []
    names: set[str] = set()
    with peer.arrivals.open() as arrived:  # each line is read once: who looks shares the processor with the peer
        while len(names) < count:
            while (line := arrived.readline()).endswith("\n"):
                if f" {prefix}" in line:
                    lines.append(line.split())
                    names.add(lines[-1][1])
            arrived.seek(arrived.tell() - len(line))  # a line that is being written
            if time.time() > deadline:
                raise SystemExit(
                    f"{peer.name}: {count - len(names)} of {count} messages did not arrive within {SLOWEST} s"
                )
            time.sleep(0.05)
    return lines


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
