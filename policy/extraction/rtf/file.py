"""An RTF file with the files packed in it ([MS-OLEDS] 2.2)."""

from typing import Final

from policy.extraction.collected import Collected, File, Inner, inner_place
from policy.extraction.kind import Format, kind_of
from policy.extraction.pictures import picture_text
from policy.extraction.rtf.shown import read_found
from policy.extraction.text.runs import all_runs
from policy.reader.charsets import decode
from rules.content import FileKind

_EMBEDDED: Final = 2
_HARMLESS: Final = ("Equation.", "Microsoft Equation", "MSGraph", "Word.Picture")
_DRAWN: Final = ("METAFILEPICT", "BITMAP", "DIB", "StaticMetafile", "StaticDib")


def read_rtf_file(file: File, kind: FileKind, into: Collected, inner: Inner) -> None:
    """One file; what is embedded in it is read as files of their own."""
    found = read_found(file.data)
    into.fact(file, kind, reason="" if found.whole else "RTF that is broken or too deep")
    for place, readings in found.texts.items():
        where = inner_place(file.place, place) if place else file.place
        for reading in readings:
            into.text(where, reading.text, reading.marks)
    into.text(inner_place(file.place, "beside the text"), found.beside)
    for number, data in enumerate(found.pictures, 1):
        name = f"picture {number}"
        within = File(name, data, inner_place(file.place, name), file.depth + 1)
        if kind_of(data).formats == (Format.IMAGE,) or not data.startswith((b"PK", b"\xd0\xcf\x11\xe0", b"%PDF")):
            into.text(within.place, picture_text(data))
            if not into.picture(within):
                into.fact(within, FileKind.IMAGE, reason="more pictures than are read")
        else:
            _within(within, into, inner)
    for number, data in enumerate(found.objects, 1):
        _object(file, f"object {number}", data, into, inner)


def _object(file: File, name: str, data: bytes, into: Collected, inner: Inner) -> None:
    """An embedded object: its class, and its own bytes."""
    try:
        kind, about, native = _taken_apart(data)
    except ValueError:
        kind, about, native = _EMBEDDED, "", data
    if about == "Package":
        try:
            label, native = _packed(native)
        except ValueError:
            label = ""
        name = label or name
    place = inner_place(file.place, name)
    into.text(place, about)
    within = File(name, native, place, file.depth + 1)
    if kind_of(native).formats[0] is not Format.UNKNOWN:
        _within(within, into, inner)
        return
    start = min(
        (at for magic in (b"\xd0\xcf\x11\xe0\xa1\xb1", b"PK\x03\x04", b"%PDF-") if (at := data.find(magic)) >= 0),
        default=-1,
    )
    if start >= 0:
        _within(File(name, data[start:], place, file.depth + 1), into, inner)
        return
    into.text(place, all_runs(data))
    if kind == _EMBEDDED and not about.startswith((*_HARMLESS, *_DRAWN)):
        into.fact(within, FileKind.UNKNOWN, reason="an embedded object that is not read")


def _within(file: File, into: Collected, inner: Inner) -> None:
    if into.budget.take_file() and into.budget.take_bytes(len(file.data)):
        inner(file, into)
    else:
        into.fact(file, FileKind.UNKNOWN, reason="holds more files than are read")


def _taken_apart(data: bytes) -> tuple[int, str, bytes]:
    """How it is embedded, its class, its bytes. Raises ValueError."""
    kind = int.from_bytes(data[4:8], "little")
    at = 8
    texts: list[str] = []
    for _ in range(3):
        size = int.from_bytes(data[at : at + 4], "little")
        if at + 4 + size > len(data):
            raise ValueError("shorter than it says")
        texts.append(decode(data[at + 4 : at + 4 + size].rstrip(b"\0")))
        at += 4 + size
    size = int.from_bytes(data[at : at + 4], "little")
    return kind, texts[0], data[at + 4 : at + 4 + size]


def _packed(data: bytes) -> tuple[str, bytes]:
    """A packed file: flags, label, path, and behind them the bytes. Raises ValueError."""
    label_end = data.index(b"\0", 2)
    path_end = data.index(b"\0", label_end + 1)
    at = path_end + 1 + 4
    at += 4 + int.from_bytes(data[at : at + 4], "little")
    size = int.from_bytes(data[at : at + 4], "little")
    if at + 4 + size > len(data):
        raise ValueError("shorter than it says")
    return decode(data[2:label_end]), data[at + 4 : at + 4 + size]
