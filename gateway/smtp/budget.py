"""The bytes of messages that may be in memory at once, shared by every session of this process."""

import asyncio
from collections import deque
from types import TracebackType


class MemoryBudget:
    """A pot of bytes. Who asks for more than there is waits, in order; what waits reads nothing from its client."""

    def __init__(self, total: int) -> None:
        self.total = total
        self.free = total
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()

    async def take(self, amount: int, wait_seconds: float) -> bool:
        """Take `amount`; False if it cannot be had in time, or ever."""
        if amount > self.total:
            return False
        if amount <= self.free and not self._waiting:
            self.free -= amount
            return True
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        entry = (amount, turn)
        self._waiting.append(entry)
        try:
            async with asyncio.timeout(wait_seconds):
                await turn
        except TimeoutError:
            return self._leave(entry)
        except asyncio.CancelledError:
            if self._leave(entry):
                self.give(amount)
            raise
        return True

    def give(self, amount: int) -> None:
        """Put `amount` back and let those in who waited for it."""
        self.free += amount
        while self._waiting:
            wanted, turn = self._waiting[0]
            if turn.done():
                self._waiting.popleft()
                continue
            if wanted > self.free:
                return
            self._waiting.popleft()
            self.free -= wanted
            turn.set_result(None)

    def _leave(self, entry: tuple[int, asyncio.Future[None]]) -> bool:
        """Stop waiting; True if the turn came in the same moment, so that the bytes are ours."""
        turn = entry[1]
        if turn.done() and not turn.cancelled():
            return True
        if entry in self._waiting:
            self._waiting.remove(entry)
        self.give(0)
        return False

    def share(self) -> "Share":
        """What one message holds of it."""
        return Share(self)


class Share:
    """One message's part of the budget; given back when the `with` block ends."""

    def __init__(self, budget: MemoryBudget) -> None:
        self._budget = budget
        self.held = 0

    def __enter__(self) -> "Share":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.drop()

    async def reach(self, amount: int, wait_seconds: float) -> bool:
        """Hold at least `amount` in all; False if it cannot be had in time."""
        more = amount - self.held
        if more <= 0:
            return True
        if not await self._budget.take(more, wait_seconds):
            return False
        self.held += more
        return True

    def drop(self) -> None:
        """Give everything back."""
        self._budget.give(self.held)
        self.held = 0
