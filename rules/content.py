"""Content: what a recipient's program would show of a message, in named parts."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final


class FileKind(StrEnum):
    """What a file is by its bytes, never by its name."""

    DOCUMENT = "document"
    SPREADSHEET = "spreadsheet"
    PRESENTATION = "presentation"
    PDF = "pdf"
    ARCHIVE = "archive"
    IMAGE = "image"
    TEXT = "text"
    HTML = "html"
    MESSAGE = "message"
    EXECUTABLE = "executable"
    UNKNOWN = "unknown"


_LONG: Final = 1 << 16  # characters or bytes: longer texts are hashed by samples
_SAMPLED: Final = 1 << 12  # of the beginning, of the end, and of what lies between


def in_short(data: str | bytes) -> object:
    """What to hash in place of `data`: a long text's size and samples, since hashing megabytes blocks all threads."""
    if len(data) <= _LONG:
        return data
    return len(data), data[:_SAMPLED], data[:: len(data) // _SAMPLED], data[-_SAMPLED:]


@dataclass(frozen=True, slots=True)
class Part:
    """One text of a message. `place` is a path a person can follow: `report.zip > notes.docx > header`.

    `marks` lead on from there, within the text: from a character on, in rising order, it stands in that finer place
    (`B7`, `page 3`, `line 12`). A text without marks is one whose lines a person can count.
    """

    place: str
    text: str = field(repr=False)
    marks: tuple[tuple[int, str], ...] = field(default=(), repr=False)

    def __hash__(self) -> int:
        """Leaves out the marks but for their number: a sheet has some hundred thousand."""
        return hash((self.place, in_short(self.text), len(self.marks)))


@dataclass(frozen=True, slots=True)
class FileFact:
    """What is known of one file, at any depth. `size` in bytes as unpacked; `depth` 0 is an attachment itself."""

    name: str = field(repr=False)
    kind: FileKind
    size: int
    place: str = field(repr=False)
    depth: int = 0
    encrypted: bool = False
    unreadable: bool = False
    reason: str = ""  # why it is unreadable: for admins, never content


@dataclass(frozen=True, slots=True)
class Content:
    """All that was read of one message; `parts` in reading order."""

    parts: tuple[Part, ...] = ()
    files: tuple[FileFact, ...] = ()
