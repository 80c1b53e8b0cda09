"""Where checkpoints go: a file, a syslog server by UDP and TCP, an HTTP receiver."""

import asyncio
import json
from pathlib import Path

import pytest
from aiohttp import web
from pydantic import ValidationError

from delivery.errors import StoreUnavailable
from delivery.trail.places import place_of
from delivery.trail.settings import AuditSettings

LINE = json.dumps({"number": 7, "link": "ab"})


async def test_a_file_is_appended_to(tmp_path: Path) -> None:
    place = place_of(f"file://{tmp_path}/checkpoints")
    await place.send(LINE)
    await place.send(LINE)
    assert (tmp_path / "checkpoints").read_text() == f"{LINE}\n{LINE}\n"


async def test_a_file_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable, match="checkpoints: No such file"):
        await place_of(f"file://{tmp_path}/none/checkpoints").send(LINE)


async def test_syslog_by_udp() -> None:
    got: asyncio.Queue[bytes] = asyncio.Queue()

    class Server(asyncio.DatagramProtocol):
        def datagram_received(self, data: bytes, addr: object) -> None:
            got.put_nowait(data)

    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(Server, local_addr=("127.0.0.1", 0))
    try:
        await place_of(f"syslog://127.0.0.1:{transport.get_extra_info('sockname')[1]}").send(LINE)
        head, body = (await asyncio.wait_for(got.get(), 10)).decode().split(" checkpoint - ")
    finally:
        transport.close()
    assert head.startswith("<109>1 ")
    assert body == LINE


async def test_syslog_by_tcp() -> None:
    got: asyncio.Queue[bytes] = asyncio.Queue()

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        got.put_nowait(await reader.read())
        writer.close()

    async with await asyncio.start_server(take, "127.0.0.1", 0) as server:
        await place_of(f"syslog+tcp://127.0.0.1:{server.sockets[0].getsockname()[1]}").send(LINE)
        size, _, message = (await asyncio.wait_for(got.get(), 10)).partition(b" ")
    assert int(size) == len(message)
    assert message.endswith(LINE.encode())


async def test_syslog_that_is_gone_is_told(unused_tcp_port: int) -> None:
    with pytest.raises(StoreUnavailable, match=r"syslog server 127\.0\.0\.1"):
        await place_of(f"syslog+tcp://127.0.0.1:{unused_tcp_port}").send(LINE)


@pytest.mark.parametrize(("status", "kept"), [(200, True), (204, True), (302, False), (500, False)])
async def test_a_place_by_http_keeps_what_it_answers_with_success(status: int, kept: bool) -> None:
    got = []

    async def take(request: web.Request) -> web.Response:
        got.append(await request.text())
        return web.Response(status=status)

    app = web.Application()
    app.router.add_post("/kept", take)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        place = place_of(f"http://127.0.0.1:{runner.addresses[0][1]}/kept")
        if kept:
            await place.send(LINE)
        else:
            with pytest.raises(StoreUnavailable, match=f"answered {status}"):
                await place.send(LINE)
    finally:
        await runner.cleanup()
    assert got == [LINE]


@pytest.mark.parametrize(
    ("place", "cause"),
    [
        ("http://log.example.com/x", "http goes unprotected"),
        ("file://host/path", "neither a file nor a server"),
        ("file:///var/log/", "neither a file nor a server"),
        ("ftp://host/", "neither a file nor a server"),
        ("syslog://", "neither a file nor a server"),
        ("syslog://host:99999", "is no place for checkpoints"),
    ],
)
def test_other_places_are_refused(place: str, cause: str) -> None:
    with pytest.raises(ValidationError, match=cause):
        AuditSettings(ship=(place,))
