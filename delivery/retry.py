"""When to try again, and when to stop: pure functions of the item, the time and the jitter passed in."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from delivery.items import Item, Reply
from delivery.settings import QueueSettings
from policy.decision import Route

JITTER: Final = 0.2  # the width of the spread, as a part of the delay


@dataclass(frozen=True, slots=True)
class Wait:
    """Try again at `next_at`. `say_delay`: the sender's delay notice is due now."""

    next_at: datetime
    say_delay: bool = False


@dataclass(frozen=True, slots=True)
class FallBack:
    """The destination was not reached with proof in time: go by SafeBox, be held, or be given up (reject)."""

    route: Route


@dataclass(frozen=True, slots=True)
class GiveUp:
    """The item expired."""

    reply: Reply


Next = Wait | FallBack | GiveUp


def delay(attempts: int, settings: QueueSettings, jitter: float) -> timedelta:
    """How long to wait after the given number of attempts (from 1); `jitter` from 0 to 1 spreads it evenly."""
    doubled: timedelta = settings.first_retry * 2 ** min(max(attempts, 1) - 1, 32)
    spread: float = 1 - JITTER / 2 + JITTER * jitter
    return min(doubled, settings.longest_retry) * spread


def after_deferral(item: Item, reply: Reply, now: datetime, settings: QueueSettings, jitter: float) -> Next:
    """What follows when an attempt on `item` failed for now; `item.attempts` does not count that attempt yet."""
    if item.fallback is not None and item.fallback_at is not None and now >= item.fallback_at:
        return FallBack(item.fallback)
    if now >= item.expires_at:
        return GiveUp(expired(reply))
    # to bring an item into a SafeBox needs only ourselves, so its delay does not grow
    attempts = 1 if item.destination.route is Route.SAFEBOX else item.attempts + 1
    say_delay = item.delay_notice_at is not None and now >= item.delay_notice_at
    fallback_at = item.fallback_at if item.fallback is not None else None
    waits = [now + delay(attempts, settings, jitter), fallback_at, item.expires_at]
    if not say_delay:
        waits.append(item.delay_notice_at)
    return Wait(min(at for at in waits if at is not None), say_delay)


def expired(last: Reply) -> Reply:
    """What the sender is told at expiry (RFC 3463 3.5: X.4.7), with the last thing the other side said."""
    return Reply(550, "5.4.7", f"not delivered in time; the last attempt said: {last}", last.detail)
