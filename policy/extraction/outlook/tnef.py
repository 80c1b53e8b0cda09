"""winmail.dat ([MS-OXTNEF]): the message as Outlook keeps it, its attachments, messages within."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from policy.extraction.collected import Collected, File, Inner, inner_place
from policy.extraction.outlook.mapi import (
    BODY,
    CODEPAGE,
    DATA,
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
from policy.reader.charsets import decode
from rules.content import FileKind

_ATTRIBUTE: Final = struct.Struct("<BII")
_RENDER, _DATA, _TITLE, _PROPERTIES, _FILE_NAME = 0x9002, 0x800F, 0x8010, 0x9005, 0x9001
_SUBJECT, _BODY, _MESSAGE_PROPERTIES, _RECIPIENTS, _FROM, _OEM = 0x8004, 0x800C, 0x9003, 0x9004, 0x8000, 0x9007
_SIZES: Final = {0x02: 4, 0x03: 4, 0x04: 4, 0x05: 8, 0x06: 8, 0x07: 8, 0x0A: 4, 0x0B: 4, 0x14: 8, 0x40: 8, 0x48: 16}
_NARROW, _WIDE, _BINARY, _OBJECT, _MANY = 0x1E, 0x1F, 0x102, 0x0D, 0x1000
_MOST_VALUES: Final = 100_000
_NAMED: Final = 0x8000
_GUID: Final = 16
_OF_OLE: Final = bytes.fromhex("c000000000000046")  # how identifiers of interfaces end
_KEPT: Final = frozenset({_NARROW, _WIDE, _BINARY, _OBJECT})


class TnefBroken(ValueError):
    """An attribute contradicts itself."""


@dataclass(slots=True)
class _Attachment:
    name: str = ""
    data: list[bytes] = field(default_factory=list, repr=False)
    texts: list[str] = field(default_factory=list, repr=False)


@dataclass(slots=True)
class _Message:
    own: Properties = field(default_factory=Properties)
    recipients: list[str] = field(default_factory=list, repr=False)
    attachments: list[_Attachment] = field(default_factory=list)
    is_whole: bool = True


def read_tnef(file: File, into: Collected, inner: Inner) -> None:
    """One winmail.dat, or the message in one."""
    message = _read(file.data)
    before = len(into.files)
    whole = tell_message(message.own, file, into, inner) and message.is_whole
    into.text(inner_place(file.place, "recipients"), "\n".join(dict.fromkeys(message.recipients)))
    into.fact(file, FileKind.MESSAGE, reason="" if whole else "a winmail.dat that is broken")
    into.files.insert(before, into.files.pop())
    for attachment in message.attachments:
        _tell(attachment, file, into, inner)


def _tell(attachment: _Attachment, file: File, into: Collected, inner: Inner) -> None:
    name = attachment.name or "attachment"
    place = inner_place(file.place, name)
    into.text(place, "\n".join(dict.fromkeys([name, *attachment.texts])))
    for data in dict.fromkeys(attachment.data or [b""]):
        packed = File(name, data, place, file.depth + 1)
        if not into.budget.take_file() or not into.budget.take_bytes(len(data)):
            into.fact(packed, FileKind.UNKNOWN, reason="holds more files than are read")
            return
        inner(packed, into)


def _read(data: bytes) -> _Message:
    """Attribute by attribute; what is broken ends it."""
    message = _Message()
    attributes: list[tuple[int, bytes]] = []
    charset = ""
    at = 6
    while at < len(data):
        if at + _ATTRIBUTE.size > len(data):
            message.is_whole = False
            break
        level, kind, size = _ATTRIBUTE.unpack_from(data, at)
        value = data[at + _ATTRIBUTE.size : at + _ATTRIBUTE.size + size]
        message.is_whole &= len(value) == size and level in (1, 2)
        at += _ATTRIBUTE.size + size + 2
        attributes.append((kind & 0xFFFF, value))
        if kind & 0xFFFF == _OEM:
            charset = f"cp{int.from_bytes(value[:4], 'little')}"
    for kind, value in attributes:  # the charset may be told behind the texts
        try:
            _attribute(message, kind, value, charset)
        except (TnefBroken, struct.error):
            message.is_whole = False
    return message


def _attribute(message: _Message, kind: int, value: bytes, charset: str) -> None:
    texts = message.own.texts
    if kind == _SUBJECT:
        texts.append((SUBJECT, decode(value.rstrip(b"\0"), charset)))
    elif kind == _BODY:
        texts.append((BODY, decode(value.rstrip(b"\0"), charset)))
    elif kind == _FROM:
        texts.append((0x0C1A, decode(value[8:].replace(b"\0", b" "), charset)))
    elif kind == _MESSAGE_PROPERTIES:
        _take(message.own, value, charset)
    elif kind == _RECIPIENTS:
        message.recipients += _recipients(value, charset)
    elif kind == _RENDER:
        message.attachments.append(_Attachment())
    elif kind in (_DATA, _TITLE, _PROPERTIES, _FILE_NAME):
        if not message.attachments:
            message.attachments.append(_Attachment())
        _attached(message.attachments[-1], kind, value, charset)


def _attached(attachment: _Attachment, kind: int, value: bytes, charset: str) -> None:
    if kind == _DATA:
        attachment.data.append(value)
    elif kind == _PROPERTIES:
        own = Properties()
        try:
            attachment.data += _take(own, value, charset)
        finally:
            _named(attachment, own)
    else:
        name = decode(value.rstrip(b"\0"), charset)
        attachment.texts.append(name)
        attachment.name = attachment.name or name


def _named(attachment: _Attachment, own: Properties) -> None:
    attachment.texts += [text for _, text in own.texts]
    attachment.name = own.text(LONG_NAME) or attachment.name or own.text(SHORT_NAME, DISPLAY_NAME)


def _take(own: Properties, data: bytes, charset: str) -> list[bytes]:
    """Properties into `own`; gives the embedded objects."""
    found: list[bytes] = []
    (count,) = struct.unpack_from("<I", data)
    try:
        for number, kind, values in _Walk(data, 4, count):
            if number in (CODEPAGE, MESSAGE_CODEPAGE) and kind == 0x03:
                own.codepages += [int.from_bytes(value, "little") for value in values]
            elif kind & 0xFFF in _KEPT:
                found += [each for value in values for each in _value(own, number, kind & 0xFFF, value)]
    finally:  # what comes before a fault is kept
        own.codepages.append(int(charset[2:] or 0))
        own.settle()
    return found


def _value(own: Properties, number: int, kind: int, value: bytes) -> Iterator[bytes]:
    """One value into `own`; gives it, where it is an embedded object."""
    if kind == _WIDE:
        text = text_of(value, wide=True, charset="")
        if number == HTML:
            own.pages.append((text.encode(), "utf-8"))
        else:
            own.texts.append((number, text))
    elif number == HTML:
        own.pages.append((value.rstrip(b"\0") if kind == _NARROW else value, ""))
    elif kind == _NARROW:
        own.narrow.append((number, value))
    elif number == RTF:
        own.rtf.append(value)
    elif number == DATA:
        yield value[_GUID:] if kind == _OBJECT or value[8:_GUID] == _OF_OLE else value


def _recipients(data: bytes, charset: str) -> Iterator[str]:
    """A table of properties, row by row."""
    (rows,) = struct.unpack_from("<I", data)
    at = 4
    for _ in range(min(rows, _MOST_VALUES)):
        (count,) = struct.unpack_from("<I", data, at)
        at += 4
        for _, kind, values in (walk := _Walk(data, at, count)):
            for value in values:
                if kind & 0xFFF in (_NARROW, _WIDE):
                    yield text_of(value, wide=kind & 0xFFF == _WIDE, charset=charset)
        at = walk.at


class _Walk:
    """(number, type, values) of each property (2.1.3.4); `at` is behind them once it is over."""

    def __init__(self, data: bytes, at: int, count: int) -> None:
        self._data = data
        self._count = min(count, _MOST_VALUES)
        self.at = at

    def __iter__(self) -> Iterator[tuple[int, int, list[bytes]]]:
        data = self._data
        for _ in range(self._count):
            kind, number = struct.unpack_from("<HH", data, self.at)
            self.at += 4
            if number >= _NAMED:
                self._name()
            yield number, kind, list(self._values(kind))

    def _name(self) -> None:
        (kind,) = struct.unpack_from("<I", self._data, self.at + _GUID)
        self.at += _GUID + 4
        if kind == 0:
            self.at += 4
        else:
            (size,) = struct.unpack_from("<I", self._data, self.at)
            self.at += 4 + size + -size % 4

    def _values(self, kind: int) -> Iterator[bytes]:
        data = self._data
        base = kind & 0xFFF
        count = 1
        if kind & _MANY or base in (_NARROW, _WIDE, _BINARY, _OBJECT):
            (count,) = struct.unpack_from("<I", data, self.at)
            self.at += 4
        for _ in range(min(count, _MOST_VALUES)):
            if base in (_NARROW, _WIDE, _BINARY, _OBJECT):
                (size,) = struct.unpack_from("<I", data, self.at)
                if size > len(data) - self.at:
                    raise TnefBroken("a value past the end")
                yield data[self.at + 4 : self.at + 4 + size]
                self.at += 4 + size + -size % 4
            elif base in _SIZES:
                yield data[self.at : self.at + _SIZES[base]]
                self.at += _SIZES[base]
            else:
                raise TnefBroken("a value of a type that is not known")
            if self.at > len(data) + 4:
                raise TnefBroken("a value past the end")
