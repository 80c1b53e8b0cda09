"""Readers with bugs planted on purpose: each is one that the fuzzing has to find."""

import os
import signal
import zipfile
from io import BytesIO

from fuzz_seeds import Seed, packed

from rules.content import Content, FileFact, FileKind, Part

ITEMS = [Seed("planted/two.zip", packed({"letter.txt": b"Dear Nightingale 536-22-1234", "b.txt": b"second"}), False)]


def sound(seed: Seed, data: bytes) -> Content:
    """Reads a zip as the stdlib does, and says when it cannot. It has no bug that we planted."""
    try:
        with zipfile.ZipFile(BytesIO(data)) as archive:
            texts = [archive.read(info).decode("utf-8", "replace") for info in archive.infolist()]
    except Exception:  # noqa: BLE001 - the stdlib raises what it likes
        return _content((), unreadable=True)
    return _content(tuple(texts), unreadable=not texts)


def raises(seed: Seed, data: bytes) -> Content:
    """Believes the number of entries that the directory's end tells."""
    end = data.rfind(b"PK\x05\x06")
    if end >= 0 and len(data) > end + 12:
        said = int.from_bytes(data[end + 10 : end + 12], "little")
        entries = data.split(b"PK\x01\x02")[1:]
        for number in range(said):
            entries[number]  # the bug: there may be fewer
    return sound(seed, data)


def loses(seed: Seed, data: bytes) -> Content:
    """Takes a method that it does not know for an empty file."""
    content = sound(seed, data)
    return Content() if any(fact.unreadable for fact in content.files) else content


def hangs(seed: Seed, data: bytes) -> Content:
    """Looks for the next header from where a length of nothing leaves it."""
    place = data.find(b"PK\x03\x04")
    while place >= 0 and len(data) > place + 30:
        name = int.from_bytes(data[place + 26 : place + 28], "little")
        place = data.find(b"PK\x03\x04", place + (30 if name else 0))
    return sound(seed, data)


def grows(seed: Seed, data: bytes) -> Content:
    """Makes room for what the header says the file will be."""
    said = int.from_bytes(data[22:26], "little")
    bytearray(min(said, 1 << 33))
    return sound(seed, data)


def crashes(seed: Seed, data: bytes) -> Content:
    """Dies as native code does, on an offset outside of the file."""
    place = data.rfind(b"PK\x05\x06")
    if place >= 0 and int.from_bytes(data[place + 16 : place + 20], "little") > len(data):
        os.kill(os.getpid(), signal.SIGSEGV)
    return sound(seed, data)


def _content(texts: tuple[str, ...], *, unreadable: bool) -> Content:
    fact = FileFact("file", FileKind.ARCHIVE, 0, "file", unreadable=unreadable)
    return Content(tuple(Part("file", text) for text in texts), (fact,))
