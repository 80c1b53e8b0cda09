"""The worker's promises: every outcome leads where it should, nothing is dropped, nobody holds up the rest."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import insert, select, text

from delivery.claims import LEASE, STRAY
from delivery.couriers.courier import Deferred, Evidence, LeaseLost, Refused, Sent, Stored
from delivery.errors import StoreUnavailable
from delivery.items import Fate, Kind, Reply, State
from delivery.lanes import Limits
from delivery.sealed import INLINE
from delivery.store import items as rows
from delivery.store.messages import find_message
from delivery.store.schema import items, workers
from delivery.store.workers import retire_workers
from policy.decision import Changes, Route

OK = Sent(Reply(250, "2.0.0", "ok"))
LATER = Deferred(Reply(451, "4.7.1", "come back"))
NEVER = Refused(Reply(550, "5.1.1", "no such user"))
UNPROVEN = Deferred(Reply(454, "4.7.0", "no proof"), insecure=True)


async def test_accepted_mail_goes_at_once_from_memory(store):
    async with store.working():
        store.queue.open_items = None  # the body is not read back
        message_id = await store.accept(raw=b"from memory")
        await store.until_state(message_id, State.SENT)
    (delivery,) = store.courier.deliveries
    assert delivery.message.raw == b"from memory"
    assert store.courier.confirmed == [True]
    story = await store.only(message_id)
    assert [(one.number, one.outcome, one.reply) for one in story.attempts] == [(1, "sent", "250 2.0.0 ok")]
    assert "item.sent" in await store.kinds()
    await store.conserved()


async def test_what_another_process_put_in_is_found(store, open_store):
    async with store.working():
        other = open_store(store.url)
        message_id = await other.accept(raw=b"from the store")
        await store.until_state(message_id, State.SENT)
    assert [delivery.message.raw for delivery in store.courier.deliveries] == [b"from the store"]


async def test_a_message_goes_in_deliveries_whose_copies_are_alike(store):
    tagged = Changes(subject="[External] x")
    message_id = await store.accept(
        *(store.item(f"r{n}@there.test") for n in range(150)),
        *(store.item(f"t{n}@there.test", changes=tagged) for n in range(3)),
        store.item("p@partner.test", Route.PARTNER, partner="st-mary"),
    )
    async with store.working():
        await store.until_state(message_id, *[State.SENT] * 154)
    sizes = sorted(
        (delivery.destination.route, delivery.items[0].changes.subject or "", len(delivery.items))
        for delivery in store.courier.deliveries
    )
    assert sizes == [
        (Route.PARTNER, "", 1),
        (Route.RELAY, "", 50),
        (Route.RELAY, "", 100),
        (Route.RELAY, "[External] x", 3),
    ]
    await store.conserved()


async def test_deferred_it_is_tried_again_later_and_later(store):
    store.courier.answers["bob@there.test"] = LATER
    message_id = await store.accept()
    async with store.working():
        waits = []
        for count in range(1, 7):

            async def tried(count=count):
                item = (await store.only(message_id)).line.item
                return item.state is State.DUE and item.attempts == count

            await store.until(tried)
            item = (await store.only(message_id)).line.item
            waits.append((item.next_at - store.clock()).total_seconds() / 60)
            store.clock.now = item.next_at
            store.again()
    assert waits == [5, 10, 20, 40, 70, 70]
    assert item.last_reply == "451 4.7.1 come back"
    assert (await store.kinds()).count("item.deferred") >= 6
    await store.conserved()


async def test_the_delay_is_told_once_when_it_is_due(store):
    store.courier.answers["bob@there.test"] = LATER
    message_id = await store.accept()
    async with store.working():
        for count in range(1, 9):

            async def tried(count=count):
                item = (await store.only(message_id)).line.item
                return item.state is State.DUE and item.attempts == count

            await store.until(tried)
            store.clock.now = (await store.only(message_id)).line.item.next_at
            store.again()
    delayed = [reports for _, reports, _ in store.reports.written if reports[0].fate is Fate.DELAYED]
    assert len(delayed) == 1
    assert delayed[0][0].attempted_at == store.clock.now.replace(hour=13, minute=0)
    assert delayed[0][0].retry_until == (await store.only(message_id)).line.item.expires_at


async def test_expired_it_bounces_with_the_last_reply(store):
    store.courier.answers["bob@there.test"] = LATER
    message_id = await store.accept(store.item(), store.item("carol@there.test"))
    store.clock.advance(days=5)
    async with store.working():
        await store.until_state(message_id, State.BOUNCED, State.SENT)
    ((_, (report,), confidential),) = store.reports.written
    assert (report.fate, report.item.recipient, confidential) == (Fate.FAILED, "bob@there.test", False)
    assert "come back" in report.reply.text
    await store.conserved()


async def test_refused_for_good_it_bounces_at_once_with_one_report(store):
    store.courier.answers |= {"bob@there.test": NEVER, "carol@there.test": NEVER}
    message_id = await store.accept(store.item(), store.item("carol@there.test"), store.item("ok@there.test"))
    async with store.working():
        await store.until_state(message_id, State.BOUNCED, State.BOUNCED, State.SENT)
        await store.until(lambda: "alice@example.com" in store.courier.recipients)
    ((_, reports, _),) = store.reports.written
    assert sorted(report.item.recipient for report in reports) == ["bob@there.test", "carol@there.test"]
    dsn = store.courier.deliveries[-1]
    assert dsn.message.sender is None
    assert b"no such user" in dsn.message.raw
    await store.conserved()


@pytest.mark.parametrize(
    ("sender", "notify", "kind", "told"),
    [
        ("alice@example.com", None, Kind.MAIL, True),
        ("alice@example.com", frozenset({"FAILURE"}), Kind.MAIL, True),
        ("alice@example.com", frozenset({"SUCCESS", "DELAY"}), Kind.MAIL, False),
        ("alice@example.com", frozenset({"NEVER"}), Kind.MAIL, False),
        (None, None, Kind.MAIL, False),
        (None, None, Kind.DSN, False),
        ("alice@example.com", None, Kind.NOTICE, False),
        ("alice@example.com", None, Kind.ANSWER, False),
    ],
)
async def test_who_is_told_of_a_failure(store, sender, notify, kind, told):
    store.courier.answers["bob@there.test"] = NEVER
    message_id = await store.accept(store.item(kind=kind, notify=notify), sender=sender)
    async with store.working():
        await store.until_state(message_id, State.BOUNCED)
    assert bool(store.reports.written) is told
    await store.conserved()


@pytest.mark.parametrize(("passed", "fates"), [(False, [Fate.RELAYED]), (True, [])])
async def test_success_is_reported_unless_the_next_hop_does(store, passed, fates):
    store.courier.answers["bob@there.test"] = Sent(Reply(250, "2.0.0", "ok"), dsn_passed=passed)
    message_id = await store.accept(store.item(notify=frozenset({"SUCCESS"})))
    async with store.working():
        await store.until_state(message_id, State.SENT)
    assert [report.fate for _, reports, _ in store.reports.written for report in reports] == fates


def broken(*_args, **_named):
    raise LookupError("a bug")


@pytest.mark.parametrize("others", [0, 1])
async def test_what_was_sent_is_not_sent_again_for_want_of_a_report(store, monkeypatch, others):
    """A report that cannot be written, for whatever reason, costs the report: the mail has arrived."""
    monkeypatch.setattr(type(store.reports), "__call__", broken)
    recipients = [f"r{number}@there.test" for number in range(others)]
    message_id = await store.accept(store.item(notify=frozenset({"SUCCESS"})), *map(store.item, recipients))
    async with store.working():
        await store.until_state(message_id, *[State.SENT] * (others + 1))
    assert sorted(store.courier.recipients) == ["bob@there.test", *recipients]
    await store.conserved()


async def test_one_that_cannot_be_written_down_keeps_no_other_from_it(store, monkeypatch):
    monkeypatch.setattr(type(store.reports), "__call__", broken)
    store.courier.answers["a@there.test"] = LATER
    message_id = await store.accept(store.item("a@there.test"), store.item("b@there.test"))
    store.clock.advance(hours=5)  # by now the sender of `a` is to be told of the delay
    async with store.working():
        await store.until_state(message_id, State.DUE, State.SENT)
    assert store.courier.recipients.count("b@there.test") == 1


# -- fallback ------------------------------------------------------------------------------------------------------


async def deferred_until_fallback(store, message_id):
    async def tried():
        return (await store.only(message_id)).line.item.attempts >= 1

    await store.until(tried)
    assert (await store.only(message_id)).line.item.destination.route is Route.PARTNER
    store.again(minutes=60)


async def test_unproven_for_too_long_it_goes_by_safebox(store, make):
    boxes = store.couriers[Route.SAFEBOX] = make.courier()
    boxes.answers["p@partner.test"] = Stored(Reply(250, "2.0.0", "kept"), lambda conn, now: None)
    store.courier.answers["p@partner.test"] = UNPROVEN
    item = store.item("p@partner.test", Route.PARTNER, partner="st-mary", fallback=Route.SAFEBOX, profile="standard")
    message_id = await store.accept(item)
    async with store.working():
        await deferred_until_fallback(store, message_id)
        await store.until_state(message_id, State.STORED)
    (delivery,) = boxes.deliveries
    assert delivery.items[0].fell_back
    assert delivery.items[0].profile == "standard"
    (event,) = [event for event in await store.events() if event["kind"] == "item.fell_back"]
    assert event["facts"]["fallback"] == "safebox"
    assert event["facts"]["unproven"] is True
    await store.conserved()


async def test_its_next_try_is_when_the_fallback_is_due(store):
    """Back-off alone would wait past it."""
    store.courier.answers["p@partner.test"] = UNPROVEN
    message_id = await store.accept(
        store.item("p@partner.test", Route.PARTNER, partner="st-mary", fallback=Route.SAFEBOX)
    )
    start = store.clock()
    async with store.working():
        for count in range(1, 4):

            async def tried(count=count):
                item = (await store.only(message_id)).line.item
                return item.state is State.DUE and item.attempts == count

            await store.until(tried)
            store.clock.now = (await store.only(message_id)).line.item.next_at
            store.again()
    assert store.clock() - start <= timedelta(hours=1)


async def test_unproven_for_too_long_it_is_held(store):
    store.courier.answers["p@partner.test"] = UNPROVEN
    message_id = await store.accept(store.item("p@partner.test", Route.PARTNER, partner="st-mary", fallback=Route.HOLD))
    async with store.working():
        await deferred_until_fallback(store, message_id)
        await store.until_state(message_id, State.HELD)
    await store.conserved()


async def test_unproven_for_too_long_it_is_given_up(store):
    store.courier.answers["p@partner.test"] = UNPROVEN
    message_id = await store.accept(
        store.item("p@partner.test", Route.PARTNER, partner="st-mary", fallback=Route.REJECT)
    )
    async with store.working():
        await deferred_until_fallback(store, message_id)
        await store.until_state(message_id, State.BOUNCED)
    ((_, (report,), confidential),) = store.reports.written
    assert report.reply.status == "5.7.10"
    assert confidential, "the report itself goes by ordinary mail"


async def test_without_a_fallback_it_waits(store):
    store.courier.answers["p@partner.test"] = UNPROVEN
    message_id = await store.accept(store.item("p@partner.test", Route.PARTNER, partner="st-mary"))
    async with store.working():
        await deferred_until_fallback(store, message_id)

        async def tried_again():
            return (await store.only(message_id)).line.item.attempts >= 2

        await store.until(tried_again)
    assert await store.states(message_id) == [State.DUE]


async def test_a_partner_that_says_no_is_a_bounce_and_no_fallback(store):
    store.courier.answers["p@partner.test"] = NEVER
    message_id = await store.accept(
        store.item("p@partner.test", Route.PARTNER, partner="st-mary", fallback=Route.SAFEBOX)
    )
    async with store.working():
        await store.until_state(message_id, State.BOUNCED)


# -- ends ----------------------------------------------------------------------------------------------------------


async def test_when_the_last_item_ends_key_and_content_go(store, tmp_path):
    async with store.working():
        small = await store.accept(raw=b"small")
        large = await store.accept(raw=b"x" * (INLINE + 1))
        half = await store.accept(store.item(), store.item("held@there.test", state=State.HELD))
        await store.until_state(small, State.SENT)
        await store.until_state(large, State.SENT)
        await store.until_state(half, State.SENT, State.HELD)
        await store.until(lambda: not [one for one in (tmp_path / "data/blobs").rglob("*") if one.is_file()])
    for message_id in (small, large):
        kept = await store.db.read(lambda conn, wanted=message_id: find_message(conn, wanted))
        assert (kept.wrapped, kept.body_sealed, kept.blob, kept.subject_sealed) == (None, None, None, None)
        assert kept.finished_at is not None
    kept = await store.db.read(lambda conn: find_message(conn, half))
    assert kept.wrapped is not None
    await store.conserved()


async def test_a_destroyed_key_is_nowhere_in_the_files(sqlite_store, tmp_path):
    store = sqlite_store
    message_id = await store.accept()
    kept = await store.db.read(lambda conn: find_message(conn, message_id))
    assert any(kept.wrapped.wrapped in path.read_bytes() for path in (tmp_path / "data").iterdir() if path.is_file())
    async with store.working():
        await store.until_state(message_id, State.SENT)
    await store.db.truncate_log()
    for path in (tmp_path / "data").rglob("*"):
        if path.is_file():
            assert kept.wrapped.wrapped not in path.read_bytes(), path
            assert kept.body_sealed not in path.read_bytes(), path


async def test_stored_and_its_work_are_one_transaction(store):
    def work(conn, now):
        conn.execute(insert(workers).values(id="the box", host="x", started_at=now))

    store.courier.answers["bob@there.test"] = Stored(Reply(250, "2.0.0", "kept"), work)
    message_id = await store.accept()
    async with store.working():
        await store.until_state(message_id, State.STORED)
    assert "the box" in await store.db.read(lambda conn: conn.execute(select(workers.c.id)).scalars().all())


async def test_a_work_that_fails_leaves_the_item_to_be_tried_again(store):
    def work(conn, now):
        conn.execute(insert(workers).values(id="the box", host="x", started_at=now))
        raise LookupError("a bug")

    store.courier.answers |= {"bob@there.test": Stored(Reply(250, "2.0.0", "kept"), work)}
    message_id = await store.accept(store.item(), store.item("ok@there.test"))
    async with store.working():
        await store.until_state(message_id, State.DUE, State.SENT)
    assert "the box" not in await store.db.read(lambda conn: conn.execute(select(workers.c.id)).scalars().all())
    (due,) = [story for story in await store.stories(message_id) if story.line.item.state is State.DUE]
    assert due.line.item.last_reply.startswith("451 4.3.0")
    await store.conserved()


async def test_how_our_own_mail_ends_is_told_in_the_same_transaction(store):
    told = []

    class Ends:
        async def ended(self, item, state, reply):
            told.append((item.participant_id, state, reply.code))
            return lambda conn, now: conn.execute(insert(workers).values(id=f"told {state}", host="", started_at=now))

    store.courier.answers["bob@there.test"] = NEVER
    await store.accept(store.item(kind=Kind.NOTICE, participant_id="p1"))
    message_id = await store.accept(store.item("ok@there.test", kind=Kind.NOTICE, participant_id="p2"))
    mail = await store.accept(store.item("mail@there.test"))
    async with store.working(ends=Ends()):
        await store.until_state(message_id, State.SENT)
        await store.until_state(mail, State.SENT)
        await store.until(lambda: len(told) == 2)
    assert sorted(told) == [("p1", State.BOUNCED, 550), ("p2", State.SENT, 250)]
    found = await store.db.read(lambda conn: conn.execute(select(workers.c.id)).scalars().all())
    assert {"told bounced", "told sent"} <= set(found)


# -- leases --------------------------------------------------------------------------------------------------------


async def test_what_a_dead_worker_held_is_taken_over_and_its_late_result_recorded(store, open_store):
    """A worker hangs before the final dot; its lock is lost; another delivers; then the first one wakes up."""
    other = open_store(store.url)
    store.courier.gate = asyncio.Event()
    message_id = None
    async with store.working() as first:
        message_id = await store.accept()
        await store.until(lambda: store.courier.deliveries)
        # the other process sees the first one's lock free, as after kill -9
        freed = await other.db.write(lambda conn: retire_workers(conn, [first.id]))
        assert freed == 1
        (taken,) = await other.claims().lease(10, [])
        assert taken.token == 2
        store.courier.gate.set()
        await store.until(lambda: store.courier.confirmed)
        assert store.courier.confirmed == [False], "the token is no longer ours"

        async def recorded():
            return "late.result" in await store.kinds()

        await store.until(recorded)
    story = await store.only(message_id)
    assert [one.outcome for one in story.attempts] == ["late"]
    assert "sent: 250 2.0.0 ok" in story.attempts[0].reply
    assert story.line.item.attempts == 0


async def test_a_late_failure_sends_no_report(store):
    store.courier.gate = asyncio.Event()
    store.courier.answers["bob@there.test"] = NEVER
    async with store.working() as worker:
        message_id = await store.accept(store.item(), store.item("carol@there.test"))
        await store.until(lambda: store.courier.deliveries)
        await store.db.write(
            lambda conn: conn.execute(
                items.update().where(items.c.recipient == "bob@there.test").values(lease_token=9, lease_worker="x")
            )
        )
        store.courier.gate.set()

        async def recorded():
            return "late.result" in await store.kinds()

        await store.until(recorded)
        assert worker.id
    late = [one for story in await store.stories(message_id) for one in story.attempts if one.outcome == "late"]
    assert len(late) == 1
    dsns = [line for line in await store.admin.items(states=list(State)) if line.item.kind is Kind.DSN]
    assert dsns == []


async def test_leases_of_a_run_that_crashed_are_free_at_the_start(store, open_store):
    dead = store.claims()
    await dead.register()
    message_id = await store.accept()
    assert len(await dead.lease(10, [])) == 1
    dead._lock.release()  # as the system does when a process ends
    async with store.working():
        await store.until_state(message_id, State.SENT)
    await store.conserved()


async def test_a_living_worker_keeps_its_items(store, open_store):
    living, other = store.claims(), open_store(store.url)
    await living.register()
    message_id = await store.accept()
    (leased,) = await living.lease(10, [])
    assert await other.claims().take_over(()) == 0
    assert await store.states(message_id) == [State.LEASED]
    assert await living.still_ours({leased.item.id: leased.token}) == {leased.item.id}
    await living.retire()
    assert await store.states(message_id) == [State.DUE]


async def test_who_lost_its_lock_for_a_moment_keeps_its_items(store, open_store):
    """A server that restarts takes every lock: what was just sent and is not on record yet must not be sent again."""
    living, other = store.claims(), open_store(store.url).claims()
    await living.register()
    await store.accept()
    await living.lease(10, [])
    living._lock.release()
    grace = store.db.backing.lock_grace
    assert await other.take_over(()) == (0 if grace else 1)
    if grace:
        await living.keep_lock()
        assert await other.take_over(()) == 0
        living._lock.release()
        assert await other.take_over(()) == 0, "counted from now on"
        store.clock.advance(seconds=grace)
        looked = asyncio.create_task(other.take_over(()))
        await asyncio.sleep(living.lock_check_seconds / 2)
        await living.keep_lock()
        assert await looked == 0, "it had lost it twice, and looked for it again"
        living._lock.release()
        assert await other.take_over(()) == 0, "counted from now on"
        store.clock.advance(seconds=2 * grace)
        assert await other.take_over(()) == 1
    await living.retire()


async def test_who_may_have_been_taken_for_dead_makes_sure_before_it_sends(store, open_store):
    """What a worker without a lock leases others free, again and again: it would send the same mail each time."""
    living, other = store.claims(), open_store(store.url).claims()
    await living.register()
    assert living.still_holds_lock
    await store.accept()
    (leased,) = await living.lease(10, [])
    tokens = {leased.item.id: leased.token}
    living._lock.release()
    if grace := store.db.backing.lock_grace:
        assert living.lock_check_seconds < grace / 2
        store.clock.advance(seconds=grace)
        assert not living.still_holds_lock
        assert await living.still_ours(tokens) == {leased.item.id}
        assert living.still_holds_lock
        assert await other.take_over(()) == 0, "it has its lock again"
        living._lock.release()
        store.clock.advance(seconds=grace)
        assert await other.take_over(()) == 0
        store.clock.advance(seconds=grace)
        assert await other.take_over(()) == 1
        assert await living.still_ours(tokens) == set(), "it was taken for dead meanwhile"
        assert len(await living.lease(10, [])) == 1
        assert await other.take_over(()) == 0, "and lives again"
    await living.retire()


async def test_a_lease_that_nobody_renews_is_free_and_one_renewed_is_not(store, open_store):
    claims, other = store.claims(), open_store(store.url).claims()
    await claims.register()
    message_id = await store.accept()
    (leased,) = await claims.lease(10, [])
    tokens = {leased.item.id: leased.token}
    assert await other.take_over(()) == 0
    store.clock.advance(seconds=40)
    await claims.renew(tokens)
    assert await other.take_over(()) == 0
    store.clock.advance(seconds=40)
    assert await other.take_over(()) == 0, "it was renewed 40 seconds ago"
    store.clock.advance(seconds=LEASE.total_seconds())
    assert await claims.take_over({leased.item.id}) == 0, "in hand here: its result is still to come"
    assert await other.take_over(()) == 1
    assert await store.states(message_id) == [State.DUE]
    assert await claims.still_ours(tokens) == set()
    await claims.retire()


async def test_a_lease_that_was_lost_on_the_way_to_its_worker_is_free(store):
    claims = store.claims()
    await claims.register()
    message_id = await store.accept()
    assert len(await claims.lease(10, [])) == 1
    for taken in (0, 1):
        assert await claims.take_over(()) == taken
        store.clock.advance(seconds=STRAY.total_seconds())
    assert await store.states(message_id) == [State.DUE]
    await claims.retire()


async def test_a_clock_that_jumps_takes_no_lease_away(store, open_store):
    """A machine that slept, a first answer from a time server: the other worker lives, and may be behind its dot."""
    claims, other = store.claims(), open_store(store.url).claims()
    await claims.register()
    message_id = await store.accept()
    await claims.lease(10, [])
    other._seconds = lambda: 0.0
    for jump in ({"days": 3}, {"days": -6}):
        assert await other.take_over(()) == 0
        store.clock.advance(**jump)
        assert await other.take_over(()) == 0
    assert await store.states(message_id) == [State.LEASED]
    await claims.retire()


async def test_what_a_clock_that_was_ahead_put_off_is_tried_when_it_is_right_again(store):
    claims = store.claims()
    await claims.register()
    message_id = await store.accept()
    store.clock.advance(days=3)
    (leased,) = await claims.lease(10, [])
    await claims.give_back({leased.item.id: leased.token}, timedelta(minutes=70))
    assert await claims.take_over(()) == 0, "so long it may have to wait"
    store.clock.advance(days=-3)
    assert await claims.take_over(()) == 1
    assert len(await claims.lease(10, [])) == 1
    assert await store.states(message_id) == [State.LEASED]
    await claims.retire()


async def test_no_item_is_leased_twice(store, open_store):
    one, two = store, open_store(store.url)
    for n in range(60):
        await store.accept(store.item(f"r{n}@there.test"))
    claims = [store.claims() for store in (one, two, one, two)]
    for claim in claims:
        await claim.register()
    leased = await asyncio.gather(*(claim.lease(30, []) for claim in claims))
    ids = [item.item.id for some in leased for item in some]
    assert len(ids) == len(set(ids)) == 60
    for claim in claims:
        await claim.retire()


async def test_lost_before_the_dot_it_is_not_counted(store):
    store.courier.answers["bob@there.test"] = LeaseLost()
    message_id = await store.accept()
    async with store.working():
        await store.until(lambda: store.courier.deliveries)
        await store.until_state(message_id, State.DUE)
    story = await store.only(message_id)
    assert (story.line.item.attempts, story.attempts) == (0, ())


async def test_a_lease_proves_nothing_when_the_store_is_away(store, monkeypatch):
    async def away(*_args):
        raise StoreUnavailable("away")

    monkeypatch.setattr("delivery.claims.Claims.still_ours", away)
    async with store.working():
        await store.accept()
        await store.until(lambda: store.courier.confirmed)
    assert store.courier.confirmed == [False]


# -- stopping, trouble, fairness -----------------------------------------------------------------------------------


async def test_stopping_gives_back_uncounted_what_does_not_end(store_url, open_store):
    store = open_store(store_url, shutdown=timedelta(seconds=0.1))
    store.courier.gate = asyncio.Event()
    async with store.working(limits=Limits(deliveries=1)):
        message_ids = [await store.accept() for _ in range(3)]
        await store.until(lambda: store.courier.deliveries)
    for message_id in message_ids:
        story = await store.only(message_id)
        assert (story.line.item.state, story.line.item.attempts, story.attempts) == (State.DUE, 0, ())
    assert await store.db.read(lambda conn: conn.execute(select(workers.c.id)).all()) == []
    await store.conserved()


async def test_stopping_ends_in_time_whatever_a_courier_waits_for(store_url, open_store):
    """A courier that waits for the reply to the final dot lets one cancellation pass, and no second one."""
    store = open_store(store_url, shutdown=timedelta(seconds=0.3))
    passed = []

    async def waits_for_a_reply(delivery):
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            passed.append(delivery)
            await asyncio.Event().wait()

    store.courier.before = waits_for_a_reply
    async with asyncio.timeout(20), store.working():
        message_id = await store.accept()
        await store.until(lambda: store.courier.deliveries)
    assert len(passed) == 1
    assert await store.states(message_id) == [State.DUE]


async def test_stopping_lets_end_what_is_under_way(store):
    store.courier.gate = asyncio.Event()
    async with store.working():
        message_id = await store.accept()
        await store.until(lambda: store.courier.deliveries)
        asyncio.get_running_loop().call_later(0.2, store.courier.gate.set)
    assert await store.states(message_id) == [State.SENT]


async def test_stopping_a_result_waits_for_the_store_to_the_last(store_url, open_store, monkeypatch):
    """The server accepted, the database is locked, and comes back only once every delivery was told to end."""
    store = open_store(store_url, shutdown=timedelta(seconds=0.3))
    monkeypatch.setattr("delivery.attempting.PATIENCE", 0.01)
    real, told = rows.add_attempts, []

    def locked(conn, made):
        if not told:
            raise StoreUnavailable("locked")
        real(conn, made)

    async def until_told():
        delivering = next(task for task in asyncio.all_tasks() if task.get_name().startswith("deliver-"))
        await store.until(lambda: delivering.cancelling() >= 2)
        told.append(True)

    monkeypatch.setattr("delivery.store.items.add_attempts", locked)
    async with asyncio.timeout(20), store.working():
        message_id = await store.accept()
        await store.until(lambda: store.courier.confirmed)
        telling = asyncio.create_task(until_told())
    await telling
    assert await store.states(message_id) == [State.SENT]
    assert [one.outcome for one in (await store.only(message_id)).attempts] == ["sent"]


async def test_accepted_while_nobody_works_it_waits(store):
    async with store.working():
        pass
    message_id = await store.accept()
    assert await store.states(message_id) == [State.DUE]


async def test_a_courier_that_breaks_defers_and_the_worker_goes_on(store):
    async def breaks(delivery):
        if delivery.items[0].recipient == "bob@there.test":
            raise RuntimeError("with content in its text")

    store.courier.before = breaks
    async with store.working():
        broken, fine = await store.accept(), await store.accept(store.item("ok@there.test"))
        await store.until_state(fine, State.SENT)
        await store.until_state(broken, State.DUE)
    item = (await store.only(broken)).line.item
    assert item.attempts == 1
    assert item.last_reply.startswith("451 4.3.0")
    assert "content" not in item.last_reply


async def test_an_outcome_that_is_missing_defers(store):
    store.courier.answers["bob@there.test"] = None
    message_id = await store.accept(store.item(), store.item("ok@there.test"))
    async with store.working():
        await store.until_state(message_id, State.DUE, State.SENT)


async def test_a_route_without_a_courier_defers(store):
    message_id = await store.accept(store.item(route=Route.TLS))
    async with store.working(couriers={Route.TLS: None}):

        async def tried():
            return (await store.only(message_id)).line.item.attempts == 1

        await store.until(tried)


async def test_content_that_does_not_open_defers_and_at_last_bounces(store, tmp_path):
    message_id = await store.accept(raw=b"x" * (INLINE + 1))
    for path in (tmp_path / "data/blobs").rglob("*"):
        if path.is_file():
            path.unlink()
    async with store.working():

        async def tried():
            return (await store.only(message_id)).line.item.attempts >= 1

        await store.until(tried)
        store.again(days=6)
        await store.until_state(message_id, State.BOUNCED)
    assert store.courier.recipients.count("bob@there.test") == 0
    ((about, _, _),) = store.reports.written
    assert about.raw == b""


async def test_a_result_waits_for_the_store(store, monkeypatch):
    """The server accepted, the disk is full: the result is kept until it can be written."""
    failures = iter(range(2))
    real = rows.add_attempts

    def fails(conn, made):
        if next(failures, None) is not None:
            raise StoreUnavailable("full")
        real(conn, made)

    monkeypatch.setattr("delivery.store.items.add_attempts", fails)
    monkeypatch.setattr("delivery.attempting.PATIENCE", 0.01)
    async with store.working():
        message_id = await store.accept()
        await store.until_state(message_id, State.SENT)
    assert len(store.courier.deliveries) == 1
    assert [one.outcome for one in (await store.only(message_id)).attempts] == ["sent"]


async def test_one_dead_destination_does_not_hold_up_the_rest(store, make):
    dead = store.couriers[Route.PARTNER] = make.courier(gate=asyncio.Event())
    limits = Limits(deliveries=10, per_lane=8, in_hand=50)
    async with store.working(limits=limits):
        for n in range(40):
            await store.accept(store.item(f"d{n}@dead.test", Route.PARTNER, partner="dead"))
        alive = [await store.accept(store.item(f"r{n}@there.test")) for n in range(30)]
        for message_id in alive:
            await store.until_state(message_id, State.SENT)
        assert len(dead.deliveries) <= 8
        dead.gate.set()
    await store.conserved()


async def test_evidence_is_kept_with_the_attempt(store):
    evidence = Evidence("mx.there.test", "192.0.2.1", "TLSv1.3", "X", "pki", "ab" * 32, ("mx.there.test",))
    store.courier.answers["bob@there.test"] = Sent(Reply(250, "2.0.0", "ok\0\ud800" + "x" * 9999), evidence)
    message_id = await store.accept()
    async with store.working():
        await store.until_state(message_id, State.SENT)
    (attempt,) = (await store.only(message_id)).attempts
    assert attempt.evidence["protocol"] == "TLSv1.3"
    assert attempt.evidence["names"] == ["mx.there.test"]
    assert len(attempt.reply) <= 2000


async def test_every_delivery_is_an_event_that_names_no_one_openly(store):
    store.courier.answers["bob@there.test"] = NEVER
    message_id = await store.accept()
    async with store.working():
        await store.until_state(message_id, State.BOUNCED)
    (event,) = [one for one in await store.events() if one["kind"] == "item.bounced"]
    assert event["persons"] == {"recipient": "bob@there.test"}
    assert event["private"] == {"reply": "no such user"}
    assert event["facts"]["code"] == 550
    (hidden,) = [one for one in await store.events(reveal=False) if one["kind"] == "item.bounced"]
    assert "private" not in hidden
    raw = await store.db.read(lambda conn: str(conn.execute(text("SELECT facts, sealed FROM audit_events")).all()))
    assert "no such user" not in raw
