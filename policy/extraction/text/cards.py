"""Calendars, business cards and directory entries: folded lines of names and values (RFC 5545, RFC 6350, RFC 2849)."""

import binascii
import quopri
import re
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import unquote_to_bytes

from policy.reader.charsets import decode

_STARTS: Final = ("BEGIN:VCALENDAR", "BEGIN:VCARD", "BEGIN:VEVENT", "BEGIN:VNOTE", "BEGIN:VTODO", "BEGIN:VMSG")
_TYPES: Final = frozenset(
    {"text/calendar", "text/vcard", "text/x-vcard", "text/directory", "text/x-vcalendar", "text/x-vnote"}
)
_LDIF: Final = re.compile(r"\A(?:\ufeff)?(?:(?:#[^\r\n]*|version: ?\d+|)\r?\n)*dn::? ?\S", re.I)
# Behind a `=` the line may be one that quoted-printable breaks: `_unfolded` tells.
_FOLDED: Final = re.compile(rb"(?<!=)(?<!=\r)\r?\n[ \t]")
_FOLD: Final = re.compile(r"\r?\n[ \t]")
_FOLD_BUT_SOFT: Final = re.compile(r"(?<!=)(?<!=\r)\r?\n[ \t]")
_QUOTED_LINE: Final = re.compile(r"(?i)[;=\"]QUOTED-PRINTABLE(?=[;:\"])")
_BLANK: Final = frozenset(" \t")
_VALUE: Final = re.compile(r"(?:[^:\"\r\n]|\"[^\"\r\n]*\")*:")
_ESCAPE: Final = re.compile(r"\\([nN,;:\\\"])")
_CHARSET: Final = re.compile(r"(?i)CHARSET=\"?([A-Za-z0-9_.:-]{2,40})")
_FILE_NAME: Final = re.compile(r"(?i)(?:FILENAME|X-FILENAME|X-APPLE-FILENAME)=\"?([^\";:]{1,200})")
_BASE64: Final = re.compile(r"(?i);(?:ENCODING=)?(?:BASE64|B)(?=[;:])")
_DATA: Final = re.compile(r"(?i)[ \"]*data:([a-z0-9.+-]+/[a-z0-9.+-]+)?((?:;[^,;]{0,100}){0,8}),(.*)", re.S)
_DATA_BESIDE: Final = re.compile(r"(?i)(?<=\")data:([a-z0-9.+-]+/[a-z0-9.+-]+)?((?:;[^,;\"]{0,100}){0,8}),([^\"]*)")
_HOLDING: Final = re.compile(rb"(?i);(?:encoding=)?(?:base64|b)[;:]|[:\" ]data:|\n[a-z0-9;.-]+:: ?[a-z0-9+/]{40}")
_MOST_FILES: Final = 200
_LONGEST: Final = 16 << 20  # characters of a card that is taken apart


@dataclass(frozen=True, slots=True)
class Card:
    """What one says: `texts` to be read beside the source, pages, and files with their names."""

    texts: tuple[str, ...] = field(default=(), repr=False)
    pages: tuple[str, ...] = field(default=(), repr=False)
    files: tuple[tuple[str, bytes], ...] = field(default=(), repr=False)


_NOTHING: Final = Card()


def is_card(data: bytes, media_type: str = "") -> bool:
    """Whether a file may be one, by a look at its start."""
    start = data[:2000].replace(b"\0", b"").lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n")
    return media_type in _TYPES or start[:6].upper() == b"BEGIN:" or b"dn:" in start


def holds_files(data: bytes) -> bool:
    """Whether a text may be one with files in it, which are not read where no file is."""
    return is_card(data) and _HOLDING.search(data) is not None


def card_text(data: bytes, charset: str) -> str:
    """The text of one. Lines are folded between bytes, also within a character (RFC 5545 3.1)."""
    return decode(data if b"\0" in data[:400] else _FOLDED.sub(b"", data), charset)


