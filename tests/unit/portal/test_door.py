"""What is no request at all: answered without an echo, a version, or a header missing."""

import asyncio

import pytest
from aiohttp import web

from portal.site import make_site
from portal.web.door import Runner

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
