"""Asks the mail server of our own domains, while a client waits at RCPT, whether it has a recipient.

What it would refuse is refused at the door: if we accepted it, a report would have to go to a sender whom anybody may
have forged. If no answer comes in time, the recipient counts as there.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Final

import structlog

from delivery.errors import DeliveryError
from delivery.items import Destination, Reply
from policy.decision import Route

log = structlog.get_logger(__name__)

Ask = Callable[[Destination, str], Awaitable[Reply | None]]  # RelayCourier.probe_recipient

_INSIDE: Final = Destination(Route.RELAY, inside=True)
_PATIENCE: Final = 10.0  # seconds for an answer, connecting among them
_THERE: Final = 1800.0  # seconds for which a yes is believed
_MISSING: Final = 300.0  # and a no: a mailbox that was just made is soon found
_AT_ONCE: Final = 3  # questions under way: mail for the same server needs its connections, too
_SILENCE: Final = 30.0  # seconds for which a server that did not answer is left alone
_REMEMBERED: Final = 20_000  # recipients; who was asked for longest ago is forgotten first
# That there is no such mailbox, or that it takes nothing (RFC 3463 3.2, 3.3; Exchange says 5.4.1 for the former). What
# a server has against us or the sender says nothing of the recipient.
_OF_THE_RECIPIENT: Final = frozenset({"5.0.0", "5.1.0", "5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.1", "5.4.1"})


class Callout:
    """Asks the server by `ask`, and remembers the answers for a while. `seconds`: a monotonic clock."""

    def __init__(self, ask: Ask, seconds: Callable[[], float] = time.monotonic) -> None:
        self._ask = ask
        self._seconds = seconds
        self._known: OrderedDict[str, tuple[bool, float]] = OrderedDict()  # is it missing, and until when that counts
        self._silent_until = 0.0
        self._turns = asyncio.Semaphore(_AT_ONCE)

    async def is_unknown(self, recipient: str) -> bool:
        """Whether the server says that it has no such recipient; False also if it cannot be asked."""
        key = recipient.lower()
        missing, until = self._known.get(key, (False, 0.0))
        now = self._seconds()
        if now < until:
            return missing
        if not recipient.isascii() or now < self._silent_until:
            return False
        reply = await self._answer(recipient)
        if reply is None:
            return False
        missing = reply.code // 100 == 5 and reply.status in _OF_THE_RECIPIENT
        if missing or reply.code // 100 == 2:
            self._known[key] = (missing, self._seconds() + (_MISSING if missing else _THERE))
            self._known.move_to_end(key)
            while len(self._known) > _REMEMBERED:
                self._known.popitem(last=False)
        return missing

    async def _answer(self, recipient: str) -> Reply | None:
        asked = False
        try:
            async with asyncio.timeout(_PATIENCE), self._turns:
                asked = True
                return await self._ask(_INSIDE, recipient)
        except (DeliveryError, TimeoutError) as error:
            if asked:  # and not only waited for a turn
                self._silent_until = self._seconds() + _SILENCE
            log.info("callout.unanswered", asked=asked, error=type(error).__name__)
            return None
