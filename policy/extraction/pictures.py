"""What is written in the file of a picture: comments, descriptions (Exif, XMP), and whatever was put behind it."""

import re
import zlib
from collections.abc import Iterator
from typing import Final

_PNG: Final = b"\x89PNG\r\n\x1a\n"
_PICTURE: Final = re.compile(rb"\x89PNG\r\n\x1a\n|\xff\xd8\xff[\xe0-\xef\xdb]")
_RECOGNISABLE: Final = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"II*\0", b"MM\0*", b"BM", b"\0\0\0\x0cjP  ")
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


def is_recognisable(data: bytes) -> bool:
    """Whether it is of a type whose drawn text can be read."""
    return data.startswith(_RECOGNISABLE) or (data.startswith(b"RIFF") and data[8:12] == b"WEBP")


def picture_size(data: bytes) -> tuple[int, int] | None:
    """Width and height in pixels, where the head tells them."""
    if data.startswith(_PNG) and len(data) >= 24:
        return int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big")
    if data.startswith(b"GIF8") and len(data) >= 10:
        return int.from_bytes(data[6:8], "little"), int.from_bytes(data[8:10], "little")
    if data.startswith(b"BM") and len(data) >= 26:
        return int.from_bytes(data[18:22], "little"), abs(int.from_bytes(data[22:26], "little", signed=True))
    if data.startswith(b"\xff\xd8"):
        return _jpeg_size(data)
    return None


def _jpeg_size(data: bytes) -> tuple[int, int] | None:
    """Of the frame (ITU T.81 B.2.2), segment by segment."""
    at = 2
    while at + 9 <= len(data) and data[at] == 0xFF:
        kind = data[at + 1]
        if 0xC0 <= kind <= 0xCF and kind not in (0xC4, 0xC8, 0xCC):
            return int.from_bytes(data[at + 7 : at + 9], "big"), int.from_bytes(data[at + 5 : at + 7], "big")
        at += 1 if kind == 0xFF else 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return None


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
