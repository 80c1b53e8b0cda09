"""What waits must not slow what comes: `make bench-backlog`.

Loads of 4 KB by 20 sessions, on the shipped policy and every default: with an empty queue; while the next hop is away,
so that all of it has to wait; when the next hop is back and all that waited goes out, with new mail beside it. Each is
shown as a part of the first one of the same run. Then a second gateway gets many more items into its queue, which
failed before and are tried again within the hour; the two take turns, and the second is shown as a part of the first.

The many items of the last load are copies of one that waited, made in the database while the gateway stood still: to
bring a million of them through the door would take an hour. They wait as long as the queue would have them wait: a wait
that is longer than any of its own it takes for the work of a clock that was ahead, and tries them at once. The run ends
before the first of them is due.
"""

import argparse
import os
import platform
import sqlite3
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterable
from contextlib import ExitStack, closing
from pathlib import Path

from loads import arrivals, certificate, control, measure, new_prefix, send
from peers import SealgatePeer

DOMAIN = "friends.example"  # where all of the load goes
TURNS = 3
SOONEST = 30 * 60 * 1_000_000  # microseconds until the first of many items is tried again, …
SPREAD = 40 * 60 * 1_000_000  # … and over which the others are: the last comes after `queue.longest_retry`
_NUMBERS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT ?)"
_COPIES = {
    "messages": f"INSERT INTO messages ({{names}}) {_NUMBERS} SELECT {{values}} FROM n, messages WHERE messages.id = ?",
    "items": f"INSERT INTO items ({{names}}) {_NUMBERS} SELECT {{values}} FROM n, items WHERE items.message_id = ?",
}


def outage(peer: SealgatePeer, count: int) -> tuple[dict[str, float], str]:
    """So many messages while the next hop is away: what their clients saw, and what they are called."""
    peer.close_sink()
    prefix = new_prefix("out")
    return send(peer, 20, count, 4096, prefix), prefix


def recovery(peer: SealgatePeer, count: int, prefix: str) -> tuple[float, dict[str, float]]:
    """The next hop is back: how much of what waited goes out in a second, and what clients of new mail see."""
    peer.open_sink()
    time.sleep(1)
    peer.gateway.command("queue", "drain", DOMAIN)
    began = time.time()
    seen: dict[str, float] = {}
    fresh = threading.Thread(target=lambda: seen.update(measure(peer, "4k", 5, 0.25)))
    fresh.start()
    times = [at for at in (float(at) for at, _ in arrivals(peer, prefix, count)) if at >= began]
    fresh.join()
    return len(times) / (max(times) - began), seen


def crowd(peer: SealgatePeer, count: int) -> None:
    """Put so many copies of one waiting message into the queue, while the gateway stands still."""
    peer.close_sink()
    send(peer, 1, 1, 4096, new_prefix("one"))
    peer.gateway.stop()
    now = time.time_ns() // 1000
    with closing(sqlite3.connect(peer.gateway.folder / "data" / "sealgate.db")) as base:
        [(message,)] = base.execute("SELECT message_id FROM items LIMIT 1").fetchall()
        for table, copy in _COPIES.items():
            names = [row[1] for row in base.execute(f"PRAGMA table_info({table})")]
            own = {
                "id": "printf('00copy%020d', i)", "message_id": "printf('00copy%020d', i)", "state": "'due'",
                "next_at": f"{now + SOONEST} + i * {SPREAD} / {count}", "lease_worker": "NULL", "lease_until": "NULL",
                "urgency": "10", "attempts": "1", "last_reply": "'451 4.4.1 it could not be reached'",
            }  # fmt: skip
            values = ", ".join(own.get(name, f"{table}.{name}") for name in names)
            base.execute(copy.format(names=", ".join(names), values=values), (count, message))
        base.commit()
    peer.open_sink()
    peer.gateway.start()
    assert peer.gateway._process is not None
    peer.roots = [peer.gateway._process.pid]


def main() -> None:
    """Measure, and print one line for each load."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backlog", type=int, default=20_000, help="messages that wait for the next hop")
    parser.add_argument("--items", type=int, default=200_000, help="items that wait for their next try")
    asked = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="sealgate-bench-")))
        peer = start(folder / "empty", stack)
        empty = measure(peer, "4k", 20, 1.0)
        print(
            f"{platform.machine()}, {os.cpu_count()} cores, 4 KB, 20 sessions; new mail beside what waited: 5 sessions"
        )
        tell("empty queue", empty, empty)
        told, prefix = outage(peer, asked.backlog)
        tell(
            f"{asked.backlog:,} come while the next hop is away",
            {**told, "accepted": asked.backlog / told["seconds"]},
            empty,
        )
        rate, fresh = recovery(peer, asked.backlog, prefix)
        tell("they go out", {"delivered": rate}, empty)
        tell("new mail meanwhile", fresh, empty)
        if why := peer.honest():
            raise SystemExit(f"nothing counts: {why}")
        crowded = start(folder / "crowded", stack)
        crowd(crowded, asked.items)
        for one in (peer, crowded):
            measure(one, "4k", 20, 1.0)  # warm, and unmeasured
        turns = [(measure(peer, "4k", 20, 1.0), measure(crowded, "4k", 20, 1.0)) for _ in range(TURNS)]
        again, beside = (median(rows) for rows in zip(*turns, strict=True))
        tell("empty queue, in turn with", again, empty)
        tell(f"{asked.items:,} items that wait for their next try", beside, again)


def start(folder: Path, stack: ExitStack) -> SealgatePeer:
    """A gateway in a folder of its own, warm."""
    folder.mkdir()
    peer = SealgatePeer(folder, stack, certificate(folder))
    control(peer)
    measure(peer, "4k", 20, 0.5)
    return peer


def median(rows: Iterable[dict[str, float]]) -> dict[str, float]:
    """Of each figure."""
    rows = list(rows)
    return {name: statistics.median(row[name] for row in rows) for name in rows[0]}


def tell(load: str, row: dict[str, float], first: dict[str, float]) -> None:
    """One line, with its parts of the first load."""
    words = [f"{load:48}"]
    for name in ("accepted", "delivered"):
        if name in row:
            words.append(f"{name} {row[name]:7.1f}/s ({row[name] / first[name]:.2f})")
    if "p99" in row:
        words.append(f"p99 {row['p99'] if row['p99'] > 5 else row['p99'] * 1000:.0f} ms")
    print("  ".join(words), flush=True)


if __name__ == "__main__":
    sys.exit(main())
