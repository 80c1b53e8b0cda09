"""Records of Excel's binary files and the texts in them ([MS-XLS] 2.1.4, 2.5.293)."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

from policy.extraction.text.pieces import without_kinds
from policy.reader.charsets import codec

CONTINUE: Final = 0x3C
_MOST_RUNS: Final = 4_000  # of one text
_HIGH, _EXTENDED, _RICH = 0x01, 0x04, 0x08  # of the flags of a text


@dataclass(frozen=True, slots=True)
class Record:
    """One record with those that continue it: `chunks` has at least one."""

    kind: int
    at: int
    chunks: tuple[bytes, ...] = field(repr=False)
    is_whole: bool = True  # it is not cut short by the end of the stream

    @property
    def data(self) -> bytes:
        """The record itself, without its continuation."""
        return self.chunks[0]


def records(stream: bytes, start: int = 0) -> Iterator[Record]:
    """Every record to the end of the stream, also behind the last sheet; what is cut short ends it."""
    at = start
    size = len(stream)
    while at + 4 <= size:
        kind, length = struct.unpack_from("<HH", stream, at)
        begin = at
        chunks = [stream[at + 4 : at + 4 + length]]
        at += 4 + length
        while at + 4 <= size and stream[at] == CONTINUE and not stream[at + 1]:
            (length,) = struct.unpack_from("<H", stream, at + 2)
            chunks.append(stream[at + 4 : at + 4 + length])
            at += 4 + length
        yield Record(kind, begin, tuple(chunks), at <= size)


class Pieces:
    """The bytes of a record that goes on in others, where a text that is cut begins anew with its flags."""

    def __init__(self, chunks: tuple[bytes, ...], at: int = 0) -> None:
        self._chunks = chunks
        self._number = 0
        self._at = at
        self.starts: list[tuple[int, int]] = []  # of the text read last: from which character on which font

    @property
    def is_over(self) -> bool:
        """Nothing is left."""
        return self._number >= len(self._chunks) - 1 and self._at >= len(self._chunks[self._number])

    def take(self, size: int) -> bytes:
        """So many bytes, across the ends of records. Raises IndexError past the last."""
        out = b""
        while len(out) < size:
            self._step()
            chunk = self._chunks[self._number]
            part = chunk[self._at : self._at + size - len(out)]
            if not part and size > len(out):
                raise IndexError("past the end")
            self._at += len(part)
            out += part
        return out

    def skip(self, size: int) -> None:
        """Step over bytes, as far as there are any."""
        while size > 0 and not self.is_over:
            self._step()
            part = min(size, len(self._chunks[self._number]) - self._at)
            if part <= 0:
                return
            self._at += part
            size -= part

    def _step(self) -> None:
        while self._at >= len(self._chunks[self._number]) and self._number + 1 < len(self._chunks):
            self._number += 1
            self._at = 0

    def text(self, count: int, flags: int) -> str:
        """So many characters; each further record begins with flags of its own."""
        out: list[str] = []
        while count > 0:
            chunk = self._chunks[self._number]
            if self._at >= len(chunk):
                if self._number + 1 >= len(self._chunks):
                    raise IndexError("past the end")
                self._number += 1
                self._at = 0
                flags = int.from_bytes(self._chunks[self._number][:1], "little")
                self._at = 1
                continue
            width = 2 if flags & _HIGH else 1
            data = chunk[self._at : self._at + count * width]
            if len(data) < width:
                self._at = len(chunk)
                continue
            data = data[: len(data) - len(data) % width]
            self._at += len(data)
            count -= len(data) // width
            out.append(data.decode("utf-16-le" if width == 2 else "latin-1", "replace"))
        return "".join(out)

    def rich_text(self) -> str:
        """A text with its look and its phonetics, as the table of texts has them (2.5.293)."""
        count, flags = struct.unpack("<HB", self.take(3))
        runs = struct.unpack("<H", self.take(2))[0] if flags & _RICH else 0
        more = struct.unpack("<I", self.take(4))[0] if flags & _EXTENDED else 0
        text = self.text(count, flags)
        self.starts = list(struct.iter_unpack("<HH", self.take(4 * runs))) if 1 < runs < _MOST_RUNS else []
        self.skip((0 if self.starts else 4 * runs) + more)
        return text


def shared_texts(record: Record) -> tuple[list[str], list[str]]:
    """The table of texts (SST, 2.4.265), as far as it can be followed, and what some show without a kind of run."""
    found: list[str] = []
    others: list[str] = []
    pieces = Pieces(record.chunks, 8)
    try:
        while not pieces.is_over:
            found.append(pieces.rich_text())
            others += without_fonts(found[-1], pieces.starts)
    except (IndexError, struct.error):
        pass
    return found, others


def without_fonts(text: str, starts: list[tuple[int, int]]) -> list[str]:
    """A text whose runs begin at `starts`, each in a font by its number: without those of each font within numbers."""
    if not starts:
        return []
    wide = text.encode("utf-16-le", "surrogatepass")
    cuts = [(0, -1), *starts, (len(wide) // 2, 0)]
    pieces = [
        (wide[2 * at : 2 * end].decode("utf-16-le", "replace"), str(font))
        for (at, font), (end, _) in pairwise(cuts)
        if at < end
    ]
    return without_kinds(pieces)


def wide_text(data: bytes, at: int) -> str:
    """A text with its length in two bytes and flags (XLUnicodeString). Raises IndexError."""
    if at + 3 > len(data):
        return ""
    count, flags = struct.unpack_from("<HB", data, at)
    return _characters(data, at + 3, count, flags)


def short_text(data: bytes, at: int) -> str:
    """A text with its length in one byte and flags (ShortXLUnicodeString)."""
    if at + 2 > len(data):
        return ""
    return _characters(data, at + 2, data[at], data[at + 1])


def narrow_text(data: bytes, at: int, charset: str, *, bytes_of_length: int) -> str:
    """A text of Excel 5 and 95."""
    count = int.from_bytes(data[at : at + bytes_of_length], "little")
    return data[at + bytes_of_length : at + bytes_of_length + count].decode(charset, "replace")


def _characters(data: bytes, at: int, count: int, flags: int) -> str:
    if flags & _RICH:
        at += 2
    if flags & _EXTENDED:
        at += 4
    if flags & _HIGH:
        return data[at : at + 2 * count].decode("utf-16-le", "replace")
    return data[at : at + count].decode("latin-1")


def packed_number(value: int) -> float:
    """An RkNumber (2.5.217): 30 bits of a number, perhaps in hundredths."""
    number: float
    if value & 2:
        number = (value >> 2) - (1 << 30 if value & 0x8000_0000 else 0)
    else:
        number = struct.unpack("<d", struct.pack("<Q", (value & 0xFFFF_FFFC) << 32))[0]
    return number / 100 if value & 1 else number


def charset_of(page: int) -> str:
    """Of a CODEPAGE record (2.4.52)."""
    named = {1200: "utf-16-le", 32768: "mac-roman", 32769: "cp1252", 367: "cp1252"}
    return named.get(page) or codec(f"cp{page}") or "cp1252"
