"""Office documents as a reader sees them: what hides runs, what numbers paragraphs, what fills in fields."""

import zipfile
from io import BytesIO

import pytest

from policy.extraction.cells.formulas import Calculator
from policy.extraction.cells.functions import Value
from policy.extraction.extract import extract
from policy.extraction.office.fields import unasked
from policy.extraction.office.paragraphs import Around, paragraph_readings
from policy.extraction.office.wordstyles import WordStyles, read_numbering, read_styles
from policy.extraction.office97.macros import module_source
from policy.extraction.xmltext import parse_xml, root_name
from rules.content import Content

NUMBER = "536-22-1234"
_W = (
    'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main" '
    'xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006"'
)


def run(text: str, properties: str = "") -> str:
    return f"<w:r><w:rPr>{properties}</w:rPr><w:t>{text}</w:t></w:r>"


def packed(entries: dict[str, str]) -> bytes:
    out = BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    return out.getvalue()


def read(body: str, styles: str = "", numbering: str = "") -> list[str]:
    around = Around(WordStyles())
    if styles:
        read_styles(parse_xml(f"<w:styles {_W}>{styles}</w:styles>".encode()), around.styles)
    if numbering:
        read_numbering(parse_xml(f"<w:numbering {_W}>{numbering}</w:numbering>".encode()), around.styles)
    document = f"<w:document {_W}><w:body>{body}</w:body></w:document>".encode()
    return [reading.text for reading in paragraph_readings(parse_xml(document), around)]


WHITE, TINY, LOWERED, GONE = (
    f'<w:{name} w:val="{value}"/>'
    for name, value in (("color", "FFFFFF"), ("sz", "2"), ("position", "-200"), ("rStyle", "Gone"))
)
SIGNS = "\uf035\uf033\uf036"
FIELD = '<w:r><w:fldChar w:fldCharType="{}"/></w:r>'
ASKED = "<w:r><w:instrText>{}</w:instrText></w:r>"


@pytest.mark.parametrize(
    "body",
    [
        f"<w:p>{run('536')}{run('99', WHITE)}{run('-22-1234')}</w:p>",
        f"<w:p>{run('536')}{run('99', TINY)}{run('-22-1234')}</w:p>",
        f"<w:p>{run('536')}{run('99', LOWERED)}{run('-22-1234')}</w:p>",
        f"<w:p>{run('536')}{run('99', GONE)}{run('-22-1234')}</w:p>",
        f'<w:p><w:pPr><w:pStyle w:val="Gone"/></w:pPr>{run(NUMBER)}</w:p>',
        f"<w:p><w:r><w:ruby><w:rt>{run('99')}</w:rt><w:rubyBase>{run('536')}</w:rubyBase></w:ruby></w:r>"
        f"{run('-22-1234')}</w:p>",
        f"<w:p><w:pPr><w:rPr><w:del/></w:rPr></w:pPr>{run('536-22-')}</w:p><w:p>{run('1234')}</w:p>",
        f"<w:p>{FIELD.format('begin')}{ASKED.format(' QUOTE 536-22')}{ASKED.format('-1234')}"
        f"{FIELD.format('end')}</w:p>",
        f"<w:p>{FIELD.format('begin')}{ASKED.format('SYMBOL 53')}{FIELD.format('end')}{run('36-22-1234')}</w:p>",
        f"<w:p>{run('536')}{FIELD.format('begin')}{ASKED.format('DATE')}{FIELD.format('separate')}{run('-22')}"
        f"{FIELD.format('end')}{run('-1234')}</w:p>",
        f"<w:p>{run(SIGNS)}{run('-22-1234')}</w:p>",
    ],
    ids=["white", "tiny", "lowered", "style hides", "style hides all", "ruby", "deleted mark", "split instruction",
         "symbol field", "result of a field", "signs of a symbol font"],
)  # fmt: skip
def test_the_number_is_read_as_shown(body: str) -> None:
    styles = '<w:style w:styleId="Base"><w:rPr><w:vanish/></w:rPr></w:style>'
    styles += '<w:style w:styleId="Gone"><w:basedOn w:val="Base"/></w:style>'
    assert any(NUMBER in text for text in read(body, styles))


def test_labels_of_lists_stand_in_front() -> None:
    level = '<w:lvl w:ilvl="0"><w:start w:val="3"/><w:numFmt w:val="decimal"/><w:suff w:val="nothing"/>'
    level += '<w:lvlText w:val="536-22-123%1"/></w:lvl>'
    numbering = f'<w:abstractNum w:abstractNumId="7">{level}</w:abstractNum>'
    numbering += '<w:num w:numId="1"><w:abstractNumId w:val="7"/></w:num>'
    item = (
        '<w:p><w:pPr><w:numPr><w:ilvl w:val="0"/><w:numId w:val="1"/></w:numPr></w:pPr><w:r><w:t> x</w:t></w:r></w:p>'
    )
    assert read(item * 2, numbering=numbering)[0] == "536-22-1233 x\n536-22-1234 x"


def test_a_control_shows_the_data_it_is_bound_to() -> None:
    binding = '<w:dataBinding w:xpath="/ns0:p[1]/ns0:n[1]" w:storeItemID="{A}"/>'
    control = f"<w:sdt><w:sdtPr>{binding}</w:sdtPr><w:sdtContent>{run('0000')}</w:sdtContent></w:sdt>"
    document = f"<w:document {_W}><w:p>{run('536-22-')}{control}</w:p></w:document>"
    parts = {
        "[Content_Types].xml": "<Types/>",
        "word/document.xml": document,
        "customXml/item1.xml": '<p xmlns="urn:x"><n>1234</n></p>',
        "customXml/itemProps1.xml": '<d:datastoreItem xmlns:d="d" d:itemID="{A}"/>',
    }
    texts = [part.text for part in extract("a.docx", packed(parts)).parts]
    assert NUMBER in texts
    assert "536-22-0000" in texts


