"""OLE containers: older Office documents, Outlook messages, packed objects, and all of these within each other."""

import struct
from collections.abc import Collection, Iterable
from itertools import islice
from typing import Final

from policy.extraction.collected import Collected, File, Inner, inner_place
from policy.extraction.kind import Kind
from policy.extraction.office97.biff import records
from policy.extraction.office97.equations import equation_text
from policy.extraction.office97.excel import Workbook, read_pivot
from policy.extraction.office97.locked import open_locked
from policy.extraction.office97.macros import macro_texts
from policy.extraction.office97.powerpoint import read_presentation
from policy.extraction.office97.propertysets import property_texts
from policy.extraction.office97.word import WordBroken, read_word
from policy.extraction.outlook.msg import is_message, read_message
from policy.extraction.pictures import pictures_in
from policy.extraction.streams import Container, Streams
from policy.extraction.text.runs import all_runs, wide_runs
from policy.extraction.text.tables import joined_cells
from policy.reader.charsets import decode
from rules.content import FileKind

BROKEN_OLE: Final = (OSError, ValueError, IndexError, KeyError, TypeError, AttributeError, RecursionError, MemoryError,
                     struct.error)  # fmt: skip
_WORD_ENCRYPTED: Final = 0x0100  # of the flags at 0x0A of the file information block
_DEEPEST: Final = 64  # storages within each other
_PROJECT: Final = "_VBA_PROJECT".encode("utf-16-le")
_LOCKED_SLIDES: Final = b"\xdf\xc4\xd1\xf3"
_FILEPASS: Final = 0x2F
_FIRST_RECORDS: Final = 512  # bytes of a workbook in which its lock stands
_DOCUMENTS: Final = (
    ("WordDocument", FileKind.DOCUMENT),
    ("Workbook", FileKind.SPREADSHEET),
    ("Book", FileKind.SPREADSHEET),
    ("PowerPoint Document", FileKind.PRESENTATION),
)
_EQUATION: Final = "Equation Native"
_PACKED: Final = ("\x01Ole10Native", "Package", "CONTENTS")
# Storages of objects beside these streams hold something that is not read; these are links, looks and previews.
_SILENT: Final = ("\x01", "\x02", "\x03", "\x05", _EQUATION, "VBA/", "Macros/", "_VBA_PROJECT_CUR/",
                  "_signatures", "_xmlsignatures/", "MsoDataStore/", "\x06DataSpaces/", "0Table", "1Table", "Data",
                  "ObjectPool", "Pictures", "Current User", "Ctls", "User Names", "Revision Log", "encryption",
                  "WordDocument", "Workbook", "Book", "PowerPoint Document", "Header", "_SX_DB_CUR", "XCB")  # fmt: skip
_BROKEN_CONTAINER: Final = "an OLE container that is broken"


def read_ole(file: File, kind: Kind, into: Collected, inner: Inner) -> None:
    """One container, with its own fact."""
    try:
        with Container(file.data) as container:
            _storage(Streams.of(container, _storage), file, into, inner)
            if _PROJECT in file.data:
                into.text(inner_place(file.place, "macros"), "\n".join(macro_texts(file.data)))
    except BROKEN_OLE:
        into.fact(file, kind.file, reason=_BROKEN_CONTAINER)
        into.text(file.place, all_runs(file.data))


