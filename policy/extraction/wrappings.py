"""Wrappings that anybody can open: signed and compressed S/MIME and PGP, and files written in a text."""

from collections.abc import Callable
from typing import Final, TypeAlias

from policy.extraction.collected import Collected, File, Inner, inner_place
from policy.extraction.kind import Format, Kind
from policy.reader.charsets import decode
from policy.reader.cms import unwrap_cms
from policy.reader.fields import begins_with_header
from policy.reader.openpgp import armoured, looks_pgp, unwrap_pgp
from policy.reader.telltales import Telltale, telltales
from policy.reader.turns import holds
from policy.reader.unwrapped import Unwrapped
from policy.reader.written import written_files
from rules.content import FileKind

# Reads a file as a message, whatever else it could be.
AsMessage: TypeAlias = Callable[[File, Kind, Collected], None]

_SHORT: Final = 1 << 15  # bytes
_PGP_MESSAGE: Final = b"-----BEGIN PGP MESSAGE"
_ENDINGS: Final = (".p7m", ".p7z", ".p7c", ".gpg", ".pgp", ".asc", ".sig")
_MESSAGE: Final = Kind(FileKind.MESSAGE, (Format.MESSAGE,), "signed message")
_TOO_DEEP: Final = "packed deeper than is read"


def read_cms(file: File, kind: Kind, into: Collected, inner: Inner, message: AsMessage) -> None:
    """S/MIME: signed and compressed data is read; enveloped data is told as encrypted."""
    found = unwrap_cms(file.data, _room(file, into))
    reason = "" if found.whole else "S/MIME that cannot be read"
    into.fact(
        file, kind.file, encrypted=found.is_encrypted, reason="S/MIME, encrypted" if found.is_encrypted else reason
    )
    _contents(file, found, into, inner, message)


def read_pgp(file: File, kind: Kind, into: Collected, inner: Inner, message: AsMessage) -> bool:
    """PGP, armoured or not: False where the file is none. What is signed or packed is read, the rest is encrypted."""
    messages = [file.data] if looks_pgp(file.data) else list(armoured(file.data))
    if not messages:
        return False
    room = _room(file, into)
    is_encrypted, whole = False, True
    for data in messages:
        found = unwrap_pgp(data, room)
        is_encrypted |= found.is_encrypted or not (found.contents or found.names)
        whole &= found.whole
        _contents(file, found, into, inner, message)
    reason = "an encrypted message" if is_encrypted else "" if whole else "a PGP message that cannot be read"
    into.fact(file, kind.file, encrypted=is_encrypted, reason=reason)
    return True


def read_written(file: File, kind: Kind, into: Collected, inner: Inner) -> None:
    """Files that stand in a text, uuencoded and the like."""
    whole = True
    for name, data in written_files(file.data):
        text = decode(name)
        into.text(file.place, text)
        whole &= data is not None
        if data:
            _read(file, text, data, into, inner)
    into.fact(file, kind.file, reason="" if whole else "a file in a text that cannot be read")


def _contents(file: File, found: Unwrapped, into: Collected, inner: Inner, message: AsMessage) -> None:
    names = [decode(name) for name in found.names]
    for name in names:
        into.text(file.place, name)
    for number, data in enumerate(found.contents):
        name = (names[number] if number < len(names) else "") or _without_ending(file.name)
        if begins_with_header(data):
            place = inner_place(file.place, name or "message")
            if into.budget.take_file() and file.depth < into.budget.limits.archive_depth:
                message(File(name, data, place, file.depth + 1), _MESSAGE, into)
            else:
                into.fact(file, FileKind.UNKNOWN, reason=_TOO_DEEP)
        elif data:
            _read(file, name, data, into, inner)


def _read(file: File, name: str, data: bytes, into: Collected, inner: Inner) -> None:
    if not into.budget.take_file() or not into.budget.take_bytes(len(data)):
        into.fact(file, FileKind.UNKNOWN, reason="holds more files than are read")
        return
    inner(File(name, data, inner_place(file.place, name or "content"), file.depth + 1), into)


def _room(file: File, into: Collected) -> int:
    limits = into.budget.limits
    return min(into.budget.room(), max(limits.ratio_floor, limits.ratio * len(file.data)))


def _without_ending(name: str) -> str:
    """The name of a signed file without what signing put behind it."""
    for ending in _ENDINGS:
        if name.lower().endswith(ending) and "." in name[: -len(ending)]:
            return name[: -len(ending)]
    return ""


def holds_wrapping(kind: Kind, data: bytes) -> bool:
    """Whether a text has something in it that is to be unwrapped."""
    if not {Format.PGP, Format.WRITTEN}.isdisjoint(kind.formats):
        return True
    if len(data) <= _SHORT:  # to ask the engine costs more
        return _PGP_MESSAGE in data
    return Telltale.ARMOUR in telltales(data) and holds(data, _PGP_MESSAGE)
