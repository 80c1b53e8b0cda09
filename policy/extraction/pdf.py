"""PDF: text of every page, form fields, annotations, attachments, bookmarks, metadata."""

import ctypes
import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Final

import pypdfium2
from pypdfium2 import raw

from policy.extraction.collected import Collected, File, Inner, inner_place
from policy.extraction.xmltext import BROKEN_XML, loose_text, parse_xml
from rules.content import FileKind

_ANNOTATION_KEYS: Final = (b"Contents", b"V", b"DV", b"T", b"TU", b"RC", b"Subj", b"NM", b"CA")
_MOST_PAGES: Final = 5_000
_MOST_ANNOTATIONS: Final = 5_000
_MOST_BYTES: Final = 8 * 1024 * 1024  # of one annotation's text
_XMP: Final = re.compile(rb"<\?xpacket begin.*?<\?xpacket end", re.DOTALL)
_MOST_PACKETS: Final = 20
_MOST_ATTACHED: Final = 1_000


def read_pdf(file: File, into: Collected, inner: Inner) -> None:
    """One PDF; attachments are read as files of their own."""
    try:
        document = pypdfium2.PdfDocument(file.data)
    except pypdfium2.PdfiumError as error:
        needs_password = getattr(error, "err_code", None) == raw.FPDF_ERR_PASSWORD or "password" in str(error).lower()
        into.fact(
            file,
            FileKind.PDF,
            encrypted=needs_password,
            reason="needs a password" if needs_password else "a PDF that is broken",
        )
        return
    try:
        _read(document, file, into, inner)
    finally:
        document.close()


def _read(document: Any, file: File, into: Collected, inner: Inner) -> None:
    reason = ""
    pages = len(document)
    pinned: list[Any] = []
    if not pages:
        reason = "a PDF without pages that can be read"
    elif pages > _MOST_PAGES:
        reason = "more pages than are read"
    for number in range(min(pages, _MOST_PAGES)):
        place = inner_place(file.place, f"page {number + 1}")
        try:
            page = document[number]
        except pypdfium2.PdfiumError:
            reason = reason or "a PDF with a broken page"
            continue
        text, fields = _page(page, pinned)
        if text is None:
            reason = reason or "a PDF with a broken page"
        if not (into.text(place, text or "") and into.text(f"{place} > notes and fields", fields)):
            reason = "more text than is read"
            break
    into.fact(file, FileKind.PDF, reason=reason)
    _around(document, file, into)
    for name, data in _attachments(document, pinned):
        attached = inner_place(file.place, name)
        into.text(attached, name)
        if into.budget.take_file() and into.budget.take_bytes(len(data)):
            inner(File(name, data, attached, file.depth + 1), into)
        else:
            into.fact(
                File(name, b"", attached, file.depth + 1), FileKind.UNKNOWN, reason="unpacks to more than is read"
            )


def _page(page: Any, pinned: list[Any]) -> tuple[str | None, str]:
    """The page's text (None: broken), and what its annotations and fields say."""
    text: str | None = None
    try:
        text_page = page.get_textpage()
        try:
            text = text_page.get_text_range().replace("\ufffe", "-").replace("\u0002", "-")
        finally:
            text_page.close()
    except pypdfium2.PdfiumError:
        text = None
    try:
        return text, "\n".join(dict.fromkeys(_annotations(page, pinned)))
    finally:
        page.close()


def _annotations(page: Any, pinned: list[Any]) -> Iterator[str]:
    for number in range(min(raw.FPDFPage_GetAnnotCount(page), _MOST_ANNOTATIONS)):
        annotation = raw.FPDFPage_GetAnnot(page, number)
        if not annotation:
            continue
        try:
            if handle := raw.FPDFAnnot_GetFileAttachment(annotation):
                pinned.append(handle)
            for key in _ANNOTATION_KEYS:
                text = _wide(partial(raw.FPDFAnnot_GetStringValue, annotation, key))
                if text.strip():
                    yield text
        finally:
            raw.FPDFPage_CloseAnnot(annotation)


def _wide(ask: Callable[[Any, int], int]) -> str:
    """A UTF-16 text of PDFium: asked first for its size, then for itself."""
    size = ask(None, 0)
    if not 2 < size <= _MOST_BYTES:
        return ""
    buffer = ctypes.create_string_buffer(size)
    ask(ctypes.cast(buffer, ctypes.POINTER(ctypes.c_ushort)), size)
    return buffer.raw[: size - 2].decode("utf-16-le", "replace")


def _around(document: Any, file: File, into: Collected) -> None:
    """Metadata, bookmarks, form data outside the pages."""
    try:
        found = [str(value) for value in document.get_metadata_dict(skip_empty=True).values()]
        found += [mark.get_title() for mark in document.get_toc(max_depth=10)]
    except (pypdfium2.PdfiumError, ValueError, RecursionError):
        found = []
    into.text(inner_place(file.place, "properties"), "\n".join(found))
    packets = [match[0] for _, match in zip(range(_MOST_PACKETS), _XMP.finditer(file.data), strict=False)]
    for packet in packets:
        into.text(inner_place(file.place, "metadata"), re.sub(r"<[^<>]*>", "\n", packet.decode("utf-8", "replace")))
    for number in range(min(raw.FPDF_GetXFAPacketCount(document), 100)):
        data = _xfa(document, number)
        try:
            into.text(inner_place(file.place, "form"), loose_text(parse_xml(data)) if data else "")
        except BROKEN_XML:
            into.text(inner_place(file.place, "form"), data.decode("utf-8", "replace"))


def _xfa(document: Any, number: int) -> bytes:
    size = ctypes.c_ulong()
    if not raw.FPDF_GetXFAPacketContent(document, number, None, 0, ctypes.byref(size)) or size.value > _MOST_BYTES:
        return b""
    buffer = ctypes.create_string_buffer(size.value)
    raw.FPDF_GetXFAPacketContent(document, number, buffer, size.value, ctypes.byref(size))
    return buffer.raw


def _attachments(document: Any, pinned: list[Any]) -> Iterator[tuple[str, bytes]]:
    """(name, bytes) of the files of the document, and of those pinned to a page."""
    listed = [document.get_attachment(number) for number in range(min(document.count_attachments(), _MOST_ATTACHED))]
    for attachment in [*listed, *(pypdfium2.PdfAttachment(handle, document) for handle in pinned[:_MOST_ATTACHED])]:
        try:
            data = bytes(attachment.get_data())
        except pypdfium2.PdfiumError:
            data = b""
        yield attachment.get_name(), data
