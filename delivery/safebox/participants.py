"""Who takes part in a SafeBox, as the portal and the couriers see them."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from delivery.languages import Language
from delivery.safebox import choices
from delivery.safebox.choices import Replies, SecondFactor
from delivery.safebox.profile import Profile
from delivery.store.boxes import BoxState, GuestState, Role


class Way(StrEnum):
    """How somebody proved who they are."""

    CODE = "code"
    SMS = "sms"
    VOICE = "voice"
    QUESTION = "question"
    ACCOUNT = "account"
    PASSKEY = "passkey"
    COMMAND = "command"  # an admin at the command line
    LINK = "link"  # not at all: they hold the link, as mail scanners do


@dataclass(frozen=True, slots=True)
class Access:
    """Who acts, and from where, for the audit event. `network` is the client's address, `agent` its User-Agent.

    `session` names the sign-in, so that those of a shared mailbox can be told apart; `strong`: by passkey, or with a
    second factor. `language` is that of the page they acted on: what they asked for comes in it.
    """

    way: Way
    network: str = field(default="", repr=False)
    agent: str = field(default="", repr=False)
    account_id: str | None = None
    session: str = ""
    strong: bool = False
    language: Language | None = None


@dataclass(frozen=True, slots=True)
class Person:
    """One participant as others in the box may see them."""

    id: str
    name: str = field(repr=False)  # empty when none is known
    address: str = field(repr=False)
    role: Role
    state: GuestState
    is_reader: bool = False  # the one who looks


@dataclass(frozen=True, slots=True)
class Invitation:
    """What a link or a reference tells: no more than the notice told, and nothing of the content."""

    participant_id: str
    box_id: str
    namespace: str
    sender_name: str = field(repr=False)  # the address where no name is known
    sender_address: str = field(repr=False)
    organisation: str
    guest_address: str = field(repr=False)
    guest_name: str = field(repr=False)
    reference: str = field(repr=False)  # 7KQ4-XN2M-9TPD
    sent_at: datetime
    closes_at: datetime  # answers until
    closed_at: datetime | None  # when it was closed in fact
    deletes_at: datetime | None  # readable until; None: kept
    deleted_at: datetime | None
    recalled_at: datetime | None
    state: BoxState  # as time has it now
    guest_state: GuestState
    locked: bool  # nothing that could be guessed opens it, until the owner or an account unlocks
    needs_account: bool  # the profile says: no code alone
    by_fallback: bool  # made because a partner could not be reached with proof
    released: bool  # by_fallback: the owner let a mailed code suffice
    account_made_before: bool  # an account of this address is older than the box
    document_count: int
    subject: str | None = field(repr=False)  # only where the profile shows it in the notice too
    profile: Profile = field(repr=False)
    recall_reason: str = field(default="", repr=False)  # what the owner wants guests to read
    phone: str = field(default="", repr=False)  # E.164; one that the sender, a directory, or the owner stands for
    phone_waits: bool = False  # the guest told one, and the owner has not confirmed it
    question: str = field(default="", repr=False)  # set by the sender
    declined_by_link: bool = False  # declined by somebody who only held the link: who proves to be the guest may reopen
    role: Role = Role.GUEST
    removed: bool = False  # takes part no more
    consent_wanted: bool = False  # the profile's text is not accepted yet: nothing of the content is shown before

    @property
    def declined(self) -> bool:
        """The guest said that it was not meant for them: closed for this address."""
        return self.guest_state is GuestState.DECLINED

    @property
    def reopens(self) -> bool:
        """Declined, and open again for whoever proves to be the guest."""
        standing = self.state in (BoxState.OPEN, BoxState.CLOSED) and not self.removed
        return self.declined and self.declined_by_link and standing

    @property
    def readable(self) -> bool:
        """Open or closed, and still for this one: whoever proves to be the guest may read it."""
        standing = self.state in (BoxState.OPEN, BoxState.CLOSED)
        return standing and not self.declined and not self.removed

    @property
    def shown(self) -> bool:
        """Readable, and what has to be accepted before reading is."""
        return self.readable and not self.consent_wanted

    @property
    def answerable(self) -> bool:
        """Still open, and the profile takes answers of this one."""
        takes = self.role is not Role.GUEST or self.profile.participants.replies is not Replies.NONE
        return self.state is BoxState.OPEN and self.shown and takes

    @property
    def asks(self) -> bool:
        """Whether the sender may be asked to open it, or to send it, again."""
        over = self.state in (BoxState.CLOSED, BoxState.DELETED)
        return over and not self.declined and not self.removed

    @property
    def reopenable(self) -> bool:
        """Closed, and the sender may open it again."""
        return self.state is BoxState.CLOSED and self.profile.life.reopening

    @property
    def takes_account(self) -> bool:
        """An account of the guest's address may open it, if it is old enough (`account_allowed`)."""
        return bool({choices.Way.ACCOUNT, choices.Way.PASSKEY} & set(self.profile.signin.ways))

    def opened_by(self, way: Way, *, strong: bool = False) -> bool:
        """Whether this way of proving who they are is enough. `strong`: by passkey, or with a second factor.

        A code mailed to the guest never opens a box made by fallback that was not released: the path of the mail is the
        one that could not be proven. An account made then and there by such a code proves no more.
        """
        signin = self.profile.signin
        match way:
            case Way.LINK:
                return False
            case Way.COMMAND:
                return self.readable
            case Way.ACCOUNT | Way.PASSKEY:
                listed = choices.Way.ACCOUNT in signin.ways or (way is Way.PASSKEY and self.takes_account)
                enough = strong or signin.second_factor is not SecondFactor.REQUIRED
                return listed and enough and self.account_allowed
            case _:
                listed = choices.Way(way.value) in signin.ways and not self.needs_account
                return listed and self.readable and (way is not Way.CODE or self._mail_proves)

    def proves(self, way: Way) -> bool:
        """Whether a code, or an answer, of this way helps: it opens the box, leads to an account that does, or opens it
        again after it was declined by who only held the link.
        """
        standing = self.readable or self.reopens
        ways = self.profile.signin.ways
        match way:
            case Way.CODE:
                return standing and self._mail_proves and (choices.Way.CODE in ways or self.takes_account)
            case Way.SMS | Way.VOICE:
                return standing and bool(self.phone) and choices.Way(way.value) in ways
            case Way.QUESTION:
                return standing and bool(self.question) and choices.Way.QUESTION in ways
            case _:
                return False

    @property
    def registration_allowed(self) -> bool:
        """A new account, proven by a mailed code, may open it."""
        return self.readable and self._mail_proves

    @property
    def takes_codes(self) -> bool:
        """A mailed code helps: it opens the box, or proves the address for an account or a second thought that does."""
        return self.proves(Way.CODE)

    @property
    def takes_mailbox(self) -> bool:
        """It helps to show, by a mailed code that opens nothing, who reads the guest's mail: answers, or codes to a
        telephone, open it, and others may have used up the tries.
        """
        return any(map(self.proves, (Way.SMS, Way.VOICE, Way.QUESTION)))

    @property
    def wants_phone(self) -> bool:
        """A telephone would open it, and none is known: the guest may tell one, which the owner confirms."""
        by_phone = {choices.Way.SMS, choices.Way.VOICE} & set(self.profile.signin.ways)
        return self.readable and bool(by_phone) and not self.phone

    @property
    def account_allowed(self) -> bool:
        """The account that the address has may open it. For a box made by fallback it must be older than the box."""
        return self.readable and (self._mail_proves or self.account_made_before)

    @property
    def _mail_proves(self) -> bool:
        return not self.by_fallback or self.released
