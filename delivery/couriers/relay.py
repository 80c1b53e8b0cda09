"""Ordinary mail, mail to partners, and mail over verified TLS: one courier, one code path, different demands.

What a destination demands of its peer is shown before MAIL FROM is said. Without it the items wait, with a reply that
names what was missing; they never go out in the clear.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType, TracebackType
from typing import Final, Self

import structlog

from delivery.couriers.changes import apply_changes, says_tls_not_required
from delivery.couriers.connections import ConnectionLimits, Connections
from delivery.couriers.courier import Deferred, Delivery, LeaseLost, Outcome, Refused, Sent
from delivery.couriers.dialling import Dialler
from delivery.couriers.proving import Policies
from delivery.couriers.session import NO_REQUIRETLS, Dropped, Session, Timeouts, Unreachable
from delivery.couriers.targets import Hops, NoTarget, Target, Wish
from delivery.couriers.transaction import Copy, Mailing, Transaction
from delivery.dkim import Signer
from delivery.hops import HopSettings, PartnerSettings
from delivery.items import TLS_REPORT, Destination, Item, Kind, Reply
from delivery.mx import OwnServer, Reach, Undeliverable
from delivery.resolving import DnsResolver, Resolver
from delivery.sections import Endpoint, Network
from delivery.verdicts import Watch, unwatched
from policy.decision import Route

log = structlog.get_logger(__name__)

_ASKED: Final = 50  # questions over one connection: servers slow down who says RSET a hundred times
_TARGETS_AT_ONCE: Final = 20  # of one delivery


class RelayCourier:
    """Brings deliveries of the routes relay, partner and tls to the next mail server. Opens nothing until used."""

    def __init__(
        self,
        hostname: str,
        next_hop: HopSettings,
        *,
        inside: HopSettings | None = None,
        partners: Mapping[str, PartnerSettings] = MappingProxyType({}),
        signer: Signer | None = None,
        resolver: Resolver | None = None,
        private: tuple[Network, ...] = (),
        policies: Policies | None = None,
        watch: Watch = unwatched,
        listening: tuple[Endpoint, ...] = (),
        times: Timeouts = Timeouts(),  # noqa: B008  # frozen
        limits: ConnectionLimits = ConnectionLimits(),  # noqa: B008  # frozen
    ) -> None:
        """`private`: networks off the internet where hosts may be that DNS names. `policies` knows MTA-STS policies,
        `watch` hears how TLS went with each host; `listening`: our doors.
        """
        self._hops = Hops(next_hop, inside, partners)
        self._signer = signer
        self._times = times
        own_server = OwnServer(hostname, listening)
        dialler = Dialler(
            own_server, resolver or DnsResolver(), times, reach=Reach(private), policies=policies, watch=watch
        )
        self._connections = Connections(dialler.dial, limits)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Say QUIT on every idle connection; those in use close when their message is through."""
        self._connections.close()

    async def deliver(self, delivery: Delivery) -> Mapping[str, Outcome]:
        """One outcome for each item id.

        A cancellation is raised, unless a peer has taken the message for some item: then the outcomes are returned as
        usual (those of items not tried are Lost), and the task's `cancelling()` tells that it was cancelled.
        """
        outcomes: dict[str, Outcome] = {}
        targets = self._by_target(delivery, outcomes)
        raw = apply_changes(delivery.message.raw, delivery.items[0].changes)
        if self._signer is not None:  # after every change: a signature is of the bytes that go out
            raw = await self._signer.signed(delivery.message, delivery.items[0], raw)
        places = asyncio.Semaphore(_TARGETS_AT_ONCE)

        async def bring(target: Target, items: list[Item]) -> None:
            async with places:
                await self._to_target(delivery, target, items, raw, outcomes)

        try:
            if len(targets) == 1:
                for target, items in targets.items():
                    await self._to_target(delivery, target, items, raw, outcomes)
            else:
                async with asyncio.TaskGroup() as tasks:
                    for target, items in targets.items():
                        tasks.create_task(bring(target, items))
        except asyncio.CancelledError:
            if not any(isinstance(outcome, Sent) for outcome in outcomes.values()):
                raise
        return {item.id: outcomes.get(item.id, LeaseLost()) for item in delivery.items}

    async def probe_recipient(self, destination: Destination, recipient: str) -> Reply | None:
        """What the destination's server replies to RCPT for this address (ASCII); no message is sent. None: it refuses
        the sender `<>`, and so says nothing of the recipient. Raises Unreachable, Undeliverable, Dropped and NoTarget.
        """
        target = self._hops.target(destination, recipient)
        for fresh in (False, True):
            async with self._connections.borrow(target, fresh=fresh) as (session, is_used):
                try:
                    return await self._ask(session, recipient)
                except Dropped:
                    if not is_used:
                        raise
        raise AssertionError("a fresh connection is not a used one")

    async def _ask(self, session: Session, recipient: str) -> Reply | None:
        session.is_spent = True  # until it said yes: servers count each no against who asks
        reply = await session.command(b"MAIL FROM:<>", self._times.command)
        if reply.code // 100 != 2:
            return None
        reply = await session.command(f"RCPT TO:<{recipient}>".encode("ascii"), self._times.command)
        if reply.code // 100 == 2:
            session.asked += 1
            reset = await session.command(b"RSET", self._times.command)
            session.is_spent = reset.code // 100 != 2 or session.asked >= _ASKED
        return reply

    def _by_target(self, delivery: Delivery, outcomes: dict[str, Outcome]) -> dict[Target, list[Item]]:
        targets: dict[Target, list[Item]] = {}
        wish = self._wish(delivery)
        for item in delivery.items:
            try:
                targets.setdefault(self._hops.target(delivery.destination, item.recipient, wish), []).append(item)
            except NoTarget as error:
                insecure = delivery.destination.route is not Route.RELAY
                outcomes[item.id] = Deferred(Reply(451, "4.3.5", str(error)), insecure=insecure)
        return targets

    def _wish(self, delivery: Delivery) -> Wish:
        """What the message itself asks of the way. A bounce is rather told unprotected than not at all (RFC 8689 5)."""
        message = delivery.message
        if message.require_tls:
            return Wish.NOTHING if message.sender is None else Wish.REQUIRE_TLS
        # Only a client's ordinary mail may waive what its recipients' domains publish.
        item = delivery.items[0]
        if item.kind is Kind.NOTICE and item.rule == TLS_REPORT:
            return Wish.WITHOUT_POLICY  # it tells of TLS that may not work (RFC 8460 3)
        ordinary = delivery.destination.route is Route.RELAY and item.kind is Kind.MAIL
        if ordinary and self._hops.next_hop.mx and says_tls_not_required(message.raw):
            return Wish.WITHOUT_POLICY
        return Wish.NOTHING

    async def _to_target(
        self, delivery: Delivery, target: Target, items: list[Item], raw: bytes, outcomes: dict[str, Outcome]
    ) -> None:
        message = delivery.message
        step = target.limits.recipients
        for at in range(0, len(items), step):
            if is_cancelled():
                return
            group = items[at : at + step]
            copies = tuple(Copy(item.id, item.recipient, item.notify, item.orcpt) for item in group)
            mailing = Mailing(
                message.sender,
                copies,
                raw,
                delivery.lease.confirm,
                message.smtputf8,
                message.ret,
                message.envid,
                message.require_tls,
            )
            try:
                dropped = await self._mail(target, mailing, outcomes)
                if len(dropped) > 1 and any(item.attempts for item in group):
                    await self._one_by_one(target, mailing, dropped, outcomes)
            except Exception:
                # The top of a delivery to one target: a surprise here must not lose what others have taken.
                log.exception("smtp.surprise", message=message.id, route=delivery.destination.route)
                reply = Reply(451, "4.3.0", "The mail could not be handed on for a reason of our own")
                surprised = _for_all(mailing, Deferred(reply, insecure=target.demands_tls))
                outcomes.update({key: one for key, one in surprised.items() if not isinstance(outcomes.get(key), Sent)})

    async def _one_by_one(
        self, target: Target, mailing: Mailing, dropped: list[Copy], outcomes: dict[str, Outcome]
    ) -> None:
        """On a later attempt, where the peer hung up again: one recipient that it hangs up at must not keep the others
        from their mail until all expire."""
        for copy in dropped:
            if is_cancelled():
                return
            await self._mail(target, replace(mailing, copies=(copy,)), outcomes)

    async def _mail(self, target: Target, mailing: Mailing, found: dict[str, Outcome]) -> list[Copy]:
        """One transaction; a second one, on a fresh connection, where a kept connection turns out to be dead.

        Puts an outcome for each copy into `found`; gives those of which the peer said nothing before it hung up.
        """
        for fresh in (False, True):
            outcomes: dict[str, Outcome] = {}
            dropped: list[Copy] = []
            try:
                async with self._connections.borrow(target, fresh=fresh) as (session, is_used):
                    try:
                        await self._transact(session, mailing, outcomes)
                    except Dropped as error:
                        log.info("smtp.dropped", host=session.evidence.host, kept=is_used, reply=str(error.reply))
                        if is_used:
                            continue
                        silent = error.reply.status == "4.4.2" and not outcomes
                        outcome = Deferred(error.reply, session.evidence, unreached=silent)
                        dropped = [copy for copy in mailing.copies if copy.key not in outcomes]
                        outcomes |= {copy.key: outcome for copy in dropped}
            except Unreachable as error:
                outcomes = _for_all(mailing, _unreached(target, error))
            except Undeliverable as error:
                outcomes = _for_all(mailing, Refused(error.reply))
            found.update(outcomes)
            return dropped
        raise AssertionError("a fresh connection is not a used one")

    async def _transact(self, session: Session, mailing: Mailing, outcomes: dict[str, Outcome]) -> None:
        transaction = Transaction(session, mailing, self._times)
        try:
            await transaction.run()
        finally:
            outcomes.update(transaction.outcomes)


def _for_all(mailing: Mailing, outcome: Outcome) -> dict[str, Outcome]:
    return {copy.key: outcome for copy in mailing.copies}


def _unreached(target: Target, error: Unreachable) -> Outcome:
    """A message that may go only where it stays protected comes back once it is clear that it cannot (RFC 8689 4.2.1).

    Partners and proven servers have a fallback of their own for want of proof; none for a host that proves itself and
    then does not promise to keep the message protected.
    """
    if target.requires_tls and (error.lacks_requiretls or (error.is_final and target.bounces_unproven)):
        reply = (
            NO_REQUIRETLS
            if error.lacks_requiretls
            else replace(NO_REQUIRETLS, text=f"{NO_REQUIRETLS.text}; {error.reply.text}")
        )
        return Refused(reply, error.evidence)
    # We had no place for a connection: that is ours. That a message asks for more says nothing of the others.
    unreached = error.reply.status != "4.4.5" and not target.requires_tls
    return Deferred(error.reply, error.evidence, insecure=error.insecure, unreached=unreached)


def is_cancelled() -> bool:
    """Was the running task cancelled, although CancelledError was held back to keep an outcome?"""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
