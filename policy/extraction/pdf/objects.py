"""The objects of a PDF file, all that are in it: also those of earlier revisions, and those that nothing leads to."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from policy.extraction.pdf.streams import decoded

_OBJECT: Final = re.compile(rb"(?<![0-9])([0-9]{1,10})[\0\t\n\f\r ]{1,8}([0-9]{1,5})[\0\t\n\f\r ]{1,8}obj\b")
_TOKEN: Final = re.compile(
    rb"[\0\t\n\f\r ]*(?:(?P<comment>%)|(?P<open><<|\[)|(?P<close>>>|\])|(?P<text>\()|(?P<hex><[^<>]*>)"
    rb"|/(?P<name>[^\0\t\n\f\r ()<>\[\]{}/%]*)"
    rb"|(?P<reference>[0-9]{1,10}[\0\t\n\f\r ]{1,8}[0-9]{1,5}[\0\t\n\f\r ]{1,8}R\b)|(?P<number>[-+]?[0-9]*\.?[0-9]+\.?)"
    rb"|(?P<word>[^\0\t\n\f\r ()<>\[\]{}/%]+)|(?P<other>[{}()<>]))"
)
_COMMENTS: Final = re.compile(rb"(?:%[^\r\n]*(?:[\r\n][\0\t\n\f\r ]*|\Z))*")  # each up to the end of its line
_PAREN: Final = re.compile(rb"[()\\]")
_TEXT: Final = re.compile(rb"\(((?:[^()\\]++|\\.)++)\)?", re.DOTALL)  # closed or not, so that none is read twice
_ESCAPE: Final = re.compile(rb"\\(?:([0-7]{1,3})|(\r\n|[\r\n])|(.))", re.DOTALL)
_STREAM_END: Final = re.compile(rb"endstream|endobj")
_STREAM: Final = re.compile(rb"[\0\t\n\f\r ]*stream(?:\r\n|\n|\r)?")
_NAME: Final = re.compile(rb"#([0-9a-fA-F]{2})")
_ESCAPED: Final = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f"}
_DEEPEST: Final = 60
_MOST_OBJECTS: Final = 200_000
_MOST_LOOSE: Final = 10_000
_MOST_TOKENS: Final = 4_000_000
_LONGEST_TEXT: Final = 4 * 1024 * 1024
_LONGEST_COMMENTS: Final = (
    4096  # bytes between two tokens: objects may begin in a comment, and each reads on from there
)
_HEX_JUNK: Final = re.compile(rb"[^0-9a-fA-F]+")
_UTF16: Final = b"\xfe\xff"
# PDFDocEncoding where it differs from Windows-1252 (ISO 32000-1, D.2).
_DOC: Final = {0x18: 0x2D8, 0x19: 0x2C7, 0x84: 0x2014, 0x85: 0x2013, 0x8A: 0x2212, 0x80: 0x2022, 0x8D: 0x201C,
               0x8E: 0x201D, 0x8F: 0x2018, 0x90: 0x2019, 0xA0: 0x20AC}  # fmt: skip


class Name(str):
    """A name (`/Type`), without its slash."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Reference:
    """A reference to an object."""

    number: int


Value = "Name | Reference | bytes | float | bool | None | list[Value] | dict[str, Value]"


@dataclass(slots=True)
class Stream:
    """A dictionary with bytes behind it, still packed."""

    about: "dict[str, object]"
    raw: bytes = field(repr=False)
    is_broken: bool = False  # once its data was asked for: its filters did not understand all of it

    def filters(self) -> list[str]:
        """Their names, in the order they are to be undone."""
        said = self.about.get("Filter", self.about.get("F"))
        names = said if isinstance(said, list) else [said]
        return [name for name in names if isinstance(name, Name)]

    def data(self, room: int) -> bytes | None:
        """The bytes, at most `room` of them; None where they are a picture's."""
        found = decoded(self.raw, self.filters(), room)
        self.is_broken = found is not None and not found.sound
        return found.data if found else None


