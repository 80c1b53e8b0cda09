"""When a destination is left alone, and when it is tried again."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from delivery.circuits import FAILURES, FIRST_PROBE, LONGEST, Circuits, wait_until
from delivery.items import Destination, Item, Lane, Reply, State
from policy.decision import Route

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LANE = Lane(Destination(Route.RELAY), "dead.test")
GONE = Reply(451, "4.4.1", "Connecting failed: refused")
SECOND = timedelta(seconds=1)


def opened() -> Circuits:
    circuits = Circuits()
    for _ in range(FAILURES):
        circuits.failed(LANE, GONE, NOW)
    return circuits


def test_it_opens_after_failures_in_a_row_only() -> None:
    circuits = Circuits()
    for _ in range(3):
        for _ in range(FAILURES - 1):
            assert circuits.failed(LANE, GONE, NOW) is None
        assert not circuits.reached(LANE, NOW)
    assert circuits.blocking_circuit(LANE, NOW) is None
    circuit = opened().blocking_circuit(LANE, NOW)
    assert circuit is not None
    assert (circuit.until, circuit.reply) == (NOW + FIRST_PROBE, GONE)
    assert opened().blocking_circuit(replace(LANE, domain="other.test"), NOW) is None


def test_probes_come_at_growing_distances_until_one_succeeds() -> None:
    circuits, now, distances = opened(), NOW, []
    for _ in range(8):
        while circuits.blocking_circuit(LANE, now) is not None:
            now += SECOND
        circuit = circuits.failed(LANE, GONE, now)
        assert circuit is not None
        assert circuit.since == NOW
        distances.append(circuit.until - now)
        assert circuits.failed(LANE, GONE, now) is None  # was under way beside the probe
    assert distances[0] == FIRST_PROBE * 2
    assert distances == sorted(distances)
    assert distances[-1] == LONGEST
    assert circuits.reached(LANE, now)
    assert circuits.blocking_circuit(LANE, now) is None
    assert circuits.failed(LANE, GONE, now) is None  # counted anew


def test_probes_come_no_later_than_mail_would_be_tried_again() -> None:
    circuits, now = Circuits(SECOND, 3 * SECOND), NOW
    for _ in range(FAILURES):
        circuits.failed(LANE, GONE, now)
    for pause in (1, 2, 3, 3):
        circuit = circuits.blocking_circuit(LANE, now)
        assert circuit is not None
        assert circuit.until - now == pause * SECOND
        now = circuit.until
        circuits.failed(LANE, GONE, now)


def test_workers_learn_of_each_other() -> None:
    mine, other = opened(), Circuits()
    circuit = mine.blocking_circuit(LANE, NOW)
    assert circuit is not None
    other.learn([circuit], NOW)
    assert other.blocking_circuit(LANE, NOW) == circuit
    mine.learn([], NOW + SECOND)  # what it wrote a moment ago may not be seen yet
    assert mine.blocking_circuit(LANE, NOW + SECOND) == circuit
    mine.learn([], NOW + timedelta(seconds=6))  # another one, or an admin, closed it
    assert mine.blocking_circuit(LANE, NOW + timedelta(seconds=6)) is None
    other.learn([], NOW)
    assert other.blocking_circuit(LANE, NOW) is None


def test_a_probe_further_away_than_probes_are_was_written_by_a_clock_that_was_ahead() -> None:
    circuits = opened()
    earlier = NOW - timedelta(days=3)
    assert circuits.blocking_circuit(LANE, earlier) is None
    again = circuits.failed(LANE, GONE, earlier)
    assert again is not None and again.until == earlier + 2 * FIRST_PROBE
    assert circuits.blocking_circuit(LANE, earlier) == again


@pytest.mark.parametrize(
    ("times", "at"),
    [
        ({}, NOW + FIRST_PROBE),
        ({"delay_notice_at": NOW + SECOND}, NOW + SECOND),
        ({"fallback_at": NOW + SECOND, "fallback": Route.SAFEBOX}, NOW + SECOND),
        ({"fallback_at": NOW + SECOND}, NOW + FIRST_PROBE),  # there is none: it waits on
        ({"expires_at": NOW}, None),
        ({"delay_notice_at": NOW - SECOND}, None),
    ],
)
def test_what_has_a_time_of_its_own_is_not_kept_waiting(times: dict, at: datetime | None) -> None:
    to, later = Destination(Route.RELAY), NOW + timedelta(days=5)
    item = Item("i", "m", "default", "b@dead.test", to, State.LEASED, 1, NOW, NOW, later, "", "")
    circuit = opened().blocking_circuit(LANE, NOW)
    assert circuit is not None
    assert wait_until(replace(item, **times), circuit, NOW) == at
