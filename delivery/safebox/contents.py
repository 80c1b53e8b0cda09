"""What is in a SafeBox, opened for one who may read it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

from delivery.safebox.limits import AnswerLimits
from delivery.safebox.participants import Invitation, Person


@dataclass(frozen=True, slots=True)
class BoxDocument:
    """One document. `kind` is one of pdf, document, spreadsheet, presentation, picture, text, archive, mail, other."""

    id: str
    message_id: str  # of the box message it belongs to
    name: str = field(repr=False)
    type: str  # MIME type as declared, made safe: `application/octet-stream` when odd
    kind: str
    size: int  # bytes of plaintext
    content_id: str | None = field(default=None, repr=False)  # without brackets: a picture that the html shows in place
    downloaded_at: datetime | None = None  # when the one who looks last downloaded it
    recalled_at: datetime | None = None  # taken back: it can be had no more
    recall_reason: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class BoxMessage:
    """One message in the box: the original or an answer. `text` always says something; `html` is NOT sanitised yet."""

    id: str
    author: Person
    written_at: datetime
    subject: str = field(repr=False)
    text: str = field(repr=False)
    html: str | None = field(repr=False)
    documents: tuple[BoxDocument, ...]
    to: tuple[str, ...] = field(default=(), repr=False)  # header To as people read it
    cc: tuple[str, ...] = field(default=(), repr=False)
    only_for: Person | None = None  # the one guest who reads it beside the owner's side; None: whoever may
    is_original: bool = False
    is_cut: bool = False  # text or html was too long to show: the whole is among the documents
    is_unreadable: bool = False  # the mail could not be taken apart: it is the only document
    original_size: int | None = None  # of the whole mail, for "save as e-mail file"; None: there is none


@dataclass(frozen=True, slots=True)
class OpenBox:
    """A box, opened for one participant: the messages that this one may see, in the order written."""

    invitation: Invitation
    subject: str = field(repr=False)
    messages: tuple[BoxMessage, ...]
    people: tuple[Person, ...]  # those this participant may know of, the owner first
    reply_to: tuple[Person, ...]  # who would read an answer; empty: it takes none
    limits: AnswerLimits = field(default_factory=AnswerLimits)


@dataclass(frozen=True, slots=True)
class ListedInvitation:
    """One line of the list of everything sent to a guest. `subject` is empty once the box is deleted."""

    invitation: Invitation
    subject: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class DocumentReader:
    """A document opened piece by piece: nothing is decrypted before it is asked for.

    `read(start, stop)` gives the plaintext of that range in chunks; it blocks on disk, so web code drives it from a
    thread. Raises keys.sealing.SealBroken when the stored bytes were changed. Call `close` when done.
    """

    name: str = field(repr=False)
    type: str
    size: int
    read: Callable[[int, int], Iterator[bytes]] = field(repr=False)
    close: Callable[[], None] = field(repr=False)
