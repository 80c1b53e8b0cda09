"""Scan a message and decide about it: in the event loop if that is quick, else in a thread, so that nobody waits."""

import asyncio
from dataclasses import dataclass, replace
from typing import Final

from gateway.seams import Rules
from keys.tokens import new_id
from policy.decision import Verdict
from policy.engine import Facts
from policy.message import Envelope, Message
from rules.content import Content
from rules.finding import Finding

# Beyond any of these a message is scanned in a thread. A page of numbers takes a hundred times as long as one of prose.
_HEAVY_CHARACTERS: Final = 6_000
_HEAVY_DIGITS: Final = 600
_HEAVY_ODD: Final = 400  # UTF-8 bytes in excess of the characters: how much of the text is not ASCII
_HEAVY_RECIPIENTS: Final = 20


@dataclass(frozen=True, slots=True)
class Decided:
    """What came of one message. `seen` is the message with the parts that detectors could not look at told in it."""

    seen: Message
    findings: tuple[Finding, ...]
    verdict: Verdict


async def decide(rules: Rules, envelope: Envelope, message: Message) -> Decided:
    """Scan and decide; in a thread where that takes long enough to hold up other sessions."""

    def work() -> Decided:
        scanned = rules.matcher.scan(message.content)
        seen = replace(message, content=scanned.content)
        verdict = rules.policy.decide(envelope, seen, scanned.findings, Facts(new_id=new_id))
        return Decided(seen, scanned.findings, verdict)

    if len(envelope.recipients) > _HEAVY_RECIPIENTS or is_heavy(message.content):
        return await asyncio.to_thread(work)
    return work()


def is_heavy(content: Content) -> bool:
    """Whether scanning this can take so long that other sessions would notice."""
    if sum(len(part.text) for part in content.parts) > _HEAVY_CHARACTERS:
        return True
    text = "".join(part.text for part in content.parts)
    odd = 0 if text.isascii() else len(text.encode("utf-8", "replace")) - len(text)
    return odd > _HEAVY_ODD or sum(map(text.count, "0123456789")) > _HEAVY_DIGITS
