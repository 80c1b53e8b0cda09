"""How much one answer may bring, and of which kinds."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Self

from delivery.errors import DeliveryError
from delivery.safebox.names import is_program, kind_of
from delivery.safebox.profile import Profile
from policy.extraction import kind as by_content
from rules.content import FileKind

A_DAY: Final = 3  # times what one answer may bring: of one guest in 24 hours, in all boxes
LONGEST_TEXT: Final = 100_000  # characters of one answer

_BY_NAME: Final = {"picture": FileKind.IMAGE, "mail": FileKind.MESSAGE, "other": FileKind.UNKNOWN}
# What first bytes do not tell for sure: all of it may be plain text of some kind.
_PLAIN: Final = frozenset({FileKind.TEXT, FileKind.HTML, FileKind.MESSAGE, FileKind.UNKNOWN})
# Containers: which of these a file is stands at its end, so its name decides, but for names that are no containers.
_CONTAINERS: Final = (b"PK\x03\x04", b"PK\x05\x06", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")
_NO_CONTAINERS: Final = frozenset({FileKind.PDF, FileKind.IMAGE, FileKind.TEXT, FileKind.HTML})


class TooMuch(StrEnum):
    """Which limit an upload passed."""

    DOCUMENTS = "documents"
    DOCUMENT_BYTES = "document_bytes"
    TOTAL_BYTES = "total_bytes"
    TEXT = "text"
    KIND = "kind"  # not one of those that the box takes
    UNSENT = "unsent"  # too much is under way and not sent yet, in all boxes together
    LENGTH = "length"  # more came than was announced
    DAY = "day"  # one guest sent as much in a day as is taken
    ROOM = "room"  # the disk has to stay free for mail


class AnswerRefused(DeliveryError):
    """A limit was passed: `limit` says which, `allowed` how much would have been fine, `name` which document."""

    def __init__(self, limit: TooMuch, allowed: int, name: str = "", kinds: tuple[FileKind, ...] = ()) -> None:
        super().__init__(f"over the limit: {limit}")
        self.limit = limit
        self.allowed = allowed
        self.name = name
        self.kinds = kinds


@dataclass(frozen=True, slots=True)
class AnswerLimits:
    """How much one answer may bring. `text` in characters, the others in bytes or pieces; no `kinds`: any."""

    documents: int = 20
    document_bytes: int = 250 * 10**6
    total_bytes: int = 1000 * 10**6
    text: int = LONGEST_TEXT
    kinds: tuple[FileKind, ...] = ()

    @property
    def a_day(self) -> int:
        """Bytes that one guest may bring in 24 hours, in all boxes together."""
        return A_DAY * self.total_bytes

    @classmethod
    def of(cls, profile: Profile) -> Self:
        """What the box's profile says."""
        settings = profile.uploads
        return cls(settings.files, settings.each, settings.together, kinds=settings.kinds)

    def check_name(self, name: str) -> None:
        """Raises AnswerRefused where the name tells a kind that the box does not take."""
        self._check(kind_by_name(name), name)

    def check_head(self, head: bytes, name: str) -> None:
        """Raises AnswerRefused where the first bytes show such a kind; `name` has been checked."""
        if not self.kinds or not head:
            return
        if head.startswith(_CONTAINERS):
            if kind_by_name(name) in _NO_CONTAINERS:
                self._check(FileKind.ARCHIVE, name)
            return
        found = by_content.kind_of(head).file
        if found not in _PLAIN:
            self._check(found, name)

    def _check(self, found: FileKind, name: str) -> None:
        if self.kinds and found not in self.kinds:
            raise AnswerRefused(TooMuch.KIND, 0, name, self.kinds)


def kind_by_name(name: str) -> FileKind:
    """What a file calls itself, by the ending of its name, in the words of the policy."""
    found = kind_of(name, "")
    if found == "text" and name.lower().endswith((".htm", ".html")):
        return FileKind.HTML
    if found == "other" and is_program(name):
        return FileKind.EXECUTABLE
    return _BY_NAME.get(found) or FileKind(found)
