"""OLE containers: encrypted documents, Outlook messages, packed objects; older Office formats are recognised."""

import re
from collections.abc import Iterator
from io import BytesIO
from typing import Final

import olefile

from policy.extraction.collected import Collected, File, Inner, inner_place
from policy.extraction.html import page_readings
from policy.extraction.kind import Kind
from policy.reader.charsets import decode
from rules.content import FileKind

BROKEN_OLE: Final = (OSError, ValueError, IndexError, KeyError, TypeError, AttributeError, RecursionError, MemoryError)
_MESSAGE_TEXT: Final = re.compile(r"__substg1\.0_([0-9A-F]{4})(001F|001E)\Z", re.I)
_MESSAGE_BYTES: Final = re.compile(r"__substg1\.0_(1013|3701)0102\Z", re.I)
_LONG_NAME: Final = "__substg1.0_3707"
_WORD_ENCRYPTED: Final = 0x0100  # of the flags at 0x0A of the file information block
_FILEPASS: Final = b"\x2f\x00"
_MOST_STREAMS: Final = 5_000


def read_ole(file: File, kind: Kind, into: Collected, inner: Inner) -> None:
    """One container. Older Office formats are told as unreadable: their text is not read whole yet."""
    try:
        with olefile.OleFileIO(BytesIO(file.data), raise_defects=olefile.DEFECT_FATAL) as container:
            _read(_Streams(container), file, kind, into, inner)
    except BROKEN_OLE:
        into.fact(file, kind.file, reason="an OLE container that is broken")


class _Streams:
    """The streams of a container by their path."""

    def __init__(self, container: "olefile.OleFileIO") -> None:
        self._container = container
        self._paths = {"/".join(path): path for path in container.listdir()[:_MOST_STREAMS]}

    def __iter__(self) -> Iterator[str]:
        return iter(self._paths)

    def __contains__(self, name: str) -> bool:
        return name in self._paths

    def read(self, name: str, most: int = -1) -> bytes:
        """The first bytes of one stream."""
        return bytes(self._container.openstream(self._paths[name]).read(most))


def _read(streams: _Streams, file: File, kind: Kind, into: Collected, inner: Inner) -> None:
    if _is_encrypted(streams):
        into.fact(file, kind.file, encrypted=True, reason="needs a password")
        return
    if any(name.startswith("__properties_version1.0") for name in streams):
        _message(streams, file, into, inner)
        return
    packed = [name for name in streams if name.rpartition("/")[2] in {"\x01Ole10Native", "Package", "CONTENTS"}]
    legacy = kind.about if kind.about != "OLE container" else ""
    reason = f"{legacy}: this format is not read whole" if legacy else ""
    if not packed and not legacy:
        reason = "an OLE container of unknown contents"
    into.fact(file, kind.file, reason=reason)
    for name in packed:
        data = streams.read(name, into.budget.room() + 1)
        into.budget.take_bytes(len(data))
        label, data = _native(data) if name.endswith("Ole10Native") else (name.rpartition("/")[2], data)
        inner(File(label, data, inner_place(file.place, label), file.depth + 1), into)


def _is_encrypted(streams: _Streams) -> bool:
    if "EncryptedPackage" in streams or "EncryptedSummary" in streams or "\x06DataSpaces/DataSpaceMap" in streams:
        return True
    if "WordDocument" in streams:
        head = streams.read("WordDocument", 12)
        return bool(int.from_bytes(head[10:12], "little") & _WORD_ENCRYPTED)
    for name in ("Workbook", "Book"):
        if name in streams:
            head = streams.read(name, 64)
            length = int.from_bytes(head[2:4], "little")
            return head[4 + length : 6 + length] == _FILEPASS  # the record behind the first
    return False


def _native(data: bytes) -> tuple[str, bytes]:
    """A packed file (Ole10Native): size, flags, label, path, and behind them the bytes. Raises ValueError."""
    label_end = data.index(b"\0", 6)
    label = decode(data[6:label_end])
    path_end = data.index(b"\0", label_end + 1)
    at = path_end + 1 + 4
    length = int.from_bytes(data[at : at + 4], "little")
    at += 4 + length
    size = int.from_bytes(data[at : at + 4], "little")
    return label, data[at + 4 : at + 4 + size]


def _message(streams: _Streams, file: File, into: Collected, inner: Inner) -> None:
    """An Outlook message: every text property, the HTML body, the attachments."""
    bodies = 0
    names: dict[str, str] = {}
    attachments: list[tuple[str, bytes]] = []
    for name in streams:
        folder, _, last = name.rpartition("/")
        text = _MESSAGE_TEXT.match(last)
        blob = _MESSAGE_BYTES.match(last)
        if text:
            data = streams.read(name)
            value = data.decode("utf-16-le", "replace") if text[2].upper() == "001F" else decode(data)
            bodies += text[1].upper() == "1000"
            into.text(inner_place(file.place, _PROPERTIES.get(text[1].upper(), "properties")), value)
            if last.startswith(_LONG_NAME):
                names[folder] = value.rstrip("\0")
        elif blob and blob[1] == "1013":
            bodies += 1
            for page in page_readings(streams.read(name)):
                for label, shown in page.named():
                    into.text(inner_place(file.place, label or "body (html)"), shown)
        elif blob:
            attachments.append((folder, streams.read(name)))
    into.fact(file, FileKind.MESSAGE, reason="" if bodies else "an Outlook message whose body is not read")
    for folder, data in attachments:
        name = names.get(folder, "attachment")
        if into.budget.take_bytes(len(data)):
            inner(File(name, data, inner_place(file.place, name), file.depth + 1), into)


_PROPERTIES: Final = {"0037": "subject", "1000": "body", "0E04": "to", "0E03": "cc", "0C1A": "from"}
