"""One file to Content, by what it truly is."""

import re
from dataclasses import dataclass, replace
from typing import Final

from policy.extraction.borrowed import borrowing
from policy.extraction.cells.valuefiles import value_readings
from policy.extraction.collected import Collected, File, Picture, inner_place, is_own, one_fact
from policy.extraction.documents import (
    drawn_text,
    read_appledouble,
    read_ar,
    read_cpio,
    read_flat,
    read_office,
    read_ole,
    read_opendocument,
    read_packed,
    read_pdf,
    read_rtf_file,
    read_tar,
    read_tnef,
    read_zip,
)
from policy.extraction.html.generated import written_texts
from policy.extraction.html.page import page_readings, read_page
from policy.extraction.html.sheetpages import sheet_readings
from policy.extraction.kind import Format, Kind, kind_of
from policy.extraction.mailboxes import mails_of
from policy.extraction.passwords import words_of
from policy.extraction.pdf.fdf import FDF, field_lines
from policy.extraction.pictures import picture_text
from policy.extraction.text.cards import card_text, is_card, read_card
from policy.extraction.text.plain import text_readings
from policy.extraction.text.tables import joined_cells
from policy.extraction.text.tagged import has_tags_in_numbers, reads_as_page
from policy.extraction.wrappings import holds_wrapping, read_cms, read_pgp, read_written
from policy.extraction.xmlsource import read_xml
from policy.reader.charsets import decode, is_noise, legible
from policy.reader.coded import without_coded
from policy.reader.limits import DEFAULT_LIMITS, Budget, Limits
from policy.reader.mime import Leaf, read_mime
from policy.reader.openpgp import looks_pgp
from rules.content import Content, FileFact, FileKind, Part

# Read here in plain Python, so that no native library sees a stranger's bytes in the gateway's own process.
LIGHT: Final = frozenset(
    {Format.TEXT, Format.HTML, Format.XML, Format.SVG, Format.IMAGE, Format.EXECUTABLE, Format.PACKED,
     Format.MEDIA, Format.EMPTY}
)  # fmt: skip
_SHOWN: Final = frozenset(
    {Format.TEXT, Format.HTML, Format.XML, Format.SVG, Format.MESSAGE, Format.PGP, Format.EMPTY, Format.UNKNOWN}
)
_PACKED: Final = frozenset(
    {FileKind.ARCHIVE, FileKind.DOCUMENT, FileKind.SPREADSHEET, FileKind.PRESENTATION, FileKind.PDF, FileKind.MESSAGE}
)
_INSIDE: Final = frozenset({Format.ZIP, Format.WRITTEN, Format.PGP, Format.CMS, Format.APPLE})
_PAGES: Final = (".htm", ".html", ".xhtml", ".shtml", ".hta")
_POSTSCRIPT: Final = (b"%!PS", b"\x04%!PS")
_MOSTLY_TEXT: Final = 0.7
_CODED: Final = re.compile(r"(?=.*[A-Za-z+/=])[A-Za-z0-9+/=]{1,80}\s*|-----[A-Z ]{1,40}-----\s*")  # lines of armour
_NOT_PRINTED: Final = bytes(set(range(256)) - set(range(32, 127)) - set(b"\t\r\n"))
_OWN_SIGNS: Final = "a page with a font of its own, by which letters can look like digits"
_WRITES_ITSELF: Final = "a page whose script unpacks what it shows, which is not run"
_NOISE: Final = "a text of which most is none in any charset"
_TOO_COMPLEX: Final = "a page of more elements and style rules than are worked through"
_UNREAD: Final = {
    Format.PACKED: "an archive of a type that is not unpacked",
    Format.MEDIA: "sound and film are not read",
    Format.EXECUTABLE: "a program",
    Format.UNKNOWN: "of no known type",
}


