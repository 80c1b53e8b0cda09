"""How much memory a worker takes with its children, each page that is shared counted in part (PSS)."""

import asyncio
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

EVERY: Final = 15.0  # seconds
_PSS: Final = re.compile(rb"^Pss:\s+(\d+) kB", re.MULTILINE)


async def weigh(show: Callable[[int], None]) -> None:
    """Show this process's bytes now and then; for ever."""
    while True:
        show(await asyncio.to_thread(process_bytes, os.getpid()))
        await asyncio.sleep(EVERY)


def process_bytes(pid: int, root: Path = Path("/proc")) -> int:
    """Of a process and all below it. One that ended meanwhile has none."""
    total = 0
    for one in _family(pid, root):
        try:
            found = _PSS.search((root / str(one) / "smaps_rollup").read_bytes())
        except OSError:
            continue
        total += int(found[1]) * 1024 if found else 0
    return total


def _family(pid: int, root: Path) -> Iterator[int]:
    yield pid
    for task in sorted((root / str(pid) / "task").glob("*/children")):
        try:
            children = task.read_text().split()
        except OSError:
            continue
        for child in children:
            yield from _family(int(child), root)
