"""A real PostgreSQL for tests, in a folder of its own."""

import contextlib
import os
import pwd
import random
import secrets
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

import psycopg
from mailhosts import wait_for


class Server:
    """A real PostgreSQL in a folder of its own, run by a user that is not root, reached by a Unix socket, or by TCP on
    a port of loopback.
    """

    def __init__(self, binaries: Path, port: int = 0) -> None:
        self.binaries, self.port = binaries, port
        self.folder = Path(tempfile.mkdtemp(prefix="sealgate-pg-"))
        self.data = self.folder / "data"
        self.user: list[str] = []
        if os.geteuid() == 0:
            name = next(one for one in ("postgres", "nobody") if _exists(one))
            entry = pwd.getpwnam(name)
            os.chown(self.folder, entry.pw_uid, entry.pw_gid)
            self.user = ["setpriv", f"--reuid={entry.pw_uid}", f"--regid={entry.pw_gid}", "--clear-groups"]
        self._run("initdb", "-D", str(self.data), "-U", "sealgate", "-A", "trust", "-E", "UTF8", "--locale=C")
        self.start()
        self.template = self.new_database(template="template0")

    def _run(self, program: str, *arguments: str) -> None:
        subprocess.run(
            [*self.user, str(self.binaries / program), *arguments],
            check=True,
            cwd=self.folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            stdin=subprocess.DEVNULL,
        )

    def start(self) -> None:
        options = f"-c unix_socket_directories='{self.folder}' -c fsync=on -c max_connections=60"
        options += f" -c listen_addresses=127.0.0.1 -c port={self.port}" if self.port else " -c listen_addresses=''"
        self._run("pg_ctl", "-D", str(self.data), "-w", "-l", str(self.folder / "log"), "-o", options, "start")

    def stop(self) -> None:
        self._run("pg_ctl", "-D", str(self.data), "-w", "-m", "immediate", "stop")

    # -- faults ---------------------------------------------------------------------------------------------------

    def processes(self) -> list[int]:
        """The server's process ids, the one that started it first."""
        first = int((self.data / "postmaster.pid").read_text().split()[0])
        return [first, *map(int, Path(f"/proc/{first}/task/{first}/children").read_text().split())]

    def kill(self) -> None:
        """kill -9 of all its processes, as if the machine had gone; `start` recovers."""
        processes = self.processes()
        for pid in processes:
            _signal(pid, signal.SIGKILL)
        wait_for(lambda: not any(Path(f"/proc/{pid}").exists() for pid in processes), why="the server is gone")

    def kill_one(self) -> None:
        """kill -9 of one that serves a client: the server ends all others and recovers by itself."""
        victims = [pid for pid in self.processes()[1:] if b"sealgate" in _command(pid)]
        _signal(random.choice(victims), signal.SIGKILL)

    def freeze(self) -> None:
        """It answers nobody any more, and hangs up on nobody."""
        for pid in self.processes():
            _signal(pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """It goes on as if nothing had been."""
        for pid in reversed(self.processes()):
            _signal(pid, signal.SIGCONT)

    def cut(self, share: float = 0.5) -> None:
        """Cut a share of Sealgate's connections, whatever they are in the middle of."""
        ours = f"application_name = 'sealgate' AND random() < {share}"
        self.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {ours}")

    def answers(self) -> bool:
        """Does it take connections?"""
        try:
            self.execute("SELECT 1")
        except psycopg.OperationalError:
            return False
        return True

    def remove(self) -> None:
        with contextlib.suppress(subprocess.CalledProcessError):
            self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def execute(self, statement: str) -> None:
        where = f"host={self.folder} user=sealgate dbname=postgres" + (f" port={self.port}" if self.port else "")
        with psycopg.connect(where, autocommit=True) as conn:
            conn.execute(statement.encode())

    def new_database(self, template: str = "") -> str:
        name = f"t{secrets.token_hex(6)}"
        self.execute(f"CREATE DATABASE {name} TEMPLATE {template or self.template}")
        return name

    def url(self, name: str) -> str:
        if self.port:
            return f"postgresql://sealgate@127.0.0.1:{self.port}/{name}"
        return f"postgresql://sealgate@/{name}?host={self.folder}"


def _command(pid: int) -> bytes:
    """What a process calls itself; empty where it has ended: those that serve a client come and go."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def _signal(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):  # it came and went
        os.kill(pid, number)


def _exists(name: str) -> bool:
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True
