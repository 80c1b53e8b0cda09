"""One SMTP connection as a client: reached, greeted, proven, and ready for MAIL FROM."""

import asyncio
import re
import socket
from dataclasses import dataclass
from typing import Final, cast

import structlog
from aiosmtplib import SMTP
from aiosmtplib.errors import (
    SMTPConnectResponseError,
    SMTPException,
    SMTPHeloError,
    SMTPResponseException,
)
from aiosmtplib.response import SMTPResponse

from delivery.couriers.courier import Evidence
from delivery.couriers.replies import Replies
from delivery.couriers.targets import SMTP_PORT, Target
from delivery.errors import DeliveryError
from delivery.items import Reply
from delivery.mx import LookupFailed, Resolver, host_addresses, mail_hosts
from delivery.tls import OwnTlsBroken, Shown, TlsContexts, Unproven, handshake_failure, prove

log = structlog.get_logger(__name__)

_ENHANCED: Final = re.compile(r"([245])\.(\d{1,3})\.(\d{1,3})(?:\s+|$)")
_UNPRINTABLE: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff\u2028\u2029]+")
_ENDS: Final = re.compile(rb"[\x00\r\n]")
_REPLY_CHARACTERS: Final = 500


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long each step may take, in seconds (RFC 5321 4.5.3.2, but for connecting and greeting)."""

    connect: float = 30.0
    greeting: float = 120.0
    command: float = 300.0
    data_start: float = 120.0
    data_block: float = 180.0
    final: float = 600.0
    held_back: float = 30.0  # a cancellation, while the reply to the final dot is on its way
    whole: float = 3600.0  # one attempt, but for the wait after the final dot


class Unreachable(DeliveryError):
    """No usable connection. `insecure`: for want of the proof that the target demands."""

    def __init__(self, reply: Reply, evidence: Evidence | None = None, *, insecure: bool = False) -> None:
        super().__init__(str(reply))
        self.reply = reply
        self.evidence = evidence
        self.insecure = insecure


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
        transport = _transport(smtp)
        self.replies = Replies(transport)
        self.writer = asyncio.StreamWriter(transport, self.replies, None, asyncio.get_running_loop())
        self.opened_at = asyncio.get_running_loop().time()
        self.messages = 0

    @property
    def is_alive(self) -> bool:
        """As far as is known: a peer may have gone without a word."""
        return self.replies.is_connected

    def say(self, *commands: bytes) -> "list[asyncio.Future[SMTPResponse]]":
        """Say commands; the replies to come, for `answer`. More than one at once only where PIPELINING is offered."""
        if any(_ENDS.search(command) for command in commands):
            raise ValueError("a command has a line end in it")
        replies = [self.replies.next() for _ in commands]
        if self.is_alive:
            self.writer.write(b"".join([command + b"\r\n" for command in commands]))
        return replies

    async def answer(self, coming: "asyncio.Future[SMTPResponse]", seconds: float) -> Reply:
        """A reply, once it is there. Raises Dropped if none comes, or one that ends the session."""
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
        if not 200 <= reply.code < 600:
            self.abort()
            raise Dropped(Reply(451, "4.5.0", "The mail server's answer is not SMTP"))
        if reply.code == 421:
            self.abort()  # it says that it closes: one that does not is not used again either
            raise Dropped(reply)
        return reply

    async def command(self, command: bytes, seconds: float) -> Reply:
        """Say one command. Raises Dropped if no reply comes, or one that ends the session."""
        [coming] = self.say(command)
        return await self.answer(coming, seconds)

    def quit(self) -> None:
        """Say QUIT and close, without waiting for the answer."""
        if self.is_alive:
            self.writer.write(b"QUIT\r\n")
            self.replies.next()
        self.writer.transport.close()

    def abort(self) -> None:
        """Cut the connection: what the peer has of a message stays without its end, so that it is none."""
        self.writer.transport.abort()


class Dialler:
    """Opens sessions: hosts in the order of their MX, addresses of each, until one will do."""

    def __init__(self, hostname: str, resolver: Resolver, times: Timeouts) -> None:
        self._hostname = hostname
        self._resolver = resolver
        self._times = times
        self._contexts = TlsContexts()

    async def dial(self, target: Target) -> Session:
        """A session with the target. Raises Unreachable, or Undeliverable where no host ever takes this mail."""
        worst: Unreachable | None = None
        try:
            for host in await self._hosts(target):
                for address in await host_addresses(self._resolver, host):
                    try:
                        return await self._open(target, host, address)
                    except Unreachable as failure:
                        log.info("smtp.unusable", host=host, address=address, reply=str(failure.reply))
                        # A peer that was reached and failed its proof says more than one that was not reached.
                        if worst is None or failure.reply.status == "4.7.5" or worst.reply.status != "4.7.5":
                            worst = failure
        except LookupFailed as error:
            worst = worst or Unreachable(Reply(451, "4.4.3", str(error)), insecure=target.demands_tls)
        raise worst or Unreachable(
            Reply(451, "4.4.4", "The mail server's name has no address"), insecure=target.demands_tls
        )

    async def _hosts(self, target: Target) -> tuple[str, ...]:
        if target.host is not None:
            return (target.host.host,)
        return await mail_hosts(self._resolver, target.domain, ourselves=self._hostname)

    async def _open(self, target: Target, host: str, address: str) -> Session:
        try:
            return await self._connect(target, host, address, try_tls=True)
        except _HandshakeFailed as failure:
            if target.demands_tls:
                raise Unreachable(failure.reply, failure.evidence, insecure=True) from failure
            log.info("smtp.tls_failed", host=host, address=address, reply=str(failure.reply))
        return await self._connect(target, host, address, try_tls=False)  # a fresh connection, as nothing was said yet

    async def _connect(self, target: Target, host: str, address: str, *, try_tls: bool) -> Session:
        evidence = Evidence(host, address)
        port = target.host.port if target.host else SMTP_PORT
        smtp = SMTP(local_hostname=self._hostname, start_tls=False, timeout=self._times.command)
        try:
            smtp.sock = await self._socket(address, port)
            await smtp.connect(timeout=self._times.greeting)
            await self._hello(smtp)
            shown = await self._secure(smtp, target, host) if try_tls else Shown()
            evidence = _evidence(host, address, shown)
            if shown.protocol is not None:
                await self._hello(smtp)
            return Session(smtp, target, evidence)
        except (SMTPException, OSError, ValueError, DeliveryError) as error:
            _cut(smtp)
            raise self._failure(error, target, evidence) from error
        except BaseException:
            _cut(smtp)
            raise

    async def _socket(self, address: str, port: int) -> socket.socket:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        sock = socket.socket(family, socket.SOCK_STREAM)
        try:
            sock.setblocking(False)
            async with asyncio.timeout(self._times.connect):
                await asyncio.get_running_loop().sock_connect(sock, (address, port))
        except BaseException:
            sock.close()
            raise
        return sock

    async def _hello(self, smtp: SMTP) -> None:
        try:
            await smtp.ehlo(timeout=self._times.command)
        except SMTPHeloError as error:
            if not 500 <= error.code < 600 or not smtp.is_connected:
                raise
            await smtp.helo(timeout=self._times.command)

    async def _secure(self, smtp: SMTP, target: Target, host: str) -> Shown:
        if not smtp.supports_extension("starttls"):
            if target.demands_tls:
                raise Unproven("the peer does not offer STARTTLS")
            return Shown()
        context = await self._contexts.get(target.demand)
        try:
            await smtp.starttls(
                tls_context=context, server_hostname=target.demand.sni or host, timeout=self._times.command
            )
        except SMTPResponseException as error:
            if target.demands_tls:
                raise Unproven(f"the peer refused STARTTLS: {read_reply(error)}") from error
            if error.code < 400 or not smtp.is_connected:
                raise _HandshakeFailed(lost_reply(error)) from error
            return Shown()  # refused in the clear, before any handshake: the session goes on
        except (SMTPException, OSError, ValueError) as error:
            reason = handshake_failure(error)
            raise _HandshakeFailed(Reply(454, "4.7.5", f"Not sent: {reason}")) from error
        return prove(smtp.get_transport_info("ssl_object"), target.demand)

    def _failure(self, error: Exception, target: Target, evidence: Evidence) -> Unreachable:
        if isinstance(error, _HandshakeFailed):
            error.evidence = evidence
            return error
        insecure = target.demands_tls
        if isinstance(error, Unproven):
            return Unreachable(Reply(454, "4.7.5", f"Not sent: {error}"), evidence, insecure=insecure)
        if isinstance(error, OwnTlsBroken):
            return Unreachable(Reply(454, "4.3.5", f"Not sent: {error}"), evidence, insecure=insecure)
        if isinstance(error, SMTPConnectResponseError | SMTPHeloError):
            # A 5xx before MAIL FROM speaks of this host and this hour, not of the recipient.
            said = read_reply(error)
            return Unreachable(Reply(451, "4.3.2", f"The host said {said}"), evidence, insecure=insecure)
        text = "timed out" if isinstance(error, TimeoutError) else _os_reason(error)
        return Unreachable(Reply(451, "4.4.1", f"Connecting failed: {text}"), evidence, insecure=insecure)


class _HandshakeFailed(Unreachable):
    """STARTTLS was agreed on and the handshake did not end well."""


def _cut(smtp: SMTP) -> None:
    if smtp.transport is not None:
        _transport(smtp).abort()
    smtp.close()


def _transport(smtp: SMTP) -> asyncio.Transport:
    """The transport; cast, since those of uvloop are not derived from asyncio's."""
    assert smtp.transport is not None
    return cast(asyncio.Transport, smtp.transport)


def _evidence(host: str, address: str, shown: Shown) -> Evidence:
    return Evidence(
        host, address, shown.protocol, shown.cipher, str(shown.proof), shown.certificate_sha256, shown.names
    )


def _os_reason(error: Exception) -> str:
    cause = error.__cause__ if isinstance(error.__cause__, OSError) else error
    return str(getattr(cause, "strerror", None) or _UNPRINTABLE.sub(" ", str(cause)))[:200]


def read_reply(response: SMTPResponse | SMTPResponseException) -> Reply:
    """What the peer said, made safe to show: one line, no controls, its enhanced status (RFC 3463) apart."""
    lines, status = [], ""
    for line in response.message.split("\n"):
        found = _ENHANCED.match(line)
        start = 0
        if found is not None and found[1] == str(response.code)[0]:
            status = status or f"{found[1]}.{int(found[2])}.{int(found[3])}"
            start = found.end()
        lines.append(_UNPRINTABLE.sub(" ", line[start:]).strip())
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
