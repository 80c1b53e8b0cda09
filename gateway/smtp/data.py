"""Receives the bytes behind 354: chunks in, the message out. Pure; it never sees a socket.

Only CRLF.CRLF ends a message (RFC 5321 4.1.1.4). A CR or LF that is not part of a CRLF never ends anything: it is
refused, or made a CRLF *before* dots are unstuffed, so that what we pass on holds no second message (CVE-2023-51764).
Chunks are searched whole, never split into lines: lines cost seven times as much.
"""

import re
from enum import StrEnum
from typing import Final

from delivery.lines import has_bare_newline, has_dot_line

END: Final = b"\r\n.\r\n"
_PREFIXES: Final = (b"\r\n.\r", b"\r\n.", b"\r\n", b"\r")
_BARE: Final = re.compile(rb"\r(?!\n)|(?<!\r)\n")
_RECEIVED: Final = re.compile(rb"^received[ \t]*:", re.IGNORECASE | re.MULTILINE)
_RECEIVED_WHOLE: Final = re.compile(rb"^received[ \t]*:[^\r\n]*(?:\r\n[ \t][^\r\n]*)*", re.IGNORECASE | re.MULTILINE)

LONGEST_LINE: Final = 2**20  # octets. RFC 5321 4.5.3.1.6 promises 1000; what is longer is relayed as it came
LARGEST_HEADER: Final = 2**20  # octets
MOST_RECEIVED: Final = 50
_SMALL, _TOGETHER = 2**12, 2**16  # octets: smaller chunks are joined up to so many, an object each costs 40 more
MOST_PASSES: Final = 5  # through this gateway: forwarded mail passes twice, a mail loop without end


class Flaw(StrEnum):
    """Why a message is refused once it has been received to its end."""

    TOO_BIG = "too big"
    BARE_NEWLINE = "bare newline"
    NUL = "NUL"
    LONG_LINE = "long line"
    LARGE_HEADER = "large header"
    LOOPS = "loops"
    NO_ROOM = "no room"  # ours: the memory for it could not be had


class DataReceiver:
    """Collects one message from chunks. After a flaw it still looks for the end, but keeps nothing."""

    def __init__(self, *, max_bytes: int, normalise: bool = False, before: bytes = b"", name: str = "") -> None:
        """`before` (our Received line) is put in front of the message and not counted.

        `name` is our host name, by which Received lines of ours are recognised: many of them are a mail loop.
        """
        self._name = name
        self._max_bytes = max_bytes
        self._normalise = normalise
        self._skip = len(before)
        self._pieces: list[bytes | bytearray] = [before]
        self._carry = b"\r\n"  # the line before the first: a dot right behind 354 is a line of its own
        self._first = True  # nothing was kept yet: the CRLF that `_carry` began with is to be taken off
        self._run = 0  # octets since the last LF
        self.size = 0  # octets of the message so far, dots unstuffed
        self.swallowed = 0  # octets received, whatever became of them
        self.flaw: Flaw | None = None

    @property
    def held(self) -> int:
        """Bytes kept in memory."""
        return self.size if self.flaw is None else 0

    def feed(self, chunk: bytes) -> bytes | None:
        """Take a chunk. Returns None while more must come, else (the message has ended) what stood behind its end."""
        self.swallowed += len(chunk)
        data = self._carry + chunk
        dotted = has_dot_line(data)
        end = data.find(END) if dotted else -1
        if end >= 0:
            self._keep(data[: end + 2], dotted=True)
            return data[end + len(END) :]
        tail = next((prefix for prefix in _PREFIXES if data.endswith(prefix)), b"")
        if not tail and self._normalise and data.endswith(b"\n"):
            tail = b"\n"  # it will become a CRLF, and a dot may stand behind it
        self._carry = tail
        if len(tail) < len(data):
            self._keep(data[: len(data) - len(tail)], dotted=dotted)
        return None

    def message(self) -> bytes:
        """The whole message, once `feed` said it ended; call it once. Sets `flaw` if the header has one."""
        pieces, self._pieces = self._pieces, []
        raw = b"".join(pieces)
        pieces.clear()
        if self.flaw is None:
            self.flaw = _header_flaw(raw, self._skip, self._name)
        return raw

    def spoil(self, flaw: Flaw) -> None:
        """Remember the flaw, and free what was kept: the message will be refused."""
        self.flaw = flaw
        self._pieces.clear()

    def _keep(self, piece: bytes, *, dotted: bool) -> None:
        """Check and keep one piece. `dotted`: a line in it may begin with a dot.

        A piece never begins between CR and LF, nor ends between CR, LF and a dot: `feed` carries those over.
        """
        if self.flaw is not None:
            return
        if has_bare_newline(piece):
            if not self._normalise:
                self.spoil(Flaw.BARE_NEWLINE)
                return
            piece, dotted = _BARE.sub(b"\r\n", piece), True
        if b"\0" in piece:
            self.spoil(Flaw.NUL)
            return
        last = piece.rfind(b"\n")
        if self._run + (len(piece) if last < 0 else piece.find(b"\r\n")) > LONGEST_LINE:
            self.spoil(Flaw.LONG_LINE)
            return
        self._run = self._run + len(piece) if last < 0 else len(piece) - last - 1
        if dotted:
            piece = piece.replace(b"\r\n.", b"\r\n")
        if self._first:
            self._first = False
            piece = piece[2:]
        self.size += len(piece)
        if self.size > self._max_bytes:
            self.spoil(Flaw.TOO_BIG)
            return
        last_piece = self._pieces[-1]
        if isinstance(last_piece, bytearray) and len(last_piece) < _TOGETHER:
            last_piece += piece
        else:
            self._pieces.append(piece if len(piece) >= _SMALL else bytearray(piece))


def _header_flaw(raw: bytes, start: int, name: str) -> Flaw | None:
    """What is wrong with the header section that begins at `start`, if anything."""
    end = start if raw.startswith(b"\r\n", start) else raw.find(b"\r\n\r\n", start, start + LARGEST_HEADER + 4)
    if end < 0:
        if len(raw) - start > LARGEST_HEADER:
            return Flaw.LARGE_HEADER
        end = len(raw)
    lines = len(_RECEIVED.findall(raw, start, end))
    if lines > MOST_RECEIVED or (lines > MOST_PASSES and _passes(raw[start:end], name) > MOST_PASSES):
        return Flaw.LOOPS
    return None


def _passes(header: bytes, name: str) -> int:
    """How many Received lines of ours there are, as `gateway.smtp.received` writes them, even if folded differently."""
    ours = f" by {name} with ".lower().encode()
    return sum(ours in b" ".join(found[0].lower().split()) for found in _RECEIVED_WHOLE.finditer(header))
