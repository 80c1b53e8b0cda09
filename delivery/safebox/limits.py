"""How much one answer may bring, and of which kinds."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Self

from delivery.errors import DeliveryError
from delivery.safebox.kinds import NO_CONTAINERS, OLE, PLAIN, ZIP, Read, kind_by_name, kind_by_type, kind_of_file
from delivery.safebox.profile import Profile
from policy.extraction import kind as by_content
from rules.content import FileKind

DAILY_FACTOR: Final = 3  # what one guest may send in 24 hours, in all boxes, is so many times what one answer may bring
LONGEST_TEXT: Final = 100_000  # characters of one answer


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
    def daily_bytes(self) -> int:
        """Bytes that one guest may bring in 24 hours, in all boxes together."""
        return DAILY_FACTOR * self.total_bytes

    @classmethod
    def of(cls, profile: Profile) -> Self:
        """The limits that the box's profile sets."""
        settings = profile.uploads
        return cls(settings.files, settings.each, settings.together, kinds=settings.kinds)

    def check_name(self, name: str, content_type: str = "") -> None:
        """Raises AnswerRefused where the name, or the declared type, tells a kind that the box does not take."""
        self._check(kind_by_name(name), name)
        declared = kind_by_type(content_type)
        if declared is not None and not (declared in PLAIN and kind_by_name(name) in PLAIN):
            self._check(declared, name)

    def check_head(self, head: bytes, name: str) -> None:
        """Raises AnswerRefused where the first bytes show such a kind for sure; `name` has been checked."""
        if not self.kinds or not head:
            return
        if head.startswith((*ZIP, OLE)):  # which of them it is stands further on
            if kind_by_name(name) in NO_CONTAINERS:
                self._check(FileKind.ARCHIVE, name)
            return
        found = by_content.kind_of(head).file
        if found not in PLAIN:
            self._check(found, name)

    def check_whole(self, read: Read, size: int, name: str) -> None:
        """Raises AnswerRefused where the whole file shows such a kind. Blocks where `read` does, and raises what it
        raises.
        """
        if self.kinds and size:
            self._check(kind_of_file(read, size, name), name)

    def _check(self, found: FileKind, name: str) -> None:
        if self.kinds and found not in self.kinds:
            raise AnswerRefused(TooMuch.KIND, 0, name, self.kinds)
