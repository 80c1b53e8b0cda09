"""Everyone's mailbox: what an SMTP server of the demo's world took, in memory."""

import asyncio
import email
import email.policy
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from email.message import EmailMessage
from typing import Any, Final

from aiosmtpd.smtp import SMTP, Envelope, Session

KEPT: Final = 500  # mails; the oldest go first
_FORCED: Final = {
    "tempfail": "451 4.7.1 Try again later (the demo was asked to say so)",
    "refuse": "550 5.1.1 No such person",
}


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail as it arrived."""

    number: int
    recipient: str
    raw: bytes = field(repr=False)
    at: datetime

    @property
    def parsed(self) -> EmailMessage:
        """The mail's headers and parts."""
        parsed = email.message_from_bytes(self.raw, policy=email.policy.default)
        assert isinstance(parsed, EmailMessage)
        return parsed


@dataclass  # without slots: aiosmtpd looks at all that a handler has, and Python before 3.11.3 then stumbles over them
class Mailboxes:
    """Everyone's mail, in memory. `clock` is the world's."""

    clock: Callable[[], datetime]
    mails: list[Mail] = field(default_factory=list)
    count: int = 0
    arrived: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def first(self, recipient: str) -> Mail:
        """Wait for a person's first mail."""
        async with self.arrived:
            await self.arrived.wait_for(lambda: bool(self.of(recipient)))
        return self.of(recipient)[0]

    def keep(self, recipient: str, raw: bytes) -> None:
        """Put one mail into one mailbox."""
        self.count += 1
        self.mails.append(Mail(self.count, recipient, raw, self.clock()))
        del self.mails[:-KEPT]

    def of(self, recipient: str) -> list[Mail]:
        """One person's mail, oldest first."""
        return [mail for mail in self.mails if mail.recipient == recipient]

    # aiosmtpd calls these names.
    async def handle_RCPT(self, server: SMTP, session: Session, envelope: Envelope, address: str, _options: Any) -> str:
        """Addresses that begin with tempfail or refuse force that outcome."""
        forced = _FORCED.get(address.partition("@")[0].partition("+")[0])
        if forced:
            return forced
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """Put a mail into each recipient's mailbox; aiosmtpd calls this."""
        raw = envelope.original_content or b""
        for recipient in envelope.rcpt_tos:
            self.keep(recipient.lower(), raw)
        async with self.arrived:
            self.arrived.notify_all()
        return "250 2.0.0 Delivered"
