"""The next hop: it keeps what arrives, byte by byte as it came, and misbehaves as told.

It outlives every Sealgate that is killed, so what it has seen is the truth about what was sent.
"""

import asyncio
import ssl
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from mailhosts import wait_for

_CLOSED = (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError)


@dataclass(frozen=True)
class Got:
    """One message whose final dot came: `at` is when, by time.monotonic; `raw` as on the wire, dots still stuffed."""

    at: float
    sender: str
    recipients: tuple[str, ...]
    raw: bytes = field(repr=False)
    tls: bool


@dataclass
class Manners:
    """How the peer treats its clients. Each may be changed while it runs."""

    pause: float = 0.0  # before the 250 behind the dot
    recipient: Callable[[str], str] = lambda _address: "250 2.1.5 OK"
    end: Callable[[], str] = lambda: "250 2.0.0 kept"  # behind the dot; "" cuts the connection, having kept it
    starttls: str = "220 2.0.0 go"  # "": not offered
    greeting: str = "220 peer.test ESMTP"
    context: ssl.SSLContext | None = None


class Peer:
    """An SMTP server on loopback in a thread of its own."""

    def __init__(self, port: int, manners: Manners | None = None) -> None:
        self.port = port
        self.manners = manners or Manners()
        self.got: list[Got] = []
        self.in_the_clear: list[str] = []  # MAIL commands that came without TLS
        self.dialogues = 0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._ready = threading.Event()
        self._writers: set[asyncio.StreamWriter] = set()

    # -- what tests ask -------------------------------------------------------------------------------------------

    def arrivals(self) -> dict[str, list[Got]]:
        """What came, by recipient."""
        found: dict[str, list[Got]] = {}
        for one in list(self.got):
            for recipient in one.recipients:
                found.setdefault(recipient, []).append(one)
        return found

    def wait(self, recipient: str, number: int = 1, seconds: float = 60) -> list[Got]:
        """Wait until so many messages came for a recipient."""
        wait_for(lambda: len(self.arrivals().get(recipient, ())) >= number, seconds=seconds, why=recipient)
        return self.arrivals()[recipient]

    def hang_up(self) -> None:
        """Cut every connection: whoever wants to send dials anew."""
        done = threading.Event()

        def cut() -> None:
            for writer in list(self._writers):
                writer.transport.abort()
            done.set()

        self._loop.call_soon_threadsafe(cut)
        assert done.wait(10)

    # -- life -----------------------------------------------------------------------------------------------------

    def __enter__(self) -> "Peer":
        self._thread.start()
        assert self._ready.wait(30)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        self._stop = asyncio.Event()
        server = await asyncio.start_server(self._session, "127.0.0.1", self.port, limit=2**20)
        self._ready.set()
        await self._stop.wait()
        server.close()
        for writer in list(self._writers):
            writer.transport.abort()
        await asyncio.sleep(0.05)

    # -- a session ------------------------------------------------------------------------------------------------

    async def _session(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        self.dialogues += 1
        with suppress(*_CLOSED, asyncio.CancelledError):
            await self._converse(reader, writer)
        self._writers.discard(writer)
        writer.close()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        manners, tls, sender, recipients = self.manners, False, "", []
        writer.write(manners.greeting.encode() + b"\r\n")
        if not manners.greeting.startswith("220"):
            return
        while line := await reader.readline():
            verb = line[:4].upper()
            manners = self.manners
            answer = "250 2.0.0 OK"
            if verb == b"EHLO":
                answer = "250-peer.test\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n"
                answer += "250-STARTTLS\r\n" if manners.context and manners.starttls and not tls else ""
                answer += "250 ENHANCEDSTATUSCODES"
            elif verb == b"STAR":
                writer.write(manners.starttls.encode() + b"\r\n")
                if manners.starttls.startswith("220") and manners.context:
                    await writer.start_tls(manners.context)
                    tls = True
                continue
            elif verb == b"MAIL":
                sender, recipients = _path(line), []
                if not tls:
                    self.in_the_clear.append(sender)
            elif verb == b"RCPT":
                answer = manners.recipient(_path(line))
                if answer.startswith("250"):
                    recipients.append(_path(line))
            elif verb == b"DATA":
                if not recipients:
                    answer = "503 5.5.1 no recipient"
                else:
                    writer.write(b"354 go\r\n")
                    answer = await self._take(reader, sender, tuple(recipients), tls=tls)
                    if not answer:
                        return
            elif verb == b"QUIT":
                writer.write(b"221 2.0.0 bye\r\n")
                return
            writer.write(answer.encode() + b"\r\n")
            await writer.drain()

    async def _take(self, reader: asyncio.StreamReader, sender: str, recipients: tuple[str, ...], *, tls: bool) -> str:
        """The bytes up to CRLF.CRLF, found by no line reading: what else looks like an end stays inside."""
        raw = bytearray(b"\r\n")
        while (end := raw.find(b"\r\n.\r\n", max(0, len(raw) - 2**16 - 8))) < 0:
            piece = await reader.read(2**16)
            if not piece:
                return ""
            raw += piece
        if end + 5 != len(raw):
            reader.feed_data(bytes(raw[end + 5 :]))  # pipelined behind the dot; nothing can have come meanwhile
        answer = self.manners.end()
        if not answer or answer.startswith("2"):
            self.got.append(Got(time.monotonic(), sender, recipients, bytes(raw[2 : end + 2]), tls))
        if self.manners.pause:
            await asyncio.sleep(self.manners.pause)
        return answer


def _path(line: bytes) -> str:
    return line[line.index(b"<") + 1 : line.index(b">")].decode()
