"""Office documents, built here part by part, each hiding its number in another place."""

import zipfile
from io import BytesIO

import pytest

from policy.extraction.extract import extract
from rules.content import Content, FileKind

NUMBER = "536-22-1234"
_W = (
    'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main" '
    'xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006" '
    'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main" '
    'xmlns:p="http://schemas.openxmlformats.org/presentationml/2006/main"'
)
_S = (
    'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" '
    'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"'
)


def packed(entries: dict[str, str | bytes]) -> bytes:
    out = BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    return out.getvalue()


def run(text: str, properties: str = "") -> str:
    return f"<w:r><w:rPr>{properties}</w:rPr><w:t>{text}</w:t></w:r>"


def paragraph(*runs: str) -> str:
    return f"<w:p>{''.join(runs)}</w:p>"


def docx(body: str = paragraph(run("hello")), **others: str | bytes) -> bytes:
    document = f"<w:document {_W}><w:body>{body}</w:body></w:document>"
    parts = {name.replace("__", "/").replace("_xml", ".xml"): data for name, data in others.items()}
    return packed({"[Content_Types].xml": "<Types/>", "word/document.xml": document, **parts})


def xlsx(rows: str, sheet: str = "Pay", state: str = "visible", **others: str) -> bytes:
    links = '<Relationships xmlns="x"><Relationship Id="rId1" Target="worksheets/sheet1.xml"/></Relationships>'
    around = others.get("around", "")
    entry = f'<sheet name="{sheet}" state="{state}" r:id="rId1"/>'
    split = "<si><r><t>536-22</t></r><r><t>-1234</t></r></si>"
    formats = '<numFmts><numFmt numFmtId="164" formatCode="000\\-00\\-0000"/></numFmts>'
    formats += '<cellXfs><xf numFmtId="0"/><xf numFmtId="164"/></cellXfs>'
    return packed(
        {
            "[Content_Types].xml": "<Types/>",
            "xl/workbook.xml": f"<workbook {_S}><sheets>{entry}</sheets></workbook>",
            "xl/_rels/workbook.xml.rels": links,
            "xl/styles.xml": f"<styleSheet {_S}>{formats}</styleSheet>",
            "xl/sharedStrings.xml": f"<sst {_S}><si><t>Name</t></si><si><t>SSN</t></si>{split}</sst>",
            "xl/worksheets/sheet1.xml": f"<worksheet {_S}><sheetData>{rows}</sheetData>{around}</worksheet>",
            **({"xl/comments1.xml": others["comments"]} if "comments" in others else {}),
        }
    )


def shown(content: Content) -> str:
    return "\n".join(part.text for part in content.parts)


