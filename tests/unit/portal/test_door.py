"""What is no request at all: answered without an echo, a version, or a header missing."""

import asyncio
import gzip
import re
import socket
from ipaddress import ip_network

import pytest
from aiohttp import web

from portal.site import _watch, make_site
from portal.web.door import Crowd, Runner
from portal.web.patience import IDLE, Patience

SECRET = b"mzxw6ytboi4dqmrtgq3tqojq"


async def answer_to(runner: web.AppRunner, raw: bytes) -> bytes:
    """What the server says to these bytes."""
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    reader, writer = await asyncio.open_connection(*runner.addresses[-1][:2])
    writer.write(raw)
    await writer.drain()
    answer = await asyncio.wait_for(reader.read(), 10)
    writer.close()
    await site.stop()
    return answer


@pytest.mark.parametrize(
    "raw",
    [
        b"GET /b/" + SECRET + b" HTTP/9.9\r\n\r\n",
        b"GET /b/" + SECRET * 500 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        SECRET + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nX: " + SECRET + b"\0\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ],
)
async def test_what_is_no_request_is_not_echoed(portal, raw: bytes, capfd) -> None:
    runner = Runner(make_site(portal.services), access_log=None)
    await runner.setup()
    try:
        answer = await answer_to(runner, raw)
    finally:
        await runner.cleanup()
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b" 400 " in head.splitlines()[0] + b" " and body == b"This is no request that we can read.\n"
    assert b"Content-Security-Policy: default-src 'none'" in head and b"Cache-Control: no-store" in head
    assert b"aiohttp" not in answer.lower() and SECRET[:12] not in answer
    assert SECRET[:12].decode() not in capfd.readouterr().out


@pytest.mark.parametrize("host", [b"secure.example.com", b"elsewhere.example"])
@pytest.mark.parametrize("odd", [SECRET, b"100-continue, " + SECRET, b"\xff" + SECRET])
async def test_what_a_request_expects_is_not_echoed(portal, odd: bytes, host: bytes, capfd) -> None:
    runner = Runner(make_site(portal.services), access_log=None)
    await runner.setup()
    try:
        answer = await answer_to(runner, b"GET / HTTP/1.1\r\nHost: " + host + b"\r\nExpect: " + odd + b"\r\n\r\n")
    finally:
        await runner.cleanup()
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b" 417 " in head.splitlines()[0] and body == b"What the request expects is not done here.\n"
    assert b"Content-Security-Policy: default-src 'none'" in head and b"aiohttp" not in head.lower()
    said = capfd.readouterr()
    assert SECRET not in answer and SECRET.decode() not in said.out + said.err and '"error"' not in said.out


async def test_without_a_host_nobody_is_asked_for_our_own_name(portal, monkeypatch) -> None:
    monkeypatch.setattr(socket, "getfqdn", lambda name="": pytest.fail("a question to DNS, which everybody waits for"))
    runner = Runner(make_site(portal.services), access_log=None)
    await runner.setup()
    try:
        assert b" 404 " in (await answer_to(runner, b"GET / HTTP/1.0\r\n\r\n")).splitlines()[0]
    finally:
        await runner.cleanup()


async def test_a_body_that_comes_packed_is_never_unpacked() -> None:
    packed = gzip.compress(bytes(1_000_000))

    async def tell(request: web.Request) -> web.Response:
        return web.Response(text=f"{len(await request.read())} bytes")

    app = web.Application()
    app.router.add_post("/", tell)
    runner = Runner(app, Crowd(), access_log=None)
    await runner.setup()
    head = f"POST / HTTP/1.1\r\nHost: x\r\nContent-Encoding: gzip\r\nContent-Length: {len(packed)}\r\n"
    try:
        answer = await answer_to(runner, head.encode() + b"Connection: close\r\n\r\n" + packed)
    finally:
        await runner.cleanup()
    assert answer.endswith(f"{len(packed)} bytes".encode())


