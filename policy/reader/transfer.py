"""Content-Transfer-Encoding (RFC 2045 6), in every way a program could undo it."""

import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import pybase64

from policy.reader.coded import without_coded
from policy.reader.turns import Once, from_quoted_printable, holds, search, without

_ALPHABET: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_NOT_BASE64: Final = bytes(set(range(256)) - set(_ALPHABET) - {ord("=")})
_BASE64_OR_SPACE: Final = _ALPHABET + b"=-_ \t\r\n"
_LONGEST_LINE: Final = 1000
_LEAST_LINES: Final = 16
_LINES: Final = 1 << 14  # that are decoded at once
_PADDING: Final = re.compile(rb"=+")
_URL_SAFE: Final = bytes.maketrans(b"-_", b"+/")
_LOOKS_QP: Final = re.compile(rb"=(?:[ \t]*\r?\n|2[0-9A-Fa-f]|3[0-9dD]|0[AD9]|[aA]0|[cC]2|[eE]2)")
_QP_ESCAPE: Final = re.compile(rb"=(?:[0-9A-F]{2}|3d|2[c-f]|0[ad]|c[23]|e2|[ \t]*\r?\n)")
# What stands between two digits of a number: a dash, a blank or a point, of ASCII or beyond it; the end of a line.
_QP_SIGN: Final = rb"=(?:2[0DdEe]|09|[aA][0dD]|[cC]2=[aA][0dD]|[eE]2=[89][0-9A-Fa-f]=[0-9A-Fa-f]{2}|[ \t]*\r?\n)"
# A number, written so; what a page has behind its equals signs stands behind a letter, or ends there.
_QP_NUMBER: Final = re.compile(
    rb"=(?<=[0-9-]=)(?:3[0-9](?:[0-9-]|=[23][0-9A-Fa-f])|3[0-9](?<=[0-9]{2}=3[0-9])(?![0-9A-Za-z]))"
    rb"|[0-9-]" + _QP_SIGN + rb"(?:[0-9-]|=[23][0-9A-Fa-f])"
    rb"|=3[0-9](?:=(?:[23][0-9A-Fa-f]|[ \t]*\r?\n)|[-.]=?[0-9]|[0-9]{1,3}-)"
    rb"|[0-9-]<[^<>]{0,80}=[ \t]*\r?\n"
)
_LATE_SOFT_BREAK: Final = re.compile(rb"=[ \t]+(\r?\n)")
_UU_BEGIN: Final = re.compile(rb"(?:\A|\n)begin(?:-base64)? [0-7]{3,4} ([^\r\n]{0,255})\r?\n")
_TOKEN: Final = re.compile(r"[a-z0-9-]+")
_SOME: Final = 1 << 17  # bytes that are looked at in one call
_MOST_RUNS: Final = 200_000  # padded runs decoded one by one
_LEAST_GUESS: Final = 16  # shorter texts of letters only are words, not base64

IDENTITY: Final = frozenset({"7bit", "8bit", "binary", ""})


@dataclass(frozen=True, slots=True)
class Decoded:
    """The readings of one body, likeliest first, each once. `whole` is False where something was given up."""

    readings: tuple[bytes, ...]
    whole: bool = True


def encoding_name(text: str) -> str:
    """`base64`, `quoted-printable`, `uuencode`, `7bit`... from a header value; what is unknown comes back as `?`."""
    name = text.strip().lower()
    if name in IDENTITY:
        return name
    if ("base" in name and "64" in name) or name in {"b", "b64"}:
        return "base64" if name == "base64" else "base64?"
    if "quoted" in name or "printable" in name or name in {"q", "qp"}:
        return "quoted-printable" if name == "quoted-printable" else "quoted-printable?"
    if "uue" in name or "uuencode" in name or name == "x-uu":
        return "uuencode"
    match = _TOKEN.search(name)
    return match[0] if match and match[0] in IDENTITY else "?"


def decode_body(body: bytes, encodings: tuple[str, ...]) -> Decoded:
    """Undo what any of the headers said (`encoding_name`s; none: 7bit), and what the body itself looks like."""
    found: list[bytes] = []
    whole = True
    sure = len(encodings) < 2
    for name in encodings or ("7bit",):
        base = name.rstrip("?")
        if base == "base64":
            decoded = _base64(body)
            whole &= decoded.whole
            found += decoded.readings
        elif base == "quoted-printable":
            found += _quoted_printable(body)
        elif base == "uuencode":
            found += [*_uuencoded(body), body]  # text around the block is shown as it is
        else:
            found += _undeclared(body)
        sure &= not name.endswith("?")
    if not sure:
        found.append(body)
    if not sure or "?" in encodings:
        found += _undeclared(body)
        found += _quoted_printable(body)
    return Decoded(distinct(found), whole)


def looks_base64(body: bytes) -> bool:
    """Nothing but the alphabet and line ends, long enough not to be a word, and decodable."""
    if len(body) < _LEAST_GUESS or body[:256].translate(None, _BASE64_OR_SPACE) or b" " in body[:256].strip():
        return False
    if without(body, _BASE64_OR_SPACE) or b" " in body.strip():
        return False
    return len(without(body, _NOT_BASE64)) >= _LEAST_GUESS


def lenient_base64(data: bytes) -> bytes:
    """Everything that the alphabet spells, whatever stands between; a padding ends a run, and the next begins."""
    clean = without(data, _NOT_BASE64).rstrip(b"=")
    if b"=" not in clean:
        return _quads(clean)
    return b"".join(map(_quads, _PADDING.split(clean, _MOST_RUNS)[:_MOST_RUNS]))


