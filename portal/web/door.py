"""The HTTP server below the application: what is no request at all is answered as tersely as everything else.

aiohttp answers bytes that it cannot parse by itself, before any middleware: it echoes them, names its version, and sets
none of our headers. A path may hold a locator, so nothing is echoed here, nor logged.
"""

from typing import Final

import structlog
from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from portal.web.headers import ALWAYS

log = structlog.get_logger()

_SAID: Final = {400: "This is no request that we can read.\n", 500: "Something went wrong on our side.\n"}


class Connection(RequestHandler):
    """One connection."""

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

    def __call__(self) -> Connection:
        """A new connection."""
        return Connection(self, loop=self._loop, **self._kwargs)


class Runner(web.AppRunner):
    """Runs an application behind our door."""

    async def _make_server(self) -> web.Server:
        made = await super()._make_server()
        return Door(
            made.request_handler, request_factory=made.request_factory, loop=made._loop, **made._kwargs
        )  # aiohttp offers no other way