def _storage(streams: Streams, file: File, into: Collected, inner: Inner) -> None:
    """A container, or a storage that is a document of its own."""
    before = len(into.files)
    main, kind = next(((name, kind) for name, kind in _DOCUMENTS if name in streams), ("", FileKind.DOCUMENT))
    if _is_encrypted(streams):
        opened = open_locked(file, into) if file.data else None
        into.fact(file, kind, encrypted=True, reason="needs a password" if opened is None else "opened with a password")
        if opened is not None:
            inner(File(file.name, opened, file.place, file.depth), into)
        return
    if is_message(streams):
        read_message(streams, file, into, inner)
        return
    try:
        reason = _document(main, streams, file, into, inner) if main else ""
    except (WordBroken, struct.error, IndexError, ValueError) as error:
        reason = f"a document that contradicts itself ({type(error).__name__})"
        into.text(file.place, all_runs(streams.read(main, into) or b""))
    _properties(streams, file, into)
    packed, unknown = _objects(streams)
    within = _documents_within(streams)
    equations = [equation_text(streams.read(name, into) or b"") for name in streams if name.endswith(_EQUATION)]
    into.text(inner_place(file.place, "formulas"), "\n".join(filter(None, equations)))
    if not main and not packed and not within and (not equations or None in equations):
        reason = "an OLE container of unknown contents"
    reason = reason or streams.fault()
    into.fact(file, kind, reason=reason)
    into.files.insert(before, into.files.pop())
    into.text(inner_place(file.place, "other texts"), _unknown_texts(unknown, streams, into))
    for name in packed:
        _packed(name, streams, file, into, inner)
    for folder in within:
        place = inner_place(file.place, folder.rpartition("/")[2])
        document = File(folder.rpartition("/")[2], b"", place, file.depth + 1)
        if not into.budget.take_file() or document.depth > into.budget.limits.archive_depth:
            into.fact(document, FileKind.UNKNOWN, reason="holds more files than are read")
        else:
            _storage(streams.within(folder), document, into, inner)


def _document(main: str, streams: Streams, file: File, into: Collected, inner: Inner) -> str:
    """The document itself; why it could not be read whole."""
    data = streams.read(main, into)
    if data is None:
        return "a document larger than is read"
    if main == "WordDocument":
        return _word(data, streams, file, into)
    if main == "PowerPoint Document":
        return _presentation(data, streams, file, into, inner)
    book = Workbook()
    for piece in book.read(data):
        if not into.text(inner_place(file.place, piece.place), piece.text, piece.marks):
            return "more text than is read"
    for name in streams:
        if name.startswith("_SX_DB_CUR/"):
            into.text(inner_place(file.place, "pivot table"), read_pivot(streams.read(name, into) or b""))
        elif name in ("Revision Log", "User Names"):
            into.text(inner_place(file.place, "changes"), wide_runs(streams.read(name, into) or b""))
    _pictures([data], file, into)
    return "" if book.is_whole else "a workbook that contradicts itself"


def _word(data: bytes, streams: Streams, file: File, into: Collected) -> str:
    tables = [streams.read(name, into) or b"" if name in streams else b"" for name in ("0Table", "1Table")]
    empty = True
    for label, text in read_word(data, (tables[0], tables[1])):
        place = inner_place(file.place, label) if label else file.place
        into.text(place, text)
        empty = empty and not text.strip()
        if "\t" in text:
            into.text(place, joined_cells(text))
    more = streams.read("Data", into) or b"" if "Data" in streams else b""
    if empty:  # as if its places pointed past what is there
        into.text(inner_place(file.place, "text that is not shown"), all_runs(data))
    # Names, variables, form fields, alternative texts, drawn letters: all of them are wide.
    into.text(inner_place(file.place, "other texts"), "\n".join(map(wide_runs, (*tables, more))))
    _pictures([more, data], file, into)
    return ""


def _presentation(data: bytes, streams: Streams, file: File, into: Collected, inner: Inner) -> str:
    found = read_presentation(data, into.budget.room())
    by_place: dict[str, list[str]] = {}
    for label, text in found.texts:
        by_place.setdefault(label, []).append(text)
    for label, texts in by_place.items():
        into.text(inner_place(file.place, label), "\n".join(dict.fromkeys(texts)))
    for number, unpacked in enumerate(found.objects, 1):
        name = f"object {number}"
        if not into.budget.take_file() or not into.budget.take_bytes(len(unpacked)):
            return "holds more files than are read"
        inner(File(name, unpacked, inner_place(file.place, name), file.depth + 1), into)
    if "Pictures" in streams:
        _pictures([streams.read("Pictures", into) or b""], file, into)
    return "" if found.is_whole else "a presentation that is broken"