def uudecoded(block: bytes) -> bytes:
    """The lines of a uuencoded block, those that are none left out."""
    out: list[bytes] = []
    for raw in block.split(b"\n"):
        line = raw.rstrip(b"\r")
        if not line or line == b"`":
            continue
        try:
            out.append(binascii.a2b_uu(line))
        except binascii.Error:
            # Encoders that pad wrongly: take as many characters as the length says (as the stdlib's uu did).
            count = (((line[0] - 32) & 63) * 4 + 5) // 3
            try:
                out.append(binascii.a2b_uu(line[:count]))
            except binascii.Error:
                continue
    return b"".join(out)


def _uuencoded(body: bytes) -> Iterator[bytes]:
    at = 0
    while match := _UU_BEGIN.search(body, at):
        end = body.find(b"\nend", match.end() - 1)
        end = len(body) if end < 0 else end
        block = body[match.end() : end]
        if data := lenient_base64(block) if b"-base64" in match[0] else uudecoded(block):
            yield data
        at = max(end, match.end())


def _undeclared(body: bytes) -> list[bytes]:
    """Declared as it is; a program that looks closer would decode it."""
    found = [body]
    if looks_base64(body):
        found += _base64(body).readings
    elif b"=" in body and _looks_quoted(body):
        text = without_coded(body)  # of what is packed, one sign in sixty looks so
        if text is body or _looks_quoted(text):
            found += _quoted_printable(text)
    return found


def _looks_quoted(body: bytes) -> bool:
    """Whether it may be quoted-printable: most of its equals signs are of that, or a number is written so.

    A page says `width=30`, which is none: to decode it would make a second page of it, with other words.
    """
    if search(_LOOKS_QP, body) is None:
        return False
    escapes = sum(len(_QP_ESCAPE.findall(body, start, start + _SOME)) for start in range(0, len(body), _SOME))
    return escapes * 2 >= body.count(b"=") or search(_QP_NUMBER, body) is not None


def _base64(body: bytes) -> Decoded:
    plain = _in_lines(body)
    if plain is not None:
        return Decoded((plain,))
    try:
        return Decoded((pybase64.b64decode(without(body, b"\r\n"), validate=True),))
    except binascii.Error:
        return _odd_base64(body)


def _in_lines(body: bytes) -> bytes | None:
    """Base64 as programs write it, in lines of one length: the line ends need not be taken out. None for any other.

    A lenient decoder steps over what is none of the alphabet. Where each line end stands in its place, and as much came
    out as the rest spells, it was the line ends that it stepped over, and nothing else.
    """
    width = body.find(b"\r\n", 0, _LONGEST_LINE)
    step = width + 2
    lines = len(body) // step - 1  # the last one holds the padding
    if width <= 0 or width % 4 or lines < _LEAST_LINES:
        return None
    end = lines * step
    if body[width:end:step].count(b"\r") != lines or body[width + 1 : end : step].count(b"\n") != lines:
        return None
    pieces: list[bytes] = []
    try:
        for start in range(0, end, step * _LINES):
            stop = min(start + step * _LINES, end)
            piece = pybase64.b64decode(memoryview(body)[start:stop])
            if len(piece) != (stop - start) // step * width // 4 * 3:
                return None
            pieces.append(piece)
        pieces.append(pybase64.b64decode(body[end:].translate(None, b"\r\n"), validate=True))
    except binascii.Error:
        return None
    return b"".join(pieces)


def _odd_base64(body: bytes) -> Decoded:
    """Whatever is not base64 as the RFC writes it."""
    clean = without(body, _NOT_BASE64)
    dirty = len(body) - len(clean)
    clean = clean.rstrip(b"=")
    runs = clean.count(b"=") + 1
    found: list[bytes] = []
    if runs == 1:
        found.append(_quads(clean))
    elif runs <= _MOST_RUNS:
        found.append(b"".join(map(_quads, _PADDING.split(clean))))
    if runs > 1:
        found.append(_quads(clean[: clean.find(b"=")]))  # some stop at the first padding, some step over it
        found.append(_quads(clean.replace(b"=", b"")))
    if len(clean) % 4 == 1:
        found.append(body)  # no such base64 can be: some show the text as it is
    if dirty and (b"-" in body or b"_" in body):
        found.append(_quads(body.translate(_URL_SAFE).translate(None, _NOT_BASE64).replace(b"=", b"")))
    if dirty and without(body, _BASE64_OR_SPACE):
        found.append(body)  # text before, behind or instead of the base64 is shown as it is by some
    elif dirty and b" " in body.strip():
        found.append(body)
    return Decoded(distinct(found), runs <= _MOST_RUNS)


def _quads(clean: bytes) -> bytes:
    """Decode what holds the alphabet only, without padding; a last lone character carries nothing."""
    if len(clean) % 4 == 1:
        clean = clean[:-1]
    return pybase64.b64decode(clean + b"=" * (-len(clean) % 4), validate=True)


def _quoted_printable(body: bytes) -> list[bytes]:
    """Decoded; blanks behind a soft break are dropped by some, and to others it is none."""
    if b"=" not in body:
        return [body]
    decoded = [from_quoted_printable(body)]
    if (holds(body, b"= ") or holds(body, b"=\t")) and _LATE_SOFT_BREAK.search(body):
        decoded.insert(0, from_quoted_printable(_LATE_SOFT_BREAK.sub(rb"=\1", body)))
    return decoded


def distinct(found: list[bytes]) -> tuple[bytes, ...]:
    """Each once, in order."""
    return tuple(found) if len(found) < 2 else Once(found).all()
