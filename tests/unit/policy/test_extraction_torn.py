"""Files that contradict themselves: nothing in them is lost without a word."""

import struct
import tarfile
import zipfile
import zlib
from io import BytesIO
from pathlib import Path

import pytest

from policy.extraction.extract import extract
from policy.extraction.pdf.objects import Objects, read_objects
from policy.extraction.pdf.streams import decoded
from rules.content import Content, FileKind

DOCUMENTS = Path(__file__).parents[2] / "messages" / "documents"
NUMBER = "536-22-1234"
TEXT = b"SSN 536-22-1234 " * 3


def shown(content: Content) -> str:
    return "\n".join(part.text for part in content.parts)


def reasons(content: Content) -> list[str]:
    return [fact.reason for fact in content.files if fact.unreadable]


def tar(kind: bytes, form: int = tarfile.USTAR_FORMAT) -> bytes:
    info = tarfile.TarInfo("a.txt")
    info.size, info.type = len(TEXT), kind
    return info.tobuf(form) + TEXT.ljust(512, b"\0") + bytes(1024)


def test_a_member_of_no_known_type_is_a_file_as_tar_unpacks_it() -> None:
    content = extract("a.tar", tar(b"Z"))
    assert NUMBER in shown(content) and not reasons(content)


def test_a_tar_without_a_mark_is_known_by_its_sum() -> None:
    data = bytearray(tar(b"0"))
    data[257:265] = bytes(8)
    data[148:156] = b" " * 8
    data[148:156] = b"%06o\0 " % sum(data[:512])
    content = extract("a", bytes(data))
    assert content.files[0].kind is FileKind.ARCHIVE and NUMBER in shown(content)
    data[0] ^= 1
    assert extract("a", bytes(data)).files[0].kind is not FileKind.ARCHIVE


@pytest.mark.parametrize(("name", "method"), [(b"a.txt", 8), (b"a/", 8), (b"a.txt", 0)])
def test_bytes_that_the_directory_of_a_zip_denies_are_read(name: bytes, method: int) -> None:
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    data = packer.compress(TEXT) + packer.flush() if method else TEXT
    local = b"PK\3\4" + struct.pack("<5H3I2H", 20, 8, method, 0, 0, 0, 0, 0, len(name), 0) + name + data
    local += b"PK\7\x08" + struct.pack("<3I", zlib.crc32(TEXT), len(data), len(TEXT))
    listed = b"PK\1\2" + struct.pack("<6H3I5H2I", 20, 20, 8, method, 0, 0, 0, 0, 0, len(name), 0, 0, 0, 0, 0, 0) + name
    ends = b"PK\5\6" + struct.pack("<4H2IH", 0, 0, 1, 1, len(listed), len(local), 0)
    content = extract("a.zip", local + listed + ends)
    assert NUMBER in shown(content) and reasons(content)


def test_a_document_with_a_part_that_its_directory_does_not_name_is_told() -> None:
    def zipped(name: str, text: str) -> bytes:
        out = BytesIO()
        with zipfile.ZipFile(out, "w") as archive:
            archive.writestr(name, text)
        return out.getvalue()

    hidden = zipped("content.xml", "<a>SSN</a>").partition(b"PK\1\2")[0]
    assert "a zip with entries that its directory does not name" in reasons(
        extract("a.odt", hidden.replace(b"content.xml", b"mimetypexml", 1) + zipped("content.xml", "<a/>"))
    ) + reasons(extract("a.zip", hidden + zipped("content.xml", "<a/>")))


def test_an_empty_part_is_no_broken_one_but_styles_alone_are_no_document() -> None:
    def odf(**parts: str) -> list[str]:
        out = BytesIO()
        with zipfile.ZipFile(out, "w") as archive:
            archive.writestr("mimetype", "application/vnd.oasis.opendocument.text")
            for name, text in parts.items():
                archive.writestr(f"{name}.xml", text)
        return reasons(extract("a.odt", out.getvalue()))

    assert not odf(content="<a/>", current="")
    assert odf(styles="<a/>") == odf(other="<a/>") == ["an OpenDocument file without its content"]


def test_a_part_taken_out_of_its_document_is_read() -> None:
    space = 'xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"'
    part = f"<?xml version='1.0'?><office:document-settings {space}><x>SSN {NUMBER}</x></office:document-settings>"
    assert NUMBER in shown(extract("settings.xml", part.encode()))


def flated(data: bytes) -> bytes:
    return b"<</Filter/FlateDecode/Length %d>>stream\n%b\nendstream" % (len(data), data)


