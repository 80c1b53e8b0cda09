"""What programs show of fields, forms, rows and dates, where it is stored another way or in another place."""

import zipfile
from io import BytesIO

import pytest

from policy.extraction.cells.format import displayed
from policy.extraction.extract import extract
from policy.extraction.html.page import read_page

NUMBER = "536-22-1234"
_FIELD = '<w:r><w:fldChar w:fldCharType="{}"/></w:r>'
_FORM = "/AcroForm<</Fields[6 0 R]/NeedAppearances true/DR<</Font<</F1 5 0 R>>>>>>"


def packed(entries: dict[str, str]) -> bytes:
    out = BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    return out.getvalue()


def docx(body: str) -> bytes:
    space = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
    document = f'<w:document {space}><w:body><w:p><w:r><w:t xml:space="preserve">SSN </w:t></w:r>{body}</w:p></w:body>'
    return packed({"[Content_Types].xml": "<Types/>", "word/document.xml": f"{document}</w:document>"})


def pdf(content: str, *objects: str, resources: str = "", page: str = "", catalog: str = "") -> bytes:
    """A PDF of one page; `objects` are numbered from 6 on. Its places are not told: programs look for them."""
    body = (
        f"<</Type/Catalog/Pages 2 0 R{catalog}>>",
        "<</Type/Pages/Kids[3 0 R]/Count 1>>",
        "<</Type/Page/Parent 2 0 R/MediaBox[0 0 400 400]/Contents 4 0 R"
        f"{page}/Resources<</Font<</F1 5 0 R>>{resources}>>>>",
        f"<</Length {len(content)}>>stream\n{content}\nendstream",
        "<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
        *objects,
    )
    numbered = "".join(f"{number} 0 obj\n{each}\nendobj\n" for number, each in enumerate(body, 1))
    return f"%PDF-1.7\n{numbered}trailer\n<</Size {len(body) + 1}/Root 1 0 R>>\n%%EOF\n".encode("latin-1")


def shown(text: str, across: int = 20) -> str:
    return f"BT /F1 12 Tf {across} 300 Td ({text}) Tj ET"


def read(name: str, data: bytes) -> str:
    return "\n".join(part.text for part in extract(name, data).parts)


def symbol(sign: str) -> str:
    """A field of Word for one sign, with a result that is empty."""
    asked = f'<w:r><w:instrText xml:space="preserve"> SYMBOL {ord(sign)} </w:instrText></w:r>'
    return _FIELD.format("begin") + asked + _FIELD.format("separate") + _FIELD.format("end")


def test_symbols_that_word_draws_from_their_fields() -> None:
    assert f"SSN {NUMBER}" in read("a.docx", docx("".join(map(symbol, NUMBER))))


def test_symbols_in_fields_one_behind_the_other() -> None:
    signs = "".join(f"{{\\field{{\\*\\fldinst SYMBOL {ord(sign)}}}{{\\fldrslt }}}}" for sign in NUMBER)
    assert f"SSN {NUMBER}" in read("a.rtf", f"{{\\rtf1 SSN {signs}}}".encode())


def test_a_date_in_a_line() -> None:
    spaces = "urn:oasis:names:tc:opendocument:xmlns:"
    body = (
        f'<office:document-content xmlns:office="{spaces}office:1.0" xmlns:text="{spaces}text:1.0"><office:body>'
        '<office:text><text:p>Date of birth <text:date text:fixed="true">1980-05-03</text:date>, Bonn</text:p>'
        "</office:text></office:body></office:document-content>"
    )
    data = packed({"mimetype": "application/vnd.oasis.opendocument.text", "content.xml": body})
    assert "Date of birth 1980-05-03, Bonn" in read("a.odt", data)


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("e-mm-dd", "1980-05-03"),
        ("dd/mm/bbbb", "03/05/1980"),
        ("B2dd/mm/yyyy", "03/05/1980"),
        ("ggge年m月d日", "1980年5月3日"),
        ("dd.mm.bb", "03.05.80"),
    ],
)
def test_years_of_other_calendars(code: str, text: str) -> None:
    assert displayed("29344", code) == text


def test_an_exponent_is_no_year() -> None:
    assert displayed("29344", "0.00E+00") == "29344"


def test_a_field_in_boxes_shows_the_value_of_the_whole() -> None:
    field = "<</FT/Tx/T(n)/V(536221234)/Ff 16777216/MaxLen 9/DA(/F1 12 Tf)/Kids[7 0 R]>>"
    box = "<</Type/Annot/Subtype/Widget/Parent 6 0 R/F 4/Rect[50 292 250 312]>>"
    assert "SSN 536221234" in read("a.pdf", pdf(shown("SSN"), field, box, page="/Annots[7 0 R]", catalog=_FORM))


def test_a_form_that_is_broken_leaves_the_page() -> None:
    data = pdf(
        shown(f"SSN {NUMBER}"), "<</FT/Tx/Kids[6 0 R 9 0 R]/Parent 6 0 R>>", page="/Annots[6 0 R]", catalog=_FORM
    )
    assert f"SSN {NUMBER}" in read("a.pdf", data)


def test_rich_text_of_a_note() -> None:
    rich = "<body><p>SSN 53<b>6-22</b>&#45;1234</p></body>"
    note = f"<</Type/Annot/Subtype/FreeText/Contents(x)/RC({rich})/DA(/F1 12 Tf)/F 4/Rect[50 292 250 312]>>"
    assert f"SSN {NUMBER}" in read("a.pdf", pdf(shown("x"), note, page="/Annots[6 0 R]"))


def test_layers_of_which_one_is_shown() -> None:
    content = f"/OC /o BDC {shown('SSN 536')} EMC /OC /p BDC {shown('99', 66)} EMC {shown('-22-1234', 66)}"
    layers = "<</Type/OCG/Name(x)>>", "<</Type/OCG/Name(y)>>"
    state = "/OCProperties<</OCGs[6 0 R 7 0 R]/D<</BaseState/OFF/ON[6 0 R]>>>>"
    data = pdf(content, *layers, resources="/Properties<</o 6 0 R/p 7 0 R>>", catalog=state)
    assert f"SSN {NUMBER}" in read("a.pdf", data)


@pytest.mark.parametrize(
    "source",
    [
        '<svg><style>b::after{content:"&#53;36-22-1234"}</style></svg><b></b>',
        "<math><mn>536</mn><mphantom><mn>9</mn></mphantom><mo>-</mo><mn>22-1234</mn></math>",
    ],
)
def test_pages(source: str) -> None:
    assert any(NUMBER in text for _, text in read_page(source).named())


@pytest.mark.parametrize("turn", ["dir=rtl", 'style="direction:rtl"'])
def test_cells_from_right_to_left_stay_cells(turn: str) -> None:
    row = f"<table {turn}><tr>\n<td>1234</td>\n<td>22</td>\n<td>536</td>\n<td>SSN</td></tr></table>"
    lines = [line.split() for _, text in read_page(row).named() for line in text.splitlines()]
    assert ["SSN", "536", "22", "1234"] in lines
