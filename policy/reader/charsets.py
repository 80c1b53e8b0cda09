"""Bytes to text where the declared charset may be missing, unknown or a lie."""

import codecs
import re
from typing import Final

from policy.reader.charsetnames import EUC_TW, ISO_2022_CN, OWN, UTF_7_IMAP, codec, reads_as
from policy.reader.turns import Once, decoded, has_halves, holds, search, without

__all__ = ["codec", "decode", "is_noise", "legible", "readings"]

_BOMS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16: its mark begins with that one's
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_UTF7_RUN: Final = re.compile(rb"\+[A-Za-z0-9+/]{2,}(?:-|(?![A-Za-z0-9+/]))")
# Fullwidth digits where East Asian programs write them, whatever is declared; each begins with a byte of its own, which
# most other texts lack.
_FULLWIDTH: Final = (
    ("gb18030", b"\xa3", re.compile(rb"\xa3[\xb0-\xb9]\xa3[\xb0-\xb9]")),
    ("cp932", b"\x82", re.compile(rb"\x82[\x4f-\x58]\x82[\x4f-\x58]")),
    ("big5", b"\xa2", re.compile(rb"\xa2[\xaf-\xb8]\xa2[\xaf-\xb8]")),
)
_NO_ZEROS: Final = "no zeros"  # some programs step over them
_GUESSED: Final = frozenset(name for name, _, _ in _FULLWIDTH)
_CONTROLS: Final = bytes({*range(32), 127} - set(b"\0\b\t\n\v\f\r\x0e\x0f\x1a\x1b"))  # of no charset's text
_MOST_CONTROLS: Final = 1 / 20  # of the bytes of a text; noise has nearly twice as many
_MOST_HIGH: Final = 1 / 4  # of the bytes of a text with so many controls; of noise it is every second one
_ASCII: Final = bytes(range(128))
_LEGIBLE: Final = re.compile(rb"[\t\n\r\x20-\x7e]{6,}")
_SOME: Final = 1 << 18  # bytes that are looked at in one call
_SEAM: Final = 256  # of them twice, for what stands where two calls meet
_LEAST_NOISE: Final = 1 << 10  # bytes
_LEAST_BROKEN: Final = 1 << 16  # characters
# What programs leave out of a text in a charset of one byte a character, and what they show in another's place.
_NOT_SHOWN: Final = bytes({*_CONTROLS, *b"\0\x08\x0e\x0f\x1a\x1b\x7f\xad"})
_SHOWN_AS: Final = bytes.maketrans(b"\x96\x97\xa0", b"-- ")
# Three digits side by side as no noise has them: wide ones, and those of scripts from the left and from the right.
_WIDE_DIGITS: Final = re.compile(
    rb"(?:\xa3[\xb0-\xb9]){3}|(?:\x82[\x4f-\x58]){3}|(?:\xa2[\xaf-\xb8]){3}"
    rb"|(?:\xef\xbc[\x90-\x99]){3}|(?:\xd9[\xa0-\xa9]){3}|(?:\xdb[\xb0-\xb9]){3}|(?:\xe0[\xa5-\xaf][\xa6-\xaf]){3}"
)
_MOST_BROKEN: Final = 1 / 16  # of the characters of a text; noise has more in any charset
_WIDE_NAMES: Final = ("utf-16", "utf-32")
# In these a digit's byte may belong to another character, or stand for one.
_MULTIBYTE: Final = re.compile(
    r"(?:gb|big5|cp9[345]|johab|hz|iso2022|iso-2022|euc|shift|utf-7|cp037|cp500|cp1140|cp273|cp424|cp1026|cp875)"
)


def _cns_signs() -> dict[int, str]:
    """What Python's codec for GB makes of CNS 11643's rows of digits, letters and marks, and what they are."""
    signs = {0xA4A1 + number: chr(48 + number) for number in range(10)}
    signs |= {0xA4C1 + number: chr(65 + number) for number in range(26)}
    signs |= {0xA4DB + number: chr(97 + number) for number in range(26)}
    signs |= {0xA2B1: "+", 0xA2B2: "-", 0xA1F6: "/", 0xA1B7: "-", 0xA1BE: "(", 0xA1BF: ")", 0xA1A5: "."}
    return {ord(code.to_bytes(2, "big").decode("gb18030", "replace")): sign for code, sign in signs.items()}


_ANY_SET: Final = re.compile(rb"\x1b\$[)*+].", re.DOTALL)
_CNS_SIGNS: Final = _cns_signs()
# The same signs as the codec for KS X 1001 reads them, where a text shifts into CNS 11643.
_CNS_SHIFTED: Final = {
    ord(bytes((0xA4, 0xA1 + number)).decode("euc_kr", "replace")): chr(48 + number) for number in range(10)
}


def decode(data: bytes, charset: str = "") -> str:
    """The likeliest reading: a mark at the start, what was declared, UTF-8, Windows-1252."""
    return readings(data, charset)[0]


_EBCDIC_XML: Final = "<?xml".encode("cp037")  # XML 1.0, appendix F


def readings(data: bytes, charset: str = "") -> tuple[str, ...]:
    """Every plausible reading, likeliest first, each once; never empty."""
    declared = reads_as(charset) if charset else None
    if data.isascii() and b"\0" not in data and b"\x1b" not in data and _is_plain(declared):
        return _ascii(data)
    if is_noise(data, charset):
        plain = declared or "cp1252"
        return tuple(dict.fromkeys((_decode(data, plain), _decode(without(data, b"\0"), plain))))
    found: Once[str] = Once()
    for mark, name in _BOMS:
        if data.startswith(mark):
            found.add(_decode(data[len(mark) :], name))
            break
    if data.startswith(_EBCDIC_XML):
        found.add(_decode(data, "cp037"))
    for name in _candidates(data, declared):
        text = decode(without(data, b"\0"), charset) if name == _NO_ZEROS else _decode(data, name)
        text = text.removeprefix("\ufeff")
        if name == declared or name not in _GUESSED or not _is_noise(text):
            found.add(text)
    return found.all()


