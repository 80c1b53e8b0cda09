"""Listening sockets: opened once, by us or by systemd, before there are workers; all workers inherit and share them.

A worker that ends leaves the connections in the backlog to the others, and one that starts finds them there. Each
takes connections one at a time and lets the others go first while it has more sessions than they. An address is taken
at once, so that a mistake is told early; nobody can connect before the first worker is ready.
"""

import asyncio
import errno
import os
import socket
import time
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, Final

from delivery.doors.accepting import Acceptor
from delivery.sections import parse_endpoint

BACKLOG: Final = 1024
PATIENCE: Final = 5.0  # seconds: processes of a gateway that was killed close their addresses well before
_AGAIN: Final = 0.1  # seconds until an address that somebody has is tried again
_FIRST_PASSED_ON: Final = 3  # SD_LISTEN_FDS_START, sd_listen_fds(3)

Sockets = Mapping[str, tuple[socket.socket, ...]]  # listening sockets by `address` as configured


def open_sockets(
    addresses: Iterable[str],
    environ: Mapping[str, str] = os.environ,
    *,
    closed: Container[str] = (),
    patience: float = 0.0,
) -> Sockets:
    """Listening sockets for each `host:port`; those that systemd opened are used.

    Those of `closed` are bound only, for a SharedAcceptor to listen on. Addresses that somebody has are waited for, at
    most `patience` seconds in all; this blocks. Raises OSError; then none stays open.
    """
    passed_on, until = _passed_on(environ), time.monotonic() + patience
    opened: dict[str, tuple[socket.socket, ...]] = {}
    try:
        for address in addresses:
            opened[address] = sockets = tuple(_bind(address, passed_on, until))
            if address not in closed:
                listen(sockets)
    except BaseException:
        close_sockets(opened)
        raise
    return opened


def close_sockets(sockets: Sockets) -> None:
    """Let go of them; other processes keep theirs."""
    for each in sockets.values():
        for sock in each:
            sock.close()


def descriptors_of(sockets: Sockets) -> dict[str, list[int]]:
    """Their descriptors, for another program that inherits them."""
    return {address: [sock.fileno() for sock in each] for address, each in sockets.items()}


def sockets_of(descriptors: Mapping[str, Iterable[int]]) -> Sockets:
    """What `descriptors_of` told of, in that program."""
    return {address: tuple(socket.socket(fileno=one) for one in each) for address, each in descriptors.items()}


@contextmanager
def held(sockets: Sockets) -> Iterator[None]:
    """As long as the block lasts; then close them, those that nobody has closed before."""
    try:
        yield
    finally:
        close_sockets(sockets)


def listen(sockets: Iterable[socket.socket]) -> None:
    """Let clients come; does no harm to sockets on which they come already. Raises OSError."""
    for sock in sockets:
        try:
            sock.listen(BACKLOG)
        except OSError as cause:  # somebody else was faster, which only now shows
            raise OSError(cause.errno, f"port {sock.getsockname()[1]}: {os.strerror(cause.errno or 0)}") from cause


def _bind(address: str, passed_on: list[socket.socket], until: float) -> Iterable[socket.socket]:
    host, port = parse_endpoint(address)
    places = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    for family, kind, protocol, _, place in dict.fromkeys(places):
        given = next(
            (sock for sock in passed_on if sock.family == family and sock.getsockname()[:2] == place[:2]), None
        )
        if given is not None:
            yield given
            continue
        sock = socket.socket(family, kind, protocol)
        try:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            _take(sock, place, until)
            sock.setblocking(False)
        except OSError as cause:
            sock.close()
            raise OSError(cause.errno, f"{address}: {os.strerror(cause.errno or 0)}") from cause
        yield sock


def _take(sock: socket.socket, place: tuple[Any, ...], until: float) -> None:
    while True:
        try:
            return sock.bind(place)
        except OSError as error:
            if error.errno != errno.EADDRINUSE or time.monotonic() >= until:
                raise
        time.sleep(_AGAIN)


def _passed_on(environ: Mapping[str, str]) -> list[socket.socket]:
    """What systemd's socket unit opened for this very process (sd_listen_fds(3))."""
    if environ.get("LISTEN_PID") != str(os.getpid()):
        return []
    sockets = []
    for descriptor in range(_FIRST_PASSED_ON, _FIRST_PASSED_ON + int(environ.get("LISTEN_FDS") or 0)):
        with suppress(OSError):
            sock = socket.socket(fileno=descriptor)
            sock.setblocking(False)
            sock.set_inheritable(False)
            sockets.append(sock)
    return sockets


class SharedAcceptor:
    """Takes connections for one worker of several that share listening sockets, and makes a task of each.

    `crowded` says whether another worker has fewer sessions than this one, given those that it has taken and that have
    not entered yet: then the others get the first turn.
    """

    def __init__(
        self,
        sockets: Iterable[socket.socket],
        make_protocol: Callable[[], asyncio.BaseProtocol],
        tasks: asyncio.TaskGroup,
        crowded: Callable[[int], bool] = lambda _coming: False,
    ) -> None:
        self._sockets = tuple(sockets)
        self._make_protocol = make_protocol
        self._tasks = tasks
        self._coming = 0  # taken, and not yet sessions
        self._acceptor = Acceptor(
            self._sockets, self._let_in, trouble="smtp.cannot_accept", after_you=lambda: crowded(self._coming)
        )

    def start(self) -> None:
        """Take connections from now on. Raises OSError."""
        listen(self._sockets)
        self._acceptor.open()

    def close(self) -> None:
        """Take no more: who knocks from now on is refused, unless another worker holds the sockets too."""
        self._acceptor.close()

    def _let_in(self, wire: socket.socket, _peer: str) -> None:
        self._coming += 1
        self._tasks.create_task(self._greet(wire), name="smtp connection")

    async def _greet(self, wire: socket.socket) -> None:
        try:
            await asyncio.get_running_loop().connect_accepted_socket(self._make_protocol, wire)
        except OSError:  # gone already
            wire.close()
        finally:
            self._coming -= 1
