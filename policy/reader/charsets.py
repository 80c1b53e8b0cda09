"""Bytes to text where the declared charset may be missing, unknown or a lie."""

import codecs
import re
from functools import lru_cache
from typing import Final

# Codecs of Python that are no charset of mail, or that take more than linear time.
_NOT_CHARSETS: Final = frozenset(
    {"idna", "punycode", "undefined", "unicode-escape", "raw-unicode-escape", "mbcs", "oem"}
)
_ALIASES: Final = {
    "unicode-1-1-utf-7": "utf-7",
    "x-unicode-2-0-utf-7": "utf-7",
    "x-sjis": "cp932",
    "shift_jis": "cp932",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "ks_c_5601-1987": "cp949",
    "euc-kr": "cp949",
    "iso-8859-1": "cp1252",
    "latin-1": "cp1252",
    "latin1": "cp1252",
    "us-ascii": "cp1252",
    "ascii": "cp1252",
    "ansi_x3.4-1968": "cp1252",
    "iso-8859-8-i": "iso-8859-8",
    "iso-8859-8-e": "iso-8859-8",
    "windows-874": "cp874",
    "macintosh": "mac-roman",
    "x-mac-roman": "mac-roman",
    "utf8": "utf-8",
    "unicode": "utf-16",
    "ucs-2": "utf-16",
}
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
    r"(?:gb|big5|cp9[345]|johab|hz|iso2022|euc|shift|utf-7|cp037|cp500|cp1140|cp273|cp424|cp1026|cp875)"
)


@lru_cache(maxsize=512)
def codec(name: str) -> str | None:
    """Python's name for a charset as mail writes it; None when there is none."""
    wanted = name.strip(" \t\r\n\"'").lower()
    wanted = _ALIASES.get(wanted, wanted)
    if not wanted or wanted.replace("_", "-") in _NOT_CHARSETS or not wanted.isascii() or "\0" in wanted:
        return None
    try:
        found = codecs.lookup(wanted)
    except LookupError:
        return _without_prefix(wanted)
    return found.name if found._is_text_encoding else None


def _without_prefix(wanted: str) -> str | None:
    for prefix in ("x-", "cs", "charset="):
        if wanted.startswith(prefix):
            return codec(wanted.removeprefix(prefix))
    return None


def decode(data: bytes, charset: str = "") -> str:
    """The likeliest reading: a mark at the start, what was declared, UTF-8, Windows-1252."""
    return readings(data, charset)[0]


def readings(data: bytes, charset: str = "") -> tuple[str, ...]:
    """Every plausible reading, likeliest first, each once; never empty."""
    declared = codec(charset) if charset else None
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
    try:
        return data.decode(name, "replace")
    except (UnicodeError, LookupError, ValueError):
        return data.decode("cp1252", "replace")


def _strict(data: bytes, name: str) -> str | None:
    try:
        return data.decode(name)
    except (UnicodeError, ValueError):
        return None
