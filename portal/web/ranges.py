"""Byte ranges (RFC 9110, section 14): which piece of a document is asked for."""

import re
from dataclasses import dataclass

_ONE = re.compile(
    r"bytes[ \t]*=[ \t]*(?:(\d{1,100})[ \t]*-[ \t]*(\d{1,100})?|-[ \t]*(\d{1,100}))[ \t]*", re.ASCII | re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Piece:
    """From `start` up to, not including, `stop`."""

    start: int
    stop: int


class NoSuchPiece(Exception):
    """The range lies outside: 416."""


def piece_of(header: str | None, size: int) -> Piece | None:
    """The one piece that a Range header asks for. None: send the whole.

    Several ranges, other units and what is not well formed are ignored, as RFC 9110 (14.2) allows. Raises NoSuchPiece
    where the range is well formed and nothing of it exists.
    """
    found = _ONE.fullmatch(header.strip()) if header else None
    if found is None:
        return None
    first, last, suffix = found.groups()
    if suffix is not None:
        if int(suffix) == 0 or size == 0:
            raise NoSuchPiece
        return Piece(max(0, size - int(suffix)), size)
    start = int(first)
    if last is not None and int(last) < start:
        return None  # not well formed: 14.1.1
    if start >= size:
        raise NoSuchPiece
    return Piece(start, size if last is None else min(int(last) + 1, size))


def still_same(if_range: str | None, etag: str) -> bool:
    """Does `If-Range` name what we have? A date never does: we send none. A weak tag never does (13.1.5)."""
    return if_range is None or if_range.strip() == etag


def listed(header: str | None, etag: str) -> bool:
    """Is the tag in an `If-None-Match` or `If-Match` list? Compared weakly."""
    if header is None:
        return False
    tags = [tag.strip().removeprefix("W/") for tag in header.split(",")]
    return "*" in tags or etag in tags
