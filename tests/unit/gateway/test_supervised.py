"""systemd is told when the doors are open and that the loop still turns."""

import asyncio
import socket
from pathlib import Path

from gateway.supervised import Systemd


async def test_ready_stopping_and_signs_of_life(tmp_path: Path, monkeypatch) -> None:
    path = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(path))
        systemd.settimeout(5)
        monkeypatch.setenv("NOTIFY_SOCKET", str(path))
        monkeypatch.setenv("WATCHDOG_USEC", "1000")
        told = Systemd()
        told.ready()
        assert systemd.recv(100) == b"READY=1"
        watching = asyncio.create_task(told.watch())
        first, second = await asyncio.to_thread(lambda: (systemd.recv(100), systemd.recv(100)))
        watching.cancel()
        assert first == second == b"WATCHDOG=1"
        told.stopping()


async def test_without_systemd_nothing_happens(monkeypatch) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    told = Systemd()
    told.ready()
    await told.watch()
