"""Writing the corpus: what the `make_*.py` scripts share."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).parent
SSN = "536-22-1234"
TEXT = b"Her SSN is 536-22-1234, please file it."
HEAD = b"""\
From: Alice Moore <alice@example.com>
To: bob@example.net
Subject: the form
Date: Mon, 5 Jan 2026 09:30:00 +0100
Message-ID: <1@example.com>
MIME-Version: 1.0
"""


def mail(*lines: bytes, head: bytes = HEAD) -> bytes:
    """A message with the common headers; lines end in CRLF."""
    return (head + b"\n".join(lines) + b"\n").replace(b"\n", b"\r\n")


def multipart(parameters: bytes, *lines: bytes) -> bytes:
    """A multipart message: `lines` are its body, delimiters and all."""
    return mail(b"Content-Type: multipart/" + parameters, b"", *lines)


@dataclass(frozen=True, slots=True)
class Evasion:
    """One message. `found` maps a detector to the least count of values, or `encrypted`/`unreadable` to that of files.

    `value` is what a person sees of it in the programs (compared without regard to white space at line ends,
    to characters that are not displayed, and to the width and script of digits and dashes).
    """

    name: str  # FAMILY/NAME
    raw: bytes = field(repr=False)
    why: str
    at: str
    found: dict[str, int] = field(default_factory=lambda: {"us.ssn": 1})
    value: str = SSN


def write(evasions: Iterable[Evasion]) -> None:
    """Write each message and what is expected of it; what programs were seen to show is kept for an unchanged one."""
    for evasion in evasions:
        path = HERE / f"{evasion.name}.eml"
        facts = path.with_suffix(".json")
        path.parent.mkdir(exist_ok=True)
        same = path.exists() and path.read_bytes() == evasion.raw and facts.exists()
        shown_by = json.loads(facts.read_text())["shown_by"] if same else []
        path.write_bytes(evasion.raw)
        facts.write_text(json.dumps(expected(evasion) | {"shown_by": shown_by}, indent=2, ensure_ascii=False) + "\n")


def expected(evasion: Evasion) -> dict[str, object]:
    """What stands beside the message, but for what `check_with_programs.py` adds."""
    return {"why": evasion.why, "at": evasion.at, "value": evasion.value, "found": evasion.found}
