"""The queue's promises at its door and at rest."""

import asyncio
import os
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import delete, select, update

from delivery.errors import KeysUnavailable, StoreConflict, StoreUnavailable
from delivery.housekeeping import Housekeeping
from delivery.items import Kind, Reply, State
from delivery.sealed import INLINE
from delivery.store.audit import Event, EventKind
from delivery.store.items import find_items
from delivery.store.messages import find_message, purge_history, waiting_blobs
from delivery.store.schema import attempts, finished_items, items, messages
from delivery.store.views import ItemFilter
from policy.decision import Changes, Route


async def test_accepted_is_on_disk_with_items_and_events(store, open_store):
    event = Event(EventKind.DECISION_MADE, "default", decision_id="d1", facts={"route": "relay"})
    message_id = await store.queue.accept(
        store.message(b"raw bytes"),
        [store.item(rule="r", decision_id="d1", notify=frozenset({"DELAY", "FAILURE"}), orcpt="rfc822;bob@there.test")],
        [event],
    )
    other = open_store(store.url)  # another process
    story = await other.only(message_id)
    item = story.line.item
    assert (item.recipient, item.state, item.rule, item.decision_id) == ("bob@there.test", State.DUE, "r", "d1")
    assert item.notify == {"DELAY", "FAILURE"}
    assert item.orcpt == "rfc822;bob@there.test"
    assert story.line.sender == "alice@example.com"
    opened, _ = await other.queue.open_items(message_id)
    assert (opened.raw, opened.subject, opened.readable) == (b"raw bytes", "the subject", True)
    events = await other.events()
    assert [(one["kind"], one["message_id"]) for one in events] == [
        ("message.accepted", message_id),
        ("decision.made", message_id),
    ]
    await other.conserved()


async def test_the_door_names_the_message(store):
    assert await store.accept(id="01jname0000000000000000000") == "01jname0000000000000000000"
    with pytest.raises(StoreConflict):
        await store.accept(id="01jname0000000000000000000")
    assert len(await store.admin.items()) == 1


