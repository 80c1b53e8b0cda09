"""Who takes part in a SafeBox, as the portal and the couriers see them."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from delivery.safebox import choices
from delivery.safebox.choices import Replies
from delivery.safebox.profile import Profile
from delivery.store.boxes import BoxState, GuestState, Role


class Way(StrEnum):
    """How somebody proved who they are."""

    CODE = "code"
    ACCOUNT = "account"
    COMMAND = "command"  # an admin at the command line
    LINK = "link"  # not at all: they hold the link, as mail scanners do


@dataclass(frozen=True, slots=True)
class Access:
    """Who acts, from where: goes into the audit event. `network` is the client's address, `agent` its User-Agent."""

    way: Way
    network: str = field(default="", repr=False)
    agent: str = field(default="", repr=False)
    account_id: str | None = None


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
    locked: bool  # until the owner or an account unlocks
    needs_account: bool  # the profile says: no code alone
    by_fallback: bool  # made because a partner could not be reached with proof
    released: bool  # by_fallback: the owner let a mailed code suffice
    account_made_before: bool  # an account of this address is older than the box
    document_count: int
    subject: str | None = field(repr=False)  # only where the profile shows it in the notice too
    profile: Profile = field(repr=False)
    recall_reason: str = field(default="", repr=False)  # what the owner wants guests to read
    declined_by_link: bool = False  # declined by somebody who only held the link: who proves to be the guest may reopen

    @property
    def declined(self) -> bool:
        """The guest said that it was not meant for them: closed for this address."""
        return self.guest_state is GuestState.DECLINED

    @property
    def reopens(self) -> bool:
        """Declined, and open again for whoever proves to be the guest."""
        standing = self.state in (BoxState.OPEN, BoxState.CLOSED)
        return self.declined and self.declined_by_link and standing

    @property
    def readable(self) -> bool:
        """Open or closed, and not declined: whoever proves to be the guest may read it."""
        return self.state in (BoxState.OPEN, BoxState.CLOSED) and not self.declined

    @property
    def answerable(self) -> bool:
        """Still open, and the profile takes answers."""
        return (
            self.state is BoxState.OPEN and not self.declined and self.profile.participants.replies is not Replies.NONE
        )

    @property
    def code_allowed(self) -> bool:
        """A code mailed to the guest may open it. Never for a box made by fallback that was not released: the path of
        the mail is the one that could not be proven. An account made then and there by such a code proves no more.
        """
        by_code = choices.Way.CODE in self.profile.signin.ways
        return self.readable and by_code and not self.needs_account and (not self.by_fallback or self.released)

    @property
    def registration_allowed(self) -> bool:
        """A new account, proven by a mailed code, may open it."""
        return self.readable and (not self.by_fallback or self.released)

    @property
    def takes_codes(self) -> bool:
        """A mailed code helps: it opens the box, or proves the address for an account or a second thought that does."""
        return self.registration_allowed or (self.reopens and (not self.by_fallback or self.released))

    @property
    def account_allowed(self) -> bool:
        """The account that the address has may open it. For a box made by fallback it must be older than the box."""
        return self.readable and (not self.by_fallback or self.released or self.account_made_before)
