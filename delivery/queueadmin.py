"""What an admin may do with the queue: look, try now, release, refuse, cancel. Every act is an event with its actor.

Each act answers True (done), False (the item is not in a state that allows it) or None (there is no such item in the
queue: never was, or it has ended).
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any, Final

from sqlalchemy import Connection

from delivery.circuits import Circuit
from delivery.errors import DeliveryError
from delivery.items import Destination, Fate, Item, Kind, LeasedItem, NewItem, Reply, Report, SealedMessage, State
from delivery.queue import Queue, enqueued_event
from delivery.store import circuits, pauses, views, workers
from delivery.store import items as rows
from delivery.store.ages import Pile, piles
from delivery.store.audit import Event, EventKind, record
from delivery.store.messages import finish_messages, lock_messages, waiting_blobs
from delivery.store.upgrade import DEFAULT_NAMESPACE
from delivery.store.views import Conservation, ItemStory, Line
from delivery.store.waits import change_all, made_due_for
from policy.decision import Route

REFUSED: Final = "refused by the administrator"


class QueueAdmin:
    """The admin's acts on one queue."""

    def __init__(self, queue: Queue) -> None:
        self._queue = queue

    # -- looking --------------------------------------------------------------------------------------------------

    async def items(
        self,
        *,
        states: Sequence[State] = views.WAITING,
        item_filter: views.ItemFilter = views.EVERYTHING,
        limit: int = 1000,
    ) -> list[Line]:
        """Items in these states, oldest first."""
        now = self._queue.clock()
        look = partial(views.list_items, states=states, item_filter=item_filter, limit=limit, now=now)
        return await self._queue.db.read(look)

    async def show(self, wanted: str) -> list[ItemStory]:
        """The item, or the items of the message, of that id, with every attempt; ended ones too."""
        return await self._queue.db.read(lambda conn: views.stories(conn, wanted))

    async def audit(self) -> Conservation:
        """Prove that for every recipient of every accepted message there is exactly one end, or it waits, with its
        content.
        """
        proof = await self._queue.db.read(views.conservation)
        gone = await self._without_files(await self._queue.db.read(waiting_blobs))
        if gone:  # a file goes when its message has ended, so only what waits even now lacks one
            gone &= await self._queue.db.read(waiting_blobs)
        lost = [
            views.Violation("its content is gone: the blob file is missing", message) for message, _ in sorted(gone)
        ]
        return replace(proof, violations=(*proof.violations, *lost))

    async def _without_files(self, named: set[tuple[str, str]]) -> set[tuple[str, str]]:
        has = self._queue.blobs.has
        return await asyncio.to_thread(lambda: {(message, blob) for message, blob in named if not has(blob)})

    async def stats(self, limit: int = 100) -> tuple[list[Pile], dict[str, datetime]]:
        """What waits by domain and age, the largest pile first; and what is paused, since when."""
        now = self._queue.clock()
        return await self._queue.db.read(lambda conn: (piles(conn, now, limit=limit), pauses.paused(conn)))

    async def unreached(self) -> list[Circuit]:
        """Which destinations cannot be reached, so that mail for them waits for a probe."""
        return await self._queue.db.read(circuits.open_circuits)

    # -- acting ---------------------------------------------------------------------------------------------------

    async def retry(self, item_id: str, actor: str) -> bool | None:
        """Try a waiting item now, whenever it was to be tried, and whether or not its destination could be reached."""

        def retried(conn: Connection, item: Item) -> None:
            circuits.close_for(conn, item.destination, item.recipient.rpartition("@")[2].lower())

        return await self._act(
            item_id,
            actor,
            State.DUE,
            EventKind.ITEM_RETRIED,
            lambda item, now: (State.DUE, {"next_at": now}),
            also=retried,
        )

    async def release(self, item_id: str, actor: str, route: Route | None = None) -> bool | None:
        """Let a held item go: to its own destination, or by `route` (relay or safebox). Its time begins anew."""

        def released(item: Item, now: datetime) -> tuple[State, dict[str, Any]]:
            where = self._released_to(item, route)
            settings = self._queue.settings
            proof = where.route in (Route.PARTNER, Route.TLS) and item.fallback is not None
            return State.DUE, {
                "route": where.route.value,
                "target": where.name,
                "inside": where.inside,
                "next_at": now,
                "expires_at": now + settings.expire,
                "fallback_at": now + settings.secure_fallback if proof else None,
            }

        return await self._act(item_id, actor, State.HELD, EventKind.ITEM_RELEASED, released)

    async def hold(self, item_id: str, actor: str, reason: str) -> bool | None:
        """Let a waiting item wait for `release`. One that is being tried is not held. `reason` stands as its reply."""
        return await self._act(
            item_id,
            actor,
            State.DUE,
            EventKind.ITEM_HELD,
            lambda _item, _now: (State.HELD, {"last_reply": rows.plain_text(reason)}),
        )

    async def free_dead_leases(self) -> int:
        """Make due what workers that are gone had leased, as the next worker would; how many items.

        A restored backup has leases of workers that were at work when it was made.
        """
        db = self._queue.db
        known = await db.read(lambda conn: workers.other_workers(conn, ""))
        gone = await asyncio.to_thread(workers.dead_workers, db.backing, known)
        return await db.write(lambda conn: workers.retire_workers(conn, gone))

    async def cancel(self, item_id: str, actor: str) -> bool | None:
        """Stop an item for good, without a word to its sender. One that is being tried may still arrive."""
        return await self._end(item_id, actor, (State.DUE, State.HELD, State.LEASED), State.CANCELLED)

    async def refuse(self, item_id: str, actor: str, reason: str = REFUSED) -> bool | None:
        """End a held item with a report to its sender."""
        return await self._end(item_id, actor, (State.HELD,), State.REFUSED, Reply(550, "5.7.1", reason))

    async def pause(self, domain: str, actor: str) -> bool:
        """Send nothing to this domain (`*`: nothing at all) until `resume`; it goes on being accepted. False: it is."""
        return await self._steer(EventKind.QUEUE_PAUSED, domain, actor, pauses.pause)

    async def resume(self, domain: str, actor: str) -> bool:
        """Let mail to this domain go again. False: it was not paused."""
        return await self._steer(
            EventKind.QUEUE_RESUMED, domain, actor, lambda conn, name, _: pauses.resume(conn, name)
        )

    async def drain(self, domain: str, actor: str) -> int:
        """Try everything that waits for this domain now, whether or not it could be reached; how many items."""

        def begun(conn: Connection, name: str, _now: datetime) -> bool:
            circuits.close_domain(conn, name)
            return views.waits_for(conn, name)

        if not await self._steer(EventKind.QUEUE_DRAINED, domain, actor, begun):
            return 0
        made_due = await change_all(self._queue.db, made_due_for([domain], self._queue.clock()))
        self._queue.wake()
        return made_due

    async def _steer(
        self, kind: EventKind, domain: str, actor: str, act: Callable[[Connection, str, datetime], bool]
    ) -> bool:
        now = self._queue.clock()

        def work(conn: Connection) -> bool:
            done = act(conn, domain, now)
            if done:
                event = Event(kind, DEFAULT_NAMESPACE, facts={"domain": domain}, persons={"actor": actor})
                record(conn, self._queue.vault, [event], now)
            return done

        done = await self._queue.db.write(work)
        self._queue.wake()
        return done

    # -- within ---------------------------------------------------------------------------------------------------

    def _released_to(self, item: Item, route: Route | None) -> Destination:
        if route is Route.SAFEBOX:
            return Destination(Route.SAFEBOX)
        if route is Route.RELAY or item.destination.route is Route.HOLD:
            return self._queue.destination_for(item.recipient)
        return item.destination

    async def _find(self, item_id: str) -> LeasedItem | None:
        found = await self._queue.db.read(lambda conn: rows.find_items(conn, [item_id]))
        return found[0] if found else None

    async def _act(
        self,
        item_id: str,
        actor: str,
        start: State,
        kind: EventKind,
        values: Callable[[Item, datetime], tuple[State, dict[str, Any]]],
        *,
        also: Callable[[Connection, Item], None] = lambda _conn, _item: None,
    ) -> bool | None:
        found = await self._find(item_id)
        if found is None:
            return None
        now = self._queue.clock()
        to, changed = values(found.item, now)

        def act(conn: Connection) -> bool:
            if not rows.move(conn, item_id, start, to, **dict(changed)):
                return False
            also(conn, found.item)
            facts = {"route": changed.get("route", found.item.destination.route.value)}
            record(conn, self._queue.vault, [_event(kind, found.item, actor, facts)], now)
            return True

        done = await self._queue.db.write(act)
        self._queue.wake()
        return done

    async def _end(
        self, item_id: str, actor: str, starts: Sequence[State], to: State, reply: Reply | None = None
    ) -> bool | None:
        found = await self._find(item_id)
        if found is None:
            return None
        if found.item.state not in starts:
            return False
        now = self._queue.clock()
        report = None if reply is None else await self._report(found.item, reply, now)
        try:
            done, blob = await self._queue.db.write(
                partial(self._ended, item=found.item, to=to, actor=actor, reply=reply, report=report, now=now)
            )
        except DeliveryError as error:
            if report is not None:
                self._queue.discard(report[0], error=error)
            raise
        if blob is not None:
            await self._queue.forget_blobs([blob])
        self._queue.wake()
        return done

    async def _report(self, item: Item, reply: Reply, now: datetime) -> tuple[SealedMessage, NewItem] | None:
        message, _ = await self._queue.open_items(item.message_id)
        return await self._queue.seal_report(message, [Report(item, Fate.FAILED, reply, attempted_at=now)], now)

    def _ended(
        self,
        conn: Connection,
        *,
        item: Item,
        to: State,
        actor: str,
        reply: Reply | None,
        report: tuple[SealedMessage, NewItem] | None,
        now: datetime,
    ) -> tuple[bool, str | None]:
        lock_messages(conn, [item.message_id])
        said = None if reply is None else str(reply)
        found = [one.item for one in rows.find_items(conn, [item.id]) if one.item.state is item.state]
        if not found or rows.end_each(conn, [rows.Ending(found[0], to, reply=said)], now):
            return False, None
        kind = EventKind.ITEM_REFUSED if to is State.REFUSED else EventKind.ITEM_CANCELLED
        facts = {"route": item.destination.route.value}
        record(conn, self._queue.vault, [_event(kind, item, actor, facts, said)], now)
        if report is not None:
            self._queue.put(conn, report[0], [report[1]], [enqueued_event(report[0], Kind.DSN, item.message_id)], now)
        return True, finish_messages(conn, [item.message_id], now).get(item.message_id)


def _event(kind: EventKind, item: Item, actor: str, facts: Mapping[str, object], said: str | None = None) -> Event:
    return Event(
        kind,
        item.namespace,
        message_id=item.message_id,
        item_id=item.id,
        participant_id=item.participant_id,
        decision_id=item.decision_id or None,
        facts=facts,
        persons={"recipient": item.recipient, "actor": actor},
        private={} if said is None else {"reply": said},
    )
