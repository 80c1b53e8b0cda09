"""What is left of a text to be read where packed files stand in it, uuencoded."""

import re
from typing import Final

from policy.reader.turns import holds

BEGIN: Final = re.compile(rb"(?:\A|\n)[> \t]{0,8}begin(?:-base64)? [0-7]{3,4}[ \t]([^\r\n]{0,255})\r?\n")
# A line of which more than a quarter is signs says nothing to a person, unless a number stands in it.
_SIGNS: Final = bytes(code for code in range(33, 127) if not chr(code).isalnum())
_MOST_SIGNS: Final = 1 / 4
_NUMBER: Final = re.compile(rb"[0-9](?:[ ./-]?[0-9]){6}")
_LEAST_LINE: Final = 20  # bytes; a shorter one is read


def without_coded(data: bytes) -> bytes:
    """A text without the lines of uuencoded files in which nobody could read anything; what they hold is read apart.

    Such a line is what encoding makes of packed bytes: two signs among five. Some programs show it as it stands, so one
    that could be meant to be read is left: a text in capitals, a row of numbers.
    """
    if not holds(data, b"begin "):
        return data
    kept: list[bytes] = []
    at = 0
    while match := BEGIN.search(data, at):
        end = data.find(b"\nend", match.end() - 1)
        end = len(data) if end < 0 else end
        kept.append(data[at : match.end()])
        if b"-base64" in match[0]:
            kept.append(data[match.end() : end])
        else:
            kept += filter(_says_something, data[match.end() : end].splitlines(keepends=True))
        at = max(end, match.end())
    kept.append(data[at:])
    return b"".join(kept)


def _says_something(line: bytes) -> bool:
    size = len(line)
    return (
        size < _LEAST_LINE
        or size - len(line.translate(None, _SIGNS)) <= size * _MOST_SIGNS
        or bool(_NUMBER.search(line))
    )
