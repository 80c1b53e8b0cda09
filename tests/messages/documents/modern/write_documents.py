"""Documents by Python's own writers. Without arguments: which there are; else NAME NUMBER PATH makes one."""
# ruff: noqa: E501 (markup is easier to read on one line)

import io
import json
import re
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from xml.sax.saxutils import escape

_DROPPED = ("thumbnail.jpeg", "printerSettings1.bin", "stylesWithEffects.xml")


def _swapped(data: bytes, part: str, old: str, new: str) -> bytes:
    """A package with a piece of one of its parts replaced: for what its writer cannot say."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as source, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            content = source.read(name)
            if name == part:
                assert old.encode() in content, (part, old)
                content = content.replace(old.encode(), new.encode(), 1)
            target.writestr(name, content)
    return out.getvalue()


def _docx(body: Callable[[object, str], None], value: str) -> bytes:
    import docx

    document = docx.Document()
    document.add_paragraph("A letter.")
    body(document, value)
    out = io.BytesIO()
    document.save(out)
    return _slim(out.getvalue())


def docx_raw(inner: str) -> Callable[[str], bytes]:
    """A document with a paragraph of its own markup."""

    def make(value: str) -> bytes:
        def body(document: object, _: str) -> None:
            document.add_paragraph("HERE")  # type: ignore[attr-defined]  # python-docx has no types

        first, second, third = value.split("-")
        filled = inner
        for mark, part in (("@a", first), ("@b", second), ("@c", third), ("@", value)):
            filled = filled.replace(mark, part)
        return _swapped(_docx(body, value), "word/document.xml", "<w:r><w:t>HERE</w:t></w:r>", filled)

    return make


def docx_footer(value: str) -> bytes:
    return _docx(lambda document, text: document.sections[0].footer.paragraphs[0].add_run(text), value)  # type: ignore[attr-defined]


def docx_comment(value: str) -> bytes:
    return _docx(lambda document, text: document.add_comment(document.paragraphs[0].runs, text=text, author="A"), value)  # type: ignore[attr-defined]


def docx_property(value: str) -> bytes:
    def body(document: object, text: str) -> None:
        document.core_properties.comments = text  # type: ignore[attr-defined]

    return _docx(body, value)


def xlsxwriter(build: Callable[[object, object, str], None]) -> Callable[[str], bytes]:
    def make(value: str) -> bytes:
        import xlsxwriter as writer

        out = io.BytesIO()
        book = writer.Workbook(out)
        sheet = book.add_worksheet("Pay")
        sheet.write(0, 0, "x")
        build(book, sheet, value)
        book.close()
        return out.getvalue()

    return make


def _digits(value: str) -> int:
    return int(value.replace("-", ""))


def _condition(book: object, sheet: object, value: str) -> None:
    sheet.write(1, 1, _digits(value))  # type: ignore[attr-defined]
    form = book.add_format({"num_format": "000-00-0000"})  # type: ignore[attr-defined]
    sheet.conditional_format("B1:B9", {"type": "cell", "criteria": ">", "value": 5, "format": form})  # type: ignore[attr-defined]


def _rich(book: object, sheet: object, value: str) -> None:
    bold = book.add_format({"bold": True})  # type: ignore[attr-defined]
    sheet.write_rich_string("B2", value[:3], bold, value[3:6], value[6:])  # type: ignore[attr-defined]


def _chart(book: object, sheet: object, value: str) -> None:
    chart = book.add_chart({"type": "column"})  # type: ignore[attr-defined]
    chart.add_series({"values": "=Pay!$A$1:$A$2"})
    chart.set_title({"name": value})
    sheet.insert_chart("D4", chart)  # type: ignore[attr-defined]


def _pptx(build: Callable[[object, object, str], None]) -> Callable[[str], bytes]:
    def make(value: str) -> bytes:
        import pptx

        show = pptx.Presentation()
        slide = show.slides.add_slide(show.slide_layouts[5])
        slide.shapes.title.text = "x"
        build(show, slide, value)
        out = io.BytesIO()
        show.save(out)
        return _slim(out.getvalue())

    return make


def _slim(data: bytes) -> bytes:
    """Without the pictures and settings of the writer's template, packed as small as it goes."""
    out = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(data)) as source,
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as target,
    ):
        for name in source.namelist():
            if name.endswith(_DROPPED):
                continue
            content = source.read(name)
            if name.endswith(".rels"):
                content = re.sub(
                    rb"<Relationship [^>]*(?:thumbnail\.jpeg|printerSettings1\.bin|stylesWithEffects\.xml)[^>]*/>",
                    b"",
                    content,
                )
            target.writestr(name, content)
    return out.getvalue()


