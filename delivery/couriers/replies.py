"""The replies of one peer, in the order of what was asked: several commands may be under way at once (RFC 2920)."""

import asyncio
from collections import deque
from typing import Final

from aiosmtplib import SMTP, SMTPStatus
from aiosmtplib.errors import (
    SMTPConnectResponseError,
    SMTPException,
    SMTPResponseException,
    SMTPServerDisconnected,
)
from aiosmtplib.protocol import SMTPProtocol
from aiosmtplib.response import SMTPResponse

_LONGEST: Final = 32 * 1024  # bytes of one reply


class WholeReplies(SMTPProtocol):
    """Reads a reply once its last line is there.

    aiosmtplib reads it anew, from its beginning, with each piece that comes: a peer that says a long one a few bytes at
    a time would keep the event loop for a minute.
    """

    _looked = 0  # bytes of the buffer, all of them lines behind which another of the same reply has to come

    def _read_response_from_buffer(self) -> SMTPResponse | None:
        buffer = self._buffer
        while (end := buffer.find(b"\n", self._looked)) >= 0:
            start, self._looked = self._looked, end + 1
            if buffer[start + 3 : start + 4] != b"-" or not buffer[start : start + 3].isdigit():
                self._looked = 0
                return super()._read_response_from_buffer()
        return None


class Client(SMTP):
    """aiosmtplib's client, to open a session with, on a socket that is connected."""

    async def _create_connection(self, timeout: float | None) -> SMTPResponse:  # noqa: ASYNC109  # its name there
        loop = asyncio.get_running_loop()
        protocol = WholeReplies(loop, self._on_connection_lost)
        async with asyncio.timeout(timeout):
            self.transport, _ = await loop.create_connection(lambda: protocol, sock=self.sock)
            self.protocol = protocol
            greeting = await protocol.read_response()
        if greeting.code != SMTPStatus.ready:
            raise SMTPConnectResponseError(greeting.code, greeting.message)
        return greeting


class Replies(WholeReplies):
    """Takes over a connection that aiosmtplib opened, greeted and secured; its own protocol loses all but one reply.

    A peer that speaks unasked is out of step with us, and cut off.
    """

    def __init__(self, transport: asyncio.Transport) -> None:
        super().__init__(asyncio.get_running_loop())
        self.transport = transport
        self._wire = transport
        self._asked: deque[asyncio.Future[SMTPResponse]] = deque()
        self._end: SMTPException | None = None
        transport.set_protocol(self)

    def next(self) -> "asyncio.Future[SMTPResponse]":
        """The reply to what is said next. Fails with an SMTPException if there will be none."""
        asked: asyncio.Future[SMTPResponse] = self._loop.create_future()
        if self._end is not None:
            _fail(asked, self._end)
        else:
            self._asked.append(asked)
        return asked

    def data_received(self, data: bytes) -> None:
        """Whole replies go to those who asked first."""
        self._buffer.extend(data)
        try:
            while (reply := self._read_response_from_buffer()) is not None:
                if not self._asked:
                    raise SMTPResponseException(reply.code, "said unasked")
                asked = self._asked.popleft()
                if not asked.done():
                    asked.set_result(reply)
            if len(self._buffer) > _LONGEST:
                raise SMTPResponseException(-1, "a reply without an end")
        except SMTPException as error:
            self._fail_all(error)
            self._wire.abort()

    def eof_received(self) -> bool:
        """The peer says no more: neither do we."""
        self._fail_all(SMTPServerDisconnected("Unexpected EOF received"))
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection has ended: fail whoever waits for a reply."""
        super().connection_lost(exc)
        error = SMTPServerDisconnected("Connection lost")
        error.__cause__ = exc
        self._fail_all(error)

    def _fail_all(self, error: SMTPException) -> None:
        self._end = self._end or error
        while self._asked:
            asked = self._asked.popleft()
            if not asked.done():
                _fail(asked, self._end)


def _fail(asked: "asyncio.Future[SMTPResponse]", error: SMTPException) -> None:
    asked.set_exception(error)
    asked.exception()  # taken note of: who asked may be gone by now