@pytest.mark.parametrize(
    ("target", "status"),
    [
        (b"http://secure.example.com/robots.txt", b" 200 "),
        (b"https://secure.example.com:443/robots.txt", b" 200 "),
        (b"http://evil.example/robots.txt", b" 404 "),
        (b"https://secure.example.com@evil.example/robots.txt", b" 404 "),
        (b"//evil.example/robots.txt", b" 404 "),
        (b"*", b" 400 "),
        (b"http://[/robots.txt", b" 400 "),
    ],
)
async def test_a_target_with_a_host_has_to_name_ours(portal, target: bytes, status: bytes) -> None:
    runner = Runner(make_site(portal.services), access_log=None)
    await runner.setup()
    try:
        raw = b"GET " + target + b" HTTP/1.1\r\nHost: secure.example.com\r\nConnection: close\r\n\r\n"
        assert status in (await answer_to(runner, raw)).splitlines()[0] + b" "
    finally:
        await runner.cleanup()


class Wire(asyncio.Transport):
    """A connection whose other side takes `left` down, or does not."""

    def __init__(self) -> None:
        super().__init__({"peername": ("192.0.2.1", 4711)})
        self.left, self.closed, self.aborted = 0, False, False

    def get_write_buffer_size(self) -> int:
        return self.left

    def close(self) -> None:
        self.closed = True

    def abort(self) -> None:
        self.aborted = True


async def test_who_takes_nothing_of_what_was_asked_for_is_let_go(portal) -> None:
    runner = Runner(make_site(portal.services), access_log=None)
    await runner.setup()
    wires = done, slow, greedy = Wire(), Wire(), Wire()
    slow.left = greedy.left = 300_000
    lines = []
    for wire in wires:
        lines.append(runner.server())
        lines[-1].connection_made(wire)
    patience = Patience()
    patience.look(lines, 0.0)
    patience.look(lines, IDLE + 1)
    assert done.closed and not done.aborted
    assert not slow.closed and not greedy.closed, "nobody knows yet whether they take it"
    slow.left -= 10_000
    patience.look(lines[1:], IDLE + 6)
    assert not slow.closed and greedy.closed and greedy.aborted, "closing alone waits for them for ever"
    patience.look(lines[1:2], IDLE + 11)
    assert slow.aborted
    for line in lines:
        line.connection_lost(None)
    assert not runner.server.crowd.here
    await runner.cleanup()


def test_of_one_network_so_many_and_in_all_so_many() -> None:
    crowd = Crowd((ip_network("10.0.0.0/8"),), most=6, from_one=2)
    assert [crowd.enter("192.0.2.1") for _ in range(3)] == [True, True, False]
    crowd.leave("192.0.2.1")  # the one that was not let in leaves too
    assert not crowd.enter("192.0.2.1")
    crowd.leave("192.0.2.1")
    crowd.leave("192.0.2.1")
    assert crowd.enter("192.0.2.1")
    assert crowd.enter("2001:db8::1") and crowd.enter("2001:db8::2") and not crowd.enter("2001:db8::3"), "one home"
    crowd.leave("2001:db8::3")
    assert crowd.enter("10.1.1.1") and crowd.enter("10.1.1.1") and not crowd.enter("10.1.1.1"), "six in all"
    crowd.leave("10.1.1.1")
    for peer in ("10.1.1.1", "10.1.1.1", "2001:db8::1", "2001:db8::2", "192.0.2.1", "192.0.2.1"):
        crowd.leave(peer)
    assert not crowd.here and not crowd.all


class FakeConnection:
    """A connection in a crowd; `has_unsent`: not all that was written to it is sent."""

    def __init__(self, has_unsent: bool = False) -> None:
        self.has_unsent, self.is_stalled, self.gone = has_unsent, False, False

    def cut(self) -> None:
        self.gone = True


