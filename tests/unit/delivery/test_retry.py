"""When to try again: never early, never past what is due, never for ever."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import example, given
from hypothesis import strategies as st

from delivery.items import Destination, Item, Reply, State
from delivery.retry import JITTER, FallBack, GiveUp, Wait, after_deferral, delay
from delivery.settings import QueueSettings
from policy.decision import Route

START = datetime(2026, 1, 1, tzinfo=UTC)
SETTINGS = QueueSettings()
REPLY = Reply(451, "4.0.0", "later")
ITEM = Item(
    id="i",
    message_id="m",
    namespace="default",
    recipient="a@b.test",
    destination=Destination(Route.RELAY),
    state=State.LEASED,
    attempts=0,
    created_at=START,
    next_at=START,
    expires_at=START + SETTINGS.expire,
    rule="",
    decision_id="",
    delay_notice_at=START + SETTINGS.delay_notice,
)
PARTNER = replace(
    ITEM,
    destination=Destination(Route.PARTNER, "p"),
    fallback=Route.SAFEBOX,
    fallback_at=START + SETTINGS.secure_fallback,
)
jitters = st.floats(0, 1, exclude_max=True)


def test_the_delay_doubles_up_to_its_limit():
    minutes = [delay(attempts, SETTINGS, 0.5).total_seconds() / 60 for attempts in range(1, 8)]
    assert minutes == [5, 10, 20, 40, 70, 70, 70]


@given(st.integers(0, 10**9), jitters)
def test_the_delay_is_spread_evenly_about_itself(attempts, jitter):
    middle, spread = delay(attempts, SETTINGS, 0.5), delay(attempts, SETTINGS, jitter)
    assert middle * (1 - JITTER / 2) - timedelta(seconds=1) <= spread <= middle * (1 + JITTER / 2)
    assert spread <= SETTINGS.longest_retry * (1 + JITTER)


@example(attempts=0, minutes=59, jitter=0.5, item=PARTNER)
@example(attempts=0, minutes=60, jitter=0.5, item=PARTNER)
@example(attempts=9, minutes=239, jitter=0.5, item=ITEM)
@given(st.integers(0, 200), st.integers(0, 5 * 24 * 60 - 1), jitters, st.sampled_from([ITEM, PARTNER]))
def test_the_next_try_is_the_earliest_of_what_is_due(attempts, minutes, jitter, item):
    now = START + timedelta(minutes=minutes)
    following = after_deferral(replace(item, attempts=attempts), REPLY, now, SETTINGS, jitter)
    if item is PARTNER and minutes >= 60:
        assert following == FallBack(Route.SAFEBOX)
        return
    assert isinstance(following, Wait)
    assert now < following.next_at <= item.expires_at
    assert following.next_at <= now + delay(attempts + 1, SETTINGS, jitter)
    if item.fallback_at is not None:
        assert following.next_at <= item.fallback_at
    assert following.say_delay == (minutes >= 240)
    if not following.say_delay:
        assert following.next_at <= item.delay_notice_at


def test_at_expiry_it_is_given_up_with_the_last_reply():
    following = after_deferral(ITEM, REPLY, ITEM.expires_at, SETTINGS, 0)
    assert isinstance(following, GiveUp)
    assert "451 4.0.0 later" in following.reply.text
    assert (following.reply.code, following.reply.status) == (550, "5.4.7")


def test_a_fallback_that_is_due_comes_before_giving_up():
    """The gateway was off for a week: the mail still reaches its recipient."""
    assert after_deferral(PARTNER, REPLY, START + timedelta(days=7), SETTINGS, 0) == FallBack(Route.SAFEBOX)


def test_without_a_fallback_its_time_means_nothing():
    waits = replace(PARTNER, fallback=None)
    following = after_deferral(waits, REPLY, START + timedelta(hours=2), SETTINGS, 0.5)
    assert following == Wait(START + timedelta(hours=2, minutes=5))


def test_a_delay_is_told_once():
    told = replace(ITEM, delay_notice_at=None)
    assert after_deferral(told, REPLY, START + timedelta(hours=5), SETTINGS, 0.5) == Wait(
        START + timedelta(hours=5, minutes=5)
    )


def test_our_own_trouble_does_not_make_the_wait_grow():
    boxed = replace(ITEM, destination=Destination(Route.SAFEBOX), attempts=40)
    assert after_deferral(boxed, REPLY, START, SETTINGS, 0.5) == Wait(START + timedelta(minutes=5))
