"""A load of SMTP messages, and a sink that counts each arrival once. Two small programs for `gateway.py`.

Use: load.py PORT SESSIONS MESSAGES BYTES PREFIX own|same   sends; prints one JSON line: seconds, accepted, p50, p99
     load.py sink PORT CERTIFICATE KEY                       takes mail, by TLS where asked; prints `TIME ID` for each

A large message has a file attached: with `own` another one for each, with `same` one file for all of them.
"""

import asyncio
import base64
import json
import random
import ssl
import sys
import time

import uvloop
from texts import prose

OWN = 57  # bytes: a line of base64


def body(size: int) -> tuple[bytes, bytes]:
    """A mail's text up to 4 KiB; larger ones get the rest as a base64 text attachment.

    Two pieces: between them an attachment has room for a line of its own.
    """
    rng = random.Random(size)
    if size <= 4096:
        return b"Content-Type: text/plain; charset=utf-8\r\n\r\n" + prose(rng, size - 300).encode(), b""
    attachment = base64.encodebytes(prose(rng, size * 73 // 100).encode()).replace(b"\n", b"\r\n")
    return (
        b'MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary="b1"\r\n\r\n--b1\r\n'
        b"Content-Type: text/plain\r\n\r\n" + prose(rng, 700).encode() + b"--b1\r\n"
        b'Content-Type: text/plain; name="log.txt"\r\nContent-Transfer-Encoding: base64\r\n'
        b'Content-Disposition: attachment; filename="log.txt"\r\n\r\n'
    ), attachment + b"--b1--\r\n"


def own_line(name: str) -> bytes:
    """A line of base64 with which no other attachment begins."""
    return base64.b64encode(name.ljust(OWN - 2).encode() + b"\r\n") + b"\r\n"


async def reply(reader: asyncio.StreamReader) -> bytes:
    """One reply, its last line."""
    while (line := await reader.readuntil(b"\r\n"))[3:4] == b"-":
        pass
    return line


async def session(port: int, names: list[str], content: tuple[bytes, bytes], own: bool, took: list[float]) -> None:
    """One client: a connection kept for all its messages."""
    first, rest = content
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 20)
    await reply(reader)
    writer.write(b"EHLO bench.example.com\r\n")
    await reply(reader)
    while names:
        name = names.pop()
        began = time.perf_counter()
        writer.write(b"MAIL FROM:<alice@example.com>\r\nRCPT TO:<%s@friends.example>\r\nDATA\r\n" % name.encode())
        for _ in range(3):
            answer = await reply(reader)
        if not answer.startswith(b"354"):
            raise SystemExit(f"refused: {answer!r}")
        head = f"From: alice@example.com\r\nTo: {name}@friends.example\r\nSubject: Bench {name}\r\n".encode()
        writer.write(head + first + (own_line(name) if own and rest else b"") + rest + b".\r\n")
        await writer.drain()
        answer = await reply(reader)
        if not answer.startswith(b"250"):
            raise SystemExit(f"refused: {answer!r}")
        took.append(time.perf_counter() - began)
    writer.write(b"QUIT\r\n")
    writer.close()


async def load(port: int, sessions: int, messages: int, size: int, prefix: str, *, own: bool) -> None:
    """Send them all; print what it took."""
    names = [f"{prefix}{number:06}" for number in range(messages)]
    random.shuffle(names)
    took: list[float] = []
    content = body(size)
    began = time.time()
    await asyncio.gather(*(session(port, names, content, own, took) for _ in range(sessions)))
    ended = time.time()
    took.sort()
    print(
        json.dumps(
            {
                "began": began, "seconds": ended - began, "accepted": len(took),
                "p50": took[len(took) // 2], "p99": took[int(len(took) * 0.99)],
            }
        ),
        flush=True,
    )  # fmt: skip


class Taker(asyncio.Protocol):
    """A sink's session: reads chunks, answers at once."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self.context, self.secured = context, False
        self.buffer, self.in_data, self.tail = b"", False, b""
        self.recipients: list[str] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Greet."""
        self.transport: asyncio.Transport = transport  # type: ignore[assignment]  # uvloop's is none of asyncio's
        transport.write(b"220 sink ESMTP\r\n")

    def data_received(self, data: bytes) -> None:
        """Commands or text."""
        self.buffer += data
        while True:
            if self.in_data:
                joined = self.tail + self.buffer
                end = joined.find(b"\r\n.\r\n")
                if end < 0:
                    self.tail, self.buffer = joined[-4:], b""
                    return
                self.buffer, self.in_data = joined[end + 5 :], False
                now = time.time()
                sys.stdout.write("".join(f"{now} {name}\n" for name in self.recipients))
                sys.stdout.flush()
                self.recipients = []
                self.transport.write(b"250 2.0.0 kept\r\n")
            line, newline, rest = self.buffer.partition(b"\r\n")
            if not newline:
                return
            self.buffer = rest
            self.command(line)

    def command(self, line: bytes) -> None:
        """Just enough SMTP."""
        verb = line[:4].upper()
        if verb in (b"EHLO", b"HELO"):
            offered = b"" if self.secured else b"250-STARTTLS\r\n"
            self.transport.write(
                b"250-sink\r\n250-PIPELINING\r\n250-8BITMIME\r\n" + offered + b"250 SIZE 200000000\r\n"
            )
        elif verb == b"STAR":
            self.transport.pause_reading()  # what comes now is TLS, and not for us
            self.transport.write(b"220 2.0.0 go\r\n")
            self.securing = asyncio.create_task(self.secure())
        elif verb == b"RCPT":
            self.recipients.append(line[line.index(b"<") + 1 : line.index(b"@")].decode())
            self.transport.write(b"250 2.1.5 OK\r\n")
        elif verb == b"DATA":
            self.in_data, self.tail = True, b"\r\n"
            self.transport.write(b"354 go\r\n")
        elif verb == b"QUIT":
            self.transport.write(b"221 bye\r\n")
            self.transport.close()
        else:
            self.transport.write(b"250 2.0.0 OK\r\n")

    async def secure(self) -> None:
        """STARTTLS."""
        loop = asyncio.get_running_loop()
        try:
            upgraded = await loop.start_tls(self.transport, self, self.context, server_side=True)
        except (OSError, ssl.SSLError):
            return
        assert upgraded is not None
        self.transport, self.secured = upgraded, True


async def sink(port: int, certificate: str, key: str) -> None:
    """Take mail until ended."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    server = await asyncio.get_running_loop().create_server(lambda: Taker(context), "127.0.0.1", port, backlog=500)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    if sys.argv[1] == "sink":
        uvloop.run(sink(int(sys.argv[2]), sys.argv[3], sys.argv[4]))
    else:
        port, sessions, messages, size = (int(word) for word in sys.argv[1:5])
        uvloop.run(load(port, sessions, messages, size, sys.argv[5], own=sys.argv[6] == "own"))
