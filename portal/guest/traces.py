"""Limits how many audit events one guest can cause by reading: each opening and download leaves one for good, and a
script could cause millions. Kept in memory, for each worker: nobody reads so often that forgetting would matter.
"""

from collections import OrderedDict
from datetime import timedelta
from typing import Final

from aiohttp import web

from portal.services import services_of
from portal.web.troubles import Slower

AT_ONCE: Final = 300  # events; somebody who downloads every document of a large box, again and again
EVERY: Final = 6.0  # seconds until there is one more
_REMEMBERED: Final = 10_000  # guests


class Traces:
    """How many events each guest may still cause. A guest who is forgotten has the full number again."""

    def __init__(self) -> None:
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()  # how much, as it was when (seconds)

    def take(self, guest: str, now: float) -> float:
        """Ask for one event. 0: it may be written; else how many seconds to wait."""
        left, since = self._left.pop(guest, (float(AT_ONCE), now))
        left = min(float(AT_ONCE), left + max(0.0, now - since) / EVERY)
        fits = left >= 1
        self._left[guest] = left - fits, now
        while len(self._left) > _REMEMBERED:
            self._left.popitem(last=False)
        return 0.0 if fits else (1 - left) * EVERY


TRACES: Final = web.AppKey("traces", Traces)


def check_traces(request: web.Request, participant_id: str) -> None:
    """Before something that a guest reads is recorded. Raises Slower."""
    now = services_of(request).clock()
    seconds = request.app[TRACES].take(participant_id, now.timestamp())
    if seconds:
        raise Slower(now + timedelta(seconds=seconds), now)
