"""Word, Excel and PowerPoint 97: every story and record, what is deleted, what is cut, what is made to be slow."""

import json
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from ole_writer import container

from policy.extraction.cells.format import displayed, plain_number
from policy.extraction.cells.grid import Cell, column_name, pieces_of
from policy.extraction.compound import root_names
from policy.extraction.extract import extract
from policy.extraction.office97.biff import Pieces, packed_number, records
from policy.extraction.office97.excel import Workbook
from policy.extraction.office97.powerpoint import read_presentation
from policy.extraction.office97.propertysets import property_texts
from policy.extraction.office97.word import WordBroken, read_word
from policy.reader.limits import Limits
from rules.content import Content, FileKind

NUMBER = "536-22-1234"
SAMPLES = Path(__file__).parents[2] / "messages" / "documents" / "legacy"
EXPECTED = json.loads((SAMPLES / "expected.json").read_text())


def shown(content: Content) -> str:
    return "\n".join(part.text for part in content.parts)


def faults(content: Content) -> list[str]:
    return [fact.reason for fact in content.files if fact.unreadable]


@pytest.mark.parametrize("name", EXPECTED)
def test_what_real_programs_write_is_read(name: str) -> None:
    content = extract(name, (SAMPLES / name).read_bytes())
    assert [place for number, place in EXPECTED[name].items() if number not in shown(content)] == []
    assert faults(content) == []


def document(
    text: str, *, marks: list[tuple[int, int, bytes]] | None = None, stories: dict[int, int] | None = None
) -> bytes:
    """A Word 97 document of one piece; `marks` are (from, to, properties) of characters."""
    start = 1024
    body = text.encode("utf-16-le")
    stream = bytearray(start) + body
    stream += bytes(-len(stream) % 512)
    pieces = struct.pack("<II", 0, len(text)) + struct.pack("<HIH", 0, start, 0)
    table = b"\x02" + struct.pack("<I", len(pieces)) + pieces
    bins = len(table)
    if marks:
        edges = sorted({0, len(text), *(edge for first, end, _ in marks for edge in (first, end))})
        page = bytearray(512)
        struct.pack_into(f"<{len(edges)}I", page, 0, *(start + 2 * edge for edge in edges))
        place = 500
        for number, edge in enumerate(edges[:-1]):
            found = b"".join(given for first, end, given in marks if first <= edge < end)
            if found:
                place -= len(found) + 2
                place -= place % 2
                page[place : place + 1 + len(found)] = bytes([len(found)]) + found
                page[4 * len(edges) + number] = place // 2
        page[511] = len(edges) - 1
        number = len(stream) // 512
        stream += page
        table += struct.pack("<III", start, start + 2 * len(text), number)
    struct.pack_into("<HH", stream, 0, 0xA5EC, 0xC1)
    struct.pack_into("<H", stream, 10, 0x200)
    struct.pack_into("<I", stream, 0x4C, len(text) - sum((stories or {}).values()))
    for offset, size in (stories or {}).items():
        struct.pack_into("<I", stream, offset, size)
    struct.pack_into("<II", stream, 0x1A2, 0, bins)
    struct.pack_into("<II", stream, 0xFA, bins, len(table) - bins)
    return container({"WordDocument": bytes(stream), "1Table": table})


def test_a_document_of_one_piece() -> None:
    content = extract("a.doc", document(f"SSN {NUMBER}\r"))
    assert [(part.place, part.text) for part in content.parts] == [("a.doc", f"SSN {NUMBER}\n")]
    assert content.files[0].kind is FileKind.DOCUMENT
    assert faults(content) == []


@pytest.mark.parametrize(
    "properties", [b"\x00\x08\x01", b"\x01\x08\x01", b"\x3c\x08\x01"], ids=["deleted", "inserted", "hidden"]
)
def test_text_is_read_with_and_without_what_is_marked(properties: bytes) -> None:
    text = "SSN 536-99-22-1234\r"
    at = text.index("-99")
    texts = shown(extract("a.doc", document(text, marks=[(at, at + 3, properties)])))
    assert NUMBER in texts
    assert "536-99-22-1234" in texts


