"""Accepts the portal's connections, counts them at once, and does their TLS handshakes within a time limit.

With asyncio's own server nobody is counted before the handshake is done: thousands of silent connections could hold
their file descriptors for a minute, and mail needs descriptors too. Here each connection is counted before a byte is
read, and a handshake has a few seconds; if too many are under way, the oldest are ended: an honest one is done by then.
"""

import asyncio
import socket
import ssl
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Final

from aiohttp import web

from delivery.doors.accepting import Acceptor
from portal.web.client import network_of
from portal.web.door import Connection, Door

HANDSHAKE: Final = 15.0  # seconds from the first packet to a secured connection, over any line there is
MOST: Final = 1000  # handshakes of one process under way
FROM_ONE: Final = 100  # of them from one network
_GOODBYE: Final = 5.0  # seconds for a client to end its side of TLS


@dataclass(frozen=True, slots=True)
class Limits:
    """What handshakes may take."""

    seconds: float = HANDSHAKE
    most: int = MOST
    from_one: int = FROM_ONE


class Porch:
    """Takes connections from listening sockets, until it is closed, and hands them to the runner's server."""

    def __init__(
        self,
        runner: web.AppRunner,
        sockets: Iterable[socket.socket],
        context: ssl.SSLContext | None,
        tasks: asyncio.TaskGroup,
        limits: Limits | None = None,
    ) -> None:
        assert isinstance(runner.server, Door), "a runner of ours, set up"
        self._door = runner.server
        self._acceptor = Acceptor(sockets, self._let_in, trouble="portal.cannot_accept")
        self.context = context  # of connections that come from now on
        self._tasks = tasks
        self.limits = limits or Limits()
        self._under_way: dict[asyncio.Task[None], str | None] = {}  # and from which network; the oldest first
        self._of: Counter[str | None] = Counter()
        self.taken = 0  # connections, since it was opened

    def open(self) -> None:
        """Take connections from now on."""
        self._acceptor.open()

    def close(self) -> None:
        """Accept no more; connections that are still in their handshake are ended."""
        self._acceptor.close()
        for task in tuple(self._under_way):
            self._end(task)

    def _let_in(self, wire: socket.socket, peer: str) -> None:
        self.taken += 1
        if not self._door.crowd.enter(peer):
            self._door.crowd.leave(peer)
            wire.close()
            return
        connection = self._door()
        connection.take_count(peer)
        network = network_of(peer, self._door.crowd.trusted)
        self._make_room(network)
        task = self._tasks.create_task(self._secure(wire, connection), name="portal connection")
        self._under_way[task] = network
        self._of[network] += 1
        task.add_done_callback(partial(self._done, wire, connection))

    def _make_room(self, network: str | None) -> None:
        """If too many handshakes are under way, of this network or in all, end the oldest. None: a proxy of ours."""
        if network is not None and self._of[network] >= self.limits.from_one:
            self._end(next(task for task, whose in self._under_way.items() if whose == network))
        if len(self._under_way) >= self.limits.most:
            self._end(next(iter(self._under_way)))

    def _end(self, task: asyncio.Task[None]) -> None:
        self._forget(task)
        task.cancel()

    def _forget(self, task: asyncio.Task[None]) -> None:
        if task in self._under_way:
            network = self._under_way.pop(task)
            self._of[network] -= 1
            if not self._of[network]:
                del self._of[network]

    async def _secure(self, wire: socket.socket, connection: Connection) -> None:
        """From here on the connection lives by itself, or it is gone: no TLS, not in time, or it left."""
        context = self.context
        patience = self.limits.seconds if context else None
        with suppress(OSError):
            await asyncio.get_running_loop().connect_accepted_socket(
                lambda: connection,
                wire,
                ssl=context,
                ssl_handshake_timeout=patience,
                ssl_shutdown_timeout=_GOODBYE if context else None,
            )

    def _done(self, wire: socket.socket, connection: Connection, task: asyncio.Task[None]) -> None:
        self._forget(task)
        if not connection.is_open:
            connection.uncount()
            wire.close()
