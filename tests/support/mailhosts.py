"""Real mail servers for journeys: a Postfix in a folder of its own, and a sink that keeps what arrives."""

import asyncio
import os
import pwd
import shutil
import signal
import ssl
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope


def wait_for(what: Callable[[], Any], *, seconds: float = 120, why: str = "") -> Any:
    """Ask again and again until the answer is true, and give it; fail when it never is."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if answer := what():
            return answer
        time.sleep(0.05)
    raise AssertionError(f"not within {seconds} s: {why or what}")


@dataclass(frozen=True)
class Arrival:
    """One message as the sink got it."""

    sender: str
    recipients: tuple[str, ...]
    raw: bytes
    tls: bool


class Sink:
    """An SMTP server on loopback that keeps what arrives. `replies` maps a recipient's local part to a refusal."""

    def __init__(
        self,
        port: int,
        *,
        context: ssl.SSLContext | None = None,
        replies: dict[str, str] | None = None,
        host: str = "127.0.0.1",
    ):
        self.host, self.port = host, port
        self.arrivals: list[Arrival] = []
        self.replies = replies if replies is not None else {}
        self._context = context
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, daemon=True)

    async def handle_RCPT(
        self, server: SMTP, session: Any, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """250, unless the local part has a reply of its own."""
        reply = self.replies.get(address.partition("@")[0])
        if reply:
            return reply
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server: SMTP, session: Any, envelope: Envelope) -> str:
        """Keep it."""
        raw = envelope.original_content or b""
        self.arrivals.append(Arrival(envelope.mail_from or "", tuple(envelope.rcpt_tos), raw, session.ssl is not None))
        return "250 2.0.0 kept"

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._server = self._loop.run_until_complete(
            self._loop.create_server(
                lambda: SMTP(
                    self, hostname="sink.test", tls_context=self._context, loop=self._loop,
                    data_size_limit=200_000_000, enable_SMTPUTF8=True,
                ),
                self.host,
                self.port,
            )
        )  # fmt: skip
        self._loop.run_forever()

    def __enter__(self) -> "Sink":
        self._thread.start()
        wait_for(lambda: hasattr(self, "_server"), why="the sink starts")
        return self

    def __exit__(self, *_: object) -> None:
        def stop() -> None:
            self._server.close()
            for task in asyncio.all_tasks(self._loop):
                task.cancel()
            self._loop.call_later(0.05, self._loop.stop)

        self._loop.call_soon_threadsafe(stop)
        self._thread.join(10)
        self._loop.close()

    def for_(self, recipient: str) -> list[Arrival]:
        """What came for one recipient."""
        return [arrival for arrival in list(self.arrivals) if recipient in arrival.recipients]

    def wait(self, recipient: str, number: int = 1, seconds: float = 120) -> list[Arrival]:
        """Wait until so many messages came for a recipient."""
        wait_for(lambda: len(self.for_(recipient)) >= number, seconds=seconds, why=f"{number} mail(s) for {recipient}")
        return self.for_(recipient)


class Postfix:
    """A Postfix of our own: own folders, a high port, started as root and stopped at the end."""

    def __init__(self, folder: Path, port: int, *, main: dict[str, str]) -> None:
        self.folder, self.port = folder, port
        self.config = folder / "etc"
        owner = pwd.getpwnam("postfix")
        for name in ("etc", "data", "queue", "mail"):
            (folder / name).mkdir(parents=True)
        folder.chmod(0o755)
        for parent in folder.parents:  # Postfix's own users must be able to reach the folder
            if parent.stat().st_uid == os.getuid() and parent != Path("/"):
                parent.chmod(parent.stat().st_mode | 0o011)
        os.chown(folder / "data", owner.pw_uid, owner.pw_gid)
        os.chown(folder / "mail", owner.pw_uid, owner.pw_gid)
        settings = {
            "compatibility_level": "3.6",
            "queue_directory": str(folder / "queue"),
            "data_directory": str(folder / "data"),
            "maillog_file": str(folder / "data" / "postfix.log"),
            "maillog_file_prefixes": str(folder),
            "myhostname": "mail.example.com",
            "mydestination": "",
            "mynetworks": "127.0.0.0/8",
            "inet_interfaces": "127.0.0.1",
            "inet_protocols": "ipv4",
            "alias_maps": "",
            "alias_database": "",
            "local_recipient_maps": "",
            "smtputf8_enable": "yes",
            "smtp_tls_security_level": "may",
            "minimal_backoff_time": "2s",
            "maximal_backoff_time": "5s",
            "queue_run_delay": "2s",
            **main,
        }
        (self.config / "main.cf").write_text("".join(f"{key} = {value}\n" for key, value in settings.items()))
        stock = Path("/usr/share/postfix/master.cf.dist")
        lines = (
            stock.read_text().splitlines()
            if stock.exists()
            else Path("/etc/postfix/master.cf").read_text().splitlines()
        )
        kept = []
        for line in lines:
            if line.startswith("smtp ") and " inet " in line:
                line = f"127.0.0.1:{port} inet n - n - - smtpd"
            elif line.startswith(("#postlog", "postlog")):
                line = "postlog unix-dgram n - n - 1 postlogd"
            elif line and line[0] not in "# \t":
                fields = line.split()
                if len(fields) > 5 and fields[4] == "y":
                    fields[4] = "n"  # no chroot: the folder holds no copies of libraries
                line = " ".join(fields)
            kept.append(line)
        (self.config / "master.cf").write_text("\n".join(kept) + "\n")

    def command(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run `postfix -c ...`."""
        return subprocess.run(
            ["/usr/sbin/postfix", "-c", str(self.config), *words], capture_output=True, text=True, check=False,
            env={**os.environ, "MAIL_CONFIG": str(self.config)},
        )  # fmt: skip

    def __enter__(self) -> "Postfix":
        started = self.command("start")
        if started.returncode:
            raise AssertionError(f"postfix: {started.stdout}{started.stderr}{self.log()}")
        return self

    def __exit__(self, *_: object) -> None:
        # what `postfix stop` does, but for its sleeping a second at a time
        file = self.folder / "queue" / "pid" / "master.pid"
        if file.exists() and (pid := int(file.read_text())) and Path(f"/proc/{pid}").exists():
            os.kill(pid, signal.SIGTERM)
            wait_for(lambda: not Path(f"/proc/{pid}").exists(), why="postfix stops")

    def log(self) -> str:
        """What Postfix said."""
        path = self.folder / "data" / "postfix.log"
        return path.read_text() if path.exists() else ""

    def delivered(self, user: str) -> list[bytes]:
        """Messages in a Maildir of `virtual_mailbox_base`."""
        new = self.folder / "mail" / user / "new"
        return [path.read_bytes() for path in sorted(new.iterdir())] if new.exists() else []


def has_postfix() -> bool:
    """Whether a real Postfix can be run here: it needs root."""
    return Path("/usr/sbin/postfix").exists() and os.getuid() == 0 and shutil.which("postfix") is not None
