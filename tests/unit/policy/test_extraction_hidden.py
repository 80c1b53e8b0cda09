"""Numbers hidden in fields, scripts, sheets, slides and packed files, each as the program shows it that opens it."""

import gzip
import zlib
from base64 import b64encode
from io import BytesIO
from zipfile import ZipFile

import pytest

from policy.extraction.extract import extract
from policy.extraction.message import read_message
from policy.extraction.text.codes import coded_numbers
from policy.extraction.text.spelling import spelled_readings
from rules.content import Content
from rules.normalise import normalise

NUMBER, BARE = "536-22-1234", "536221234"
TOLD = f"Her SSN is {NUMBER}"
OFFICE = "http://schemas.openxmlformats.org"
LINKS = f"{OFFICE}/officeDocument/2006/relationships"
W = f'xmlns:w="{OFFICE}/wordprocessingml/2006/main"'
X = f'xmlns="{OFFICE}/spreadsheetml/2006/main" xmlns:r="{LINKS}"'
P = f'xmlns:p="{OFFICE}/presentationml/2006/main" xmlns:a="{OFFICE}/drawingml/2006/main"'
ODF = " ".join(
    f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name if name != "draw" else "drawing"}:1.0"'
    for name in ("office", "text", "table", "draw")
)
PAGE = "<html><body><p>The form</p><script>{}</script></body></html>"


def shows(content: Content, number: str = NUMBER) -> bool:
    return any(number in part.text or number.replace("-", "") in part.text for part in content.parts)


def package(main: str, parts: dict[str, str]) -> bytes:
    """A document of Office."""
    out = BytesIO()
    link = f'<Relationship Id="r1" Type="{LINKS}/officeDocument" Target="{main}"/>'
    with ZipFile(out, "w") as archive:
        types = f'<Types xmlns="{OFFICE}/package/2006/content-types"/>'
        head = f'<Relationships xmlns="{OFFICE}/package/2006/relationships">'
        for name, text in {
            "[Content_Types].xml": types,
            "_rels/.rels": f"{head}{link}</Relationships>",
            **parts,
        }.items():
            archive.writestr(name, text)
    return out.getvalue()


def workbook(row: str, styles: str = "", columns: str = "") -> bytes:
    links = f'<Relationship Id="r1" Type="{LINKS}/worksheet" Target="worksheets/sheet1.xml"/>'
    links += f'<Relationship Id="r2" Type="{LINKS}/styles" Target="styles.xml"/>'
    return package(
        "xl/workbook.xml",
        {
            "xl/workbook.xml": f'<workbook {X}><sheets><sheet name="S" sheetId="1" r:id="r1"/></sheets></workbook>',
            "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{OFFICE}/package/2006/relationships">{links}'
            "</Relationships>",
            "xl/styles.xml": f"<styleSheet {X}>{styles}</styleSheet>",
            "xl/worksheets/sheet1.xml": f'<worksheet {X}>{columns}<sheetData><row r="1">{row}</row></sheetData>'
            "</worksheet>",
        },
    )


def with_decoys(style: str) -> str:
    cells = ['<c r="A1" t="inlineStr"><is><t>SSN</t></is></c>']
    for at, sign in enumerate(BARE):
        cells.append(f'<c r="{chr(66 + 2 * at)}1"><v>{sign}</v></c>')
        cells.append(f'<c r="{chr(67 + 2 * at)}1" {style}><v>8</v></c>')
    return "".join(cells)


NARROW = "".join(f'<col min="{at}" max="{at}" width="0.01" customWidth="1"/>' for at in range(3, 21, 2))
UNSEEN = '<numFmts><numFmt numFmtId="170" formatCode=";;;"/></numFmts><cellXfs><xf/><xf numFmtId="170"/></cellXfs>'
WHITE = '<fonts><font/><font><color rgb="FFFFFFFF"/></font></fonts><cellXfs><xf/><xf fontId="1"/></cellXfs>'


