"""What the intake needs of those it works with. Each text names the real one; tests hand in their own."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from delivery.items import NewItem, NewMessage
from delivery.notices.notice import Notice
from delivery.store.audit import Event
from policy.engine import Policy
from policy.message import Message
from rules.content import Content
from rules.finding import Scanned

MailOfOurs = tuple[NewMessage, Sequence[NewItem]]


class Reads(Protocol):
    """gateway.extractors.Reader."""

    async def read(self, raw: bytes, passwords: Sequence[str] = ()) -> Message:
        """The message as rules see it; `passwords` are tried on locked files."""


class Scans(Protocol):
    """rules.matching.Matcher."""

    def scan(self, content: Content) -> Scanned:
        """What the detectors find, and the content with what they could not look at."""


class Rules(Protocol):
    """gateway.policies.InForce: a policy, and the matcher that looks for what it asks about."""

    @property
    def policy(self) -> Policy:
        """What decides."""

    @property
    def matcher(self) -> Scans:
        """What finds."""


class Policies(Protocol):
    """gateway.policies.PolicyKeeper."""

    @property
    def in_force(self) -> Rules:
        """What holds at this moment."""


class Keeps(Protocol):
    """delivery.queue.Queue."""

    async def accept(
        self,
        message: NewMessage,
        items: Sequence[NewItem],
        events: Sequence[Event] = (),
        also: Sequence[MailOfOurs] = (),
    ) -> str:
        """Returns once it is on disk."""


class Writes(Protocol):
    """delivery.notices.compose.Composer."""

    def rule_applied(
        self, to_address: str, now: datetime, *, rule: str, sender: str, recipients: Sequence[str], subject: str
    ) -> Notice:
        """The mail that tells somebody that a rule applied."""

    def wishes_untaken(self, to_address: str, now: datetime, *, subject: str, untaken: Sequence[str]) -> Notice:
        """The mail that tells a sender which of their words were not done."""


class TakesBounces(Protocol):
    """delivery.safebox.box.SafeBoxes."""

    async def is_return_address(self, address: str) -> bool:
        """Did we make this return address?"""

    async def take_bounce(self, address: str, raw: bytes) -> bool:
        """A mail to a return address; False where we never made that address."""


class KnowsMailboxes(Protocol):
    """delivery.couriers.callout.Callout."""

    async def lacks(self, recipient: str) -> bool:
        """Does the server of our own domains say that it has no such recipient? False where it cannot be asked."""


class Promises(Protocol):
    """delivery.couriers.published.Promises."""

    async def of(self, domains: Collection[str]) -> Mapping[str, bool]:
        """For each domain whether it publishes what proves its servers."""
