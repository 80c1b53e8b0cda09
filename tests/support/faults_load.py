"""Clients as mail servers are: what got no answer is sent again, what got 250 never is."""

import socket
import threading
import time
from collections.abc import Iterable
from contextlib import closing

from faults_ledger import Ledger

DOMAINS = ("friends.example", "box.example", "hold.example", "never.example", "bounce.example")
LARGE = 200_000  # bytes: past 128 KiB a body lies in a file


def message(name: str, size: int = 1500, text: str = "A line of text.") -> bytes:
    """A mail with so many bytes, its name in the subject."""
    head = (
        f"From: alice@example.com\r\nTo: everybody@friends.example\r\nSubject: {name}\r\nMessage-ID: <{name}@x>\r\n\r\n"
    )
    line = text.encode() + b"\r\n"
    return head.encode() + line * max(1, (size - len(head)) // len(line))


class Refused(Exception):
    """The gateway answered, and not with 250."""

    def __init__(self, reply: bytes) -> None:
        super().__init__(reply.decode("ascii", "replace"))
        self.reply = reply


class Line:
    """One SMTP connection, blocking."""

    def __init__(self, port: int, seconds: float = 60.0) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=seconds)
        self._file = self._socket.makefile("rb")
        try:
            self.expect(b"220")
            self.say(b"EHLO load.example.com")
        except BaseException:
            self.close()
            raise

    def expect(self, code: bytes) -> bytes:
        """One reply that begins so. Raises Refused, and OSError where the connection ends."""
        while True:
            line = self._file.readline()
            if not line.endswith(b"\r\n"):
                raise ConnectionResetError("no answer")
            if line[3:4] != b"-":
                break
        if not line.startswith(code):
            raise Refused(line)
        return line

    def say(self, line: bytes, code: bytes = b"250") -> bytes:
        """A command and its reply."""
        self._socket.sendall(line + b"\r\n")
        return self.expect(code)

    def send(self, sender: str, recipients: Iterable[str], raw: bytes, pause: float = 0.02) -> bytes:
        """One message, in two halves with a moment between; the reply to its dot."""
        self.say(f"MAIL FROM:<{sender}>".encode())
        for recipient in recipients:
            self.say(f"RCPT TO:<{recipient}>".encode())
        self.say(b"DATA", b"354")
        half = len(raw) // 2
        self._socket.sendall(raw[:half])
        time.sleep(pause)
        self._socket.sendall(raw[half:] + b".\r\n")
        return self.expect(b"250")

    def close(self) -> None:
        """Hang up."""
        self._file.close()
        self._socket.close()


def send_once(port: int, ledger: Ledger, name: str, phase: str, domains: Iterable[str], size: int = 1500) -> bool:
    """Send one message, or send it again; False where no answer came. Raises Refused."""
    sent = ledger.begin(name, phase, [f"{name}@{domain}" for domain in domains])
    try:
        line = Line(port)
    except (OSError, Refused):
        return False  # nobody is there: nothing can have been taken
    try:
        with closing(line):
            line.send("alice@example.com", sent.recipients, message(name, size))
    except OSError:
        sent.unheard += 1
        return False
    sent.heard += 1
    return True


class Crowd:
    """Several clients at once, each sending one message after another until told to stop or cut off."""

    def __init__(
        self, port: int, ledger: Ledger, name: str, *, clients: int = 8, large: int = 10, phase: str = ""
    ) -> None:
        """`name` begins the names of all messages, `phase` (or the name) is the line of the table they count in."""
        self._port, self._ledger, self._name, self._large = port, ledger, name, large
        self._phase = phase or name
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._send, args=(number,)) for number in range(clients)]
        self.refused: list[bytes] = []

    def __enter__(self) -> "Crowd":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(60)

    def _send(self, client: int) -> None:
        """Every `large`-th message is large; recipients take turns, so that each end is met."""
        count = 0
        while not self._stop.is_set():
            count += 1
            name = f"{self._name}-{client}-{count}".replace(" ", "").lower()
            size = LARGE if count % self._large == 0 else 1500
            domains = DOMAINS if count % 4 == 0 else (DOMAINS[0],)
            try:
                if not send_once(self._port, self._ledger, name, self._phase, domains, size):
                    return
            except Refused as refused:
                self.refused.append(refused.reply)
                time.sleep(0.05)
