"""From 354 to the last reply: one message received, checked and handed over."""

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

_LARGE: Final = 4 * 2**20  # bytes: to put the pieces of such a message together takes long
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
    """The connection, as far as a message needs it."""

    def say(self, reply: Reply) -> None:
        """Put a reply in line."""

    async def read_piece(self, seconds: float) -> bytes:
        """What came next."""

    def unread(self, piece: bytes) -> None:
        """Put back what was not ours."""


class Transfer:
    """One message on its way in."""

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
        """Receive it and hand it over. Hangup where the client went away or was too slow."""
        client = self._client.address.packed[:8]  # of an IPv6 host its /64
        with self._house.budget.share(client, self._give_way) as share:
            if not await share.reach(self._room(self._mail.size), self._house.patience.room):
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
        """Feed the receiver to the end. What is too big is swallowed for a while, then cut off."""
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
        """Somebody waits for memory: what is reserved here and fills too slowly is let go, and refused at the end."""
        receiver, patience = self._receiver, self._house.patience
        if receiver is None or receiver.flaw is not None:
            return
        seconds = self._house.seconds() - self._began
        if seconds > patience.reserved_grace and receiver.swallowed * patience.reserved < seconds * self._share.held:
            receiver.spoil(Flaw.NO_ROOM)
            self._share.drop()
            log.info("smtp.gave_way", client=str(self._client.address), seconds=round(seconds))

    def _room(self, needed: int) -> int:
        """The memory to ask for: some more than is needed now, never more than there is."""
        return max(needed, min(needed + _STEP, self._house.budget.total))

    def _refuse(self, envelope: Envelope, flaw: Flaw) -> Reply:
        log.info("smtp.message_refused", message=envelope.id, client=str(self._client.address), flaw=flaw.value)
        return _REFUSALS[flaw]

    async def _hand_over(self, envelope: Envelope, raw: bytes) -> Reply:
        """Ask the taker. Anything but its answer is a failure of ours: the client keeps the message."""
        try:
            return await self._door.taker.take(envelope, raw)
        except MemoryError:
            return replies.NO_ROOM
        except Exception as error:  # noqa: BLE001  # the top of a message's way: nothing may become a 5xx or a detail
            log.error("smtp.message_failed", message=envelope.id, error=type(error).__name__, at=where(error))
            is_full = isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT, errno.ENOMEM}
            return replies.NO_ROOM if is_full else replies.FAILED
