"""Times as the reader has them: stored in UTC, shown in the reader's zone.

The zone is a cookie `tz`. The small script of the portal sets it from the browser; without script the reader chooses on
`/zone`. Until then times are shown in the organisation's zone, and the page names it.
"""

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from aiohttp import web

from delivery.speech import current_speech, offset_of
from portal.services import services_of
from portal.web.language import say

COOKIE: Final = "tz"


@dataclass(frozen=True, slots=True)
class Clock:
    """The zone in which one reader is shown times. `is_known`: the reader, or their browser, told it."""

    zone: ZoneInfo
    now: datetime
    is_known: bool

    @property
    def name(self) -> str:
        """The zone as people say it: `Zurich time (UTC+1)`."""
        if self.zone.key in {"UTC", "Etc/UTC"}:
            return "UTC"
        offset = offset_of(self.now.astimezone(self.zone))
        return say("{city} time ({offset})", city=current_speech().city(self.zone), offset=offset)

    def day(self, when: datetime) -> str:
        """`21 November 2026`."""
        return current_speech().day(when.astimezone(self.zone))

    def minute(self, when: datetime) -> str:
        """`21 November 2026, 10:14`, with the zone where it is not known to be the reader's."""
        text = current_speech().minute(when.astimezone(self.zone))
        return text if self.is_known else f"{text} {_short(self, when)}"

    def hour(self, when: datetime) -> str:
        """`10:14`, with the zone where it is not known to be the reader's; the day too, when it is another."""
        local = when.astimezone(self.zone)
        if local.date() != self.now.astimezone(self.zone).date():
            return self.minute(when)
        text = current_speech().hour(local)
        return text if self.is_known else f"{text} {_short(self, when)}"


def _short(clock: Clock, when: datetime) -> str:
    return "UTC" if clock.zone.key in {"UTC", "Etc/UTC"} else f"({offset_of(when.astimezone(clock.zone))})"


def clock_in(zone: str, now: datetime) -> Clock:
    """A clock of one place, which says with each time whose it is; UTC where the name is none."""
    return Clock(zone_named(zone) or ZoneInfo("UTC"), now, False)


def clock_of(request: web.Request) -> Clock:
    """How the reader of this page reads the time."""
    services = services_of(request)
    chosen = zone_named(request.cookies.get(COOKIE, "").replace("%2F", "/"))
    if chosen is None:
        return clock_in(services.zone, services.clock())
    return Clock(chosen, services.clock(), True)


@lru_cache(maxsize=512)
def zone_named(name: str) -> ZoneInfo | None:
    """The zone of that name in the time zone database; None for anything else, however it is spelled."""
    if not name or len(name) > 64 or name not in _names():
        return None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return None


@lru_cache(maxsize=1)
def _names() -> frozenset[str]:
    return frozenset(available_timezones())


def zones_to_choose(now: datetime) -> tuple[tuple[str, str], ...]:
    """(name, text) of the zones of places where people live, ordered by name."""
    regions = ("Africa/", "America/", "Antarctica/", "Arctic/", "Asia/", "Atlantic/", "Australia/", "Europe/")
    places = sorted(name for name in _names() if name.startswith((*regions, "Indian/", "Pacific/")))
    shown = [(name, f"{name.replace('_', ' ')} ({offset_of(now.astimezone(ZoneInfo(name)))})") for name in places]
    return (("UTC", "UTC"), *shown)