def page(stream: bytes, *objects: bytes, catalog: bytes = b"") -> bytes:
    body = [
        b"<</Type/Catalog/Pages 2 0 R %b>>" % catalog,
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 300 300]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>",
        stream,
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
        *objects,
    ]
    out, places = bytearray(b"%PDF-1.7\n"), []
    for number, each in enumerate(body, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%b\nendobj\n" % (number, each)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(body) + 1) + b"".join(b"%010d 00000 n \n" % at for at in places)
    return bytes(out) + b"trailer<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (len(body) + 1, start)


def test_a_page_whose_content_is_torn_is_told_and_read_as_far_as_it_goes() -> None:
    packer = zlib.compressobj()
    whole = packer.compress(b"BT /F1 12 Tf 20 100 Td (SSN 536-22-1234) Tj ET ") + packer.flush(zlib.Z_FULL_FLUSH)
    content = extract("a.pdf", page(flated(whole + b"\7" * 20)))  # no kind of block begins so
    assert NUMBER in shown(content) and reasons(content) == ["a PDF with a broken page"]
    assert not reasons(extract("a.pdf", page(flated(whole + packer.flush()))))


def test_a_page_whose_content_stays_packed_is_told() -> None:
    packed = zlib.compress(b"BT /F1 12 Tf 20 100 Td (SSN 536-22-1234) Tj ET")
    strange = flated(packed).replace(b"/Filter/", b"/Filler/")
    assert reasons(extract("a.pdf", page(strange))) == ["a PDF with a broken page"]
    for torn in (flated(packed).replace(b"/Flate", b"/Encrypt"), flated(packed).replace(b">>stream", b">>strm")):
        assert reasons(extract("a.pdf", page(torn))) == ["a PDF with a broken page"]
    assert not reasons(extract("a.pdf", page(b"<</Length 0>>stream\n\nendstream")))


def test_strings_outside_of_objects_and_in_broken_ones_are_read() -> None:
    objects = read_objects(b"1 0 ob <</Title(lost one)>> 2 0 obj<</A /B(stray)/C(kept)>>endobj (behind)", 1_000)
    assert objects.loose == [b"lost one", b"behind"]
    assert objects.by_number[2] == {"A": "B", "": [b"stray"], "C": b"kept"}
    assert Objects().loose == []


def test_filters_tell_whether_they_understood_all() -> None:
    packer = zlib.compressobj(0)
    packed = packer.compress(b"hello " * 9_000) + packer.flush(zlib.Z_FULL_FLUSH)
    ended = packed + packer.flush()
    for source, sound in ((ended, True), (ended[:-4] + b"XXXX", True), (packed + b"\7" * 60_000, False)):
        found = decoded(source, ["FlateDecode"], 1 << 20)
        assert found is not None and found.sound is sound and found.data.startswith(b"hello hello")
    bad = decoded(b"87cUR\xffD]i,~>", ["A85"], 100)
    assert bad is not None and not bad.sound


def test_slides_that_nothing_leads_to_are_told() -> None:
    out = BytesIO()
    spaces = 'xmlns:p="http://schemas.openxmlformats.org/presentationml/2006/main" xmlns:r="r"'
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr(
            "ppt/presentation.xml",
            f'<p:presentation {spaces}><p:sldIdLst><p:sldId id="256" r:id="rId1"/></p:sldIdLst></p:presentation>',
        )
    assert any("names parts" in reason for reason in reasons(extract("a.pptx", out.getvalue())))


def pdf_of(
    content: bytes, *objects: bytes, resources: bytes = b"", catalog: bytes = b"", annotations: bytes = b""
) -> Content:
    data = page(b"<</Length %d>>stream\n%b\nendstream" % (len(content), content), *objects, catalog=catalog)
    data = data.replace(b"/Resources<<", b"%b/Resources<<%b" % (annotations, resources), 1)
    return extract("a.pdf", data)


def line(text: str, across: int = 20, turn: str = "") -> bytes:
    place = f"{turn} {across} 100 Tm" if turn else f"{across} 100 Td"
    return f"BT /F1 12 Tf {place} ({text}) Tj ET ".encode()


@pytest.mark.parametrize(
    "content",
    [
        line("SSN 536-9922-1234") + b"1 g 72 95 13.4 20 re f",
        line("SSN 536") + b"q 0 0 1 1 re W n " + line("99", 66) + b"Q " + line("-22-1234", 66),
        b"BT /F1 12 Tf 20 100 Td /Span<</ActualText(hello)>>BDC (SSN 536-22-1234) Tj EMC ET",
        b"".join(
            line(sign, 260 - 7 * at, "-1 0 0 -1") for at, sign in sorted(enumerate(NUMBER), key=lambda pair: pair[1])
        ),
    ],
)
def test_a_page_is_read_as_it_is_seen(content: bytes) -> None:
    assert NUMBER in shown(pdf_of(content))


def test_a_page_is_read_without_what_lies_on_a_layer() -> None:
    content = line("SSN 536") + b"/OC /o BDC " + line("99", 66) + b"EMC " + line("-22-1234", 66)
    layer = b"<</Type/OCG/Name(x)>>"
    off = b"/OCProperties<</OCGs[6 0 R]/D<</OFF[6 0 R]>>>>"
    assert NUMBER in shown(pdf_of(content, layer, resources=b"/Properties<</o 6 0 R>>", catalog=off))


def test_fields_are_read_in_the_lines_they_stand_in() -> None:
    fields = [
        b"<</Type/Annot/Subtype/Widget/FT/Tx/T(%d)/V(%b)/Rect[%d 90 %d 120]>>" % (at, text, 50 + 30 * at, 79 + 30 * at)
        for at, text in enumerate((b"536", b"22", b"1234"))
    ]
    content = pdf_of(line("SSN"), *fields, annotations=b"/Annots[6 0 R 7 0 R 8 0 R]")
    assert "SSN 536 22 1234" in shown(content)


def test_a_number_over_three_pages() -> None:
    more = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 300 300]/Contents %d 0 R/Resources<</Font<</F1 5 0 R>>>>>>"
    streams = [b"<</Length %d>>stream\n%b\nendstream" % (len(one), one) for one in (line("22-"), line("1234"))]
    first = line("SSN 536-")
    data = page(
        b"<</Length %d>>stream\n%b\nendstream" % (len(first), first), more % 7, streams[0], more % 9, streams[1]
    ).replace(b"/Kids[3 0 R]/Count 1", b"/Kids[3 0 R 6 0 R 8 0 R]/Count 3")
    assert NUMBER in shown(extract("a.pdf", data))


