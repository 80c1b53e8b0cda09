"""What DATA does from 354 to the last reply: one message is received, checked and handed to the Taker."""

import asyncio
import errno
from typing import Final, Protocol

from structlog import get_logger

from delivery.items import Reply
from gateway.smtp import replies
from gateway.smtp.admission import Proven
from gateway.smtp.budget import Share
from gateway.smtp.commands import MailFrom
from gateway.smtp.data import DataReceiver, Flaw
from gateway.smtp.received import received_line
from gateway.smtp.reception import Door
from gateway.smtp.settings import BareNewline
from gateway.smtp.wire import Hangup
from gateway.telemetry import where
from keys.tokens import new_id
from policy.message import Client, Envelope, Recipient

log = get_logger(__name__)

_LARGE: Final = 4 * 2**20  # bytes: the pieces of a larger message are joined in a thread, since it takes long
_STEP: Final = 2**18  # bytes of memory asked for at once
_REFUSALS: Final = {
    Flaw.TOO_BIG: replies.TOO_BIG,
    Flaw.BARE_NEWLINE: replies.BARE_NEWLINE,
    Flaw.NUL: replies.HAS_NUL,
    Flaw.LONG_LINE: replies.LINE_ENDLESS,
    Flaw.LARGE_HEADER: replies.HEADER_ENDLESS,
    Flaw.LOOPS: replies.LOOPS,
    Flaw.NO_ROOM: replies.NO_ROOM,
}


class Pipe(Protocol):
    """The connection, as far as a message needs it; `wire.Wire` is the real one."""

    def say(self, reply: Reply) -> None:
        """Queue a reply."""

    async def read_piece(self, seconds: float) -> bytes:
        """The next input; Hangup at the end of input or after `seconds`."""

    def unread(self, piece: bytes) -> None:
        """Put back input behind the end of the message."""


class Transfer:
    """Receives one message; used once."""

    def __init__(
        self,
        pipe: Pipe,
        door: Door,
        client: Client,
        mail: MailFrom,
        recipients: tuple[Recipient, ...],
        *,
        who: Proven,
        extended: bool,
    ) -> None:
        self._pipe = pipe
        self._door = door
        self._house = door.house
        self._mail = mail
        self._extended = extended
        self._senders = door.admission.senders(who) if mail.sender is None else None
        self._client = client
        self._recipients = recipients
        self._receiver: DataReceiver | None = None  # while bytes come in
        self._share: Share
        self._began = 0.0

    async def run(self) -> Reply:
        """Receive the message and hand it over; the reply to the client. Hangup if it went away or was too slow."""
        client = self._client.address.packed[:8]  # of an IPv6 host its /64
        size = self._mail.size
        most = self._room(size or self._house.limits.message)
        with self._house.budget.share(client, self._give_way, most=most) as share:
            if not await share.reach(self._room(size), self._house.patience.room):
                return replies.NO_ROOM
            envelope = self._envelope()
            receiver = DataReceiver(
                max_bytes=self._house.limits.message,
                normalise=self._house.smtp.bare_newline is BareNewline.NORMALISE,
                name=self._house.hostname,
                before=received_line(envelope, self._house.hostname, extended=self._extended),
            )
            self._pipe.say(replies.START_DATA)
            self._receiver, self._share, self._began = receiver, share, self._house.seconds()
            try:
                await self._receive(receiver, share)
            finally:
                self._receiver = None
            share.complete()
            large = receiver.size > _LARGE
            raw = await asyncio.to_thread(receiver.message) if large else receiver.message()
            if receiver.flaw is not None:
                return self._refuse(envelope, receiver.flaw)
            del receiver
            return await self._hand_over(envelope, raw)

    def _envelope(self) -> Envelope:
        mail = self._mail
        return Envelope(
            id=new_id(),
            sender=mail.sender,
            recipients=self._recipients,
            client=self._client,
            received_at=self._house.clock(),
            inbound=self._door.admission.is_inbound,
            stranger=self._door.admission.is_stranger(self._client.address),
            smtputf8=mail.smtputf8,
            eight_bit=mail.eight_bit,
            ret=mail.ret,
            envid=mail.envid,
            require_tls=mail.require_tls,
            senders=self._senders,
        )

    async def _receive(self, receiver: DataReceiver, share: Share) -> None:
        """Feed the receiver until the message ends. Of one that is too big the rest is swallowed, but not for ever.

        A client has `patience.stall` seconds, earns more with each byte (`patience.bytes_per_second`), and never has
        more than `stall` left: so it may pause once, but not trickle.
        """
        patience = self._house.patience
        seconds_left = patience.stall
        endless = 2 * self._house.limits.message + 2**20
        while True:
            started = self._house.seconds()
            piece = await self._pipe.read_piece(min(seconds_left, patience.stall))
            behind = receiver.feed(piece)
            if behind is not None:
                self._pipe.unread(behind)
                return
            earned = len(piece) / patience.bytes_per_second
            seconds_left = min(patience.stall, seconds_left - (self._house.seconds() - started) + earned)
            if seconds_left <= 0:
                raise Hangup(replies.TOO_SLOW)
            if receiver.flaw is not None:
                share.drop()
                if receiver.swallowed > endless:
                    raise Hangup(_REFUSALS[receiver.flaw])
            elif receiver.held > share.held and not await share.reach(self._room(receiver.held), patience.room):
                receiver.spoil(Flaw.NO_ROOM)

    def _give_way(self) -> None:
        """Called while others wait for memory: if this message fills what it reserved too slowly, give its memory back.

        The message is then refused with 452 at its end.
        """
        receiver, patience = self._receiver, self._house.patience
        if receiver is None or receiver.flaw is not None:
            return
        seconds = self._house.seconds() - self._began
        if seconds > patience.reserved_grace and receiver.swallowed * patience.reserved < seconds * self._share.held:
            receiver.spoil(Flaw.NO_ROOM)
            self._share.drop()
            log.info("smtp.gave_way", client=str(self._client.address), seconds=round(seconds))

    def _room(self, needed: int) -> int:
        """How much memory to ask for: more than is needed now, to ask less often, but never more than there is."""
        return max(needed, min(needed + _STEP, self._house.budget.total))

    def _refuse(self, envelope: Envelope, flaw: Flaw) -> Reply:
        log.info("smtp.message_refused", message=envelope.id, client=str(self._client.address), flaw=flaw.value)
        return _REFUSALS[flaw]

    async def _hand_over(self, envelope: Envelope, raw: bytes) -> Reply:
        """Hand the message to the Taker. Whatever it raises is our failure: 451 or 452, and the client keeps it."""
        refusal = self._house.take_room(len(raw))
        if refusal is not None:
            return refusal
        try:
            return await self._door.taker.take(envelope, raw)
        except MemoryError:
            return replies.NO_ROOM
        except Exception as error:  # noqa: BLE001  # the top of a message's way: nothing may become a 5xx or a detail
            log.error("smtp.message_failed", message=envelope.id, error=type(error).__name__, at=where(error))
            is_full = isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT, errno.ENOMEM}
            return replies.NO_ROOM if is_full else replies.FAILED
