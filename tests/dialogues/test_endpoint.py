"""The endpoint for Prometheus and for whoever asks whether we are well."""

import asyncio

import aiohttp

from gateway.listening import open_sockets
from gateway.scraped import MOST, metrics_endpoint
from gateway.telemetry import Metrics

ANY_PORT = "127.0.0.1:0"


async def test_the_endpoint_shows_them_and_whether_we_are_well() -> None:
    metrics = Metrics()
    well = [True]
    sockets = open_sockets([ANY_PORT])[ANY_PORT]
    async with (
        metrics_endpoint(sockets, metrics, lambda: well[0]),
        aiohttp.ClientSession(f"http://127.0.0.1:{sockets[0].getsockname()[1]}") as client,
    ):
        async with client.get("/metrics") as answer:
            assert answer.status == 200
            assert "sealgate_smtp_sessions" in await answer.text()
        for path, expected in (("/health", 200), ("/ready", 200), ("/other", 404)):
            async with client.get(path) as answer:
                assert answer.status == expected
                assert answer.headers["Server"] == "sealgate", "not what it is made with, and of which version"
        well[0] = False
        async with client.get("/ready") as answer:
            assert answer.status == 503

        def broken() -> dict[str, int]:
            raise OSError("/var/lib/sealgate is gone")

        metrics.watch_queue(broken)
        async with client.get("/metrics") as answer:
            assert answer.status == 503
            assert "sealgate is gone" not in await answer.text()


async def test_silent_connections_keep_nobody_out() -> None:
    sockets = open_sockets([ANY_PORT])[ANY_PORT]
    port = sockets[0].getsockname()[1]
    async with asyncio.timeout(30), metrics_endpoint(sockets, Metrics()):
        lines = [await asyncio.open_connection("127.0.0.1", port) for _ in range(MOST + 3)]
        assert [await reader.read() for reader, _ in lines[:3]] == [b""] * 3, "the oldest went"
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /health HTTP/1.1\r\nHost: gate\r\nConnection: close\r\n\r\n")
        assert (await reader.read()).endswith(b"running\n")
        lines[-1][1].write(b"GET /\0secret HTTP/1.1\r\n\r\n")
        assert b"secret" not in await lines[-1][0].read(), "what is no request is not echoed"
        for _, each in (*lines, (reader, writer)):
            each.close()