@pytest.mark.parametrize(
    ("style", "styles", "columns"),
    [("", "", f"<cols>{NARROW}</cols>"), ('s="1"', UNSEEN, ""), ('s="1"', WHITE, "")],
    ids=["narrow", "unseen", "white"],
)
def test_cells_that_are_not_seen_are_left_out_of_a_row(style: str, styles: str, columns: str) -> None:
    content = extract("a.xlsx", workbook(with_decoys(style), styles, columns))
    assert any(f"SSN {BARE}" in part.text for part in content.parts)
    assert not any(fact.unreadable for fact in content.files)


@pytest.mark.parametrize(
    ("formula", "told"),
    [("SUMPRODUCT({5,3,6},{100,10,1})", True), ("_xlfn.TEXTSPLIT(A1,{1;2})", True), ("SUM(A1:B1)", False)],
)
def test_a_formula_of_constants_that_has_no_result_is_told(formula: str, told: bool) -> None:
    content = extract("a.xlsx", workbook(f'<c r="A1"><v>1</v></c><c r="C1"><f>{formula}</f></c>'))
    assert any(fact.unreadable for fact in content.files) is told


def test_boxes_of_groups_stand_where_the_slide_shows_them() -> None:
    def box(text: str, across: int) -> str:
        frame = f'<a:xfrm><a:off x="{across}" y="0"/><a:ext cx="9" cy="100000"/></a:xfrm>'
        return f"<p:sp><p:spPr>{frame}</p:spPr><p:txBody><a:p><a:r><a:t>{text}</a:t></a:r></a:p></p:txBody></p:sp>"

    inside = '<a:ext cx="200" cy="200"/><a:chOff x="0" y="0"/><a:chExt cx="100" cy="100"/>'
    group = f'<p:grpSp><p:grpSpPr><a:xfrm><a:off x="900000" y="0"/>{inside}</a:xfrm></p:grpSpPr>{box("22-1234", 0)}'
    slide = f"<p:sld {P}><p:cSld><p:spTree>{group}</p:grpSp>{box('SSN 536-', 100_000)}</p:spTree></p:cSld></p:sld>"
    main = f"<p:presentation {P}/>"
    content = extract("a.pptx", package("ppt/p.xml", {"ppt/p.xml": main, "ppt/slides/slide1.xml": slide}))
    assert any("SSN 536- 22-1234" in part.text for part in content.parts)


def test_a_large_first_letter_belongs_to_the_paragraph_behind_it() -> None:
    frame = '<w:pPr><w:framePr w:dropCap="drop" w:lines="3"/></w:pPr>'
    body = f"<w:p>{frame}<w:r><w:t>5</w:t></w:r></w:p><w:p><w:r><w:t>36-22-1234 is her SSN</w:t></w:r></w:p>"
    part = f"<w:document {W}><w:body>{body}</w:body></w:document>"
    assert shows(extract("a.docx", package("word/document.xml", {"word/document.xml": part})))


def opendocument(kind: str, body: str) -> Content:
    out = BytesIO()
    with ZipFile(out, "w") as archive:
        archive.writestr("mimetype", f"application/vnd.oasis.opendocument.{kind}")
        inside = f"<office:body><office:{kind}>{body}</office:{kind}></office:body>"
        archive.writestr("content.xml", f"<office:document-content {ODF}>{inside}</office:document-content>")
    return extract("a.odt", out.getvalue())


@pytest.mark.parametrize(
    "body",
    [
        "<text:tracked-changes><text:changed-region><text:deletion><text:p>SSN 536-22-1234</text:p></text:deletion>"
        "</text:changed-region></text:tracked-changes><text:p>x</text:p>",
        '<text:p>SSN 536-<text:hidden-text text:string-value="22-1234"/></text:p>',
        '<text:p>SSN 536-<text:conditional-text text:string-value-if-true="22-1234"/></text:p>',
        '<text:p><text:drop-down><text:label text:value="SSN 536-22-1234"/></text:drop-down></text:p>',
        "<table:tracked-changes><table:cell-content-change><table:previous><table:change-track-table-cell>"
        "<text:p>SSN 536-22-1234</text:p></table:change-track-table-cell></table:previous></table:cell-content-change>"
        "</table:tracked-changes>",
    ],
)
def test_fields_and_changes_of_opendocument(body: str) -> None:
    assert shows(opendocument("text", body))


