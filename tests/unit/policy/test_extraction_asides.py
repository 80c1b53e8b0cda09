"""XML comments, instructions and entities in the text of documents: programs show what stands around them as one."""

import zipfile
from io import BytesIO

import pytest

from policy.extraction.extract import extract
from policy.extraction.xmltext import BROKEN_XML, parse_xml, remarks

NUMBER = "536-22-1234"
BROKEN = "53<!-- a - b -->6-<?x 9?>22-<![CDATA[12]]><!---->34"
W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
S = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
A = "http://schemas.openxmlformats.org/drawingml/2006/main"
P = "http://schemas.openxmlformats.org/presentationml/2006/main"
ODF = "urn:oasis:names:tc:opendocument:xmlns"


def package(**parts: str) -> bytes:
    """Parts by their paths, with `__` for the slash."""
    out = BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        for name, data in parts.items():
            archive.writestr(name.replace("__", "/") + ".xml", data)
    return out.getvalue()


def book(sheet: str, **parts: str) -> bytes:
    inner = f'<worksheet xmlns="{S}"><sheetData><row r="1">{sheet}</row></sheetData><!-- beside --></worksheet>'
    return package(xl__workbook=f'<workbook xmlns="{S}"/>', xl__worksheets__sheet1=inner, **parts)


def flat(body: str, kind: str) -> bytes:
    names = f'xmlns:office="{ODF}:office:1.0" xmlns:text="{ODF}:text:1.0" xmlns:table="{ODF}:table:1.0"'
    start = (
        f'<?xml version="1.0"?><office:document {names} office:mimetype="application/vnd.oasis.opendocument.{kind}">'
    )
    return f"{start}<office:body><office:{kind}>{body}</office:{kind}></office:body></office:document>".encode()


TEXT = f"<text:p>SSN {BROKEN}</text:p>"
CELL = f"<table:table><table:table-row><table:table-cell>{TEXT}</table:table-cell></table:table-row></table:table>"
RUN = f'<w:document xmlns:w="{W}"><w:p><w:r><w:t>SSN {BROKEN}</w:t></w:r></w:p></w:document>'
RUNS = "<w:r><w:t>SSN 536</w:t></w:r><!-- x --><w:r><w:t>-22-1234</w:t></w:r>"
APART = f'<w:document xmlns:w="{W}"><w:p>{RUNS}</w:p></w:document>'
SLIDE = f'<p:sld xmlns:p="{P}" xmlns:a="{A}"><p:sp><a:p><a:r><a:t>SSN {BROKEN}</a:t></a:r></a:p></p:sp></p:sld>'
HIDDEN = {
    "text": package(word__document=RUN),
    "runs": package(word__document=APART),
    "slide": package(ppt__slides__slide1=SLIDE, ppt__presentation=f'<p:presentation xmlns:p="{P}"/>'),
    "cell": book(f'<c t="inlineStr"><is><t>SSN {BROKEN}</t></is></c>'),
    "result": book(f'<c t="str"><f>B1</f><v>SSN {BROKEN}</v></c>'),
    "shared text": book(
        '<c t="s"><v>0</v></c>', xl__sharedStrings=f'<sst xmlns="{S}"><si><t>SSN {BROKEN}</t></si></sst>'
    ),
    "OpenDocument text": flat(TEXT, "text"),
    "OpenDocument sheet": flat(CELL, "spreadsheet"),
}


@pytest.mark.parametrize("data", HIDDEN.values(), ids=HIDDEN)
def test_comments_and_instructions_part_no_text(data: bytes) -> None:
    assert any(f"SSN {NUMBER}" in part.text for part in extract("a", data).parts)


@pytest.mark.parametrize(
    "data", [package(docProps__custom=f"<a>x<!-- SSN {NUMBER} -->y</a>"), book(f"<c><v>1</v></c><!-- {NUMBER} -->")]
)
def test_comments_are_read_for_themselves(data: bytes) -> None:
    assert any(NUMBER in part.text for part in extract("a", data).parts)


def test_comments_come_behind_everything_else() -> None:
    root = parse_xml(b"<a>1<!-- x - y? --><b/>2<?z w--?>3</a>")
    assert root.text == "1"
    assert root[0].tail == "23"
    assert root[1].text is not None and "--" not in root[1].text and "x - y?" in root[1].text


def test_an_entity_that_nobody_knows_is_told() -> None:
    with pytest.raises(BROKEN_XML):
        parse_xml(b'<!DOCTYPE a SYSTEM "b"><a>536&c;-22-1234</a>')


@pytest.mark.parametrize("data", [b"<a/>", b"<a><!-- x", b"<!-" * 5])
def test_where_no_comment_ends_there_is_none(data: bytes) -> None:
    assert remarks(data) == ""
