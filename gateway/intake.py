"""A message's whole way in: read, decide, enqueue, answer.

Whatever fails here is answered 451 or 452, so that the client keeps the message and tries again.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from structlog import get_logger

from delivery.errors import DeliveryError, StoreFull
from delivery.hops import Fallback
from delivery.items import NewMessage, Reply
from delivery.safebox.profile import Profile
from delivery.store.audit import Event, EventKind
from gateway.deciding import BatchScanner, Decided, decide
from gateway.orders import (
    INBOUND,
    events_of,
    inbound_event,
    inbound_items,
    items_of,
    namespace_of,
    owner_of,
    rejection,
)
from gateway.seams import Keeps, KnowsMailboxes, Policies, Promises, Reads, Rules, TakesBounces, Writes
from gateway.smtp.budget import MemoryBudget
from gateway.smtp.replies import FAILED, NO_ROOM, accepted
from gateway.telemetry import Metrics
from gateway.verdictnotices import notices_of
from keys.tokens import new_id
from policy.decision import Action, Route, Verdict
from policy.engine import Facts
from policy.message import Address, Envelope

log = get_logger(__name__)

NOT_OUR_BOUNCE: Final = Reply(550, "5.1.1", "No such return address")
NOBODY: Final = Reply(550, "5.1.1", "No such recipient here")
_LARGE: Final = 2**20  # bytes: reading takes several times a message's size, so few larger ones are read at once
_LARGE_AT_ONCE: Final = 12 * 2**20  # bytes of large messages being read
_LARGE_WAIT: Final = 300.0  # seconds to wait for a turn; RFC 5321 4.5.3.2.6: clients wait ten minutes for the answer
_NAMESPACE: Final = "default"  # of mail from outside


@dataclass(frozen=True, slots=True)
class Intake:
    """Takes what the door received. `bounces` is the domain of our signed return addresses."""

    reader: Reads
    policies: Policies
    queue: Keeps
    composer: Writes
    boxes: TakesBounces
    note: Callable[[Sequence[Event]], Awaitable[None]]  # writes audit events in a transaction of their own
    fallbacks: Mapping[str, Fallback]  # of partners, by name
    bounces: str | None
    metrics: Metrics
    clock: Callable[[], datetime]
    profiles: Mapping[str, Profile] = field(default_factory=dict)
    mailboxes: KnowsMailboxes | None = None  # tells which recipients of our own domains exist; None: nobody is asked
    promises: Promises | None = None  # which domains count as partners by what they publish; None: none (`proven` off)
    reading: MemoryBudget = field(default_factory=lambda: MemoryBudget(_LARGE_AT_ONCE))  # for large messages only
    scanner: BatchScanner = field(default_factory=BatchScanner)

    async def expects(self, recipient: Address, *, ask: bool) -> Reply | None:
        """Asked at RCPT: None, or the reply that says there is no such recipient.

        Our own return addresses are looked up; for any other, if `ask`, the server of `inside` is asked. What that
        server would refuse later is better refused now: once accepted, there may be nobody left to tell.
        """
        if recipient.domain != self.bounces:
            asked = ask and self.mailboxes is not None and await self.mailboxes.is_unknown(str(recipient))
            return NOBODY if asked else None
        try:
            return None if await self.boxes.is_return_address(str(recipient)) else NOT_OUR_BOUNCE
        except DeliveryError as error:
            log.error("intake.cannot_tell", error=type(error).__name__)
            return FAILED

    async def take(self, envelope: Envelope, raw: bytes) -> Reply:
        """Read, decide, enqueue, answer. 250 only once message, items and events are on disk.

        A DeliveryError is answered here, with 451 or 452; any other exception is raised, and the door answers 451.
        """
        started = time.monotonic()
        try:
            reply = await self._take(envelope, raw)
        except StoreFull:
            reply = NO_ROOM
        except DeliveryError as error:
            log.error("intake.not_kept", message=envelope.id, error=type(error).__name__)
            reply = FAILED
        if reply.code == 250:
            self.metrics.accepted(inbound=envelope.inbound, size=len(raw), seconds=time.monotonic() - started)
        answer, client = f"{reply.code} {reply.status}", str(envelope.client.address)
        log.info("intake.answered", message=envelope.id, reply=answer, size=len(raw), client=client)
        return reply

    async def _take(self, envelope: Envelope, raw: bytes) -> Reply:
        returned = [r for r in envelope.recipients if r.address.domain == self.bounces]
        if returned:
            taken = [await self.boxes.take_bounce(str(recipient.address), raw) for recipient in returned]
            others = tuple(r for r in envelope.recipients if r.address.domain != self.bounces)
            if not all(taken):
                log.warning("intake.unknown_return_address", message=envelope.id)
            if not others:
                return accepted(envelope.id) if any(taken) else NOT_OUR_BOUNCE
            envelope = replace(envelope, recipients=others)
        return await (self._take_inbound if envelope.inbound else self._take_outbound)(envelope, raw)

    async def _take_outbound(self, envelope: Envelope, raw: bytes) -> Reply:
        if len(raw) <= _LARGE:
            return await self._take_in_turn(envelope, raw)
        with self.reading.share() as share:
            if not await share.reach(min(len(raw), self.reading.total), _LARGE_WAIT):
                return NO_ROOM
            return await self._take_in_turn(envelope, raw)

    async def _take_in_turn(self, envelope: Envelope, raw: bytes) -> Reply:
        rules = self.policies.in_force
        message = await self.reader.read(raw, rules.policy.passwords)
        decided = await decide(rules, envelope, message, self.scanner)
        findings, verdict = decided.findings, decided.verdict
        if self.promises is not None:
            verdict = await self._with_promises(rules, envelope, decided, self.promises)
        for decision in verdict.decisions:
            self.metrics.decided(decision.route.value, decision.rule)
            log.info(
                "intake.decided", message=envelope.id, decision=decision.id, route=decision.route, rule=decision.rule
            )
        if all(decision.route is Route.REJECT for decision in verdict.decisions):
            await self.note(events_of(envelope, message, verdict, findings, EventKind.MESSAGE_REFUSED))
            return rejection(verdict.decisions[0])
        owner = owner_of(envelope, message, rules.policy.directory)
        await self.queue.accept(
            self._new(envelope, raw, namespace_of(verdict), owner, message.subject),
            items_of(envelope, verdict, self.fallbacks),
            events_of(envelope, message, verdict, findings, EventKind.MESSAGE_ACCEPTED),
            notices_of(
                self.composer,
                envelope,
                message,
                verdict,
                raw=raw,
                directory=rules.policy.directory,
                profiles=self.profiles,
                now=self.clock(),
            ),
        )
        return accepted(envelope.id)

    async def _with_promises(self, rules: Rules, envelope: Envelope, decided: Decided, promises: Promises) -> Verdict:
        """The verdict, made anew if a domain that would get a SafeBox publishes proof of its TLS (`proven`).

        DNS is asked only now, and only for those domains: nobody else's mail waits for it.
        """
        directory = rules.policy.directory
        boxed = {
            recipient.address.domain
            for recipient, decision in zip(envelope.recipients, decided.verdict.decisions, strict=True)
            if decision.action is Action.SECURE
            and decision.route is Route.SAFEBOX
            and not directory.is_ours(recipient.address)
        }
        proves = await promises.of(sorted(boxed)) if boxed else {}
        if not any(proves.values()):
            return decided.verdict
        facts = Facts(new_id=new_id, proves_tls=proves)
        return await asyncio.to_thread(rules.policy.decide, envelope, decided.seen, decided.findings, facts)

    async def _take_inbound(self, envelope: Envelope, raw: bytes) -> Reply:
        """Mail from outside goes inside unchanged: the policy is for mail that leaves."""
        decision_id = new_id()
        directory = self.policies.in_force.policy.directory
        self.metrics.decided(Route.RELAY.value, INBOUND)
        log.info("intake.decided", message=envelope.id, decision=decision_id, route=Route.RELAY, rule=INBOUND)
        await self.queue.accept(
            self._new(envelope, raw, _NAMESPACE, owner_of(envelope, None, directory), ""),
            inbound_items(envelope, decision_id),
            inbound_event(envelope, len(raw), _NAMESPACE, decision_id),
        )
        return accepted(envelope.id)

    def _new(self, envelope: Envelope, raw: bytes, namespace: str, owner: str, subject: str) -> NewMessage:
        return NewMessage(
            namespace=namespace,
            sender=str(envelope.sender) if envelope.sender is not None else None,
            owner=owner,
            subject=subject,
            raw=raw,
            received_at=envelope.received_at,
            client=str(envelope.client.address),
            smtputf8=envelope.smtputf8,
            eight_bit=envelope.eight_bit or not raw.isascii(),
            ret=envelope.ret,
            envid=envelope.envid,
            require_tls=envelope.require_tls,
            id=envelope.id,
        )
