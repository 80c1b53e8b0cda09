"""Scans a message and decides about it: in the event loop if that is quick, else in a thread, so that nobody waits.

Clients that were answered together send their next messages together. So those that are ready in the same turn of the
event loop are scanned as one text: a search has a fixed price, most of which is paid while the engine's tables come
into the processor's cache.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from structlog import get_logger

from gateway.seams import Rules, Scans
from keys.tokens import new_id
from policy.decision import Verdict
from policy.engine import Facts
from policy.message import Envelope, Message
from rules.content import Content
from rules.finding import Finding, Scanned

log = get_logger(__name__)
# Beyond any of these a message is scanned in a thread. A page of numbers takes a hundred times as long as one of prose.
_HEAVY_CHARACTERS: Final = 6_000
_HEAVY_DIGITS: Final = 600
_HEAVY_ODD: Final = 400  # UTF-8 bytes in excess of the characters: how much of the text is not ASCII
_HEAVY_RECIPIENTS: Final = 20
_TOGETHER: Final = 8  # messages scanned as one: more are no cheaper
# That many steps of scanning (`rules.budget`) hold the event loop for some milliseconds. Of ordinary mail one in a
# hundred takes 140; made for it, some kilobytes take 17,000.
_STEPS: Final = 400


@dataclass(frozen=True, slots=True)
class Decided:
    """What came of one message. `seen` is the message, with texts that could not be searched marked as unreadable."""

    seen: Message
    findings: tuple[Finding, ...]
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A message that waits to be scanned."""

    matcher: Scans
    content: Content
    answer: asyncio.Future[Scanned | None]


class BatchScanner:
    """Scans messages that wait in the same turn of the event loop as one, if that is quick. One for each event loop."""

    def __init__(self) -> None:
        self._waiting: list[_Waiting] = []

    async def scan(self, matcher: Scans, content: Content) -> Scanned:
        """What `matcher.scan` gives or raises: in one of the loop's next turns, or from a thread if it takes long."""
        loop = asyncio.get_running_loop()
        if not self._waiting:
            loop.call_soon(self._scan_some, loop)
        one = _Waiting(matcher, content, loop.create_future())
        self._waiting.append(one)
        scanned = await one.answer
        return await asyncio.to_thread(matcher.scan, content) if scanned is None else scanned

    def _scan_some(self, loop: asyncio.AbstractEventLoop) -> None:
        matcher = self._waiting[0].matcher  # after a reload those that came before it wait for another
        now, later = list[_Waiting](), list[_Waiting]()
        for one in self._waiting:
            (now if one.matcher is matcher and len(now) < _TOGETHER else later).append(one)
        self._waiting = later
        if later:
            loop.call_soon(self._scan_some, loop)
        now = [one for one in now if not one.answer.done()]  # else its client has gone
        found: Sequence[Scanned | None]
        try:
            found = matcher.scan_within([one.content for one in now], _STEPS)
        except Exception as error:  # noqa: BLE001 - whose message it was each finds out by itself
            log.error("intake.scan_failed", messages=len(now), error=type(error).__name__)
            found = [None] * len(now)
        for one, scanned in zip(now, found, strict=True):
            one.answer.set_result(scanned)


async def decide(rules: Rules, envelope: Envelope, message: Message, scanner: BatchScanner) -> Decided:
    """Scan and decide; in a thread where that takes long enough to hold up other sessions."""

    def decided(scanned: Scanned) -> Decided:
        seen = replace(message, content=scanned.content)
        verdict = rules.policy.decide(envelope, seen, scanned.findings, Facts(new_id=new_id))
        return Decided(seen, scanned.findings, verdict)

    def work() -> Decided:
        return decided(rules.matcher.scan(message.content))

    if len(envelope.recipients) > _HEAVY_RECIPIENTS or is_heavy(message.content):
        return await asyncio.to_thread(work)
    return decided(await scanner.scan(rules.matcher, message.content))


def is_heavy(content: Content) -> bool:
    """Whether scanning this can take so long that other sessions would notice."""
    if sum(len(part.text) for part in content.parts) > _HEAVY_CHARACTERS:
        return True
    text = "".join(part.text for part in content.parts)
    odd = 0 if text.isascii() else len(text.encode("utf-8", "replace")) - len(text)
    return odd > _HEAVY_ODD or sum(map(text.count, "0123456789")) > _HEAVY_DIGITS
