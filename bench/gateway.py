"""The whole gateway under load, beside its peers, in one run: `make bench`.

Messages of 4 KB, 64 KB and 5 MB go through SMTP into each peer and out by TLS to a sink that counts each arrival once.
To those of 64 KB and 5 MB a file is attached: the same to all of a load, or (`64k-own`, `5m-own`) another to each.
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
import statistics
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from loads import certificate, control, measure
from peers import Peer, PostfixPeer, SealgatePeer
from scanners import SCANNERS

PEERS: dict[str, type[Peer]] = {kind.name: kind for kind in (SealgatePeer, PostfixPeer, *SCANNERS)}


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
        f"{'load':8}{'sessions':>9} {'peer':16}{'accepted/s':>11}{'delivered/s':>12}{'of Postfix':>11}{'of rspamd':>10}"
    )
    print(f"{titles}{'p50 ms':>8}{'p99 ms':>8}{'CPU ms':>8}{'PSS MB':>8}{'twice':>6}")
    for (kind, sessions, name), row in rows.items():
        ratios = ""
        for other, width in (("postfix", 11), ("postfix+rspamd", 10)):
            base = rows.get((kind, sessions, other))
            ratios += f"{row['delivered'] / base['delivered']:{width}.2f}" if base else " " * width
        print(
            f"{kind:8}{sessions:9} {name:16}{row['accepted']:11.1f}{row['delivered']:12.1f}{ratios}"
            f"{row['p50']:8.1f}{row['p99']:8.1f}{row['processor']:8.2f}{row['memory']:8.0f}{row['twice']:6.0f}"
        )


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peers", default=",".join(PEERS))
    parser.add_argument("--kinds", default="4k,64k,64k-own,5m,5m-own")
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
