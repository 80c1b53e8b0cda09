"""What the templates of the senders' own site are filled with."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from delivery.safebox.auditrecord import AuditRecord
from delivery.safebox.lifecycle import Act
from delivery.safebox.listing import ListedBox
from delivery.safebox.recalling import Fate
from delivery.safebox.summaries import BoxStory
from delivery.store.box_lists import BoxFilter
from delivery.store.boxes import Role
from portal.owner.settings import Choice
from portal.web.letters import ShownMessage
from portal.web.times import Clock
from portal.web.uploads import FilesField


@dataclass(frozen=True, slots=True)
class SigninPage:
    """Where the address is typed. `box`: where to go on to."""

    title: str
    box: str = ""
    email: str = field(default="", repr=False)
    error: str = ""


@dataclass(frozen=True, slots=True)
class CodePage:
    """Where the code is typed in. `sent_at` None: there is none that still counts. `is_long`: it has letters too."""

    title: str
    address: str = field(repr=False)
    digits: int  # or characters
    minutes: int
    sent_at: datetime | None
    expires_at: datetime | None
    box: str = ""
    error: str = ""
    advice: str = ""
    is_long: bool = False


@dataclass(frozen=True, slots=True)
class SignedOutPage:
    """The sign-in has ended while somebody wrote: what they wrote, and where they sign in again."""

    title: str
    again: str
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class LeftPage:
    """Says that the sender is signed out."""

    title: str


@dataclass(frozen=True, slots=True)
class ShownBox:
    """One line of the list, and what is new in it."""

    listed: ListedBox
    news: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ListPage:
    """One page of somebody's boxes; `first` and `last` count from 1."""

    title: str
    address: str = field(repr=False)
    boxes: tuple[ShownBox, ...]
    counts: Mapping[BoxFilter, int]
    shown: BoxFilter
    number: int
    first: int
    last: int
    total: int


@dataclass(frozen=True, slots=True)
class Told:
    """One line of what is known of somebody: `tone` is ok, warn, bad or empty; `icon` stands beside the words."""

    tone: str
    icon: str
    sentence: str


@dataclass(frozen=True, slots=True)
class ProofForm:
    """How a guest may prove themselves beside mail, as the profile lets them, and as the owner may set it."""

    takes_phone: bool
    takes_question: bool
    phone: str = field(repr=False)  # that codes go to
    question: str = field(repr=False)
    longest: int  # characters of question and answer
    is_open: bool = False  # after a refusal


@dataclass(frozen=True, slots=True)
class Note:
    """What the page says at its top, or at the form that was sent, and what was typed into it."""

    done: str = ""
    error: str = ""
    write_error: str = ""
    text: str = field(default="", repr=False)
    to: str = ""
    typed: Mapping[str, str] = field(default_factory=dict, repr=False)


NO_NOTE: Final = Note()


@dataclass(frozen=True, slots=True)
class ShownPerson:
    """Somebody who takes part, what they did, and what can be done for them."""

    id: str
    name: str = field(repr=False)
    address: str = field(repr=False)
    role: Role
    told: tuple[Told, ...]
    log: tuple[tuple[datetime, str], ...]
    acts: frozenset[str]  # names in people.py
    sees: bool  # a guest, whose view can be seen
    phone: str = field(default="", repr=False)  # told by the guest, waiting for the owner's word
    proves: ProofForm | None = None


@dataclass(frozen=True, slots=True)
class WriteForm:
    """The form of a further message, with what was written before an error. `choices`: guests it can be for alone, by
    id; empty where there is nothing to choose. `reaches`: everybody, or the sender's side alone.
    """

    files: FilesField
    most_text: int
    choices: tuple[tuple[str, str], ...] = field(repr=False)
    reaches_guests: bool
    guests_see_each_other: bool
    note: Note


@dataclass(frozen=True, slots=True)
class BoxPage:
    """One box, as those see it who keep it. `note`: what was just done, or why not."""

    title: str
    record: BoxStory
    subject: str = field(repr=False)
    here: str
    role: Role  # of the one who looks
    messages: tuple[ShownMessage, ...]
    people: tuple[ShownPerson, ...]
    acts: frozenset[Act]
    words: tuple[str, ...]
    settings: tuple[Choice, ...]  # that can be changed, now and by this one
    write: WriteForm | None
    earliest: str  # days as a date field has them
    latest: str
    latest_told: str  # in words
    proposed: str
    takes_back: bool  # documents can be taken back one by one
    has_record: bool
    note: Note
    news: tuple[str, ...]  # since the one who looks last did
    new: frozenset[str]  # messages that came since then
    documents: int  # those that the zip of all holds
    document_bytes: int
    original: str  # where the whole mail is saved from; empty: there is none

    @property
    def has_acts(self) -> bool:
        """Something can be done with the box as a whole."""
        return bool(self.settings or self.acts & {Act.EXTEND, Act.REOPEN, Act.CLOSE, Act.RECALL, Act.DELETE})


@dataclass(frozen=True, slots=True)
class RecallPage:
    """Asked once more, with what it can and cannot take back. `what`: box, guest or document."""

    title: str
    here: str
    subject: str = field(repr=False)
    what: str
    name: str = field(default="", repr=False)
    guest: str = ""
    document: str = ""
    fates: tuple[Fate, ...] = ()
    reason: str = field(default="", repr=False)
    most: int = 0
    error: str = ""


@dataclass(frozen=True, slots=True)
class RecalledPage:
    """What it could and could not take back."""

    title: str
    here: str
    fates: tuple[Fate, ...]


@dataclass(frozen=True, slots=True)
class DeletePage:
    """Asks whether the box is really to be deleted."""

    title: str
    here: str
    subject: str = field(repr=False)
    documents: int
    error: str = ""


@dataclass(frozen=True, slots=True)
class RecordPage:
    """The audit record."""

    title: str
    here: str
    record: AuditRecord
    box_clock: Clock  # of the box's own zone
