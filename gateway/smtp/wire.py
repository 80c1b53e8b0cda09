"""The connection beneath a session: lines and chunks in, replies out, TLS in between.

A subclass of aiosmtpd's protocol, run in our own loop. Its way of reading (a future for each line) and of failing (500
and the exception's text) is replaced: input is read in large pieces and lines are taken from what is there, so that
pipelined commands cost no switch of task, and replies leave together once the client waits for them (RFC 2920 3.2).
"""

import asyncio
import ssl
from ipaddress import IPv6Address, ip_address
from typing import Any, ClassVar, Final

from aiosmtpd.smtp import SMTP

from delivery.items import Reply
from gateway.smtp import replies
from gateway.smtp.admission import IpAddress
from gateway.smtp.commands import AUTH_OCTETS, CommandRefused

PIECE: Final = 2**18  # bytes asked for at once
_GOODBYE: Final = 5.0  # seconds for a client to end its side of TLS: the session is counted out by then
_ENDLESS: Final = 2**17  # bytes without a line end after which there is no point in looking for one


class Hangup(Exception):
    """Ends the session; `reply` is said first, if the client can still hear it."""

    def __init__(self, reply: Reply | None = None) -> None:
        super().__init__()
        self.reply = reply


class _NoHooks:
    """The handler that aiosmtpd looks for hooks in: there are none, since we override the commands themselves."""

    def __dir__(self) -> tuple[str, ...]:
        return ()


_NO_HOOKS: Final = _NoHooks()


