"""How many sessions there are, in all and of one client: of this process, or of all workers together."""

from collections import Counter
from collections.abc import Hashable
from typing import Protocol


class Crowd(Protocol):
    """Counts sessions. `client` is what is counted as one client: an address, or the network of an IPv6 host."""

    def enter(self, client: Hashable) -> tuple[int, int]:
        """One session more: how many there are now, and how many of this client among them."""
        ...

    def leave(self, client: Hashable) -> None:
        """One session less."""
        ...

    @property
    def sessions(self) -> int:
        """How many there are."""
        ...

    def crowded(self, coming: int) -> bool:
        """Has another worker fewer sessions than this one, counting `coming` connections that have not entered yet?"""
        ...


class OneProcess:
    """The crowd of a gateway that runs in one process."""

    def __init__(self) -> None:
        self.sessions = 0
        self._by_client: Counter[Hashable] = Counter()

    def enter(self, client: Hashable) -> tuple[int, int]:
        """One session more."""
        self.sessions += 1
        self._by_client[client] += 1
        return self.sessions, self._by_client[client]

    def crowded(self, coming: int) -> bool:
        """There is no other worker."""
        return False

    def leave(self, client: Hashable) -> None:
        """One session less."""
        self.sessions -= 1
        self._by_client[client] -= 1
        if not self._by_client[client]:
            del self._by_client[client]
