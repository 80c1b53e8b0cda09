"""The gateway and what it is compared with: each started in a folder of its own, with a sink behind it."""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "tests" / "support"))

# The journeys' own rig, so that bench and tests start the same programs.
from mailhosts import Postfix, wait_for  # noqa: E402 - found only by the path above
from started import Gateway  # noqa: E402 - likewise

TICKS = os.sysconf("SC_CLK_TCK")


def free_port() -> int:
    """A loopback port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def tree(roots: list[int]) -> Iterator[int]:
    """Processes and all below them."""
    todo = list(roots)
    while todo:
        one = todo.pop()
        try:
            for task in Path(f"/proc/{one}/task").iterdir():
                todo += [int(word) for word in (task / "children").read_text().split()]
        except (FileNotFoundError, ProcessLookupError):
            continue
        yield one


def processor_seconds(roots: list[int]) -> float:
    """Time that a tree of processes has had, children that ended included."""
    total = 0
    for one in tree(roots):
        try:
            fields = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        total += sum(int(fields[at]) for at in (11, 12, 13, 14))
    return total / TICKS


def megabytes(roots: list[int]) -> float:
    """PSS of a tree of processes: each page counted once."""
    total = 0
    for one in tree(roots):
        try:
            lines = Path(f"/proc/{one}/smaps_rollup").read_text().splitlines()
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue
        total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return total / 1024


class Peer:
    """One thing under test. `port` takes mail, what comes out of it arrives at the sink; `roots` are its processes."""

    name = ""
    share = 1.0  # of the messages that it gets

    def __init__(self, folder: Path, stack: ExitStack, certificate: tuple[Path, Path]) -> None:
        self.folder, self.stack = folder, stack
        self.port, self.sink_port = free_port(), free_port()
        self.arrivals = folder / "arrivals"
        self.roots: list[int] = []
        self._sink_words = [sys.executable, str(HERE / "load.py"), "sink", str(self.sink_port), *map(str, certificate)]
        self.open_sink()
        self.start()

    def open_sink(self) -> None:
        """Where its mail goes; what arrives is added to what did."""
        with self.arrivals.open("ab") as out:
            self.sink = subprocess.Popen(self._sink_words, stdout=out)
        self.end(self.sink)

    def close_sink(self) -> None:
        """An outage: whoever connects is refused."""
        self.sink.terminate()
        self.sink.wait()

    @classmethod
    def missing(cls) -> str:
        """What this machine lacks for it; empty: nothing."""
        return ""

    def start(self) -> None:
        """Start it, and wait until it greets."""

    def end(self, process: "subprocess.Popen[bytes]") -> int:
        """Have a process end with the run; its id."""
        self.stack.callback(process.wait)
        self.stack.callback(process.terminate)
        return process.pid

    def greets(self, port: int) -> bool:
        """Somebody there says 220."""
        try:
            with socket.create_connection(("127.0.0.1", port), 1) as conn:
                conn.settimeout(5)
                return conn.recv(3) == b"220"
        except OSError:
            return False


class SealgatePeer(Peer):
    """The gateway with the shipped policy and every default; to the sink by required TLS."""

    name = "sealgate"

    def start(self) -> None:
        """As `Peer`."""
        ports = {"smtp": free_port(), "portal": free_port(), "world": self.sink_port}
        self.gateway = Gateway(self.folder / "gateway", ports, more="limits: {sessions_per_client: 500}")
        config = self.gateway.config
        config.write_text(config.read_text().replace("tls: opportunistic", "tls: require"))
        self.gateway.start()
        self.stack.callback(self.gateway.close)
        self.port = self.gateway.smtp
        assert self.gateway._process is not None
        self.roots = [self.gateway._process.pid]

    def honest(self) -> str:
        """Why its figures must not be reported; empty: the proof holds, and mail with a number was kept back."""
        if self.gateway.rows("queue", "audit")[0].get("holds") is not True:
            return "the queue's proof does not hold"
        kept = [row for row in self.gateway.rows("box", "list") if row]
        return "" if kept else "the mail with a social security number in it was not kept: scanning is off"


class PostfixPeer(Peer):
    """Postfix alone: a durable queue and a relay, no rules for content."""

    name = "postfix"

    @classmethod
    def missing(cls) -> str:
        """As `Peer`."""
        if os.getuid():
            return "root"
        return "" if shutil.which("postfix") else "the package postfix"

    def start(self, more: dict[str, str] | None = None, services: str = "") -> None:
        """As `Peer`; with more settings, and more services of its own."""
        main = {
            "relayhost": f"[127.0.0.1]:{self.sink_port}",
            "smtpd_client_connection_count_limit": "0",
            "message_size_limit": "100000000",
            "smtp_tls_security_level": "encrypt",
            "smtp_tls_connection_reuse": "yes",
            **(more or {}),
        }
        postfix = Postfix(self.folder / "postfix", self.port, main=main)
        with (postfix.config / "master.cf").open("a") as master:
            master.write(
                f"tlsproxy unix - - n - 0 tlsproxy\n{services}"
            )  # it keeps TLS connections for the next message
        self.stack.enter_context(postfix)
        pid = self.folder / "postfix" / "queue" / "pid" / "master.pid"
        wait_for(lambda: self.greets(self.port), why="postfix greets")
        self.roots = [int(pid.read_text())]


def settle(peer: Peer, seconds: float = 20.0) -> None:
    """Wait until a peer has nothing more to do: what it put off must not be measured with the next one's load."""
    deadline = time.monotonic() + seconds
    before = processor_seconds(peer.roots)
    while time.monotonic() < deadline:
        time.sleep(0.25)
        now = processor_seconds(peer.roots)
        if now - before < 0.02:
            return
        before = now
