"""Mail servers with faults that keep every byte which reached them, and a tap on the loopback device."""

import contextlib
import socket
import ssl
import struct
import threading
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

FAULTS = (
    "no STARTTLS", "STARTTLS refused", "stripped", "expired", "wrong host", "self-signed", "TLS 1.0", "TLS 1.1",
    "garbage", "closed in the handshake", "clear after the handshake",
)  # fmt: skip
LATE = (
    "injected",
    "cut in the content",
    "cut after the dot",
    "half accepted",
    "none",
)  # proven peers, the last one flawless


def server_context(certificate: Any, *, newest: ssl.TLSVersion | None = None) -> ssl.SSLContext:
    """A server's TLS, as old as is wanted."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate.certificate, certificate.key)
    if newest is not None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
            context.maximum_version = newest
        context.set_ciphers("DEFAULT:@SECLEVEL=0")
    return context


@dataclass
class FaultyServer:
    """One SMTP server on 127.0.0.1 with one fault. `heard` is what came over the wire, `read` what it could read."""

    fault: str
    context: ssl.SSLContext
    heard: bytearray = field(default_factory=bytearray)
    read: bytearray = field(default_factory=bytearray)
    under_tls: bytearray = field(default_factory=bytearray)
    connections: int = 0

    def __enter__(self) -> "FaultyServer":
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self._thread.join(10)

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listening.accept()
            except OSError:
                return
            self.connections += 1
            sock.settimeout(20)
            with sock, contextlib.suppress(OSError, EOFError):
                _Talk(self, sock).run()


class _Talk:
    def __init__(self, server: FaultyServer, sock: socket.socket) -> None:
        self.server, self.sock = server, sock
        self.tls: ssl.SSLObject | None = None
        self.buffer = b""

    # -- bytes

    def _raw(self) -> bytes:
        got = self.sock.recv(65536)
        if not got:
            raise EOFError
        self.server.heard += got
        return got

    def _through(self, act: Callable[[], Any]) -> Any:
        """Do something under TLS, giving it the bytes it waits for."""
        while True:
            try:
                done = act()
            except ssl.SSLWantReadError:
                self.sock.sendall(self._outgoing.read())
                self._incoming.write(self._raw())
                continue
            finally:
                with contextlib.suppress(OSError):
                    self.sock.sendall(self._outgoing.read())
            return done

    def line(self) -> str:
        while b"\r\n" not in self.buffer:
            got = self._raw() if self.tls is None else self._read_tls(self.tls)
            self.server.read += got
            self.buffer += got
        line, _, self.buffer = self.buffer.partition(b"\r\n")
        return line.decode("utf-8", "replace")

    def _read_tls(self, tls: ssl.SSLObject) -> bytes:
        got: bytes = self._through(lambda: tls.read(65536))
        if not got:
            raise EOFError
        self.server.under_tls += got
        return got

    def say(self, text: str) -> None:
        wire = text.encode() + b"\r\n"
        tls = self.tls
        if tls is None:
            self.sock.sendall(wire)
        else:
            self._through(lambda: tls.write(wire))

    # -- SMTP

    def run(self) -> None:
        self.say("220 faulty.test ESMTP")
        while True:
            line = self.line()
            verb = line.split(" ")[0].upper()
            if verb == "EHLO":
                offers = ["faulty.test", "8BITMIME", "PIPELINING"]
                offers += [] if self.tls or self.server.fault == "no STARTTLS" else [self._starttls()]
                self.say("\r\n".join([*(f"250-{one}" for one in offers[:-1]), f"250 {offers[-1]}"]))
            elif verb == "STARTTLS":
                self._secure()
            elif verb == "RCPT" and self.server.fault == "half accepted" and "second" in line:
                self.say("550 5.1.1 nobody here")
            elif verb == "DATA":
                self._data()
            elif verb == "QUIT":
                self.say("221 2.0.0 bye")
                return
            else:
                self.say("250 2.0.0 ok")

    def _starttls(self) -> str:
        return "XXXXXXXA" if self.server.fault == "stripped" else "STARTTLS"

    def _secure(self) -> None:
        match self.server.fault:
            case "STARTTLS refused":
                self.say("454 4.7.0 TLS not available")
                return
            case "garbage":
                self.say("220 2.0.0 go on")
                self.sock.sendall(b"250 this is no handshake\r\n" * 20)
                return
            case "closed in the handshake":
                self.say("220 2.0.0 go on")
                self._raw()
                raise EOFError
            case "injected":
                self.say("220 2.0.0 go on\r\n250-faulty.test\r\n250 8BITMIME")
            case _:
                self.say("220 2.0.0 go on")
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = self.server.context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self._through(tls.do_handshake)
        self.tls, self.buffer = tls, b""
        if self.server.fault == "clear after the handshake":
            self.sock.sendall(b"250 speak freely\r\n")

    def _data(self) -> None:
        self.say("354 go on")
        if self.server.fault == "cut in the content":
            self.line()
            raise EOFError
        while self.line() != ".":
            pass
        if self.server.fault == "cut after the dot":
            raise EOFError
        self.say("250 2.0.0 kept")


class LoopbackTap:
    """Every packet that crosses the loopback device, but for some ports. Needs root."""

    def __init__(self, *, but: Callable[[], set[int]]) -> None:
        self._but = but
        self.packets: list[bytes] = []

    @staticmethod
    def is_allowed() -> bool:
        """May we?"""
        try:
            socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3)).close()
        except (AttributeError, OSError):  # another system, no root, or a container without CAP_NET_RAW
            return False
        return True

    def __enter__(self) -> "LoopbackTap":
        self._sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16 << 20)
        self._sock.bind(("lo", 0))
        self._sock.settimeout(0.2)
        self._stop = False
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        time.sleep(0.3)  # what is on its way
        self._stop = True
        self._thread.join(5)
        self._sock.close()

    def _listen(self) -> None:
        while not self._stop:
            with contextlib.suppress(TimeoutError):
                frame = self._sock.recv(1 << 17)
                if frame[12:14] == b"\x08\x00" and frame[23] == 6:  # IPv4, TCP
                    at = 14 + (frame[14] & 15) * 4
                    if not set(struct.unpack("!HH", frame[at : at + 4])) & self._but():
                        self.packets.append(frame)

    def holds(self, what: bytes) -> int:
        """How many packets hold these bytes."""
        return sum(what in packet for packet in list(self.packets))
