"""The started program: one Sealgate as a process of its own, in a folder of its own."""

import json
import os
import signal
import smtplib
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path
from typing import Any

from mailhosts import wait_for

from keys.keyring import KeyRing

SHIPPED_POLICY = Path(__file__).parents[2] / "gateway" / "policy.example.yaml"

CONFIG = """\
hostname: gate.example.com
domains: [example.com]
data: data
{database}
keys: file:keyring.json
listeners:
  - {{address: "127.0.0.1:{smtp}", accepts: outbound, clients: [127.0.0.0/8]}}
next_hop: {{host: "127.0.0.1:{world}", tls: opportunistic}}
inside: {{host: "127.0.0.1:{world}", tls: opportunistic}}
policy: policy.yaml
rules: [builtin]
portal: {{address: "127.0.0.1:{portal}", url: "http://localhost:{portal}"}}
notices: {{from: "Example Clinic <secure@example.com>"}}
telemetry: {{log: json, metrics: null}}
{more}
"""


class Gateway:
    """One Sealgate, as a process of its own in a folder of its own."""

    def __init__(self, folder: Path, ports: dict[str, int], *, more: str = "", database: str = "") -> None:
        self.folder, self.smtp, self.portal = folder, ports["smtp"], ports["portal"]
        self.config = folder / "config.yaml"
        self.log = folder / "log"
        folder.mkdir(parents=True, exist_ok=True)
        self.config.write_text(CONFIG.format(**ports, more=more, database=database))
        (folder / "policy.yaml").write_bytes(SHIPPED_POLICY.read_bytes())
        KeyRing.create(folder / "keyring.json")  # as `keys init` does, without a process that takes a second to start
        self._process: subprocess.Popen[bytes] | None = None

    def command(self, *words: str, ok: int = 0) -> str:
        """Run `sealgate ...` with this configuration and give what it printed."""
        done = subprocess.run(
            [sys.executable, "-m", "gateway", *words, "--config", str(self.config)],
            capture_output=True, text=True, check=False, timeout=120,
        )  # fmt: skip
        assert done.returncode == ok, f"sealgate {' '.join(words)}: exit {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout

    def rows(self, *words: str) -> list[dict[str, Any]]:
        """The objects that a command prints with --json."""
        return [json.loads(line) for line in self.command(*words, "--json").splitlines()]

    def start(self) -> None:
        """Start serving, and wait until both doors are open."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(self._serving(), stdout=log, stderr=log, start_new_session=True)
        wait_for(lambda: self._ended() or (_greets(self.smtp) and _open(self.portal)), seconds=180, why=str(self.log))
        assert not self._ended(), f"serve ended: {self.log.read_text()}"

    def _serving(self) -> list[str]:
        """The command that serves."""
        return [sys.executable, "-m", "gateway", "serve", "--config", str(self.config)]

    def refused_to_start(self) -> str:
        """Start where that must fail; what was said on the way out."""
        done = subprocess.run(
            [sys.executable, "-m", "gateway", "serve", "--config", str(self.config)],
            capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
        assert done.returncode in (1, 2), done.stderr
        assert "Traceback" not in done.stderr
        return done.stderr

    def _ended(self) -> bool:
        return self._process is not None and self._process.poll() is not None

    def stop(self) -> int:
        """SIGTERM, as systemd does; the exit code."""
        assert self._process is not None
        self._process.terminate()
        code = self._process.wait(60)
        self._process = None
        return code

    def kill(self) -> None:
        """kill -9 of the whole process group."""
        assert self._process is not None
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(30)
        self._process = None

    def close(self) -> None:
        """End whatever still runs."""
        if self._process is not None and self._process.poll() is None:
            self.kill()

    def send(self, mail: EmailMessage | bytes, sender: str = "alice@example.com", *to: str) -> None:
        """Bring one message to the door."""
        raw = mail if isinstance(mail, bytes) else mail.as_bytes(policy=SMTP)
        with smtplib.SMTP("127.0.0.1", self.smtp, timeout=60) as client:
            client.sendmail(sender, list(to), raw)

    def get(self, path: str) -> tuple[int, str]:
        """One page of the portal, without cookies."""
        try:
            with urllib.request.urlopen(f"http://localhost:{self.portal}{path}", timeout=30) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as refused:
            with refused:
                return refused.code, refused.read().decode()


def _greets(port: int) -> bool:
    """Does a worker answer? The sockets are open before there are any."""
    with socket.socket() as probe:
        probe.settimeout(5)
        try:
            probe.connect(("127.0.0.1", port))
            return probe.recv(3) == b"220"
        except OSError:
            return False


def _open(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0
