"""What watching rules saw is counted from the trail: by rule, by what they would have done, by day."""

from delivery.store.audit import Event, EventKind, record
from delivery.store.erasing import erase_person
from delivery.store.watching import WatchedEffect, began_at, watches


def seen(store, rule, recipient, message_id, would="hold", route="hold", did="relay"):
    facts = {"rule": rule, "would": would, "route": route, "did": did}
    event = Event(EventKind.RULE_WATCHED, "default", message_id, facts=facts, persons={"recipient": recipient})
    other = Event(EventKind.DECISION_MADE, "default", message_id, facts={"rule": rule, "route": did})
    store.db.write_now(lambda conn: record(conn, store.vault, [other, event], store.clock()))


def test_nothing_seen(store):
    assert store.db.read_now(watches) == []
    assert store.db.read_now(began_at) is None


def test_counts_by_rule_way_and_day(store):
    first = store.clock()
    seen(store, "Cards", "bob@there.test", "m1")
    seen(store, "Cards", "eve@there.test", "m1", did="safebox")
    seen(store, "Tags", "bob@there.test", "m1", would="add", route=None)
    store.clock.advance(days=1)
    seen(store, "Cards", "bob@there.test", "m2")
    cards, tags = store.db.read_now(watches)
    assert (cards.rule, cards.recipients, cards.messages) == ("Cards", 3, 2)
    assert (cards.first_at, cards.last_at) == (first, store.clock())
    assert cards.would == (WatchedEffect("hold", "hold", "relay", 2, 2), WatchedEffect("hold", "hold", "safebox", 1, 1))
    assert cards.days == (("2026-03-02", 2, 1), ("2026-03-03", 1, 1))
    assert [(one.message_id, one.recipient) for one in cards.examples][:1] == [("m2", "bob@there.test")]
    assert (tags.rule, tags.would) == ("Tags", (WatchedEffect("add", None, "relay", 1, 1),))
    (late,) = store.db.read_now(lambda conn: watches(conn, store.clock(), 1))
    assert (late.rule, late.recipients, len(late.examples)) == ("Cards", 1, 1)
    assert store.db.read_now(began_at) == first


def test_the_count_stays_when_a_person_is_erased(store):
    seen(store, "Cards", "bob@there.test", "m1")
    store.db.write_now(lambda conn: erase_person(conn, "default", "bob@there.test"))
    (cards,) = store.db.read_now(watches)
    assert (cards.recipients, cards.examples[0].recipient) == (1, "")


def test_it_is_read_by_an_index_of_its_own(store):
    if store.sqlite:
        plan = store.db.read_now(
            lambda conn: conn.exec_driver_sql(
                "EXPLAIN QUERY PLAN SELECT count(*) FROM audit_events WHERE kind = 'rule.watched'"
            ).all()
        )
        assert "audit_events_watched" in str(plan)