@pytest.mark.parametrize("size", [0, 1, INLINE, INLINE + 1, 3_000_000])
async def test_small_bodies_lie_in_the_row_large_ones_in_a_file(store, size):
    raw = bytes(n * 7 % 251 for n in range(997)) * (size // 997 + 1)
    message_id = await store.accept(raw=raw[:size])
    kept = await store.db.read(lambda conn: find_message(conn, message_id))
    assert (kept.blob is None) == (size <= INLINE)
    assert (kept.body_sealed is None) == (size > INLINE)
    assert kept.size == size
    opened, _ = await store.queue.open_items(message_id)
    assert opened.raw == raw[:size]


async def test_nothing_of_the_content_is_readable_at_rest(store, tmp_path):
    secret = b"the-patient-has-a-secret"
    changes = Changes(subject=f"changed {secret.decode()}", add_headers=(("X-Tag", secret.decode()),))
    await store.accept(store.item(changes=changes), raw=secret * 10, subject=secret.decode())
    await store.accept(store.item(changes=changes), raw=secret * 20_000, subject=secret.decode())
    await store.queue.accept(
        store.message(),
        [store.item()],
        [Event(EventKind.DECISION_MADE, "default", private={"excerpt": secret.decode()})],
    )
    assert list((tmp_path / "data" / "blobs").rglob("*"))
    for path in tmp_path.rglob("*"):
        if path.is_file():
            assert secret not in path.read_bytes(), path
    rows = await store.db.read(
        lambda conn: [str(row) for table in (messages, items) for row in conn.execute(select(table))]
    )
    assert not any(secret.decode() in row for row in rows)


async def test_a_sealed_body_opens_in_its_own_row_only(store):
    one, two = await store.accept(raw=b"one"), await store.accept(raw=b"two")

    def swap(conn):
        body = conn.execute(select(messages.c.body_sealed).where(messages.c.id == one)).scalar()
        conn.execute(update(messages).where(messages.c.id == two).values(body_sealed=body))

    await store.db.write(swap)
    opened, _ = await store.queue.open_items(two)
    assert not opened.readable
    assert opened.raw == b""


async def test_changes_come_back_with_their_item(store):
    changes = Changes(subject="new", add_headers=(("X-A", "1"), ("X-B", "ü")), drop_headers=("x-sealgate",))
    message_id = await store.accept(store.item(changes=changes), store.item("carol@there.test"))
    leased = await store.claims().lease(10, [])
    _, opened = await store.queue.open_items(message_id, leased)
    assert {one.item.recipient: one.item.changes for one in opened} == {
        "bob@there.test": changes,
        "carol@there.test": Changes(),
    }


async def test_no_blob_stays_of_what_was_not_accepted(store, tmp_path):
    await store.accept(id="01jname0000000000000000000")
    with pytest.raises(StoreConflict):
        await store.accept(id="01jname0000000000000000000", raw=b"x" * (INLINE + 1))
    assert not [path for path in (tmp_path / "data" / "blobs").rglob("*") if path.is_file()]


async def test_no_blob_stays_where_a_mail_of_our_own_cannot_be_sealed(store, tmp_path, monkeypatch):
    """A client that tries again and again would fill the disk."""
    seal, sealed = store.queue.seal, []

    def fails(message):
        if sealed:
            raise KeysUnavailable("gone")
        sealed.append(seal(message))
        return sealed[0]

    monkeypatch.setattr(store.queue, "seal", fails)
    notice = (store.message(b"x" * (INLINE + 1), sender=None), [store.item("owner@example.com", kind=Kind.NOTICE)])
    with pytest.raises(KeysUnavailable):
        await store.queue.accept(store.message(b"x" * (INLINE + 1)), [store.item()], (), [notice])
    assert sealed[0].blob
    assert not [path for path in (tmp_path / "data" / "blobs").rglob("*") if path.is_file()]


async def test_mails_of_our_own_enter_together_with_the_message_or_not_at_all(store):
    notice = (store.message(b"notice", sender=None), [store.item("owner@example.com", kind=Kind.NOTICE)])
    message_id = await store.queue.accept(store.message(), [store.item()], (), [notice])
    lines = await store.admin.items()
    assert sorted(line.item.kind for line in lines) == [Kind.MAIL, Kind.NOTICE]
    with pytest.raises(StoreConflict):
        await store.queue.accept(store.message(id=message_id), [store.item()], (), [notice])
    assert len(await store.admin.items()) == 2
    assert (await store.conserved()).messages == 2


async def test_put_belongs_to_its_transaction(store):
    now = store.clock()
    sealed = store.queue.seal(store.message(b"x" * (INLINE + 1)))

    def fails(conn):
        store.queue.put(conn, sealed, [store.item()], [], now)
        raise LookupError("after it")

    with pytest.raises(LookupError):
        await store.db.write(fails)
    assert await store.admin.items() == []
    await store.db.write(lambda conn: store.queue.put(conn, sealed, [store.item()], [], now))
    assert await store.states(sealed.id) == [State.DUE]
    opened, _ = await store.queue.open_items(sealed.id)
    assert len(opened.raw) == INLINE + 1


async def test_a_rejected_recipient_ends_at_once_with_a_report(store):
    message_id = await store.accept(
        store.item(),
        store.item("no@there.test", Route.REJECT, state=State.REFUSED, reply=Reply(550, "5.7.1", "not to them")),
    )
    assert sorted(await store.states(message_id)) == [State.DUE, State.REFUSED]
    ((about, reports, confidential),) = store.reports.written
    assert about.id == message_id
    assert confidential
    assert [(one.item.recipient, one.reply.text) for one in reports] == [("no@there.test", "not to them")]
    (dsn,) = [line for line in await store.admin.items() if line.item.kind is Kind.DSN]
    assert (dsn.sender, dsn.item.recipient, dsn.item.destination.inside) == (None, "alice@example.com", True)
    assert "item.refused" in await store.kinds()
    assert "dsn.enqueued" in await store.kinds()
    await store.conserved()


@pytest.mark.parametrize(("sender", "notify"), [(None, None), ("alice@example.com", frozenset({"NEVER"}))])
async def test_no_report_to_nobody_or_against_notify(store, sender, notify):
    await store.accept(store.item(state=State.REFUSED, notify=notify), store.item("b@there.test"), sender=sender)
    assert store.reports.written == []


async def test_all_rejected_after_all_leaves_no_content(store):
    message_id = await store.accept(store.item(state=State.REFUSED), sender=None)
    kept = await store.db.read(lambda conn: find_message(conn, message_id))
    assert kept.finished_at == store.clock()
    assert kept.wrapped is None
    assert kept.body_sealed is None
    await store.conserved()


async def test_an_item_begins_due_held_or_refused(store):
    with pytest.raises(ValueError, match="begins"):
        await store.accept(store.item(state=State.SENT))


async def test_full_of_trouble_nothing_is_kept(store, monkeypatch):
    def broken(*_args, **_kwargs):
        raise StoreUnavailable("no")

    monkeypatch.setattr("delivery.queue.record_each", broken)
    with pytest.raises(StoreUnavailable):
        await store.accept()
    assert await store.admin.items() == []
    assert (await store.conserved()).messages == 0


async def test_many_at_once(store):
    ids = await asyncio.gather(*(store.accept(raw=b"x" * n) for n in range(100)))
    assert len(set(ids)) == 100
    assert (await store.conserved()).counts[State.DUE] == 100


# -- the proof -----------------------------------------------------------------------------------------------------


async def test_the_proof_finds_what_was_lost(store):
    message_id = await store.accept(store.item(), store.item("carol@there.test"))
    await store.db.write(lambda conn: conn.execute(delete(items).where(items.c.recipient == "bob@there.test")))
    proof = await store.admin.audit()
    assert not proof.holds
    assert [(one.message_id, one.problem) for one in proof.violations] == [(message_id, "accepted for 2, found 1")]


@pytest.mark.parametrize(
    ("tamper", "problem"),
    [
        (lambda conn: conn.execute(update(messages).values(dek_wrapped=None)), "its content is gone"),
        (lambda conn: conn.execute(update(messages).values(body_sealed=None)), "its content is gone"),
        (lambda conn: conn.execute(update(items).values(state="sent")), "a state it cannot be in"),
    ],
)
async def test_the_proof_finds_contradictions(store, tamper, problem):
    await store.accept()
    await store.db.write(tamper)
    proof = await store.admin.audit()
    assert not proof.holds
    assert any(problem in one.problem for one in proof.violations)


async def test_the_proof_finds_a_file_that_is_missing(store):
    """As where blobs were left out of a backup, or a second machine does not share them."""
    kept = await store.accept(raw=b"Subject: large\r\n\r\n" + b"x" * 2 * INLINE)
    lost = await store.accept(raw=b"Subject: large, too\r\n\r\n" + b"y" * 2 * INLINE)
    await store.conserved()
    named = dict(await store.db.read(waiting_blobs))
    assert set(named) == {kept, lost}
    store.queue.blobs.delete(named[lost])
    proof = await store.admin.audit()
    assert [(one.message_id, one.problem) for one in proof.violations] == [
        (lost, "its content is gone: the blob file is missing")
    ]


async def test_the_proof_finds_ends_that_nothing_proves(store):
    message_id = await store.accept()
    async with store.working():
        await store.until_state(message_id, State.SENT)
    await store.conserved()
    await store.db.write(lambda conn: conn.execute(delete(attempts)))
    assert [one.problem for one in (await store.admin.audit()).violations] == ["counts as sent, but no attempt says so"]


# -- history -------------------------------------------------------------------------------------------------------


async def test_history_is_forgotten_whole_messages_at_a_time(store):
    done = await store.accept()
    half = await store.accept(store.item(), store.item("held@there.test", state=State.HELD))
    async with store.working():
        await store.until_state(done, State.SENT)
        await store.until_state(half, State.SENT, State.HELD)
    store.clock.advance(days=31)
    before = store.clock() - timedelta(days=30)
    assert await store.db.write(lambda conn: purge_history(conn, before)) == 1
    assert await store.db.write(lambda conn: purge_history(conn, before)) == 0
    assert await store.stories(done) == []
    assert len(await store.stories(half)) == 2
    left = await store.db.read(lambda conn: conn.execute(select(attempts.c.item_id)).scalars().all())
    ended = await store.db.read(lambda conn: conn.execute(select(finished_items.c.id)).scalars().all())
    assert left == ended
    await store.conserved()


async def test_blobs_that_nothing_names_are_swept(store):
    kept = await store.accept(raw=b"x" * (INLINE + 1))
    store.blobs.keep(b"nobody's")
    house = Housekeeping(store.queue)
    assert await house.sweep() == 0, "young files may belong to an upload that goes on"
    for path in Path(store.folder, "data", "blobs").rglob("*"):
        if path.is_file():
            os.utime(path, (0, 0))
    assert await house.sweep() == 1
    opened, _ = await store.queue.open_items(kept)
    assert opened.readable


# -- the admin ------------------------------------------------------------------------------------------------------


async def test_listing_by_state_route_people_age_and_reply(store):
    await store.accept(store.item("A@One.test"), store.item("b@two.test", Route.SAFEBOX, state=State.HELD))
    admin = store.admin

    async def listed(**narrowed):
        return [line.item.recipient for line in await admin.items(item_filter=ItemFilter(**narrowed))]

    assert len(await admin.items()) == 2
    assert [line.item.recipient for line in await admin.items(states=[State.HELD])] == ["b@two.test"]
    assert await listed(route=Route.RELAY) == ["A@One.test"]
    assert await listed(recipient="a@one.TEST") == ["A@One.test"]
    assert await listed(recipient="*@one.test") == ["A@One.test"]
    assert await listed(recipient="*@one.test", route=Route.SAFEBOX) == []
    sender = (await admin.items())[0].sender
    assert len(await listed(sender=sender.upper())) == len(await listed(sender="*@" + sender.partition("@")[2])) == 2
    assert await listed(sender="<>") == await listed(sender="*@%") == []
    assert await listed(older=timedelta(hours=1)) == []
    store.clock.advance(hours=2)
    assert len(await listed(older=timedelta(hours=1))) == 2
    assert await listed(said="come back") == []
    assert await admin.items(states=[State.SENT]) == []
    assert len(await admin.items(limit=1)) == 1


async def test_what_a_rule_held_is_released_by_ordinary_mail_or_by_safebox(store):
    first = await store.accept(store.item(route=Route.HOLD, state=State.HELD))
    second = await store.accept(store.item(route=Route.HOLD, state=State.HELD))
    store.clock.advance(days=9)
    for message_id, route, wanted in ((first, None, Route.RELAY), (second, Route.SAFEBOX, Route.SAFEBOX)):
        item = (await store.only(message_id)).line.item
        assert await store.admin.release(item.id, "root", route) is True
        item = (await store.only(message_id)).line.item
        assert (item.state, item.destination.route) == (State.DUE, wanted)
        assert item.next_at == store.clock()
        assert item.expires_at == store.clock() + timedelta(days=5)
        assert await store.admin.release(item.id, "root") is False
    released = [event for event in await store.events() if event["kind"] == "item.released"]
    assert [event["persons"]["actor"] for event in released] == ["root", "root"]


async def test_a_held_partner_item_is_released_to_the_partner_alone(store):
    message_id = await store.accept(
        store.item(route=Route.PARTNER, partner="st-mary", fallback=Route.HOLD, state=State.HELD)
    )
    item = (await store.only(message_id)).line.item
    store.clock.advance(hours=7)
    assert await store.admin.release(item.id, "root") is True
    item = (await store.only(message_id)).line.item
    assert (item.destination.route, item.destination.name) == (Route.PARTNER, "st-mary")
    assert item.fallback_at == store.clock() + timedelta(hours=1)


async def test_refused_the_sender_is_told_and_the_content_goes(store):
    message_id = await store.accept(store.item(state=State.HELD, route=Route.HOLD))
    item = (await store.only(message_id)).line.item
    assert await store.admin.refuse(item.id, "root", "against the rules") is True
    story = await store.only(message_id)
    assert story.line.item.state is State.REFUSED
    assert "against the rules" in story.line.item.last_reply
    assert [report.reply.text for report in store.reports.written[0][1]] == ["against the rules"]
    assert (await store.db.read(lambda conn: find_message(conn, message_id))).wrapped is None
    assert await store.admin.refuse(item.id, "root") is None
    await store.conserved()


async def test_cancelled_nobody_is_told(store):
    message_id = await store.accept()
    item = (await store.only(message_id)).line.item
    assert await store.admin.refuse(item.id, "root") is False, "only what is held is refused"
    assert await store.admin.cancel(item.id, "root") is True
    assert await store.states(message_id) == [State.CANCELLED]
    assert store.reports.written == []
    assert "item.cancelled" in await store.kinds()
    await store.conserved()


async def test_tried_now(store):
    message_id = await store.accept()
    item = (await store.only(message_id)).line.item
    await store.db.write(lambda conn: conn.execute(update(items).values(next_at=store.clock() + timedelta(hours=1))))
    assert await store.claims().lease(10, []) == []
    assert await store.admin.retry(item.id, "root") is True
    assert len(await store.claims().lease(10, [])) == 1
    assert await store.admin.retry(item.id, "root") is False
    assert await store.admin.retry("nothing", "root") is None


async def test_counts_for_metrics(store):
    await store.accept(store.item(), store.item(state=State.HELD))
    seen = store.queue.measure()
    assert (seen.states, seen.ages["5m"], seen.circuits) == ({"due": 1, "leased": 0, "held": 1}, 2, 0)
    assert store.queue.count_waiting(1) == 1
    store.clock.advance(hours=2)
    assert store.queue.measure().ages == {"5m": 0, "1h": 0, "4h": 2, "1d": 0, "+Inf": 0}
    assert store.queue.measure().oldest_seconds == 7200
    store.db.close()
    assert store.queue.measure() is None


async def test_find_items_gives_tokens(store):
    message_id = await store.accept()
    item = (await store.only(message_id)).line.item
    await store.claims().lease(1, [])
    (found,) = await store.db.read(lambda conn: find_items(conn, [item.id]))
    assert (found.token, found.item.state) == (1, State.LEASED)


async def test_what_an_admin_holds_waits_and_goes_on_where_it_was_to_go(store):
    message_id = await store.accept()
    (item,) = [line.item for line in await store.admin.items()]
    assert await store.admin.hold(item.id, "root", "restored\0 backup") is True
    assert await store.admin.hold(item.id, "root", "again") is False
    assert await store.admin.hold("nobody", "root", "x") is None
    (held,) = await store.admin.items(states=[State.HELD])
    assert held.item.last_reply.startswith("restored") and "\0" not in held.item.last_reply
    assert held.item.destination == item.destination
    assert "item.held" in await store.kinds()
    await store.conserved()
    async with store.working():
        other = await store.accept()
        await store.until_state(other, State.SENT)
        assert await store.states(message_id) == [State.HELD]
        assert await store.admin.release(item.id, "root") is True
        await store.until_state(message_id, State.SENT)


async def test_leases_of_the_dead_in_a_backup_can_be_held(store):
    dead, living = store.claims(), store.claims()
    await dead.register()
    await living.register()
    first = await store.accept()
    assert len(await dead.lease(10, [])) == 1
    second = await store.accept()
    assert len(await living.lease(10, [])) == 1
    dead._lock.release()
    assert await store.admin.free_dead_leases() == 1
    assert (await store.states(first), await store.states(second)) == ([State.DUE], [State.LEASED])
    for line in await store.admin.items():
        assert await store.admin.hold(line.item.id, "root", "restored") is (line.item.message_id == first)
    await living.retire()
