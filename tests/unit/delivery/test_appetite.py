"""When a worker looks for more due items."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from delivery.appetite import LEASES, URGENT_LEASES, Appetite
from delivery.items import Destination, Item, Lane, LeasedItem, State
from delivery.lanes import Batch, Lanes, Limits
from policy.decision import Route

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
FULL, IDLE = Lane(Destination(Route.RELAY)), Lane(Destination(Route.PARTNER, "st-mary"))


class Worker:
    """Lanes, and what is asked of them."""

    def __init__(self, in_hand=2000):
        self.now = 100.0
        self.lanes = Lanes(Limits(in_hand=in_hand))
        self.appetite = Appetite(self.lanes, in_hand, lambda: self.now)
        self.running = []

    def fill(self, lane, count):
        item = Item(
            "i", "m", "default", "bob@there.test", lane.destination, State.LEASED, 0, NOW, NOW, NOW, "otherwise", "d"
        )
        self.lanes.add(
            Batch(f"m{n}", lane, (LeasedItem(replace(item, id=f"i{n}"), 1, NOW, 100),)) for n in range(count)
        )
        while (batch := self.lanes.next()) is not None:
            self.running.append(batch)

    def end(self, count=1):
        """So many deliveries end; how often that is a reason to look."""
        reasons = 0
        for _ in range(count):
            batch = self.running.pop(0)
            self.lanes.done(batch, well=True)
            while (more := self.lanes.next()) is not None:
                self.running.append(more)
            reasons += self.appetite.should_look_again(batch.lane)
        return reasons


@pytest.fixture
def worker():
    return Worker()


def test_with_nothing_in_hand_it_looks_for_as_much_as_goes(worker):
    look = worker.appetite.next_look()
    assert (look.limit, look.urgent, list(look.busy), look.passes_over) == (LEASES, URGENT_LEASES, [], False)


def test_a_lane_that_was_full_is_a_reason_to_look_once_it_is_not_and_only_once(worker):
    worker.fill(FULL, 250)
    look = worker.appetite.next_look()
    assert list(look.busy) == [FULL]
    assert worker.end(50) == 0
    assert worker.end(1) == 1
    assert worker.end(20) == 0


def test_what_ends_elsewhere_is_no_reason(worker):
    worker.fill(IDLE, 5)
    worker.fill(FULL, 250)
    worker.appetite.next_look()
    worker.running.sort(key=lambda batch: batch.lane is not IDLE)
    assert worker.end(5) == 0


def test_without_room_it_waits_until_there_is_room_for_many():
    worker = Worker(in_hand=400)
    worker.fill(FULL, 150)
    worker.fill(IDLE, 150)
    assert worker.appetite.next_look().limit == 100
    assert worker.end(99) == 0
    assert worker.end(1) == 1


def test_room_for_one_is_a_reason_where_there_is_never_more():
    worker = Worker(in_hand=1)
    worker.fill(FULL, 1)
    assert worker.appetite.next_look().limit == 0
    assert worker.end(1) == 1


def test_room_for_our_own_mail_is_a_reason_by_itself():
    worker = Worker(in_hand=0)
    worker.fill(replace(FULL, urgent=True), 180)
    assert worker.appetite.next_look().urgent == 20
    assert worker.end(29) == 0
    assert worker.end(1) >= 1


def test_passing_over_in_vain_takes_a_small_part_of_the_time_and_ours_is_looked_for_all_the_same(worker):
    worker.fill(FULL, 250)
    look = worker.appetite.next_look()
    assert look.passes_over
    worker.now += 0.05
    worker.appetite.note_found(look, 3)
    worker.now += 0.9
    look = worker.appetite.next_look()
    assert (look.limit, look.urgent, look.passes_over) == (0, URGENT_LEASES, False)
    worker.now += 0.11
    assert worker.appetite.next_look().limit == LEASES


def test_what_was_found_in_full_is_no_reason_to_wait(worker):
    look = worker.appetite.next_look(passing_over=True)
    worker.now += 0.05
    worker.appetite.note_found(look, LEASES)
    assert worker.appetite.next_look(passing_over=True).limit == LEASES


def test_a_slow_look_puts_off_the_next_one_by_no_more_than_seconds(worker):
    look = worker.appetite.next_look(passing_over=True)
    worker.now += 10
    worker.appetite.note_found(look, 0)
    worker.now += 2.01
    assert worker.appetite.next_look(passing_over=True).limit == LEASES


def test_once_the_lane_has_room_nothing_is_in_vain(worker):
    worker.fill(FULL, 200)
    worker.now += 1
    look = worker.appetite.next_look()
    worker.now += 0.05
    worker.appetite.note_found(look, 0)
    assert worker.appetite.next_look().limit == 0
    assert worker.end(1) == 1
    assert worker.appetite.next_look().limit == LEASES
