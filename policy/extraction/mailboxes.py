"""The messages of a mailbox."""

import re
from typing import Final

_BETWEEN: Final = re.compile(rb"\n\r?\n(?=From [^\n]{1,200}\n[A-Za-z-]{1,60}:)")
_MOST: Final = 2_000  # the last one holds what is left


def mails_of(data: bytes) -> list[bytes]:
    """The messages of a mailbox (RFC 4155), or the one that the file is."""
    if not data.startswith(b"From "):
        return [data]
    starts = [0, *(match.end() for match in _BETWEEN.finditer(data))]
    if len(starts) > _MOST:
        starts = starts[:_MOST]
    return [data[start:end] for start, end in zip(starts, [*starts[1:], len(data)], strict=True)]
