"""PDF: text of every page, form fields, annotations, attachments, bookmarks, metadata, scripts, files."""

import contextlib
import ctypes
import hashlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from io import BytesIO
from typing import Any, Final

import pypdfium2
from pypdfium2 import raw

from policy.extraction.collected import Collected, File, Inner, inner_place
from policy.extraction.pdf.forms import filled_lines
from policy.extraction.pdf.inside import Inside, read_inside
from policy.extraction.pdf.pages import gray_png, page_text, placed_readings
from policy.extraction.xmltext import BROKEN_XML, loose_text, parse_xml
from policy.reader.references import unescape
from rules.content import FileKind

_ANNOTATION_KEYS: Final = (b"Contents", b"V", b"DV", b"T", b"TU", b"RC", b"Subj", b"NM", b"CA", b"TM", b"AC", b"RCC")
_RICH: Final = frozenset({b"RC", b"RCC"})  # of these the text is marked up (ISO 32000-1, 12.7.3.4)
_TAG: Final = re.compile(r"<[^<>]*>")
_MOST_PAGES: Final = 5_000
_SHORT_LABEL: Final = 6  # characters
_MOST_ANNOTATIONS: Final = 5_000
_MOST_BYTES: Final = 8 * 1024 * 1024  # of one annotation's text
_XMP: Final = re.compile(rb"<\?xpacket begin.*?<\?xpacket end", re.DOTALL)
_MOST_PACKETS: Final = 20
_MOST_ATTACHED: Final = 1_000
_MOST_PASSWORDS: Final = 200  # a try is some tenths of a millisecond, and a few where the file is of the newest kind
# PDFium looks for the end of each stream up to the file's end, each time anew.
_MOST_ENDLESS: Final = 200
_MOST_SEARCHED: Final = 300_000_000
_MOST_DRAWN: Final = 20  # pages without text that are handed on as pictures
_DRAWN_DPI: Final = 200
_LARGEST_PAGE: Final = 3_000.0  # points
_EDGE: Final = 100  # characters at the end of a page that may go on at the start of the next
_DECRYPTED: Final = 3  # FPDF_REMOVE_SECURITY
_LARGEST_COPY: Final = 64 * 1024 * 1024


@dataclass(slots=True)
class _Reading:
    """One document while it is read."""

    document: Any
    file: File
    into: Collected
    reason: str = ""
    pinned: list[Any] = field(default_factory=list)
    files: set[bytes] = field(default_factory=set)  # digests of what was attached
    drawn: int = 0
    draws: bool = False  # what its text looks like is not sure
    layered: bool = False  # forms of it are on layers


def read_pdf(file: File, into: Collected, inner: Inner) -> None:
    """One PDF; attachments are read as files of their own."""
    document, password = _opened(file, into)
    if document is None:
        return
    try:
        with contextlib.suppress(pypdfium2.PdfiumError):  # a form that is broken leaves the pages
            document.init_forms()
        reading = _Reading(document, file, into)
        data = _plain(reading, password)
        inside = read_inside(data, into.budget.room())
        reading.draws, reading.layered = inside.drawn_fonts, inside.layered_forms
        if inside.repeats:
            into.fact(file, FileKind.PDF, reason="a PDF whose forms draw each other too often")
            _beside(file, inside, into)
        else:
            _read(reading, inside, inner, encrypted=bool(password))
    finally:
        document.close()


def _opened(file: File, into: Collected) -> tuple[Any, str]:
    """The document and the password that opened it; told, where it could not be opened."""
    endless = file.data.count(b"stream") - 2 * file.data.count(b"endstream")
    if endless > _MOST_ENDLESS and endless * len(file.data) > _MOST_SEARCHED:
        into.fact(file, FileKind.PDF, reason="a PDF whose streams do not end")
        _beside(file, read_inside(file.data, into.budget.room()), into)
        return None, ""
    for password in _keys(into):
        try:
            return pypdfium2.PdfDocument(file.data, password=password), password or ""
        except pypdfium2.PdfiumError as error:
            locked = getattr(error, "err_code", None) == raw.FPDF_ERR_PASSWORD or "password" in str(error).lower()
            if not locked:
                into.fact(file, FileKind.PDF, reason="a PDF that is broken")
                _beside(file, read_inside(file.data, into.budget.room()), into)
                return None, ""
    into.fact(file, FileKind.PDF, encrypted=True, reason="needs a password")
    return None, ""


def _keys(into: Collected) -> Iterator[str | None]:
    """None first: most files are open, and for some it is enough."""
    yield None
    yield from into.to_try()[:_MOST_PASSWORDS]


