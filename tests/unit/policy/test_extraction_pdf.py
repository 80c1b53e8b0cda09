"""PDFs, written here object by object."""

from io import BytesIO

import pypdfium2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policy.extraction.extract import extract
from rules.content import Content, FileKind

NUMBER = "536-22-1234"


def pdf(*objects: str, page: str = "", text: str = "", catalog: str = "") -> bytes:
    """A one-page PDF; `objects` are numbered from 6 on."""
    stream = f"BT /F1 12 Tf 20 100 Td {text} ET"
    body = [
        f"<</Type/Catalog/Pages 2 0 R {catalog}>>",
        "<</Type/Pages/Kids[3 0 R]/Count 1>>",
        f"<</Type/Page/Parent 2 0 R/MediaBox[0 0 300 300]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>> {page}>>",
        f"<</Length {len(stream)}>>\nstream\n{stream}\nendstream",
        "<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
        *objects,
    ]
    out = "%PDF-1.7\n"
    offsets = []
    for number, each in enumerate(body, 1):
        offsets.append(len(out))
        out += f"{number} 0 obj\n{each}\nendobj\n"
    start = len(out)
    table = "".join(f"{offset:010d} 00000 n \n" for offset in offsets)
    out += f"xref\n0 {len(body) + 1}\n0000000000 65535 f \n{table}"
    out += f"trailer\n<</Size {len(body) + 1}/Root 1 0 R/Info 6 0 R>>\nstartxref\n{start}\n%%EOF\n"
    return out.encode("latin-1")


def shown(content: Content) -> str:
    return "\n".join(part.text for part in content.parts)


INFO = "<</Title(none)>>"
FILE = "<</Type/Filespec/F(a.txt)/UF(a.txt)/EF<</F 8 0 R>>>>"
STREAM = "<</Type/EmbeddedFile/Length 15>>\nstream\nSSN 536-22-1234\nendstream"


@pytest.mark.parametrize(
    "data",
    [
        pdf(INFO, text=f"({NUMBER}) Tj"),
        pdf(INFO, text="[(536) 10 (-22) -20 (-1234)] TJ"),
        pdf(INFO, text="<3533362d32322d31323334> Tj"),
        pdf(f"<</Title({NUMBER})>>"),
        pdf(f"<</Keywords({NUMBER})>>"),
        pdf(
            INFO, "<</Length 9/Filter/FlateDecode>>\nstream\nabc", f"<</Opt[(x)({NUMBER})]>>"
        ),  # behind a stream without an end
        pdf(INFO, f"<</Type/Annot/Subtype/Text/Rect[0 0 9 9]/Contents({NUMBER})>>", page="/Annots[7 0 R]"),
        pdf(
            INFO,
            f"<</Type/Annot/Subtype/Widget/FT/Tx/T(ssn)/V({NUMBER})/Rect[0 0 99 20]/P 3 0 R>>",
            page="/Annots[7 0 R]",
            catalog="/AcroForm<</Fields[7 0 R]>>",
        ),
        pdf(INFO, FILE, STREAM, catalog="/Names<</EmbeddedFiles<</Names[(a.txt) 7 0 R]>>>>"),
        pdf(INFO, FILE, STREAM, "<</Type/Annot/Subtype/FileAttachment/Rect[0 0 9 9]/FS 7 0 R>>", page="/Annots[9 0 R]"),
        pdf(
            INFO,
            "<</Type/Outlines/First 8 0 R/Last 8 0 R/Count 1>>",
            f"<</Title({NUMBER})/Parent 7 0 R/Dest[3 0 R/Fit]>>",
            catalog="/Outlines 7 0 R",
        ),
    ],
    ids=[
        "text",
        "kerned",
        "hex",
        "title",
        "keywords",
        "endless",
        "note",
        "field",
        "attachment",
        "pinned file",
        "bookmark",
    ],
)
def test_the_number_is_read(data: bytes) -> None:
    content = extract("a.pdf", data)
    assert NUMBER in shown(content)
    assert content.files[0].kind is FileKind.PDF
    assert not any(fact.unreadable or fact.encrypted for fact in content.files)


def test_a_page_of_pictures_is_fine() -> None:
    document = pypdfium2.PdfDocument.new()
    document.new_page(100, 100).close()
    out = BytesIO()
    document.save(out)
    document.close()
    (fact,) = extract("a.pdf", out.getvalue()).files
    assert not fact.unreadable


def test_the_place_is_the_page() -> None:
    content = extract("a.pdf", pdf(INFO, text=f"({NUMBER}) Tj"))
    assert [part.place for part in content.parts if NUMBER in part.text] == ["a.pdf > page 1"]


def test_a_pdf_with_a_password_is_told() -> None:
    owner = "00" * 32
    encrypt = f"<</Filter/Standard/V 1/R 2/Length 40/P -4/O<{owner}>/U<{owner}>>>"
    data = pdf(INFO, encrypt, text=f"({NUMBER}) Tj").replace(b"/Info 6 0 R", b"/Info 6 0 R/Encrypt 7 0 R/ID[<00><00>]")
    (fact,) = extract("a.pdf", data).files
    assert (fact.encrypted, fact.unreadable) == (True, False)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_damaged_files_raise_nothing(data: st.DataObject) -> None:
    raw = bytearray(
        pdf(INFO, FILE, STREAM, text=f"({NUMBER}) Tj", catalog="/Names<</EmbeddedFiles<</Names[(a) 7 0 R]>>>>")
    )
    for _ in range(data.draw(st.integers(1, 10))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    assert extract("a.pdf", bytes(raw)).files


def doubling(levels: int) -> bytes:
    """A PDF whose forms draw the next one twice."""
    forms = []
    for number in range(levels):
        text, named = "BT /F1 9 Tf (a) Tj ET", ""
        if number + 1 < levels:
            text, named = "/X Do /X Do", f"/XObject<</X {number + 8} 0 R>>"
        head = f"<</Type/XObject/Subtype/Form/BBox[0 0 99 99]/Resources<<{named}>>/Length {len(text)}>>"
        forms.append(f"{head}\nstream\n{text}\nendstream")
    return pdf(INFO, *forms, text=f"({NUMBER}) Tj ET /X Do BT")


def test_forms_that_draw_each_other_too_often_are_told_before_a_page_is_read() -> None:
    content = extract("a.pdf", doubling(20))
    assert [fact.reason for fact in content.files] == ["a PDF whose forms draw each other too often"]
    assert not [part for part in content.parts if "page 1" in part.place]
    assert not any(fact.unreadable for fact in extract("a.pdf", doubling(8)).files)
