"""One SMTP connection as a client, reached, greeted, proven and ready for MAIL FROM. `dialling.py` opens it."""

import asyncio
import re
from dataclasses import dataclass
from typing import Final, cast

from aiosmtplib import SMTP
from aiosmtplib.errors import SMTPException, SMTPResponseException
from aiosmtplib.response import SMTPResponse

from delivery.couriers.courier import Evidence
from delivery.couriers.replies import Replies
from delivery.couriers.targets import Target
from delivery.errors import DeliveryError
from delivery.items import Reply
from delivery.tls import Flaw

_ENHANCED: Final = re.compile(r"([245])\.(\d{1,3})\.(\d{1,3})(?:\s+|$)")
UNPRINTABLE: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff\u2028\u2029]+")
_ENDS: Final = re.compile(rb"[\x00\r\n]")
_REPLY_CHARACTERS: Final = 500

NO_REQUIRETLS: Final = Reply(
    550, "5.7.30", "REQUIRETLS support required: no mail server of the recipient is proven and offers it"
)


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long each step may take, in seconds (RFC 5321 4.5.3.2, but for connecting and greeting)."""

    connect: float = 30.0
    greeting: float = 120.0
    command: float = 300.0
    data_start: float = 120.0
    data_block: float = 180.0
    final: float = 600.0
    held_back: float = 30.0  # how long a cancellation waits for the reply to a final dot that was sent
    dial: float = 1800.0  # all hosts of a domain together: it may name fifty that each take their time
    whole: float = 3600.0  # one attempt, but for the wait after the final dot


class Unreachable(DeliveryError):
    """No usable connection. `insecure`: the proof that the target demands was missing; `flaw`: what was wrong with it.

    `lacks_requiretls`: the peer was proven, but does not offer REQUIRETLS (RFC 8689), which the message needs.
    """

    def __init__(
        self,
        reply: Reply,
        evidence: Evidence | None = None,
        *,
        insecure: bool = False,
        flaw: Flaw | None = None,
        lacks_requiretls: bool = False,
    ) -> None:
        super().__init__(str(reply))
        self.reply = reply
        self.evidence = evidence
        self.insecure = insecure
        self.flaw = flaw
        self.lacks_requiretls = lacks_requiretls

    @property
    def is_final(self) -> bool:
        """Is it something about the peer that will most likely be the same at the next try?"""
        passing = (Flaw.DNSSEC_INVALID, Flaw.STS_FETCH)
        return self.lacks_requiretls or (self.flaw is not None and self.flaw not in passing)


class Dropped(DeliveryError):
    """The connection ended, timed out or fell out of step. `reply` is the last that was said, or what we say for it."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(str(reply))
        self.reply = reply


class Session:
    """A connection to one peer. It sends one message after another; see `transaction.py`."""

    def __init__(self, smtp: SMTP, target: Target, evidence: Evidence) -> None:
        self.target = target
        self.evidence = evidence
        self.extensions = {name.lower(): value for name, value in smtp.esmtp_extensions.items()}
        transport = transport_of(smtp)
        self.replies = Replies(transport)
        self.writer = asyncio.StreamWriter(transport, self.replies, None, asyncio.get_running_loop())
        self.opened_at = asyncio.get_running_loop().time()
        self.messages = 0
        self.asked = 0  # for how many recipients without a message
        self.is_spent = False  # not to be used for another message

    @property
    def offers_requiretls(self) -> bool:
        """Whether the peer offers, under TLS, to keep a message protected on its whole way (RFC 8689)."""
        return self.evidence.protocol is not None and "requiretls" in self.extensions

    @property
    def is_alive(self) -> bool:
        """As far as is known: a peer may have gone without a word."""
        return self.replies.is_connected

    def send(self, *commands: bytes) -> "list[asyncio.Future[SMTPResponse]]":
        """Send commands; futures of their replies, for `receive`. Several at once only if PIPELINING is offered."""
        if any(_ENDS.search(command) for command in commands):
            raise ValueError("a command has a line end in it")
        replies = [self.replies.next() for _ in commands]
        if self.is_alive:
            self.writer.write(b"".join([command + b"\r\n" for command in commands]))
        return replies

    async def receive(self, coming: "asyncio.Future[SMTPResponse]", seconds: float, *, may_ask: bool = False) -> Reply:
        """Wait up to `seconds` for a reply. Raises Dropped if none comes, or one that ends the session.

        `may_ask`: a 3xx is a valid reply, as to DATA; otherwise a peer that gives one is out of step with us.
        """
        try:
            if not coming.done():
                async with asyncio.timeout(seconds):
                    await coming
            reply = read_reply(coming.result())
        except (SMTPException, OSError) as error:
            self.abort()
            raise Dropped(lost_reply(error)) from error
        except BaseException:
            self.abort()  # cancelled: whatever the peer answers, nobody reads it
            raise
        if not 200 <= reply.code < 600 or (reply.code // 100 == 3 and not may_ask):
            self.abort()
            raise Dropped(Reply(451, "4.5.0", "The mail server's answer is not SMTP"))
        if reply.code == 421:
            self.abort()  # it says that it closes: one that does not is not used again either
            raise Dropped(reply)
        return reply

    async def command(self, command: bytes, seconds: float, *, may_ask: bool = False) -> Reply:
        """Send one command and wait for its reply; parameters and errors as in `receive`."""
        [coming] = self.send(command)
        return await self.receive(coming, seconds, may_ask=may_ask)

    def quit(self) -> None:
        """Say QUIT and close, without waiting for the answer."""
        if self.is_alive:
            self.writer.write(b"QUIT\r\n")
            self.replies.next()
        self.writer.transport.close()

    def abort(self) -> None:
        """Cut the connection: what the peer has of a message stays without its end, so that it is none."""
        self.writer.transport.abort()


def transport_of(smtp: SMTP) -> asyncio.Transport:
    """The transport; cast, since those of uvloop are not derived from asyncio's."""
    assert smtp.transport is not None
    return cast(asyncio.Transport, smtp.transport)


def read_reply(response: SMTPResponse | SMTPResponseException) -> Reply:
    """What the peer said, made safe to show: one line, no controls, its enhanced status (RFC 3463) apart."""
    lines, status = [], ""
    for line in response.message.split("\n"):
        found = _ENHANCED.match(line)
        start = 0
        if found is not None and found[1] == str(response.code)[0]:
            status = status or f"{found[1]}.{int(found[2])}.{int(found[3])}"
            start = found.end()
        lines.append(UNPRINTABLE.sub(" ", line[start:]).strip())
    text = " ".join(line for line in lines if line)[:_REPLY_CHARACTERS]
    kind = response.code // 100 if response.code // 100 in (2, 4, 5) else 4
    return Reply(response.code, status or f"{kind}.0.0", text)


def lost_reply(error: BaseException) -> Reply:
    """What we say for a peer that went silent."""
    if isinstance(error, TimeoutError):
        return Reply(451, "4.4.2", "The mail server did not answer in time")
    if isinstance(error, SMTPResponseException):
        return Reply(451, "4.5.0", "The mail server's answer is not SMTP")
    return Reply(451, "4.4.2", "The connection to the mail server was lost")
