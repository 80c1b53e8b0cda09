"""A mail server that does as it is told, right or wrong, on loopback."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
import uvloop

from delivery.couriers.courier import Delivery
from delivery.items import Destination, Item, OpenMessage, State
from policy.decision import Route


@pytest.hookimpl(optionalhook=True)
def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Couriers meet both event loops: the transports of uvloop, which serves, are not derived from asyncio's."""
    if item.path.name.startswith("test_courier_"):
        return {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}
    return {"asyncio": asyncio.new_event_loop}


NOW = datetime(2025, 3, 1, 12, tzinfo=UTC)


@dataclass
class Arrived:
    """One message as it came over the wire, dots unstuffed."""

    mail: str
    recipients: list[str]
    raw: bytes
    tls: bool


@dataclass
class Peer:
    """Speaks SMTP from a script. `replies` maps a command (or its verb) to a reply, or to "cut"; a list is used up."""

    extensions: list[str] = field(default_factory=lambda: ["8BITMIME", "SIZE 1000000000", "DSN", "ENHANCEDSTATUSCODES"])
    tls: ssl.SSLContext | None = None
    offer_tls: bool | None = None  # None: as `tls`
    replies: dict[str, Any] = field(default_factory=dict)
    early: tuple[int, str] | None = None  # after so many bytes of content say this, and read no more
    before_reply: Callable[[], Awaitable[None]] | None = None  # between the dot and its reply
    arrived: list[Arrived] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)  # every command of every connection
    clear_lines: list[str] = field(default_factory=list)  # those said without TLS
    connections: int = 0
    open: int = 0
    most_open: int = 0
    port: int = 0
    writers: list[asyncio.StreamWriter] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.open += 1
        self.most_open = max(self.open, self.most_open)
        self.writers.append(writer)
        try:
            await Dialogue(self, reader, writer).run()
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass
        finally:
            self.open -= 1
            self.writers.remove(writer)
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    def hang_up(self) -> None:
        """Close every connection, without a word."""
        for writer in self.writers:
            writer.close()

    def reply_to(self, line: str) -> str | None:
        for key in (line, line.split(" ", maxsplit=1)[0].upper()):
            reply = self.replies.get(key)
            if isinstance(reply, list):
                reply = reply.pop(0) if reply else None
            if reply is not None:
                return str(reply)
        return None


