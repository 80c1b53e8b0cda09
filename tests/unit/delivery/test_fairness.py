"""Who goes first, and that nobody waits for ever."""

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from delivery.fairness import LETTERS, Senders, Turns, Urgency, after_failure, shares
from delivery.items import Kind

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class One:
    urgency: int
    sender: str | None
    number: int = 0


def turns(*ones: One) -> Turns[One]:
    made: Turns[One] = Turns()
    for one in ones:
        made.add(one)
    return made


def test_the_more_comes_of_a_sender_the_later_it_stands_and_it_is_forgotten() -> None:
    senders = Senders()
    seen = [senders.urgency("bulk@x", 100, NOW) for _ in range(200)]
    assert seen[:2] == [Urgency.MAIL, Urgency.MAIL]
    assert seen == sorted(seen)
    assert seen[-1] == Urgency.MOST_BULK
    assert set(seen) == set(range(Urgency.MAIL, Urgency.MOST_BULK + 1))
    assert senders.urgency("alice@x", 1, NOW) == Urgency.MAIL
    assert senders.urgency("bulk@x", 1, NOW + timedelta(hours=2)) == Urgency.MAIL
    assert senders.urgency("bulk@x", 1, NOW - timedelta(days=2)) == Urgency.MAIL  # a clock that was put back


def test_many_senders_are_not_remembered_for_ever() -> None:
    senders = Senders()
    senders.urgency("first@x", LETTERS, NOW)
    for number in range(10_000):
        senders.urgency(f"{number}@x", 1, NOW)
    assert senders.urgency("first@x", 1, NOW) == Urgency.MAIL


def test_codes_first_then_ours_then_letters_then_bulk_then_what_failed() -> None:
    order = [Urgency.RETRY, Urgency.BULK, Urgency.MAIL, Urgency.OWN, Urgency.CODE]
    waiting = turns(*(One(urgency, "a") for urgency in order))
    assert [waiting.take().urgency for _ in order] == sorted(order)
    assert len(waiting) == 0


def test_senders_take_turns() -> None:
    waiting = turns(*(One(3, "bulk", n) for n in range(50)), One(3, "alice"), One(3, None))
    first = [waiting.take().sender for _ in range(4)]
    assert first == ["bulk", "alice", None, "bulk"]


def test_what_stands_last_is_not_forgotten() -> None:
    waiting = turns(*(One(Urgency.MAIL, "a", n) for n in range(100)), One(Urgency.RETRY, "b"))
    assert Urgency.RETRY in [waiting.take().urgency for _ in range(8)]


@given(st.lists(st.tuples(st.integers(0, 10), st.sampled_from(["a", "b", None])), max_size=60))
def test_everything_comes_out_once_and_as_announced(given_: list[tuple[int, str | None]]) -> None:
    ones = [One(urgency, sender, number) for number, (urgency, sender) in enumerate(given_)]
    waiting, out = turns(*ones), []
    while waiting:
        announced = waiting.first()
        out.append(waiting.take())
        assert out[-1] is announced
    assert Counter(out) == Counter(ones)
    for sender in ("a", "b", None):
        for urgency in range(11):
            mine = [one.number for one in out if (one.sender, one.urgency) == (sender, urgency)]
            assert mine == sorted(mine)
    again = turns(*ones)
    assert Counter(again.take_all()) == Counter(ones)
    assert not again


@given(st.dictionaries(st.integers(0, 10), st.integers(0, 300)), st.integers(0, 250))
def test_shares_fill_the_limit_in_order_and_leave_nobody_out(numbers: dict[int, int], limit: int) -> None:
    waiting = {urgency: [f"{urgency}-{n}" for n in range(number)] for urgency, number in numbers.items()}
    chosen = shares(waiting, limit)
    assert len(chosen) == min(limit, sum(numbers.values()))
    assert [int(one.partition("-")[0]) for one in chosen] == sorted(int(one.partition("-")[0]) for one in chosen)
    if limit >= 16 * 11:
        assert {int(one.partition("-")[0]) for one in chosen} == {urgency for urgency, n in numbers.items() if n}
    for urgency, all_of_them in waiting.items():
        mine = [one for one in chosen if one.startswith(f"{urgency}-")]
        assert mine == all_of_them[: len(mine)]


def test_failed_mail_stands_behind_what_is_new_and_ours_does_not() -> None:
    assert after_failure(Kind.MAIL, Urgency.MAIL) == Urgency.RETRY
    assert after_failure(Kind.NOTICE, Urgency.CODE) == Urgency.CODE