@dataclass(slots=True)
class Objects:
    """All objects; of several by one number the last is kept in `by_number`, the others stand in `earlier`.

    `loose`: strings that stand in no object, because what holds them is broken.
    """

    by_number: dict[int, object] = field(default_factory=dict)
    earlier: list[object] = field(default_factory=list)
    loose: list[object] = field(default_factory=list)
    whole: bool = True
    is_cut: bool = False  # the file ends within a stream

    def get(self, value: object) -> object:
        """What a reference leads to; anything else is itself."""
        for _ in range(16):
            if not isinstance(value, Reference):
                return value
            value = self.by_number.get(value.number)
        return None

    def dictionary(self, value: object) -> "dict[str, object]":
        """The same, where it is a dictionary or a stream's; else an empty one."""
        found = self.get(value)
        if isinstance(found, Stream):
            return found.about
        return found if isinstance(found, dict) else {}

    def every(self) -> Iterator[object]:
        """All of them, earlier ones last."""
        yield from self.by_number.values()
        yield from self.earlier


def read_objects(data: bytes, room: int) -> Objects:
    """Every object that is written in the file, and those packed in streams of objects (at most `room` bytes)."""
    found = Objects()
    reader = _Reader(data)
    end = 0
    packed: list[Stream] = []
    for match in _OBJECT.finditer(data):
        if match.start() < end:
            continue  # within a stream that was passed
        if len(found.by_number) + len(found.earlier) >= _MOST_OBJECTS or reader.tokens > _MOST_TOKENS:
            found.whole = False
            break
        _loose(found, data[end : match.start()])
        value, end = reader.whole(match.end())
        _keep(found, int(match[1]), value)
        if isinstance(value, Stream) and value.about.get("Type") == "ObjStm":
            packed.append(value)
    else:
        _loose(found, data[end:])
    found.is_cut = reader.is_cut
    for stream in packed:
        inner = stream.data(room) or b""
        room -= len(inner)
        for number, value in _unpacked(inner, stream.about):
            if number not in found.by_number:
                found.by_number[number] = value
            else:
                found.earlier.append(value)
        if room <= 0 or len(found.earlier) + len(found.by_number) >= _MOST_OBJECTS:
            found.whole = False
            break
    return found


def _loose(found: Objects, between: bytes) -> None:
    if b"(" in between:
        room = max(0, _MOST_LOOSE - len(found.loose))
        found.loose += [unescaped(match[1]) for _, match in zip(range(room), _TEXT.finditer(between), strict=False)]


def _keep(found: Objects, number: int, value: object) -> None:
    if number in found.by_number:
        found.earlier.append(found.by_number[number])
    found.by_number[number] = value


