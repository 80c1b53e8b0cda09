"""What a file is by its bytes."""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from policy.extraction.compound import root_names
from policy.extraction.text.cards import holds_files
from policy.reader.telltales import OF_FILES, Telltale, telltales
from policy.reader.turns import search
from policy.reader.written import is_written
from rules.content import FileKind


class Format(StrEnum):
    """The formats that are told apart; what reads them is chosen in `extract.py`."""

    TEXT = "text"
    HTML = "html"
    XML = "xml"
    SVG = "svg"
    MESSAGE = "message"
    OOXML = "ooxml"
    ODF = "odf"
    FLAT = "flat"  # a document in one XML file
    ZIP = "zip"
    GZIP = "gzip"
    BZIP2 = "bzip2"
    XZ = "xz"
    ZLIB = "zlib"
    TAR = "tar"
    AR = "ar"
    CPIO = "cpio"
    PDF = "pdf"
    OLE = "ole"
    RTF = "rtf"
    IMAGE = "image"
    EXECUTABLE = "executable"
    PACKED = "packed"  # archives that are recognised and not read
    TNEF = "tnef"
    CMS = "cms"
    PGP = "pgp"
    WRITTEN = "written"  # files that stand written in a text
    APPLE = "apple"  # AppleSingle, AppleDouble
    MEDIA = "media"
    EMPTY = "empty"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Kind:
    """`file` is what a rule asks for; `about` names the format to an admin; `formats` are to be read in turn."""

    file: FileKind
    formats: tuple[Format, ...]
    about: str


