"""Multipart bodies cut at their delimiters (RFC 2046 5.1), strictly and leniently."""

import re
from dataclasses import dataclass
from typing import Final

from policy.reader.turns import find, search

_DELIMITER: Final = rb"--([^\r\n]{0,200})\r?\n(?=content-(?:type|transfer-encoding|disposition)[ \t]{0,2000}:)"
_FIRST: Final = re.compile(_DELIMITER, re.I)
_GUESS: Final = re.compile(rb"\n" + _DELIMITER, re.I)
_MOST_BEFORE: Final = 8  # white space allowed before a delimiter by lenient programs


@dataclass(frozen=True, slots=True)
class Cut:
    """Byte ranges in the body. `between` lies outside the parts: preamble, epilogue. `rest` starts what was not cut."""

    parts: tuple[tuple[int, int], ...]
    between: tuple[tuple[int, int], ...]
    rest: int | None = None


def guess_boundary(body: bytes) -> bytes | None:
    """The first line that looks like a delimiter: two dashes, and a Content header below."""
    match = _FIRST.match(body) or search(_GUESS, body)
    return match[1].rstrip() if match else None


def cut(body: bytes, boundary: bytes, most: int) -> tuple[Cut, ...]:
    """Every reading of the body at one boundary; none when it has no such delimiter."""
    lines, rest = _delimiters(body, b"--" + boundary, most)
    if not lines:
        return ()
    strict = [line for line in lines if line.strict]
    readings = [_cut(body, chosen, rest) for chosen in ((strict, lines) if strict else (lines,))]
    return tuple(dict.fromkeys(readings))


@dataclass(frozen=True, slots=True)
class _Line:
    start: int
    end: int
    closing: bool
    strict: bool


def _delimiters(body: bytes, needle: bytes, most: int) -> tuple[list[_Line], int | None]:
    found: list[_Line] = []
    at = find(body, needle)
    while at >= 0:
        before = body[max(0, at - _MOST_BEFORE) : at].rstrip(b" \t")
        if not before or before[-1] in b"\r\n":
            if len(found) > most:
                return found, at
            newline = body.find(b"\n", at)
            end = len(body) if newline < 0 else newline + 1
            tail = body[at + len(needle) : min(end, at + len(needle) + 128)].rstrip(b"\r\n")
            closing = tail.startswith(b"--")
            bare = not tail[2 if closing else 0 :].strip(b" \t")
            at_line = at == 0 or body[at - 1] in b"\r\n"
            found.append(_Line(at, end, closing, bare and at_line))
            at = end - 1  # the line's own end may stand before the next delimiter
        at = find(body, needle, at + 1)
    return found, None


def _cut(body: bytes, lines: list[_Line], rest: int | None) -> Cut:
    parts: list[tuple[int, int]] = []
    between: list[tuple[int, int]] = [(0, lines[0].start)]
    for line, following in zip(lines, [*lines[1:], None], strict=True):
        stop = following.start if following else len(body) if rest is None else rest
        span = (line.end, _before_line_end(body, line.end, stop))
        (between if line.closing else parts).append(span)
    return Cut(tuple(parts), tuple(span for span in between if body[span[0] : span[1]].strip()), rest)


def _before_line_end(body: bytes, start: int, stop: int) -> int:
    """The line end before a delimiter belongs to the delimiter."""
    if stop > start and body[stop - 1 : stop] == b"\n":
        stop -= 1
        if stop > start and body[stop - 1 : stop] == b"\r":
            stop -= 1
    return max(start, stop)
