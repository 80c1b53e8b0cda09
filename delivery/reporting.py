"""Which reports (RFC 3464) a sender gets, and how they enter the queue."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

from delivery.items import Destination, Fate, Item, Kind, NewItem, NewMessage, OpenMessage, Report
from policy.decision import Route

_SECURE: Final = frozenset(Route) - {Route.RELAY}
_ASKED: Final = {Fate.FAILED: "FAILURE", Fate.DELAYED: "DELAY", Fate.DELIVERED: "SUCCESS", Fate.RELAYED: "SUCCESS"}


class WrittenDsn(Protocol):
    """A DSN as it was written: its bytes, its subject, and which SMTP extensions it needs."""

    @property
    def raw(self) -> bytes: ...
    @property
    def subject(self) -> str: ...
    @property
    def eight_bit(self) -> bool: ...
    @property
    def smtputf8(self) -> bool: ...


class ReportWriter(Protocol):
    """Writes the mail that tells a sender what became of recipients; an adapter over `delivery.bounce`."""

    def __call__(
        self, message: OpenMessage, reports: Sequence[Report], *, now: datetime, confidential: bool
    ) -> WrittenDsn:
        """`confidential`: return nothing of the content, since the report itself goes by ordinary mail."""


def is_wanted(sender: str | None, item: Item, fate: Fate) -> bool:
    """Does the sender get a report? Never `<>`, never for what we wrote; else as NOTIFY says (RFC 3461 4.1, 6.2)."""
    if sender is None or item.kind is not Kind.MAIL:
        return False
    if item.notify is None:
        return fate in (Fate.FAILED, Fate.DELAYED)
    return _ASKED[fate] in item.notify


@dataclass(frozen=True, slots=True)
class Reporter:
    """Makes the mail. `destination_for` says how ordinary mail reaches an address (`inside` for our own)."""

    write: ReportWriter
    destination_for: Callable[[str], Destination]

    def report(
        self, message: OpenMessage, reports: Sequence[Report], now: datetime
    ) -> tuple[NewMessage, NewItem] | None:
        """One DSN for those of the reports that the sender wants; None when none is."""
        asked = [report for report in reports if is_wanted(message.sender, report.item, report.fate)]
        if not asked or message.sender is None:
            return None
        confidential = any(report.item.destination.route in _SECURE or report.item.fell_back for report in asked)
        dsn = self.write(message, asked, now=now, confidential=confidential)
        new = NewMessage(
            namespace=message.namespace,
            sender=None,
            owner=message.owner,
            subject=dsn.subject,
            raw=dsn.raw,
            received_at=now,
            smtputf8=dsn.smtputf8,
            eight_bit=dsn.eight_bit,
            require_tls=message.require_tls,  # what it tells deserves what the mail itself got (RFC 8689 5)
        )
        item = NewItem(message.sender, self.destination_for(message.sender), Kind.DSN, notify=frozenset({"NEVER"}))
        return new, item
