"""The HTTP server below the application: how many connections there are, and what is no request at all, which is
answered as tersely as everything else.

aiohttp answers bytes that it cannot parse by itself, before any middleware: it echoes them, names its version, and sets
none of our headers. A path may hold a locator, so nothing is echoed here, nor logged.
"""

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from time import monotonic
from typing import Final, cast

import structlog
from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from portal.services import SERVICES
from portal.web.client import Networks, network_of
from portal.web.headers import ALWAYS

log = structlog.get_logger()

# Connections of one process. Its open files are the mail's as well: thousands of readers must not keep mail out.
MOST: Final = 4000
FROM_ONE: Final = 500  # of them from one network: an office behind one address, with all its browsers
_SLOWEST: Final = 4096  # bytes that a slow reader takes from one look at the idle connections to the next
_SAY_AGAIN: Final = 60.0  # seconds between words in the log
_SAID: Final = {400: "This is no request that we can read.\n", 500: "Something went wrong on our side.\n"}


@dataclass(slots=True)
class Crowd:
    """Who is connected, by network. `trusted`: proxies, behind whose addresses many stand."""

    trusted: Networks = ()
    most: int = MOST
    from_one: int = FROM_ONE
    here: Counter[str] = field(default_factory=Counter)
    all: int = 0
    _said: float = -_SAY_AGAIN

    def enter(self, peer: str) -> bool:
        """Whether one more from this address is let in. Whoever is not, leaves as well."""
        network = network_of(peer, self.trusted)
        self.all += 1
        if network is not None:
            self.here[network] += 1
        fits = self.all <= self.most and (network is None or self.here[network] <= self.from_one)
        if not fits and monotonic() - self._said > _SAY_AGAIN:
            self._said = monotonic()
            log.warning("portal crowded", connections=self.all, networks=len(self.here))
        return fits

    def leave(self, peer: str) -> None:
        """One less."""
        network = network_of(peer, self.trusted)
        self.all -= 1
        if network is not None:
            self.here[network] -= 1
            if not self.here[network]:
                del self.here[network]


class Connection(RequestHandler):
    """One connection."""

    crowd: Crowd
    _peer: str | None = None
    _wire: asyncio.Transport | None = None
    _untaken: int | None = None  # bytes, when it was last to be let go

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Somebody came. Where there are too many, they are gone at once."""
        super().connection_made(transport)
        self._wire = cast(asyncio.Transport, transport)
        if self._peer is not None:
            return
        named = transport.get_extra_info("peername")
        self._peer = str(named[0]) if isinstance(named, tuple) else ""
        if not self.crowd.enter(self._peer):
            self._wire.abort()

    def is_counted(self, peer: str) -> None:
        """Whoever comes from there was counted before the connection was made."""
        self._peer = peer

    @property
    def is_made(self) -> bool:
        """Whether it stands."""
        return self._wire is not None

    def gives_up(self) -> None:
        """It was counted, and was never made."""
        if self._peer is not None:
            self.crowd.leave(self._peer)
        self._peer = None

    def connection_lost(self, exc: BaseException | None) -> None:
        """They left."""
        if self._peer is not None:
            self.crowd.leave(self._peer)
        self._peer = self._wire = None
        super().connection_lost(exc)

    def let_go(self) -> None:
        """End it. What was written and is not taken is thrown away, unless more of it was taken since the last time:
        to wait for a reader who takes nothing is to wait for ever.
        """
        wire, before = self._wire, self._untaken
        self._untaken = 0 if wire is None else wire.get_write_buffer_size()
        if self._untaken and (before is None or self._untaken + _SLOWEST <= before):
            return
        self.force_close()
        if wire is not None and self._untaken:
            wire.abort()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """The answer to what never became a request. Raises ConnectionError where an answer was begun already."""
        if not isinstance(exc, ConnectionError):  # who goes away in the middle of a download is no news
            tell = log.error if status >= 500 else log.info
            tell("request not read", status=status, error=type(exc).__name__ if exc else None)
        if request.writer.output_size > 0:
            raise ConnectionError("an answer was begun already")
        response = web.Response(status=status, text=_SAID.get(status, _SAID[400]), headers=ALWAYS)
        response.force_close()
        return response


class Door(web.Server):
    """Makes connections of ours."""

    crowd = Crowd()

    def __call__(self) -> Connection:
        """A new connection."""
        made = Connection(self, loop=self._loop, **self._kwargs)
        made.crowd = self.crowd
        return made


class Runner(web.AppRunner):
    """Runs an application behind our door."""

    async def _make_server(self) -> web.Server:
        made = await super()._make_server()
        door = Door(
            made.request_handler, request_factory=made.request_factory, loop=made._loop, **made._kwargs
        )  # aiohttp offers no other way
        door.crowd = Crowd(self.app[SERVICES].settings.trusted_proxies)
        return door
