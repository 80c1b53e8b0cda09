"""Opens a door for a listener of the configuration, closes it gracefully, and reloads its certificate."""

import asyncio
import logging
import socket
import ssl
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from structlog import get_logger

from delivery.doors.renewal import Renewal
from gateway.listening import SharedAcceptor, open_sockets
from gateway.smtp.admission import Admission
from gateway.smtp.certificates import files_of, make_context
from gateway.smtp.logins import Logins, Throttle
from gateway.smtp.reception import Door, House, Taker
from gateway.smtp.session import Session
from gateway.smtp.settings import ListenerSettings

log = get_logger(__name__)

_LAST_WORDS_SECONDS = 2.0  # for sessions to end once their time is up


@asynccontextmanager
async def smtp_listener(
    listener: ListenerSettings, house: House, taker: Taker, sockets: Sequence[socket.socket] | None = None
) -> AsyncIterator[Door]:
    """Open one door; leaving the block closes it, and all other doors of the house with it.

    Then new connections are refused, idle sessions get 421 4.3.2, and messages under way have `house.shutdown_seconds`
    to end; after that their connections are cut, and their clients try again.
    `sockets` are listening sockets opened by somebody else. Raises OSError, ssl.SSLError and LoginsInvalid at start.
    """
    logging.getLogger("mail.log").setLevel(logging.ERROR)  # below, aiosmtpd logs what clients say
    door: Door  # made below, before anybody can come in
    logins = Logins(listener.logins, house.files) if listener.logins is not None else None
    if sockets is None:
        sockets = open_sockets([listener.address])[listener.address]
    async with asyncio.TaskGroup() as tasks:
        acceptor = SharedAcceptor(sockets, lambda: Session(door), tasks, house.crowd.crowded)
        door = Door(
            house=house,
            admission=Admission.of(listener, house.domains, house.bounces),
            taker=taker,
            tasks=tasks,
            throttle=Throttle(time.monotonic),
            logins=logins,
            port=sockets[0].getsockname()[1],
        )
        _secure(door)
        acceptor.start()
        log.info("smtp.listening", address=listener.address, port=door.port, accepts=listener.accepts.value)
        try:
            yield door
        finally:
            acceptor.close()
            await _close(door)


def _secure(door: Door) -> None:
    """The door's certificate, where it has one; it may be renewed at any time."""
    tls = door.admission.listener.tls
    if tls is None:
        return

    def use(context: ssl.SSLContext) -> None:
        door.tls = context

    door.renewal = Renewal(
        make_context,
        files_of(tls),
        use,
        door=door.admission.listener.address,
        event="smtp.certificate",
        in_force=door.house.files,
    )


async def _close(door: Door) -> None:
    """Dismiss everybody, wait for messages on their way, then cut."""
    try:
        async with asyncio.timeout(door.house.close()):
            await door.is_empty.wait()
    except TimeoutError:
        log.warning("smtp.sessions_cut", count=len(door.inside))
    finally:
        for guest in tuple(door.inside):
            guest.cut()
    try:
        async with asyncio.timeout(_LAST_WORDS_SECONDS):
            await door.is_empty.wait()
    except TimeoutError:
        for guest in tuple(door.inside):
            guest.cancel()