class Dialogue:
    """One connection."""

    def __init__(self, peer: Peer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.peer, self.reader, self.writer = peer, reader, writer
        self.secure = False
        self.mail, self.recipients = "", list[str]()

    async def say(self, reply: str) -> None:
        if reply == "cut":
            raise ConnectionError
        self.writer.write(reply.encode() + b"\r\n")
        await self.writer.drain()

    async def run(self) -> None:
        await self.say(self.peer.reply_to("GREETING") or "220 peer.test ESMTP")
        while line := (await self.reader.readline()).decode().rstrip("\r\n"):
            self.peer.lines.append(line)
            if not self.secure:
                self.peer.clear_lines.append(line)
            verb = line.split(" ")[0].upper()
            reply = self.peer.reply_to(line)
            if verb == "DATA" and reply is None and self.recipients:
                await self.data()
            elif verb == "STARTTLS" and reply is None:
                await self.start_tls()
            else:
                await self.say(reply or self.usual(verb, line))
                if verb == "QUIT":
                    return
                if reply is None or reply.startswith("2"):
                    self.note(verb, line)

    def usual(self, verb: str, line: str) -> str:
        match verb:
            case "EHLO":
                offered = self.peer.offer_tls if self.peer.offer_tls is not None else self.peer.tls is not None
                words = ["peer.test", *self.peer.extensions, *(["STARTTLS"] if offered and not self.secure else [])]
                return "\r\n".join([f"250-{word}" for word in words[:-1]] + [f"250 {words[-1]}"])
            case "QUIT":
                return "221 2.0.0 bye"
            case "DATA":
                return "554 5.5.1 no valid recipients"
            case "HELO" | "MAIL" | "RCPT" | "RSET" | "NOOP":
                return "250 2.0.0 OK"
            case _:
                return "500 5.5.1 What?"

    def note(self, verb: str, line: str) -> None:
        if verb == "MAIL":
            self.mail, self.recipients = line, []
        elif verb == "RCPT":
            self.recipients.append(line)

    async def start_tls(self) -> None:
        await self.say("220 2.0.0 Ready")
        assert self.peer.tls is not None
        await self.writer.start_tls(self.peer.tls)
        self.secure = True

    async def data(self) -> None:
        await self.say("354 go on")
        content = b""
        while not content.endswith(b"\r\n.\r\n") and content != b".\r\n":
            content += await self.reader.readuntil(b"\r\n")
            if self.peer.early is not None and len(content) > self.peer.early[0]:
                await self.say(self.peer.early[1])
                await asyncio.sleep(3600)
        if self.peer.before_reply is not None:
            await self.peer.before_reply()
        reply = self.peer.reply_to("DOT") or "250 2.0.0 queued as 1"
        if reply.startswith("250"):
            lines = content[:-3].split(b"\r\n")
            raw = b"\r\n".join(line[1:] if line.startswith(b".") else line for line in lines)
            self.peer.arrived.append(Arrived(self.mail, list(self.recipients), raw, self.secure))
        await self.say(reply)


@pytest.fixture
def pipelining() -> bool:
    """Do peers offer PIPELINING?"""
    return False


@pytest.fixture
async def start_peer(pipelining: bool) -> AsyncIterator[Callable[..., Awaitable[Peer]]]:
    """Start a peer on a free port of 127.0.0.1; it ends with the test."""
    async with contextlib.AsyncExitStack() as stack:

        async def start(host: str = "127.0.0.1", port: int = 0, **script: Any) -> Peer:
            peer = Peer(**script)
            peer.extensions += ["PIPELINING"] if pipelining else []
            server = await asyncio.start_server(peer.serve, host, port, limit=64 << 20)
            stack.callback(server.close)
            stack.callback(peer.hang_up)
            peer.port = server.sockets[0].getsockname()[1]
            return peer

        yield start
    for task in asyncio.all_tasks() - {asyncio.current_task()}:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


class Lease:
    """A lease that is still ours, or is not. Remembers what the peer had when it was asked."""

    def __init__(self, ours: bool = True) -> None:
        self.ours = ours
        self.asked = 0

    async def confirm(self) -> bool:
        self.asked += 1
        return self.ours


def make_item(recipient: str, **facts: Any) -> Item:
    """An item whose id is its recipient."""
    known: dict[str, Any] = {
        "id": recipient, "message_id": "m1", "namespace": "default", "recipient": recipient,
        "destination": Destination(Route.RELAY), "state": State.LEASED, "attempts": 0, "created_at": NOW,
        "next_at": NOW, "expires_at": NOW, "rule": "", "decision_id": "",
    }  # fmt: skip
    return Item(**{**known, **facts})


def make_delivery(
    *recipients: "str | Item",
    raw: bytes = b"Subject: Hello\r\n\r\nA line\r\n",
    route: Route = Route.RELAY,
    name: str = "",
    inside: bool = False,
    lease: Any = None,
    **message: Any,
) -> Delivery:
    """A delivery of one message to recipients; item ids are the recipients."""
    items = tuple(make_item(each) if isinstance(each, str) else each for each in recipients)
    known: dict[str, Any] = {
        "id": "m1", "namespace": "default", "sender": "alice@example.com", "owner": "alice@example.com", "raw": raw,
        "received_at": NOW,
    }  # fmt: skip
    return Delivery(OpenMessage(**{**known, **message}), items, Destination(route, name, inside), lease or Lease())


@pytest.fixture
def item() -> Callable[..., Item]:
    return make_item


@pytest.fixture
def delivery() -> Callable[..., Delivery]:
    return make_delivery


@pytest.fixture
def lease() -> type[Lease]:
    return Lease
