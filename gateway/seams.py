"""What the intake needs of its collaborators, as Protocols. Each docstring names the real class; tests pass fakes."""

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
        """What the detectors find, and the content, in which texts that they could not search are marked unreadable."""

    def scan_within(self, contents: Sequence[Content], steps: int) -> list[Scanned | None]:
        """`scan` for several messages, with so many steps for all; None for each that would need more than is left."""


class Rules(Protocol):
    """gateway.policies.InForce: a policy, and the matcher that looks for the detectors which its rules ask about."""

    @property
    def policy(self) -> Policy:
        """What decides about a message."""

    @property
    def matcher(self) -> Scans:
        """What finds the detectors' hits in its content."""


class Policies(Protocol):
    """gateway.policies.PolicyKeeper."""

    @property
    def in_force(self) -> Rules:
        """The policy and matcher in force now; another one may be from the next message on."""


class Keeps(Protocol):
    """delivery.queue.Queue."""

    async def accept(
        self,
        message: NewMessage,
        items: Sequence[NewItem],
        events: Sequence[Event] = (),
        also: Sequence[MailOfOurs] = (),
    ) -> str:
        """Keep a message with its items, events and accompanying notices (`also`), all or nothing.

        Returns the message's id once all of it is on disk. Raises DeliveryError.
        """


class Writes(Protocol):
    """delivery.notices.compose.Composer."""

    def rule_applied(
        self, to_address: str, now: datetime, *, rule: str, sender: str, recipients: Sequence[str], subject: str
    ) -> Notice:
        """The mail that tells somebody that a rule applied."""

    def wishes_untaken(self, to_address: str, now: datetime, *, subject: str, untaken: Sequence[str]) -> Notice:
        """The mail that tells a sender which of their wishes (words in the subject, headers) could not be granted."""


class TakesBounces(Protocol):
    """delivery.safebox.box.SafeBoxes."""

    async def is_return_address(self, address: str) -> bool:
        """Did we make this return address?"""

    async def take_bounce(self, address: str, raw: bytes) -> bool:
        """Take a mail to one of our return addresses; False if we never made that address."""


class KnowsMailboxes(Protocol):
    """delivery.couriers.callout.Callout."""

    async def is_unknown(self, recipient: str) -> bool:
        """Does the server of our own domains say that it has no such recipient? False where it cannot be asked."""


class Promises(Protocol):
    """delivery.couriers.published.Promises."""

    async def of(self, domains: Collection[str]) -> Mapping[str, bool]:
        """For each domain, whether it publishes what proves its servers (DANE records or an MTA-STS policy)."""