def is_noise(data: bytes, charset: str = "") -> bool:
    """Whether some thousand bytes are hardly text in any charset: too many controls stand in them, and too many bytes
    beyond ASCII that make no UTF-8, nor text in a declared charset of several bytes a character.

    Text in several bytes a character may look so, and is none; nor is what holds digits of other scripts, for what is
    said of noise (`legible`) is in ASCII. Plain ASCII has one reading, and costs little.
    """
    if len(data) <= _LEAST_NOISE or data.isascii() or data.startswith(tuple(mark for mark, _ in _BOMS)):
        return False
    declared = reads_as(charset) if charset else None
    if (declared or "").startswith(_WIDE_NAMES):
        return False
    zeros = controls = high = 0
    for start in range(0, len(data), _SOME):
        some = data[start : start + _SOME]
        zeros += some.count(0)
        controls += len(some) - len(some.translate(None, _CONTROLS))
        high += len(some.translate(None, _ASCII))
    if controls <= len(data) * _MOST_CONTROLS or high <= len(data) * _MOST_HIGH or _wide(data, zeros):
        return False
    if search(_WIDE_DIGITS, data) is not None:
        return False
    name = "utf-8" if declared is None or _is_plain(declared) else declared
    broken = sum(_decode(data[start : start + _SOME], name).count("\ufffd") for start in range(0, len(data), _SOME))
    return broken > len(data) * _MOST_BROKEN


def legible(data: bytes) -> str:
    """What a person could read within noise: runs of plain characters, a line each; once as they stand, for programs
    step over zeros, and once without whatever programs do not show."""
    lines: dict[bytes, None] = {}
    for text in (without(data, b"\0"), _as_shown(data)):
        for start in range(0, len(text), _SOME):
            lines.update(dict.fromkeys(_LEGIBLE.findall(text, max(0, start - _SEAM), start + _SOME)))
    return b"\n".join(lines).decode("ascii")


def _as_shown(data: bytes) -> bytes:
    return b"".join(
        [data[start : start + _SOME].translate(_SHOWN_AS, _NOT_SHOWN) for start in range(0, len(data), _SOME)]
    )


def _is_noise(text: str) -> bool:
    """Whether a long text is hardly one in the charset by which it was read."""
    return len(text) > _LEAST_BROKEN and text.count("\ufffd") > len(text) * _MOST_BROKEN


def _is_plain(declared: str | None) -> bool:
    return declared is None or not (declared.startswith(_WIDE_NAMES) or _MULTIBYTE.match(declared))


def _ascii(data: bytes) -> tuple[str, ...]:
    text = decoded(data, "ascii")
    if b"~" in data and holds(data, b"~{#") and (wide := _strict(_hz(data), "hz")) is not None:
        return (text, wide)
    if b"+" not in data or search(_UTF7_RUN, data) is None:
        return (text,)
    seven = _strict(data, "utf-7")
    return (text,) if seven is None or seven == text else (text, _whole(seven))


def _candidates(data: bytes, declared: str | None) -> list[str]:
    """Codec names to try, in order."""
    names: list[str] = []
    zeros = sum(data.count(0, at, at + _SOME) for at in range(0, len(data), _SOME))
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
    else:
        if declared is None or not _is_plain(declared):
            names.append("cp1252")
        names += [name for name, first, two in _FULLWIDTH if holds(data, first) and search(two, data) is not None]
    if b"+" in data and data.isascii() and search(_UTF7_RUN, data) is not None:
        names.append("utf-7")
    if zeros:
        names.append(_NO_ZEROS)
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
    if name in OWN:
        return _OWN[name](data)
    try:
        return _whole(decoded(_hz(data) if name == "hz" else data, name, "replace"))
    except (UnicodeError, LookupError, ValueError):
        return decoded(data, "cp1252", "replace")


def _hz(data: bytes) -> bytes:
    """With line feeds behind the sign that a line goes on, where mail has CRLF (RFC 1843, 2)."""
    return data.replace(b"~\r\n", b"~\n")


def _whole(text: str) -> str:
    """Without halves of characters, which UTF-7 leaves and no text can be written with."""
    if not has_halves(text):
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _strict(data: bytes, name: str) -> str | None:
    try:
        return decoded(data, name)
    except (UnicodeError, ValueError):
        return None


def _euc_tw(data: bytes) -> str:
    """Digits, letters and marks; the ideographs of CNS 11643 read as other ones."""
    return data.decode("gb18030", "replace").translate(_CNS_SIGNS)


def _iso_2022_cn(data: bytes) -> str:
    """As Korean text with the same shifts (RFC 1922, RFC 1557): fullwidth signs stand at the same places."""
    text = _ANY_SET.sub(b"\x1b$)C", data)
    decoded = (text if text.startswith(b"\x1b$)C") else b"\x1b$)C" + text).decode("iso2022_kr", "replace")
    return decoded.translate(_CNS_SHIFTED) if b"\x1b$)G" in data else decoded


def _utf_7_imap(data: bytes) -> str:
    """UTF-7 of mailbox names (RFC 3501 5.1.3)."""
    return _decode(data.replace(b"+", b"+-").replace(b"&", b"+").replace(b",", b"/"), "utf-7")


_OWN: Final = {EUC_TW: _euc_tw, ISO_2022_CN: _iso_2022_cn, UTF_7_IMAP: _utf_7_imap}