def extract(
    name: str,
    data: bytes,
    limits: Limits = DEFAULT_LIMITS,
    depth: int = 0,
    *,
    place: str | None = None,
    media_type: str = "",
    charset: str = "",
    passwords: tuple[str, ...] = (),
) -> Content:
    """Read one file and all that is packed in it. `place` is `name` unless given. Raises nothing, whatever it holds.

    `passwords` are tried on what is locked.
    """
    file = File(name, data, name if place is None else place, depth, media_type, charset)
    return read_whole(file, limits, passwords).content


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was read of a file, and the pictures in it, where they were asked for, whose drawn text was not.

    `met_a_lock`: with other passwords something else might have been read.
    """

    content: Content
    pictures: tuple[Picture, ...] = ()
    met_a_lock: bool = False


def read_whole(
    file: File,
    limits: Limits = DEFAULT_LIMITS,
    passwords: tuple[str, ...] = (),
    *,
    pictures: bool = False,
    kind: Kind | None = None,
) -> Outcome:
    """Read one file and all that is packed in it. Raises nothing, whatever it holds. `kind`: where that is known."""
    into = Collected(Budget(limits, len(file.data)), passwords, pictures)
    read_file(file, into, kind)
    return Outcome(into.content(), tuple(into.pictures), into.met_a_lock)


def extract_body(leaf: Leaf, kind: Kind, limits: Limits = DEFAULT_LIMITS) -> Content:
    """The text of a message (`is_body`): no fact of its own, unless it is locked or cannot be read. Raises nothing."""
    into = Collected(Budget(limits, len(leaf.data)))
    try:
        _body(leaf, kind, into)
    except Exception as error:  # noqa: BLE001 (as for files: the text is told, and all that is legible of it is read)
        into.text(leaf.place, decode(leaf.data, leaf.charset))
        into.fact(file_of(leaf), kind.file, reason=_unreadable(kind, error))
    return into.content()


def _unreadable(kind: Kind, error: Exception) -> str:
    return f"{kind.about}: it cannot be read ({type(error).__name__})"


def file_of(leaf: Leaf) -> File:
    """A leaf as a file."""
    return File(
        leaf.name,
        leaf.data,
        leaf.place,
        leaf.depth,
        leaf.media_type,
        leaf.charset,
        flowed=leaf.flowed,
        delsp=leaf.delsp,
        is_body=not leaf.is_file and leaf.media_type == "text/html",
    )


def read_file(file: File, into: Collected, kind: Kind | None = None) -> None:
    """Read a file with its own fact into what is collected; every format it has is read."""
    limits = into.budget.limits
    kind = kind or kind_of(file.data)
    if file.depth > limits.archive_depth:
        into.fact(file, kind.file, reason="packed deeper than is read")
        return
    before = len(into.files)
    for form in kind.formats:
        try:
            _READERS[form](file, kind, into)
            may_be_page = _is_named_page(file) or (form is Format.TEXT and reads_as_page(file.media_type, file.data))
            if form is Format.TEXT and Format.HTML not in kind.formats and may_be_page:
                _html(file, kind, into)
            if form is Format.HTML and file.is_body and b"-----BEGIN PGP MESSAGE" in file.data:
                _pgp(file, kind, into)
            if form is kind.formats[-1] and form not in _SHOWN and _is_named_page(file):
                _html(file, kind, into)  # a browser goes by the name
        except Exception as error:  # noqa: BLE001 (a parser and a file made to break it: the file is told, the mail goes on)
            into.fact(file, kind.file, reason=_unreadable(kind, error))
    if into.budget.chars > limits.text_chars:
        into.fact(file, kind.file, reason="more text than is read")
    one_fact(file, kind.file, into, before)


def _is_named_page(file: File) -> bool:
    return "html" in file.media_type or file.name.rstrip(". ").lower().endswith(_PAGES)


def _text(own: File, kind: Kind, into: Collected) -> None:
    file = _as_shown(own, kind)
    if is_noise(file.data, file.charset):
        into.text(file.place, legible(file.data))
        into.fact(own, kind.file, reason=_NOISE)
        return
    whole = True
    for text in text_readings(file.data, file.charset, file.media_type, flowed=file.flowed, delsp=file.delsp):
        into.text(file.place, text, source=True)
        if "\t" in text:
            into.text(file.place, joined_cells(text))
        if b"\\" in file.data and "<" in text and has_tags_in_numbers(text.encode("utf-8", "replace")):
            for _, shown in read_page(text).named():
                into.text(file.place, shown)
        if file.name:
            values, all_worked_out = value_readings(file.name, file.media_type, text)
            whole = whole and all_worked_out
            for value in values:
                into.text(file.place, value)
    _card(file, into)
    if file.media_type == "text/css" or file.name.lower().endswith(".css"):
        into.text(file.place, written_texts(decode(file.data, file.charset)))
    reason = "" if whole else "formulas of which not all were worked out"
    if file.data.startswith(_POSTSCRIPT):
        into.text(file.place, drawn_text(file.data, {}, as_drawn=False))
        reason = "a PostScript program, which is not run"
    if file.data.startswith(FDF):
        lines, is_all = field_lines(file.data, into.budget.room())
        into.text(file.place, lines)
        reason = reason or ("" if is_all else "more fields than are read")
    into.fact(own, kind.file, reason=reason)


def _as_shown(file: File, kind: Kind) -> File:
    """A text with less of the files that are written in it."""
    return replace(file, data=without_coded(file.data)) if Format.WRITTEN in kind.formats else file


def _card(file: File, into: Collected) -> None:
    """Pages and files in the lines of a calendar, a business card or a directory entry."""
    card = (
        read_card(card_text(file.data, file.charset), file.media_type) if is_card(file.data, file.media_type) else None
    )
    for source in card.pages if card else ():
        for _, text in read_page(source).named():
            into.text(file.place, text)
    for name, data in card.files if card else ():
        place = inner_place(file.place, name)
        if into.budget.take_file() and into.budget.take_bytes(len(data)):
            read_file(File(name, data, place, file.depth + 1), into)
        else:
            into.fact(File(name, b"", place, file.depth + 1), FileKind.UNKNOWN, reason="holds more files than are read")


def _html(own: File, kind: Kind, into: Collected) -> None:
    file = _as_shown(own, kind)
    noise = is_noise(file.data, file.charset)
    pages = page_readings(legible(file.data).encode()) if noise else page_readings(file.data, file.charset)
    reason = _NOISE if noise else _OWN_SIGNS if any(page.own_signs for page in pages) else ""
    if not reason and any(page.writes for page in pages):
        reason = _WRITES_ITSELF
    into.fact(own, kind.file, reason=reason if all(page.whole for page in pages) else _TOO_COMPLEX)
    for source in () if noise else dict.fromkeys((decode(file.data, file.charset), decode(file.data))):
        for shown in sheet_readings(file.name, source):
            into.text(file.place, shown)
    for page in pages:
        for label, text in page.named():
            into.text(inner_place(file.place, label) if label else file.place, text)
        for data in page.files:
            _file_in_page(file, data, into)


def _file_in_page(page: File, data: bytes, into: Collected) -> None:
    """What lies in an address of a page. A calendar, card or note is read; what is packed is told."""
    kind = kind_of(data)
    is_text = kind.formats == (Format.TEXT,)
    packed = kind.file in _PACKED or not _INSIDE.isdisjoint(kind.formats)
    if not (is_text or packed) or not into.budget.take_file():
        return
    inside = File("file in the page", data, inner_place(page.place, "file in the page"), page.depth + 1)
    if packed:
        into.fact(inside, kind.file, reason="a file inside a page, which is not read")
        return
    for text in text_readings(data):
        into.text(inside.place, text, source=True)
    _card(inside, into)


def _message(file: File, kind: Kind, into: Collected) -> None:
    """A mail in a file: taken apart, and its parts read like files."""
    into.fact(file, kind.file)
    for mail in mails_of(file.data):
        if not into.budget.take_mail(len(mail)):
            into.fact(file, kind.file, reason="holds more mails in mails than are read")
            return
        items = read_mime(mail, into.budget.limits, path=f"{file.place} > ", depth=file.depth + 1).items
        into.learn(words_of(items))
        for item in (*items, *borrowing(items)):
            if isinstance(item, Part):
                into.text(item.place, item.text)
            elif isinstance(item, FileFact):
                into.files.append(item)
            else:
                _leaf(item, into)


def _leaf(leaf: Leaf, into: Collected) -> None:
    if not into.budget.take_file():
        into.fact(file_of(leaf), FileKind.UNKNOWN, reason="holds more files than are read")
        return
    kind = kind_of(leaf.data)
    if is_body(leaf, kind):
        _body(leaf, kind, into)
    else:
        read_file(file_of(leaf), into, kind)


def _body(leaf: Leaf, kind: Kind, into: Collected) -> None:
    before = len(into.files)
    file = file_of(leaf)
    if leaf.media_type != "text/html" or kind.file is not FileKind.HTML:
        _text(file, kind, into)
    if Format.HTML in kind.formats or reads_as_page(leaf.media_type, leaf.data):
        _html(file, kind, into)
    into.files[before:] = [
        fact for fact in into.files[before:] if not is_own(fact, file) or fact.reason in (_TOO_COMPLEX, _OWN_SIGNS)
    ]
    within = len(into.files)
    if holds_wrapping(kind, leaf.data):
        _wrapped(file, kind, into)
    told = [fact for fact in into.files[within:] if is_own(fact, file)]
    into.files[within:] = [fact for fact in into.files[within:] if fact not in told]
    if wrapped := [fact for fact in told if fact.encrypted or fact.unreadable]:
        into.files.append(wrapped[0])


def is_body(leaf: Leaf, kind: Kind) -> bool:
    """Whether a leaf is text that is shown, and not a file in disguise."""
    return not leaf.is_file and kind.formats[0] in _SHOWN


def _picture(file: File, kind: Kind, into: Collected) -> None:
    kept = kind.formats[0] is Format.EMPTY or into.picture(file)
    into.fact(file, kind.file, reason="" if kept else "more pictures than are read")
    text = picture_text(file.data)
    if not text:
        return
    place = inner_place(file.place, "text in the file")
    into.text(place, text)
    if has_tags_in_numbers(text.encode()):
        for page in page_readings(text.encode()):
            for _, shown in page.named():
                into.text(place, shown)


def _cms(file: File, kind: Kind, into: Collected) -> None:
    read_cms(file, kind, into, read_file, _message)


def _pgp(file: File, kind: Kind, into: Collected) -> None:
    if file.data.startswith(b"-----BEGIN PGP"):
        into.text(file.place, "\n".join(line for line in decode(file.data).splitlines() if not _CODED.fullmatch(line)))
    if not read_pgp(file, kind, into, read_file, _message):
        into.fact(file, kind.file, encrypted=True, reason="an encrypted message")


def _wrapped(file: File, kind: Kind, into: Collected) -> None:
    """What is written in a text: files, and messages of PGP."""
    if Format.WRITTEN in kind.formats:
        read_written(file, kind, into, read_file)
    if Format.PGP in kind.formats or b"-----BEGIN PGP MESSAGE" in file.data:
        _pgp(file, kind, into)


def _unread(file: File, kind: Kind, into: Collected) -> None:
    """Told, and where most of it is text, read as such too."""
    if kind.formats[0] is Format.UNKNOWN and looks_pgp(file.data):
        _pgp(file, kind, into)
        return
    head = file.data[:65536]
    texts = file.media_type.startswith("text/") or len(head.translate(None, _NOT_PRINTED)) > _MOSTLY_TEXT * len(head)
    if kind.formats[0] is Format.UNKNOWN and texts:
        noise = is_noise(file.data, file.charset)
        told = (legible(file.data),) if noise else text_readings(file.data, file.charset)
        for text in told:
            into.text(file.place, text, source=not noise)
    into.fact(file, kind.file, reason=f"{kind.about}: {_UNREAD[kind.formats[0]]}")


_READERS: Final = {
    Format.TEXT: _text,
    Format.HTML: _html,
    Format.XML: lambda file, kind, into: read_xml(file, kind.file, into),
    Format.SVG: lambda file, kind, into: read_xml(file, kind.file, into),
    Format.MESSAGE: _message,
    Format.OOXML: lambda file, kind, into: read_office(file, kind.file, into, read_file),
    Format.ODF: lambda file, kind, into: read_opendocument(file, kind.file, into, read_file),
    Format.ZIP: lambda file, kind, into: read_zip(file, kind.file, into, read_file),
    Format.GZIP: lambda file, kind, into: read_packed(file, Format.GZIP, into, read_file),
    Format.BZIP2: lambda file, kind, into: read_packed(file, Format.BZIP2, into, read_file),
    Format.ZLIB: lambda file, kind, into: read_packed(file, Format.ZLIB, into, read_file),
    Format.XZ: lambda file, kind, into: read_packed(file, Format.XZ, into, read_file),
    Format.TAR: lambda file, kind, into: read_tar(file, into, read_file),
    Format.AR: lambda file, kind, into: read_ar(file, into, read_file),
    Format.CPIO: lambda file, kind, into: read_cpio(file, into, read_file),
    Format.PDF: lambda file, kind, into: read_pdf(file, into, read_file),
    Format.OLE: lambda file, kind, into: read_ole(file, kind, into, read_file),
    Format.RTF: lambda file, kind, into: read_rtf_file(file, kind.file, into, read_file),
    Format.FLAT: lambda file, kind, into: read_flat(file, kind.file, into, read_file),
    Format.IMAGE: _picture,
    Format.EXECUTABLE: _unread,
    Format.PACKED: _unread,
    Format.TNEF: lambda file, kind, into: read_tnef(file, into, read_file),
    Format.CMS: _cms,
    Format.PGP: _pgp,
    Format.WRITTEN: lambda file, kind, into: read_written(file, kind, into, read_file),
    Format.APPLE: lambda file, kind, into: read_appledouble(file, into, read_file),
    Format.MEDIA: _unread,
    Format.EMPTY: _picture,
    Format.UNKNOWN: _unread,
}