def _unpacked(data: bytes, about: "dict[str, object]") -> Iterator[tuple[int, object]]:
    """The objects of a stream of objects (7.5.7)."""
    first, count = about.get("First"), about.get("N")
    if not isinstance(first, float) or not isinstance(count, float):
        return
    numbers = [
        int(each) for each in re.findall(rb"[0-9]{1,10}", data[: int(first)])[: 2 * int(min(count, _MOST_OBJECTS))]
    ]
    reader = _Reader(data)
    for number, offset in zip(numbers[::2], numbers[1::2], strict=False):
        if reader.tokens > _MOST_TOKENS:
            return
        yield number, reader.value(int(first) + offset)[0]


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self.tokens = 0
        self.is_cut = False

    def whole(self, at: int) -> tuple[object, int]:
        """The value at a place, with its stream, and where it ends."""
        value, at = self.value(at)
        if not isinstance(value, dict):
            return value, at
        match = _STREAM.match(self._data, at)
        if not match:
            return value, at
        start = match.end()
        length = value.get("Length")
        end = start + int(length) if isinstance(length, float) and 0 <= length <= len(self._data) else -1
        if end < 0 or not self._data[end : end + 12].lstrip(b"\r\n ").startswith((b"endstream", b"endobj")):
            found = _STREAM_END.search(self._data, start)  # as pdfium does: what comes first ends it
            self.is_cut = self.is_cut or found is None
            end = len(self._data) if found is None else found.start()
        return Stream(value, self._data[start:end]), end

    def value(self, at: int, depth: int = 0) -> tuple[object, int]:
        """One value and where it ends."""
        self.tokens += 1
        match = self._token(at)
        if match is None or depth > _DEEPEST:
            return None, at + 1
        kind, end = match.lastgroup, match.end()
        if kind == "open":
            return self._many(match["open"] == b"[", end, depth)
        if kind == "text":
            return self._text(end)
        if kind == "hex":
            digits = _HEX_JUNK.sub(b"", match["hex"])
            return bytes.fromhex((digits + b"0" * (len(digits) & 1)).decode("ascii")), end
        if kind == "name":
            return Name(_NAME.sub(lambda code: bytes([int(code[1], 16)]), match["name"]).decode("latin-1")), end
        if kind == "reference":
            return Reference(int(match["reference"].split()[0])), end
        if kind == "number":
            return float(match["number"].rstrip(b".") or b"0"), end
        word = match["word"]
        return {b"true": True, b"false": False, b"null": None}.get(word, word), end

    def _token(self, at: int) -> "re.Match[bytes] | None":
        """The next token, behind space and comments."""
        match = _TOKEN.match(self._data, at)
        if match is None or match.lastgroup != "comment":
            return match
        start = match.start("comment")
        comments = _COMMENTS.match(self._data, start, start + _LONGEST_COMMENTS)
        if comments is None or comments.end() == start + _LONGEST_COMMENTS:
            return None
        match = _TOKEN.match(self._data, comments.end())
        return None if match is None or match.lastgroup == "comment" else match

    def _many(self, is_list: bool, at: int, depth: int) -> tuple[object, int]:
        items: list[object] = []
        while self.tokens <= _MOST_TOKENS:
            match = self._token(at)
            if match is None:
                break
            if match.lastgroup == "close":
                at = match.end()
                break
            if match.lastgroup == "word" and match["word"] in {b"endobj", b"stream", b"obj"}:
                break
            item, at = self.value(at, depth + 1)
            items.append(item)
        if is_list:
            return items, at
        return _dictionary(items), at

    def _text(self, at: int) -> tuple[bytes, int]:
        """A literal string, behind its bracket."""
        depth, start = 1, at
        while match := _PAREN.search(self._data, at):
            at = match.end()
            if match[0] == b"\\":
                at += 1
            elif match[0] == b"(":
                depth += 1
            else:
                depth -= 1
                if not depth:
                    break
            if at - start > _LONGEST_TEXT:
                break
        else:
            at = len(self._data)
        return unescaped(self._data[start : max(start, at - 1)]), at


def _dictionary(items: list[object]) -> dict[str, object]:
    """Keys with their values; strings that stand where a key should be are kept beside them."""
    found: dict[str, object] = {}
    stray: list[object] = []
    at = 0
    while at < len(items):
        if isinstance(items[at], Name) and at + 1 < len(items):
            found[str(items[at])] = items[at + 1]
            at += 2
        else:
            stray.append(items[at])
            at += 1
    if stray:
        found[""] = stray
    return found


def unescaped(text: bytes) -> bytes:
    """A literal string without its escapes (7.3.4.2)."""
    if b"\\" not in text:
        return text

    def sign(match: re.Match[bytes]) -> bytes:
        octal, line, other = match.groups()
        if octal:
            return bytes([int(octal, 8) & 0xFF])
        return b"" if line else _ESCAPED.get(other, other)

    return _ESCAPE.sub(sign, text)


def text_of(value: bytes) -> str:
    """A text string: UTF-16 or UTF-8 with a mark, else PDFDocEncoding."""
    if value.startswith(_UTF16):
        return value[2:].decode("utf-16-be", "replace")
    if value.startswith(b"\xff\xfe"):
        return value[2:].decode("utf-16-le", "replace")
    if value.startswith(b"\xef\xbb\xbf"):
        return value[3:].decode("utf-8", "replace")
    return value.decode("latin-1").translate(_DOC)