def test_boxes_of_opendocument_that_are_moved() -> None:
    frames = "".join(
        f'<draw:frame draw:transform="translate({at}cm 1cm)"><draw:text-box><text:p>{sign}</text:p></draw:text-box>'
        "</draw:frame>"
        for at, sign in reversed(list(enumerate(["SSN", "536", "22", "1234"])))
    )
    content = opendocument("presentation", f"<draw:page>{frames}</draw:page>")
    assert any("SSN 536 22 1234" in part.text for part in content.parts)


@pytest.mark.parametrize("page", [1200, 37, 1252])
def test_the_signs_of_rtf_are_ascii_whatever_page_it_names(page: int) -> None:
    assert shows(extract("a.rtf", rb"{\rtf1\ansicpg%d Her SSN is 536-22-1234}" % page))


def test_digits_in_circles_of_a_symbol_font() -> None:
    fonts = rb"{\fonttbl{\f0 Arial;}{\f1\fcharset2 Wingdings;}}"
    content = extract("a.rtf", rb"{\rtf1" + fonts + rb" Her SSN is {\f1\'85\'83\'86}-22-1234}")
    assert any(NUMBER in normalise(part.text).text for part in content.parts)


@pytest.mark.parametrize(
    "code",
    [
        f"document.write(atob('{b64encode(TOLD.encode()).decode()}'))",
        f"var a = '{b64encode(TOLD.encode()).decode()[:9]}' + '{b64encode(TOLD.encode()).decode()[9:]}'; eval(atob(a))",
        f"document.write(unescape('{''.join(f'%{ord(sign):02X}' for sign in TOLD)}'))",
        f"document.write(decodeURIComponent('{''.join(f'%{ord(sign):02X}' for sign in '<b>' + TOLD)}'))",
        f"document.write(String.fromCharCode({', '.join(str(ord(sign)) for sign in TOLD)}))",
        f"document.write(String.fromCharCode({','.join(hex(ord(sign)) for sign in TOLD)}))",
        f"document.body.innerHTML = '{TOLD[::-1]}'.split('').reverse().join('')",
        f"new Blob([new Uint8Array([{','.join(str(byte) for byte in TOLD.encode())}])])",
    ],
)
def test_what_a_script_unpacks_is_read_and_told(code: str) -> None:
    content = extract("page.html", PAGE.format(code).encode())
    assert shows(content)
    assert [fact.reason for fact in content.files] == ["a page whose script unpacks what it shows, which is not run"]


@pytest.mark.parametrize(
    "code",
    ["document.write(['536', '22', '1234'].join('-'))", "document.write(`SSN ${'536'}-${22}-1234`)"],
)
def test_what_a_script_puts_together_is_read(code: str) -> None:
    content = extract("page.html", PAGE.format(code).encode())
    assert shows(content) and not any(fact.unreadable for fact in content.files)


def test_a_file_that_a_script_holds_is_told() -> None:
    out = BytesIO()
    with ZipFile(out, "w") as archive:
        archive.writestr("a.txt", TOLD)
    code = f"var b = new Blob([atob('{b64encode(out.getvalue()).decode()}')])"
    content = read_message(b"Content-Type: text/html\r\n\r\n" + PAGE.format(code).encode())
    assert [fact.reason for fact in content.content.files] == ["a file inside a page, which is not read"]


def test_scripts_of_the_message_itself_are_not_told() -> None:
    code = f"document.write(atob('{b64encode(TOLD.encode()).decode()}'))"
    message = read_message(b"Content-Type: text/html\r\n\r\n" + PAGE.format(code).encode())
    assert shows(message.content) and not message.content.files  # mail programs run none


