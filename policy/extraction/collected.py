"""What extraction gathers, and the seam by which a format hands on the files it holds."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from policy.extraction.passwords import likely_passwords
from policy.extraction.text.spelling import numbers_spelled
from policy.reader.limits import Budget
from policy.reader.turns import has_halves
from rules.content import Content, FileFact, FileKind, Part

_LONGEST_NAME: Final = 1_000  # characters of a name that go into a place; the name itself is read whole
MOST_PICTURES: Final = 100  # of one attachment that are kept to be read elsewhere
PICTURE_BYTES: Final = 64 * 1024 * 1024  # of them together
_MOST_PASSWORDS: Final = 600


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


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture whose drawn text is still to be read, elsewhere."""

    name: str = field(repr=False)
    data: bytes = field(repr=False)
    place: str = field(repr=False)
    depth: int = 0


@dataclass(slots=True)
class Collected:
    """Parts and facts as they are found; what lies over the budget becomes an unreadable fact, once.

    `passwords` are to be tried on what is locked, the likeliest first (`to_try`, which sets `met_a_lock`); `pictures`
    are kept where `keeps_pictures`.
    """

    budget: Budget
    passwords: tuple[str, ...] = field(default=(), repr=False)
    keeps_pictures: bool = False
    met_a_lock: bool = False  # what was read depends on the passwords
    tries: int = 0  # of passwords, so far
    pictures: list[Picture] = field(default_factory=list)
    parts: list[Part] = field(default_factory=list)
    files: list[FileFact] = field(default_factory=list)
    _seen: set[Part] = field(default_factory=set)
    _picture_bytes: int = 0

    def text(self, place: str, text: str, marks: Sequence[tuple[int, str]] = (), *, source: bool = False) -> bool:
        """Add a text, once; False when there is no room for it. `marks` as those of a Part.

        Numbers that are spelled out in it are added, too, but for a `source`, which was looked through for them.
        """
        if not text or text.isspace() or Part(place, text) in self._seen:
            return True
        if not self.budget.take_text(len(text)):
            return False
        clean = clean_text(text)
        self._seen.add(Part(place, clean))
        if marks and len(clean) != len(text):
            marks = _moved(text, marks)
        self.parts.append(Part(clean_text(place), clean, tuple((offset, clean_text(mark)) for offset, mark in marks)))
        if not source:
            for number in numbers_spelled(clean):
                self.text(place, number, source=True)
        return True

    def picture(self, file: File) -> bool:
        """Keep a picture for whoever reads what is drawn in it; False when there is no room for it."""
        if not self.keeps_pictures:
            return True
        self._picture_bytes += len(file.data)
        if len(self.pictures) >= MOST_PICTURES or self._picture_bytes > PICTURE_BYTES:
            return False
        self.pictures.append(Picture(clean_text(file.name), file.data, clean_text(file.place), file.depth))
        return True

    def learn(self, texts: Iterable[str]) -> None:
        """Take words of a mail within for what is locked in it."""
        self.passwords = tuple(dict.fromkeys((*self.passwords, *likely_passwords(texts))))[:_MOST_PASSWORDS]

    def to_try(self) -> tuple[str, ...]:
        """The passwords, for one who has met a lock."""
        self.met_a_lock = True
        return self.passwords

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


def _moved(text: str, marks: Sequence[tuple[int, str]]) -> list[tuple[int, str]]:
    """Marks where they stand once pairs of surrogates have become one character each."""
    moved: list[tuple[int, str]] = []
    place = shorter = 0
    for offset, mark in marks:
        piece = text[place:offset]
        shorter += len(piece) - len(clean_text(piece))
        place = offset
        moved.append((offset - shorter, mark))
    return moved


def clean_text(text: str) -> str:
    """Text that can be written as UTF-8: halves of surrogate pairs are joined, lone ones replaced."""
    if not has_halves(text):
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def inner_place(place: str, name: str) -> str:
    """The place of something inside another."""
    return f"{place} > {name[:_LONGEST_NAME]}" if place else name[:_LONGEST_NAME]


def one_fact(file: File, kind: FileKind, into: Collected, before: int) -> None:
    """A file read as several formats has one fact, with the worst that was said of it."""
    own = [at for at in range(before, len(into.files)) if is_own(into.files[at], file)]
    if len(own) < 2:
        return
    facts = [into.files[at] for at in own]
    worst = next((fact for fact in facts if fact.encrypted), None) or next(
        (fact for fact in facts if fact.unreadable), facts[0]
    )
    behind = (fact.kind for fact in facts if worst.encrypted and not fact.encrypted)
    true = next(behind, kind)  # what a password opened tells what it is
    for at in reversed(own):
        del into.files[at]
    into.files.insert(
        own[0],
        FileFact(
            worst.name, true, worst.size, worst.place, worst.depth, worst.encrypted, worst.unreadable, worst.reason
        ),
    )


def is_own(fact: FileFact, file: File) -> bool:
    """Whether a fact tells of this very file."""
    return fact.place == file.place and fact.depth == file.depth
