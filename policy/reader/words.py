"""Header text: encoded words (RFC 2047), raw bytes, folding."""

import binascii
import re
from typing import Final

from policy.reader.charsetnames import reads_as
from policy.reader.charsets import decode, readings

# Wider than the RFC: most programs also decode words inside quotes, and with spaces or question marks in them.
_WORD: Final = re.compile(r"=\?([^?\s]*)\?([bBqQ])\?([^?]*|(?:[^?]|\?(?!=)){0,80})\?=")
_FOLD: Final = re.compile(r"\r?\n[ \t]+")
_NOT_BASE64: Final = bytes(set(range(256)) - set(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"))


def raw_text(value: bytes) -> str:
    """Header bytes as text: ASCII, else UTF-8, else Windows-1252. Folds are kept."""
    return decode(value)


def unfold(text: str) -> str:
    """One line: the line ends of folding are dropped, the white space behind them stays (RFC 5322 2.2.3)."""
    return text.replace("\r\n", "").replace("\n", "")


def decode_words(text: str) -> str:
    """Encoded words decoded; white space between two neighbours is dropped (RFC 2047 6.2)."""
    if "=?" not in text:
        return text
    out: list[str] = []
    pending = b""
    charset = ""
    end = 0
    for word in _WORD.finditer(text):
        between = text[end : word.start()]
        name = word[1].partition("*")[0].lower()
        joins = bool(end) and not between.strip()
        if not joins or name != charset:
            out.append(_flush(pending, charset))
            pending = b""
            if not joins:
                out.append(between)
        pending += _bytes_of(word)
        charset = name
        end = word.end()
    out.append(_flush(pending, charset))
    out.append(text[end:])
    return "".join(out)


def header_readings(value: bytes) -> tuple[str, ...]:
    """What programs show of a header's value, likeliest first: decoded; and where it was folded, without the gap."""
    found: dict[str, None] = {}
    plain = value.isascii() and b"\x1b" not in value
    for text in (value.decode("ascii"),) if plain else readings(value):
        found[decode_words(unfold(text)).strip()] = None
        if "\n" in text.strip():
            found[decode_words(_FOLD.sub("", text)).strip()] = None
    return tuple(found)


def _flush(pending: bytes, charset: str) -> str:
    if not pending:
        return ""
    return decode(pending, charset if reads_as(charset) else "")


def _bytes_of(word: re.Match[str]) -> bytes:
    data = word[3].encode("utf-8", "surrogateescape")
    if word[2] in "qQ":
        return binascii.a2b_qp(data.replace(b"\n", b""), header=True)
    clean = data.replace(b"-", b"+").replace(b"_", b"/").translate(None, _NOT_BASE64)
    if len(clean) % 4 == 1:
        clean = clean[:-1]
    return binascii.a2b_base64(clean + b"=" * (-len(clean) % 4))
