"""Writes down what follows from couriers' outcomes (`following.py` decides it), in one transaction.

A result ends the item, makes it due again, holds it, or sends it another way. With it go the attempt, the audit
event, the report to the sender, and what the outcome itself asks for (making a SafeBox): all of it or nothing. A result
that comes after the lease has gone to another worker changes nothing, but is recorded as late.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

import structlog
from sqlalchemy import Connection

from delivery.couriers.courier import Deferred, LeaseLost, Outcome, Sent, Stored
from delivery.doubting import is_doubted
from delivery.errors import DeliveryError, StoreUnavailable
from delivery.fairness import after_failure
from delivery.following import Step, Tried, Work, plan, unforeseen_failure
from delivery.items import (
    ENDS,
    Attempt,
    Item,
    Kind,
    NewItem,
    OpenMessage,
    Reply,
    Report,
    SealedMessage,
    State,
)
from delivery.queue import Queue, enqueued_event
from delivery.store import items as rows
from delivery.store.audit import Event, EventKind, record_each
from delivery.store.doubts import WAIT
from delivery.store.messages import finish_messages, lock_messages
from policy.decision import Route

log = structlog.get_logger()


class ItemEnds(Protocol):
    """Who is told how mails of our own end, such as an invitation that bounces (`safebox/bounces.py`)."""

    async def ended(self, item: Item, state: State, reply: Reply) -> Work | None:
        """Asked before the transaction that ends the item; what it gives runs inside that transaction."""


class _Late(Exception):
    """Some items are no longer leased to us: undo the transaction, and record again with those as late."""

    def __init__(self, ids: set[str]) -> None:
        super().__init__("late")
        self.ids = ids


@dataclass(frozen=True, slots=True)
class _Result:
    """What is to be written of one message's tries. `late`: ids of items whose lease is known to be lost."""

    steps: Sequence[Step]
    late: frozenset[str]
    report: tuple[SealedMessage, NewItem] | None
    now: datetime

    @property
    def message_id(self) -> str:
        """The message whose tries these are."""
        return self.steps[0].item.message_id