def _slide_chart(show: object, slide: object, value: str) -> None:
    from pptx.chart.data import CategoryChartData
    from pptx.enum.chart import XL_CHART_TYPE
    from pptx.util import Inches

    data = CategoryChartData(number_format="000-00-0000")
    data.categories = ["a"]
    data.add_series("s", (_digits(value),))
    slide.shapes.add_chart(XL_CHART_TYPE.PIE, Inches(1), Inches(1), Inches(3), Inches(3), data)  # type: ignore[attr-defined]


def _slide_notes(show: object, slide: object, value: str) -> None:
    slide.notes_slide.notes_text_frame.text = value  # type: ignore[attr-defined]


def _slide_layout(show: object, slide: object, value: str) -> None:
    slide.slide_layout.placeholders[0].text_frame.text = value  # type: ignore[attr-defined]


def _slide_alt(show: object, slide: object, value: str) -> None:
    from pptx.util import Inches

    box = slide.shapes.add_textbox(Inches(1), Inches(1), Inches(2), Inches(1))  # type: ignore[attr-defined]
    box._element.nvSpPr.cNvPr.set("descr", value)


def _pdf(build: Callable[[object, str], None]) -> Callable[[str], bytes]:
    def make(value: str) -> bytes:
        from reportlab.pdfgen.canvas import Canvas

        out = io.BytesIO()
        canvas = Canvas(out, pagesize=(300, 300), invariant=1)
        canvas.drawString(20, 280, "A form")
        build(canvas, value)
        canvas.save()
        return out.getvalue()

    return make


def _invisible(canvas: object, value: str) -> None:
    text = canvas.beginText(20, 100)  # type: ignore[attr-defined]
    text.textOut(value[:3])
    text.setTextRenderMode(3)
    text.textOut("99")
    text.setTextRenderMode(0)
    text.textOut(value[3:])
    canvas.drawText(text)  # type: ignore[attr-defined]


def _upwards(canvas: object, value: str) -> None:
    for at, sign in enumerate(reversed(value)):
        canvas.drawString(30, 60 + 14 * at, sign)  # type: ignore[attr-defined]


def _backwards(canvas: object, value: str) -> None:
    for at, sign in reversed(list(enumerate(value))):
        canvas.drawString(30 + 20 * at, 100, sign)  # type: ignore[attr-defined]


def _field(canvas: object, value: str) -> None:
    canvas.acroForm.textfield(name="ssn", tooltip="x", x=20, y=100, width=150, height=20, value=value)  # type: ignore[attr-defined]


def _choice(canvas: object, value: str) -> None:
    canvas.acroForm.choice(name="c", x=20, y=100, width=150, height=20, value="x", options=["x", value])  # type: ignore[attr-defined]


def _over_pages(canvas: object, value: str) -> None:
    canvas.drawString(30, 20, value[:7])  # type: ignore[attr-defined]
    canvas.showPage()  # type: ignore[attr-defined]
    canvas.drawString(30, 280, value[7:])  # type: ignore[attr-defined]


def _form_object(canvas: object, value: str) -> None:
    canvas.beginForm("unused")  # type: ignore[attr-defined]
    canvas.drawString(10, 10, value)  # type: ignore[attr-defined]
    canvas.endForm()  # type: ignore[attr-defined]


