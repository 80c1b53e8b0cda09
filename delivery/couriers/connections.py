"""Outgoing connections: opened on demand, kept for the next message, limited for each destination and in all."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from delivery.couriers.session import Session, Unreachable
from delivery.couriers.targets import Target
from delivery.items import Reply


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """How many connections, for how long. A connection is in use, or idle and kept for the next message."""

    per_destination: int | None = None  # None: what the target says, shared among `workers`
    total: int = 200
    idle_seconds: float = 10.0
    age_seconds: float = 300.0
    messages: int | None = None  # over one connection; None: what the target says
    wait_seconds: float = 300.0  # for a free place
    workers: int = 1

    def connections_to(self, target: Target) -> int:
        """How many there may be to a target."""
        return self.per_destination or max(1, target.limits.connections // self.workers)

    def messages_to(self, target: Target) -> int:
        """How many messages one connection to a target carries."""
        return self.messages or target.limits.messages


class Connections:
    """All outgoing connections. A session comes in here only once it has shown all that its target demands."""

    def __init__(self, dial: Callable[[Target], Awaitable[Session]], limits: ConnectionLimits) -> None:
        self._dial = dial
        self._limits = limits
        self._idle: dict[Target, list[Session]] = {}  # the one used last stands last
        self._expiry: dict[Session, asyncio.TimerHandle] = {}
        self._open: Counter[Target] = Counter()  # in use, idle or being opened
        self._waiting: list[asyncio.Future[None]] = []
        self._closed = False

    @asynccontextmanager
    async def borrow(self, target: Target, *, fresh: bool = False) -> AsyncIterator[tuple[Session, bool]]:
        """A session and whether it has been used before. It is kept afterwards if it is still in order.

        `fresh`: not a kept one. Raises what dialling raises, and Unreachable when no place becomes free.
        """
        session = await self._take(target, fresh=fresh)
        is_used = session is not None
        try:
            if session is None:
                session = await self._dial(target)
            yield session, is_used
        except BaseException:
            if session is not None:
                session.abort()
            raise
        finally:
            self._give_back(target, session)

    def close(self) -> None:
        """Close idle connections; those in use close when they are given back."""
        self._closed = True
        for session in list(self._expiry):
            self._drop_idle(session)

    def _give_back(self, target: Target, session: Session | None) -> None:
        if session is not None and session.is_alive and self._may_be_kept(session):
            self._idle.setdefault(target, []).append(session)
            loop = asyncio.get_running_loop()
            self._expiry[session] = loop.call_later(self._limits.idle_seconds, self._drop_idle, session)
        else:
            if session is not None:
                session.quit()
            self._uncount(target)
        self._wake()

    def _may_be_kept(self, session: Session) -> bool:
        age = asyncio.get_running_loop().time() - session.opened_at
        return (
            not self._closed
            and not session.is_spent
            and session.messages < self._limits.messages_to(session.target)
            and age < self._limits.age_seconds
        )

    async def _take(self, target: Target, *, fresh: bool) -> Session | None:
        """A kept session; or None, with a place counted for a new one."""
        if fresh:
            for kept in list(self._idle.get(target, ())):  # as dead, most likely, as the one that failed
                self._drop_idle(kept)
        try:
            async with asyncio.timeout(self._limits.wait_seconds):
                while True:
                    if not fresh and (session := self._pop_idle(target)) is not None:
                        return session
                    if self._open[target] < self._limits.connections_to(target) and self._make_room():
                        self._open[target] += 1
                        return None
                    await self._change()
        except TimeoutError:
            reply = Reply(451, "4.4.5", "Too many connections to this mail server are in use")
            raise Unreachable(reply, insecure=target.demands_tls) from None

    async def _change(self) -> None:
        """Wait until a connection is given back or closed."""
        waiter = asyncio.get_running_loop().create_future()
        self._waiting.append(waiter)
        try:
            await waiter
        finally:
            self._waiting.remove(waiter)

    def _pop_idle(self, target: Target) -> Session | None:
        while kept := self._idle.get(target):
            session = kept[-1]
            self._forget_idle(session)
            if session.is_alive:
                return session
            self._uncount(target)
        return None

    def _make_room(self) -> bool:
        """Is there a place for one more in all? If not, close the connection that has been idle longest."""
        while self._open.total() >= self._limits.total and self._expiry:
            self._drop_idle(next(iter(self._expiry)))
        return self._open.total() < self._limits.total

    def _drop_idle(self, session: Session) -> None:
        self._forget_idle(session)
        session.quit()
        self._uncount(session.target)
        self._wake()

    def _forget_idle(self, session: Session) -> None:
        self._expiry.pop(session).cancel()
        kept = self._idle[session.target]
        kept.remove(session)
        if not kept:
            del self._idle[session.target]

    def _uncount(self, target: Target) -> None:
        self._open[target] -= 1
        if not self._open[target]:
            del self._open[target]

    def _wake(self) -> None:
        for waiter in self._waiting:
            if not waiter.done():
                waiter.set_result(None)