TABLE = (
    "<w:tbl><w:tr>" + "".join(f"<w:tc>{paragraph(run(cell))}</w:tc>" for cell in ("SSN", NUMBER)) + "</w:tr></w:tbl>"
)
TEXT_BOX = f"<mc:AlternateContent><mc:Choice>{paragraph(run(NUMBER))}</mc:Choice><mc:Fallback/></mc:AlternateContent>"
DOCUMENTS = {
    "runs": docx(paragraph(run("536"), run("-22", "<w:b/>"), run("-1234"))),
    "deleted text in between": docx(paragraph(run("536"), f"<w:del>{run('-99')}</w:del>", run("-22-1234"))),
    "inserted text in between": docx(paragraph(run("536"), f"<w:ins>{run('-99')}</w:ins>", run("-22-1234"))),
    "deleted": docx(paragraph(f"<w:del><w:r><w:delText>{NUMBER}</w:delText></w:r></w:del>")),
    "hidden text in between": docx(paragraph(run("536"), run("99", "<w:vanish/>"), run("-22-1234"))),
    "hidden": docx(paragraph(run(NUMBER, "<w:vanish/>"))),
    "hyphens that do not break": docx(paragraph("<w:r><w:t>536</w:t><w:noBreakHyphen/><w:t>22-1234</w:t></w:r>")),
    "symbols": docx(paragraph(run("536-22-12"), '<w:r><w:sym w:font="x" w:char="F033"/><w:sym w:char="0034"/></w:r>')),
    "text box": docx(paragraph(run("before"), f"<w:r>{TEXT_BOX}</w:r>", run("after"))),
    "choice and fallback in a run": docx(
        paragraph(
            run("536-"),
            "<w:r><mc:AlternateContent><mc:Choice><w:t>22</w:t></mc:Choice><mc:Fallback><w:t>22</w:t></mc:Fallback>"
            "</mc:AlternateContent></w:r>",
            run("-1234"),
        )
    ),
    "table": docx(TABLE),
    "alternative text": docx(f'<w:p><w:drawing><w:docPr name="x" descr="{NUMBER}"/></w:drawing></w:p>'),
    "field code": docx(paragraph(f"<w:r><w:instrText>SET x {NUMBER}</w:instrText></w:r>")),
    **{
        f"in {name}": docx(**{name: f"<w:x {_W}>{paragraph(run(NUMBER))}</w:x>"})
        for name in (
            "word__header1_xml",
            "word__footer2_xml",
            "word__footnotes_xml",
            "word__endnotes_xml",
            "word__comments_xml",
            "word__glossary__document_xml",
        )
    },
    "properties": docx(docProps__core_xml=f"<c><title>{NUMBER}</title></c>"),
    "custom data": docx(customXml__item1_xml=f"<c><v>{NUMBER}</v></c>"),
    "link": docx(
        **{"word___rels__document_xml": "<x/>", "word__x.rels": f'<R><Relationship Target="tel:{NUMBER}"/></R>'}
    ),
    "embedded workbook": docx(word__embeddings__a_xlsx=xlsx('<row r="1"><c r="A1" t="s"><v>2</v></c></row>')),
    "embedded page": docx(word__afchunk_htm=f"<html><body>{NUMBER}</body></html>"),
    "slide": packed(
        {
            "[Content_Types].xml": "<T/>",
            "ppt/slides/slide1.xml": f"<p:sld {_W}><a:p><a:t>536</a:t><a:t>-22-1234</a:t></a:p></p:sld>",
        }
    ),
    "speaker notes": packed(
        {
            "[Content_Types].xml": "<T/>",
            "ppt/presentation.xml": "<presentation/>",
            "ppt/notesSlides/notesSlide1.xml": f"<p:n {_W}><a:p><a:t>{NUMBER}</a:t></a:p></p:n>",
        }
    ),
    "comment on a slide": packed(
        {
            "[Content_Types].xml": "<T/>",
            "ppt/presentation.xml": "<presentation/>",
            "ppt/comments/comment1.xml": f"<p:cm {_W}><p:text>{NUMBER}</p:text></p:cm>",
        }
    ),
    "shared string": xlsx('<row r="1"><c r="A1" t="s"><v>2</v></c></row>'),
    "inline string": xlsx(
        '<row r="1"><c r="A1" t="inlineStr"><is><r><t>536-22</t></r><r><t>-1234</t></r></is></c></row>'
    ),
    "number with a format": xlsx('<row r="1"><c r="A1" s="1"><v>536221234</v></c></row>'),
    "number in a hidden row": xlsx('<row r="1" hidden="1"><c r="A1" s="1"><v>536221234</v></c></row>'),
    "result of a formula": xlsx(f'<row r="1"><c r="A1" t="str"><f>A2&amp;"x"</f><v>{NUMBER}</v></c></row>'),
    "formula": xlsx(f'<row r="1"><c r="A1" t="str"><f>IF(A2,"{NUMBER}","")</f><v></v></c></row>'),
    "header of a sheet": xlsx("", around=f"<headerFooter><oddHeader>&amp;L{NUMBER}</oddHeader></headerFooter>"),
    "prompt of a cell": xlsx("", around=f'<dataValidations><dataValidation prompt="{NUMBER}"/></dataValidations>'),
    "comment of a cell": xlsx(
        "",
        comments=f"<comments {_S}><comment><text><r><t>536-22</t></r><r><t>-1234</t></r></text></comment></comments>",
    ),
    "name of a sheet": xlsx("<row r='1'><c><v>1</v></c></row>", sheet=NUMBER),
}


