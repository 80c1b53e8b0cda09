"""A whole message: what is read here, and what has to be read by a child process."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from policy.extraction.borrowed import borrowing
from policy.extraction.collected import MOST_PICTURES, File, Picture
from policy.extraction.extract import LIGHT, Outcome, extract_body, file_of, is_body, read_whole
from policy.extraction.kind import Format, kind_of
from policy.extraction.passwords import likely_passwords
from policy.extraction.text.neighbours import joined_texts
from policy.extraction.text.tagged import reads_as_page
from policy.extraction.wrappings import holds_wrapping
from policy.message import Message
from policy.reader.limits import DEFAULT_LIMITS, Limits
from policy.reader.mime import Leaf, read_mime
from rules.content import Content, FileFact, Part

_LIGHT_PAGE: Final = 192 * 1024  # bytes of HTML read here: a page takes long
_PAGES: Final = frozenset({Format.HTML, Format.XML, Format.SVG})


@dataclass(frozen=True, slots=True)
class Prepared:
    """A message as far as it is read: `pieces` in reading order, Files still to be read."""

    size: int
    headers: tuple[tuple[str, str], ...] = field(repr=False)
    pieces: tuple[Content | File, ...] = field(repr=False)
    pictures: tuple[Picture, ...] = ()  # those that stand in the message itself, where they were asked for

    def waiting(self) -> list[File]:
        """The files to be read elsewhere."""
        return [piece for piece in self.pieces if isinstance(piece, File)]

    def words(self) -> tuple[str, ...]:
        """What may be the password of a file in it: words of its subject and texts."""
        texts = (part for piece in self.pieces if isinstance(piece, Content) for part in piece.parts)
        return likely_passwords(part.text for part in texts)

    def complete(self, read: Iterable[Content]) -> Message:
        """The message, with what was read of the `waiting` files, in their order."""
        others = iter(read)
        contents = [_of(piece, next(others)) if isinstance(piece, File) else piece for piece in self.pieces]
        parts: dict[Part, None] = {}
        for content in contents:
            parts.update(dict.fromkeys(content.parts))
        files = dict.fromkeys(fact for content in contents for fact in content.files)
        return Message(self.size, self.headers, Content(tuple(parts), tuple(files)))


def _of(file: File, content: Content) -> Content:
    """A long page that is the message's own text is no attachment."""
    if not file.is_body:
        return content
    told = (fact for fact in content.files if fact.place != file.place or fact.unreadable or fact.encrypted)
    return Content(content.parts, tuple(told))


def prepare(raw: bytes, limits: Limits = DEFAULT_LIMITS, *, pictures: bool = False) -> Prepared:
    """Take a message apart and read all of it that needs no native library."""
    reading = read_mime(raw, limits)
    pieces: list[Content | File] = []
    bodies: list[Content] = []
    kept: list[Picture] = []
    subject: list[Part] = []  # above the text, in most programs
    for item in (*reading.items, *borrowing(reading.items)):
        if isinstance(item, Part):
            pieces.append(Content((item,)))
            if item.place == "subject" and not subject:
                subject.append(item)
        elif isinstance(item, FileFact):
            pieces.append(Content((), (item,)))
        else:
            piece = _leaf(item, limits, pictures)
            if isinstance(piece, Outcome):
                kept += piece.pictures
                piece = piece.content
            elif isinstance(piece, Content):
                bodies.append(piece)
            pieces.append(piece)
    shown = (*subject, *(piece.parts[0] for piece in bodies if piece.parts))
    pieces += [Content((part,)) for part in joined_texts(shown)]
    return Prepared(len(raw), reading.headers, tuple(pieces), tuple(kept[:MOST_PICTURES]))


def read_message(raw: bytes, limits: Limits = DEFAULT_LIMITS, passwords: Sequence[str] = ()) -> Message:
    """A whole message in this process: for mails one wrote oneself, such as those of a policy's tests."""
    return read_message_with(raw, lambda file, tried: extract_file(file, limits, tried), limits, passwords)


def read_message_with(
    raw: bytes,
    read: Callable[[File, tuple[str, ...]], Content],
    limits: Limits = DEFAULT_LIMITS,
    passwords: Sequence[str] = (),
) -> Message:
    """A whole message; `read` reads what needs a native library, with these passwords to be tried."""
    prepared = prepare(raw, limits)
    waiting = prepared.waiting()
    tried = (*passwords, *prepared.words()) if waiting else ()
    return prepared.complete(read(file, tried) for file in waiting)


def extract_file(file: File, limits: Limits = DEFAULT_LIMITS, passwords: tuple[str, ...] = ()) -> Content:
    """`extract` for a file as it stands in a message."""
    return read_whole(file, limits, passwords).content


def _leaf(leaf: Leaf, limits: Limits, pictures: bool) -> Content | Outcome | File:
    kind = kind_of(leaf.data)
    if len(leaf.data) > _LIGHT_PAGE and (
        not _PAGES.isdisjoint(kind.formats) or reads_as_page(leaf.media_type, leaf.data)
    ):
        return file_of(leaf)
    if is_body(leaf, kind):
        if holds_wrapping(kind, leaf.data):
            return replace(file_of(leaf), is_body=True)
        return extract_body(leaf, kind, limits)
    if LIGHT.issuperset(kind.formats):
        return read_whole(file_of(leaf), limits, pictures=pictures, kind=kind)
    return file_of(leaf)
