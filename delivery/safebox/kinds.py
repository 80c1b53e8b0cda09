"""What kind of file somebody sends: as its name says, as its sender declares, and as it is."""

from collections.abc import Callable
from typing import Final

from delivery.safebox.names import is_program, kind_of
from policy.extraction import kind as by_content
from policy.extraction.archives.zips import listed_names
from policy.extraction.compound import names_at_top
from rules.content import FileKind

Read = Callable[[int, int], bytes]  # offset, length: fewer bytes at the end

# What may be plain text of some kind: bytes do not tell for sure which.
PLAIN: Final = frozenset({FileKind.TEXT, FileKind.HTML, FileKind.MESSAGE, FileKind.UNKNOWN})
NO_CONTAINERS: Final = frozenset({FileKind.PDF, FileKind.IMAGE, FileKind.TEXT, FileKind.HTML})
ZIP: Final = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08", b"PK00PK")
OLE: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"

_BY_NAME: Final = {"picture": FileKind.IMAGE, "mail": FileKind.MESSAGE, "other": FileKind.UNKNOWN}
_OFFICE: Final = frozenset({FileKind.DOCUMENT, FileKind.SPREADSHEET, FileKind.PRESENTATION})
_TABLES: Final = (".csv", ".tsv")  # texts, and tables by their name
_HEAD: Final = 64 * 1024
_TAIL: Final = 1024 * 1024  # of a zip: its directory, of ten thousand entries and more
_BY_TYPE: Final = {
    "application/gzip": FileKind.ARCHIVE,
    "application/java-archive": FileKind.EXECUTABLE,
    "application/javascript": FileKind.EXECUTABLE,
    "application/pdf": FileKind.PDF,
    "application/vnd.android.package-archive": FileKind.EXECUTABLE,
    "application/vnd.ms-outlook": FileKind.MESSAGE,
    "application/vnd.ms-powerpoint": FileKind.PRESENTATION,
    "application/vnd.rar": FileKind.ARCHIVE,
    "application/x-7z-compressed": FileKind.ARCHIVE,
    "application/x-dosexec": FileKind.EXECUTABLE,
    "application/x-executable": FileKind.EXECUTABLE,
    "application/x-msdos-program": FileKind.EXECUTABLE,
    "application/x-msdownload": FileKind.EXECUTABLE,
    "application/x-msi": FileKind.EXECUTABLE,
    "application/x-rar-compressed": FileKind.ARCHIVE,
    "application/x-sh": FileKind.EXECUTABLE,
    "application/x-tar": FileKind.ARCHIVE,
    "application/x-zip-compressed": FileKind.ARCHIVE,
    "application/zip": FileKind.ARCHIVE,
    "message/rfc822": FileKind.MESSAGE,
    "text/html": FileKind.HTML,
    "text/javascript": FileKind.EXECUTABLE,
}
_TYPES: Final = (
    ("image/", FileKind.IMAGE),
    ("application/vnd.openxmlformats-officedocument.wordprocessingml.", FileKind.DOCUMENT),
    ("application/vnd.openxmlformats-officedocument.spreadsheetml.", FileKind.SPREADSHEET),
    ("application/vnd.openxmlformats-officedocument.presentationml.", FileKind.PRESENTATION),
    ("application/vnd.oasis.opendocument.text", FileKind.DOCUMENT),
    ("application/vnd.oasis.opendocument.spreadsheet", FileKind.SPREADSHEET),
    ("application/vnd.oasis.opendocument.presentation", FileKind.PRESENTATION),
)
# [MS-CFB] containers by what stands at their top. One that is locked tells no more than that it is of Office.
_STREAMS: Final = (
    ("__properties_version1.0", FileKind.MESSAGE),
    ("WordDocument", FileKind.DOCUMENT),
    ("Workbook", FileKind.SPREADSHEET),
    ("Book", FileKind.SPREADSHEET),
    ("PowerPoint Document", FileKind.PRESENTATION),
)
_FOLDERS: Final = (
    ("word/", FileKind.DOCUMENT),
    ("xl/", FileKind.SPREADSHEET),
    ("ppt/", FileKind.PRESENTATION),
    ("visio/", FileKind.DOCUMENT),
)


def kind_by_name(name: str) -> FileKind:
    """What a file calls itself, by the ending of its name, in the words of the policy."""
    found = kind_of(name, "")
    if found == "text" and name.lower().endswith((".htm", ".html")):
        return FileKind.HTML
    if found == "other" and is_program(name):
        return FileKind.EXECUTABLE
    return _BY_NAME.get(found) or FileKind(found)


def kind_by_type(content_type: str) -> FileKind | None:
    """What its sender declares; None where that says nothing for sure: programs guess types in many ways."""
    found = _BY_TYPE.get(content_type)
    return found or next((kind for start, kind in _TYPES if content_type.startswith(start)), None)


def kind_of_file(read: Read, size: int, name: str) -> FileKind:
    """What a file is by its bytes, the end of it included. `name` decides only between kinds that share all bytes: a
    table or a text, one locked file of Office or another.
    """
    head = read(0, min(size, _HEAD))
    if head.startswith(ZIP):
        return _zip(head, read, size, name)
    if head.startswith(OLE):
        return _ole(read, name)
    if b"%PDF-" in head[:1024]:  # where readers look for it
        return FileKind.PDF
    if head[128:132] == b"DICM":
        return FileKind.IMAGE
    found = by_content.kind_of(head).file
    named = kind_by_name(name)
    if found is FileKind.UNKNOWN:
        return found
    as_named = found in PLAIN and (named in PLAIN or (found is FileKind.TEXT and name.lower().endswith(_TABLES)))
    return named if as_named else found


def _zip(head: bytes, read: Read, size: int, name: str) -> FileKind:
    start = max(0, size - _TAIL)
    names = {one.lower() for one in listed_names(read(start, size - start))}  # as OPC compares them
    named = kind_by_name(name)
    if "[content_types].xml" in names:
        for folder, kind in _FOLDERS:
            if any(one.startswith(folder) for one in names):
                return kind
    if head[30:38] == b"mimetype" and b"opendocument" in head[:200] and "content.xml" in names:
        return by_content.kind_of(head).file
    if named in _OFFICE and any(one.endswith(".iwa") or one == "index.zip" for one in names):  # Pages, Numbers, Keynote
        return named
    return FileKind.ARCHIVE


def _ole(read: Read, name: str) -> FileKind:
    names = names_at_top(read)
    for stream, kind in _STREAMS:
        if stream in names:
            return kind
    named = kind_by_name(name)
    if "EncryptedPackage" in names:
        return named if named in _OFFICE else FileKind.DOCUMENT
    return FileKind.UNKNOWN  # installers, for one, are such containers
