"""Messages whose MIME structure, encodings and headers hide a number: `python tests/messages/evasion/make_mime.py`."""

import base64
from collections.abc import Iterator

from corpus import Evasion, write

TEXT = b"Her SSN is 536-22-1234, please file it."
HEAD = b"""\
From: Alice Moore <alice@example.com>
To: bob@example.net
Subject: the form
Date: Mon, 5 Jan 2026 09:30:00 +0100
Message-ID: <1@example.com>
MIME-Version: 1.0
"""


def mail(*lines: bytes) -> bytes:
    """A message with the common headers; lines end in CRLF."""
    return (HEAD + b"\n".join(lines) + b"\n").replace(b"\n", b"\r\n")


def evasions() -> Iterator[Evasion]:
    """All of them."""
    yield Evasion(
        "mime-encodings/base64",
        mail(
            b"Content-Type: text/plain; charset=utf-8",
            b"Content-Transfer-Encoding: base64",
            b"",
            base64.b64encode(TEXT),
        ),
        "a plain base64 body",
        "RFC 2045 6.8",
    )


if __name__ == "__main__":
    write(evasions())
