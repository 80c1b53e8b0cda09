"""Decides what follows from a courier's outcome for one item: its next state, report, retry or fallback.

Pure: the time and the jitter are passed in. `results.py` writes the Step down.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, assert_never

from sqlalchemy import Connection

from delivery.couriers.courier import Deferred, Refused, Sent, Stored
from delivery.items import Fate, Item, LeasedItem, Reply, State
from delivery.retry import FallBack, GiveUp, Wait, after_deferral
from delivery.settings import QueueSettings
from delivery.store.audit import EventKind
from policy.decision import Route

NO_PROOF: Final = Reply(550, "5.7.10", "the recipient's server could not be reached with proven encryption in time")

Work = Callable[[Connection, datetime], None]  # what an outcome asks for, in the transaction that writes it down


@dataclass(frozen=True, slots=True)
class Tried:
    """One item, the outcome of one try, and when that was."""

    leased: LeasedItem
    outcome: Sent | Stored | Deferred | Refused
    started_at: datetime
    ended_at: datetime


@dataclass(frozen=True, slots=True)
class Step:
    """What is to be written for one item that was tried: its next state, and what goes with it."""

    tried: Tried
    to: State
    event: EventKind
    reply: Reply
    reports: tuple[Fate, ...] = ()
    next_at: datetime | None = None
    retry_until: datetime | None = None
    route: Route | None = None  # the route that the item falls back to
    delay_said: bool = False
    works: tuple[Work, ...] = field(default=(), repr=False)

    @property
    def item(self) -> Item:
        """The item as it was leased."""
        return self.tried.leased.item


def unforeseen_failure() -> Deferred:
    """The outcome if a courier raised an error, or gave no outcome for an item: it is tried again."""
    return Deferred(Reply(451, "4.3.0", "an error of ours; it will be tried again"))


def plan(tried: Tried, now: datetime, settings: QueueSettings, jitter: float) -> Step:
    """The Step that follows from an outcome. `jitter` is from 0 to 1 and spreads retries."""
    outcome, item = tried.outcome, tried.leased.item
    match outcome:
        case Sent():
            fates = () if outcome.dsn_passed else (Fate.RELAYED,)
            return Step(tried, State.SENT, EventKind.ITEM_SENT, outcome.reply, fates)
        case Stored():
            return Step(
                tried, State.STORED, EventKind.ITEM_STORED, outcome.reply, (Fate.DELIVERED,), works=(outcome.work,)
            )
        case Refused():
            return Step(tried, State.BOUNCED, EventKind.ITEM_BOUNCED, outcome.reply, (Fate.FAILED,))
        case Deferred():
            return _after_deferral(tried, after_deferral(item, outcome.reply, now, settings, jitter), now, settings)
        case _:
            assert_never(outcome)


def _after_deferral(tried: Tried, following: Wait | FallBack | GiveUp, now: datetime, settings: QueueSettings) -> Step:
    item, reply = tried.leased.item, tried.outcome.reply
    match following:
        case Wait(next_at, say_delay):
            return Step(
                tried,
                State.DUE,
                EventKind.ITEM_DEFERRED,
                reply,
                (Fate.DELAYED,) if say_delay else (),
                next_at=next_at,
                retry_until=item.expires_at,
                delay_said=say_delay,
            )
        case GiveUp(why):
            return Step(tried, State.BOUNCED, EventKind.ITEM_BOUNCED, why, (Fate.FAILED,))
        case FallBack(Route.SAFEBOX):
            # what is left of the item's time may be nothing; bringing it into a SafeBox needs some
            until = max(item.expires_at, now + settings.secure_fallback)
            event = EventKind.ITEM_FELL_BACK
            return Step(tried, State.DUE, event, reply, next_at=now, route=Route.SAFEBOX, retry_until=until)
        case FallBack(Route.HOLD):
            return Step(tried, State.HELD, EventKind.ITEM_FELL_BACK, reply, route=Route.HOLD)
        case FallBack(route):
            return Step(tried, State.BOUNCED, EventKind.ITEM_BOUNCED, NO_PROOF, (Fate.FAILED,), route=route)
        case _:
            assert_never(following)
