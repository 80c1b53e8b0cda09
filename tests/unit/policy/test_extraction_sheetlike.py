"""Sheets and pages as they are displayed: number formats, formulas, cells in other orders, fields, other directions."""

import io
import zipfile
from base64 import b64encode

import pytest
from lxml import etree

from policy.extraction.cells.format import displayed, displayed_text, written_out
from policy.extraction.cells.valuefiles import value_readings
from policy.extraction.extract import extract
from policy.extraction.office.fields import unasked
from policy.extraction.office.slides import lines_of_boxes
from rules.content import Content

NUMBER = "536-22-1234"
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_REL = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_SHEET = '<sheet name="S" r:id="a"/>'
_W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'


def zipped(parts: dict[str, str | bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    return out.getvalue()


def book(rows: str, *, formats: str = "", strings: str = "", before: str = "", **more: str) -> Content:
    links = (
        f'<Relationships><Relationship Id="a" Type="{_REL}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>'
    )
    parts: dict[str, str | bytes] = {
        "[Content_Types].xml": "<Types/>",
        "xl/workbook.xml": f'<workbook xmlns="{_MAIN}" xmlns:r="{_REL}"><sheets>{_SHEET}</sheets></workbook>',
        "xl/_rels/workbook.xml.rels": links,
        "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{_MAIN}">{before}<sheetData>{rows}</sheetData></worksheet>',
        **more,
    }
    if formats:
        code = f'<numFmts><numFmt numFmtId="170" formatCode="{formats}"/></numFmts>'
        parts["xl/styles.xml"] = (
            f'<styleSheet xmlns="{_MAIN}">{code}<cellXfs><xf numFmtId="170"/></cellXfs></styleSheet>'
        )
    if strings:
        parts["xl/sharedStrings.xml"] = f'<sst xmlns="{_MAIN}">{strings}</sst>'
    return extract("a.xlsx", zipped(parts))


def document(body: str) -> str:
    parts: dict[str, str | bytes] = {
        "[Content_Types].xml": "<T/>",
        "word/document.xml": f"<w:document {_W}>{body}</w:document>",
    }
    return shown(extract("a.docx", zipped(parts)))


def shown(content: Content) -> str:
    return "\n".join(part.text for part in content.parts)


def run(text: str) -> str:
    return f"<w:r><w:t>{text}</w:t></w:r>"


def cell(place: str, text: str) -> str:
    return f'<c r="{place}" t="inlineStr" s="0"><is><t>{text}</t></is></c>'


@pytest.mark.parametrize(
    ("value", "code", "text"),
    [
        ("536221234", "000-00-0000", NUMBER),
        ("-536221234", r"0;000\-00\-0000", NUMBER),
        ("536", '0"-22-1234"', NUMBER),
        ("0", '0;0;"536-22-1234"', NUMBER),
        ("7", '"536-22-1234"', NUMBER),
        ("536221234000", r"000\-00\-0000,", NUMBER),
        ("5362212.34", r"000\-00\-0000%", f"{NUMBER}%"),
        ("536221234", r"[<=999]0;[>999]000\-00\-0000", NUMBER),
        ("5551234", "[<=9999999]###-####;(###) ###-####", "555-1234"),
        ("5551234567", "[<=9999999]###-####;(###) ###-####", "(555) 123-4567"),
        ("5", "[>9]0-0;[<>5]0-1;[=5]0-2", "5-2"),
        ("12", "[>=13]0-0", "1-2"),
        ("12", 'General" units"', "12 units"),
        ("42", "00000", "00042"),
        ("1234.5", "#,##0.00", "1234.5"),
        ("1.5", "0.00E+00", "1.5"),
        ("0.25", "# ?/?", "0.25"),
        ("1.25", "0-0.00-0", "0-1.25-0"),
        ("x", "0-0", "x"),
        ("NaN", "0-0", "NaN"),
    ],
)
def test_numbers_in_their_formats(value: str, code: str, text: str) -> None:
    assert displayed(value, code) == text


def test_texts_in_their_formats() -> None:
    assert displayed_text("536", '0;0;0;@"-22-1234"') == NUMBER
    assert displayed_text("536", "0") == displayed_text("536", "") == "536"
    assert NUMBER in shown(book(f"<row>{cell('A1', '536')}</row>", formats="0;0;0;@&quot;-22-1234&quot;"))


def test_characters_by_their_numbers_and_cells_in_another_order() -> None:
    assert NUMBER in shown(book(f"<row>{cell('A1', '_x0035_36-22-1234')}</row>"))
    assert NUMBER in shown(book('<row><c r="A1" t="s"><v>0</v></c></row>', strings="<si><t>_x0035_36-22-1234</t></si>"))
    backwards = "".join(cell(place, text) for place, text in (("C1", "1234"), ("B1", "22"), ("A1", "536")))
    assert "536\t22\t1234" in shown(book(f"<row>{backwards}</row>"))
    digits = "".join(cell(f"{chr(65 + at)}1", sign) for at, sign in enumerate(reversed(NUMBER)))
    view = '<sheetViews><sheetView rightToLeft="1"/></sheetViews>'
    assert NUMBER in shown(book(f"<row>{digits}</row>", before=view))


def test_a_sum_whose_result_was_not_saved_is_worked_out() -> None:
    assert "536221234" in shown(book('<row><c r="A1"><f>536000000+221234</f></c></row>'))


def test_a_formula_that_makes_a_text_and_is_not_followed_is_told() -> None:
    content = book('<row><c r="A1" t="str"><f>"536-"&amp;WEBSERVICE("x")</f></c></row>')
    assert [fact.reason for fact in content.files] == ["formulas of which not all were worked out"]
    for known in ('"a"&amp;1/0', "SUM(1,2)", "SOMETHING(1)"):
        assert not book(f'<row><c r="A1"><f>{known}</f></c></row>').files[0].unreadable


def test_the_queries_of_a_workbook_are_read() -> None:
    inner = zipped({"Formulas/Section1.m": f'x = "{NUMBER}"'})
    mashup = b64encode(bytes(4) + len(inner).to_bytes(4, "little") + inner).decode()
    assert NUMBER in shown(book("", **{"customXml/item1.xml": f"<DataMashup>{mashup}</DataMashup>"}))
    assert book("", **{"customXml/item1.xml": "<DataMashup>A</DataMashup>"}).files[0].unreadable


def test_lines_and_tables_from_the_right_to_the_left() -> None:
    rtl = "<w:pPr><w:bidi/></w:pPr>"
    assert NUMBER in document(f"<w:p>{rtl}{run('-1234')}{run('-22')}{run('SSN 536')}</w:p>")
    cells = "".join(f"<w:tc><w:p>{run(text)}</w:p></w:tc>" for text in ("1234", "22", "536"))
    table = f"<w:tbl><w:tblPr><w:bidiVisual/></w:tblPr><w:tr>{cells}</w:tr></w:tbl>"
    assert "536\t22\t1234" in document(table)


def test_fields_without_a_result_are_worked_out() -> None:
    assert unasked("QUOTE 53 51 54") == "536"
    assert unasked(r'= 536000000+221234 \# "000-00-0000"') == NUMBER
    assert unasked("= 5+1") == "6"
    assert unasked("= SOMETHING(1)") == ""
    assert unasked(r"SEQ a \r 536") == "536"
    field = '<w:fldSimple w:instr="QUOTE 53 51 54"/>'
    assert NUMBER in document(f"<w:p>{field}{run('-22-1234')}</w:p>")


def test_a_document_whose_text_lies_elsewhere_is_told() -> None:
    link = f'Id="a" Type="{_REL}/aFChunk" Target="http://x/y" TargetMode="External"'
    links = f"<Relationships><Relationship {link}/></Relationships>"
    parts: dict[str, str | bytes] = {
        "[Content_Types].xml": "<T/>",
        "word/document.xml": f"<w:document {_W}/>",
        "word/_rels/document.xml.rels": links,
    }
    assert extract("a.docx", zipped(parts)).files[0].reason == "an Office document of which parts lie elsewhere"


def test_pages_of_xps() -> None:
    def page(*glyphs: str) -> Content:
        body = "".join(f"<Glyphs {each} FontRenderingEmSize='10'/>" for each in glyphs)
        parts: dict[str, str | bytes] = {
            "[Content_Types].xml": "<T/>",
            "_rels/.rels": "<Relationships/>",
            "Pages/1.fpage": f"<FixedPage>{body}</FixedPage>",
        }
        return extract("a.xps", zipped(parts))

    placed = ("UnicodeString='-22-1234' OriginX='17' OriginY='9'", "UnicodeString='{}536' OriginX='0' OriginY='9'")
    assert NUMBER in shown(page(*placed, "UnicodeString='far' OriginX='90' OriginY='9'"))
    assert page("Indices='5;6'").files[0].unreadable


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.csv", 'SSN,"=""536""&""-22-1234"""\n'),
        ("a.csv", 'sep=|\nSSN|536|22|1234|=B2&"-"&C2&"-"&D2\n'),
        ("a.txt", 'SSN;"=CONCATENATE(""536-"";""22-1234"")"\n;;\n'),
        ("a.slk", 'ID;PX\nC;Y1;X1;K"SSN"\nC;X3;K"22"\nC;X2;K"536"\nC;X4;K"1234"\nE\n'),
        ("a.dif", 'TABLE\n0,1\n"E"\nDATA\n0,0\n""\n-1,0\nBOT\n1,0\n"SSN"\n0,536\nV\n0,22\nV\n0,1234\nV\n-1,0\nEOD\n'),
    ],
)
def test_tables_of_values_as_sheets_open_them(name: str, text: str) -> None:
    readings, whole = value_readings(name, "", text)
    found = "\n".join(readings)
    assert whole and (NUMBER in found or "536221234" in found), found
    assert value_readings("a.bin", "", text) == ([], True)


def test_more_formulas_than_are_worked_out_are_told() -> None:
    assert extract("a.csv", b'="a"&"b"\n' * 501).files[0].unreadable
    assert value_readings("a.csv", "", "a,b\n1,2\n") == ([], True)


def test_postscript_is_a_program_and_its_strings_are_read() -> None:
    content = extract("a.ps", b"%!PS-Adobe-3.0\n20 20 moveto (SSN 536) show (-22) show (-1234) show showpage\n")
    assert NUMBER in shown(content) and content.files[0].unreadable


def test_cells_of_office_2003_are_read_in_their_formats() -> None:
    style = '<Styles><Style ss:ID="s"><NumberFormat ss:Format="000\\-00\\-0000"/></Style></Styles>'
    cell = '<Row><Cell ss:StyleID="s"><Data ss:Type="Number">536221234</Data></Cell></Row>'
    space = (
        'xmlns="urn:schemas-microsoft-com:office:spreadsheet" xmlns:ss="urn:schemas-microsoft-com:office:spreadsheet"'
    )
    sheet = f'<Worksheet ss:Name="a"><Table>{cell}</Table></Worksheet>'
    assert NUMBER in shown(
        extract("a.xml", f"<?xml version='1.0'?><Workbook {space}>{style}{sheet}</Workbook>".encode())
    )


def test_form_data_beside_a_pdf_is_read_by_its_fields() -> None:
    fields = b"<</FDF<</Fields[<</T(SSN)/V<3533362D32322D31323334>>><</T(a)/Kids[<</T(b)/V(x y)>>]>>]>>>>"
    content = extract("a.fdf", b"%FDF-1.2\n1 0 obj\n" + fields + b"\nendobj\ntrailer<</Root 1 0 R>>\n%%EOF\n")
    assert f"SSN: {NUMBER}" in shown(content) and "a.b: x y" in shown(content)


def test_boxes_of_a_slide_stand_where_they_are_placed() -> None:
    boxes = (("1234", 3, 0), ("536-", 1, 4), ("22-", 2, 1), ("Her SSN is", 0, 0), ("below", 0, 40))
    shapes = "".join(
        f'<p:sp><p:spPr><a:xfrm><a:off x="{9 * x}00000" y="{y}0000"/><a:ext cx="9" cy="300000"/></a:xfrm></p:spPr>'
        f"<p:txBody><a:p><a:r><a:t>{text}</a:t></a:r></a:p></p:txBody></p:sp>"
        for text, x, y in boxes
    )
    spaces = 'xmlns:a="urn:a" xmlns:p="urn:p"'
    slide = etree.fromstring(f"<p:sld {spaces}><p:cSld><p:spTree>{shapes}</p:spTree></p:cSld></p:sld>")
    assert lines_of_boxes(slide) == "Her SSN is 536- 22- 1234\nbelow"
    slide[0][0][:] = slide[0][0][:1]
    assert lines_of_boxes(slide) == ""


def test_a_file_named_as_a_page_is_read_as_one_whatever_it_is() -> None:
    page = b"GIF89a/*<html><p>536<b>-22-</b>1234</p></html>" + bytes(20)
    assert NUMBER in shown(extract("a.html", page))


def test_appledouble_holds_a_file_and_what_is_said_of_it() -> None:
    def double(*entries: tuple[int, bytes], mark: int = 7) -> bytes:
        head = bytes([0, 5, 0x16, mark, 0, 2, 0, 0]) + bytes(16) + len(entries).to_bytes(2, "big")
        at, bodies = 26 + 12 * len(entries), b""
        for kind, body in entries:
            head += b"".join(number.to_bytes(4, "big") for number in (kind, at + len(bodies), len(body)))
            bodies += body
        return head + bodies

    content = extract("a", double((3, b"name"), (2, b"resource 536-22-1111"), (1, b"SSN 536-22-1234")))
    assert NUMBER in shown(content) and "536-22-1111" in shown(content) and "name" in shown(content)
    assert not any(fact.unreadable for fact in content.files)
    assert extract("a", double((1, b"x"))[:-1] + b"").files[0].unreadable
    assert extract("a", double((1, b"x"))[:30]).files[0].unreadable


@pytest.mark.parametrize(
    ("stored", "shown"),
    [
        ("536221233.99999999999", "536221234"),
        ("5.3622123399999999999E8", "536221234"),
        ("5.36221234E8", "536221234"),
        ("0.30000000000000004", "0.30000000000000004"),
        ("12345678901234567890.5", "12345678901234567890.5"),
        ("nothing.of.a.number.at.all", "nothing.of.a.number.at.all"),
    ],
)
def test_a_cell_holds_no_more_than_a_double(stored: str, shown: str) -> None:
    assert written_out(stored) == shown
