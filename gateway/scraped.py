"""/metrics, /health and /ready: for Prometheus, and for whoever asks whether we are well.

They often stand open to a whole network. So few connections are held, idle ones make room for who comes, and nobody can
take the descriptors that mail needs by opening more and saying nothing.
"""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Final

import structlog
from aiohttp import web

from gateway.telemetry import Metrics, where
from portal.web.door import Crowd, Runner
from portal.web.porch import Porch

MOST: Final = 64  # connections


@asynccontextmanager
async def metrics_endpoint(
    sockets: Sequence[socket.socket], metrics: Metrics, takes_mail: Callable[[], bool] = lambda: True
) -> AsyncIterator[None]:
    """Serve /metrics, /health (we run) and /ready (`takes_mail`, asked in a thread) on listening sockets."""

    async def show(_request: web.Request) -> web.Response:
        try:
            text = await asyncio.to_thread(metrics.text)
        except Exception as error:  # noqa: BLE001  # the top of a web request
            structlog.get_logger(__name__).error("metrics.failed", error=type(error).__name__, at=where(error))
            return web.Response(status=503, text="not now\n")
        return web.Response(body=text, headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"})

    async def health(_request: web.Request) -> web.Response:
        return web.Response(text="running\n")

    async def ready(_request: web.Request) -> web.Response:
        taking = await asyncio.to_thread(takes_mail)
        return web.Response(status=200 if taking else 503, text="ready\n" if taking else "not ready\n")

    async def name(_request: web.Request, response: web.StreamResponse) -> None:
        response.headers["Server"] = "sealgate"  # aiohttp has named itself and its version by now

    app = web.Application()
    app.on_response_prepare.append(name)
    app.add_routes([web.get("/metrics", show), web.get("/health", health), web.get("/ready", ready)])
    runner = Runner(app, Crowd(most=MOST, from_one=MOST), access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        async with asyncio.TaskGroup() as tasks:
            porch = Porch(runner, sockets, None, tasks)
            porch.open()
            try:
                yield
            finally:
                porch.close()
    finally:
        await runner.cleanup()