_MAGIC: Final[tuple[tuple[bytes, FileKind, Format, str], ...]] = (
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", FileKind.DOCUMENT, Format.OLE, "OLE document"),
    (b"{\\rt", FileKind.DOCUMENT, Format.RTF, "RTF"),
    (b"\x1f\x8b", FileKind.ARCHIVE, Format.GZIP, "gzip"),
    (b"BZh", FileKind.ARCHIVE, Format.BZIP2, "bzip2"),
    (b"\xfd7zXZ\0", FileKind.ARCHIVE, Format.XZ, "xz"),
    (b"\x5d\0\0", FileKind.ARCHIVE, Format.XZ, "lzma"),
    (b"7z\xbc\xaf\x27\x1c", FileKind.ARCHIVE, Format.PACKED, "7-Zip"),
    (b"Rar!\x1a\x07", FileKind.ARCHIVE, Format.PACKED, "RAR"),
    (b"MSCF", FileKind.ARCHIVE, Format.PACKED, "cabinet"),
    (b"\x28\xb5\x2f\xfd", FileKind.ARCHIVE, Format.PACKED, "Zstandard"),
    (b"\x04\x22\x4d\x18", FileKind.ARCHIVE, Format.PACKED, "LZ4"),
    (b"LZIP", FileKind.ARCHIVE, Format.PACKED, "lzip"),
    (b"\x1f\x9d", FileKind.ARCHIVE, Format.PACKED, "compress"),
    (b"\x60\xea", FileKind.ARCHIVE, Format.PACKED, "ARJ"),
    (b"!<arch>\n", FileKind.ARCHIVE, Format.AR, "ar"),
    (b"xar!", FileKind.ARCHIVE, Format.PACKED, "xar"),
    (b"070701", FileKind.ARCHIVE, Format.CPIO, "cpio"),
    (b"070702", FileKind.ARCHIVE, Format.CPIO, "cpio"),
    (b"070707", FileKind.ARCHIVE, Format.PACKED, "cpio"),
    (b"\x78\x9f\x3e\x22", FileKind.MESSAGE, Format.TNEF, "winmail.dat"),
    (b"\x89PNG\r\n\x1a\n", FileKind.IMAGE, Format.IMAGE, "PNG"),
    (b"\xff\xd8\xff", FileKind.IMAGE, Format.IMAGE, "JPEG"),
    (b"GIF87a", FileKind.IMAGE, Format.IMAGE, "GIF"),
    (b"GIF89a", FileKind.IMAGE, Format.IMAGE, "GIF"),
    (b"II*\0", FileKind.IMAGE, Format.IMAGE, "TIFF"),
    (b"MM\0*", FileKind.IMAGE, Format.IMAGE, "TIFF"),
    (b"\0\0\1\0", FileKind.IMAGE, Format.IMAGE, "icon"),
    (b"8BPS", FileKind.IMAGE, Format.IMAGE, "Photoshop"),
    (b"\xd7\xcd\xc6\x9a", FileKind.IMAGE, Format.IMAGE, "WMF"),
    (b"\x01\0\x09\0\0\x03", FileKind.IMAGE, Format.IMAGE, "WMF"),
    (b"\x01\0\x09\0\0\x01", FileKind.IMAGE, Format.IMAGE, "WMF"),
    (b"\xff\x0a", FileKind.IMAGE, Format.IMAGE, "JPEG XL"),
    (b"\0\0\0\x0cJXL ", FileKind.IMAGE, Format.IMAGE, "JPEG XL"),
    (b"\0\0\0\x0cjP  ", FileKind.IMAGE, Format.IMAGE, "JPEG 2000"),
    (b"\x7fELF", FileKind.EXECUTABLE, Format.EXECUTABLE, "ELF program"),
    (b"\xca\xfe\xba\xbe", FileKind.EXECUTABLE, Format.EXECUTABLE, "Java class or Mach-O program"),
    (b"\xcf\xfa\xed\xfe", FileKind.EXECUTABLE, Format.EXECUTABLE, "Mach-O program"),
    (b"\xce\xfa\xed\xfe", FileKind.EXECUTABLE, Format.EXECUTABLE, "Mach-O program"),
    (b"\0asm", FileKind.EXECUTABLE, Format.EXECUTABLE, "WebAssembly"),
    (b"L\0\0\0\x01\x14\x02\0", FileKind.EXECUTABLE, Format.EXECUTABLE, "Windows shortcut"),
    (b"\x00\x05\x16\x00", FileKind.UNKNOWN, Format.APPLE, "AppleSingle"),
    (b"\x00\x05\x16\x07", FileKind.UNKNOWN, Format.APPLE, "AppleDouble"),
    (b"ID3", FileKind.UNKNOWN, Format.MEDIA, "audio"),
    (b"OggS", FileKind.UNKNOWN, Format.MEDIA, "audio or video"),
    (b"fLaC", FileKind.UNKNOWN, Format.MEDIA, "audio"),
    (b"\x1aE\xdf\xa3", FileKind.UNKNOWN, Format.MEDIA, "video"),
    (b"-----BEGIN PGP MESSAGE", FileKind.UNKNOWN, Format.PGP, "PGP message"),
    (b"age-encryption.org/v1\n", FileKind.UNKNOWN, Format.PGP, "age file"),
    (b"Salted__", FileKind.UNKNOWN, Format.PGP, "OpenSSL file"),
    (b"U2FsdGVkX1", FileKind.UNKNOWN, Format.PGP, "OpenSSL file"),
    (b"-----BEGIN PKCS7", FileKind.UNKNOWN, Format.CMS, "S/MIME"),
)
_ANY_MAGIC: Final = tuple(row[0] for row in _MAGIC)
_PLAIN: Final = Kind(FileKind.TEXT, (Format.TEXT,), "text")
_PDF_WITHIN: Final = 1024  # readers look for %PDF- this far
# A directory with its end, or an entry: three signs alone may stand in any bytes.
_ZIP_WITHIN: Final = re.compile(rb"PK\x05\x06(?s:.{18})")
# What may hold whole zips as they are, and is read by what it is.
_CONTAINERS: Final = frozenset(
    {Format.OOXML, Format.ODF, Format.OLE, Format.MESSAGE, Format.TAR, Format.AR, Format.CPIO}
)
_OWN_ENTITIES: Final = re.compile(rb"<!DOCTYPE\s+[\w:-]{1,40}[^<>\[]{0,300}\[")
_HTML: Final = re.compile(
    rb"<(?:!doctype\s+html|html|head|body|title|meta|script|style|table|div|span|p|br|a|b|i|u|font|center|img|h[1-6]|ul|ol"
    rb"|pre|form|iframe|hr|link|base|section|article)(?:[\s/>])",
    re.I,
)
_HEADER_LINE: Final = re.compile(
    rb"(?:from|to|subject|date|received|return-path|message-id|mime-version|content-type|delivered-to|reply-to"
    rb"|x-[a-z0-9-]+|cc|sender|content-(?:transfer-encoding|disposition|description|id))[ \t]*:[^\n]*\n",
    re.I,
)
_HEADER_BLOCK: Final = re.compile(
    rb"(?:\A|\n)(?:from|to|date|content-type|mime-version|message-id|subject|received)[ \t]*:", re.I
)
_ENCODED: Final = re.compile(rb"(?:\A|\n)content-transfer-encoding[ \t]*:[ \t]*(?:base64|quoted)", re.I)
_ARMOURED: Final = re.compile(rb"-----BEGIN (?:PGP MESSAGE|CMS|PKCS7|AGE ENCRYPTED FILE)-----")
_CONTROL: Final = bytes(set(range(32)) - set(b"\t\n\r\f\v\x1b\x1a\x08"))
_OLE_STREAMS: Final = (
    ("__properties_version1.0", FileKind.MESSAGE, "Outlook message"),
    ("EncryptedPackage", FileKind.DOCUMENT, "encrypted Office document"),
    ("WordDocument", FileKind.DOCUMENT, "Word 97 document"),
    ("Workbook", FileKind.SPREADSHEET, "Excel 97 workbook"),
    ("Book", FileKind.SPREADSHEET, "Excel 95 workbook"),
    ("PowerPoint Document", FileKind.PRESENTATION, "PowerPoint 97 presentation"),
)
_FLAT: Final = (
    (b"vnd.oasis.opendocument.spreadsheet", FileKind.SPREADSHEET),
    (b"vnd.oasis.opendocument.presentation", FileKind.PRESENTATION),
    (b"urn:oasis:names:tc:opendocument:xmlns:office:1.0", FileKind.DOCUMENT),
    (b"http://schemas.microsoft.com/office/2006/xmlPackage", FileKind.DOCUMENT),
    (b"http://schemas.microsoft.com/office/word/2003/wordml", FileKind.DOCUMENT),
    (b"urn:schemas-microsoft-com:office:spreadsheet", FileKind.SPREADSHEET),
)
# As the clipboard and OLE keep one, without the header of a file: its size, width and height, one plane, bits.
_BITMAP: Final = re.compile(rb"[\x28\x6c\x7c]\0{3}..\0{2}..[\0\xff]{2}\x01\0[\x01\x04\x08\x10\x18\x20]\0", re.DOTALL)
_ZLIB: Final = (b"\x78\x01", b"\x78\x5e", b"\x78\x9c", b"\x78\xda")  # RFC 1950 2.2, as programs write it
_PKCS7: Final = b"\x2a\x86\x48\x86\xf7\x0d\x01\x07"
_SMIME: Final = b"\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x01"
_ZIP_MAGIC: Final = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08", b"PK00PK")


