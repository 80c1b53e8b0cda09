"""The HTTP server below the application: limits connections, and answers bytes that are no HTTP request.

aiohttp would answer such bytes itself, before any middleware: it echoes them, names its version, and sets none of our
headers. A path may hold a locator, so here nothing is echoed or logged.
"""

import asyncio
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from time import monotonic
from typing import Any, Final, Protocol, cast

import structlog
from aiohttp import HttpVersion11, StreamReader, hdrs, web
from aiohttp.web_protocol import RequestHandler

from portal.services import SERVICES
from portal.web.client import Networks, network_of
from portal.web.headers import ALWAYS

log = structlog.get_logger()

# Connections of one process. Its open files are the mail's as well: thousands of readers must not keep mail out.
MOST: Final = 4000
FROM_ONE: Final = 500  # of them from one network: an office behind one address, with all its browsers
_LOOKED_AT: Final = 16  # connections, for one that can go: all of them would take long, for each newcomer
_SLOWEST: Final = 4096  # bytes that a slow reader takes, or a slow sender brings, from one look to the next
_LONGEST_TYPE: Final = 250  # characters of a body's type: to read 8000 that were made for it takes a second and a half
_SIP: Final = 4096  # bytes of a body in chunks that are read in one go
_SAY_AGAIN: Final = 60.0  # seconds between words in the log
_SAID: Final = {
    400: "This is no request that we can read.\n",
    417: "What the request expects is not done here.\n",
    500: "Something went wrong on our side.\n",
}


class Counted(Protocol):
    """A connection, as far as `Crowd` needs to know it."""

    @property
    def has_unsent(self) -> bool:
        """Whether something was written that is not sent yet."""
        ...

    @property
    def is_stalled(self) -> bool:
        """Whether it waits for its client, who lately neither sent nor took anything worth speaking of."""
        ...

    def cut(self) -> None:
        """End the connection at once."""
        ...


@dataclass(slots=True)
class Crowd:
    """Counts connections by network, and knows on which of them nothing happens.

    If there are too many, the one that has been idle longest is ended before a newcomer is refused; where none is idle,
    one that stalls in the middle of a request or of its answer. `trusted`: proxies, behind whose addresses many people
    stand.
    """

    trusted: Networks = ()
    most: int = MOST
    from_one: int = FROM_ONE
    here: Counter[str] = field(default_factory=Counter)
    all: int = 0
    _idle: dict[Counted, str | None] = field(default_factory=dict)  # and from which network; the longest first
    _idle_of: dict[str, dict[Counted, None]] = field(default_factory=dict)  # the same, by network
    _busy: dict[Counted, str | None] = field(default_factory=dict)  # with a request; the longest first
    _said: float = -_SAY_AGAIN

    @property
    def ample(self) -> int:
        """How many there may be before idle ones are let go, so that few newcomers have to wait for somebody to go."""
        return self.most // 2

    def enter(self, peer: str) -> bool:
        """Count one more from this address; whether it is let in. `leave` must follow either way."""
        network = network_of(peer, self.trusted)
        self.all += 1
        if network is not None:
            self.here[network] += 1
        fits = network is None or self.here[network] <= self.from_one or self._end_one_of(network)
        fits = fits and (self.all <= self.most or self._end_idle(self._idle) or self._end_stalled(self._busy))
        if not fits and monotonic() - self._said > _SAY_AGAIN:
            self._said = monotonic()
            log.warning("portal.crowded", connections=self.all, networks=len(self.here))
        return fits

    def leave(self, peer: str) -> None:
        """Count one less."""
        network = network_of(peer, self.trusted)
        self.all -= 1
        if network is not None:
            self.here[network] -= 1
            if not self.here[network]:
                del self.here[network]

    def mark_busy(self, connection: Counted, peer: str) -> None:
        """Note that a request of this connection is under way from now on."""
        self.forget(connection)
        self._busy[connection] = network_of(peer, self.trusted)

    def mark_idle(self, connection: Counted, peer: str) -> None:
        """Note that this connection is idle from now on."""
        self._busy.pop(connection, None)
        network = self._idle[connection] = network_of(peer, self.trusted)
        if network is not None:
            self._idle_of.setdefault(network, {})[connection] = None

    def forget(self, connection: Counted) -> None:
        """Take a connection off both lists: it is gone, or about to be marked anew."""
        self._busy.pop(connection, None)
        network = self._idle.pop(connection, None)
        if network is not None:
            del self._idle_of[network][connection]
            if not self._idle_of[network]:
                del self._idle_of[network]

    def _end_one_of(self, network: str) -> bool:
        """End one connection of a network that has too many; False: all of them go on."""
        if self._end_idle(self._idle_of.get(network)):
            return True
        return self._end_stalled({one: None for one, of in self._busy.items() if of == network})

    def _end_stalled(self, connections: Iterable[Counted]) -> bool:
        for connection in connections:
            if connection.is_stalled:
                self.forget(connection)
                connection.cut()
                return True
        return False

    def _end_idle(self, idle: Mapping[Counted, object] | None) -> bool:
        """End the connection that has been idle longest; False if there is none. Slow readers are not cut off, as long
        as they read.
        """
        for connection in tuple(islice(idle or (), _LOOKED_AT)):
            network = self._idle[connection]
            self.forget(connection)
            if not connection.has_unsent or connection.is_stalled:
                connection.cut()
                return True
            self._idle[connection] = network  # to the end: the next look finds others
            if network is not None:
                self._idle_of.setdefault(network, {})[connection] = None
        return False