def _plain(reading: _Reading, password: str) -> bytes:
    """The file's bytes, without encryption where it has some (a password only to change it is none to read it)."""
    data = reading.file.data
    if raw.FPDF_GetSecurityHandlerRevision(reading.document) < 0 and not password:
        return data
    if len(data) > _LARGEST_COPY:
        return b""
    out = BytesIO()
    try:
        reading.document.save(out, flags=_DECRYPTED)
    except pypdfium2.PdfiumError:
        return b""
    return out.getvalue()


def _read(reading: _Reading, inside: Inside, inner: Inner, *, encrypted: bool) -> None:
    file, into = reading.file, reading.into
    pages = len(reading.document)
    if not pages:
        reading.reason = "a PDF without pages that can be read"
    elif pages > _MOST_PAGES:
        reading.reason = "more pages than are read"
    last, has_text = "", False
    for number in range(min(pages, _MOST_PAGES)):
        place = inner_place(file.place, f"page {number + 1}")
        texts, notes = _page(reading, number)
        fits = all(into.text(place, text) for text in texts)
        if not (fits and into.text(f"{place} > notes and fields", notes)):
            reading.reason = "more text than is read"
            break
        first = texts[0] if texts else ""
        has_text = has_text or any(text.strip() for text in texts)
        joined = _bridge(last, first)
        into.text(place, joined)
        last = joined if joined and len(first) < _EDGE else first
    if not has_text and (inside.texts.get("other drawings") or inside.draw_pages()):
        reading.reason = reading.reason or "a PDF whose pages do not show the text that is in it"
    if not has_text and inside.is_cut:
        reading.reason = reading.reason or "a PDF that ends too early"
    if inside.untold:
        reading.reason = reading.reason or "a PDF with a font that does not say what its signs are"
    if inside.broken:
        reading.reason = reading.reason or "a PDF with a broken page"
    if encrypted:
        into.fact(file, FileKind.PDF, encrypted=True, reason="opened with a password")
    else:
        into.fact(file, FileKind.PDF, reason=reading.reason or ("" if inside.whole else "more objects than are read"))
    _around(reading)
    into.text(inner_place(file.place, "page labels"), _page_labels(reading.document))
    _beside(file, inside, into)
    for name, data in _attachments(reading):
        _attached(reading, name, data, inner)
    for number, data in enumerate(inside.files, 1):
        _attached(reading, f"file {number}", data, inner)


def _attached(reading: _Reading, name: str, data: bytes, inner: Inner) -> None:
    """A file within, once."""
    file, into = reading.file, reading.into
    place = inner_place(file.place, name)
    into.text(place, name)
    digest = hashlib.sha256(data).digest()
    if digest in reading.files:
        return
    reading.files.add(digest)
    if into.budget.take_file() and into.budget.take_bytes(len(data)):
        inner(File(name, data, place, file.depth + 1), into)
    else:
        into.fact(File(name, b"", place, file.depth + 1), FileKind.UNKNOWN, reason="unpacks to more than is read")


def _bridge(last: str, first: str) -> str:
    """A number that goes on over the end of a page."""
    end, start = last.rstrip()[-_EDGE:], first.lstrip()[:_EDGE]
    if not end or not start or not (end[-1].isdigit() or end[-1] in "-/ ") or not start[0].isdigit():
        return ""
    return f"{end}{start}"


def _page(reading: _Reading, number: int) -> tuple[list[str], str]:
    """The readings of a page, and what its annotations and fields say."""
    try:
        page = reading.document[number]
    except pypdfium2.PdfiumError:
        reading.reason = reading.reason or "a PDF with a broken page"
        return [], ""
    try:
        texts = _texts(reading, page)
        if reading.draws or not any(text.strip() for text in texts):
            _draw(reading, page, number)
        notes = "\n\n".join(dict.fromkeys(_annotations(page, reading.pinned)))
        has_notes = bool(raw.FPDFPage_GetAnnotCount(page))
        if has_notes:
            texts.append(filled_lines(page))
    finally:
        page.close()
    if has_notes:
        texts += [text for text in _flattened(reading, number) if text not in texts]
    return texts, notes


def _texts(reading: _Reading, page: Any) -> list[str]:
    try:
        text_page = page.get_textpage()
    except pypdfium2.PdfiumError:
        reading.reason = reading.reason or "a PDF with a broken page"
        return []
    try:
        text = page_text(text_page)
        return [text, *placed_readings(text_page, text, page.get_size(), layered=reading.layered)]
    except pypdfium2.PdfiumError:
        reading.reason = reading.reason or "a PDF with a broken page"
        return []
    finally:
        text_page.close()


