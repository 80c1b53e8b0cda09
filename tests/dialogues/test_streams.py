"""Random streams of commands against the real door, and against a second description of what it may answer.

Everything a client says is sent at once: whatever the door makes of it, order and number of its replies, and each
message that it takes, are those of the model. What is sent behind STARTTLS is never obeyed.

Streams have numbers: one that is told is said again by `SEALGATE_STREAMS=4711-4712 pytest -k a_million`.
"""

import asyncio
import itertools
import os
import random
import re
from collections.abc import Sequence
from typing import Any

import pytest
from smtp_model import ANY_NO, Model
from structlog.testing import capture_logs

from gateway.smtp.reception import Patience

SOME = range(3000)
MANY = range(*map(int, os.environ.get("SEALGATE_STREAMS", "0-1000000").split("-")))

ADDRESSES = [
    b"alice@example.com", b"Alice@EXAMPLE.com", b"bob@gmail.com", b"carol@stmary.example", b"mallory@evil.example",
    b"", b"postmaster", b"a%b@example.com",
    b"evil.example!a@example.com", b"@evil.example:a@example.com", b'"a"@example.com',
    b'"a@evil.example"@example.com', b"a@evil.example@example.com", b"a@[127.0.0.1]", b"a@", b"@", b"a@.example.com",
    b"a@example..com", b"a@example.com.", b"a b@example.com", b"a@example.com>", b"<a@example.com", b"a,b@example.com",
]  # fmt: skip
LINES = [
    b"EHLO client.example", b"EHLO client.example", b"ehlo [127.0.0.1]", b"HELO client.example", b"EHLO", b"EHLO a b",
    b"RSET", b"RSET x", b"NOOP", b"NOOP x", b"VRFY", b"VRFY a", b"EXPN a", b"HELP", b"AUTH PLAIN AGEAYg==", b"AUTH",
    b"STARTTLS", b"STARTTLS x", b"BDAT 5 LAST", b"XFORWARD ADDR=1.2.3.4", b"TURN", b"ETRN x", b"", b" ", b".", b"..",
    b"QUIT x", b"DATA", b"DATA", b"DATA x", b"data", b"DATA ", b"Subject: x", b"x" * 600, b"x" * 3000, b"x" * 13_000,
    b"\xff\xfe", b"NO\0OP", b"NO\rOP", b"MAIL", b"RCPT", b"MAIL FROM", b"RCPT TO:", b"MA\xc4\xb1L FROM:<>",
    b"\xc5\xbfTARTTLS", b"R\xc5\xbfET",
]  # fmt: skip
RARE = [b"QUIT", b"GET / HTTP/1.1", b"POST /x", b"CONNECT a:25"]
ENDS = [b"\r\n"] * 12 + [b"\n", b"\r", b"", b"\r\r\n", b"\0\r\n"]
BODIES = [
    b"Subject: a\r\n\r\nb\r\n", b"", b".\r\n", b"..\r\n", b"\r\n..dot\r\n", b"a\r\n.b\r\n", b"a\n.\nb\r\n",
    b"a\r.\rb\r\n",
    b"a\n.\r\nMAIL FROM:<ceo@example.com>\r\n", b"a\r\n.\nQUIT\r\n", b"a\r\n.\rRSET\r\n", b"a\0b\r\n", b"a\r\r\n",
    b"\r\n.\r", b"x" * 5000 + b"\r\n", b"\xff" * 100 + b"\r\n",
]  # fmt: skip
DOTS = [b".\r\n"] * 8 + [b"\r\n.\r\n", b"\n.\n", b".\n", b"\r\n.\r", b""]


def stream(dice: random.Random) -> bytes:
    """What one client says."""
    pieces = []
    if dice.random() < 0.8:
        pieces.append(b"EHLO client.example\r\n")
    for _ in range(dice.randrange(1, 14)):
        kind = dice.random()
        if kind < 0.35:
            pieces.append(_transaction(dice))
        elif kind < 0.97:
            pieces.append(dice.choice(LINES) + dice.choice(ENDS))
        else:
            pieces.append(dice.choice(RARE) + b"\r\n")
    said = b"".join(pieces)
    if dice.random() < 0.1 and said:
        at = dice.randrange(len(said))
        said = said[:at] + bytes([dice.randrange(256)]) + said[at + dice.randrange(3) :]
    return said


