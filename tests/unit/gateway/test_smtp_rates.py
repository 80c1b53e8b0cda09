"""What one may send: counted, told, and kept right across workers and restarts."""

import pytest

from gateway.smtp.rates import Excess, Rates, Scope
from gateway.smtp.settings import AccountRateSettings, RateSettings, RatesSettings

ALICE = {Scope.SENDER: "alice@example.com"}


class Time:
    now = 1_000_000_000.0

    def __call__(self) -> float:
        return self.now


def rates(told: list[Excess] | None = None, time: Time | None = None, **limits: int | None) -> Rates:
    sender = AccountRateSettings(**({"recipients": None} | limits))
    settings = RatesSettings(login=AccountRateSettings(recipients=None), sender=sender)
    return Rates(settings, time or Time(), (told if told is not None else []).append)


def test_the_one_that_is_too_many_is_refused_and_told_once() -> None:
    told: list[Excess] = []
    counts = rates(told, recipients=5)
    assert counts.charge(ALICE, 3) is None
    refused = [counts.charge(ALICE, 3) for _ in range(3)]
    assert {str(reply)[:9] for reply in refused} == {"450 4.7.1"}
    assert [(one.who, one.limit.most) for one in told] == [("alice@example.com", 5)]
    assert counts.charge(ALICE, 2) is None  # what still fits
    assert counts.refusal(ALICE, 1) is not None
    assert counts.refusal({Scope.SENDER: "bob@example.com"}, 5) is None
    assert counts.refusal({}, 10_000) is None


def test_what_was_not_taken_does_not_count() -> None:
    counts = rates(messages=1)
    assert counts.charge(ALICE, 1) is None
    counts.refund(ALICE, 1)
    assert counts.charge(ALICE, 1) is None
    assert counts.charge(ALICE, 1) is not None


def test_a_new_period_begins_for_all_at_the_same_moment() -> None:
    time = Time()
    counts = rates(time=time, messages=1)
    assert counts.charge(ALICE, 1) is None
    assert counts.charge(ALICE, 1) is not None
    time.now += 86400
    assert counts.charge(ALICE, 1) is None


@pytest.mark.parametrize(
    ("most", "sent", "worth"), [(1000, 9, False), (1000, 10, True), (5, 1, True)], ids=["little", "much", "small limit"]
)
def test_only_what_matters_is_written_down(most: int, sent: int, worth: bool) -> None:
    counts = rates(recipients=most)
    counts.charge(ALICE, sent)
    assert bool(list(counts.unsaved())) is worth
    assert [more for *_, more in counts.unsaved(every=True)] == [sent]


def test_workers_share_their_counts_by_what_is_written_down() -> None:
    workers, kept = [rates(recipients=1000) for _ in range(4)], 0
    sent = 0
    while any(worker.charge(ALICE, 1) is None for worker in workers):
        for worker in workers:
            for limit, who, period, more in list(worker.unsaved()):
                kept += more
                worker.saved(limit, who, period, more, kept)
        sent += 1
        assert sent < 5000
    taken = sum(counter.ours for worker in workers for counter in worker._counters.values()) + kept
    assert 1000 <= taken <= 1000 + 4 * 20
    fresh = rates(recipients=1000)  # a restart: the first save tells it
    fresh.charge(ALICE, 10)
    [(limit, who, period, more)] = fresh.unsaved()
    fresh.saved(limit, who, period, more, kept + more)
    assert fresh.charge(ALICE, 1) is not None


def test_old_counters_are_forgotten() -> None:
    time = Time()
    counts = rates(time=time, recipients=10_000_000)
    for number in range(10_001):
        counts.charge({Scope.SENDER: f"{number}@x"}, 1)
    time.now += 86400
    counts.charge(ALICE, 1)
    assert list(counts.unsaved()) == []
    assert len(counts._counters) == 1


def test_nothing_is_limited_where_no_limit_is_set() -> None:
    none = RateSettings(), AccountRateSettings(recipients=None)
    counts = Rates(RatesSettings(client=none[0], login=none[1], sender=none[1]), Time())
    assert counts.scopes == frozenset()
    assert counts.charge(ALICE, 10**9) is None
    assert RatesSettings().sender.recipients is not None


def test_who_sends_nothing_is_not_remembered() -> None:
    """Any name may be said at MAIL: what is counted is what was sent."""
    counts = rates(recipients=5)
    for number in range(1000):
        who = {Scope.SENDER: f"m{number}@example.com"}
        assert counts.refusal(who, 1) is None
        assert counts.charge(who, 1) is None
        counts.refund(who, 1)
    assert not counts._counters
