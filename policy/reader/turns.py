"""Work on many megabytes, some of them at a time.

While one call of C looks at bytes, no other thread has its turn, the event loop among them: a megabyte takes about a
millisecond. So long ones are looked at in pieces; what comes out is what one call would give.
"""

import binascii
import codecs
import re
from collections.abc import Iterable, Iterator
from typing import Final, Generic, TypeVar

from rules.content import in_short

Said = TypeVar("Said", str, bytes)

_SOME: Final = 2 << 20  # bytes, or characters
_SEARCHED: Final = 1 << 17  # an expression of Python's is slower than other looks
_STRIDE: Final = 1 << 16
_LEAPS: Final = 8
_WIDEST: Final = 4096
# Codecs that decode a text piece by piece exactly as they do the whole.
_STEADY: Final = frozenset({"utf-8", "ascii", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"})
_ONE_BYTE: Final = ("cp125", "iso8859", "iso-8859", "latin", "koi8", "mac", "cp437", "cp85", "cp86")


class Once(Generic[Said]):
    """Texts in their order, each once; not one of megabytes is looked at whole but beside one that looks like it."""

    def __init__(self, first: Iterable[Said] = ()) -> None:
        self._known: dict[object, list[Said]] = {}
        self._kept: list[Said] = []
        self.update(first)

    def add(self, said: Said) -> None:
        """Take one."""
        alike = self._known.setdefault(in_short(said), [])
        if said not in alike:
            alike.append(said)
            self._kept.append(said)

    def update(self, more: Iterable[Said]) -> None:
        """Take several."""
        for said in more:
            self.add(said)

    def all(self) -> tuple[Said, ...]:
        """Those taken so far."""
        return tuple(self._kept)


def holds(text: Said, needle: Said) -> bool:
    """`needle in text`, some megabytes at a time."""
    return find(text, needle) >= 0


def find(data: Said, needle: Said, start: int = 0) -> int:
    """`data.find(needle, start)`, for a needle that is not empty.

    To leap from one place of its first sign to the next is tens of times quicker where that sign is rare.
    """
    first, beyond = needle[:1], len(needle) - 1
    while True:
        for _ in range(_LEAPS):
            start = data.find(first, start)
            if start < 0 or data.startswith(needle, start):
                return start
            start += 1
        at = data.find(needle, start, start + _STRIDE + beyond)
        if at >= 0 or start + _STRIDE >= len(data):
            return at
        start += _STRIDE


def search(pattern: re.Pattern[Said], data: Said) -> re.Match[Said] | None:
    """`pattern.search(data)`, of a pattern whose matches, with what they look ahead to, are at most 4 KB."""
    for start in range(0, len(data), _SEARCHED):
        if match := pattern.search(data, start, start + _SEARCHED + _WIDEST):
            # Its end may have been cut off.
            return pattern.match(data, match.start()) or pattern.search(data, match.start() + 1)
    return None


def has_halves(text: str) -> bool:
    """Whether halves of surrogate pairs stand in it, with which no text can be written."""
    if text.isascii():
        return False
    try:
        for start in range(0, len(text), _SOME):
            text[start : start + _SOME].encode()
    except UnicodeEncodeError:
        return True
    return False


def without(data: bytes, signs: bytes) -> bytes:
    """`data.translate(None, signs)`."""
    if len(data) <= _SOME:
        return data.translate(None, signs)
    return b"".join([piece.translate(None, signs) for piece in _pieces(data)])


def copied(data: bytes, start: int, stop: int | None = None) -> bytes:
    """`data[start:stop]`; to join pieces is the one way to copy many megabytes that lets other threads run."""
    stop = len(data) if stop is None else stop
    if stop - start <= _SOME:
        return data[start:stop]
    return b"".join([data[at : min(at + _SOME, stop)] for at in range(start, stop, _SOME)])


def encoded(text: str, errors: str = "replace") -> bytes:
    """`text.encode("utf-8", errors)`."""
    if len(text) <= _SOME:
        return text.encode("utf-8", errors)
    return b"".join([text[start : start + _SOME].encode("utf-8", errors) for start in range(0, len(text), _SOME)])


def from_quoted_printable(data: bytes) -> bytes:
    """`binascii.a2b_qp(data)`: nothing of a line depends on the one before."""
    if len(data) <= _SOME:
        return binascii.a2b_qp(data)
    decoded: list[bytes] = []
    start = 0
    while start < len(data):
        stop = data.find(b"\n", min(start + _SOME, len(data))) + 1 or len(data)
        decoded.append(binascii.a2b_qp(data[start:stop]))
        start = stop
    return b"".join(decoded)


def decoded(data: bytes, codec: str, errors: str = "strict") -> str:
    """`data.decode(codec, errors)`. Raises what that raises; a UnicodeError for text that breaks the codec itself."""
    try:
        if len(data) <= _SOME or not (codec in _STEADY or codec.startswith(_ONE_BYTE)):
            return data.decode(codec, errors)
        decoder = codecs.getincrementaldecoder(codec)(errors)
        return "".join([*(decoder.decode(piece) for piece in _pieces(data)), decoder.decode(b"", True)])
    except RuntimeError as broken:  # ISO-2022-JP-2 knows a set of signs that it cannot shift to
        raise UnicodeError("the codec failed") from broken


def _pieces(data: bytes) -> Iterator[bytes]:
    for start in range(0, len(data), _SOME):
        yield data[start : start + _SOME]
