"""Outlook messages ([MS-OXMSG]): every text property, the bodies in all their forms, recipients, attachments."""

import re
import struct
from collections.abc import Iterator
from typing import Final

from policy.extraction.collected import Collected, File, Inner, inner_place
from policy.extraction.outlook.mapi import (
    CODEPAGE,
    DISPLAY_NAME,
    HTML,
    LONG_NAME,
    MESSAGE_CODEPAGE,
    RTF,
    SHORT_NAME,
    SUBJECT,
    Properties,
    tell_message,
    text_of,
)
from policy.extraction.streams import Streams
from rules.content import FileKind

_VALUE: Final = re.compile(r"__substg1\.0_([0-9A-F]{4})(101F|101E|001F|001E|0102|000D)(?:-[0-9A-F]{8})?\Z", re.I)
_FIXED: Final = "__properties_version1.0"
_ATTACHMENT: Final = "__attach_version1.0_#"
_RECIPIENT: Final = "__recip_version1.0_#"
_OBJECT: Final = "__substg1.0_3701000D"
_BYTES: Final = "__substg1.0_37010102"
_BROKEN: Final = "an Outlook message whose body is broken"
_LONG_TYPE: Final = 0x0003


def is_message(streams: Streams) -> bool:
    """Whether these streams are a message's."""
    return _FIXED in streams


def read_message(streams: Streams, file: File, into: Collected, inner: Inner) -> None:
    """One message; those within are read as files of their own."""
    own = _properties(streams, into, heads=(32, 24))
    before = len(into.files)
    whole = tell_message(own, file, into, inner)
    folders = streams.folders()
    for folder in folders:
        if folder.lower().startswith(_RECIPIENT):
            texts = [text for _, text in _properties(streams.within(folder), into, heads=(8,)).texts]
            into.text(inner_place(file.place, "recipients"), "\n".join(dict.fromkeys(texts)))
    own_fact = len(into.files)
    into.fact(file, FileKind.MESSAGE, reason="" if whole else _BROKEN)
    into.files.insert(before, into.files.pop(own_fact))
    for folder in folders:
        if folder.lower().startswith(_ATTACHMENT):
            _attachment(streams.within(folder), file, into, inner)


def _attachment(streams: Streams, file: File, into: Collected, inner: Inner) -> None:
    own = _properties(streams, into, heads=(8,))
    name = own.text(LONG_NAME, SHORT_NAME, DISPLAY_NAME) or "attachment"
    place = inner_place(file.place, name)
    into.text(place, "\n".join(dict.fromkeys(text for _, text in own.texts)))
    packed = File(name, b"", place, file.depth + 1)
    if not into.budget.take_file() or packed.depth > into.budget.limits.archive_depth:
        into.fact(packed, FileKind.UNKNOWN, reason="holds more files than are read")
        return
    if _BYTES in streams:
        data = streams.read(_BYTES, into)
        if data is None:
            into.fact(packed, FileKind.UNKNOWN, reason="unpacks to more than is read")
        else:
            inner(File(name, data, place, packed.depth), into)
    within = streams.within(_OBJECT)
    if any(True for _ in within):
        if is_message(within):
            read_message(within, packed, into, inner)
        else:
            within.tell(packed, into, inner)
    elif _BYTES not in streams:
        into.fact(packed, FileKind.UNKNOWN, reason="a file that is kept elsewhere")


def _properties(streams: Streams, into: Collected, heads: tuple[int, ...]) -> Properties:
    found = Properties(codepages=list(_codepages(streams, into, heads)))
    for name in streams.own():
        match = _VALUE.match(name)
        if not match or match[2].upper() == "000D":
            continue
        number, kind = int(match[1], 16), match[2].upper()
        if kind == "0102" and number not in (HTML, RTF):
            continue
        data = streams.read(name, into)
        if data is None:
            continue
        if number == HTML:
            is_wide = kind.endswith("1F")
            found.pages.append((text_of(data, wide=True, charset="").encode(), "utf-8") if is_wide else (data, ""))
        elif kind == "0102":
            found.rtf.append(data)
        elif kind.endswith("1F"):
            found.texts.append((number, text_of(data, wide=True, charset="")))
        else:
            found.narrow.append((number, data))
    found.settle()
    found.texts.sort(key=lambda each: each[0] != SUBJECT)
    return found


def _codepages(streams: Streams, into: Collected, heads: tuple[int, ...]) -> Iterator[int]:
    """Of the properties of fixed size (2.4.2)."""
    data = (streams.read(_FIXED, into) or b"") if _FIXED in streams else b""
    for head in heads:
        for at in range(head, len(data) - 15, 16):
            kind, number, _, value = struct.unpack_from("<HHII", data, at)
            if kind == _LONG_TYPE and number in (CODEPAGE, MESSAGE_CODEPAGE):
                yield int(value)
