"""The exchange of AUTH PLAIN (RFC 4616) and AUTH LOGIN: ends with a name and a password, unchecked."""

import binascii
from base64 import b64decode
from collections.abc import Awaitable, Callable
from typing import Final

from gateway.smtp import replies
from gateway.smtp.commands import CommandRefused, upper

MECHANISMS: Final = ("PLAIN", "LOGIN")

Ask = Callable[[str], Awaitable[bytes]]  # a challenge in base64; the client's line comes back


async def exchange(argument: str, ask: Ask) -> tuple[str, str]:
    """Name and password from AUTH's argument and, where it has too little, from challenges; raises CommandRefused."""
    mechanism, _, initial = argument.partition(" ")
    given = [] if not initial else [b"" if initial.strip() == "=" else initial.strip().encode()]  # RFC 4954 4: `=`

    async def answer(challenge: str) -> str:
        return _decode(given.pop() if given else await _line(ask, challenge))

    match upper(mechanism):
        case "PLAIN":
            parts = (await answer("")).split("\0")
            if len(parts) != 3 or not parts[1] or not parts[2]:
                raise CommandRefused(replies.AUTH_BROKEN)
            if parts[0] and parts[0] != parts[1]:
                raise CommandRefused(replies.AUTH_WRONG)  # to act for somebody else is not offered
            return parts[1], parts[2]
        case "LOGIN":
            return await answer("VXNlcm5hbWU6"), await answer("UGFzc3dvcmQ6")
        case _:
            raise CommandRefused(replies.AUTH_UNKNOWN)


async def _line(ask: Ask, challenge: str) -> bytes:
    """The client's answer; one without an end is too long for an exchange, not for a command (RFC 4954 4)."""
    try:
        return await ask(challenge)
    except CommandRefused as refused:
        if refused.reply is replies.LINE_TOO_LONG:
            raise CommandRefused(replies.AUTH_TOO_LONG) from refused
        raise


def _decode(line: bytes) -> str:
    if line.strip() == b"*":
        raise CommandRefused(replies.AUTH_CANCELLED)
    try:
        return b64decode(line.strip(), validate=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError) as cause:
        raise CommandRefused(replies.AUTH_BROKEN) from cause
