"""The bytes of messages that may be in memory at once, shared by every session of this process.

Room is reserved by the size that a client declares, so a client could keep it from others without sending anything.
Therefore one client holds at most a part of it, and whoever fills slowly what was reserved has to give way once
somebody waits.

A message whose size was not declared gets its room in steps, as it comes. If every step were granted while there is
room, large messages could end up waiting for each other, each holding a part. Therefore a step is granted only if
afterwards all messages that hold some can still grow to their largest, one after the other (Dijkstra's banker's
algorithm).
"""

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from types import TracebackType
from typing import Final

_PRESS_SECONDS: Final = 1.0  # how often a waiting session asks the others to give way
_END_OF_LINE: Final = 1 << 62
# Whether a step is safe takes time to tell. So many unsafe ones are looked at in one go, and so many of one client's:
# those of a client that holds all it may must not keep others from being looked at.
_TRIES: Final = 32
_TRIES_OF_ONE: Final = 2


@dataclass(slots=True)
class _Waiting:
    """One who waits for memory; `turn` is done once it has been handed out."""

    amount: int
    client: Hashable
    share: "Share | None"
    turn: asyncio.Future[None]

    @property
    def place(self) -> int:
        """Sort key: messages that have begun come first, the nearest to their end before the others."""
        return self.share.lacks if self.share is not None and self.share.held else _END_OF_LINE


class MemoryBudget:
    """A number of bytes to take from. Whoever asks for more than is free waits, in order of asking."""

    def __init__(self, total: int, most_of_one: int | None = None) -> None:
        """`most_of_one`: what one client may hold; None: all of it."""
        self.total = total
        self.free = total
        self._most = min(total, most_of_one or total)
        self._held: Counter[Hashable] = Counter()  # by client; None is nobody's
        self._largest = 0  # that any share may come to
        self._waiting: deque[_Waiting] = deque()
        self._shares: set[Share] = set()

    async def take(
        self, amount: int, wait_seconds: float, client: Hashable = None, share: "Share | None" = None
    ) -> bool:
        """Take `amount`, for `share` if it is one's; False if it cannot be had in time, or ever."""
        if amount > self.total or (client is not None and amount > self._most):
            return False
        entry = _Waiting(amount, client, share, asyncio.get_running_loop().create_future())
        if not self._waiting and amount <= self.free and self._may_hold(client, amount) and self._is_safe(entry):
            self._hand_out(entry)
            return True
        self._waiting.append(entry)
        try:
            self._serve()  # those before it may only wait for what their own client holds
            await self._await_turn(entry, wait_seconds)
        except TimeoutError:
            return self._leave(entry)
        except asyncio.CancelledError:
            if self._leave(entry):
                self._take_back(entry)
            raise
        return True

    def give(self, amount: int, client: Hashable = None) -> None:
        """Put `amount` back and let those in who waited for it."""
        self.free += amount
        self._held[client] -= amount
        if not self._held[client]:
            del self._held[client]
        self._serve()

    def share(self, client: Hashable = None, give_way: Callable[[], None] = lambda: None, *, most: int = 0) -> "Share":
        """One message's part; `most`: the bytes it may grow to.

        `give_way` is called while others wait: it may drop the share.
        """
        most = min(most, self.total if client is None else self._most)
        self._largest = max(self._largest, most)
        return Share(self, client, give_way, most)

    def _may_hold(self, client: Hashable, more: int) -> bool:
        return client is None or self._held[client] + more <= self._most

    def _hand_out(self, entry: _Waiting) -> None:
        self.free -= entry.amount
        self._held[entry.client] += entry.amount
        if entry.share is not None:
            entry.share.held += entry.amount

    def _take_back(self, entry: _Waiting) -> None:
        if entry.share is not None:
            entry.share.held -= entry.amount
        self.give(entry.amount, entry.client)

    def _serve(self) -> None:
        """Hand out to those who wait: first to messages that have begun, the nearest to their end before the others.

        The rest come in order of asking; whoever has to wait for others of its own client is passed over.
        """
        unsafe: Counter[Hashable] = Counter()
        for entry in sorted(self._waiting, key=lambda entry: entry.place):
            if entry.turn.done():
                self._waiting.remove(entry)
            elif unsafe[entry.client] < _TRIES_OF_ONE and self._may_hold(entry.client, entry.amount):
                if entry.amount > self.free:
                    if entry.place == _END_OF_LINE:
                        return  # the large are not starved by the small behind them
                    continue
                if not self._is_safe(entry):
                    unsafe[entry.client] += 1
                    if unsafe.total() == _TRIES:
                        return
                    continue
                self._waiting.remove(entry)
                self._hand_out(entry)
                entry.turn.set_result(None)

    def _is_safe(self, asking: _Waiting) -> bool:
        """If this were granted, could all messages that hold some still grow to their largest, one after the other?"""
        free, held = self.free - asking.amount, self._held[asking.client] + asking.amount
        if free >= self._largest and (asking.client is None or self._most - held >= self._largest):
            return True
        begun = [share for share in self._shares if share.held or share is asking.share]
        of_clients = Counter(self._held)
        of_clients[asking.client] = held
        begun.sort(key=lambda share: share.lacks)
        while begun:
            stuck = []
            for share in begun:
                more = asking.amount if share is asking.share else 0
                lacks, has = max(0, share.lacks - more), share.held + more
                if lacks <= free and (share.client is None or of_clients[share.client] + lacks <= self._most):
                    free += has
                    of_clients[share.client] -= has
                else:
                    stuck.append(share)
            if len(stuck) == len(begun):
                return False
            begun = stuck
        return True

    async def _await_turn(self, entry: _Waiting, wait_seconds: float) -> None:
        """Wait, and ask those who hold memory again and again to give way. Raises TimeoutError."""
        async with asyncio.timeout(wait_seconds):
            while not entry.turn.done():
                for share in tuple(self._shares):
                    share.give_way()
                await asyncio.wait({entry.turn}, timeout=_PRESS_SECONDS)

    def _leave(self, entry: _Waiting) -> bool:
        """Stop waiting; True if the bytes were handed out in the same moment, and are ours."""
        if entry.turn.done() and not entry.turn.cancelled():
            return True
        if entry in self._waiting:
            self._waiting.remove(entry)
        self._serve()
        return False


class Share:
    """One message's part of the budget; given back when the `with` block ends."""

    def __init__(self, budget: MemoryBudget, client: Hashable, give_way: Callable[[], None], most: int) -> None:
        self._budget = budget
        self.client = client
        self.give_way = give_way
        self.most = most
        self.held = 0

    @property
    def lacks(self) -> int:
        """Bytes that it may still grow by."""
        return max(0, self.most - self.held)

    def __enter__(self) -> "Share":
        self._budget._shares.add(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._budget._shares.discard(self)
        self.drop()

    async def reach(self, amount: int, wait_seconds: float) -> bool:
        """Hold at least `amount` in all; False if it cannot be had in time."""
        more = amount - self.held
        self.most = max(self.most, amount)  # who sends more than was declared is no nearer to its end for that
        return more <= 0 or await self._budget.take(more, wait_seconds, self.client, self)

    def complete(self) -> None:
        """It will not grow any more, so nothing has to be left free for it."""
        self.most = self.held
        self._budget._serve()

    def drop(self) -> None:
        """Give everything back, and need no more."""
        held, self.held, self.most = self.held, 0, 0
        if held:
            self._budget.give(held, self.client)
