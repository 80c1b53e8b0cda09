"""Sheets of binary workbooks: hidden columns, columns from the right, texts in several fonts, formats of texts."""

import struct

import pytest

from policy.extraction.office.binarybook import read_binary_book
from policy.extraction.office97.excel import Workbook

NUMBER = "536-22-1234"
GROUPS = ("SSN", "536", "99", "22", "1234")


def record(kind: int, data: bytes) -> bytes:
    return struct.pack("<HH", kind, len(data)) + data


def wide(text: str) -> bytes:
    return struct.pack("<HB", len(text), 1) + text.encode("utf-16-le")


def begin(kind: int) -> bytes:
    return record(0x809, struct.pack("<HHHHII", 0x600, kind, 0, 0, 0, 0))


def read(*sheet: bytes, shared: bytes = b"") -> str:
    head = begin(5) + shared
    place = len(head) + 4 + 8 + 3 + 4
    head += record(0x85, struct.pack("<IBBBB", place, 0, 0, 3, 0) + b"Pay") + record(0x0A, b"")
    book = Workbook()
    pieces = list(book.read(head + begin(0x10) + b"".join(sheet) + record(0x0A, b"")))
    assert book.is_whole
    return "\n".join(piece.text for piece in pieces)


def row(texts: tuple[str, ...]) -> bytes:
    return b"".join(record(0x204, struct.pack("<HHH", 0, at, 0) + wide(text)) for at, text in enumerate(texts))


@pytest.mark.parametrize(("width", "flags"), [(2560, 1), (0, 0)], ids=["hidden", "narrow"])
def test_a_row_is_read_without_hidden_columns(width: int, flags: int) -> None:
    column = record(0x7D, struct.pack("<HHHHHH", 2, 2, width, 0, flags, 0))
    assert "536221234" in read(column, row(GROUPS))
    assert "536221234" not in read(row(GROUPS))


def test_a_sheet_from_the_right_is_read_from_there() -> None:
    cells = row(("1234", "22", "536", "SSN"))
    assert "536221234" in read(cells, record(0x23E, struct.pack("<HH", 0x40, 0) + bytes(14)))
    assert "536221234" not in read(cells)


def test_a_text_is_read_without_each_of_its_fonts() -> None:
    text = "536" + "99" + NUMBER[3:]
    runs = struct.pack("<HHHHHH", 0, 1, 3, 2, 5, 1)
    item = struct.pack("<HBH", len(text), 8, 3) + text.encode() + runs
    shared = record(0xFC, struct.pack("<II", 1, 1) + item)
    assert NUMBER in read(record(0xFD, struct.pack("<HHHI", 0, 0, 0, 0)), shared=shared)


def test_a_text_is_read_in_its_format() -> None:
    shared = record(0x41E, struct.pack("<H", 164) + wide('"5"@"-1234"')) + record(0xE0, struct.pack("<HH", 0, 164))
    assert NUMBER in read(record(0x204, struct.pack("<HHH", 0, 0, 0) + wide("36-22")), shared=shared)


def part(*records: tuple[int, bytes]) -> bytes:
    """Records of a binary part: type and size in seven bits a byte."""
    out = b""
    for kind, data in records:
        out += bytes([kind]) if kind < 0x80 else bytes([kind & 0x7F | 0x80, kind >> 7])
        out += bytes([len(data) & 0x7F | 0x80, len(data) >> 7]) + data
    return out


def wide_cells(texts: tuple[str, ...]) -> list[tuple[int, bytes]]:
    said = (struct.pack("<III", at, 0, len(text)) + text.encode("utf-16-le") for at, text in enumerate(texts))
    return [(0, bytes(4) + bytes(21)), *((6, data) for data in said)]


def read_wide(*records: tuple[int, bytes], shared: bytes = b"") -> str:
    parts = {"xl/workbook.bin": b"", "xl/sharedStrings.bin": shared, "xl/worksheets/sheet1.bin": part(*records)}
    pieces, whole = read_binary_book(parts, {})
    assert whole
    return "\n".join(piece.text for piece in pieces)


def test_columns_of_a_binary_workbook() -> None:
    hidden = (60, struct.pack("<IIIIH", 2, 2, 2560, 0, 1))
    assert "536221234" in read_wide(hidden, *wide_cells(GROUPS))
    leftwards = (137, struct.pack("<H", 0x20) + bytes(28))
    assert "536221234" in read_wide(leftwards, *wide_cells(("1234", "22", "536", "SSN")))


def test_a_text_of_a_binary_workbook_without_each_of_its_fonts() -> None:
    text = "536" + "99" + NUMBER[3:]
    runs = struct.pack("<IHHHHHH", 3, 0, 1, 3, 2, 5, 1)
    item = b"\1" + struct.pack("<I", len(text)) + text.encode("utf-16-le") + runs
    cell = (7, struct.pack("<III", 0, 0, 0))
    assert NUMBER in read_wide((0, bytes(25)), cell, shared=part((19, item)))
