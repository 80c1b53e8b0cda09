"""One message over one session: MAIL, a RCPT for each recipient, DATA, and the final dot.

The bytes go out as they are, dots stuffed (RFC 5321 4.5.2) and nothing else. A body with 8-bit bytes goes to a peer
without 8BITMIME as it is, too: RFC 6152 would have it converted, which breaks signatures and our promise of equal
bytes, or bounced, which helps nobody; and hardly a peer minds (docs/decisions says more).
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

import structlog
from aiosmtplib.errors import SMTPException
from aiosmtplib.response import SMTPResponse

from delivery.couriers.courier import Deferred, LeaseLost, Outcome, Refused, Sent
from delivery.couriers.session import NO_REQUIRETLS, Dropped, Session, Timeouts, lost_reply, read_reply
from delivery.errors import DeliveryError
from delivery.items import Reply
from delivery.lines import has_bare_newline, has_dot_line, header_end
from policy.domains import a_labels

log = structlog.get_logger(__name__)

_CHUNK: Final = 256 * 1024
_LAST: Final = 128 * 1024  # bytes: the end of a message, or all of a small one, goes out with the final dot
_LARGE: Final = 4 * 1024 * 1024  # bytes: to look at more takes so long that it is done in a thread, and in pieces
_LOCAL: Final = r'"(?:[^"\\\x00-\x1f\x7f]|\\[^\x00-\x1f\x7f])*"|[^"<>()\[\]\\,;:@\s\x00-\x1f\x7f]+'
_ADDRESS: Final = re.compile(rf"(?:{_LOCAL})@[^<>\s@\x00-\x1f\x7f]+|postmaster", re.IGNORECASE)
_XTEXT: Final = re.compile(r"[!-*,-<>-~]*(?:\+[0-9A-F]{2}[!-*,-<>-~]*)*")  # RFC 3461 section 4
_ADDRESS_TYPE: Final = re.compile(r"[A-Za-z0-9-]+")
_UTF8_IN_ASCII: Final = re.compile(r"(?:[!-*,-<>-\[\]-~]|\\x\{[0-9A-F]{2,6}\}|\+[0-9A-F]{2})*")
_UTF8_XTEXT: Final = re.compile(r"(?:[!-*,-<>-\[\]-~\u0080-\U0010ffff]|\\x\{[0-9A-F]{2,6}\}|\+[0-9A-F]{2})*")
_LIMIT: Final = re.compile(r"[0-9]{1,20}")  # RFC 1870 section 4
_NOTIFY: Final = ("NEVER", "SUCCESS", "FAILURE", "DELAY")


@dataclass(frozen=True, slots=True)
class Copy:
    """One recipient of a mailing. `key` is what its outcome is filed under."""

    key: str
    recipient: str
    notify: frozenset[str] | None = None
    orcpt: str | None = None


@dataclass(frozen=True, slots=True)
class Mailing:
    """What one transaction sends. `confirm` is asked just before the final dot; False: nothing is sent."""

    sender: str | None
    copies: tuple[Copy, ...]
    raw: bytes = field(repr=False)
    confirm: Callable[[], Awaitable[bool]]
    smtputf8: bool = False
    ret: str | None = None
    envid: str | None = None
    require_tls: bool = False  # said to peers that offer it (RFC 8689); where it binds, others are not dialled


class Transaction:
    """Sends one mailing over one session. `outcomes` holds what became of each copy, as far as is known yet."""

    def __init__(self, session: Session, mailing: Mailing, times: Timeouts) -> None:
        self._session = session
        self._mailing = mailing
        self._times = times
        self._deadline = asyncio.get_running_loop().time() + times.whole
        self._utf8 = False
        self._promised = mailing.require_tls and session.offers_requiretls
        self.outcomes: dict[str, Outcome] = {}

    async def run(self) -> None:
        """Fill `outcomes`. Raises Dropped if the connection ended before the final dot: nothing was sent then."""
        raw = self._mailing.raw
        is_odd = await asyncio.to_thread(has_bare_newline, raw) if len(raw) > _LARGE else has_bare_newline(raw)
        copies = self._admissible(is_odd=is_odd)
        if not copies:
            return
        await (self._at_once if "pipelining" in self._session.extensions else self._in_turn)(copies)
        if self._session.is_alive and not any(isinstance(outcome, Sent) for outcome in self.outcomes.values()):
            with suppress(Dropped):  # every outcome is known already
                await self._command(b"RSET")

    async def _in_turn(self, copies: list[Copy]) -> None:
        """Each command after the reply to the one before."""
        reply = await self._command(self._mail())
        if reply.code // 100 != 2:
            self._file(copies, reply)
            return
        accepted = [copy for copy in copies if self._accepts(copy, await self._command(self._rcpt(copy)))]
        if accepted:
            await self._data(accepted, await self._command(b"DATA", self._times.data_start, may_ask=True))

    async def _at_once(self, copies: list[Copy]) -> None:
        """MAIL, every RCPT and DATA in one go (RFC 2920): one round trip in place of three or more."""
        session = self._session
        mail, *rcpts, data = session.send(self._mail(), *(self._rcpt(copy) for copy in copies), b"DATA")
        reply = await session.receive(mail, self._within(self._times.command))
        is_begun = reply.code // 100 == 2
        if not is_begun:
            self._file(copies, reply)
        accepted = []
        for copy, rcpt in zip(copies, rcpts, strict=True):
            reply = await session.receive(rcpt, self._within(self._times.command))
            if is_begun and self._accepts(copy, reply):
                accepted.append(copy)
        reply = await session.receive(data, self._within(self._times.data_start), may_ask=True)
        if accepted:
            await self._data(accepted, reply)
        elif reply.code == 354:
            session.abort()  # it waits for a message to nobody: what is cut off is none

    # --- before anything is said -----------------------------------------------------------------------------------

    def _admissible(self, *, is_odd: bool) -> list[Copy]:
        """The copies that this peer can take, as far as its EHLO says; the others are filed as refused."""
        mailing, extensions = self._mailing, self._session.extensions
        if mailing.require_tls and mailing.sender is not None and not self._promised:
            return self._file(mailing.copies, NO_REQUIRETLS)  # it was dialled without this demand: never happens
        if is_odd:
            return self._file(mailing.copies, Reply(554, "5.6.0", "The message has line ends that are not CRLF"))
        if mailing.sender and not _is_address(_domain_in_ascii(mailing.sender)):
            return self._file(
                mailing.copies, Reply(553, "5.1.7", "The sender's address is not one that SMTP can carry")
            )
        limit = extensions.get("size", "").strip()
        if _LIMIT.fullmatch(limit) and 0 < int(limit) < len(mailing.raw):
            text = f"The message has {len(mailing.raw)} bytes; its mail server takes {limit}"
            return self._file(mailing.copies, Reply(552, "5.3.4", text))
        self._utf8 = "smtputf8" in extensions and (mailing.smtputf8 or self._needs_utf8())
        if not self._utf8 and self._needs_utf8(recipients=False):
            text = "The message needs internationalised mail (SMTPUTF8), which its mail server does not offer"
            return self._file(mailing.copies, Reply(553, "5.6.7", text))
        return [copy for copy in mailing.copies if self._can_be_named(copy)]

    def _needs_utf8(self, *, recipients: bool = True) -> bool:
        mailing = self._mailing
        if mailing.sender and not _domain_in_ascii(mailing.sender).isascii():
            return True
        if recipients and not all(_domain_in_ascii(copy.recipient).isascii() for copy in mailing.copies):
            return True
        return mailing.smtputf8 and not mailing.raw[: header_end(mailing.raw)].isascii()

    def _can_be_named(self, copy: Copy) -> bool:
        if not self._utf8 and not _domain_in_ascii(copy.recipient).isascii():
            text = "The address needs internationalised mail (SMTPUTF8), which its mail server does not offer"
            self._file((copy,), Reply(553, "5.6.7", text))
            return False
        if not _is_address(_domain_in_ascii(copy.recipient)):
            self._file((copy,), Reply(553, "5.1.3", "The address is not one that SMTP can carry"))
            return False
        return True

    # --- MAIL and RCPT -------------------------------------------------------------------------------------------

    def _path(self, address: str) -> bytes:
        return b"<" + (address if self._utf8 else _domain_in_ascii(address)).encode() + b">"

    def _mail(self) -> bytes:
        return b" ".join([b"MAIL FROM:" + self._path(self._mailing.sender or ""), *self._mail_options()])

    def _rcpt(self, copy: Copy) -> bytes:
        return b" ".join([b"RCPT TO:" + self._path(copy.recipient), *self._rcpt_options(copy)])

    def _mail_options(self) -> Iterator[bytes]:
        mailing, extensions = self._mailing, self._session.extensions
        if "size" in extensions:
            yield b"SIZE=%d" % len(mailing.raw)
        if "8bitmime" in extensions and not mailing.raw.isascii():
            yield b"BODY=8BITMIME"
        if self._utf8:
            yield b"SMTPUTF8"
        if self._promised:
            yield b"REQUIRETLS"
        if "dsn" in extensions:
            if mailing.ret and mailing.ret.upper() in ("FULL", "HDRS"):
                yield b"RET=" + mailing.ret.upper().encode()
            if mailing.envid and _XTEXT.fullmatch(mailing.envid):
                yield b"ENVID=" + mailing.envid.encode()

    def _rcpt_options(self, copy: Copy) -> Iterator[bytes]:
        if "dsn" not in self._session.extensions:
            return
        notify = {word.upper() for word in copy.notify or ()}
        words = [word for word in _NOTIFY if word in notify]
        if words:
            yield b"NOTIFY=" + ("NEVER" if "NEVER" in words else ",".join(words)).encode()
        kind, _, address = (copy.orcpt or "").partition(";")
        if address and _ADDRESS_TYPE.fullmatch(kind):
            # RFC 6533 3: of the type utf-8 there is a form in ASCII, and one that needs SMTPUTF8
            said = (_UTF8_XTEXT if self._utf8 else _UTF8_IN_ASCII) if kind.lower() == "utf-8" else _XTEXT
            if said.fullmatch(address):
                yield f"ORCPT={kind};{address}".encode()

    def _accepts(self, copy: Copy, reply: Reply) -> bool:
        """Does the peer take this recipient? If not, its refusal is filed as the outcome."""
        if reply.code // 100 == 2:
            return True
        if reply.code == 552 and reply.status in ("5.0.0", "5.5.3"):
            # RFC 5321 4.5.3.1.10: too many recipients in one go; the rest may be tried again.
            reply = Reply(452, "4.5.3", reply.text)
        self._file((copy,), reply)
        return False

    # --- DATA --------------------------------------------------------------------------------------------------------

    async def _data(self, copies: list[Copy], reply: Reply) -> None:
        """The message, if the reply to DATA asks for it."""
        if reply.code != 354:
            self._file(
                copies, reply if reply.code >= 400 else Reply(451, "4.5.0", "The mail server's answer to DATA is odd")
            )
            if reply.code < 400:
                self._session.abort()
            return
        whole = False
        answer = self._session.replies.next()  # asked for by now: a peer may speak before the end
        try:
            whole = await self._content(copies, answer)
        finally:
            answer.cancel()
            if not whole:
                self._session.abort()

    async def _content(self, copies: list[Copy], answer: "asyncio.Future[SMTPResponse]") -> bool:
        """Send all but the end, ask for the lease, send the end. False: the connection is of no more use.

        The end is sent as one piece: a write, and what follows from it in the kernel, costs as much as sealing does.
        """
        raw = self._mailing.raw
        if not raw.startswith(b".") and not has_dot_line(raw):
            stuffed = raw
        else:
            stuffed = await asyncio.to_thread(_stuffed, raw) if len(raw) > _LARGE else _stuffed(raw)
        view = memoryview(stuffed)
        last = max(0, len(stuffed) - _LAST)
        for at in range(0, last, _CHUNK):
            if not await self._block(view[at : min(at + _CHUNK, last)], answer):
                self._file(copies, _early(answer))
                return False
        if not await self._is_ours():
            self.outcomes.update({copy.key: LeaseLost() for copy in copies})
            return False
        if answer.done():
            self._file(copies, _early(answer))
            return False
        end = b".\r\n" if not stuffed or stuffed.endswith(b"\r\n") else b"\r\n.\r\n"
        self._session.writer.write(b"".join((view[last:], end)))
        try:
            reply = read_reply(await self._await_final_reply(answer))
        except (SMTPException, OSError) as error:
            lost = lost_reply(error)
            self._file(
                copies, Reply(lost.code, lost.status, f"{lost.text} after the whole message; it may arrive twice")
            )
            return False
        self._session.messages += 1
        is_smtp = reply.code // 100 in (2, 4, 5)
        self._file(copies, reply if is_smtp else Reply(451, "4.5.0", "The answer was not SMTP"))
        return is_smtp and reply.code != 421

    async def _is_ours(self) -> bool:
        try:
            return await self._mailing.confirm()
        except DeliveryError as error:  # the store does not answer: another worker may hold the lease by now
            log.warning("smtp.lease_unconfirmed", error=str(error))
            return False

    async def _block(self, block: memoryview, answer: "asyncio.Future[SMTPResponse]") -> bool:
        """Send a block and wait until there is room for the next. False: the peer spoke, which ends the sending."""
        writer = self._session.writer
        try:
            writer.write(block)
            if writer.transport.get_write_buffer_size() == 0:
                return not answer.done()
            drained = asyncio.create_task(writer.drain())
            either: set[asyncio.Future[Any]] = {drained, answer}
            try:
                seconds = self._within(self._times.data_block)
                await asyncio.wait(either, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
                if answer.done():
                    return False
                if not drained.done():
                    raise TimeoutError
                await drained
            finally:
                drained.cancel()
                await asyncio.gather(drained, return_exceptions=True)
        except (SMTPException, OSError) as error:
            await asyncio.sleep(0)
            if answer.done() and not answer.cancelled() and answer.exception() is None:
                return False  # it said why before it went
            raise Dropped(lost_reply(error)) from error
        return True

    async def _await_final_reply(self, answer: "asyncio.Future[SMTPResponse]") -> SMTPResponse:
        """The reply to the final dot. A cancellation waits for it: that a message was taken must not be lost."""
        loop = asyncio.get_running_loop()
        until, is_cancelled = loop.time() + self._times.final, False
        while not answer.done():
            if loop.time() >= until:
                raise asyncio.CancelledError if is_cancelled else TimeoutError
            try:
                await asyncio.wait({answer}, timeout=max(0.0, until - loop.time()))
            except asyncio.CancelledError:
                if is_cancelled:
                    raise
                until, is_cancelled = min(until, loop.time() + self._times.held_back), True
        return answer.result()

    # --- common --------------------------------------------------------------------------------------------------

    async def _command(self, command: bytes, seconds: float | None = None, *, may_ask: bool = False) -> Reply:
        return await self._session.command(command, self._within(seconds or self._times.command), may_ask=may_ask)

    def _within(self, seconds: float) -> float:
        return max(0.001, min(seconds, self._deadline - asyncio.get_running_loop().time()))

    def _file(self, copies: Sequence[Copy], reply: Reply) -> list[Copy]:
        """File one reply as the outcome of copies. Returns the copies that go on: none."""
        evidence = self._session.evidence
        outcome: Outcome
        match reply.code // 100:
            case 2:
                outcome = Sent(reply, evidence, dsn_passed="dsn" in self._session.extensions)
            case 5:
                outcome = Refused(reply, evidence)
            case _:
                outcome = Deferred(reply, evidence)
        self.outcomes.update({copy.key: outcome for copy in copies})
        return []


def _early(answer: "asyncio.Future[SMTPResponse]") -> Reply:
    """What a peer said before the message was whole: only a refusal can be meant."""
    error = answer.exception()
    reply = lost_reply(error) if error is not None else read_reply(answer.result())
    return reply if reply.code >= 400 else Reply(451, "4.5.0", "The mail server answered before the end of the message")


def _stuffed(raw: bytes) -> bytes:
    """With dots doubled; some megabytes at a time, for to do it in one call would keep the event loop waiting."""
    pieces: list[bytes] = []
    start = 0
    while start < len(raw):
        stop = raw.find(b"\n", start + _LARGE) + 1 or len(raw)
        stop += raw[stop : stop + 1] == b"."
        pieces.append(raw[start:stop].replace(b"\r\n.", b"\r\n.."))
        start = stop
    stuffed = b"".join(pieces) if len(pieces) != 1 else pieces[0]
    return b"." + stuffed if stuffed.startswith(b".") else stuffed


def _domain_in_ascii(address: str) -> str:
    """The address with its domain in A-labels; as it is, if that cannot be."""
    local, at, domain = address.rpartition("@")
    if domain.isascii():
        return address
    try:
        return f"{local}{at}{a_labels(domain)}"
    except UnicodeError:
        return address


def _is_address(address: str) -> bool:
    """Can it stand between < and > without meaning anything else?"""
    return _ADDRESS.fullmatch(address) is not None and address.encode("utf-8", "replace").decode() == address
