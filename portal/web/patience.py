"""Ends connections on which nothing happens: aiohttp would wait for ever for the rest of a request's head."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from math import inf
from typing import Final, Protocol

from aiohttp import web

IDLE: Final = 75.0  # seconds: the keep-alive time of 60, and some for a slow head
EVERY: Final = 5.0  # seconds between looks


class Connection(Protocol):
    """The handler of one connection."""

    def let_go(self) -> None:
        """End it, and close its socket."""
        ...


class Patience:
    """Knows which connections have a request under way, and ends those that have had none for too long."""

    def __init__(self) -> None:
        self._busy: dict[int, int] = {}  # id of a connection -> its requests under way
        self._idle_since: dict[int, float] = {}

    @contextmanager
    def busy(self, connection: object, clock: Callable[[], float]) -> Iterator[None]:
        """A context manager: a request of this connection is under way as long as it is open."""
        key = id(connection)
        self._busy[key] = self._busy.get(key, 0) + 1
        try:
            yield
        finally:
            self._busy[key] -= 1
            if not self._busy[key]:
                del self._busy[key]
            self._idle_since[key] = clock()

    def look(self, connections: Iterable[Connection], now: float, most: float = inf) -> int:
        """End idle connections, those that have been so too long, and past `most` the longest idle; how many."""
        there = {id(connection): connection for connection in connections}
        self._idle_since = {key: since for key, since in self._idle_since.items() if key in there}
        for key in there:
            self._idle_since.setdefault(key, now)
        idle = sorted((self._idle_since[key], key) for key in there if key not in self._busy)
        spare = len(there) - most
        gone = [key for number, (since, key) in enumerate(idle) if now - since > IDLE or number < spare]
        for key in gone:
            there[key].let_go()
        return len(gone)


PATIENCE: Final = web.AppKey("patience", Patience)
