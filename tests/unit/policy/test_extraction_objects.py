"""Objects that programs put into mail and documents every day: formulas and pictures are no unknown files."""

import struct

import pytest
from ole_writer import container
from outlook_writer import RENDER, attribute, properties, tnef

from policy.extraction.extract import extract
from policy.extraction.office97.equations import equation_text
from rules.content import Content, FileKind

NUMBER = "536-22-1234"
STORAGE = bytes.fromhex("0b00000000000000c000000000000046")
BITMAP = struct.pack("<IiiHHIIiiII", 40, 2, 2, 1, 24, 0, 0, 0, 0, 0, 0) + bytes(16)
METAFILE = bytes.fromhex("010009000003") + bytes(40)


def equation(version: int, options: bytes = b"") -> bytes:
    head = struct.pack("<HIHIIIII", 28, 0x20000, 0xC000, 100, 0, 0, 0, 0) + bytes([version, 1, 1, 3, 10, 10, 1])
    return head + b"".join(b"\x02" + options + b"\x88" + sign.encode("utf-16-le") for sign in NUMBER) + b"\0\0"


def told(content: Content) -> list[str]:
    return [fact.reason for fact in content.files if fact.unreadable]


@pytest.mark.parametrize("data", [equation(2), equation(3), equation(5, b"\0")], ids=["2", "3", "5"])
def test_a_formula_is_read_and_not_told(data: bytes) -> None:
    content = extract("a.bin", container({"Equation Native": data, "\x01Ole": bytes(20), "\x03ObjInfo": bytes(6)}))
    assert [part.text for part in content.parts] == [NUMBER]
    assert told(content) == []


@pytest.mark.parametrize("data", [b"", bytes(40), equation(9), equation(3)[:20]])
def test_a_formula_of_no_known_version_is_told(data: bytes) -> None:
    assert equation_text(data) is None
    assert told(extract("a.bin", container({"Equation Native": data or b"x", "\x01Ole": bytes(20)})))


@pytest.mark.parametrize("data", [BITMAP, METAFILE], ids=["bitmap", "metafile"])
def test_a_picture_that_was_pasted_is_a_picture(data: bytes) -> None:
    pasted = container({"CONTENTS": data, "\x01Ole": bytes(20)})
    outlook = attribute(2, 0x0006800F, data), attribute(2, 0x00069005, properties((0x0D, 0x3701, STORAGE + pasted)))
    content = extract("winmail.dat", tnef(RENDER, *outlook))
    assert told(content) == []
    assert [fact.kind for fact in content.files].count(FileKind.IMAGE) == 2


@pytest.mark.parametrize("data", [BITMAP[:14] + b"\x05" + BITMAP[15:], BITMAP[:12] + b"\x02" + BITMAP[13:]])
def test_what_only_begins_like_a_bitmap_is_none(data: bytes) -> None:
    assert told(extract("a.bin", data))