def test_stories_follow_each_other() -> None:
    text = f"text\rnote {NUMBER}\rhead\r"
    content = extract("a.doc", document(text, stories={0x50: len(NUMBER) + 6, 0x54: 5}))
    assert {part.place: part.text for part in content.parts} == {
        "a.doc": "text\n",
        "a.doc > footnotes": f"note {NUMBER}\n",
        "a.doc > headers and footers": "head\n",
    }


def test_fields_show_their_result_and_tell_their_code() -> None:
    texts = shown(extract("a.doc", document("a \x13 HYPERLINK \x13 DATE \x14 1 \x15 \x14536-22-\x151234\r")))
    assert "536-22-1234" in texts
    assert "HYPERLINK" in texts


def test_cells_are_apart_and_joined() -> None:
    assert "536-22-1234" in shown(extract("a.doc", document("536-\x0722-\x071234\x07\x07")))


def words_95(text: bytes) -> bytes:
    stream = bytearray(0x300) + text
    struct.pack_into("<HH", stream, 0, 0xA5DC, 0x65)
    struct.pack_into("<ii", stream, 0x18, 0x300, 0x300 + len(text))
    struct.pack_into("<i", stream, 0x34, len(text))
    return container({"WordDocument": bytes(stream)})


def test_text_of_word_95_is_found() -> None:
    assert NUMBER in shown(extract("a.doc", words_95(NUMBER.encode())))


@pytest.mark.parametrize("damage", ["size", "piece", "table", "stories"])
def test_a_document_that_contradicts_itself_is_told_and_read(damage: str) -> None:
    import olefile

    data = document(f"SSN {NUMBER}\r")
    with olefile.OleFileIO(data) as made:
        streams = {"/".join(path): made.openstream(path).read() for path in made.listdir()}
    stream, table = bytearray(streams["WordDocument"]), bytearray(streams["1Table"])
    if damage == "size":
        struct.pack_into("<I", stream, 0x1A6, 0)
    elif damage == "piece":
        struct.pack_into("<I", table, 5 + 8 + 2, 1 << 20)
    elif damage == "table":
        table = bytearray(3)
    else:
        struct.pack_into("<I", stream, 0x4C, 1 << 20)
    content = extract("a.doc", container({"WordDocument": bytes(stream), "1Table": bytes(table)}))
    assert faults(content)
    assert NUMBER in shown(content)


def test_pieces_over_each_other_have_an_end() -> None:
    size = 100_000
    pieces = struct.pack("<5001I", *(n * size for n in range(5001))) + struct.pack("<HIH", 0, 0x40000000, 0) * 5000
    table = b"\x02" + struct.pack("<I", len(pieces)) + pieces
    stream = bytearray(size)
    struct.pack_into("<HH", stream, 0, 0xA5EC, 0xC1)
    struct.pack_into("<II", stream, 0x1A2, 0, len(table))
    with pytest.raises(WordBroken):
        read_word(bytes(stream), (table, b""))


def record(kind: int, data: bytes) -> bytes:
    return struct.pack("<HH", kind, len(data)) + data


def book(*sheet: bytes, shared: bytes = b"") -> bytes:
    """A workbook with one sheet."""
    begin = record(0x809, struct.pack("<HHHHII", 0x600, 5, 0, 0, 0, 0))
    head = begin + shared
    bound = 4 + 8 + len("Pay")
    place = len(head) + bound + 4
    head += record(0x85, struct.pack("<IBBBB", place, 0, 0, 3, 0) + b"Pay") + record(0x0A, b"")
    return head + record(0x809, struct.pack("<HHHHII", 0x600, 0x10, 0, 0, 0, 0)) + b"".join(sheet) + record(0x0A, b"")


def workbook(*sheet: bytes, shared: bytes = b"") -> bytes:
    return container({"Workbook": book(*sheet, shared=shared)})


def wide(text: str) -> bytes:
    return struct.pack("<HB", len(text), 1) + text.encode("utf-16-le")


