"""Gathers what tasks of one event loop ask for at nearly the same moment, so that it is done together."""

import asyncio
from collections.abc import Callable
from typing import Final, Generic, TypeVar

T = TypeVar("T")

_QUIET: Final = 3  # turns of the loop without a new one: from bytes that arrive to what is asked for then it takes two
_LONGEST: Final = 0.01  # seconds that the first of them waits for others
_MOST: Final = 256  # that go together


class Gathering(Generic[T]):
    """Things of one event loop that are to be given to `send`, several in one call.

    A commit, or a switch of threads, costs the same for one thing as for many. So things wait while the loop has
    something to do that may bring more of them; if nothing else goes on, that is no time at all. Patient things, which
    nobody waits for, go along with the next one that is in a hurry.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, send: Callable[[list[T]], None]) -> None:
        self.loop = loop
        self._send = send
        self._things: list[T] = []
        self._seen = 0  # how many there were at the last turn
        self._quiet = 0  # turns since one came
        self._since = 0.0
        self._patient: list[T] = []  # in no hurry
        self._alarm: asyncio.TimerHandle | None = None  # when the first of them has waited long enough

    def add(self, thing: T) -> None:
        """Add a thing that somebody waits for."""
        self._things.append(thing)
        if len(self._things) == 1:
            self._seen = self._quiet = 0
            self._since = self.loop.time()
            self.loop.call_soon(self._turn)

    def add_patient(self, thing: T, seconds: float) -> None:
        """Add a patient thing: it goes with the next one in a hurry, or after so many seconds, or once many wait."""
        self._patient.append(thing)
        if len(self._patient) >= _MOST:
            self._go()
        elif self._alarm is None:
            self._alarm = self.loop.call_later(seconds, self._go)

    def _turn(self) -> None:
        """Once in each turn of the loop, while there is something in a hurry."""
        if not self._things:
            return  # it went with those that had waited long enough
        self._quiet = self._quiet + 1 if len(self._things) == self._seen else 0
        self._seen = len(self._things)
        if self._quiet < _QUIET and self._seen < _MOST and self.loop.time() - self._since < _LONGEST:
            self.loop.call_soon(self._turn)
        else:
            self._go()

    def _go(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        # who was in no hurry was there first, and may be what a later one (a lease given back) would undo
        things, self._things, self._patient = self._patient + self._things, [], []
        self._send(things)
