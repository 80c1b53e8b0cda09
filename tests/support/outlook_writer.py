"""Outlook's messages and winmail.dat, written stream by stream and attribute by attribute."""

import struct

from ole_writer import container


def stored(rtf: bytes) -> bytes:
    """RTF as Outlook keeps it where it does not pack."""
    return struct.pack("<II4sI", len(rtf) + 12, len(rtf), b"MELA", 0) + rtf


def message(texts: dict[str, str | bytes], prefix: str = "") -> dict[str, bytes]:
    """Streams of one message."""
    streams = {f"{prefix}__properties_version1.0": bytes(32)}
    for tag, value in texts.items():
        data = value.encode("utf-16-le") if isinstance(value, str) else value
        streams[f"{prefix}__substg1.0_{tag}"] = data
    return streams


def msg(*more: dict[str, bytes], **texts: str | bytes) -> bytes:
    streams = message({name.removeprefix("p"): value for name, value in texts.items()})
    for each in more:
        streams |= each
    return container({"__nameid_version1.0/__substg1.0_00020102": b"", **streams})


def attached(data: bytes, name: str, number: int = 0) -> dict[str, bytes]:
    return message({"37010102": data, "3707001F": name}, f"__attach_version1.0_#{number:08X}/")


def attribute(level: int, kind: int, value: bytes) -> bytes:
    return struct.pack("<BII", level, kind, len(value)) + value + struct.pack("<H", sum(value) & 0xFFFF)


def properties(*values: tuple[int, int, bytes]) -> bytes:
    """(type, number, bytes) of texts and binaries."""
    out = struct.pack("<I", len(values))
    for kind, number, value in values:
        out += struct.pack("<HHII", kind, number, 1, len(value)) + value + bytes(-len(value) % 4)
    return out


def tnef(*attributes: bytes) -> bytes:
    return b"\x78\x9f\x3e\x22\1\0" + b"".join(attributes)


def wide(text: str) -> bytes:
    return text.encode("utf-16-le") + b"\0\0"


RENDER = attribute(2, 0x00069002, bytes(14))