@pytest.mark.parametrize("data", DOCUMENTS.values(), ids=DOCUMENTS.keys())
def test_the_number_is_read(data: bytes) -> None:
    content = extract("file", data)
    places = "\n".join(part.place for part in content.parts)
    assert NUMBER in shown(content) or NUMBER in places
    assert not any(fact.unreadable or fact.encrypted for fact in content.files)


def test_the_place_names_sheet_and_cells() -> None:
    rows = '<row r="7"><c r="B7" t="s"><v>2</v></c></row><row r="9"><c r="D9"><v>1</v></c></row>'
    content = extract("book.xlsx", xlsx(rows, sheet="Salaries", state="veryHidden"))
    (part,) = (part for part in content.parts if NUMBER in part.text)
    assert part.place == "book.xlsx > Salaries (hidden)"
    assert part.marks[0] == (part.text.index(NUMBER), "B7")
    assert content.files[0].kind is FileKind.SPREADSHEET


def test_numbers_stand_beside_the_heading_of_their_column() -> None:
    heads = '<row r="1"><c r="A1" t="s"><v>0</v></c><c r="B1" t="s"><v>1</v></c></row>'
    rows = "".join(
        f'<row r="{n}"><c r="A{n}"><v>{n}</v></c><c r="B{n}"><v>{536220000 + n}</v></c></row>' for n in range(2, 900)
    )
    content = extract("book.xlsx", xlsx(heads + rows))
    assert "SSN: 536220850" in shown(content)


def test_sheets_are_found_wherever_the_workbook_keeps_them() -> None:
    data = xlsx('<row r="1"><c r="A1" t="s"><v>2</v></c></row>')
    archive = zipfile.ZipFile(BytesIO(data))
    moved = {name.replace("worksheets/sheet1", "elsewhere/x"): archive.read(name) for name in archive.namelist()}
    assert NUMBER in shown(extract("a.xlsx", packed(dict(moved))))


def test_long_numbers_show_all_their_digits() -> None:
    content = extract("book.xlsx", xlsx('<row r="1"><c r="A1"><v>4.111111111111111E15</v></c></row>'))
    assert "4111111111111111" in shown(content)


def test_kind_comes_from_the_bytes_and_never_from_the_name() -> None:
    (fact,) = extract("holiday.jpg", docx()).files
    assert (fact.kind, fact.name, fact.depth) == (FileKind.DOCUMENT, "holiday.jpg", 0)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (docx()[:-30], "broken"),
        (docx().replace(b"word/document.xml", b"word/d0cument.xml", 1), "contradicts"),
        (docx("<w:p"), "broken part"),
    ],
)
def test_a_broken_document_is_told(data: bytes, reason: str) -> None:
    facts = extract("a.docx", data).files
    assert any(fact.unreadable and reason in fact.reason for fact in facts)


def test_entities_are_not_expanded() -> None:
    bomb = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
    document = f"{bomb}<w:document {_W}>{paragraph(run('&b;' * 10))}</w:document>"
    content = extract("a.docx", packed({"[Content_Types].xml": "<T/>", "word/document.xml": document}))
    assert "aaaaaaaaaa" not in shown(content)


def test_files_outside_are_not_opened() -> None:
    document = (
        f'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/hostname">]><w:document {_W}>{paragraph(run("&a;"))}</w:document>'
    )
    content = extract("a.docx", packed({"[Content_Types].xml": "<T/>", "word/document.xml": document}))
    assert shown(content).strip() == ""


def test_an_encrypted_document_is_told() -> None:
    data = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504) + "EncryptedPackage".encode("utf-16-le")
    (fact,) = extract("a.docx", data).files
    assert fact.unreadable or fact.encrypted
