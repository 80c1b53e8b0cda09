"""Talking to systemd: ready, stopping, and a sign of life for its watchdog (sd_notify(3)). Nothing without it."""

import os
import socket
from contextlib import suppress
from typing import Final

_MICRO: Final = 1_000_000


class Systemd:
    """Sends states to the socket named in NOTIFY_SOCKET. Every method does nothing where there is none."""

    def __init__(self) -> None:
        self._address = os.environ.get("NOTIFY_SOCKET", "")

    def ready(self) -> None:
        """Tell systemd that the doors are open."""
        self._send("READY=1")

    def stopping(self) -> None:
        """Tell systemd that the doors are closing."""
        self._send("STOPPING=1")

    def alive(self) -> None:
        """Give the watchdog a sign of life."""
        if os.environ.get("WATCHDOG_USEC"):
            self._send("WATCHDOG=1")

    async def watch(self) -> None:
        """Show that the event loop turns, twice in each watchdog period; for ever."""
        import asyncio  # not for the parent of several workers, which is to be small and waits without it

        period = int(os.environ.get("WATCHDOG_USEC") or 0) / _MICRO
        if not period or not self._address:
            return
        while True:
            self._send("WATCHDOG=1")
            await asyncio.sleep(period / 2)

    def _send(self, state: str) -> None:
        if not self._address:
            return
        address = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as channel, suppress(OSError):
            channel.sendto(state.encode(), address)