@pytest.mark.parametrize(
    ("drawing", "names", "told"),
    [("0 0 9 9 re f", "five", True), ("0 0 9 9 re f", "g53", False), ("BT (5) Tj ET", "five", False)],
)
def test_a_font_whose_signs_nothing_names_is_told(drawing: str, names: str, told: bool) -> None:
    font = (
        "<</Type/Font/Subtype/Type3/FontBBox[0 0 9 9]/FontMatrix[.1 0 0 .1 0 0]/FirstChar 53/LastChar 53/Widths[9]"
        f"/Encoding<</Differences[53/{names}]>>/CharProcs<</{names} 7 0 R>>>>"
    )
    glyph = f"<</Length {len(drawing)}>>stream\n{drawing}\nendstream"
    assert (not reasons(pdf_of(line("5"), font.encode(), glyph.encode()))) is told


def test_texts_that_scripts_put_together() -> None:
    script = rb"/OpenAction<</S/JavaScript/JS(app.alert\('SSN 536'+'-22'+'-1234'\))>>"
    assert NUMBER in shown(pdf_of(b"", catalog=script))


def test_comments_are_passed_over() -> None:
    found = read_objects(b"1 0 obj %a (\r\n  %% b\n<</A (x) % (\n/B [1 %]\n 3]>> endobj 2 0 obj 5 %", 1 << 20)
    assert found.by_number == {1: {"A": b"x", "B": [1.0, 3.0]}, 2: 5.0}


@pytest.mark.parametrize("part", [b"% %", b"%\n ", b"1 0 obj %", b"%1 0 obj\n", b"1 0 obj[%"])
def test_comments_without_an_end_are_looked_at_once(part: bytes) -> None:
    """Not in every way in which they can be taken apart, nor up to the file's end for each object in one."""
    found = read_objects(b"1 0 obj" + part * (360_000 // len(part)) + b"%\nendobj 2 0 obj (x) endobj", 1 << 20)
    assert found.by_number[2] == b"x"


def test_a_pdf_that_ends_too_early_is_told() -> None:
    data = (DOCUMENTS / "modern" / "qpdf-linearized.pdf").read_bytes().replace(b"/Pages 1 0 R", b"/Pages 9 0 R")
    (fact,) = extract("a.pdf", data[:14_000]).files
    assert fact.unreadable


def test_a_page_that_some_programs_mend_is_read_and_told() -> None:
    """Poppler shows this page, PDFium a blank one."""
    data = (DOCUMENTS / "modern" / "qpdf-linearized.pdf").read_bytes().replace(b"/Pages 1 0 R", b"/Pages 9 0 R")
    content = extract("a.pdf", data)
    assert "536-22-1171" in shown(content)
    assert [fact.unreadable for fact in content.files] == [True]


def test_a_document_whose_places_lead_nowhere_is_read() -> None:
    """What is in front of the text is longer than it says, and what lies behind it shorter."""
    data = (DOCUMENTS / "legacy" / "letter.doc").read_bytes()
    content = extract("a.doc", data[:1876] + bytes(1056) + data[1876:5871] + data[6927:])
    assert "SSN 536-21-1337" in shown(content)


def test_shared_texts_of_no_cell_are_read() -> None:
    """Whoever deletes a cell with some programs leaves its text in the file."""
    out = BytesIO()
    with zipfile.ZipFile(DOCUMENTS / "modern" / "calc-hidden-column.xlsx") as book, zipfile.ZipFile(out, "w") as torn:
        for name in book.namelist():
            more = f"<si><t>{NUMBER}</t></si></sst>".encode()
            torn.writestr(name, book.read(name).replace(b"</sst>", more))
    content = extract("a.xlsx", out.getvalue())
    assert [part.place for part in content.parts if NUMBER in part.text] == ["a.xlsx > texts of no cell"]
    assert not any(fact.unreadable for fact in content.files)
