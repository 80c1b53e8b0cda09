"""Decides when a worker looks for more due items, and for how many.

Leasing takes a write transaction, for which everybody else waits. So the worker looks when it has room for many items,
and not after each delivery. A look may have to pass over due items, because their lane has enough in hand or their
domain is paused; such looks find little, and are kept to a small part of the time. Pure: no I/O.
"""

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Final

from delivery.items import Lane
from delivery.lanes import Lanes

LEASES: Final = 200  # items leased at once, and …
URGENT_LEASES: Final = 50  # … so many of our own beside them
_PAUSES: Final = 20  # a look that found little is followed by a pause so many times its length …
_LONGEST: Final = 2.0  # … but of no more than so many seconds


@dataclass(frozen=True, slots=True)
class Look:
    """What one lease query may take: up to `limit` items, and up to `urgent` of our own; none of the `busy` lanes.

    `began` is in monotonic seconds. `passes_over`: it may have to skip due items, of busy lanes or paused domains.
    """

    limit: int
    urgent: int
    busy: Collection[Lane]
    began: float
    passes_over: bool


class Appetite:
    """How much more one worker can take, by the room in its lanes."""

    def __init__(self, lanes: Lanes, in_hand: int, seconds: Callable[[], float] = time.monotonic) -> None:
        """`in_hand`: how many items the worker may have at most."""
        self._lanes = lanes
        self._seconds = seconds
        self._enough = min(LEASES, max(1, in_hand // 2))
        self._lacks_room = self._lacks_urgent_room = False
        self._busy: frozenset[Lane] = frozenset()
        self._vain_until = 0.0

    def next_look(self, *, passing_over: bool = False) -> Look:
        """What the lease query may take now. `passing_over`: some domains are paused."""
        now, busy = self._seconds(), self._lanes.busy()
        limit = min(self._lanes.room(), LEASES)
        urgent = min(self._lanes.room(urgent=True), URGENT_LEASES)
        self._lacks_room, self._lacks_urgent_room = limit < self._enough, urgent < URGENT_LEASES
        self._busy = frozenset(busy)
        passes_over = bool(busy) or passing_over
        if passes_over and now < self._vain_until:
            limit = 0  # our own mail is looked for at any time: there is never much of it
        return Look(limit, urgent, busy, now, passes_over and limit > 0)

    def note_found(self, look: Look, count: int) -> None:
        """Note how many items the query of this look gave; after one that found little, the next waits for a while."""
        if look.passes_over and count < look.limit:
            now = self._seconds()
            self._vain_until = now + min(_LONGEST, _PAUSES * (now - look.began))

    def should_look_again(self, ended: Lane) -> bool:
        """Whether the end of a batch of this lane frees room that the last look lacked."""
        if ended in self._busy and not self._lanes.is_busy(ended):
            self._busy -= {ended}
            self._vain_until = 0.0
            return True
        if self._lacks_room and self._lanes.room() >= self._enough:
            self._lacks_room = False
            return True
        if self._lacks_urgent_room and self._lanes.room(urgent=True) >= URGENT_LEASES:
            self._lacks_urgent_room = False
            return True
        return False
