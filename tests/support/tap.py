"""A wire that is listened to: what a client says to a server, byte by byte."""

import contextlib
import re
import socket
import threading


class Tap:
    """Passes every connection to `port` on to `to`, and keeps what clients say."""

    def __init__(self, port: int, to: int) -> None:
        self.port = port
        self._to = to
        self._said: list[bytearray] = []
        self._listener = socket.create_server(("127.0.0.1", port))
        self._open: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept, daemon=True)]

    def messages(self) -> list[bytes]:
        """The bytes between DATA and the final dot, dots still stuffed, of every message that was sent."""
        found = []
        for said in list(self._said):
            for part in re.split(rb"\r\n(?i:data)\r\n", bytes(said))[1:]:
                end = (b"\r\n" + part).find(b"\r\n.\r\n")
                if end >= 0:
                    found.append(part[:end])
        return found

    def __enter__(self) -> "Tap":
        self._threads[0].start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for one in self._open:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(10)
        for one in self._open:
            one.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self._to))
                self._open += [client, server]
                said = bytearray()
                self._said.append(said)
                for source, sink, kept in ((client, server, said), (server, client, bytearray())):
                    thread = threading.Thread(target=_pass_on, args=(source, sink, kept), daemon=True)
                    self._threads.append(thread)
                    thread.start()


def _pass_on(source: socket.socket, sink: socket.socket, kept: bytearray) -> None:
    with contextlib.suppress(OSError):
        while piece := source.recv(65536):
            kept += piece
            sink.sendall(piece)
        sink.shutdown(socket.SHUT_WR)
