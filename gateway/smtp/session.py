"""What each SMTP command does, and which may come when (RFC 5321). `conversation` calls the `smtp_` methods.

A method says its reply (`say`), or raises CommandRefused (the session goes on) or Hangup (it ends).
"""

from structlog import get_logger

from delivery.items import Reply
from gateway.smtp import replies
from gateway.smtp.admission import IpAddress, Proven
from gateway.smtp.certificates import certificate_names, tls_words
from gateway.smtp.commands import (
    AUTH_OCTETS,
    CommandRefused,
    MailFrom,
    parse_hello,
    parse_mail,
    parse_rcpt,
    parse_xforward,
)
from gateway.smtp.conversation import Conversation
from gateway.smtp.rates import Payers
from gateway.smtp.reception import Door
from gateway.smtp.signin import MECHANISMS, exchange
from gateway.smtp.transfer import Transfer
from gateway.smtp.wire import Hangup
from policy.message import Address, Recipient

log = get_logger(__name__)


class Session(Conversation):
    """One client at one door."""

    def __init__(self, door: Door) -> None:
        super().__init__(door)
        self.helo = ""
        self.is_extended = False
        self.origin: IpAddress | None = None  # where the next message comes from, as XFORWARD said
        self.mail: MailFrom | None = None
        self.payers: Payers = {}
        self.recipients: dict[Address, Recipient] = {}
        self.refused_recipients = 0
        self.failed_logins = 0

    def _forget_mail(self) -> None:
        self.mail = None
        self.origin = None
        self.recipients = {}
        self.refused_recipients = 0

    # --- commands -------------------------------------------------------------------------------------------------

    async def smtp_HELO(self, argument: str) -> None:
        """RFC 5321 4.1.1.1, without extensions."""
        self.helo = parse_hello(argument)
        self.is_extended = False
        self._forget_mail()
        self._out.append(f"250 {self.house.hostname}\r\n".encode())

    async def smtp_EHLO(self, argument: str) -> None:
        """RFC 5321 4.1.1.1: the extensions on offer, which depend on TLS and on who asks."""
        self.helo = parse_hello(argument)
        self.is_extended = True
        self._forget_mail()
        size = f"SIZE {self.house.limits.message}"
        offers = [self.house.hostname, "PIPELINING", size, "8BITMIME", "SMTPUTF8", "DSN", "ENHANCEDSTATUSCODES"]
        if self.door.tls is not None and self.tls is None:
            offers.append("STARTTLS")
        if self.tls is not None:
            offers.append("REQUIRETLS")
        if self._offers_auth():
            offers.append(f"AUTH {' '.join(MECHANISMS)}")
        if self.door.admission.may_forward(self.proven.address):
            offers.append("XFORWARD ADDR")
        self.say_lines(250, offers)

    async def smtp_STARTTLS(self, argument: str) -> None:
        """RFC 3207: all that the client said before is forgotten."""
        if argument:
            raise CommandRefused(replies.NO_ARGUMENT)
        if self.tls is not None:
            raise CommandRefused(replies.TLS_ALREADY)
        if self.door.tls is None:
            raise CommandRefused(replies.TLS_NOT_OFFERED)
        await self.start_tls(self.door.tls, self.patience.handshake)
        self.tls = tls_words(self.transport)
        self.who = Proven(self.proven.address, tls=True, certificates=certificate_names(self.transport))
        self.helo = ""
        self._forget_mail()

    async def smtp_AUTH(self, argument: str) -> None:
        """RFC 4954, over TLS only. An unknown name and a wrong password get the same reply after the same time."""
        if not self.helo or not self.is_extended:
            raise CommandRefused(replies.HELLO_FIRST)
        if self.door.logins is None:
            raise CommandRefused(replies.AUTH_NOT_OFFERED)
        if self.tls is None:
            raise CommandRefused(replies.AUTH_NEEDS_TLS)
        if self.proven.login is not None:
            raise CommandRefused(replies.AUTH_ALREADY)
        if self.mail is not None:
            raise CommandRefused(replies.AUTH_IN_MAIL)
        name, password = await exchange(argument, self._ask)
        fits = await self.door.sign_in(self.proven.address, name, password)
        if fits is None:
            raise CommandRefused(replies.AUTH_LATER)
        if not fits:
            self.failed_logins += 1
            log.warning("smtp.login_failed", client=str(self.proven.address))
            if self.failed_logins >= self.patience.failed_logins:
                self.say(replies.AUTH_WRONG)
                raise Hangup(replies.TOO_MANY_ERRORS)
            raise CommandRefused(replies.AUTH_WRONG)
        self.who = Proven(self.proven.address, True, name, self.proven.certificates)
        self.say(replies.SIGNED_IN)

    async def smtp_MAIL(self, argument: str) -> None:
        """RFC 5321 4.1.1.2: who sends, and whether they may."""
        if not self.helo:
            raise CommandRefused(replies.HELLO_FIRST)
        refusal = self.door.admission.identity(self.proven)
        if refusal is not None:
            raise CommandRefused(refusal)
        if self.mail is not None:
            raise CommandRefused(replies.NESTED_MAIL)
        mail = parse_mail(
            argument,
            extended=self.is_extended,
            max_bytes=self.house.limits.message,
            auth=self._offers_auth(),
            under_tls=self.tls is not None,
        )
        refusal = self.door.admission.sender(self.proven, mail.sender)
        refusal = refusal or self.house.room_for(mail.size)
        payers = self.door.payers(self.proven, mail.sender)
        refusal = refusal or self.house.rates.refusal(payers, 1)
        if refusal is not None:
            self.house.metrics.refused("sender", refusal)
            raise CommandRefused(refusal)
        self.mail, self.payers = mail, payers
        self.say(replies.SENDER_OK)

    async def smtp_RCPT(self, argument: str) -> None:
        """RFC 5321 4.1.1.3: one recipient, and whether this listener takes mail for it."""
        if self.mail is None:
            raise CommandRefused(replies.MAIL_FIRST if self.helo else replies.HELLO_FIRST)
        if len(self.recipients) >= self.house.limits.recipients:
            self.refused_recipients += 1
            if self.refused_recipients > self.patience.excess_recipients:
                raise Hangup(replies.TOO_MANY_ERRORS)
            raise CommandRefused(replies.TOO_MANY_RECIPIENTS)
        try:
            wanted = parse_rcpt(argument, extended=self.is_extended, smtputf8=self.mail.smtputf8)
            to = wanted.recipient if wanted.recipient.domain else self.house.postmaster
            refusal = self.door.admission.recipient(to)
            if self.door.admission.verifies:
                await self.flush()  # asking may take seconds for each recipient: replies so far are not held back
            refusal = refusal or await self.door.taker.expects(to, ask=self.door.admission.verifies)
            refusal = refusal or self.house.rates.refusal(self.payers, len(self.recipients) + 1)
            if refusal is not None:
                self.house.metrics.refused("recipient", refusal)
                raise CommandRefused(refusal)
        except CommandRefused:
            self.refused_recipients += 1
            if self.refused_recipients > self.patience.excess_recipients:
                raise Hangup(replies.TOO_MANY_ERRORS) from None
            raise
        self.recipients.setdefault(to, Recipient(to, wanted.notify, wanted.orcpt))  # of a repeated one the first counts
        self.say(replies.RECIPIENT_OK)

    async def smtp_DATA(self, argument: str) -> None:
        """RFC 5321 4.1.1.4: receive the message and hand it over; after the 250 it is ours to deliver."""
        if argument:
            raise CommandRefused(replies.NO_ARGUMENT)
        if self.mail is None:
            raise CommandRefused(replies.MAIL_FIRST if self.helo else replies.HELLO_FIRST)
        if not self.recipients:
            raise CommandRefused(replies.NO_RECIPIENT if self.refused_recipients else replies.RECIPIENT_FIRST)
        mail, payers, recipients, who = self.mail, self.payers, tuple(self.recipients.values()), self.proven
        client = who.client(self.helo, self.tls, self.origin)
        self._forget_mail()
        refusal = self.house.rates.charge(payers, len(recipients))
        if refusal is not None:
            self.house.metrics.refused("message", refusal)
            raise CommandRefused(refusal)
        reply: Reply | None = None
        try:
            reply = await Transfer(self, self.door, client, mail, recipients, who=who, extended=self.is_extended).run()
        finally:
            if reply is None or reply.code != 250:
                self.house.rates.refund(payers, len(recipients))
        if reply.code == 250:
            self.errors = self.idle_commands = 0
            self.say(reply)
        else:
            self.house.metrics.refused("message", reply)
            self._refuse(reply)

    async def smtp_XFORWARD(self, argument: str) -> None:
        """Postfix's XFORWARD_README: a trusted server in front of us tells which client its next message is from."""
        if not self.door.admission.may_forward(self.proven.address):
            raise CommandRefused(replies.UNKNOWN_COMMAND)
        if not self.is_extended:
            raise CommandRefused(replies.HELLO_FIRST)
        if self.mail is not None:
            raise CommandRefused(replies.NESTED_MAIL)
        self.origin = parse_xforward(argument)
        self.say(replies.OK)

    async def smtp_RSET(self, argument: str) -> None:
        """RFC 5321 4.1.1.5."""
        if argument:
            raise CommandRefused(replies.NO_ARGUMENT)
        self._forget_mail()
        self.say(replies.OK)

    async def smtp_NOOP(self, argument: str) -> None:
        """RFC 5321 4.1.1.9: an argument is ignored."""
        self.say(replies.OK)

    async def smtp_VRFY(self, argument: str) -> None:
        """RFC 5321 3.5.3: we do not tell which mailboxes exist."""
        if not argument:
            raise CommandRefused(replies.NEED_ARGUMENT)
        self.say(replies.CANNOT_VERIFY)

    async def smtp_EXPN(self, argument: str) -> None:
        """RFC 5321 7.3: the members of a list are not told."""
        raise CommandRefused(replies.NOT_OFFERED)

    async def smtp_HELP(self, argument: str) -> None:
        """RFC 5321 4.1.1.8."""
        self.say(replies.HELP)

    async def smtp_QUIT(self, argument: str) -> None:
        """RFC 5321 4.1.1.10."""
        if argument:
            raise CommandRefused(replies.NO_ARGUMENT)
        self.say(replies.BYE)
        raise Hangup

    # --- parts of AUTH --------------------------------------------------------------------------------------------

    def _offers_auth(self) -> bool:
        return self.door.logins is not None and self.tls is not None

    async def _ask(self, challenge: str) -> bytes:
        """Ask one question of an AUTH exchange; the client's line."""
        self._out.append(f"334 {challenge}\r\n".encode())
        line = await self.read_line(self.house.command_seconds)
        if len(line) + 2 > AUTH_OCTETS:
            raise CommandRefused(replies.AUTH_TOO_LONG)
        return line