def test_a_text_that_goes_on_in_other_records() -> None:
    """Cut between characters; the second piece has eight bits each and says so."""
    first = struct.pack("<II", 1, 1) + struct.pack("<HB", len(NUMBER) + 4, 1) + "SSN 536".encode("utf-16-le")
    shared = record(0xFC, first) + record(0x3C, b"\0" + b"-22-1234")
    content = extract("a.xls", workbook(record(0xFD, struct.pack("<HHHI", 6, 1, 0, 0)), shared=shared))
    assert [(part.place, part.marks) for part in content.parts if NUMBER in part.text] == [
        ("a.xls > Pay", ((0, "B7"),))
    ]
    assert faults(content) == []


CELLS: dict[str, bytes] = {
    "label": record(0x204, struct.pack("<HHH", 0, 0, 0) + wide(NUMBER)),
    "number": record(0x203, struct.pack("<HHHd", 0, 0, 0, 536221234.0)),
    "packed number": record(0x27E, struct.pack("<HHHI", 0, 0, 0, 536221234 << 2 & 0xFFFFFFFF | 2)),
    "packed numbers": record(0xBD, struct.pack("<HH", 0, 0) + struct.pack("<HI", 0, 536221234 << 2 | 2) * 2 + b"\1\0"),
    "result of a formula": record(0x06, struct.pack("<HHH8sHI", 0, 0, 0, b"\0" * 6 + b"\xff\xff", 0, 0) + b"\0\0")
    + record(0x207, wide(NUMBER)),
    "text in a formula": record(
        0x06, struct.pack("<HHHdHIH", 0, 0, 0, 1.0, 0, 0, 14) + b"\x17\x0b\0" + NUMBER.encode()
    ),
    "header": record(0x14, wide(f'&L&"Arial,Bold"{NUMBER}')),
    "note": record(0x5D, struct.pack("<HHHH", 0x15, 18, 0x19, 1))
    + record(0x1B6, bytes(10) + struct.pack("<HHI", len(NUMBER), 0, 0))
    + record(0x3C, b"\0" + NUMBER.encode())
    + record(0x1C, struct.pack("<HHHH", 6, 1, 0, 1) + wide("Ann")),
    "any other record": record(0x1BE, b"\1\2" + NUMBER.encode("utf-16-le")),
}


@pytest.mark.parametrize("name", CELLS)
def test_every_record_with_words_is_read(name: str) -> None:
    content = extract("a.xls", workbook(CELLS[name]))
    assert NUMBER in shown(content) or NUMBER.replace("-", "") in shown(content)
    assert faults(content) == []


def test_a_note_has_its_cell() -> None:
    content = extract("a.xls", workbook(CELLS["note"]))
    assert [part.place for part in content.parts if NUMBER in part.text] == ["a.xls > Pay > note at B7"]


@pytest.mark.parametrize(
    "stream",
    [
        book(CELLS["label"])[:-4],  # no end
        book(CELLS["label"])[:-1],
        book(record(0xFD, struct.pack("<HHHI", 0, 0, 0, 9))),  # a text that is not there
        book(b"\x04\x02\xff\x7f"),
        b"\x09\x08",
    ],
)
def test_a_workbook_that_contradicts_itself_is_told(stream: bytes) -> None:
    assert faults(extract("a.xls", container({"Workbook": stream})))


def test_one_text_in_endless_cells_has_an_end() -> None:
    shared = record(0xFC, struct.pack("<II", 1, 1) + struct.pack("<HB", 8_000, 0) + b"x" * 8_000)
    cells = b"".join(record(0xFD, struct.pack("<HHHI", 0, column, 0, 0)) for column in range(2_000))
    content = extract("a.xls", workbook(cells, shared=shared), Limits(text_chars=1_000_000))
    assert faults(content)
    assert sum(len(part.text) for part in content.parts) < 4_000_000


def test_packed_numbers() -> None:
    assert packed_number(536221234 << 2 & 0xFFFFFFFF | 2) == 536221234
    assert packed_number(0xFFFFFFFE) == -1
    assert packed_number(123 << 2 | 3) == 1.23
    assert packed_number(0x3FF00000) == 1.0


