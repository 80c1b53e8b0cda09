"""What the templates of the senders' own site are filled with."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from delivery.safebox.boxrecord import AuditRecord
from delivery.safebox.lifecycle import Act
from delivery.safebox.listing import ListedBox
from delivery.safebox.recalling import Fate
from delivery.safebox.records import BoxRecord
from delivery.store.box_lists import Shown
from delivery.store.boxes import Role
from portal.web.letters import ShownMessage
from portal.web.times import Clock


@dataclass(frozen=True, slots=True)
class SigninPage:
    """Where the address is typed. `box`: where to go on to."""

    title: str
    box: str = ""
    email: str = field(default="", repr=False)
    error: str = ""


@dataclass(frozen=True, slots=True)
class CodePage:
    """Where the code is typed in. `sent_at` None: there is none that still counts."""

    title: str
    address: str = field(repr=False)
    digits: int
    minutes: int
    sent_at: datetime | None
    expires_at: datetime | None
    box: str = ""
    error: str = ""
    advice: str = ""


@dataclass(frozen=True, slots=True)
class LockedPage:
    """No more codes for this address before `until`. `command`: what an administrator types to lift it."""

    title: str
    address: str = field(repr=False)
    until: datetime
    command: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class LeftPage:
    """Signed out."""

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
    counts: Mapping[Shown, int]
    shown: Shown
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


@dataclass(frozen=True, slots=True)
class WriteForm:
    """The form of a further message, with what was written before an error."""

    most_documents: int
    document_bytes: int
    total_bytes: int
    most_text: int
    text: str = field(default="", repr=False)
    error: str = ""


@dataclass(frozen=True, slots=True)
class BoxPage:
    """One box, as those see it who keep it."""

    title: str
    record: BoxRecord
    subject: str = field(repr=False)
    here: str
    role: Role  # of the one who looks
    messages: tuple[ShownMessage, ...]
    people: tuple[ShownPerson, ...]
    acts: frozenset[Act]
    words: tuple[str, ...]
    write: WriteForm | None
    earliest: str  # days as a date field has them
    latest: str
    proposed: str
    takes_back: bool  # documents can be taken back one by one
    has_record: bool
    news: tuple[str, ...] = ()  # since the one who looks last did
    new: frozenset[str] = frozenset()  # messages that came since then
    done: str = ""  # a sentence of what was just done
    error: str = ""
    documents: int = 0  # those that the zip of all holds
    document_bytes: int = 0
    original: str = ""  # where the whole mail is saved from; empty: there is none

    @property
    def has_acts(self) -> bool:
        """Something can be done with the box as a whole."""
        return bool(self.acts & {Act.EXTEND, Act.REOPEN, Act.CLOSE, Act.RECALL, Act.DELETE})


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
    """Asked once more."""

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