_RUN = "<w:r><w:t>{}</w:t></w:r>"
MADE: dict[str, tuple[str, str, Callable[[str], bytes]]] = {
    "docx-footer.docx": ("python-docx", "footer", docx_footer),
    "docx-comment.docx": ("python-docx", "comments", docx_comment),
    "docx-property.docx": ("python-docx", "properties", docx_property),
    "docx-no-break-hyphens.docx": ("python-docx and markup", "paragraph 2", docx_raw("<w:r><w:t>@a</w:t><w:noBreakHyphen/><w:t>@b</w:t><w:softHyphen/><w:noBreakHyphen/><w:t>@c</w:t></w:r>")),
    "docx-split-instruction.docx": ("python-docx and markup", "", docx_raw('<w:r><w:fldChar w:fldCharType="begin"/></w:r><w:r><w:instrText xml:space="preserve"> QUOTE "@a-@b</w:instrText></w:r><w:r><w:instrText>-@c"</w:instrText></w:r><w:r><w:fldChar w:fldCharType="end"/></w:r>')),
    "docx-control.docx": ("python-docx and markup", "paragraph 2", docx_raw("<w:r><w:t>@a-</w:t></w:r><w:sdt><w:sdtPr><w:alias w:val=\"x\"/></w:sdtPr><w:sdtContent><w:r><w:t>@b</w:t></w:r></w:sdtContent></w:sdt><w:r><w:t>-@c</w:t></w:r>")),
    "docx-alternate.docx": ("python-docx and markup", "paragraph 2", docx_raw('<w:r><w:t>@a-</w:t></w:r><w:r><mc:AlternateContent xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006"><mc:Choice Requires="wps"><w:t>@b</w:t></mc:Choice><mc:Fallback><w:t>77</w:t></mc:Fallback></mc:AlternateContent></w:r><w:r><w:t>-@c</w:t></w:r>')),
    "docx-deleted-mark.docx": ("python-docx and markup", "paragraph 2", docx_raw('<w:r><w:t>@a-@b-</w:t></w:r></w:p><w:p><w:r><w:t>@c</w:t></w:r>')),
    "xlsxwriter-condition.xlsx": ("XlsxWriter", "Pay > B2", xlsxwriter(_condition)),
    "xlsxwriter-rich.xlsx": ("XlsxWriter", "Pay > B2", xlsxwriter(_rich)),
    "xlsxwriter-chart-title.xlsx": ("XlsxWriter", "chart", xlsxwriter(_chart)),
    "xlsxwriter-header.xlsx": ("XlsxWriter", "Pay", xlsxwriter(lambda book, sheet, value: sheet.set_header(f"&L{value[:4]}&B{value[4:]}"))),  # type: ignore[attr-defined]
    "xlsxwriter-validation.xlsx": ("XlsxWriter", "Pay", xlsxwriter(lambda book, sheet, value: sheet.data_validation("A1", {"validate": "list", "source": ["x", value]}))),  # type: ignore[attr-defined]
    "xlsxwriter-text-box.xlsx": ("XlsxWriter", "drawing", xlsxwriter(lambda book, sheet, value: sheet.insert_textbox("C3", value))),  # type: ignore[attr-defined]
    "xlsxwriter-comment.xlsx": ("XlsxWriter", "Pay > comments > A1", xlsxwriter(lambda book, sheet, value: sheet.write_comment("A1", value))),  # type: ignore[attr-defined]
    "pptx-notes.pptx": ("python-pptx", "notes", _pptx(_slide_notes)),
    "pptx-layout.pptx": ("python-pptx", "master", _pptx(_slide_layout)),
    "pptx-chart.pptx": ("python-pptx", "chart", _pptx(_slide_chart)),
    "pptx-alternative-text.pptx": ("python-pptx", "slide 1", _pptx(_slide_alt)),
    "reportlab-invisible-noise.pdf": ("reportlab", "page 1", _pdf(_invisible)),
    "reportlab-upwards.pdf": ("reportlab", "page 1", _pdf(_upwards)),
    "reportlab-backwards.pdf": ("reportlab", "page 1", _pdf(_backwards)),
    "reportlab-field.pdf": ("reportlab", "page 1", _pdf(_field)),
    "reportlab-choice.pdf": ("reportlab", "", _pdf(_choice)),
    "reportlab-over-pages.pdf": ("reportlab", "page 2", _pdf(_over_pages)),
    "reportlab-unused-form.pdf": ("reportlab", "", _pdf(_form_object)),
}  # fmt: skip


if __name__ == "__main__":
    if len(sys.argv) == 1:
        print(json.dumps({name: (program, place) for name, (program, place, _) in MADE.items()}))
    else:
        _, name, value, path = sys.argv
        Path(path).write_bytes(MADE[name][2](escape(value)))
