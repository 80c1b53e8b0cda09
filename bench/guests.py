"""Guests of a portal under load: their mailboxes, and browsers that cost little beside what they measure."""

import asyncio
import email
import email.policy
import re
import socket
import time
from collections import defaultdict
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope

PIECE = 2**18  # bytes taken at once
_STATIC = re.compile(r'"(/static/[^"]+\.(?:css|js)[^"]*)"')


class Mailboxes:
    """The guests' mail servers, in this loop: links and codes as they arrive."""

    def __init__(self) -> None:
        self._texts: dict[str, asyncio.Queue[str]] = defaultdict(asyncio.Queue)

    async def handle_DATA(self, _server: SMTP, _session: Any, envelope: Envelope) -> str:
        """Keep the text of a notice."""
        parsed = email.message_from_bytes(envelope.original_content or b"", policy=email.policy.default)
        assert isinstance(parsed, EmailMessage)  # by the policy
        body = parsed.get_body(("plain",))
        for recipient in envelope.rcpt_tos:
            self._texts[recipient.lower()].put_nowait(body.get_content() if body is not None else "")
        return "250 2.0.0 kept"

    async def next(self, guest: str, pattern: str, within: float) -> str:
        """Wait for a mail that says something; what it says."""
        async with asyncio.timeout(within):
            while True:
                found = re.search(pattern, await self._texts[guest].get())
                if found:
                    return found[1]


@dataclass(slots=True)
class Taken:
    """How long answers took, in seconds: to their first byte, and whole."""

    first: list[float] = field(default_factory=list)
    whole: list[float] = field(default_factory=list)


@dataclass(slots=True)
class Figures:
    """Of all guests together. `troubles`: answers that were not as expected."""

    kinds: dict[str, Taken] = field(default_factory=lambda: defaultdict(Taken))
    troubles: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    bytes_taken: int = 0


@dataclass(slots=True)
class Answer:
    """One answer of the portal. `text` is empty where it was only counted."""

    status: int
    headers: dict[str, str]
    text: str


class Browser:
    """One guest's browser: cookies, one connection for pages and one for each download, no cache."""

    def __init__(self, port: int, address: str, figures: Figures) -> None:
        """`address`: the network address that it comes from, as a proxy tells it."""
        self._port = port
        self._address = address
        self._figures = figures
        self._cookies: dict[str, str] = {}
        self._page: socket.socket | None = None
        self._turn = asyncio.Lock()
        self._seen: set[str] = set()

    async def page(self, path: str, kind: str = "page") -> Answer:
        """GET a page, and what it needs to be shown the first time."""
        answer = await self._ask("GET", path, kind)
        for static in sorted(set(_STATIC.findall(answer.text)) - self._seen):
            self._seen.add(static)
            await self._ask("GET", static, "static")
        return answer

    async def send(self, path: str, page: str, kind: str = "form", /, **fields: str) -> Answer:
        """POST a form that stands in a page."""
        found = re.search(r'name="csrf" value="([^"]+)"', page)
        form = "&".join(f"{name}={value}" for name, value in {"csrf": found[1] if found else "", **fields}.items())
        return await self._ask("POST", path, kind, form.encode())

    async def download(self, path: str, size: int, kind: str = "download") -> bool:
        """Take a document at full speed and throw it away. False: it was not whole."""
        taken, loop = self._figures.kinds[kind], asyncio.get_running_loop()
        began, rest, connection = time.perf_counter(), 0, await self._connect()
        piece = bytearray(PIECE)
        try:
            await loop.sock_sendall(connection, self._head("GET", path, b""))
            status, headers, held = await self._answer_head(connection)
            taken.first.append(time.perf_counter() - began)
            length = int(headers.get("content-length", "0"))
            if status != 200 or length != size:
                self._figures.troubles[f"download: {status} of {length} bytes"] += 1
                return False
            rest = length - len(held)
            while rest > 0 and (got := await loop.sock_recv_into(connection, piece)):
                rest -= got
        except OSError as broken:
            self._figures.troubles[f"download: {type(broken).__name__}"] += 1
            return False
        finally:
            connection.close()
        taken.whole.append(time.perf_counter() - began)
        self._figures.bytes_taken += size
        return rest == 0

    def close(self) -> None:
        """Leave."""
        if self._page is not None:
            self._page.close()
            self._page = None

    async def _ask(self, method: str, path: str, kind: str, form: bytes = b"") -> Answer:
        async with self._turn:
            taken, loop = self._figures.kinds[kind], asyncio.get_running_loop()
            began = time.perf_counter()
            if self._page is None:
                self._page = await self._connect()
            try:
                await loop.sock_sendall(self._page, self._head(method, path, form))
                status, headers, held = await self._answer_head(self._page)
                first = time.perf_counter() - began
                body = await self._body(self._page, headers, held)
            except asyncio.CancelledError:
                self.close()  # half an answer is left in it
                raise
            taken.first.append(first)
            taken.whole.append(time.perf_counter() - began)
            if headers.get("connection", "").lower() == "close":
                self.close()
        if status not in (200, 303):
            self._figures.troubles[f"{kind}: {status}"] += 1
        return Answer(status, headers, body.decode("utf-8", "replace") if kind != "static" else "")

    async def _connect(self) -> socket.socket:
        connection = socket.socket()
        connection.setblocking(False)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        await asyncio.get_running_loop().sock_connect(connection, ("127.0.0.1", self._port))
        return connection

    def _head(self, method: str, path: str, form: bytes) -> bytes:
        cookies = "; ".join(f"{name}={value}" for name, value in self._cookies.items())
        lines = [f"{method} {path} HTTP/1.1", f"Host: localhost:{self._port}", f"X-Forwarded-For: {self._address}"]
        lines += [f"Cookie: {cookies}"] if cookies else []
        if method == "POST":
            lines += ["Content-Type: application/x-www-form-urlencoded", f"Content-Length: {len(form)}"]
        return "\r\n".join([*lines, "", ""]).encode() + form

    async def _answer_head(self, connection: socket.socket) -> tuple[int, dict[str, str], bytes]:
        """Status, headers, and what came of the body with them."""
        held, loop = b"", asyncio.get_running_loop()
        while b"\r\n\r\n" not in held:
            got = await loop.sock_recv(connection, PIECE)
            if not got:
                raise ConnectionResetError("the portal closed the connection")
            held += got
        head, _, rest = held.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {}
        for line in lines:
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
            if name.lower() == "set-cookie":
                cookie, _, kept = value.strip().partition(";")[0].partition("=")
                self._cookies[cookie] = kept
        return int(first.split()[1]), headers, rest

    async def _body(self, connection: socket.socket, headers: dict[str, str], held: bytes) -> bytes:
        loop = asyncio.get_running_loop()
        if headers.get("transfer-encoding", "").lower() == "chunked":
            while not held.endswith(b"0\r\n\r\n"):
                held += await loop.sock_recv(connection, PIECE)
            return held
        length = int(headers.get("content-length", "0"))
        pieces, have = [held], len(held)
        while have < length:
            got = await loop.sock_recv(connection, PIECE)
            if not got:
                raise ConnectionResetError("the portal closed the connection")
            pieces.append(got)
            have += len(got)
        return b"".join(pieces)
