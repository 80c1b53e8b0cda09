"""Reads, scans and decides a made-up message before the doors open; nothing of it is kept.

Whatever is made on first use (compiled patterns of the standard library, caches, scratch space, a worker's own copies
of memory pages) is then there before the first client waits for it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from ipaddress import IPv4Address
from typing import Final

from gateway.deciding import BatchScanner, decide
from gateway.seams import Rules
from gateway.workers.seats import Seat
from keys.tokens import new_id
from policy.message import Address, Client, Envelope, Message, Recipient

_TOGETHER: Final = 5.0  # seconds
_GLANCE: Final = 0.002  # seconds between looks at the other workers
_PLAIN: Final = b"""\
From: Rehearsal <nobody@rehearsal.invalid>\r
To: nobody@example.invalid, "One, Some" <some@example.invalid>\r
Subject: =?utf-8?q?A_rehears=C3=A4l?= of an ordinary letter\r
Date: Thu, 01 Jan 2026 00:00:00 +0000\r
Message-ID: <rehearsal@example.invalid>\r
MIME-Version: 1.0\r
"""
_TEXT: Final = (
    "Call +1 202 555 0143 on 3/14/2026 about order no. 123-45-6789, room 12: 4111 1111 1111 1112 is no card.\r\n"
)
_LETTER: Final = _PLAIN + b"Content-Type: text/plain; charset=utf-8\r\n\r\n" + _TEXT.encode() * 12
_PAGE: Final = (
    _PLAIN
    + b'Content-Type: multipart/alternative; boundary="b"\r\n\r\n--b\r\nContent-Type: text/plain\r\n'
    + b"Content-Transfer-Encoding: quoted-printable\r\n\r\ncaf=C3=A9 =\r\n\r\n--b\r\nContent-Type: text/html\r\n"
    + b"Content-Transfer-Encoding: base64\r\n\r\n"
    + b"PGh0bWw+PHA+WW91ciA8Yj5udW1iZXI8L2I+IDUzNi0yMi0xMjM0PC9wPjwvaHRtbD4=\r\n--b--\r\n"
)


async def rehearse(rules: Rules, read: Callable[[bytes, Sequence[str]], Awaitable[Message]]) -> None:
    """Do what is done for an outbound message, up to its verdict."""
    envelope = Envelope(
        id=new_id(),
        sender=Address("nobody", "rehearsal.invalid"),
        recipients=(Recipient(Address("nobody", "example.invalid")),),
        client=Client(IPv4Address("127.0.0.1")),
        received_at=datetime.now(UTC),
    )
    scanner = BatchScanner()
    for raw in (_LETTER, _PAGE, _LETTER):
        await decide(rules, envelope, await read(raw, ()), scanner)


async def wait_for_others(seat: Seat, seconds: float = _TOGETHER) -> None:
    """Wait, just before opening the doors, until all workers are ready to open theirs, so that they share the first
    clients.


    At most for some seconds: a worker that is slow, or has to be started again, does not hold up the others.
    """
    seat.prepared()
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            while not seat.all_are_prepared:  # noqa: ASYNC110 - written by other processes
                await asyncio.sleep(_GLANCE)
