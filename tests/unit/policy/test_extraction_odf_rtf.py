"""OpenDocument and RTF as a reader sees them; PDFs by place and glyph; files that need a password."""

import zipfile
from io import BytesIO

import msoffcrypto.format.ooxml
import pytest

from policy.extraction.extract import extract
from policy.extraction.pdf.objects import Name, Reference, Stream, read_objects, text_of
from policy.extraction.pdf.streams import decoded
from policy.extraction.rtf.shown import read_found
from rules.content import Content, FileKind

NUMBER = "536-22-1234"
_O = (
    'xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" xmlns:text="t" xmlns:style="s" xmlns:table="b" '
    'xmlns:fo="f"'
)
_CHANGED = (
    '<text:tracked-changes><text:changed-region text:id="c"><text:{0}><text:p>{1}</text:p></text:{0}>'
    "</text:changed-region></text:tracked-changes>"
)
_HIDDEN = '<style:style style:name="H"><style:text-properties text:display="none"/></style:style>'


def flat(body: str, kind: str = "text", styles: str = _HIDDEN) -> bytes:
    start = f'<?xml version="1.0"?><office:document {_O} office:mimetype="application/vnd.oasis.opendocument.{kind}">'
    inner = (
        f"<office:automatic-styles>{styles}</office:automatic-styles><office:body><office:{kind}>{body}</office:{kind}>"
    )
    return f"{start}{inner}</office:body></office:document>".encode()


def texts(content: Content) -> list[str]:
    return [part.text for part in content.parts]


@pytest.mark.parametrize(
    "body",
    [
        "<text:p>536<text:span>-22</text:span>-1234</text:p>",
        '<text:p>536<text:span text:style-name="H">99</text:span>-22-1234</text:p>',
        "<text:p>536<office:annotation><text:p>x</text:p></office:annotation>-22-1234</text:p>",
        "<text:p>536<text:note><text:note-citation>1</text:note-citation><text:note-body><text:p>x</text:p>"
        "</text:note-body></text:note>-22-1234</text:p>",
        f'{_CHANGED.format("deletion", "99")}<text:p>536<text:change text:change-id="c"/>-22-1234</text:p>',
        f'{_CHANGED.format("deletion", "-22")}<text:p>536<text:change text:change-id="c"/>-1234</text:p>',
        f'{_CHANGED.format("insertion", "")}<text:p>536<text:change-start text:change-id="c"/>99'
        '<text:change-end text:change-id="c"/>-22-1234</text:p>',
        "<text:p><text:ruby><text:ruby-base>536</text:ruby-base><text:ruby-text>9</text:ruby-text></text:ruby>-22-1234</text:p>",
        '<text:p><text:conditional-text text:string-value-if-true="536-22-1234"/></text:p>',
    ],
    ids=["spans", "hidden", "comment", "note", "deleted", "as it was", "as it was before", "ruby", "conditional"],
)  # fmt: skip
def test_the_number_is_read_as_shown(body: str) -> None:
    content = extract("a.fodt", flat(body))
    assert any(NUMBER in text for text in texts(content))
    assert content.files[0].kind is FileKind.DOCUMENT


def test_cells_of_a_flat_sheet_have_places_and_formulas_results() -> None:
    cells = "".join(f"<table:table-cell><text:p>{each}</text:p></table:table-cell>" for each in ("536", "22", "1234"))
    formula = "of:=[.A1]&amp;&quot;-&quot;&amp;[.B1]&amp;&quot;-&quot;&amp;[.C1]"
    row = f'<table:table-row>{cells}<table:table-cell table:formula="{formula}"/></table:table-row>'
    content = extract("a.fods", flat(f'<table:table table:name="Pay">{row}</table:table>', "spreadsheet"))
    (found,) = [part for part in content.parts if NUMBER in part.text]
    assert found.place == "a.fods > Pay"
    assert [mark for offset, mark in found.marks if offset <= found.text.index(NUMBER)][-1] == "D1"


def test_a_cell_that_is_told_once_and_shown_twice() -> None:
    def cell(text: str, more: str = "") -> str:
        return f"<table:table-cell{more}><text:p>{text}</text:p></table:table-cell>"

    digits = cell("2", ' table:number-columns-repeated="2"')
    row = f"<table:table-row>{''.join(map(cell, '536'))}{digits}{''.join(map(cell, '1234'))}</table:table-row>"
    shown = texts(extract("a.fods", flat(f'<table:table table:name="Pay">{row}</table:table>', "spreadsheet")))
    assert any("536221234" in text for text in shown)
    many = cell("7", ' table:number-columns-repeated="16000"')
    wide = flat(f"<table:table><table:table-row>{many}</table:table-row></table:table>", "spreadsheet")
    assert max(map(len, texts(extract("a.fods", wide)))) < 200


