"""What the templates of the guest's site are filled with."""

from dataclasses import dataclass, field
from enum import StrEnum

from delivery.safebox.contents import ListedInvitation, OpenBox
from delivery.safebox.participants import Invitation, Person
from portal.signin.offers import Offer
from portal.web.ends import End
from portal.web.letters import ShownMessage
from portal.web.uploads import FilesField


class Opens(StrEnum):
    """How an envelope may be opened by the one who looks at it."""

    REMEMBERED = "remembered"  # at once: this browser needs no code
    CODE = "code"  # one of the ways that are offered
    REGISTER = "register"  # a code, then an account
    ACCOUNT = "account"  # only with an account older than the box, or the sender's release
    PHONE = "phone"  # by telephone, and no number is known
    SENDER = "sender"  # the sender has something to do first
    LOCKED = "locked"


class Reopens(StrEnum):
    """How a declined message is opened after all."""

    CODE = "code"
    ACCOUNT = "account"
    NEVER = "never"  # the guest had proven who they are when they declined


@dataclass(frozen=True, slots=True)
class EnvelopePage:
    """The envelope: what the notice told, and one thing to do."""

    title: str
    invitation: Invitation
    here: str  # the path of the envelope
    opens: Opens
    offers: tuple[Offer, ...]
    mailbox: tuple[Offer, ...]  # where others locked it: to be known in this browser
    digits: int
    account_way: bool
    may_decline: bool


@dataclass(frozen=True, slots=True)
class EndPage:
    """The quiet envelope: it is over. `ask`: where to ask the sender, empty where that cannot be."""

    title: str
    invitation: Invitation
    end: End
    ask: str = ""
    reason: str = field(default="", repr=False)  # of a recall: for those who proved who they are
    here: str = ""  # the path of the envelope
    reopens: Reopens = Reopens.NEVER


@dataclass(frozen=True, slots=True)
class ConsentPage:
    """What is accepted before anything is shown."""

    title: str
    invitation: Invitation
    here: str  # the path of the letter
    version: str
    language: str
    paragraphs: tuple[str, ...]
    error: str = ""


@dataclass(frozen=True, slots=True)
class DeclinePage:
    """Asked once more before anything happens."""

    title: str
    here: str  # where "no" leads
    action: str
    masked: str
    sender_name: str = field(repr=False)
    for_good: bool  # the reader has proven who they are: nothing opens it again


@dataclass(frozen=True, slots=True)
class AnswerForm:
    """The form of the answer, with what was written before an error."""

    readers: tuple[Person, ...]
    files: FilesField
    most_text: int
    text: str = field(default="", repr=False)
    error: str = ""


@dataclass(frozen=True, slots=True)
class LetterPage:
    """The open box."""

    title: str
    box: OpenBox
    here: str
    messages: tuple[ShownMessage, ...]
    documents: int
    document_bytes: int
    original: str  # where the whole mail is saved from; empty: there is none
    answer: AnswerForm | None
    others: tuple[Person, ...]  # who is there beside the reader
    sent: bool  # an answer has just been sent
    error: str  # why an answer was not taken, where there is no form any more to say so
    kept: str = field(repr=False)  # and what was written
    is_account: bool
    may_have_account: bool
    words: tuple[str, ...] = ()  # what its settings mean for the reader
    may_ask: bool = False  # closed, and the sender may open it again
    asked: bool = False  # they have just been asked


@dataclass(frozen=True, slots=True)
class InboxPage:
    """The letters to one address."""

    title: str
    address: str = field(repr=False)
    letters: tuple[ListedInvitation, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class StartPage:
    """Where a reference is typed, or the link asked for again."""

    title: str
    error: str = ""
    reference: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class PlainPage:
    """A heading, a few lines, and perhaps one way on."""

    title: str
    heading: str
    lines: tuple[str, ...]
    link: str = ""
    link_text: str = ""


@dataclass(frozen=True, slots=True)
class ZonePage:
    """Which zone times are shown in."""

    title: str
    zones: tuple[tuple[str, str], ...]
    chosen: str
    back: str
    error: str = ""
