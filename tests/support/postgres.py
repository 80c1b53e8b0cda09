"""A real PostgreSQL for tests, in a folder of its own."""

import contextlib
import os
import pwd
import secrets
import shutil
import subprocess
import tempfile
from pathlib import Path

import psycopg


class Server:
    """A real PostgreSQL in a folder of its own, run by a user that is not root, reached by a Unix socket."""

    def __init__(self, binaries: Path) -> None:
        self.binaries = binaries
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
        options = f"-c listen_addresses='' -c unix_socket_directories='{self.folder}' -c fsync=on -c max_connections=60"
        self._run("pg_ctl", "-D", str(self.data), "-w", "-l", str(self.folder / "log"), "-o", options, "start")

    def stop(self) -> None:
        self._run("pg_ctl", "-D", str(self.data), "-w", "-m", "immediate", "stop")

    def remove(self) -> None:
        with contextlib.suppress(subprocess.CalledProcessError):
            self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def execute(self, statement: str) -> None:
        where = f"host={self.folder} user=sealgate dbname=postgres"
        with psycopg.connect(where, autocommit=True) as conn:
            conn.execute(statement.encode())

    def new_database(self, template: str = "") -> str:
        name = f"t{secrets.token_hex(6)}"
        self.execute(f"CREATE DATABASE {name} TEMPLATE {template or self.template}")
        return name

    def url(self, name: str) -> str:
        return f"postgresql://sealgate@/{name}?host={self.folder}"


def _exists(name: str) -> bool:
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True
