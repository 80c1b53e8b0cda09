"""Of a long text, the places where something was seen, with what stands around them."""

from collections.abc import Iterator, Sequence
from typing import Final

import re2

_LONG: Final = 1 << 13  # bytes: a shorter text is looked through whole
_AROUND: Final = 1 << 10  # bytes kept on either side of what was seen
_STEP: Final = _AROUND // 2  # what begins within so many bytes behind it has as many around it
_SHARE: Final = (
    2  # of a text's bytes one part in so many, at most: where there is more, the whole text is looked through
)
_BETWEEN: Final = "\n\n=====\n\n"  # over which no number goes on


def places(pattern: re2._Regexp, data: bytes) -> tuple[tuple[int, int], ...]:
    """The stretches of a text in UTF-8 that hold what matches, with what is near to it; in order, apart."""
    if len(data) <= _LONG:
        return ((0, len(data)),) if pattern.search(data) is not None else ()
    found: list[tuple[int, int]] = []
    room = len(data) // _SHARE
    for start, end in _stretches(pattern, data):
        if found and start <= found[-1][1]:
            room -= end - found[-1][1]
            found[-1] = found[-1][0], end
        else:
            room -= end - start
            found.append((start, end))
        if room < 0:
            return ((0, len(data)),)
    return tuple(found)


def _stretches(pattern: re2._Regexp, data: bytes) -> Iterator[tuple[int, int]]:
    at = 0
    while at < len(data) and (match := pattern.search(data, at)) is not None:
        start, end = match.span()
        yield max(0, start - _AROUND), min(end + _AROUND, len(data))
        at = end + _STEP


def of_places(text: str, data: bytes, spans: Sequence[tuple[int, int]]) -> tuple[str, bytes]:
    """These stretches of a text alone, as a text and in UTF-8, as which `data` is the text."""
    if spans == ((0, len(data)),):
        return text, data
    kept = _BETWEEN.join([data[start:end].decode("utf-8", "ignore") for start, end in spans])
    return kept, kept.encode()
