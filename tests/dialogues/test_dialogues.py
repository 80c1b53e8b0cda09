"""Plays the scripts of this folder: what a client says and what the door answers, line by line.

# a comment                          the first one says what the script shows
@ rates=sender.recipients:2 room=no  how the door is set up (see conftest.py); @ intake=fail: what takes mail is broken
C: EHLO client.example               the client says this, with CRLF
C: DATA\\r\\nSubject: x\\r\\n            escapes as in Python; a line that has any gets no CRLF of its own
C* 1000 NOOP                         the same line many times, in one go
C+ 1000 x                            the same text many times, no line of it ended
S: 250 2.1.0 *                       the door answers this; * stands for anything; lines of EHLO are 250-…
S? 25                                any one line that begins so
S. 250                               a whole reply of this code, however many lines it has
TLS                                  shake hands
EOF                                  the client says no more, and listens
CLOSED                               the door ends the connection
TAKEN 1                              so many messages have been taken
TO bob@example.net carol@example.net     the last message goes to these
RAW Subject: x\\r\\n\\r\\nbody\\r\\n         the last message, without our Received line
"""

import asyncio
import fnmatch
import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from delivery.items import Reply
from gateway.smtp import replies
from gateway.smtp.settings import RatesSettings

SCRIPTS = sorted(Path(__file__).parent.glob("*.txt"))


def settings_of(line: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for word in shlex.split(line):
        name, _, value = word.partition("=")
        if name == "senders":
            key, _, entries = value.partition(":")
            found.setdefault("senders", {})[key] = tuple(entries.split(","))
        elif name == "rates":  # rates=sender.recipients:2
            who, _, most = value.partition(":")
            scope, _, what = who.partition(".")
            found["rates"] = RatesSettings.model_validate({scope: {what: int(most)}})
        else:
            found[name] = {"yes": True, "no": False}.get(value, int(value) if value.isdigit() else value)
    return found


def wire(text: str) -> bytes:
    raw = text.encode().decode("unicode_escape").encode("latin-1") if "\\" in text else text.encode()
    return raw if "\\" in text else raw + b"\r\n"


class Player:
    """Runs one script against one connection."""

    def __init__(self, stage: Any) -> None:
        self.stage = stage

    async def play(self, lines: list[tuple[int, str]]) -> None:
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.stage.door.port)
        try:
            for number, line in lines:
                try:
                    async with asyncio.timeout(20):
                        await self.step(line)
                except (AssertionError, TimeoutError, ConnectionError) as error:
                    raise AssertionError(f"line {number}: {line}: {type(error).__name__} {error}") from error
        finally:
            self.writer.close()

    async def step(self, line: str) -> None:
        word, _, rest = line.partition(" ")
        match word:
            case "C:":
                self.writer.write(wire(rest))
            case "C*":
                count, _, said = rest.partition(" ")
                self.writer.write(wire(said) * int(count))
            case "C+":
                count, _, said = rest.partition(" ")
                self.writer.write(said.encode() * int(count))
            case "S:":
                heard = await self.hear()
                # [ and ] stand for themselves in scripts
                assert fnmatch.fnmatchcase(heard, re.sub(r"\[", "[[]", rest)), f"heard {heard!r}"
            case "S?":
                heard = await self.hear()
                assert heard.startswith(rest), f"heard {heard!r}"
            case "S.":
                while (heard := await self.hear()).startswith(f"{rest}-"):
                    pass
                assert heard.startswith(f"{rest} "), f"heard {heard!r}"
            case "S*":
                count, _, start = rest.partition(" ")
                for _ in range(int(count)):
                    heard = await self.hear()
                    assert heard.startswith(start), f"heard {heard!r}"
            case "TLS":
                await self.writer.start_tls(self.stage.client_tls(), server_hostname="gate.example.com")
            case "EOF":
                self.writer.write_eof()
            case "CLOSED":
                heard = await self.reader.read()
                assert heard == b"", f"heard {heard!r}"
            case "TAKEN":
                assert len(self.stage.taker.taken) == int(rest)
            case "TO":
                named = [str(one.address) for one in self.stage.taker.taken[-1][0].recipients]
                assert named == rest.split(), named
            case "RAW":
                raw = self.stage.taker.taken[-1][1]
                assert re.sub(rb"\AReceived: .*\r\n\t.*\r\n(\t.*\r\n)+", b"", raw) == wire(rest), raw
            case _:
                raise ValueError(f"no such step: {word}")

    async def hear(self) -> str:
        line = await self.reader.readline()
        assert line.endswith(b"\r\n"), f"heard {line!r}"
        return line[:-2].decode("ascii")


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
async def test_dialogue(script: Path, open_door: Any) -> None:
    """The door answers as the script says."""
    wanted: dict[str, Any] = {}
    steps: list[tuple[int, str]] = []
    for number, line in enumerate(script.read_text().splitlines(), 1):
        if line.startswith("@ "):
            wanted |= settings_of(line[2:])
        elif line and not line.startswith("#"):
            steps.append((number, line))
    assert steps
    intake = wanted.pop("intake", "")
    async with open_door(**wanted) as stage:
        if intake == "fail":
            stage.taker.failure = RuntimeError("secret inside: /var/lib/sealgate body 536-22-1234")
        elif intake == "full":
            stage.taker.failure = OSError(28, "No space left on device")
        await Player(stage).play(steps)


def test_every_refusal_is_shown_in_its_own_words() -> None:
    """What takes time, memory or a crowd to come to is in the tests beside, all else in scripts."""
    shown = "".join(path.read_text() for path in SCRIPTS)
    beside = "".join(path.read_text() for path in sorted(Path(__file__).parent.glob("test_*.py")))
    refusals = {name: reply for name, reply in vars(replies).items() if isinstance(reply, Reply) and reply.code >= 400}
    assert len(refusals) > 50
    missing = [name for name, reply in refusals.items() if f"S: {reply}\n" not in shown and reply.text not in beside]
    assert not missing