class Wire(SMTP):  # type: ignore[misc]  # aiosmtpd has no types
    """One connection. Reads raise Hangup when the client is gone or too slow; see the module for what is replaced."""

    transport: asyncio.BaseTransport | None
    line_length_limit = 2**16  # of the stream's buffer: reading pauses at twice this many bytes
    _commands: ClassVar[tuple[str, ...]] = ()

    def __init_subclass__(cls) -> None:
        cls._commands = tuple(name for name in dir(cls) if name.startswith("smtp_"))

    def __dir__(self) -> tuple[str, ...]:
        """Only the commands: to find them, aiosmtpd goes through all attributes three times a connection."""
        return self._commands

    def __init__(self, loop: asyncio.AbstractEventLoop, write_seconds: float) -> None:
        super().__init__(_NO_HOOKS, hostname="-", enable_SMTPUTF8=True, loop=loop)
        self._write_seconds = write_seconds  # for a client to read our replies
        self._ahead = bytearray()  # input read from the stream, and not yet used
        self._out: list[bytes] = []  # replies said, and not yet sent
        self._due = 0.0  # by the loop's clock: when the read under way times out
        self._alarm: asyncio.TimerHandle | None = None
        self.is_idle = False  # waiting for a command
        self.client_address: IpAddress | None = None

    # --- what asyncio calls ---------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client is here. After STARTTLS asyncio does not call this again: `start_tls` sets all that changes."""
        asyncio.StreamReaderProtocol.connection_made(self, transport)
        self.transport = transport
        self.client_address = _address(transport.get_extra_info("peername"))

    def connection_lost(self, error: Exception | None) -> None:
        """The client is gone. The session's task is not cancelled: a message that has arrived whole is still taken."""
        asyncio.StreamReaderProtocol.connection_lost(self, error)
        self.transport = None
        self._stop_alarm()

    def eof_received(self) -> bool:
        """The client will say no more, but may still listen: what it said before is answered."""
        self._reader.feed_eof()
        return not self._over_ssl

    # --- what the session calls -----------------------------------------------------------------------------------

    def say(self, reply: Reply) -> None:
        """Queue a reply; it is sent by `flush`, or when the session next waits for input."""
        self._out.append(replies.line(reply))

    def say_lines(self, code: int, texts: list[str]) -> None:
        """Queue a reply of several lines."""
        self._out.append(replies.lines(code, texts))

    async def flush(self) -> None:
        """Send what was said; Hangup where the client does not read it."""
        if not self._out:
            return
        said = b"".join(self._out)
        self._out.clear()
        if self.transport is None or self.transport.is_closing():
            raise Hangup
        self._writer.write(said)
        if self._writer.transport.get_write_buffer_size() == 0:
            return
        try:
            async with asyncio.timeout(self._write_seconds):
                await self._writer.drain()
        except OSError as cause:  # TimeoutError is one
            self.cut()
            raise Hangup from cause

    async def read_line(self, seconds: float) -> bytes:
        """One line without its CRLF, complete within `seconds`. Raises CommandRefused if it ends with a bare LF, or is
        too long."""
        at = self._ahead.find(b"\n")
        if at < 0:
            at = await self._await_line(seconds)
        line = bytes(self._ahead[:at])
        del self._ahead[: at + 1]
        if not line.endswith(b"\r"):
            raise CommandRefused(replies.BARE_LINE)
        return line[:-1]

    async def read_piece(self, seconds: float) -> bytes:
        """The input there is, else what comes next; Hangup at the end of input or after `seconds`."""
        if self._ahead:
            piece = bytes(self._ahead)
            self._ahead.clear()
            return piece
        return await self._receive(seconds)

    def unread(self, piece: bytes) -> None:
        """Put back input that belongs to the next command."""
        self._ahead[:0] = piece

    def has_input(self) -> bool:
        """Has the client sent something that was not read yet?"""
        return bool(self._ahead or self._reader._buffer)

    def cut(self) -> None:
        """End the connection at once; what is still to be sent is lost."""
        transport: Any = self.transport
        if transport is not None:
            transport.abort()

    def close(self) -> None:
        """End the connection once all is sent, at the latest when the client has not read it in time."""
        transport: Any = self.transport
        if self._over_ssl and transport is not None and transport.is_closing():
            return  # cut, or told to end, by now: asyncio's transport of TLS fails whoever tells it twice
        if transport is not None:
            transport.close()
            if transport.get_write_buffer_size():
                self.loop.call_later(self._write_seconds, transport.abort)

    async def linger(self, seconds: float) -> None:
        """Read on for a moment after the last reply: closing with unread input sends RST, and the reply may be lost."""
        transport: Any = self.transport
        if transport is None or transport.is_closing() or not transport.can_write_eof():
            return
        try:
            transport.write_eof()
            async with asyncio.timeout(seconds):
                while await self._reader.read(PIECE):
                    pass
        except (OSError, Hangup):
            return

    async def start_tls(self, context: ssl.SSLContext, seconds: float) -> None:
        """Say 220 and shake hands. What the client had said before in the clear is dropped (RFC 3207 6)."""
        transport: Any = self.transport
        if transport is None:
            raise Hangup
        transport.pause_reading()
        self._ahead.clear()
        self._reader._buffer.clear()
        self.say(replies.START_TLS)
        await self.flush()
        try:
            secured = await self.loop.start_tls(
                transport,
                self,
                context,
                server_side=True,
                ssl_handshake_timeout=seconds,
                ssl_shutdown_timeout=_GOODBYE,
            )
        except OSError as cause:
            raise Hangup from cause
        if secured is None:  # the connection was lost meanwhile
            raise Hangup
        self.transport = self._transport = secured
        self._reader._transport = self._writer._transport = secured
        self._reader._paused = False
        self._over_ssl = True

    async def _receive(self, seconds: float) -> bytes:
        """Send our replies, then wait for input; Hangup at the end of input or after `seconds`."""
        await self.flush()
        self._due = self.loop.time() + seconds
        if self._alarm is None or self._alarm.when() > self._due:
            self._set_alarm()
        try:
            piece = await self._reader.read(PIECE)
        except OSError as cause:  # ssl.SSLError is one
            raise Hangup from cause
        if not piece:
            raise Hangup
        return bytes(piece)

    def _set_alarm(self) -> None:
        """One timer serves many reads: if a later read has moved the deadline when it rings, it is set again.

        A timer for each read costs more.
        """
        self._stop_alarm()
        self._alarm = self.loop.call_at(self._due, self._ring)

    def _stop_alarm(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None

    def _ring(self) -> None:
        self._alarm = None
        waiter = self._reader._waiter
        if waiter is None or waiter.done():
            return  # nobody waits for input: the next read sets the alarm
        if self._due > self.loop.time():
            self._set_alarm()
        else:
            waiter.set_exception(Hangup(replies.TOO_SLOW))

    async def _await_line(self, seconds: float) -> int:
        """Read until `_ahead` holds a line; where it ends. Of a line that is too long only the last part is kept."""
        deadline = self.loop.time() + seconds
        swallowed = 0
        while (at := self._ahead.find(b"\n")) < 0:
            if len(self._ahead) > AUTH_OCTETS:
                swallowed += len(self._ahead)
                self._ahead.clear()
                if swallowed > _ENDLESS:
                    raise Hangup(replies.TOO_MANY_ERRORS)
            self.is_idle = True
            try:
                self._ahead += await self._receive(deadline - self.loop.time())
            finally:
                self.is_idle = False
            if self._ahead.startswith(b"\x16\x03"):  # a TLS handshake without STARTTLS
                raise Hangup(replies.NOT_SMTP)
        if swallowed:
            del self._ahead[: at + 1]
            raise CommandRefused(replies.LINE_TOO_LONG)
        return at


def _address(peer: Any) -> IpAddress | None:
    """The peer's address; an IPv4-mapped one (through an IPv6 socket) as the IPv4 address that it is."""
    try:
        address = ip_address(str(peer[0]).partition("%")[0])
    except (ValueError, TypeError, IndexError):
        return None
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address