def test_the_longest_idle_connection_makes_room_for_a_newcomer() -> None:
    crowd = Crowd(most=100, from_one=3)
    first, busy, slow = connections = FakeConnection(), FakeConnection(), FakeConnection(has_unsent=True)
    for connection in connections:
        assert crowd.enter("192.0.2.1")
        crowd.mark_idle(connection, "192.0.2.1")
    crowd.forget(busy)
    elsewhere = FakeConnection()
    assert crowd.enter("192.0.2.2")
    crowd.mark_idle(elsewhere, "192.0.2.2")
    assert crowd.enter("192.0.2.1") and first.gone, "one of the same network goes"
    crowd.leave("192.0.2.1")
    assert not crowd.enter("192.0.2.1"), "a page under way or being sent is not cut off"
    crowd.leave("192.0.2.1")
    assert not (busy.gone or slow.gone or elsewhere.gone)
    slow.has_unsent = False
    assert crowd.enter("192.0.2.1") and slow.gone and not busy.gone
    crowd.leave("192.0.2.1")
    crowd.mark_idle(busy, "192.0.2.1")
    assert crowd.enter("192.0.2.1") and busy.gone and not elsewhere.gone
    for connection in (*connections, elsewhere):
        crowd.forget(connection)
    assert not crowd._idle and not crowd._idle_of


def test_if_none_is_idle_a_stalled_connection_makes_room() -> None:
    crowd = Crowd(most=100, from_one=3)
    first, second, reader = connections = FakeConnection(), FakeConnection(), FakeConnection(has_unsent=True)
    for connection in connections:
        assert crowd.enter("192.0.2.1")
        crowd.mark_busy(connection, "192.0.2.1")
    crowd.mark_idle(reader, "192.0.2.1")
    elsewhere = FakeConnection()
    elsewhere.is_stalled = True
    assert crowd.enter("192.0.2.2")
    crowd.mark_busy(elsewhere, "192.0.2.2")
    assert not crowd.enter("192.0.2.1"), "all of them go on"
    crowd.leave("192.0.2.1")
    second.is_stalled = True
    assert crowd.enter("192.0.2.1") and second.gone and not first.gone
    crowd.leave("192.0.2.1")
    reader.is_stalled = True
    assert crowd.enter("192.0.2.1") and reader.gone and not first.gone and not elsewhere.gone
    for connection in (*connections, elsewhere):
        crowd.forget(connection)
    assert not crowd._idle and not crowd._idle_of and not crowd._busy


async def test_half_a_form_from_everybody_of_a_network_keeps_nobody_else_of_it_out(portal, monkeypatch) -> None:
    monkeypatch.setattr("portal.site.EVERY", 0.01)
    runner = Runner(make_site(portal.services), access_log=None)
    await runner.setup()
    runner.server.crowd.from_one = 3
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    head = (
        b"Host: secure.example.com\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 1000\r\n\r\n"
    )
    lines = []
    for _ in range(3):
        lines.append(await asyncio.open_connection(*runner.addresses[-1][:2]))
        lines[-1][1].write(b"POST / HTTP/1.1\r\n" + head + b"a=")
    watch = asyncio.create_task(_watch(runner))
    async with asyncio.timeout(20):
        while not all(line.is_stalled for line in runner.server.connections) or len(runner.server.connections) < 3:
            await asyncio.sleep(0.01)
        reader, writer = await asyncio.open_connection(*runner.addresses[-1][:2])
        writer.write(b"GET / HTTP/1.1\r\nHost: secure.example.com\r\nConnection: close\r\n\r\n")
        assert b" 200 " in await reader.readline()
        await reader.read()
        writer.close()
        done, rest = await asyncio.wait([asyncio.ensure_future(one.read()) for one, _ in lines], timeout=0.1)
        assert len(done) == 1, "one of them goes, and no more"
        for reading in rest:
            reading.cancel()
    watch.cancel()
    for _reader, writer in lines:
        writer.close()
    await runner.cleanup()


async def test_who_goes_on_sending_or_taking_does_not_stall(portal) -> None:
    runner = Runner(make_site(portal.services), access_log=None)
    await runner.setup()
    wire, line = Wire(), runner.server()
    wire.left = 300_000
    line.connection_made(wire)
    seen = []
    for taken in (0, 10_000, 0, 5_000):
        wire.left -= taken
        line.look()
        seen.append(line.is_stalled)
    assert seen == [False, False, True, False]
    wire.left = 0
    line.look()
    assert not line.is_stalled
    line.connection_lost(None)
    await runner.cleanup()