class Results:
    """Writes down results. `jitter` gives numbers from 0 to 1."""

    def __init__(self, queue: Queue, ends: ItemEnds | None, jitter: Callable[[], float]) -> None:
        self._queue = queue
        self._ends = ends
        self._jitter = jitter

    async def record(self, message: OpenMessage, tried: Sequence[Tried], *, patience: float = 0.0) -> None:
        """Record what was tried of one message. Raises StoreUnavailable: try again.

        `patience`: seconds that results of mail that was simply sent may wait to share a commit with others.
        """
        try:
            await self._record(message, tried, patience)
        except StoreUnavailable:
            raise
        except Exception as error:  # top of a queue item: one item's surprise must not undo or repeat the others'
            if len(tried) > 1:
                await self._record_alone(message, tried)
            elif isinstance(tried[0].outcome, Deferred):
                raise
            else:
                log.warning("item.result_failed", item=tried[0].leased.item.id, error=type(error).__name__)
                await self._record_less(message, tried[0])

    async def _record_alone(self, message: OpenMessage, tried: Sequence[Tried]) -> None:
        """Each by itself. One that fails is told of once the others are written down."""
        failed: Exception | None = None
        for one in tried:
            try:
                await self.record(message, [one])
            except StoreUnavailable:
                raise
            except Exception as error:  # noqa: BLE001 - raised below
                failed = error
        if failed is not None:
            raise failed

    async def _record_less(self, message: OpenMessage, tried: Tried) -> None:
        """Of what was sent, at least that it was: a report that cannot be made is no reason to send it again."""
        if isinstance(tried.outcome, Sent):
            try:
                await self._record(message, [tried], bare=True)
            except StoreUnavailable:
                raise
            except Exception as error:  # noqa: BLE001 - tried again below, and told of
                log.error("item.sent_unrecorded", item=tried.leased.item.id, error=type(error).__name__)
            else:
                return
        await self.record(message, [replace(tried, outcome=unforeseen_failure())])

    async def _record(
        self, message: OpenMessage, tried: Sequence[Tried], patience: float = 0.0, *, bare: bool = False
    ) -> None:
        """`bare`: the results alone, without what follows from them."""
        now = self._queue.clock()
        if bare:
            steps = [replace(plan(one, now, self._queue.settings, self._jitter()), reports=()) for one in tried]
        else:
            steps = [await self._step(one, now) for one in tried]
        late: frozenset[str] = frozenset()
        while True:
            counted = [step for step in steps if step.item.id not in late]
            report = await self._report(message, counted, now)
            waits = patience if report is None and all(step.to is State.SENT for step in steps) else 0.0
            result = _Result(steps, late, report, now)
            try:
                blobs = await self._queue.db.write_one(self._apply_each, result, patience=waits)
            except _Late as found:
                self._discard(report, found)
                late |= found.ids
                continue
            except DeliveryError as error:
                self._discard(report, error)
                raise
            for step in steps:
                _tell(step, late=step.item.id in late)
            await self._queue.forget_blobs(blobs)
            if report is not None or any(step.to is State.DUE for step in counted):
                self._queue.wake()
            return

    def _discard(self, report: tuple[SealedMessage, NewItem] | None, error: Exception) -> None:
        if report is not None:
            self._queue.discard(report[0], error=error)

    async def _step(self, tried: Tried, now: datetime) -> Step:
        step = plan(tried, now, self._queue.settings, self._jitter())
        item = tried.leased.item
        if step.to is State.BOUNCED and item.expires_at <= now and await is_doubted(self._queue.db, now):
            leased = replace(tried.leased, item=replace(item, expires_at=now + WAIT))  # unless it is refused for good
            step = plan(replace(tried, leased=leased), now, self._queue.settings, self._jitter())
        if self._ends is not None and step.to in ENDS and step.item.kind is not Kind.MAIL:
            work = await self._ends.ended(step.item, step.to, step.reply)
            if work is not None:
                return replace(step, works=(*step.works, work))
        return step

    async def _report(
        self, message: OpenMessage, steps: Sequence[Step], now: datetime
    ) -> tuple[SealedMessage, NewItem] | None:
        reports = [
            Report(
                step.item,
                fate,
                step.reply,
                host=_host(step.tried.outcome),
                attempted_at=step.tried.ended_at,
                retry_until=step.retry_until,
            )
            for step in steps
            for fate in step.reports
        ]
        return await self._queue.seal_report(message, reports, now)

    # -- in the transaction ---------------------------------------------------------------------------------------

    def _apply_each(self, conn: Connection, results: "Sequence[_Result]") -> list[list[str]]:
        """Write everything; for each the blobs to unlink after the commit. Raises _Late where a lease is not ours."""
        ids = [result.message_id for result in results]
        lock_messages(conn, ids)
        self._move(conn, results)
        steps = [(step, step.item.id in result.late, result.now) for result in results for step in result.steps]
        rows.add_attempts(conn, [(step.item.id, _attempt(step, late=late)) for step, late, _ in steps])
        record_each(conn, self._queue.vault, [(_event(step, late=late), now) for step, late, now in steps])
        for step, late, now in steps:
            for work in () if late else step.works:
                work(conn, now)
        for result in results:
            if result.report is not None:
                mail, recipient = result.report
                self._queue.put(
                    conn, mail, [recipient], [enqueued_event(mail, Kind.DSN, result.message_id)], result.now
                )
        blobs = finish_messages(conn, ids, results[-1].now)
        return [[blobs[message_id]] if message_id in blobs else [] for message_id in ids]

    def _move(self, conn: Connection, results: "Sequence[_Result]") -> None:
        """Move all items that are not late. Raises _Late with those of which it turns out only now."""
        steps = [step for result in results for step in result.steps if step.item.id not in result.late]
        late = rows.end_each(conn, [_ending(step) for step in steps if step.to in ENDS], results[-1].now)
        late |= {step.item.id for step in steps if step.to not in ENDS and not _moved(conn, step)}
        if late:
            raise _Late(late)


