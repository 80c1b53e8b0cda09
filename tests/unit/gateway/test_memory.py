"""Memory of a family of processes."""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

from delivery.store.ages import Waiting
from gateway.memory import process_bytes, watch_memory
from gateway.queuegauges import QueueGauges


def test_children_count_and_who_is_gone_does_not(tmp_path: Path) -> None:
    for pid, kilobytes, children in ((1, 100, "2 3"), (2, 50, ""), (4, 1, "")):
        (tmp_path / f"{pid}/task/{pid}").mkdir(parents=True)
        (tmp_path / f"{pid}/task/{pid}/children").write_text(children)
        (tmp_path / f"{pid}/smaps_rollup").write_text(f"Rss: 999 kB\nPss:     {kilobytes} kB\nPss_Anon: 7 kB\n")
    assert process_bytes(1, tmp_path) == 150 * 1024
    assert process_bytes(os.getpid()) > 2**20


def test_what_takes_long_to_count_is_counted_seldom() -> None:
    looked, time = [], [0.0]

    def look() -> Waiting | None:
        looked.append(time[0])
        time[0] += 1.0
        return Waiting({"due": len(looked)}, {"5m": 0}, 0.0, 0)

    gauges = QueueGauges(look, lambda: time[0])
    gauges.collect()
    time[0] += 30
    assert gauges.collect()[0].samples[0].value == 1
    time[0] += 30
    assert gauges.collect()[0].samples[0].value == 2
    assert [family.name for family in gauges.describe()] == [family.name for family in gauges.collect()]
    assert QueueGauges(lambda: None).collect() == []


async def test_memory_is_weighed_with_that_of_a_process_beside() -> None:
    shown: list[int] = []
    alone, both = asyncio.Event(), asyncio.Event()

    def show(said: asyncio.Event) -> Callable[[int], None]:
        return lambda size: (shown.append(size), said.set())[0]

    async with asyncio.timeout(10):
        for said, beside in ((alone, None), (both, os.getpid())):
            weighing = asyncio.create_task(watch_memory(show(said), lambda beside=beside: beside))
            await said.wait()
            weighing.cancel()
    assert shown[1] > 1.5 * shown[0] > 0
