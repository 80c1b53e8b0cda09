"""Macros: the source text of a VBA project ([MS-OVBA] 2.4.1), and the words of its forms."""

from collections.abc import Iterator
from io import BytesIO
from typing import Final

import olefile

from policy.extraction.pictures import picture_text
from policy.reader.charsets import decode

BROKEN_PROJECT: Final = (
    OSError,
    ValueError,
    IndexError,
    KeyError,
    TypeError,
    AttributeError,
    RecursionError,
    MemoryError,
)
_MOST_STREAMS: Final = 2_000
_MOST_SOURCE: Final = 16 * 1024 * 1024  # bytes of all modules together
_ATTRIBUTES: Final = b"\0Attribut"  # how each module's source begins, the first sign of it being a flag byte
_CHUNK: Final = 4096


def macro_texts(data: bytes) -> list[str]:
    """Of a vbaProject.bin, or any OLE file that holds a VBA project. Raises one of BROKEN_PROJECT."""
    found: list[str] = []
    room = _MOST_SOURCE
    with olefile.OleFileIO(BytesIO(data), raise_defects=olefile.DEFECT_FATAL) as container:
        for path in container.listdir()[:_MOST_STREAMS]:
            name = path[-1].lower()
            if name in {"o", "f", "\x03vbframe", "project", "projectwm"} or "vba" in (
                step.lower() for step in path[:-1]
            ):
                stream = bytes(container.openstream(path).read(_MOST_SOURCE))
                source = decode(module_source(stream, room))
                room -= len(source)
                text = source or (picture_text(stream) if name not in {"dir", "projectwm"} else "")
                if text.strip() and not name.startswith(("_vba_project", "__srp_")):
                    found.append(text)
    return found


def module_source(stream: bytes, room: int = _MOST_SOURCE) -> bytes:
    """The source of one module's stream, behind what the compiler left there; empty where there is none."""
    at = stream.find(_ATTRIBUTES)
    if at < 3 or stream[at - 3] != 1:
        return b""
    return b"".join(_chunks(stream, at - 2, room))


def _chunks(stream: bytes, at: int, room: int) -> Iterator[bytes]:
    """The chunks of a compressed container, each of at most 4096 bytes."""
    while at + 2 <= len(stream) and room > 0:
        head = int.from_bytes(stream[at : at + 2], "little")
        size = (head & 0x0FFF) + 3
        if (head >> 12) & 7 != 3:
            return
        body = stream[at + 2 : at + size]
        chunk = _inflated(body) if head & 0x8000 else body[:_CHUNK]
        yield chunk
        room -= len(chunk)
        at += size


def _inflated(body: bytes) -> bytes:
    """One compressed chunk: bytes as they are, and copies of what stands before ([MS-OVBA] 2.4.1.3.19)."""
    out = bytearray()
    at = 0
    while at < len(body):
        flags = body[at]
        at += 1
        for bit in range(8):
            if at >= len(body) or len(out) >= _CHUNK:
                break
            if not flags >> bit & 1:
                out.append(body[at])
                at += 1
                continue
            token = int.from_bytes(body[at : at + 2], "little")
            at += 2
            bits = max(4, (max(1, len(out)) - 1).bit_length())
            length = (token & (0xFFFF >> bits)) + 3
            offset = (token >> (16 - bits)) + 1
            if offset > len(out):
                return bytes(out)
            for _ in range(length):
                out.append(out[-offset])
    return bytes(out[:_CHUNK])