def _transaction(dice: random.Random) -> bytes:
    pieces = [b"MAIL FROM:<" + dice.choice([*ADDRESSES, *ADDRESSES[:2] * 12]) + b">"]
    if dice.random() < 0.2:
        pieces[0] += dice.choice([b" SIZE=10", b" BODY=8BITMIME", b" SIZE=x", b" BODY=BINARY", b" SIZE"])
    pieces += [b"RCPT TO:<" + dice.choice([*ADDRESSES, *ADDRESSES[:4] * 5]) + b">" for _ in range(dice.randrange(4))]
    said = b"".join(piece + (b"\r\n" if dice.random() < 0.97 else dice.choice(ENDS)) for piece in pieces)
    return said + b"DATA\r\n" + dice.choice(BODIES) + dice.choice(DOTS) if dice.random() < 0.8 else said


async def _say(port: int, said: bytes) -> list[int]:
    """The codes of all replies, in order."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        await reader.readuntil(b"\r\n")
        writer.write(said)
        writer.write_eof()
        async with asyncio.timeout(30):
            heard = await reader.read(-1)
    except ConnectionError:
        return [-1]
    finally:
        writer.transport.abort()
    lines = heard.split(b"\r\n")
    assert lines.pop() == b"", heard
    assert all(re.fullmatch(rb"[2345]\d\d[ -][\x20-\x7e]*", line) for line in lines), heard
    return [int(line[:3]) for line in lines if line[3:4] == b" "]


async def _compare(stage: Any, said: bytes, **how: bool) -> None:
    stage.taker.taken.clear()
    codes = await _say(stage.door.port, said)
    model = Model(**how).run(said)
    assert model.agrees(codes), _first_difference(codes, model, said)
    taken = [(tuple(str(r.address).encode() for r in envelope.recipients), raw) for envelope, raw in stage.taker.taken]
    assert len(taken) == len(model.taken), (said, taken, model.taken)
    for (to, raw), (wanted_to, body) in zip(taken, model.taken, strict=True):
        assert raw.endswith(body) and raw[: len(raw) - len(body)].count(b"\r\n") <= 4, (said, raw, body)
        assert len(to) <= len(wanted_to), said


def _first_difference(codes: list[int], model: Model, said: bytes) -> str:
    """For people: the line on which they do not agree."""
    pairs = list(itertools.zip_longest(codes, model.codes, model.said))
    heard, wanted, line = next(pair for pair in pairs if pair[0] != pair[1] != ANY_NO)
    return f"heard {heard}, not {wanted}, to {line!r}; all that was said: {said!r}"


SEEN: tuple[int, ...] = (377_966,)  # on which door and model once did not agree
HOW: tuple[dict[str, bool], ...] = ({}, {"inbound": True}, {"tls": True})  # in turn


async def _run(open_door: Any, numbers: Sequence[int]) -> None:
    patience = Patience(command=30.0, stall=30.0, greeting=0.0, room=0.2, linger=0.0)
    for turn, how in enumerate(HOW):
        door = {"accepts": "inbound" if how.get("inbound") else "outbound", "tls": bool(how.get("tls"))}
        async with open_door(patience=patience, **door) as stage:
            for number in numbers:
                if number % len(HOW) != turn:
                    continue
                with capture_logs() as logs:
                    try:
                        await _compare(stage, stream(random.Random(number)), **how)
                    except AssertionError as error:
                        raise AssertionError(f"stream {number}: {error}") from error
                assert not [entry for entry in logs if entry["log_level"] == "error"], number
            assert stage.door.house.crowd.sessions == 0 or await _empty(stage)
            assert stage.door.house.budget.free == stage.door.house.budget.total


async def _empty(stage: Any) -> bool:
    async with asyncio.timeout(10):
        await stage.door.is_empty.wait()
    return True


@pytest.mark.slow
async def test_random_streams_are_answered_as_the_model_says(open_door: Any) -> None:
    await _run(open_door, SOME)
    await _run(open_door, SEEN)


@pytest.mark.soak
@pytest.mark.timeout(7200)
async def test_a_million_random_streams(open_door: Any) -> None:
    await _run(open_door, MANY)