def _pictures(sources: Iterable[bytes], file: File, into: Collected) -> None:
    """Pictures that lie in the streams of a document, for whoever reads what is drawn in them."""
    if not into.keeps_pictures:
        return
    found = (data for source in sources for data in pictures_in(source))
    for number, data in enumerate(found, 1):
        name = f"picture {number}"
        picture = File(name, data, inner_place(file.place, name), file.depth + 1)
        if not into.picture(picture):
            into.fact(picture, FileKind.IMAGE, reason="more pictures than are read")
            return


def _properties(streams: Streams, file: File, into: Collected) -> None:
    texts: list[str] = []
    for name in streams.own():
        if name.startswith("\x05"):
            texts += property_texts(streams.read(name, into) or b"")
    into.text(inner_place(file.place, "properties"), "\n".join(dict.fromkeys(texts)))


def _objects(streams: Streams) -> tuple[list[str], list[str]]:
    """Packed files, and streams of which nothing is known."""
    documents = set(_documents_within(streams))
    packed: list[str] = []
    unknown: list[str] = []
    for name in streams:
        last = name.rpartition("/")[2]
        if _lies_in(name, documents):
            continue
        if last in _PACKED:
            packed.append(name)
        elif not name.startswith(_SILENT) and not last.startswith(_SILENT):
            unknown.append(name)
    return packed, unknown


def _unknown_texts(unknown: list[str], streams: Streams, into: Collected) -> str:
    return "\n".join(filter(None, (all_runs(streams.read(name, into) or b"") for name in unknown)))


def _documents_within(streams: Streams) -> list[str]:
    """The outermost storages below that hold a document or a message."""
    found: dict[str, None] = {}
    mains = {name for name, _ in _DOCUMENTS} | {"EncryptedPackage", "__properties_version1.0"}
    for name in sorted(streams, key=lambda name: name.count("/")):
        folder, _, last = name.rpartition("/")
        if folder and last in mains and folder not in found and not _lies_in(folder, found):
            found[folder] = None
    return list(found)


def _lies_in(name: str, folders: Collection[str]) -> bool:
    """Whether a name lies below one of the folders, at any depth."""
    parts = name.split("/")[:_DEEPEST]
    return any("/".join(parts[:count]) in folders for count in range(1, len(parts)))


def _packed(name: str, streams: Streams, file: File, into: Collected, inner: Inner) -> None:
    folder, _, last = name.rpartition("/")
    label = folder.rpartition("/")[2] or last
    data = streams.read(name, into)
    packed = File(label, b"", inner_place(file.place, label), file.depth + 1)
    if data is None or not into.budget.take_file():
        into.fact(packed, FileKind.UNKNOWN, reason="unpacks to more than is read")
        return
    if last == "\x01Ole10Native":
        try:
            label, data = _native(data)
        except ValueError:
            into.text(packed.place, all_runs(data))
            into.fact(packed, FileKind.UNKNOWN, reason="a packed object that is broken")
            return
    place = inner_place(file.place, label)
    into.text(place, label)
    inner(File(label, data, place, file.depth + 1), into)


def _native(data: bytes) -> tuple[str, bytes]:
    """A packed file (Ole10Native): size, flags, label, path, and behind them the bytes. Raises ValueError."""
    label_end = data.index(b"\0", 6)
    label = decode(data[6:label_end])
    path_end = data.index(b"\0", label_end + 1)
    at = path_end + 1 + 4
    length = int.from_bytes(data[at : at + 4], "little")
    at += 4 + length
    size = int.from_bytes(data[at : at + 4], "little")
    if at + 4 + size > len(data):
        raise ValueError("shorter than it says")
    return label, data[at + 4 : at + 4 + size]


def _is_encrypted(streams: Streams) -> bool:
    if "EncryptedPackage" in streams or "EncryptedSummary" in streams or "\x06DataSpaces/DataSpaceMap" in streams:
        return True
    if "WordDocument" in streams:
        head = streams.head("WordDocument", 12)
        return bool(int.from_bytes(head[10:12], "little") & _WORD_ENCRYPTED)
    if "Current User" in streams and streams.head("Current User", 16)[12:16] == _LOCKED_SLIDES:
        return True
    for name in ("Workbook", "Book"):
        if name in streams:
            first = islice(records(streams.head(name, _FIRST_RECORDS)), 4)
            return any(record.kind == _FILEPASS for record in first)
    return False
