"""What extraction gathers, and the seam by which a format hands on the files it holds."""

import re
from dataclasses import dataclass, field
from typing import Final, Protocol

from policy.reader.limits import Budget
from rules.content import Content, FileFact, FileKind, Part

_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_LONGEST_NAME: Final = 1_000  # characters of a name that go into a place; the name itself is read whole


@dataclass(frozen=True, slots=True)
class File:
    """A file to be read: its name, its bytes, how a person reaches it, how many files it lies in."""

    name: str = field(repr=False)
    data: bytes = field(repr=False)
    place: str = field(repr=False)
    depth: int = 0
    media_type: str = ""
    charset: str = ""
    flowed: bool = False
    delsp: bool = False
    is_body: bool = False  # shown as the message's own text: no file to a person


class Inner(Protocol):
    """Reads a file found in another."""

    def __call__(self, file: File, into: "Collected") -> None:
        """Read it whole, with its own fact, into the same collection."""
        ...


@dataclass(slots=True)
class Collected:
    """Parts and facts as they are found; what lies over the budget becomes an unreadable fact, once."""

    budget: Budget
    parts: list[Part] = field(default_factory=list)
    files: list[FileFact] = field(default_factory=list)
    _seen: set[tuple[str, str]] = field(default_factory=set)

    def text(self, place: str, text: str) -> bool:
        """Add a text, once; False when there is no room for it."""
        if not text or text.isspace() or (place, text) in self._seen:
            return True
        if not self.budget.take_text(len(text)):
            return False
        clean = clean_text(text)
        self._seen.add((place, clean))
        self.parts.append(Part(clean_text(place), clean))
        return True

    def fact(self, file: File, kind: FileKind, *, reason: str = "", encrypted: bool = False) -> None:
        """Add what is known of a file; with a reason it is unreadable, unless it is encrypted."""
        self.files.append(
            FileFact(
                clean_text(file.name),
                kind,
                len(file.data),
                clean_text(file.place),
                file.depth,
                encrypted=encrypted,
                unreadable=bool(reason) and not encrypted,
                reason=reason,
            )
        )

    def content(self) -> Content:
        """All of it."""
        return Content(tuple(self.parts), tuple(self.files))


def clean_text(text: str) -> str:
    """Text that can be written as UTF-8: halves of surrogate pairs are joined, lone ones replaced."""
    if text.isascii() or not _SURROGATE.search(text):
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def inner_place(place: str, name: str) -> str:
    """The place of something inside another."""
    return f"{place} > {name[:_LONGEST_NAME]}" if place else name[:_LONGEST_NAME]