@pytest.mark.parametrize(
    ("value", "code", "text"),
    [
        ("536221234", "000-00-0000", NUMBER),
        ("12345", "00000-0000", "00001-2345"),
        ("26057", "m/d/yyyy", "5/4/1971"),
        ("26057.5", "yyyy-mm-dd hh:mm:ss", "1971-05-04 12:00:00"),
        ("26057", 'd. "of" mmmm yy', "4. of May 71"),
        ("1.5", "0.00", "1.5"),
        ("x", "m/d/yyyy", "x"),
    ],
)
def test_numbers_as_cells_show_them(value: str, code: str, text: str) -> None:
    assert displayed(value, code) == text


def test_numbers_keep_their_digits() -> None:
    assert plain_number(4111111111111111.0) == "4111111111111111"
    assert plain_number(1.5) == "1.5"
    assert plain_number(float("inf")) == "inf"
    assert [column_name(number) for number in (0, 25, 26, 701, 702)] == ["A", "Z", "AA", "ZZ", "AAA"]


def test_cells_out_of_order_begin_rows() -> None:
    cells = [Cell(0, 1, "b"), Cell(0, 0, "a"), Cell(3, 2, "c")]
    (piece,) = pieces_of("Pay", cells)
    assert piece.text == "b\na\nc\n"
    assert piece.marks == ((0, "B1"), (2, "A1"), (4, "C4"))


def atom(kind: int, data: bytes, version: int = 0) -> bytes:
    return struct.pack("<HHI", version, kind, len(data)) + data


SLIDES: dict[str, tuple[bytes, str]] = {
    "wide": (atom(0x3EE, atom(0xFA0, NUMBER.encode("utf-16-le")), 0xF), "slide 1"),
    "narrow": (atom(0x3EE, atom(0xFA8, NUMBER.encode()), 0xF), "slide 1"),
    "outline": (atom(0xFF0, atom(0xFA8, NUMBER.encode()), 0xF), "outline"),
    "notes": (atom(0x3F0, atom(0xFA8, NUMBER.encode()), 0xF), "notes 1"),
    "master": (atom(0x3F8, atom(0xFA8, NUMBER.encode()), 0xF), "master"),
    "comment": (
        atom(0x3EE, atom(0x138B, atom(0x2EE0, atom(0xFBA, NUMBER.encode("utf-16-le"), 0x10), 0xF)), 0xF),
        "slide 1 > comment",
    ),
    "description of a drawing": (
        atom(0xF00B, struct.pack("<HI", 0xC381, 24) + f"{NUMBER}\0".encode("utf-16-le")),
        "presentation",
    ),
}


@pytest.mark.parametrize("name", SLIDES)
def test_every_text_of_a_presentation_has_its_place(name: str) -> None:
    stream, place = SLIDES[name]
    content = extract("a.ppt", container({"PowerPoint Document": stream, "Current User": bytes(20)}))
    assert [part.place for part in content.parts if NUMBER in part.text] == [f"a.ppt > {place}"]
    assert faults(content) == []


def test_packed_objects_of_a_presentation() -> None:
    within = document(f"SSN {NUMBER}\r")
    packed = struct.pack("<I", len(within)) + zlib.compress(within)
    content = extract("a.ppt", container({"PowerPoint Document": atom(0x1011, packed, 0x10)}))
    assert [part.place for part in content.parts if NUMBER in part.text] == ["a.ppt > object 1"]
    bomb = struct.pack("<I", 1) + zlib.compress(bytes(1_000_000))
    assert not read_presentation(atom(0x1011, bomb, 0x10), 1_000).is_whole


@pytest.mark.parametrize("stream", [atom(0xFA8, b"x" * 9)[:-1], atom(0x3EE, atom(0xFA8, b"x" * 9)[:-1], 0xF) + b"x"])
def test_a_presentation_cut_short_is_told(stream: bytes) -> None:
    assert faults(extract("a.ppt", container({"PowerPoint Document": stream})))


def test_documents_within_documents() -> None:
    import olefile

    with olefile.OleFileIO(document(f"SSN {NUMBER}\r")) as made:
        inner = {f"MBD0001/{'/'.join(path)}": made.openstream(path).read() for path in made.listdir()}
    content = extract("a.xls", container({"Workbook": book(), **inner}))
    assert [part.place for part in content.parts if NUMBER in part.text] == ["a.xls > MBD0001"]
    assert [fact.kind for fact in content.files] == [FileKind.SPREADSHEET, FileKind.DOCUMENT]


