"""Where messages lie: single files, folders of them, maildirs, mailbox files."""

import mmap
import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_HEAD: Final = 4096  # bytes looked at to tell a message from another file
_FIELD: Final = re.compile(rb"(?:\xef\xbb\xbf)?\s*(?:>?From [^\n]*\n)?[A-Za-z][!-9;-~]{0,76}[ \t]*:")
_KNOWN: Final = re.compile(
    rb"^(?:from|to|cc|bcc|date|subject|received|return-path|delivered-to|message-id|mime-version|content-type)[ \t]*:",
    re.IGNORECASE | re.MULTILINE,
)
# RFC 4155, and what Thunderbird, Eudora and others write: an address or none, then a date with a time.
_BEGINS: Final = re.compile(
    rb"From [^\r\n]{0,300}?(?:[0-9]{1,2}:[0-9]{2}[^\r\n]*[0-9]{4}|[0-9]{4}[^\r\n]*[0-9]{1,2}:[0-9]{2})"
)
_QUOTED: Final = re.compile(rb"^>(?=>*From )", re.MULTILINE)
_ENVELOPE: Final = re.compile(rb"From ([^\s@]+@[^\s@]+)\s")
_NO_MAIL: Final = re.compile(r"dovecot.*|maildir.*|subscriptions|courier.*|\..*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Source:
    """One message: a file, or a piece of one. `name` is how it is told of."""

    name: str
    path: str
    start: int = 0
    end: int | None = None  # None: to the end of the file


@dataclass(frozen=True, slots=True)
class Skipped:
    """A file that holds no message, and why it is thought so."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class Taken:
    """A message's bytes with CRLF, the sender that a mailbox's own line names, and when its file was written."""

    raw: bytes
    sender: str | None
    written: float  # seconds since 1970


def sources_in(root: Path) -> Iterator[Source | Skipped]:
    """Every message under a folder, or in one file; in the order of names. OSError where `root` cannot be read."""
    if not root.is_dir():
        with root.open("rb"):
            pass
        yield from _in_file(root, root.name)
        return
    os.listdir(root)  # noqa: PTH208 - raises where the folder may not be read; os.walk would say nothing
    broken: list[OSError] = []
    for folder, folders, files in os.walk(root, onerror=broken.append):
        here = Path(folder)
        is_maildir = "cur" in folders or "new" in folders
        folders[:] = sorted(name for name in folders if not (is_maildir and name == "tmp"))  # tmp: not yet delivered
        for name in sorted(files):
            path = here / name
            shown = str(path.relative_to(root))
            if _NO_MAIL.fullmatch(name) and here.name not in ("cur", "new"):
                yield Skipped(shown, "an index, or a hidden file")
            else:
                yield from _in_file(path, shown)
        for error in broken:
            yield Skipped(str(error.filename), error.strerror or "cannot be read")
        broken.clear()


def _in_file(path: Path, shown: str) -> Iterator[Source | Skipped]:
    try:
        about = path.stat()
        if not stat.S_ISREG(about.st_mode):
            yield Skipped(shown, "no regular file")
            return
        if not about.st_size:
            yield Skipped(shown, "is empty")
            return
        with path.open("rb") as file:
            head = file.read(_HEAD)
            if _BEGINS.match(head):
                with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
                    starts = list(_starts(data))
                ends = [*starts[1:], about.st_size]
                for number, (start, end) in enumerate(zip(starts, ends, strict=True), 1):
                    yield Source(f"{shown}#{number}" if len(starts) > 1 else shown, str(path), start, end)
                return
    except OSError as error:
        yield Skipped(shown, error.strerror or "cannot be read")
        return
    if path.suffix.lower() == ".eml" or (_FIELD.match(head) and _KNOWN.search(head)):
        yield Source(shown, str(path))
    else:
        yield Skipped(shown, "does not begin as a message does")


def _starts(data: mmap.mmap) -> Iterator[int]:
    """Where messages begin: a line From behind an empty line."""
    place = 0
    while place >= 0:
        line = data[place : place + 400].split(b"\n", 1)[0]
        if _BEGINS.match(line) and (place == 0 or data[max(0, place - 3) : place].endswith((b"\n\n", b"\n\r\n"))):
            yield place
        found = data.find(b"\nFrom ", place)
        place = found + 1 if found >= 0 else -1


def take(source: Source) -> Taken:
    """Read one. Raises OSError."""
    with open(source.path, "rb") as file:  # noqa: PTH123 - a text travels lighter between processes than a Path
        written = os.fstat(file.fileno()).st_mtime
        file.seek(source.start)
        raw = file.read() if source.end is None else file.read(source.end - source.start)
    sender = None
    if source.end is not None:
        line, _, raw = raw.partition(b"\n")
        named = _ENVELOPE.match(line + b" ")
        sender = named[1].decode("ascii", "replace") if named else None
        raw = _QUOTED.sub(b"", raw)
    return Taken(raw if b"\r\n" in raw else raw.replace(b"\n", b"\r\n"), sender, written)
