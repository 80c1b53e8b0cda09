"""Content-Type and Content-Disposition values, with every reading of their parameters (RFC 2045 5.1, RFC 2231)."""

import re
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import unquote_to_bytes

from policy.reader.charsets import decode
from policy.reader.words import decode_words

_SEGMENT: Final = re.compile(r'(?:[^;"\\]++|\\.|"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)|\\\Z)*+', re.DOTALL)
_COMMENT_TOKEN: Final = re.compile(r"\\.|[()]|[^()\\]++|\\", re.DOTALL)
_QUOTED: Final = re.compile(r'"((?:[^"\\]++|\\.)*+)(?:"|\\?\Z)', re.DOTALL)
_ESCAPE: Final = re.compile(r"\\(.)", re.DOTALL)
_SECTION: Final = re.compile(r"(.+?)(?:\*(\d{1,4}))?(\*)?\Z", re.DOTALL)
_MOST: Final = 200  # parameters looked at in one value


@dataclass(frozen=True, slots=True)
class Value:
    """`head` is lower case: `text/plain`, `attachment`; `parameters` maps a lower-case name to its readings."""

    head: str
    parameters: dict[str, tuple[str, ...]] = field(default_factory=dict, repr=False)

    def all(self, name: str) -> tuple[str, ...]:
        """Every reading of one parameter, likeliest first; empty when it is not there."""
        return self.parameters.get(name, ())

    def first(self, name: str) -> str:
        """The likeliest reading; empty when there is none."""
        return next(iter(self.all(name)), "")


def parse_value(text: str) -> Value:
    """Read a header value, however it is written."""
    text = text.replace("\r", "").replace("\n", "")
    if ";" not in text and '"' not in text and "(" not in text and " " not in text:
        return Value(text.strip().lower())
    segments = _segments(text)
    head, *stray = _uncomment(segments[0]).replace('"', " ").split() or [""]
    if stray and (head.endswith("/") or stray[0].startswith("/")):  # "text / plain"
        head, stray = head + "".join(stray), []
    plain: dict[str, list[str]] = {}
    pieces: dict[str, list[tuple[int, bool, str]]] = {}
    loose = [*stray, *text.split(";")[1:]] if '"' in text else stray
    for segment in [*segments[1:], *loose][:_MOST]:
        name, equals, value = segment.partition("=")
        name = _uncomment(name).strip().strip("\"'").lower()
        if not equals or not name:
            continue
        match = _SECTION.match(name)
        if match and (match[2] or match[3]):
            pieces.setdefault(match[1], []).append((int(match[2] or 0), bool(match[3]), _simple(value)))
        else:
            plain.setdefault(name, []).extend(_value_readings(value))
    return Value(head.lower(), _merged(plain, pieces))


def _merged(plain: dict[str, list[str]], pieces: dict[str, list[tuple[int, bool, str]]]) -> dict[str, tuple[str, ...]]:
    found: dict[str, dict[str, None]] = {}
    for name, sections in pieces.items():
        joined = found.setdefault(name, {})
        for chosen in (reversed(sections), sections):  # of a number given twice the first counts, or the last
            joined[_continued({section[0]: section for section in chosen})] = None
    for name, values in plain.items():
        readings = found.setdefault(name, {})
        for value in values:
            readings.setdefault(decode_words(value))
            readings.setdefault(value)
    return {name: tuple(value for value in readings if value) for name, readings in found.items()}


def _segments(text: str) -> list[str]:
    """Split at semicolons outside quotes."""
    found: list[str] = []
    at = 0
    while at <= len(text) and len(found) < _MOST:
        match = _SEGMENT.match(text, at)
        end = match.end() if match else at
        found.append(text[at:end])
        at = end + 1
    return found


def _uncomment(text: str) -> str:
    """Without comments, which nest; a parenthesis that is never closed is no comment."""
    if "(" not in text:
        return text
    depth = 0
    out: list[str] = []
    for piece in _COMMENT_TOKEN.findall(text):
        if piece == "(":
            depth += 1
        elif piece == ")" and depth:
            depth -= 1
            out.append(" ")
        elif not depth:
            out.append(piece)
    return text if depth else "".join(out)


def _simple(value: str) -> str:
    return next(iter(_value_readings(value)), "")


def _value_readings(value: str) -> list[str]:
    """Quoted: with and without its escapes. Bare: up to the first white space, whole, without comments."""
    value = value.strip(" \t")
    quoted = _QUOTED.match(value) or _QUOTED.match(_uncomment(value).strip())
    if quoted:
        return list(dict.fromkeys((_ESCAPE.sub(r"\1", quoted[1]), quoted[1], value)))
    bare = _uncomment(value).strip()
    readings = [bare, value, (bare.split() or [""])[0], value.strip("\"'"), bare.partition('"')[0].strip()]
    return list(dict.fromkeys(reading for reading in readings if reading))


def _continued(sections: dict[int, tuple[int, bool, str]]) -> str:
    """Sections in order of their numbers; the charset stands in the first (RFC 2231 4.1)."""
    charset = ""
    out = bytearray()
    for position, (_, extended, value) in enumerate(sections[number] for number in sorted(sections)):
        if extended and position == 0:
            charset, decoded = _extended(value)
            out += decoded
        else:
            out += unquote_to_bytes(value) if extended else value.encode("utf-8", "surrogateescape")
    return decode(bytes(out), charset)


def _extended(value: str) -> tuple[str, bytes]:
    charset, _, rest = value.partition("'")
    _language, mark, text = rest.partition("'")
    return (charset, unquote_to_bytes(text)) if mark else ("", unquote_to_bytes(value))