def native(name: bytes, data: bytes) -> bytes:
    about = b"\2\0" + name + b"\0" + name + b"\0" + bytes(4) + struct.pack("<I", 1) + b"\0"
    return struct.pack("<I", 0) + about + struct.pack("<I", len(data)) + data


def test_packed_files() -> None:
    streams = {"Workbook": book(), "MBD1/\x01Ole10Native": native(b"a.txt", NUMBER.encode()), "MBD2/Package": b"plain"}
    content = extract("a.xls", container(streams))
    assert [part.place for part in content.parts if NUMBER in part.text] == ["a.xls > a.txt"]
    assert faults(content) == []
    broken = container({**streams, "MBD1/\x01Ole10Native": native(b"a.txt", b"x")[:-1]})
    assert faults(extract("a.xls", broken)) == ["a packed object that is broken"]


def test_properties_of_a_container() -> None:
    texts = [(2, 0x1E, NUMBER.encode()), (3, 0x1F, NUMBER.encode("utf-16-le")), (4, 0x05, struct.pack("<d", 536221234))]
    section = b""
    places = b""
    for number, kind, value in texts:
        places += struct.pack("<II", number, 8 + 8 * len(texts) + len(section))
        size = b"" if kind == 5 else struct.pack("<I", len(value) // (2 if kind == 0x1F else 1))
        section += struct.pack("<I", kind) + size + value + bytes(-len(value) % 4)
    section = struct.pack("<II", 8 + len(places) + len(section), len(texts)) + places + section
    data = b"\xfe\xff" + bytes(22) + struct.pack("<I", 1) + bytes(16) + struct.pack("<I", 48) + section
    assert property_texts(data) == [NUMBER, "536221234"]
    assert property_texts(data[:40]) == []


@pytest.mark.parametrize(
    "streams",
    [{"Contents": b"something"}, {"a/b": NUMBER.encode()}, {"VisioDocument": NUMBER.encode("utf-16-le")}],
)
def test_a_container_of_something_else_is_told(streams: dict[str, bytes]) -> None:
    assert faults(extract("a.vsd", container(streams))) == ["an OLE container of unknown contents"]


def test_what_a_container_is_stands_at_its_top() -> None:
    assert "WordDocument" in root_names(document("x"))
    assert root_names(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)) == frozenset()
    mail = container(
        {"__properties_version1.0": bytes(32), "__attach_version1.0_#0/__substg1.0_37010102": document("x")}
    )
    assert extract("a.msg", mail).files[0].kind is FileKind.MESSAGE


def deep(depth: int) -> bytes:
    """Messages within each other."""
    step = "__attach_version1.0_#0/__substg1.0_3701000D/"
    return container({f"{step * level}__properties_version1.0": bytes(32) for level in range(depth)})


def wide_container() -> bytes:
    names = {f"a{n}/WordDocument": b"" for n in range(2_000)}
    return container({"Workbook": book(), **names})


@pytest.mark.parametrize("made", [lambda: deep(30), wide_container], ids=["deep", "wide"])
def test_containers_made_to_be_slow_end(made: Callable[[], bytes]) -> None:
    assert faults(extract("a", made(), Limits(archive_files=500)))


def test_records_that_lead_nowhere_end() -> None:
    assert len(list(records(b"\0" * 4_000))) == 1_000
    with pytest.raises(IndexError):
        Pieces((b"abc",)).take(4)
    with pytest.raises(struct.error):
        list(Workbook().read(b"none"))


def test_a_chain_of_sectors_that_turns_in_a_circle_is_told() -> None:
    data = bytearray(document("SSN\r" + "x" * 4_000))
    table = (struct.unpack_from("<I", data, 76)[0] + 1) * 512
    (following,) = struct.unpack_from("<I", data, table + 4 * 5)
    assert following == 6
    struct.pack_into("<I", data, table + 4 * 5, 3)
    assert "an OLE container that contradicts itself" in faults(extract("a.doc", bytes(data)))