def kind_of(data: bytes) -> Kind:
    """Recognise a file. One that is two things at once (a picture with a zip behind it) has both formats."""
    kind = _main(data)
    extra: list[Format] = []
    # No text has the sign \x06, and to look for one sign is far quicker than for four.
    if Format.ZIP not in kind.formats and b"\x06" in data and search(_ZIP_WITHIN, data):
        extra.append(Format.ZIP)
    if Format.PDF not in kind.formats and b"%PDF-" in data[:_PDF_WITHIN]:
        extra.append(Format.PDF)
    if not extra or kind.formats[0] in _CONTAINERS:
        return kind
    return Kind(kind.file, (*kind.formats, *extra), kind.about)


def _main(data: bytes) -> Kind:
    if not data:
        return Kind(FileKind.TEXT, (Format.EMPTY,), "empty file")
    if data.startswith(b"%PDF-"):
        return Kind(FileKind.PDF, (Format.PDF,), "PDF")
    if data.startswith(_ZIP_MAGIC):
        return _zip(data)
    if data.startswith(_ANY_MAGIC):
        for magic, file, form, about in _MAGIC:
            if data.startswith(magic):
                return _ole(data) if form is Format.OLE else Kind(file, (form,), about)
    return _binary(data) or _text(data)


def _binary(data: bytes) -> Kind | None:
    """What is not told by its first bytes alone."""
    if data[257:262] == b"ustar" or _is_old_tar(data):
        return Kind(FileKind.ARCHIVE, (Format.TAR,), "tar")
    if data[32769:32774] == b"CD001":
        return Kind(FileKind.ARCHIVE, (Format.PACKED,), "disk image")
    if data[:2] == b"MZ" and b"\0" in data[:64]:
        return Kind(FileKind.EXECUTABLE, (Format.EXECUTABLE,), "Windows program")
    if data[:2] == b"#!":
        forms = (Format.TEXT, Format.WRITTEN) if is_written(data) else (Format.TEXT,)
        return Kind(FileKind.EXECUTABLE, forms, "script")
    if data[:2] == b"BM" and b"\0" in data[:30]:
        return Kind(FileKind.IMAGE, (Format.IMAGE,), "bitmap")
    if _BITMAP.match(data):
        return Kind(FileKind.IMAGE, (Format.IMAGE,), "bitmap")
    if data[:4] == b"RIFF":
        if data[8:12] == b"WEBP":
            return Kind(FileKind.IMAGE, (Format.IMAGE,), "WebP")
        return Kind(FileKind.UNKNOWN, (Format.MEDIA,), "audio or video")
    if data[4:8] == b"ftyp":
        if data[8:12] in {b"avif", b"heic", b"heix", b"mif1", b"msf1", b"hevc"}:
            return Kind(FileKind.IMAGE, (Format.IMAGE,), "HEIF")
        return Kind(FileKind.UNKNOWN, (Format.MEDIA,), "video")
    if data[:4] == b"\x01\0\0\0" and data[40:44] == b" EMF":
        return Kind(FileKind.IMAGE, (Format.IMAGE,), "EMF")
    if data.startswith(_ZLIB) and not _is_text(data[:4096]):
        return Kind(FileKind.ARCHIVE, (Format.ZLIB,), "zlib")
    if data[2:5] == b"-lh" and data[6:7] == b"-":
        return Kind(FileKind.ARCHIVE, (Format.PACKED,), "LHA")
    if data[0] == 0x30 and (_PKCS7 in data[:64] or _SMIME in data[:64]):
        return Kind(FileKind.UNKNOWN, (Format.CMS,), "S/MIME")
    return None


