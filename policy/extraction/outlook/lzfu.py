"""Packed RTF of Outlook's messages ([MS-OXRTFCP]), and the page that such an RTF may hold ([MS-OXRTFEX])."""

import re
from typing import Final

from policy.reader.charsetnames import OF_FONTS
from policy.reader.charsets import codec

_START: Final = (
    rb"{\rtf1\ansi\mac\deff0\deftab720{\fonttbl;}{\f0\fnil \froman \fswiss \fmodern \fscript \fdecor MS Sans Serif"
    b"SymbolArialTimes New RomanCourier"
    b"{\\colortbl\\red0\\green0\\blue0\r\n\\par \\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx"
)
_PACKED, _STORED = b"LZFu", b"MELA"
_WINDOW: Final = 4096
_TOKEN: Final = re.compile(
    rb"\\([a-zA-Z]{1,32})(-?[0-9]{1,10})?[ ]?|\\'([0-9a-fA-F]{2})|\\([^a-zA-Z])|([{}])|[\r\n]+|([^\\{}\r\n]+)"
)
_DEEPEST: Final = 1_000
_MOST_FONTS: Final = 10_000
_SIGNS: Final = {b"par": "\r\n", b"line": "\r\n", b"tab": "\t", b"lquote": "\u2018", b"rquote": "\u2019",
                 b"ldblquote": "\u201c", b"rdblquote": "\u201d", b"bullet": "\u2022", b"endash": "\u2013",
                 b"emdash": "\u2014"}  # fmt: skip
_ESCAPED: Final = {b"~": b"\xa0", b"_": b"-", b"-": b""}
_SILENT: Final = frozenset({b"fonttbl", b"colortbl", b"stylesheet", b"pntext", b"info", b"pict", b"mhtmltag"})


class PackedRtfBroken(ValueError):
    """It is no packed RTF."""


def unpacked_rtf(data: bytes, most: int) -> bytes:
    """The RTF, at most so many bytes of it. Raises PackedRtfBroken."""
    if len(data) < 16:
        raise PackedRtfBroken("too short")
    magic = data[8:12]
    if magic == _STORED:
        return data[16 : 16 + most]
    if magic != _PACKED:
        raise PackedRtfBroken("packed in no known way")
    window = bytearray(_START) + bytearray(_WINDOW - len(_START))
    write = len(_START)
    out = bytearray()
    at, end = 16, len(data)  # not all programs ask for the sizes that are told; the packed text has an end of its own
    while at < end and len(out) < most:
        control = data[at]
        at += 1
        for bit in range(8):
            if at >= end:
                break
            if not control >> bit & 1:
                window[write] = data[at]
                out.append(data[at])
                write = (write + 1) % _WINDOW
                at += 1
                continue
            if at + 1 >= end:
                return bytes(out)
            word = data[at] << 8 | data[at + 1]
            at += 2
            offset, length = word >> 4, (word & 0xF) + 2
            if offset == write:
                return bytes(out)  # the sign of the end
            for _ in range(length):
                out.append(window[offset])
                window[write] = window[offset]
                write, offset = (write + 1) % _WINDOW, (offset + 1) % _WINDOW
    return bytes(out)


def page_in_rtf(rtf: bytes) -> str:
    """The HTML that an RTF was made of; empty where it was not."""
    if b"\\fromhtml" not in rtf:
        return ""
    page = _Page()
    for match in _TOKEN.finditer(rtf):
        page.take(match)
    return "".join(page.out)


class _Page:
    """What is written as HTML (`htmltag`), and the text that is the same in both; not what only RTF shows."""

    def __init__(self) -> None:
        self.out: list[str] = []
        self._charset = self._own = "cp1252"
        self._fonts: dict[int, str] = {}  # their charsets
        self._font = 0
        self._groups: list[tuple[bool, bool, int, str]] = []
        self._silent = self._in_rtf = self._starred = False
        self._bytes: list[str] = []  # a character may take two of them
        self._skips = 1  # characters that stand in for one that is told by its number
        self._skip = 0

    def take(self, match: re.Match[bytes]) -> None:
        """One token."""
        word, number, escape, sign, brace, plain = match.groups()
        if self._bytes and not escape:
            plain = self._flush(plain)
        if brace == b"{":
            if len(self._groups) < _DEEPEST:
                self._groups.append((self._silent, self._in_rtf, self._skips, self._charset))
            self._starred = False
        elif brace == b"}":
            back = self._groups.pop() if self._groups else (False, False, 1, self._own)
            self._silent, self._in_rtf, self._skips, self._charset = back
            self._skip = 0
        elif sign == b"*":
            self._starred = True
        elif word is not None:
            self._word(word, number)
        elif self._skip and (escape or plain):
            taken = 1 if escape else min(self._skip, len(plain))
            self._skip -= taken
            self._text(plain[taken:] if plain else b"")
        elif escape and not self._silent and not self._in_rtf:
            self._bytes.append(escape.decode())
        elif sign is not None:
            self._text(_ESCAPED.get(sign, sign))
        elif plain is not None:
            self._text(plain)

    def _flush(self, plain: bytes | None) -> bytes | None:
        """The bytes told by their numbers as text; the second one of a character may stand as it is."""
        data = bytes.fromhex("".join(self._bytes))
        self._bytes.clear()
        try:
            self.out.append(data.decode(self._charset))
        except UnicodeDecodeError:
            self.out.append((data + (plain or b"")).decode(self._charset, "replace"))
            return b"" if plain is not None else None
        return plain

    def _text(self, data: bytes) -> None:
        if data and not self._silent and not self._in_rtf:
            self.out.append(data.decode(self._charset, "replace"))

    def _word(self, word: bytes, number: bytes | None) -> None:
        value = int(number or 0)
        if word == b"htmltag":
            self._silent = False
        elif word == b"htmlrtf":
            self._in_rtf = number != b"0"
        elif self._starred or word in _SILENT:
            self._silent = True
        elif word == b"u" and number:
            self.out.append("" if self._silent or self._in_rtf else chr(value & 0xFFFF))
            self._skip = self._skips
        elif word == b"uc":
            self._skips = value
        elif word == b"ansicpg":
            self._charset = self._own = codec(f"cp{value}") or self._own
        elif word == b"f":
            self._font = value
            self._charset = self._charset if self._silent else self._fonts.get(value, self._own)
        elif word == b"fcharset" and len(self._fonts) < _MOST_FONTS:
            self._fonts[self._font] = (value > 1 and OF_FONTS.get(value)) or self._own
        elif not self._silent and not self._in_rtf:
            self.out.append(_SIGNS.get(word, ""))
        self._starred = False