class Connection(RequestHandler):
    """One HTTP connection, which the Crowd can end while it is idle."""

    crowd: Crowd
    is_stalled = False
    _peer: str | None = None
    _wire: asyncio.Transport | None = None
    _request: web.BaseRequest | None = None  # that is under way
    _moved: tuple[bool, int] | None = None  # what had moved at the last look: whether of what came in, and how much
    _untaken: int | None = None  # bytes, when it was last to be let go
    _body: StreamReader | None = None  # of the newest request
    _is_chunked = False  # is that body in chunks?

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client has connected; if there are too many connections, this one is ended at once."""
        super().connection_made(transport)
        self._wire = cast(asyncio.Transport, transport)
        if self._peer is None:
            named = transport.get_extra_info("peername")
            self._peer = str(named[0]) if isinstance(named, tuple) else ""
            if not self.crowd.enter(self._peer):
                self._wire.abort()
                return
        self.crowd.mark_idle(self, self._peer)

    def data_received(self, data: bytes) -> None:
        """Bytes of the client's. Each chunk of a body costs the same, however small: what is hardly anything but their
        sizes would keep everybody waiting, a hundred thousand of them a megabyte. Nobody writes so, and it is cut off.
        """
        if not data:  # so aiohttp asks itself for what it held back while nobody read
            super().data_received(data)
        at = 0
        while at < len(data) and self._wire is not None and not self._wire.is_closing():
            body, before = self._body, 0 if self._body is None else self._body.total_bytes
            sip = data[at:] if body is not None and not self._is_chunked else data[at : at + _SIP]
            super().data_received(sip)
            at += len(sip)
            if self._messages:
                message, self._body = self._messages[-1]
                self._is_chunked = getattr(message, "chunked", False)  # a message may be an error, too
            if body is None or body is not self._body or body.is_eof() or not self._is_chunked or len(sip) < _SIP:
                continue
            if body.total_bytes - before < _SIP // 2:
                if self._request is None:
                    body.feed_eof()  # nobody reads it but aiohttp, to throw it away
                self.cut()

    def take_count(self, peer: str) -> None:
        """Take over the count of a client that was counted before its connection was made."""
        self._peer = peer

    @property
    def is_open(self) -> bool:
        """Whether the connection is open."""
        return self._wire is not None

    @contextmanager
    def at_work(self, request: web.BaseRequest) -> Iterator[None]:
        """While a request of this connection is under way: nobody ends it to make room, unless it stalls."""
        self._request = request
        if self._peer is not None:
            self.crowd.mark_busy(self, self._peer)
        try:
            yield
        finally:
            self._request = None
            if self._peer is not None:
                self.crowd.mark_idle(self, self._peer)

    def look(self) -> None:
        """Note whether it stalls: it waits for its client, who sent or took next to nothing since the last look."""
        wire, body = self._wire, None if self._request is None else self._request.content
        if body is not None and not body.is_eof():
            moved = (True, body.total_bytes)
        elif wire is not None and wire.get_write_buffer_size():
            moved = (False, -wire.get_write_buffer_size())
        else:
            self.is_stalled, self._moved = False, None
            return
        before, self._moved = self._moved, moved
        self.is_stalled = before is not None and before[0] is moved[0] and moved[1] < before[1] + _SLOWEST

    def uncount(self) -> None:
        """Count out a connection that was counted and never made."""
        if self._peer is not None:
            self.crowd.leave(self._peer)
        self._peer = None

    def connection_lost(self, exc: BaseException | None) -> None:
        """The client is gone: count it out."""
        self.crowd.forget(self)
        if self._peer is not None:
            self.crowd.leave(self._peer)
        self._peer = self._wire = None
        super().connection_lost(exc)

    @property
    def has_unsent(self) -> bool:
        """Whether something was written that is not sent yet."""
        return self._wire is not None and self._wire.get_write_buffer_size() > 0

    def cut(self) -> None:
        """End the connection at once, without a TLS good-bye, which the client could delay."""
        self.force_close()
        if self._wire is not None:
            self._wire.abort()

    def let_go(self) -> None:
        """End it as idle, unless its reader has taken some of what was written since the last call.

        One who takes nothing is not waited for: what was written to them is thrown away.
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
        """The response to bytes that are no request. Raises ConnectionError if a response has begun already."""
        if not isinstance(exc, ConnectionError):  # who goes away in the middle of a download is no news
            tell = log.error if status >= 500 else log.info
            tell("portal.request_unread", status=status, error=type(exc).__name__ if exc else None)
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
    """Runs an application behind our door. `crowd` None: the portal's, as it is configured."""

    def __init__(self, app: web.Application, crowd: Crowd | None = None, **more: Any) -> None:
        # Nothing that comes here is to be unpacked. aiohttp would do so even with what was refused and what nobody
        # reads, for ten seconds of everybody's time: a few kilobytes can hold gigabytes.
        super().__init__(app, auto_decompress=False, **more)
        self._crowd = crowd

    async def _make_server(self) -> web.Server:
        made = await super()._make_server()

        async def handled(request: web.BaseRequest) -> web.StreamResponse:
            connection = cast(Connection, request.protocol)
            if _is_framed_oddly(request):
                return connection.handle_error(request, 400)
            if len(request.headers.get(hdrs.CONTENT_TYPE, "")) > _LONGEST_TYPE:
                return connection.handle_error(request, 400)
            if _expects_oddly(request):
                return connection.handle_error(request, 417)
            with connection.at_work(request):
                return await made.request_handler(request)

        door = Door(handled, request_factory=made.request_factory, loop=made._loop, **made._kwargs)  # no other way
        door.crowd = self._crowd or Crowd(self.app[SERVICES].settings.trusted_proxies)
        return door


def _is_framed_oddly(request: web.BaseRequest) -> bool:
    """Whether a server in front of us might believe that this request ends elsewhere than we do: one of HTTP/1.0 has no
    chunks (RFC 9112, 6.1), and there is one coding that all understand.
    """
    coding = request.headers.get(hdrs.TRANSFER_ENCODING)
    return coding is not None and (request.version < HttpVersion11 or coding.strip().lower() != "chunked")


def _expects_oddly(request: web.BaseRequest) -> bool:
    """Whether it expects what we do not know (RFC 9110, 10.1.1). aiohttp would answer before the host is looked at,
    with an echo, and fail where that is no text.
    """
    return request.headers.get(hdrs.EXPECT, "100-continue").strip().lower() not in {"", "100-continue"}