def _tell(step: Step, *, late: bool) -> None:
    """One line for each try, once it is written down: the same decision's id as the door's line has."""
    item, outcome = step.item, step.tried.outcome
    facts: dict[str, object] = {"decision": item.decision_id, "rule": item.rule} if item.decision_id else {}
    evidence = None if isinstance(outcome, Stored) else outcome.evidence
    if evidence is not None:
        facts |= {"host": evidence.host, "proof": evidence.proof, "tls": evidence.protocol}
    if item.kind is not Kind.MAIL:
        facts["kind"] = item.kind.value
    if step.route is not None:
        facts["fallback"] = step.route.value
    log.info(
        EventKind.LATE_RESULT.value if late else step.event.value,
        message=item.message_id,
        item=item.id,
        route=item.destination.route.value,
        attempt=item.attempts + 1,
        reply=f"{outcome.reply.code} {outcome.reply.status}",
        seconds=round((step.tried.ended_at - step.tried.started_at).total_seconds(), 3),
        **facts,
    )


def _host(outcome: Outcome) -> str:
    evidence = None if isinstance(outcome, Stored | LeaseLost) else outcome.evidence
    return evidence.host if evidence is not None else ""


def _ending(step: Step) -> rows.Ending:
    leased = step.tried.leased
    return rows.Ending(leased.item, step.to, leased.token, leased.item.attempts + 1, str(step.reply))


def _moved(conn: Connection, step: Step) -> bool:
    """Move an item that stays in the queue; False: its lease is no longer ours."""
    item = step.item
    values: dict[str, object] = {"attempts": item.attempts + 1, "last_reply": rows.plain_text(str(step.reply))}
    values["urgency"] = after_failure(item.kind, item.urgency)
    if step.next_at is not None:
        values["next_at"] = step.next_at
    if step.delay_said:
        values["delay_notice_at"] = None
    if step.event is EventKind.ITEM_FELL_BACK:
        values |= {"fell_back": True, "fallback_at": None, "fallback_route": None}
        if step.route is Route.SAFEBOX:
            values |= {"route": Route.SAFEBOX.value, "target": "", "inside": False, "expires_at": step.retry_until}
    return rows.move(conn, item.id, State.LEASED, step.to, step.tried.leased.token, **values)


def _attempt(step: Step, *, late: bool) -> Attempt:
    tried = step.tried
    outcome = tried.outcome
    evidence = None if isinstance(outcome, Stored) else outcome.evidence
    word = "late" if late else type(outcome).__name__.lower()
    said = f"{word} {type(outcome).__name__.lower()}: {outcome.reply}" if late else str(outcome.reply)
    kept = None if evidence is None else evidence.as_json()
    return Attempt(step.item.attempts + 1, tried.started_at, tried.ended_at, word, said, kept)


def _event(step: Step, *, late: bool) -> Event:
    item, outcome = step.item, step.tried.outcome
    facts: dict[str, object] = {
        "route": item.destination.route.value,
        "partner": item.destination.name or None,
        "kind": item.kind.value,
        "attempt": item.attempts + 1,
        "code": outcome.reply.code,
        "status": outcome.reply.status,
    }
    if not isinstance(outcome, Stored) and outcome.evidence is not None:
        facts |= {"proof": outcome.evidence.proof, "tls": outcome.evidence.protocol}
    if isinstance(outcome, Deferred) and outcome.insecure:
        facts["unproven"] = True
    if step.route is not None:
        facts["fallback"] = step.route.value
    return Event(
        EventKind.LATE_RESULT if late else step.event,
        item.namespace,
        message_id=item.message_id,
        item_id=item.id,
        participant_id=item.participant_id,
        decision_id=item.decision_id or None,
        facts={name: value for name, value in facts.items() if value is not None},
        persons={"recipient": item.recipient},
        private={"reply": outcome.reply.text},
    )
