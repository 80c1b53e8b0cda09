"""The endpoint for Prometheus and for whoever asks whether we are well."""

import aiohttp

from gateway.listening import open_sockets
from gateway.telemetry import Metrics, metrics_endpoint

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
        well[0] = False
        async with client.get("/ready") as answer:
            assert answer.status == 503

        def broken() -> dict[str, int]:
            raise OSError("/var/lib/sealgate is gone")

        metrics.watch_queue(broken)
        async with client.get("/metrics") as answer:
            assert answer.status == 503
            assert "sealgate is gone" not in await answer.text()
