"""What is written in the file of a picture: comments, descriptions (Exif, XMP), and whatever was put behind it."""

import re
import zlib
from collections.abc import Iterator
from typing import Final

_PNG: Final = b"\x89PNG\r\n\x1a\n"
_PICTURE: Final = re.compile(rb"\x89PNG\r\n\x1a\n|\xff\xd8\xff[\xe0-\xef\xdb]")
_WIDE_RUN: Final = re.compile(rb"(?:[ -~]\0){8,}+|(?:\0[ -~]){8,}+")
_PLAIN_RUN: Final = re.compile(rb"[\t\r\n -~]{8,}+")
_MOST_CHUNKS: Final = 10_000
_MOST_TEXT: Final = 4 * 1024 * 1024  # characters of all packed texts of one picture


def picture_text(data: bytes) -> str:
    """Every run of at least eight characters, one a line; the packed texts of a PNG too."""
    found = [match[0].decode("ascii") for match in _PLAIN_RUN.finditer(data)]
    found += [match[0].replace(b"\0", b"").decode("ascii") for match in _WIDE_RUN.finditer(data)]
    if data.startswith(_PNG):
        found += _packed(data)
    return "\n".join(found)


def pictures_in(data: bytes) -> Iterator[bytes]:
    """PNG and JPEG pictures that lie somewhere in a stream."""
    at = 0
    while (match := _PICTURE.search(data, at)) is not None:
        if match[0] == _PNG:
            end = _png_end(data, match.start())
        else:  # a preview within has an end of its own: the last one before the next picture
            following = _PICTURE.search(data, match.end())
            end = data.rfind(b"\xff\xd9", match.end(), following.start() if following else len(data)) + 2
        if end <= match.end():
            end = len(data)
        yield data[match.start() : end]
        at = end


def _png_end(data: bytes, at: int) -> int:
    at += len(_PNG)
    for _ in range(_MOST_CHUNKS):
        size, kind = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8]
        at += size + 12
        if kind == b"IEND" or len(kind) < 4:
            break
    return min(at, len(data))


def _packed(data: bytes) -> list[str]:
    """The zTXt and iTXt chunks that are compressed (PNG 11.3.3)."""
    found: list[str] = []
    at = len(_PNG)
    room = _MOST_TEXT
    for _ in range(_MOST_CHUNKS):
        size = int.from_bytes(data[at : at + 4], "big")
        kind = data[at + 4 : at + 8]
        if len(kind) < 4 or kind == b"IEND" or room <= 0:
            break
        if kind in (b"zTXt", b"iTXt"):
            _keyword, _, rest = data[at + 8 : at + 8 + size].partition(b"\0")
            if kind == b"iTXt":
                rest = b"\0" + rest[2:].partition(b"\0")[2].partition(b"\0")[2] if rest[:1] == b"\1" else b""
            text = _inflated(rest[1:], room)
            room -= len(text) + 1
            found.append(text)
        at += size + 12
    return found


def _inflated(data: bytes, room: int) -> str:
    try:
        return zlib.decompressobj().decompress(data, room).decode("utf-8", "replace")
    except zlib.error:
        return ""