def test_an_opendocument_file_without_its_content_is_told() -> None:
    out = BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.text")
        archive.writestr("meta.xml", "<x/>")
    assert extract("a.odt", out.getvalue()).files[0].unreadable


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        (rb"{\rtf1 536{\v 99}-22-1234}", NUMBER),
        (rb"{\rtf1 \uc1 \u53?\u51?\u54?\_22\_1234}", NUMBER),
        (rb"{\rtf1 5\'336{\*\unknown 99}-22-12\b 34}", NUMBER),
        (rb"{\rtf1{\colortbl;\red255\green255\blue255;}536{\cf1 99}-22-1234}", NUMBER),
        (rb"{\rtf1 536{\deleted 99}-22-1234}", NUMBER),
        (rb"{\rtf1 536-{\upr{99}{\*\ud{22}}}-1234}", NUMBER),
        (rb"{\rtf1{\field{\*\fldinst HYPERLINK x}{\fldrslt 536}}-22-1234}", NUMBER),
        (rb"{\rtf1{\fonttbl{\f0 A;}{\f1\fcharset204 B;}}\f1 \'d1\'d1\f0 \'d1}", "\u0421\u0421\xd1"),
        (rb"{\rtf1 \u-10179?\u-8704?}", "\U0001f600"),
    ],
)
def test_rtf_as_shown(source: bytes, shown: str) -> None:
    found = read_found(source)
    assert "\n".join(readings[0].text for readings in found.texts.values()) == shown and found.whole


def test_rtf_gives_places_files_and_what_stands_beside() -> None:
    found = read_found(
        rb"{\rtf1{\header one}{\footnote two}{\*\docvar three}{\pict\bin3 }}x}{\object{\*\objdata 0a0b}}}"
    )
    assert {place: [each.text for each in readings] for place, readings in found.texts.items()} == {
        "header": ["one"],
        "footnotes": ["two"],
    }
    assert (found.beside, found.pictures, found.objects, found.whole) == ("three", [b"}}x"], [b"\n\x0b"], True)


def test_paragraphs_among_the_fonts_are_told() -> None:
    assert read_found(rb"{\rtf1{\fonttbl{\f0 Arial;}}\pard one\par}").whole
    assert not read_found(rb"{\rtf1{\fonttbl{\f0 Arial;}\pard SSN 536-22-1234\par}}").whole


def test_a_file_packed_in_rtf_is_read() -> None:
    packed = (
        b"\2\0note.txt\0C:\\note.txt\0\0\0\3\0" + b"\1\0\0\0x" + len(NUMBER).to_bytes(4, "little") + NUMBER.encode()
    )
    name = b"\x08\0\0\0Package\0"
    data = b"\1\5\0\0\2\0\0\0" + name + bytes(8) + len(packed).to_bytes(4, "little") + packed
    content = extract("a.rtf", rb"{\rtf1 x{\object{\*\objdata " + data.hex().encode() + rb"}}}")
    assert [part.place for part in content.parts if part.text == NUMBER] == ["a.rtf > note.txt"]
    assert not any(fact.unreadable for fact in content.files)


def test_objects_of_a_pdf_are_read_wherever_they_lie() -> None:
    packed = b"7 0 <</A(x\\)\\\ny)/B<FEFF0035>/C[1 0 R /N#20m true null -1.5]>>"
    source = b"1 0 obj (a(b)c) endobj 1 0 obj (new) endobj 5 0 obj"
    source += b"<</Type/ObjStm/N 1/First 4/Length %d>>stream\n%s\nendstream"
    objects = read_objects(source % (len(packed), packed), 10_000)
    assert objects.get(Reference(1)) == b"new"
    assert objects.earlier == [b"a(b)c"]
    assert objects.get(Reference(7)) == {
        "A": b"x)y",
        "B": b"\xfe\xff\x005",
        "C": [Reference(1), Name("N m"), True, None, -1.5],
    }
    assert isinstance(objects.get(Reference(5)), Stream)
    assert text_of(b"\xfe\xff\x005") == "5"


@pytest.mark.parametrize(
    ("data", "filters", "plain"),
    [
        (b"68 65 6C6c6F>", ["ASCIIHexDecode"], b"hello"),
        (b"BOu!rDZ~>", ["A85"], b"hello"),
        (b"\x04hello\xfdx\x80", ["RunLengthDecode"], b"helloxxxx"),
        (b"\x80\x0b\x60\x50\x22\x0c\x0c\x85\x01", ["LZWDecode"], b"-----A---B"),
        (b"\x78\x9c\xcb\x48\xcd\xc9\xc9\x07\x00\x06\x2c\x02\x15", ["FlateDecode"], b"hello"),
        (b"\x00\x00\xcb\x48\xcd\xc9\xc9\x07\x00", ["Fl"], b"hello"),
        (b"x", ["DCTDecode"], None),
    ],
)
def test_filters_of_pdf_streams_are_undone(data: bytes, filters: list[str], plain: bytes | None) -> None:
    found = decoded(data, filters, 1_000)
    assert (found and found.data) == plain


@pytest.mark.slow
def test_an_office_file_is_opened_with_a_word_that_fits() -> None:
    document = BytesIO()
    with zipfile.ZipFile(document, "w") as archive:
        types = '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>'
        archive.writestr("[Content_Types].xml", f"<?xml version='1.0' encoding='UTF-8' standalone='yes'?>\n{types}")
        archive.writestr(
            "word/document.xml", f'<w:document xmlns:w="w"><w:p><w:r><w:t>{NUMBER}</w:t></w:r></w:p></w:document>'
        )
        archive.writestr("word/filler.xml", f"<x>{' ' * 10_000}</x>")  # its writer asks for more than a few bytes
    document.seek(0)
    locked = BytesIO()
    msoffcrypto.format.ooxml.OOXMLFile(document).encrypt("Tiger7!", locked)
    (fact,) = extract("a.docx", locked.getvalue()).files
    assert (fact.encrypted, fact.unreadable, fact.reason) == (True, False, "needs a password")
    content = extract("a.docx", locked.getvalue(), passwords=("Tiger7!",))
    assert NUMBER in texts(content)
    assert [(fact.encrypted, fact.reason) for fact in content.files] == [(True, "opened with a password")]
