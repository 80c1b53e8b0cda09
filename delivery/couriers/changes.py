"""What a rule changes in one recipient's copy: its subject, headers added, headers dropped; and no other byte."""

import re
from collections.abc import Iterator
from email.header import Header
from typing import Final

from delivery.lines import header_end
from policy.decision import Changes

_LINE: Final = 76  # characters before a fold, RFC 5322 2.1.1 recommends 78
_LONGEST: Final = 998  # octets of a line, RFC 5322 2.1.1
_FIELD_NAME: Final = re.compile(rb"([!-9;-~]+)[ \t]*:")  # RFC 5322 2.2; 4.5.8 lets blanks stand before the colon
_CONTROLS: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_TLS_REQUIRED: Final = re.compile(rb"(?im)^TLS-Required[ \t]*:[ \t]*([^\r\n]*)")
_NOT_IN_NAME: Final = re.compile(r"[^!-9;-~]")


def apply_changes(raw: bytes, changes: Changes) -> bytes:
    """`raw` with the changes made. Line ends are CRLF; what is not changed stays byte for byte.

    A new subject stands where the first one stood, and any further subject is dropped: some programs show the last one.
    Added headers go to the end of the header, below the trace lines. Nothing in a value can begin a line of its own.
    """
    if not changes:
        return raw
    dropped = {name.lower().encode("utf-8", "replace") for name in changes.drop_headers}
    subject = None if changes.subject is None else header_line("Subject", changes.subject)
    head, rest = _split(raw)
    kept: list[bytes] = []
    for field in _fields(head):
        name = _name(field)
        if name in dropped and not (name == b"subject" and changes.subject is not None):
            continue
        if name == b"subject" and changes.subject is not None:
            if subject is not None:
                kept.append(subject)
                subject = None
            continue
        kept.append(field)
    if kept and not kept[-1].endswith(b"\r\n"):  # a message that is nothing but a header, and cut
        kept.append(b"\r\n")
    kept += [subject] if subject is not None else []
    kept += [line for line in (header_line(name, value) for name, value in changes.add_headers) if line]
    return b"".join([*kept, rest])


def header_line(name: str, value: str) -> bytes:
    """A whole header field with its CRLF: folded, and in encoded words (RFC 2047) where ASCII does not do."""
    name = _NOT_IN_NAME.sub("", name)
    if not name:
        return b""
    value = _CONTROLS.sub(" ", value).strip()
    if value.isascii() and "=?" not in value:
        folded = _fold(f"{name}:", value)
        if all(len(line) <= _LONGEST for line in folded.split("\r\n")):
            return folded.encode("ascii") + b"\r\n"
    # A lone surrogate cannot be encoded: it becomes a question mark.
    plain = value.encode("utf-8", "replace").decode("utf-8")
    encoded = Header(plain, "utf-8", maxlinelen=_LINE, header_name=name).encode(linesep="\r\n")
    return f"{name}: {encoded}\r\n".encode("ascii")


def says_tls_not_required(raw: bytes) -> bool:
    """Does the header say, once and plainly, `TLS-Required: No` (RFC 8689 3)?"""
    said = _TLS_REQUIRED.findall(raw, 0, header_end(raw))
    return len(said) == 1 and said[0].strip().lower() == b"no"


def _split(raw: bytes) -> tuple[bytes, bytes]:
    at = header_end(raw)
    return raw[:at], raw[at:]


def _fields(head: bytes) -> Iterator[bytes]:
    """Each field with its continuation lines; a line that is no field is given as it is."""
    field: list[bytes] = []  # joined once: it may have as many lines as fit into a megabyte
    for line in re.split(rb"(?<=\r\n)", head):
        if field and line[:1] not in (b" ", b"\t"):
            yield b"".join(field)
            field = []
        field += [line] if line else []
    if field:
        yield b"".join(field)


def _name(field: bytes) -> bytes:
    found = _FIELD_NAME.match(field)
    return found[1].lower() if found else b""


def _fold(start: str, value: str) -> str:
    """Break before words only, so that no line is blank and unfolding gives the value again."""
    lines, line = [], start
    for word in re.findall(r" *[^ ]+", f" {value}"):
        if line != start and len(line) + len(word) > _LINE:
            lines.append(line)
            line = ""
        line += word
    return "\r\n".join([*lines, line])
