"""Bytes to text where the declared charset may be missing, unknown or a lie."""

import codecs
import re
from typing import Final

from policy.reader.charsetnames import EUC_TW, ISO_2022_CN, OWN, UTF_7_IMAP, codec, reads_as

__all__ = ["codec", "decode", "readings"]

_BOMS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16: its mark begins with that one's
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_UTF7_RUN: Final = re.compile(rb"\+[A-Za-z0-9+/]{2,}(?:-|(?![A-Za-z0-9+/]))")
_WIDE_NAMES: Final = ("utf-16", "utf-32")
# In these a digit's byte may belong to another character, or stand for one.
_MULTIBYTE: Final = re.compile(
    r"(?:gb|big5|cp9[345]|johab|hz|iso2022|iso-2022|euc|shift|utf-7|cp037|cp500|cp1140|cp273|cp424|cp1026|cp875)"
)
_SHIFTED: Final = re.compile(rb"\x1b\$[)*+](.)|\x0e([^\x0f\n]*)\x0f?|\x1b[NO](..)", re.DOTALL)
_CNS_PAIR: Final = re.compile(rb"\x8e[\xa1-\xb0][\xa1-\xfe][\xa1-\xfe]|[\xa1-\xfe][\xa1-\xfe]|[\x80-\xff]")
_CNS_DIGITS: Final = 0xA4A1  # CNS 11643, plane 1: fullwidth digits; capitals from A4C1, small letters from A4DB on
_CNS_CAPITALS: Final = 0xA4C1
_CNS_MARKS: Final = {
    0xA1A1: "\u3000", 0xA1A5: ".", 0xA2B1: "+", 0xA2B2: "-", 0xA1F6: "/", 0xA1B7: "-", 0xA2A1: "/", 0xA1BE: "(",
    0xA1BF: ")",
}  # fmt: skip


def decode(data: bytes, charset: str = "") -> str:
    """The likeliest reading: a mark at the start, what was declared, UTF-8, Windows-1252."""
    return readings(data, charset)[0]


def readings(data: bytes, charset: str = "") -> tuple[str, ...]:
    """Every plausible reading, likeliest first, each once; never empty."""
    declared = reads_as(charset) if charset else None
    if data.isascii() and b"\0" not in data and b"\x1b" not in data and _is_plain(declared):
        return _ascii(data, declared)
    found: dict[str, None] = {}
    for mark, name in _BOMS:
        if data.startswith(mark):
            found[_decode(data[len(mark) :], name)] = None
            break
    for name in _candidates(data, declared):
        found.setdefault(_decode(data, name).removeprefix("\ufeff"))
    return tuple(found)


def _is_plain(declared: str | None) -> bool:
    return declared is None or not (declared.startswith(_WIDE_NAMES) or _MULTIBYTE.match(declared))


def _ascii(data: bytes, declared: str | None) -> tuple[str, ...]:
    text = data.decode("ascii")
    if b"+" not in data or not _UTF7_RUN.search(data):
        return (text,)
    seven = _strict(data, "utf-7")
    return (text,) if seven is None or seven == text else (text, seven)


def _candidates(data: bytes, declared: str | None) -> list[str]:
    """Codec names to try, in order."""
    names: list[str] = []
    zeros = data.count(0)
    if declared:
        names.append(declared)
    if declared == "utf-16":
        names += ["utf-16-le", "utf-16-be"]
    if declared == "utf-32":
        names += ["utf-32-le", "utf-32-be"]
    if zeros:
        names += _wide(data, zeros)
    if b"\x1b" in data:
        names += ["iso2022_jp_2", "iso2022_kr"]
    if _strict(data, "utf-8") is not None:
        names.append("utf-8")
    elif declared is None or not _is_plain(declared):
        names.append("cp1252")
    if b"+" in data and _UTF7_RUN.search(data) and data.isascii():
        names.append("utf-7")
    if zeros:
        names.append("no zeros")
    return list(dict.fromkeys(names)) or ["cp1252"]


def _wide(data: bytes, zeros: int) -> list[str]:
    """Text in two or four bytes a character, without a mark: where the zeros stand tells which."""
    sample = data[:4096]
    if zeros * 16 < len(data) and sample.count(0) * 16 < len(sample):
        return []
    if sample.count(0) * 5 > len(sample) * 3:
        return ["utf-32-le", "utf-32-be"]
    return ["utf-16-le", "utf-16-be"] if sample[1::2].count(0) >= sample[::2].count(0) else ["utf-16-be", "utf-16-le"]


def _decode(data: bytes, name: str) -> str:
    if name == "no zeros":
        return decode(data.replace(b"\0", b""))
    if name in OWN:
        return _OWN[name](data)
    try:
        return data.decode(name, "replace")
    except (UnicodeError, LookupError, ValueError):
        return data.decode("cp1252", "replace")


def _strict(data: bytes, name: str) -> str | None:
    try:
        return data.decode(name)
    except (UnicodeError, ValueError):
        return None


def _euc_tw(data: bytes) -> str:
    """Digits, letters and marks; the ideographs of CNS 11643 read as a sign of their own."""
    return "".join(_cns(piece) for piece in _split(_CNS_PAIR, data))


def _split(pattern: re.Pattern[bytes], data: bytes) -> list[bytes]:
    """Matches, and what stands between them."""
    found: list[bytes] = []
    at = 0
    for match in pattern.finditer(data):
        found += [data[at : match.start()], match[0]]
        at = match.end()
    return [*found, data[at:]]


def _cns(piece: bytes) -> str:
    if piece.isascii():
        return piece.decode("ascii")
    code = int.from_bytes(piece[-2:], "big")
    if 0 <= code - _CNS_DIGITS < 10:
        return chr(0x30 + code - _CNS_DIGITS)
    if 0 <= code - _CNS_CAPITALS < 26:
        return chr(0x41 + code - _CNS_CAPITALS)
    if 0 <= code - _CNS_CAPITALS - 26 < 26:
        return chr(0x61 + code - _CNS_CAPITALS - 26)
    return _CNS_MARKS.get(code, "\u3013")


def _iso_2022_cn(data: bytes) -> str:
    """Between shifts out and in, two bytes a character of the set that was named last (RFC 1922)."""
    out: list[str] = []
    at = 0
    is_gb = True
    for match in _SHIFTED.finditer(data):
        out.append(data[at : match.start()].decode("ascii", "replace"))
        at = match.end()
        if match[1]:
            is_gb = match[1] in {b"A", b"E"}
            continue
        high = bytes(byte | 0x80 for byte in match[2] or match[3] or b"")
        out.append(high.decode("gb18030", "replace") if is_gb else _euc_tw(high))
    out.append(data[at:].decode("ascii", "replace"))
    return "".join(out)


def _utf_7_imap(data: bytes) -> str:
    """UTF-7 of mailbox names (RFC 3501 5.1.3)."""
    return _decode(data.replace(b"+", b"+-").replace(b"&", b"+").replace(b",", b"/"), "utf-7")


_OWN: Final = {EUC_TW: _euc_tw, ISO_2022_CN: _iso_2022_cn, UTF_7_IMAP: _utf_7_imap}
