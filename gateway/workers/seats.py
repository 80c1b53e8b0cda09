"""What workers know of each other: a small table in shared memory, with one row (a seat) for each worker.

Each worker writes only its own row and reads all of them, so no lock is needed. A count may be a moment old, which is
good enough to limit sessions.
"""

import mmap
import os
import time
import zlib
from collections.abc import Hashable
from typing import Final

_SLOTS: Final = 8192  # clients share a counter only by rare accident, and then are let in a little later
_BEAT, _READY, _SESSIONS, _PREPARED, _FIRST = 0, 1, 2, 3, 4  # words of a row
_WORDS: Final = _FIRST + _SLOTS


class Seats:
    """Rows for `count` workers, made before they are forked. A row is a count of 32 bits for each word.

    `descriptor`: the memory of seats made before, for a process that was not forked from the one that made them.
    """

    def __init__(self, count: int, descriptor: int | None = None) -> None:
        self.count = count
        size = 4 * _WORDS * count
        if descriptor is None:
            descriptor = os.memfd_create("seats")
            os.ftruncate(descriptor, size)
        self.descriptor = descriptor
        self._words = memoryview(mmap.mmap(descriptor, size)).cast("I")

    def seat(self, number: int) -> "Seat":
        """The row of one worker."""
        return Seat(self, number)

    def clear(self, number: int) -> None:
        """Empty the row of a worker that has ended."""
        self._words[number * _WORDS : (number + 1) * _WORDS] = memoryview(bytes(4 * _WORDS)).cast("I")

    def is_ready(self, number: int) -> bool:
        """Are its doors open?"""
        return bool(self._words[number * _WORDS + _READY])

    def silent_seconds(self, number: int, now: float | None = None) -> float | None:
        """Seconds since the worker's last sign of life; None before the first. `now` as of time.monotonic."""
        beat = self._words[number * _WORDS + _BEAT]
        return None if not beat else max(0.0, (time.monotonic() if now is None else now) - beat)

    def read(self, number: int, word: int) -> int:
        """Read one word of a row."""
        return self._words[number * _WORDS + word]

    def write(self, number: int, word: int, value: int) -> None:
        """Write it; only for the row's own worker."""
        self._words[number * _WORDS + word] = value

    def total(self, word: int) -> int:
        """A word summed over all rows."""
        return sum(self._words[number * _WORDS + word] for number in range(self.count))


class Seat:
    """One worker's row: its signs of life, and its part of the crowd. Also a `gateway.smtp.crowd.Crowd`."""

    def __init__(self, seats: Seats, number: int) -> None:
        self._seats, self.number = seats, number

    @property
    def workers(self) -> int:
        """How many workers there are."""
        return self._seats.count

    def beat(self, now: float | None = None) -> None:
        """A sign of life, at least every few seconds."""
        self._seats.write(self.number, _BEAT, int(time.monotonic() if now is None else now))

    def prepared(self) -> None:
        """Say that this worker is about to open its doors."""
        self._seats.write(self.number, _PREPARED, 1)

    @property
    def all_are_prepared(self) -> bool:
        """Are all workers about to open their doors, or have done so?"""
        return self._seats.total(_PREPARED) >= self._seats.count

    def ready(self) -> None:
        """Say that this worker's doors are open."""
        self.prepared()
        self._seats.write(self.number, _READY, 1)

    def enter(self, client: Hashable) -> tuple[int, int]:
        """One session more: sessions of all workers, and this client's among them."""
        slot = _slot_of(client)
        self._add(_SESSIONS, 1)
        self._add(slot, 1)
        return self._seats.total(_SESSIONS), self._seats.total(slot)

    def leave(self, client: Hashable) -> None:
        """One session less."""
        self._add(_SESSIONS, -1)
        self._add(_slot_of(client), -1)

    @property
    def sessions(self) -> int:
        """Sessions of all workers."""
        return self._seats.total(_SESSIONS)

    def crowded(self, coming: int) -> bool:
        """Has another worker that takes mail fewer sessions than this one with the `coming` that have yet to enter?"""
        mine = self._seats.read(self.number, _SESSIONS) + coming
        return any(
            self._seats.read(other, _PREPARED) and self._seats.read(other, _SESSIONS) < mine
            for other in range(self._seats.count)
            if other != self.number
        )

    def _add(self, word: int, more: int) -> None:
        self._seats.write(self.number, word, max(0, self._seats.read(self.number, word) + more))


def _slot_of(client: Hashable) -> int:
    """The same in every process: Python's own hash of a text is not, where one was not forked from the other."""
    return _FIRST + zlib.crc32(str(client).encode()) % _SLOTS