@pytest.mark.parametrize(
    ("version", "coding", "statuses"),
    [
        (b"1.1", b"chunked", [b"400", b"200"]),  # the form is none of ours, and the next request is answered
        (b"1.1", b"CHUNKED", [b"400", b"200"]),
        (b"1.0", b"chunked", [b"400"]),
        (b"1.1", b"identity, chunked", [b"400"]),
        (b"1.1", b"gzip, chunked", [b"400"]),
    ],
)
async def test_no_server_in_front_of_us_is_parted_from_us_by_chunks(portal, version, coding, statuses) -> None:
    runner = Runner(make_site(portal.services), access_log=None)
    await runner.setup()
    try:
        head = b"POST / HTTP/" + version + b"\r\nHost: secure.example.com\r\nConnection: keep-alive\r\n"
        first = head + b"Transfer-Encoding: " + coding + b"\r\n\r\n0\r\n\r\n"
        second = b"GET / HTTP/1.1\r\nHost: secure.example.com\r\nConnection: close\r\n\r\n"
        assert re.findall(rb"HTTP/1\.[01] (\d{3}) ", await answer_to(runner, first + second)) == statuses
    finally:
        await runner.cleanup()


def test_where_all_are_too_many_whoever_rests_longest_goes_but_who_owes_is_passed_over() -> None:
    crowd = Crowd((ip_network("10.0.0.0/8"),), most=40, from_one=50)
    owing = [FakeConnection(has_unsent=True) for _ in range(39)]
    last = FakeConnection()
    for connection in (*owing, last):
        assert crowd.enter("10.0.0.1")
        crowd.mark_idle(connection, "10.0.0.1")
    heard = []
    for _ in range(3):
        heard.append(crowd.enter("10.0.0.1"))
        crowd.leave("10.0.0.1")
    assert heard == [False, False, True] and last.gone, "a few are looked at for each newcomer, then the next few"
    assert not any(connection.gone for connection in owing)


async def test_of_too_many_connections_the_longest_idle_goes_and_others_go_on(portal) -> None:
    runner = Runner(make_site(portal.services), access_log=None)
    await runner.setup()
    runner.server.crowd.from_one = 2
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    lines = [await asyncio.open_connection(*runner.addresses[-1][:2]) for _ in range(3)]
    async with asyncio.timeout(20):
        assert await lines[0][0].read() == b""
        for reader, writer in lines[1:]:
            writer.write(b"GET / HTTP/1.1\r\nHost: secure.example.com\r\nConnection: close\r\n\r\n")
            assert b" 200 " in await reader.readline()
            await reader.read()
        while runner.server.crowd.all:
            await asyncio.sleep(0.01)
    for _reader, writer in lines:
        writer.close()
    await runner.cleanup()
    assert runner.server is None or not runner.server.crowd.here


async def test_idle_connections_go_once_half_of_those_that_may_be_are_there(portal, monkeypatch) -> None:
    monkeypatch.setattr("portal.site.EVERY", 0.01)
    runner = Runner(make_site(portal.services), access_log=None)
    await runner.setup()
    runner.server.crowd.most = 4
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    lines = [await asyncio.open_connection(*runner.addresses[-1][:2]) for _ in range(3)]
    watch = asyncio.create_task(_watch(runner))
    async with asyncio.timeout(20):
        await asyncio.wait([asyncio.ensure_future(reader.read()) for reader, _ in lines], return_when="FIRST_COMPLETED")
        while runner.server.crowd.all > 2:
            await asyncio.sleep(0.01)
    for _ in range(5):
        await asyncio.sleep(0.02)
    assert runner.server.crowd.all == 2, "nobody else has to go"
    watch.cancel()
    for _reader, writer in lines:
        writer.close()
    await runner.cleanup()
