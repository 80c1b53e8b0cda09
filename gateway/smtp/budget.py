"""The bytes of messages that may be in memory at once, shared by every session of this process.

Room is reserved by the size that a client declares, so a client could keep it from others without sending anything.
Therefore one client holds at most a part of it, and whoever fills slowly what was reserved has to give way once
somebody waits.
"""

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from types import TracebackType
from typing import Final

_PRESS_SECONDS: Final = 1.0  # how often a waiting session asks the others to give way


@dataclass(slots=True)
class _Waiting:
    """One who waits for memory; `turn` is done once it has been handed out."""

    amount: int
    client: Hashable
    turn: asyncio.Future[None]


class MemoryBudget:
    """A number of bytes to take from. Whoever asks for more than is free waits, in order of asking."""

    def __init__(self, total: int, most_of_one: int | None = None) -> None:
        """`most_of_one`: what one client may hold; None: all of it."""
        self.total = total
        self.free = total
        self._most = min(total, most_of_one or total)
        self._held: Counter[Hashable] = Counter()  # by client; None is nobody's
        self._waiting: deque[_Waiting] = deque()
        self._shares: set[Share] = set()

    async def take(self, amount: int, wait_seconds: float, client: Hashable = None) -> bool:
        """Take `amount`; False if it cannot be had in time, or ever."""
        if amount > self.total or (client is not None and amount > self._most):
            return False
        if amount <= self.free and not self._waiting and self._may_hold(client, amount):
            self._hand_out(amount, client)
            return True
        entry = _Waiting(amount, client, asyncio.get_running_loop().create_future())
        self._waiting.append(entry)
        try:
            self._serve()  # those before it may only wait for what their own client holds
            await self._await_turn(entry, wait_seconds)
        except TimeoutError:
            return self._leave(entry)
        except asyncio.CancelledError:
            if self._leave(entry):
                self.give(amount, client)
            raise
        return True

    def give(self, amount: int, client: Hashable = None) -> None:
        """Put `amount` back and let those in who waited for it."""
        self.free += amount
        self._held[client] -= amount
        if not self._held[client]:
            del self._held[client]
        self._serve()

    def share(self, client: Hashable = None, give_way: Callable[[], None] = lambda: None) -> "Share":
        """One message's part. `give_way` is called while others wait: it may drop the share."""
        return Share(self, client, give_way)

    def _may_hold(self, client: Hashable, more: int) -> bool:
        return client is None or self._held[client] + more <= self._most

    def _hand_out(self, amount: int, client: Hashable) -> None:
        self.free -= amount
        self._held[client] += amount

    def _serve(self) -> None:
        """Hand out to those who wait, in order, passing over those whose client holds as much as it may."""
        for entry in tuple(self._waiting):
            if entry.turn.done():
                self._waiting.remove(entry)
            elif self._may_hold(entry.client, entry.amount):
                if entry.amount > self.free:
                    return
                self._waiting.remove(entry)
                self._hand_out(entry.amount, entry.client)
                entry.turn.set_result(None)

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

    def __init__(self, budget: MemoryBudget, client: Hashable, give_way: Callable[[], None]) -> None:
        self._budget = budget
        self._client = client
        self.give_way = give_way
        self.held = 0

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
        if more <= 0:
            return True
        if not await self._budget.take(more, wait_seconds, self._client):
            return False
        self.held += more
        return True

    def drop(self) -> None:
        """Give everything back."""
        held, self.held = self.held, 0
        if held:
            self._budget.give(held, self._client)
