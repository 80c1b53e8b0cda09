"""Lanes: fair, bounded, and no destination holds up another."""

from dataclasses import replace
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from delivery.fairness import Urgency
from delivery.items import Destination, Item, LeasedItem, State
from delivery.lanes import Lanes, Limits, batches, lane_of
from policy.decision import Route

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def leased(number, *, message="", route=Route.RELAY, name="", domain="there.test", size=1000):
    item = Item(
        id=f"i{number}",
        message_id=message or f"m{number}",
        namespace="default",
        recipient=f"r{number}@{domain}",
        destination=Destination(route, name),
        state=State.LEASED,
        attempts=0,
        created_at=NOW,
        next_at=NOW,
        expires_at=NOW,
        rule="",
        decision_id="",
    )
    return LeasedItem(item, 1, NOW, size)


def urgent(one, urgency):
    return replace(one, item=replace(one.item, urgency=urgency))


def filled(limits, items, split=False):
    lanes = Lanes(limits)
    lanes.add(batches(items, split_domains=split))
    return lanes


def start_all(lanes):
    started = []
    while (batch := lanes.next()) is not None:
        started.append(batch)
    return started


def test_ours_start_beside_what_fills_every_place_and_a_flood_of_ours_does_not():
    others = [leased(n, domain=f"d{n}.test", size=40 * 2**20) for n in range(20)]
    lanes = filled(Limits(deliveries=4, body_bytes=2**20), others, split=True)
    assert len(start_all(lanes)) == 1  # the first may be of any size
    notices = [urgent(leased(100 + n, domain=f"n{n}.test"), Urgency.OWN) for n in range(9)]
    lanes.add(batches([*notices, urgent(leased(200, domain="code.test"), Urgency.CODE)], split_domains=True))
    started = start_all(lanes)
    assert [batch.items[0].item.id for batch in started].count("i200") == 1
    assert len(started) == 3  # half of the places for notices, and the code
    assert started[0].lane.urgent
    for batch in started:
        lanes.done(batch, well=True)
    assert len(start_all(lanes)) == 2


def test_a_message_is_one_batch_for_each_lane():
    items = [leased(1, message="m"), leased(2, message="m"), leased(3, message="m", route=Route.PARTNER, name="p")]
    assert [[one.item.id for one in batch.items] for batch in batches(items, split_domains=False)] == [
        ["i1", "i2"],
        ["i3"],
    ]


def test_domains_are_lanes_where_each_has_its_own_servers():
    relay, tls = leased(1, domain="A.test"), leased(2, route=Route.TLS, domain="b.test")
    assert lane_of(relay, split_domains=False).domain == ""
    assert lane_of(relay, split_domains=True).domain == "a.test"
    assert lane_of(tls, split_domains=False).domain == "b.test"
    inside = replace(relay, item=replace(relay.item, destination=Destination(Route.RELAY, inside=True)))
    assert lane_of(inside, split_domains=True).domain == ""


def test_a_lane_starts_no_more_than_its_width():
    lanes = filled(Limits(per_lane=3), [leased(n) for n in range(10)])
    assert len(start_all(lanes)) == 3


def test_lanes_take_turns():
    items = [leased(n) for n in range(4)] + [leased(n, route=Route.PARTNER, name="p") for n in range(10, 14)]
    started = start_all(filled(Limits(deliveries=4), items))
    assert sorted(batch.lane.destination.name for batch in started) == ["", "", "p", "p"]


def test_after_failures_a_lane_narrows_to_one_and_widens_again():
    lanes = filled(Limits(per_lane=8), [leased(n) for n in range(100)])
    running = start_all(lanes)
    for batch in running:
        lanes.done(batch, well=False)
    (only,) = start_all(lanes)
    lanes.done(only, well=True)
    assert len(start_all(lanes)) == 2, "one success, one more at once"


def test_failing_lanes_leave_half_of_the_places_to_the_others():
    limits = Limits(deliveries=10, per_lane=4)
    dead = [leased(n, route=Route.TLS, domain=f"d{n % 20}.test") for n in range(1000)]
    lanes = filled(limits, dead)
    for _ in range(20):
        for batch in start_all(lanes):
            lanes.done(batch, well=False)
    started = start_all(lanes)
    assert len(started) == 5
    lanes.add(batches([leased(n) for n in range(1000, 1010)], split_domains=False))
    assert [batch.lane.destination.route for batch in start_all(lanes)] == [Route.RELAY] * 4


def test_bodies_under_way_are_bounded_but_one_always_goes():
    lanes = filled(Limits(body_bytes=100), [leased(1, size=500), leased(2, size=60), leased(3, size=60)])
    (first,) = start_all(lanes)
    assert first.size == 500
    lanes.done(first, well=True)
    assert len(start_all(lanes)) == 1


def test_a_lane_with_enough_in_hand_is_busy():
    lanes = filled(Limits(in_hand=1000), [leased(n) for n in range(200)])
    assert [lane.destination.route for lane in lanes.busy()] == [Route.RELAY]
    assert lanes.room() == 800


def test_what_has_not_started_can_be_taken_out():
    lanes = filled(Limits(per_lane=1), [leased(n) for n in range(5)])
    (running,) = start_all(lanes)
    assert len(lanes.take_waiting()) == 4
    assert lanes.items == 1
    lanes.done(running, well=True)
    assert lanes.items == 0
    assert lanes.next() is None


@given(st.lists(st.tuples(st.integers(0, 5), st.booleans(), st.integers(1, 300)), max_size=60))
def test_everything_that_goes_in_comes_out_once_and_the_counts_return_to_nothing(jobs):
    limits = Limits(deliveries=4, per_lane=2, body_bytes=400)
    items = [leased(n, route=Route.TLS, domain=f"d{lane}.test", size=size) for n, (lane, _, size) in enumerate(jobs)]
    lanes = filled(limits, items)
    seen, running = [], []
    while True:
        running += start_all(lanes)
        assert len(running) <= limits.deliveries
        if not running:
            break
        batch = running.pop(0)
        seen += [one.item.id for one in batch.items]
        lanes.done(batch, well=jobs[int(batch.items[0].item.id[1:])][1])
    assert sorted(seen) == sorted(one.item.id for one in items)
    assert lanes.items == 0
    assert (lanes._running, lanes._running_bytes, lanes._failing) == (0, 0, 0)
