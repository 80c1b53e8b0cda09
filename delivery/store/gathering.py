"""What tasks of one event loop ask for in a busy moment is gathered, and goes together."""

import asyncio
from collections.abc import Callable
from typing import Final, Generic, TypeVar

T = TypeVar("T")

_QUIET: Final = 3  # turns of the loop without a new one: from bytes that arrive to what is asked for then it takes two
_LONGEST: Final = 0.01  # seconds that the first of them waits for others
_MOST: Final = 256  # that go together


class Gathering(Generic[T]):
    """Things of one event loop on their way to `send`.

    A commit, or a turn of threads, costs the same for one as for many. So things wait as long as the loop has something
    to do that may bring more of them; where nothing else goes on, that is no time at all.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, send: Callable[[list[T]], None]) -> None:
        self.loop = loop
        self._send = send
        self._things: list[T] = []
        self._seen = 0  # how many there were at the last turn
        self._quiet = 0  # turns since one came
        self._since = 0.0

    def add(self, thing: T) -> None:
        """Take it along."""
        self._things.append(thing)
        if len(self._things) == 1:
            self._seen = self._quiet = 0
            self._since = self.loop.time()
            self.loop.call_soon(self._turn)

    def _turn(self) -> None:
        """Once in each turn of the loop, while there is something."""
        self._quiet = self._quiet + 1 if len(self._things) == self._seen else 0
        self._seen = len(self._things)
        if self._quiet < _QUIET and self._seen < _MOST and self.loop.time() - self._since < _LONGEST:
            self.loop.call_soon(self._turn)
            return
        things, self._things = self._things, []
        self._send(things)