def _is_old_tar(data: bytes) -> bool:
    """A header without a mark (Unix V7, GNU's labels), told by its sum."""
    said = data[148:154].strip(b" \0")
    if len(data) < 512 or not said.isdigit() or said.strip(b"01234567"):
        return False
    return int(said, 8) == sum(data[:148]) + sum(data[156:512]) + 8 * 0x20


def _zip(data: bytes) -> Kind:
    """The names of the entries tell documents from plain archives; they stand readable in the directory."""
    directory = data[-1024 * 1024 :]
    if b"[Content_Types].xml" in data:
        for folder, file in (
            (b"word/", FileKind.DOCUMENT),
            (b"xl/", FileKind.SPREADSHEET),
            (b"ppt/", FileKind.PRESENTATION),
            (b"visio/", FileKind.DOCUMENT),
        ):
            if folder in directory:
                return Kind(file, (Format.OOXML,), "Office document")
        if b"_rels/.rels" in directory:
            return Kind(FileKind.ARCHIVE, (Format.OOXML,), "package")  # its main part may lie in any folder
    if data[30:38] == b"mimetype" and b"opendocument" in data[:200]:
        for word, file in ((b"spreadsheet", FileKind.SPREADSHEET), (b"presentation", FileKind.PRESENTATION)):
            if word in data[38:120]:
                return Kind(file, (Format.ODF,), "OpenDocument")
        return Kind(FileKind.DOCUMENT, (Format.ODF,), "OpenDocument")
    if b"META-INF/manifest.xml" in directory and b"content.xml" in directory:
        return Kind(FileKind.DOCUMENT, (Format.ODF,), "OpenDocument")  # the type is packed, or not said first
    return Kind(FileKind.ARCHIVE, (Format.ZIP,), "zip")


