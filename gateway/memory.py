"""A worker's memory: what keeps it small, and how much it takes with its children (PSS: shared pages in part)."""

import asyncio
import ctypes
import gc
import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

EVERY: Final = 15.0  # seconds
_M_MMAP_THRESHOLD: Final = -3
_M_ARENA_MAX: Final = -8
_M_TRIM_THRESHOLD: Final = -1
_LARGE_BUFFER: Final = 8 * 2**20  # bytes: from here on a buffer has pages of its own, new ones each time
_KEPT_FREE: Final = 48 * 2**20  # bytes at the end of a heap that are kept for the next message, until `trim_heaps`
_GARBAGE: Final = 10_000  # objects between collections: a message makes some hundreds that go by themselves
# And how often the survivors are looked at again, and theirs: all other threads wait for that, so few at a time. Of
# 100,000 at once, as is the default, a mail of many numbers kept the event loop for 25 ms.
_SURVIVED: Final = 2
_SURVIVED_TWICE: Final = 40
_TURN: Final = 0.001  # seconds a thread keeps the interpreter: those of the store need it often, and briefly
_PSS: Final = re.compile(rb"^Pss:\s+(\d+) kB", re.MULTILINE)


async def watch_memory(show: Callable[[int], None], beside: Callable[[], int | None] = lambda: None) -> None:
    """Every EVERY seconds, for ever, give `show` the bytes of this process and of the one whose id `beside` gives."""
    while True:
        await asyncio.to_thread(trim_heaps)
        ids = (os.getpid(), beside())
        show(sum([await asyncio.to_thread(process_bytes, pid) for pid in ids if pid is not None]))
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
    try:
        threads = sorted((root / str(pid) / "task").iterdir())
    except OSError:  # it ended, or there is no descriptor left to look with
        return
    for thread in threads:
        try:
            children = (thread / "children").read_text().split()
        except OSError:
            continue
        for child in children:
            yield from _family(int(child), root)


def tune_allocator() -> None:
    """Large buffers go back to the system when they are let go of, and threads share few heaps (glibc's mallopt(3)).

    Without this the heap stays as large as the largest messages of the day have made it, twice over. Pages that come
    anew have to be emptied first: where every copy of a message of 5 MB got new ones, an eighth of its time went there.
    """
    settings = ((_M_MMAP_THRESHOLD, _LARGE_BUFFER), (_M_TRIM_THRESHOLD, _KEPT_FREE), (_M_ARENA_MAX, 2))
    with suppress(AttributeError, OSError):  # another C library has no such settings
        for setting, value in settings:
            ctypes.CDLL(None).mallopt(setting, value)


def trim_heaps() -> None:
    """Give the free parts of our heaps back to the system. Blocks for some milliseconds."""
    with suppress(AttributeError, OSError):  # as above
        ctypes.CDLL(None).malloc_trim(0)


def pause_collector() -> None:
    """Turn the garbage collector off while everything is loaded: nothing is garbage yet, and its runs take a fifth of a
    start. `freeze_before_fork`, `tune_for_serving` or `resume_collector` turns it on again.
    """
    gc.disable()


def resume_collector() -> None:
    """Turn the garbage collector on again, also if the start has failed."""
    gc.enable()


def freeze_before_fork() -> None:
    """To be called before workers are forked, once all that they share is loaded: hides these objects from the garbage
    collector, which writes into whatever it looks at, so that each worker would end up with a copy of its own.

    Nothing is collected first: the garbage is less than a megabyte, and finding it takes a tenth of a start.
    """
    trim_heaps()  # loading needed more than what stays
    gc.freeze()
    gc.enable()


def tune_for_serving() -> None:
    """To be called once all that lasts is built: hides it from the garbage collector, makes collections fewer, and lets
    threads take turns sooner.
    """
    gc.collect()
    gc.freeze()
    gc.enable()
    gc.set_threshold(_GARBAGE, _SURVIVED, _SURVIVED_TWICE)
    sys.setswitchinterval(_TURN)
