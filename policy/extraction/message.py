"""A whole message: what is read here, and what has to be read by a child process."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final

from policy.extraction.collected import File
from policy.extraction.extract import LIGHT, extract, extract_body, file_of, is_body, reads_as_page
from policy.extraction.kind import Format, kind_of
from policy.message import Message
from policy.reader.limits import DEFAULT_LIMITS, Limits
from policy.reader.mime import Leaf, read_mime
from rules.content import Content, FileFact, Part

_LIGHT_PAGE: Final = 1024 * 1024  # bytes of HTML read here
_PAGES: Final = frozenset({Format.HTML, Format.XML, Format.SVG})


@dataclass(frozen=True, slots=True)
class Prepared:
    """A message as far as it is read: `pieces` in reading order, Files still to be read."""

    size: int
    headers: tuple[tuple[str, str], ...] = field(repr=False)
    pieces: tuple[Content | File, ...] = field(repr=False)

    def waiting(self) -> list[File]:
        """The files to be read elsewhere."""
        return [piece for piece in self.pieces if isinstance(piece, File)]

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


def prepare(raw: bytes, limits: Limits = DEFAULT_LIMITS) -> Prepared:
    """Take a message apart and read all of it that needs no native library."""
    reading = read_mime(raw, limits)
    pieces: list[Content | File] = []
    for item in reading.items:
        if isinstance(item, Part):
            pieces.append(Content((item,)))
        elif isinstance(item, FileFact):
            pieces.append(Content((), (item,)))
        else:
            pieces.append(_leaf(item, limits))
    return Prepared(len(raw), reading.headers, tuple(pieces))


def read_message(raw: bytes, limits: Limits = DEFAULT_LIMITS) -> Message:
    """A whole message in this process: for mails one wrote oneself, such as those of a policy's tests."""
    return read_message_with(raw, lambda file: extract_file(file, limits), limits)


def read_message_with(raw: bytes, read: Callable[[File], Content], limits: Limits = DEFAULT_LIMITS) -> Message:
    """A whole message; `read` reads what needs a native library."""
    prepared = prepare(raw, limits)
    return prepared.complete(read(file) for file in prepared.waiting())


def extract_file(file: File, limits: Limits = DEFAULT_LIMITS) -> Content:
    """`extract` for a file as it stands in a message."""
    return extract(
        file.name,
        file.data,
        limits,
        file.depth,
        place=file.place,
        media_type=file.media_type,
        charset=file.charset,
    )


def _leaf(leaf: Leaf, limits: Limits) -> Content | File:
    kind = kind_of(leaf.data)
    if len(leaf.data) > _LIGHT_PAGE and (
        not _PAGES.isdisjoint(kind.formats) or reads_as_page(leaf.media_type, leaf.data)
    ):
        return file_of(leaf)
    if is_body(leaf, kind):
        return extract_body(leaf, kind, limits)
    if LIGHT.issuperset(kind.formats):
        return extract_file(file_of(leaf), limits)
    return file_of(leaf)