def _ole(data: bytes) -> Kind:
    """What stands at the top of an OLE container tells what it is."""
    names = root_names(data)
    for name, file, about in _OLE_STREAMS:
        if name in names:
            return Kind(file, (Format.OLE,), about)
    return Kind(FileKind.DOCUMENT, (Format.OLE,), "OLE container")


def _text(data: bytes) -> Kind:
    head = data[:4096]
    if not _is_text(head):
        return Kind(FileKind.UNKNOWN, (Format.UNKNOWN,), "unknown type")
    start = head.replace(b"\0", b"").lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n\f")
    if start.startswith(b"<?xml") or start[:4].lower() == b"<svg" or _OWN_ENTITIES.match(start):
        if b"<svg" in start.lower():
            return Kind(FileKind.IMAGE, (Format.SVG, Format.HTML), "SVG")
        for mark, file in _FLAT:
            if mark in start:
                return Kind(file, (Format.FLAT,), "document in XML")
        form = Format.HTML if b"<html" in start.lower() else Format.XML
        return Kind(FileKind.HTML if form is Format.HTML else FileKind.TEXT, (form,), "XML")
    if start.startswith((b"From ", b">From ")) or _HEADER_LINE.match(start):
        blank = start.find(b"\n\n") if b"\n\n" in start else start.find(b"\r\n\r\n")
        block = start if blank < 0 else start[: blank + 1]
        if len(_HEADER_BLOCK.findall(block)) >= 2 or _ENCODED.search(block):
            return Kind(FileKind.MESSAGE, (Format.MESSAGE, Format.TEXT), "mail message")
    if start.startswith(b"{\\rt"):
        return Kind(FileKind.DOCUMENT, (Format.RTF,), "RTF")
    told = telltales(data)
    if (not told.isdisjoint(OF_FILES) and is_written(data)) or holds_files(data):
        return Kind(FileKind.TEXT, (Format.TEXT, Format.WRITTEN), "text with a file in it")
    if start.startswith(b"<") and _HTML.match(start):
        return Kind(FileKind.HTML, (Format.HTML,), "HTML")
    if _HTML.search(start) and re.search(rb"(?i)</?(?:html|body|div|table|span)[\s>]", start):
        return Kind(FileKind.TEXT, (Format.TEXT, Format.HTML), "text with HTML")
    if Telltale.ARMOUR in told and search(_ARMOURED, data):
        return Kind(FileKind.TEXT, (Format.TEXT, Format.PGP), "text with an encrypted message")
    return _PLAIN


def _is_text(head: bytes) -> bool:
    """No control characters but those of texts; or two bytes a character."""
    zeros = head.count(0)
    if zeros:
        wide = max(head[::2].count(0), head[1::2].count(0)) * 2
        marked = head.startswith((b"\xff\xfe", b"\xfe\xff", b"\0\0\xfe\xff"))
        if not marked and (wide < zeros or zeros * 4 < len(head)):
            return False
        if zeros * 16 > len(head) * 13:  # more of them than in four bytes a character
            return False
        head = head.replace(b"\0", b"")
    controls = len(head) - len(head.translate(None, _CONTROL))
    return controls == 0 or (zeros > 0 and controls * 10 < len(head))