@pytest.mark.parametrize(
    "cell",
    ["<td x:num=\"536221234\">536M", "<td x:fmla='=\"536-22\"&amp;\"-1234\"'>", "<td>=\"536\"&amp;\"-22-1234\"",
     "<td style='mso-number-format:\"000\\-00\\-0000\"' x:num=536221234>x"],
)  # fmt: skip
def test_a_page_as_a_sheet_opens_it(cell: str) -> None:
    page = f'<html xmlns:x="urn:schemas-microsoft-com:office:excel"><table><tr><td>SSN</td>{cell}</td></tr></table>'
    assert shows(extract("pay.xls", page.encode()))


def test_packed_without_a_name_of_its_own() -> None:
    for level in (1, 6, 9):
        content = extract("a.bin", zlib.compress(TOLD.encode() * 3, level))
        assert shows(content) and not content.files[0].unreadable
    assert extract("a.bin", zlib.compress(TOLD.encode() * 3)[:-9]).files[0].unreadable
    assert shows(extract("a.svgz", gzip.compress(zlib.compress(TOLD.encode() * 3))))
    assert extract("a.txt", b"x\x9c and more text in Windows-1252").files[0].kind.value == "text"


def test_a_file_in_a_script_of_the_shell() -> None:
    script = b"#!/bin/sh\nuudecode <<'E'\nbegin 644 a.txt\n>2&5R(%-33B!I<R U,S8M,C(M,3(S- \n`\nend\nE\n"
    assert shows(extract("a.shar", script))


def test_xml_in_ebcdic_and_xml_that_rewrites_itself() -> None:
    assert shows(extract("a.xml", f'<?xml version="1.0" encoding="cp037"?><r>{TOLD}, as said</r>'.encode("cp037")))
    sheet = '<xsl:stylesheet xmlns:xsl="http://www.w3.org/1999/XSL/Transform"/>'
    for link, told in (('href="#s"', True), ('href="other.xsl"', False)):
        source = f'<?xml version="1.0"?><?xml-stylesheet type="text/xsl" {link}?><r>{sheet if told else ""}</r>'
        assert extract("a.xml", source.encode()).files[0].unreadable is told


@pytest.mark.parametrize(
    ("field", "is_read"),
    [
        ("Message-ID: SSN 536-22-1234", True),
        ("References: <1@a.example> SSN 536-22-1234", True),
        ("Date: Mon, 5 Jan 2026 09:30:00 +0100 (SSN 536-22-1234)", True),
        ("Date: SSN 536-22-1234", True),
        ("MIME-Version: 1.0 (SSN: 536-22-1234)", True),
        ("Message-ID: <536-22-1234.a@example.com>", False),
        ("Date: Mon, 5 Jan 2026 09:30:00 +0100 (Central European Time)", False),
        ("Return-Path: <>", False),
        ("MIME-Version: 1.0 (Mac OS X Mail 16.0 \\(3696\\))", False),
    ],
)
def test_fields_of_machines_are_read_where_no_machine_wrote_them(field: str, is_read: bool) -> None:
    parts = read_message(f"From: a@b.example\r\n{field}\r\n\r\nhi\r\n".encode()).content.parts
    assert any(part.place.lower() == f"header {field.partition(':')[0].lower()}" for part in parts) is is_read


def test_a_number_from_the_subject_into_the_text() -> None:
    message = read_message(b"Subject: Her SSN: 536-22-\r\nFrom: a@b.example\r\n\r\n1234, as you asked\r\n")
    assert shows(message.content)


def test_braille_and_characters_without_a_meaning() -> None:
    assert normalise("⠼⠑⠉⠋⠤⠼⠃⠃⠤⠼⠁⠃⠉⠙").text == NUMBER
    assert normalise("5\u206536-2\ufff02-1234").text == NUMBER


def test_codes_are_found_in_time_that_grows_with_the_text() -> None:
    for text in ("35 " * 40_000, "35 zz " * 20_000, "1,2\n" * 30_000, "5-\n " * 30_000, "1'" * 40_000, "5[b]" * 30_000):
        assert sum(map(len, spelled_readings(text, text.encode()))) <= 64 * 1024
    assert [said for _, _, said in coded_numbers("x 35 33 36 32 32 31 32 33 34 y")] == [BARE]
