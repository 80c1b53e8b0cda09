"""Leases lapse by the time that has passed, not by the time it is."""

from datetime import UTC, datetime, timedelta

from delivery.lapses import Lapses
from delivery.store.lapses import Lease

NOW = datetime(2026, 3, 1, tzinfo=UTC)
A, B = Lease("a", 1, NOW), Lease("b", 1, NOW + timedelta(days=9))


def test_what_stays_the_same_for_a_term_has_lapsed():
    lapses = Lapses(timedelta(seconds=60), timedelta(seconds=10))
    assert lapses.find_lapsed([A, B], 0) == []
    assert lapses.find_lapsed([A, B], 59.9) == []
    assert lapses.find_lapsed([A, B], 60) == [A, B]


def test_a_renewed_lease_begins_anew():
    lapses = Lapses(timedelta(seconds=60), timedelta(seconds=10))
    lapses.find_lapsed([A], 0)
    renewed = Lease("a", 1, NOW + timedelta(seconds=20))
    assert lapses.find_lapsed([renewed], 50) == []
    assert lapses.find_lapsed([renewed], 109) == []
    assert lapses.find_lapsed([renewed], 110) == [renewed]


def test_a_lease_that_went_away_is_forgotten():
    lapses = Lapses(timedelta(seconds=60), timedelta(seconds=10))
    lapses.find_lapsed([A], 0)
    lapses.find_lapsed([], 10)
    assert lapses.find_lapsed([A], 70) == []


def test_what_is_ours_and_not_in_our_hands_is_due_again_soon():
    """A database that failed between its commit and its answer: nobody else will ever take it up."""
    lapses = Lapses(timedelta(seconds=60), timedelta(seconds=10))
    stray = Lease("a", 1, NOW + timedelta(seconds=60), is_stray=True)
    assert lapses.find_lapsed([stray, B], 0) == []
    assert lapses.find_lapsed([stray, B], 9.9) == []
    assert lapses.find_lapsed([stray, B], 10) == [stray]
