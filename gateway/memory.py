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
_KEPT_FREE: Final = 48 * 2**20  # bytes at the end of a heap that are kept for the next message, until somebody weighs
_GARBAGE: Final = 10_000  # objects between collections: a message makes some hundreds that go by themselves
# And how often the survivors are looked at again, and theirs: all other threads wait for that, so few at a time. Of
# 100,000 at once, as is the default, a mail of many numbers kept the event loop for 25 ms.
_SURVIVED: Final = 2
_SURVIVED_TWICE: Final = 40
_TURN: Final = 0.001  # seconds a thread keeps the interpreter: those of the store need it often, and briefly
_PSS: Final = re.compile(rb"^Pss:\s+(\d+) kB", re.MULTILINE)


async def weigh(show: Callable[[int], None], beside: Callable[[], int | None] = lambda: None) -> None:
    """Show this process's bytes now and then, and those of one `beside` it; for ever."""
    while True:
        await asyncio.to_thread(give_back)
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


def lean_memory() -> None:
    """Large buffers go back to the system when they are let go of, and threads share few heaps (glibc's mallopt(3)).

    Without this the heap stays as large as the largest messages of the day have made it, twice over. Pages that come
    anew have to be emptied first: where every copy of a message of 5 MB got new ones, an eighth of its time went there.
    """
    settings = ((_M_MMAP_THRESHOLD, _LARGE_BUFFER), (_M_TRIM_THRESHOLD, _KEPT_FREE), (_M_ARENA_MAX, 2))
    with suppress(AttributeError, OSError):  # another C library has no such settings
        for setting, value in settings:
            ctypes.CDLL(None).mallopt(setting, value)


def give_back() -> None:
    """What is free of our heaps goes back to the system. Blocks for some milliseconds."""
    with suppress(AttributeError, OSError):  # as above
        ctypes.CDLL(None).malloc_trim(0)


def hurry() -> None:
    """Turn the garbage collector off while all is loaded: nothing is garbage yet, and looking takes a fifth of a start.

    Until `share`, `settle` or `at_leisure`.
    """
    gc.disable()


def at_leisure() -> None:
    """The end of `hurry`, also where nothing came of it."""
    gc.enable()


def share() -> None:
    """All that workers have in common is loaded: to be called before they are forked. What the garbage collector looks
    at it writes into, and each would then have a copy of its own.

    What is garbage by now is kept: it is less than a megabyte, and to look for it takes a tenth of a start.
    """
    give_back()  # what loading took for a while
    gc.freeze()
    gc.enable()


def settle() -> None:
    """All that lasts is built: the garbage collector need not look at it again, and threads may change turns sooner."""
    gc.collect()
    gc.freeze()
    gc.enable()
    gc.set_threshold(_GARBAGE, _SURVIVED, _SURVIVED_TWICE)
    sys.setswitchinterval(_TURN)