def test_marks_name_paragraphs_and_rows() -> None:
    table = f"<w:tbl><w:tr><w:tc><w:p>{run('a')}</w:p></w:tc><w:tc><w:p>{run(NUMBER)}</w:p></w:tc></w:tr></w:tbl>"
    document = f"<w:document {_W}><w:body><w:p>{run('x')}</w:p>{table}</w:body></w:document>".encode()
    (reading,) = paragraph_readings(parse_xml(document))
    assert reading.text == f"x\na\t{NUMBER}"
    assert reading.marks == ((0, "paragraph 1"), (2, "table 1, row 1"))


def test_the_main_part_is_found_by_what_it_is() -> None:
    document = f"<?xml version='1.0'?><!-- x --><w:document {_W}><w:p>{run(NUMBER)}</w:p></w:document>"
    content = extract("a.docx", packed({"[Content_Types].xml": "<T/>", "word/x": "", "word/theme/odd.dat": document}))
    assert any(part.text == NUMBER for part in content.parts)


@pytest.mark.parametrize(
    "head", ["", "<?xml version='1.0'?>\n", "<!-- a - b -->", "<!DOCTYPE x [<!ENTITY y 'z'>]>", "\ufeff"]
)
def test_the_first_tag_is_seen_behind_what_stands_before_it(head: str) -> None:
    assert root_name(f"{head}<w:document a='b'>".encode()) == "document"


def test_a_named_part_that_is_missing_is_told() -> None:
    links = '<Relationships><Relationship Id="a" Type="http://x/header" Target="header1.xml"/></Relationships>'
    parts = {
        "[Content_Types].xml": "<T/>",
        "word/document.xml": f"<w:document {_W}/>",
        "word/_rels/document.xml.rels": links,
    }
    assert extract("a.docx", packed(parts)).files[0].unreadable


class Cells:
    """A sheet of three cells."""

    def value(self, sheet: str, column: int, row: int) -> Value | None:
        return {(1, 1): "536", (2, 1): 22.0, (3, 1): '="12"&34', (4, 1): "=D1"}.get((column, row))

    def named(self, name: str) -> str:
        return '"-"' if name == "dash" else ""


@pytest.mark.parametrize(
    ("formula", "result"),
    [
        ('"536"&"-22-1234"', NUMBER),
        ("A1&dash&B1&dash&C1", NUMBER),
        ('TEXTJOIN("-",TRUE,A1:C1)', NUMBER),
        ('TEXT(536221234,"000-00-0000")', NUMBER),
        ('CONCATENATE(A1,"-",LEFT("229",2),"-",REPT("1",1),MID("92349",2,3))', NUMBER),
        ('IF(1>2,"x",SUBSTITUTE("536x22x1234","x","-"))', NUMBER),
        ("CHAR(53)&UNICHAR(51)&3*2", "536"),
        ("D1", None),
        ('INDIRECT("A1")', "536"),
        ("INDEX(A1:C1,1,2)", "22"),
        ('VLOOKUP("536",A1:C1,3,FALSE)', "1234"),
        ("HLOOKUP(22,A1:C1,1)", "22"),
        ('XLOOKUP("x",A1:C1,A1:C1,"none")', "none"),
        ("MATCH(22,A1:C1,0)&LOOKUP(22,A1:C1)", "222"),
        ('LET(_xlpm.a,"536-",_xlpm.a&OFFSET(A1,0,1))', "536-22"),
        ('TEXT(HEX2DEC("1FF61632"),"000-00-0000")&BASE(7,2,4)', "536-22-12340111"),
        ('AVERAGE(1,3)&MAX(2,9)&FIND("b","abc")&COUNTA(A1:C1)', "2923"),
        ("1/0", None),
        ("(" * 500 + "1" + ")" * 500, None),
        ('REPT("x",99999999)', None),
    ],
)
def test_formulas_that_make_texts_are_worked_out(formula: str, result: str | None) -> None:
    assert Calculator(Cells()).result(formula, "Pay") == result


@pytest.mark.parametrize(
    ("instruction", "text"),
    [("SYMBOL 53", "5"), ('QUOTE "x y"', "x y"), (r"EQ \* jc3 \o\al(\s\up 11(99),536)", "536"), ("DATE", "")],
)
def test_fields_without_a_result(instruction: str, text: str) -> None:
    assert unasked(instruction) == text


def test_the_source_of_a_macro_is_unpacked() -> None:
    """The example of [MS-OVBA] 3.2.2, with its first byte made that of a module."""
    body = b'\0Attribut\0e VB_Nam\0e = "M"\r\n'
    chunk = (len(body) - 1 | 0xB000).to_bytes(2, "little") + body
    assert module_source(b"junk\x01" + chunk).startswith(b'Attribute VB_Name = "M"')


def texts_of(content: Content) -> str:
    return "\n".join(part.text for part in content.parts)


def test_documents_in_one_xml_file_are_read() -> None:
    namespace = "http://schemas.microsoft.com/office/2006/xmlPackage"
    document = f"<w:document {_W}><w:p>{run('536')}{run('-22-1234')}</w:p></w:document>"
    flat = f'<?xml version="1.0"?><pkg:package xmlns:pkg="{namespace}"><pkg:part pkg:name="/word/document.xml">'
    flat += f"<pkg:xmlData>{document}</pkg:xmlData></pkg:part></pkg:package>"
    content = extract("a.xml", flat.encode())
    assert texts_of(content) == NUMBER
    assert not content.files[0].unreadable
