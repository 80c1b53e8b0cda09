"""Accepts connections a few at a time, so that other work of the event loop gets its turn.

It knows nothing of what is said on a connection, or who is let in.

asyncio's own server accepts all waiting connections before anything else gets its turn, and tells nobody of one before
its TLS handshake is done. Here each connection is handed on at once, and if file descriptors run out, accepting pauses
instead of spinning.
"""

import asyncio
import os
import socket
from collections.abc import Callable, Iterable
from typing import Final

import structlog

log = structlog.get_logger()

_AT_ONCE: Final = 8  # connections taken before the loop gets its turn
# Seconds that a connection is left to other processes on the same socket: an idle one takes it at once, and of a burst
# each takes two in that time, so more would be felt by those who come last; a busy one is not waited for longer.
_AFTER_YOU: Final = 0.002
_EXHAUSTED: Final = 1.0  # seconds to wait when there are no descriptors or buffers left


class Acceptor:
    """Takes connections from sockets that listen, until it is closed, and gives each to `let_in` with its peer's name.

    `let_in` must not block, and has to close what it does not keep. `after_you`: whether others who take from the same
    sockets get the first turn. `trouble` is the log's event for connections that cannot be taken.
    """

    def __init__(
        self,
        sockets: Iterable[socket.socket],
        let_in: Callable[[socket.socket, str], None],
        *,
        trouble: str,
        after_you: Callable[[], bool] = lambda: False,
    ) -> None:
        self._sockets = tuple(sockets)
        self._let_in = let_in
        self._trouble = trouble
        self._after_you = after_you
        self._pauses: dict[socket.socket, asyncio.TimerHandle] = {}
        self._waited: set[socket.socket] = set()
        self.is_open = False

    def open(self) -> None:
        """Take connections from now on."""
        self.is_open = True
        for sock in self._sockets:
            sock.setblocking(False)
            asyncio.get_running_loop().add_reader(sock, self._take, sock)

    def close(self) -> None:
        """Accept no more: new connections are refused, unless another process holds the sockets too."""
        if not self.is_open:
            return
        self.is_open = False
        for pause in self._pauses.values():
            pause.cancel()
        for sock in self._sockets:
            asyncio.get_running_loop().remove_reader(sock)
            sock.close()

    def _take(self, sock: socket.socket) -> None:
        for _ in range(_AT_ONCE):
            if sock not in self._waited and self._after_you():
                self._pause(sock, _AFTER_YOU)
                return
            self._waited.discard(sock)
            try:
                wire, peer = sock.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                log.error(self._trouble, error=os.strerror(error.errno or 0))
                self._pause(sock, _EXHAUSTED)
                return
            wire.setblocking(False)
            if wire.family in (socket.AF_INET, socket.AF_INET6):
                wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._let_in(wire, str(peer[0]) if isinstance(peer, tuple) else "")

    def _pause(self, sock: socket.socket, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        loop.remove_reader(sock)
        self._pauses[sock] = loop.call_later(seconds, self._go_on, sock)

    def _go_on(self, sock: socket.socket) -> None:
        del self._pauses[sock]
        self._waited.add(sock)
        asyncio.get_running_loop().add_reader(sock, self._take, sock)
