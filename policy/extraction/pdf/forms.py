"""The fields of a PDF's page, and texts put upon it, where they stand: in the lines of the page's text."""

import ctypes
from dataclasses import replace
from typing import Any, Final

import pypdfium2
from pypdfium2 import raw

from policy.extraction.pdf.pages import LONGEST_PAGE, Sign, lines_of, signs_of

_MOST_FIELDS: Final = 500
_LONGEST: Final = 200  # characters of a value that stands in a line
_ROOM: Final = 2 * _LONGEST + 2  # bytes


def filled_lines(page: Any) -> str:
    """The lines of a page that hold fields or texts put upon it, with what is filled in."""
    fields = _fields(page.raw, page.formenv)
    if not fields:
        return ""
    try:
        text_page = page.get_textpage()
    except pypdfium2.PdfiumError:
        return ""
    try:
        count = text_page.count_chars()
        signs = signs_of(text_page, range(count)) if count <= LONGEST_PAGE else []
    finally:
        text_page.close()
    fields = [_on_line(one, signs) for one in fields]
    values = {one.text for one in fields}
    lines = lines_of([*signs, *fields])
    return "\n".join(" ".join(line.split()) for line in lines if any(value in line for value in values))


def _fields(page: Any, form: Any) -> list[Sign]:
    found: list[Sign] = []
    box = raw.FS_RECTF()
    for number in range(min(raw.FPDFPage_GetAnnotCount(page), _MOST_FIELDS)):
        annotation = raw.FPDFPage_GetAnnot(page, number)
        if not annotation:
            continue
        try:
            kind = raw.FPDFAnnot_GetSubtype(annotation)
            if kind not in (raw.FPDF_ANNOT_WIDGET, raw.FPDF_ANNOT_FREETEXT):
                continue
            value = _value(annotation, form, b"V" if kind == raw.FPDF_ANNOT_WIDGET else b"Contents")
            if value and raw.FPDFAnnot_GetRect(annotation, box):
                apart = value if len(value) == 1 else f" {value} "
                found.append(Sign(apart, box.left, box.right, box.bottom, box.top))
        finally:
            raw.FPDFPage_CloseAnnot(annotation)
    return found


def _value(annotation: Any, form: Any, key: bytes) -> str:
    """What is filled in: its own, or that of the field that it is one of the boxes of (ISO 32000-1, 12.7.3.1)."""
    buffer = ctypes.create_string_buffer(_ROOM)
    wide = ctypes.cast(buffer, ctypes.POINTER(ctypes.c_ushort))
    size = raw.FPDFAnnot_GetStringValue(annotation, key, wide, ctypes.sizeof(buffer))
    if size <= 2 and form is not None and key == b"V":
        size = raw.FPDFAnnot_GetFormFieldValue(form, annotation, wide, ctypes.sizeof(buffer))
    return buffer.raw[: max(0, size - 2)].decode("utf-16-le", "replace").strip() if 2 < size <= _ROOM else ""


def _on_line(field: Sign, signs: list[Sign]) -> Sign:
    """A field at the height of the text beside it: boxes are higher than lines."""
    beside = next((sign for sign in signs if field.bottom <= sign.middle <= field.top), None)
    return replace(field, bottom=beside.bottom, top=beside.top) if beside else field
