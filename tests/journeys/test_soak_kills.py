"""Many kills at random moments, and starts in between, with mail of three ways under load: nothing is lost."""

import asyncio
import os
import random
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from mailhosts import wait_for

KILLS = int(os.environ.get("SEALGATE_KILLS", "200"))
SESSIONS = 10
POLICY = """\
version: 1
rules:
  - name: kept
    when: {recipients: "*@box.example"}
    then: safebox
  - name: held
    when: {recipients: "*@hold.example"}
    then: hold
otherwise: relay
"""


async def send(port: int, accepted: set[str]) -> None:
    """Messages to three recipients each, one of them large now and then, until the connection breaks."""
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return
    try:
        await reader.readuntil(b"\r\n")
        writer.write(b"EHLO load.example.com\r\n")
        while not (await reader.readuntil(b"\r\n")).startswith(b"250 "):
            pass
        while True:
            name = f"{random.getrandbits(64):016x}"
            to = [f"m{name}@{domain}" for domain in ("friends.example", "box.example", "hold.example")]
            lines = ["MAIL FROM:<alice@example.com>", *(f"RCPT TO:<{each}>" for each in to), "DATA"]
            writer.write("".join(f"{line}\r\n" for line in lines).encode())
            replies = [await reader.readuntil(b"\r\n") for _ in lines]
            if not replies[-1].startswith(b"354"):
                return
            text = b"A line of text.\r\n" * random.choice((10, 10, 10, 20_000))
            writer.write(b"From: alice@example.com\r\nSubject: load\r\n\r\n" + text + b".\r\n")
            if (await reader.readuntil(b"\r\n")).startswith(b"250"):
                accepted.add(name)
    except (OSError, asyncio.IncompleteReadError):
        return
    finally:
        writer.close()


async def load(gateway, accepted: set[str], seconds: float) -> None:
    """Send for so long, then kill the gateway."""
    clients = [asyncio.create_task(send(gateway.smtp, accepted)) for _ in range(SESSIONS)]
    await asyncio.sleep(seconds)
    gateway.kill()
    await asyncio.gather(*clients)


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_kills_at_random_moments_lose_nothing(make_gateway, free_port, tmp_path: Path) -> None:
    port, arrived, accepted = free_port(), tmp_path / "arrived", set()
    arrived.touch()
    sink = subprocess.Popen([sys.executable, str(Path(__file__).with_name("slowsink.py")), str(port), str(arrived)])
    try:
        gateway = make_gateway(port)
        (gateway.folder / "policy.yaml").write_text(POLICY)
        for number in range(KILLS):
            gateway.start()
            asyncio.run(load(gateway, accepted, random.uniform(0.05, 1.5)))
            if number % 20 == 0:
                gateway.command("queue", "audit")
        gateway.start()
        wait_for(lambda: not _waiting(gateway.folder), seconds=600, why="only held items wait")
        assert accepted <= set(arrived.read_text().split())
        gateway.command("queue", "audit")
        states = _states(gateway.folder)
        for name in accepted:
            assert states[f"m{name}@box.example"] == ["stored"]
            assert states[f"m{name}@hold.example"] == ["held"]
        assert gateway.stop() == 0
        print(f"\n{KILLS} kills, {len(accepted)} messages accepted, none lost")
    finally:
        sink.terminate()
        sink.wait(10)


def _query(folder: Path, query: str) -> list[tuple[str, str]]:
    conn = sqlite3.connect(f"file:{folder / 'data' / 'sealgate.db'}?mode=ro", uri=True)
    try:
        return conn.execute(query).fetchall()
    finally:
        conn.close()


def _waiting(folder: Path) -> list[tuple[str, str]]:
    return _query(folder, "select id, state from items where state in ('due', 'leased')")


def _states(folder: Path) -> dict[str, list[str]]:
    """Of each recipient of mail, the states of its items."""
    found: dict[str, list[str]] = {}
    both = "select recipient, state from items where kind = 'mail' union all "
    for recipient, state in _query(folder, f"{both} select recipient, state from finished_items where kind = 'mail'"):
        found.setdefault(recipient, []).append(state)
    return found
