"""How much one client, one login and one sender may send in a period: so that a stolen account cannot send a million.

Each worker counts in memory. Once a count has grown by a hundredth of its limit, it is added to the database
(`gateway/ledger.py`), and the worker learns the sum of all workers. So a limit may be exceeded by some hundredths, and
a restart forgets no more than that, but ordinary senders cost no write. A period begins for all at the same moment.
Pure but for the clock handed in.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from delivery.items import Reply
from gateway.smtp import replies
from gateway.smtp.settings import RateSettings, RatesSettings

_SAVED_FROM: Final = 100  # a count is saved once it grew by the limit divided by this
_REMEMBERED: Final = 10_000  # counters before those of earlier periods are dropped


class Scope(StrEnum):
    """Who is counted."""

    CLIENT = "client"
    LOGIN = "login"
    SENDER = "sender"


class What(StrEnum):
    """What is counted."""

    MESSAGES = "messages"
    RECIPIENTS = "recipients"


Payers = Mapping[Scope, str]  # whom a message is charged to: for each scope the name that is counted under

_REPLIES: Final = {
    Scope.CLIENT: replies.TOO_MUCH_FROM_CLIENT,
    Scope.LOGIN: replies.TOO_MUCH_FROM_LOGIN,
    Scope.SENDER: replies.TOO_MUCH_FROM_SENDER,
}


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `most` in `period` seconds."""

    scope: Scope
    what: What
    most: int
    period: int

    def __hash__(self) -> int:
        """Of the numbers alone: it is needed ten times a message, and hashing the strings takes three times as long."""
        return hash((self.most, self.period))


@dataclass(slots=True)
class Counter:
    """What one payer used of one limit in one period: the saved sum of all workers, and what this one added since."""

    period: int
    known: int = 0
    ours: int = 0
    was_told: bool = False  # that the limit is reached

    @property
    def total(self) -> int:
        return self.known + self.ours


@dataclass(frozen=True, slots=True)
class Excess:
    """A payer reached a limit."""

    limit: Limit
    who: str


class Rates:
    """All counters of this worker."""

    def __init__(
        self,
        settings: RatesSettings,
        seconds: Callable[[], float],
        tell: Callable[[Excess], None] = lambda _: None,
    ) -> None:
        """`seconds` gives the time since 1970, the same for all workers. `tell` is called once a period for each payer
        that reaches a limit."""
        self._limits = tuple(_limits(settings))
        self.scopes = frozenset(limit.scope for limit in self._limits)
        self._seconds = seconds
        self._counters: dict[tuple[Limit, str], Counter] = {}
        self.tell = tell

    def refusal(self, payers: Payers, recipients: int) -> Reply | None:
        """None if a message with so many recipients may go on, else the reply that refuses it. Counts nothing."""
        for limit in self._limits:
            who = payers.get(limit.scope)
            if who is None:
                continue
            more = 1 if limit.what is What.MESSAGES else recipients
            counter = self._known(limit, who)
            if (counter.total if counter else 0) + more > limit.most:
                counter = self._counter(limit, who)
                if not counter.was_told:
                    counter.was_told = True
                    self.tell(Excess(limit, who))
                return _REPLIES[limit.scope]
        return None

    def charge(self, payers: Payers, recipients: int) -> Reply | None:
        """Count a message, unless it is refused; the refusal, or None."""
        refusal = self.refusal(payers, recipients)
        if refusal is None:
            self._add(payers, 1, recipients)
        return refusal

    def refund(self, payers: Payers, recipients: int) -> None:
        """The message was not taken: take its charge back, and forget payers who sent nothing else."""
        self._add(payers, -1, -recipients)
        for limit in self._limits:
            who = payers.get(limit.scope)
            counter = self._counters.get((limit, who)) if who is not None else None
            if who is not None and counter is not None and counter.known == counter.ours == 0 and not counter.was_told:
                del self._counters[limit, who]

    # -- for the ledger -------------------------------------------------------------------------------------------

    def unsaved(self, *, every: bool = False) -> Iterator[tuple[Limit, str, int, int]]:
        """What is worth saving (with `every`, all there is): limit, payer, number of the period, how much was added."""
        if len(self._counters) > _REMEMBERED:
            now = self._seconds()
            stale = [key for key, one in self._counters.items() if one.period != int(now // key[0].period)]
            for key in stale:
                del self._counters[key]
        for (limit, who), counter in list(self._counters.items()):
            if counter.ours and (every or abs(counter.ours) * _SAVED_FROM >= limit.most):
                yield limit, who, counter.period, counter.ours

    def saved(self, limit: Limit, who: str, period: int, more: int, total: int) -> None:
        """`more` has been saved; the sum of all workers is now `total`."""
        counter = self._counters.get((limit, who))
        if counter is not None and counter.period == period:
            counter.ours -= more
            counter.known = total

    # -- within ---------------------------------------------------------------------------------------------------

    def _known(self, limit: Limit, who: str) -> Counter | None:
        """The counter of this period, if there is one: none is made for whoever is only asked about."""
        counter = self._counters.get((limit, who))
        return counter if counter is not None and counter.period == int(self._seconds() // limit.period) else None

    def _counter(self, limit: Limit, who: str) -> Counter:
        counter = self._known(limit, who)
        if counter is None:
            counter = self._counters[limit, who] = Counter(int(self._seconds() // limit.period))
        return counter

    def _add(self, payers: Payers, messages: int, recipients: int) -> None:
        for limit in self._limits:
            who = payers.get(limit.scope)
            if who is not None:
                self._counter(limit, who).ours += messages if limit.what is What.MESSAGES else recipients


def _limits(settings: RatesSettings) -> Iterator[Limit]:
    for scope in Scope:
        one: RateSettings = getattr(settings, scope.value)
        for what in What:
            most: int | None = getattr(one, what.value)
            if most is not None:
                yield Limit(scope, what, most, max(1, int(one.per.total_seconds())))
