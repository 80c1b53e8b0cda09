"""Codes of an authenticator program: RFC 6238 with what every such program assumes (SHA-1, 6 digits, 30 seconds)."""

import base64
import hmac
import secrets
import struct
from datetime import datetime
from typing import Final
from urllib.parse import quote

from keys.tokens import constant_time_equal

DIGITS: Final = 6
_STEP: Final = 30  # seconds
_SECRET_BYTES: Final = 20  # RFC 4226 4, R6: as long as the hash
_DRIFT: Final = 1  # steps of the clock to either side, RFC 6238 5.2


def new_secret() -> bytes:
    """A fresh secret of 160 bits."""
    return secrets.token_bytes(_SECRET_BYTES)


def base32_secret(secret: bytes) -> str:
    """The secret in base32 without padding, to be typed into a program that cannot read the QR code."""
    return base64.b32encode(secret).decode().rstrip("=")


def key_uri(secret: bytes, *, issuer: str, account: str) -> str:
    """The `otpauth://` URI of the QR code, in the key URI format that authenticator programs read."""
    label = f"{quote(issuer.replace(':', ' '), safe='')}:{quote(account, safe='')}"
    return f"otpauth://totp/{label}?secret={base32_secret(secret)}&issuer={quote(issuer.replace(':', ' '), safe='')}"


def code_at(secret: bytes, step: int) -> str:
    """The code of one time step (RFC 4226 5.3)."""
    mac = hmac.digest(secret, struct.pack(">Q", step), "sha1")
    at = mac[-1] & 15
    number = struct.unpack(">I", mac[at : at + 4])[0] & 0x7FFFFFFF
    return f"{number % 10**DIGITS:0{DIGITS}d}"


def step_of(when: datetime) -> int:
    """The number of the time step that a moment lies in."""
    return int(when.timestamp()) // _STEP


def matching_step(secret: bytes, code: str, now: datetime) -> int | None:
    """The newest step around `now` whose code it is; None: of none. The caller sees that no step counts twice."""
    if len(code) != DIGITS:
        return None
    found = None
    for step in range(step_of(now) - _DRIFT, step_of(now) + _DRIFT + 1):
        if constant_time_equal(code_at(secret, step), code):
            found = step
    return found