def _flattened(reading: _Reading, number: int) -> list[str]:
    """The page once more with its annotations as they appear upon it."""
    try:
        page = reading.document[number]
        flat = raw.FPDFPage_Flatten(page, raw.FLAT_NORMALDISPLAY) == raw.FLATTEN_SUCCESS
        page.close()
        if not flat:
            return []
        page = reading.document[number]
    except pypdfium2.PdfiumError:
        return []
    try:
        return _texts(reading, page)
    finally:
        page.close()


def _draw(reading: _Reading, page: Any, number: int) -> None:
    """A page without text as a picture, for whoever reads what is drawn in it."""
    width, height = page.get_size()
    if not reading.into.keeps_pictures or not raw.FPDFPage_CountObjects(page):
        return
    name = f"page {number + 1}"
    picture = File(name, b"", inner_place(reading.file.place, name), reading.file.depth + 1)
    reading.drawn += 1
    kept = False
    if reading.drawn <= _MOST_DRAWN and max(width, height) <= _LARGEST_PAGE:
        bitmap = page.render(scale=_DRAWN_DPI / 72, grayscale=True)
        data = gray_png(bytes(bitmap.buffer), bitmap.width, bitmap.height, bitmap.stride)
        bitmap.close()
        kept = reading.into.picture(File(picture.name, data, picture.place, picture.depth))
    if not kept:
        reading.into.fact(picture, FileKind.IMAGE, reason="more pictures than are read")


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
                if key in _RICH and "<" in text:
                    yield unescape(_TAG.sub("", text))
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


def _around(reading: _Reading) -> None:
    """Metadata, bookmarks, form data outside the pages."""
    document, file, into = reading.document, reading.file, reading.into
    try:
        found = [str(value) for value in document.get_metadata_dict(skip_empty=True).values()]
        found += [mark.get_title() for mark in document.get_toc(max_depth=10)]
    except (pypdfium2.PdfiumError, ValueError, RecursionError):
        found = []
    into.text(inner_place(file.place, "properties"), "\n\n".join(found))
    packets = [match[0] for _, match in zip(range(_MOST_PACKETS), _XMP.finditer(file.data), strict=False)]
    for packet in packets:
        into.text(inner_place(file.place, "metadata"), re.sub(r"<[^<>]*>", "\n", packet.decode("utf-8", "replace")))
    for number in range(min(raw.FPDF_GetXFAPacketCount(document), 100)):
        data = _xfa(document, number)
        try:
            into.text(inner_place(file.place, "form"), loose_text(parse_xml(data)) if data else "")
        except BROKEN_XML:
            into.text(inner_place(file.place, "form"), data.decode("utf-8", "replace"))


def _page_labels(document: Any) -> str:
    """What the pages are called where that is more than a number (ISO 32000-1, 12.4.2)."""
    labels = (
        _wide(partial(raw.FPDF_GetPageLabel, document, number)) for number in range(min(len(document), _MOST_PAGES))
    )
    return "\n".join(label for label in labels if len(label) > _SHORT_LABEL)


def _beside(file: File, inside: Inside, into: Collected) -> None:
    """Texts of objects that no page shows, or shows otherwise."""
    for label, texts in inside.texts.items():
        into.text(inner_place(file.place, label), "\n\n".join(texts))


def _xfa(document: Any, number: int) -> bytes:
    size = ctypes.c_ulong()
    if not raw.FPDF_GetXFAPacketContent(document, number, None, 0, ctypes.byref(size)) or size.value > _MOST_BYTES:
        return b""
    buffer = ctypes.create_string_buffer(size.value)
    raw.FPDF_GetXFAPacketContent(document, number, buffer, size.value, ctypes.byref(size))
    return buffer.raw


def _attachments(reading: _Reading) -> Iterator[tuple[str, bytes]]:
    """(name, bytes) of the files of the document, and of those pinned to a page."""
    document = reading.document
    listed = [document.get_attachment(number) for number in range(min(document.count_attachments(), _MOST_ATTACHED))]
    pinned = [pypdfium2.PdfAttachment(handle, document) for handle in reading.pinned[:_MOST_ATTACHED]]
    for attachment in [*listed, *pinned]:
        try:
            data = bytes(attachment.get_data())
        except pypdfium2.PdfiumError:
            data = b""
        yield attachment.get_name(), data
