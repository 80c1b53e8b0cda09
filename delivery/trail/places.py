"""Where checkpoints may go: a file that is only appended to, a syslog server, an HTTP receiver."""

import asyncio
import os
import socket
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Protocol
from urllib.parse import urlsplit

import aiohttp

from delivery.errors import StoreUnavailable

_PATIENCE: Final = 10.0  # seconds
_PRIORITY: Final = 13 * 8 + 5  # RFC 5424 6.2.1: facility log audit, severity notice


class Place(Protocol):
    """A destination of checkpoints."""

    async def send(self, line: str) -> None:
        """Hand over one checkpoint, a line of JSON. Raises StoreUnavailable where it did not arrive."""


@dataclass(frozen=True, slots=True)
class FilePlace:
    """Appends lines, each on disk before it counts as sent."""

    path: Path

    async def send(self, line: str) -> None:
        """As `Place`."""
        await asyncio.to_thread(self._append, line)

    def _append(self, line: str) -> None:
        try:
            descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640)
            try:
                os.write(descriptor, line.encode() + b"\n")
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        except OSError as cause:
            raise StoreUnavailable(f"{self.path.name}: {os.strerror(cause.errno or 0)}") from cause


@dataclass(frozen=True, slots=True)
class SyslogPlace:
    """One message of RFC 5424 each: over UDP (RFC 5426), or over TCP framed by octet counts (RFC 6587 3.4.1)."""

    host: str
    port: int
    tcp: bool

    async def send(self, line: str) -> None:
        """As `Place`."""
        stamp = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        message = f"<{_PRIORITY}>1 {stamp} {socket.gethostname()} sealgate {os.getpid()} checkpoint - {line}".encode()
        try:
            async with asyncio.timeout(_PATIENCE):
                await (self._by_tcp(message) if self.tcp else self._by_udp(message))
        except (OSError, TimeoutError) as cause:
            raise StoreUnavailable(f"the syslog server {self.host}: {type(cause).__name__}") from cause

    async def _by_udp(self, message: bytes) -> None:
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(asyncio.DatagramProtocol, remote_addr=(self.host, self.port))
        transport.sendto(message)
        transport.close()

    async def _by_tcp(self, message: bytes) -> None:
        _, writer = await asyncio.open_connection(self.host, self.port)
        try:
            writer.write(b"%d %s" % (len(message), message))
            await writer.drain()
        finally:
            writer.close()
            await writer.wait_closed()


@dataclass(frozen=True, slots=True)
class WebPlace:
    """A POST of JSON; any answer of 2xx means that it is kept."""

    url: str

    async def send(self, line: str) -> None:
        """As `Place`."""
        try:
            async with (
                aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_PATIENCE)) as session,
                session.post(
                    self.url, data=line, headers={"Content-Type": "application/json"}, allow_redirects=False
                ) as answer,
            ):
                if answer.status // 100 != 2:
                    raise StoreUnavailable(f"{urlsplit(self.url).hostname} answered {answer.status}")
        except (aiohttp.ClientError, OSError, TimeoutError) as cause:
            raise StoreUnavailable(f"{urlsplit(self.url).hostname}: {type(cause).__name__}") from cause


def place_of(text: str) -> Place:
    """The destination that a setting names. Raises ValueError with what is wrong."""
    parts = urlsplit(text)
    if parts.scheme == "file" and not parts.netloc and parts.path.startswith("/") and not parts.path.endswith("/"):
        return FilePlace(Path(parts.path))
    if parts.scheme in ("syslog", "syslog+tcp") and parts.hostname and not parts.path.strip("/"):
        return SyslogPlace(parts.hostname, parts.port or 514, parts.scheme == "syslog+tcp")
    if (parts.scheme == "https" and parts.hostname) or (parts.scheme == "http" and parts.hostname in _HERE):
        return WebPlace(text)
    if parts.scheme == "http":
        raise ValueError("http goes unprotected: only to this machine")
    raise ValueError("it names neither a file nor a server")


_HERE: Final = ("localhost", "127.0.0.1", "::1")
