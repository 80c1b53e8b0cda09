"""Who has said nothing yet is counted, has seconds, and stands in nobody's way."""

import asyncio
import socket
import ssl
from contextlib import suppress

import pytest

from portal.site import make_site
from portal.web.door import Runner
from portal.web.porch import Limits, Porch

HELLO = b"GET / HTTP/1.1\r\nHost: secure.example.com\r\nConnection: close\r\n\r\n"


class Entrance:
    """A porch on a port of its own, with TLS, and what it needs to be seen from outside."""

    def __init__(self, portal, authority, limits: Limits) -> None:
        issued = authority.issue("127.0.0.1")
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(issued.certificate, issued.key)
        self.trusts = ssl.create_default_context(cafile=str(authority.path))
        self.runner = Runner(make_site(portal.services), access_log=None)
        self.limits = limits
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.tasks = asyncio.TaskGroup()

    async def __aenter__(self) -> "Entrance":
        await self.runner.setup()
        await self.tasks.__aenter__()
        self.porch = Porch(self.runner, [self.socket], self.context, self.tasks, self.limits)
        self.porch.open()
        return self

    async def __aexit__(self, *failed: object) -> None:
        self.porch.close()
        await self.tasks.__aexit__(None, None, None)
        await self.runner.cleanup()

    @property
    def crowd(self):
        return self.runner.server.crowd

    async def silent(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A connection over which nothing is said, once it was counted."""
        before = self.porch.taken
        opened = await asyncio.open_connection("127.0.0.1", self.port)
        while self.porch.taken == before:
            await asyncio.sleep(0)
        return opened

    async def page(self) -> bytes:
        """The first line of an answer over TLS; nothing where there is none."""
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port, ssl=self.trusts)
        except OSError:
            return b""
        writer.write(HELLO)
        line = await reader.readline()
        await reader.read()
        writer.close()
        return line

    async def emptied(self) -> None:
        while self.crowd.all or self.crowd.here:
            await asyncio.sleep(0.005)


async def test_who_says_nothing_is_counted_and_has_seconds(portal, authority) -> None:
    async with asyncio.timeout(20), Entrance(portal, authority, Limits(seconds=0.05)) as at:
        reader, writer = await at.silent()
        assert await reader.read() == b"", "let go, without a word"
        writer.close()
        await at.emptied()
        at.porch.limits = Limits()
        assert b" 200 " in await at.page()
        await at.emptied()


async def test_of_too_many_that_say_nothing_the_oldest_go_and_readers_come_in(portal, authority) -> None:
    async with asyncio.timeout(20), Entrance(portal, authority, Limits(from_one=3)) as at:
        lines = [await at.silent() for _ in range(7)]
        assert [await line[0].read() for line in lines[:4]] == [b""] * 4
        assert b" 200 " in await at.page(), "for whom one more went"
        assert await lines[4][0].read() == b""
        while at.crowd.all != 2:
            await asyncio.sleep(0.005)
        for _reader, writer in lines:
            writer.close()
        await at.emptied()


@pytest.mark.slow
async def test_so_many_handshakes_in_all(portal, authority) -> None:
    async with asyncio.timeout(20), Entrance(portal, authority, Limits(most=2)) as at:
        lines = [await at.silent() for _ in range(3)]
        assert await lines[0][0].read() == b"" and at.crowd.all == 2
        for _reader, writer in lines:
            writer.close()


@pytest.mark.slow
async def test_finished_connections_that_rest_keep_nobody_out(portal, authority) -> None:
    async with asyncio.timeout(20), Entrance(portal, authority, Limits()) as at:
        at.crowd.from_one = 3
        lines = [await asyncio.open_connection("127.0.0.1", at.port, ssl=at.trusts) for _ in range(3)]
        while len(at.runner.server.connections) < 3:
            await asyncio.sleep(0.005)
        lines[0][1].write(HELLO.replace(b"close", b"keep-alive"))
        assert b" 200 " in await lines[0][0].readline(), "which is the one that something happened on last"
        assert b" 200 " in await at.page()
        with suppress(OSError):
            assert await lines[1][0].read() == b"", "the longest idle one went"
        while at.crowd.all != 2:
            await asyncio.sleep(0.005)
        for _reader, writer in lines:
            writer.close()
        await at.emptied()


@pytest.mark.slow
async def test_a_crowd_is_refused_before_its_handshake(portal, authority) -> None:
    async with asyncio.timeout(20), Entrance(portal, authority, Limits()) as at:
        at.crowd.from_one = 2
        lines = [await at.silent() for _ in range(2)]
        reader, writer = await asyncio.open_connection("127.0.0.1", at.port)
        assert await reader.read() == b""
        writer.close()
        assert at.crowd.all == 2
        lines[0][1].close()
        while at.crowd.all == 2:
            await asyncio.sleep(0.005)
        assert b" 200 " in await at.page()
        lines[1][1].close()


@pytest.mark.slow
@pytest.mark.parametrize("said", [b"", b"\x16\x03\x01\x02\x00\x01", b"GET / HTTP/1.1\r\n\r\n"])
async def test_closing_waits_for_no_handshake(portal, authority, said: bytes) -> None:
    async with asyncio.timeout(20):
        async with Entrance(portal, authority, Limits()) as at:
            reader, writer = await at.silent()
            writer.write(said)
            await writer.drain()
        with suppress(ConnectionResetError):
            await reader.read()
        writer.close()
        assert at.runner.server is None