def read_card(text: str, media_type: str = "") -> Card:
    """Take a calendar, card or directory entry apart; empty for any other text. Linear in its length."""
    start = text[:400].lstrip("\ufeff \t\r\n")
    if len(text) > _LONGEST:
        return _NOTHING
    if media_type in _TYPES or start[:40].upper().startswith(_STARTS):
        return _card(text)
    if "\ndn:" in text[:2000] or start[:3].lower() == "dn:" or start[:8].lower() == "version:":
        return _entries(text) if _LDIF.match(text) else _NOTHING
    return _NOTHING


def _card(text: str) -> Card:
    lines: list[str] = []
    pages: list[str] = []
    files: list[tuple[str, bytes]] = []
    for line in _unfolded(text):
        name, value = _halves(line)
        upper = name.upper()
        if "QUOTED-PRINTABLE" in upper:
            value = _decoded(quopri.decodestring(value.encode("utf-8", "replace")), name)
        elif _BASE64.search(name):
            if data := _from_base64(value):
                files.append((_name(name), data))
            continue
        elif match := _DATA.match(value):
            files.append((_name(name), _data(match)))
            continue
        files += [(_name(each[0]), _data(each)) for each in _DATA_BESIDE.finditer(name)]
        value = _ESCAPE.sub(_unescaped, value)
        if "TEXT/HTML" in upper or upper.startswith("X-ALT-DESC"):
            pages.append(value)
        lines.append(f"{name}{value}")
        if ";" in value and upper.startswith(("N:", "N;", "ADR", "ORG")):
            lines.append(value.replace(";", ""))
    return Card(("\n".join(lines),), tuple(pages[:_MOST_FILES]), tuple(files[:_MOST_FILES]))


def _data(match: re.Match[str]) -> bytes:
    """What an address holds that is its own content (RFC 2397)."""
    return _from_base64(match[3]) if "base64" in match[2].lower() else unquote_to_bytes(match[3])


def _unfolded(text: str) -> list[str]:
    """Logical lines: folded ones joined, and those that quoted-printable breaks (vCard 2.1).

    A blank at the start of a line behind such a break is text to some programs and a fold to others: both are given.
    """
    lines: list[list[str]] = []  # in pieces, so that a long one is put together once
    soft = False
    for line in _FOLD_BUT_SOFT.sub("", text).splitlines():
        if soft:
            lines[-1][-1] = lines[-1][-1][:-1]
            lines[-1].append(line)
        elif lines and line[:1] in _BLANK and lines[-1][-1].endswith("="):
            lines[-1].append(line[1:])
        else:
            lines.append([line])
            soft = line.endswith("=") and _QUOTED_LINE.search(_halves(line)[0]) is not None
        soft = soft and line.endswith("=")
    found: list[str] = []
    for pieces in lines:
        whole = "".join(pieces)
        folded = pieces[0] + "".join(piece[1:] if piece[:1] in _BLANK else piece for piece in pieces[1:])
        found += dict.fromkeys((whole, folded))
    return found


def _halves(line: str) -> tuple[str, str]:
    """The name with its parameters and colon, and the value."""
    match = _VALUE.match(line)
    return (match[0], line[match.end() :]) if match else ("", line)


def _unescaped(match: re.Match[str]) -> str:
    return "\n" if match[1] in {"n", "N"} else match[1]


def _decoded(data: bytes, name: str) -> str:
    charset = _CHARSET.search(name)
    return decode(data, charset[1] if charset else "")


def _from_base64(value: str) -> bytes:
    try:
        return binascii.a2b_base64("".join(value.split()) + "===")
    except (binascii.Error, ValueError):
        return b""


def _name(name: str) -> str:
    match = _FILE_NAME.search(name)
    return match[1] if match else name.partition(";")[0].strip(":").lower() or "file"


def _entries(text: str) -> Card:
    """Directory entries (LDIF): `name: value`, `name:: base64`."""
    lines: list[str] = []
    files: list[tuple[str, bytes]] = []
    for line in _FOLD.sub("", text).splitlines():
        name, mark, value = line.partition("::")
        if not mark or ":" in name or " " in name:
            lines.append(line)
            continue
        data = _from_base64(value)
        if data and b"\0" not in data[:64]:
            lines.append(f"{name}: {decode(data)}")
        elif data and len(files) < _MOST_FILES:
            files.append((name, data))
    return Card(("\n".join(lines),), (), tuple(files))
