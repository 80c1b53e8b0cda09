"""Runs of readable characters in bytes whose structure is not followed."""

import re
from typing import Final

_PLAIN: Final = re.compile(rb"[\t\r\n -~]{6,}+")
# UTF-16, little end first: ASCII, and letters of the scripts up to U+05FF, U+1E00 and the usual signs.
_WIDE: Final = re.compile(rb"(?:[\t\r\n -~]\0|[\xa0-\xff]\0|[\0-\xff][\1-\5]|[\0-\xff]\x1e|[\x10-\x3f]\x20){6,}+")


def plain_runs(data: bytes) -> str:
    """Every run of at least six ASCII characters, one a line."""
    return "\n".join(match[0].decode("ascii") for match in _PLAIN.finditer(data))


def wide_runs(data: bytes) -> str:
    """Every run of at least six characters of two bytes each, at even and odd places, one a line."""
    return "\n".join(dict.fromkeys(match[0].decode("utf-16-le", "replace") for match in _WIDE.finditer(data)))


def all_runs(data: bytes) -> str:
    """The runs of characters of one byte and of two."""
    return "\n".join(filter(None, (plain_runs(data), wide_runs(data))))
