"""The vault: keys are made once, found again, re-wrapped, and never kept before they are committed."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import delete, select, update

from delivery.errors import KeysUnavailable
from delivery.store.audit import Event, EventKind, commitment, export, record
from delivery.store.database import Database
from delivery.store.erasing import erase_person
from delivery.store.schema import namespace_keys
from delivery.store.schema_audit import audit_events
from delivery.store.upgrade import prepare
from delivery.store.vault import Purpose, Vault
from keys.keyring import KeyRing

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.fixture
def db(tmp_path):
    with Database.open(f"sqlite:///{tmp_path}/sealgate.db") as opened:
        prepare(opened)
        yield opened


@pytest.fixture
def keyring(tmp_path):
    return KeyRing.create(tmp_path / "keyring.json")


@pytest.fixture
def vault(db, keyring):
    return Vault(db, keyring)


def key_rows(db):
    return db.read_now(lambda conn: conn.execute(select(namespace_keys)).all())


def test_keys_are_made_on_first_use_and_only_once(db, keyring, vault):
    assert not vault.ready("default")
    vault.ensure("default")
    assert vault.ready("default")
    vault.ensure("default")
    Vault(db, keyring).ensure("default")
    assert sorted(row.purpose for row in key_rows(db)) == sorted(Purpose)


def test_a_dek_opens_in_its_place_only(db, keyring, vault):
    dek, wrapped = vault.new_dek("default", b"here")
    again = Vault(db, keyring).open_dek("default", wrapped, b"here")
    assert again.reveal() == dek.reveal()
    with pytest.raises(KeysUnavailable):
        vault.open_dek("default", wrapped, b"there")
    vault.ensure("other")
    with pytest.raises(KeysUnavailable):
        vault.open_dek("other", wrapped, b"here")


def test_macs_differ_by_namespace_and_purpose_and_stay(db, keyring, vault):
    macs = {vault.mac(space, purpose, b"x") for space in ("default", "other") for purpose in ("code", "link")}
    assert len(macs) == 4
    assert Vault(db, keyring).mac("default", "code", b"x") == vault.mac("default", "code", b"x")


def test_small_values_open_for_their_purpose_only(vault):
    sealed = vault.seal_small("default", "phrase", b"blue bird")
    assert b"blue" not in sealed
    assert vault.open_small("default", "phrase", sealed) == b"blue bird"
    with pytest.raises(KeysUnavailable):
        vault.open_small("default", "other", sealed)


def test_rotation_wraps_again_and_everything_still_opens(db, keyring, vault):
    dek, wrapped = vault.new_dek("default", b"here")
    small = vault.seal_small("default", "p", b"v")
    mac = vault.mac("default", "p", b"v")
    keyring.rotate()
    assert vault.rotate() == len(Purpose)
    assert vault.open_dek("default", wrapped, b"here").reveal() == dek.reveal()
    assert vault.open_small("default", "p", small) == b"v"
    assert vault.mac("default", "p", b"v") == mac
    _, new = vault.new_dek("default", b"here")
    assert new.key_id != wrapped.key_id
    assert vault.rotate() == 0


def test_a_running_gateway_takes_the_new_keys(db, keyring, vault, tmp_path):
    """Another process rotates: what comes then is wrapped by the new keys, unless their root is out of reach."""
    running = Vault(db, KeyRing.load(tmp_path / "keyring.json"))
    _, before = running.new_dek("default", b"here")
    keyring.rotate()
    vault.rotate()
    running.refresh()
    dek, after = running.new_dek("default", b"here")
    assert after.key_id != before.key_id
    assert vault.open_dek("default", after, b"here").reveal() == dek.reveal()
    keyring.rotate()
    vault.rotate()
    (tmp_path / "keyring.json").unlink()
    with pytest.raises(KeysUnavailable):
        running.refresh()
    assert running.new_dek("default", b"here")[1].key_id == after.key_id


def test_a_rotation_and_the_event_that_tells_of_it_are_one(db, keyring, vault):
    vault.ensure("default")
    keyring.rotate()
    before = db.read_now(lambda conn: conn.execute(select(namespace_keys)).all())

    def fails(conn, rewrapped):
        assert rewrapped == len(Purpose)
        raise LookupError("cut off")

    with pytest.raises(LookupError):
        vault.rotate(fails)
    assert db.read_now(lambda conn: conn.execute(select(namespace_keys)).all()) == before
    assert vault.rotate() == len(Purpose)


def test_a_keyring_without_the_root_is_said_as_such(db, vault, tmp_path):
    vault.ensure("default")
    stranger = Vault(db, KeyRing.create(tmp_path / "other.json"))
    with pytest.raises(KeysUnavailable):
        stranger.ensure("default")
    with pytest.raises(KeysUnavailable):
        stranger.mac("default", "p", b"x")


def test_a_changed_row_does_not_unwrap(db, keyring, vault):
    vault.ensure("default")
    db.write_now(lambda conn: conn.execute(update(namespace_keys).values(wrapped=b"x" * 60)))
    with pytest.raises(KeysUnavailable):
        Vault(db, keyring).ensure("default")


def test_keys_of_an_undone_transaction_are_kept_by_nobody(db, vault):
    def undone(conn):
        record(conn, vault, [Event(EventKind.POLICY_LOADED, "new", private={"a": "b"})], NOW)
        raise LookupError("undone")

    with pytest.raises(LookupError):
        db.write_now(undone)
    assert not vault.ready("new")
    assert key_rows(db) == []
    db.write_now(lambda conn: record(conn, vault, [Event(EventKind.POLICY_LOADED, "new", private={"a": "b"})], NOW))
    (event,) = db.read_now(lambda conn: list(export(conn, vault, reveal=True)))
    assert event["private"] == {"a": "b"}


def test_nothing_of_a_vault_prints_a_secret(vault):
    vault.ensure("default")
    assert repr(vault) == "<Vault>"
    key = next(iter(vault._known["default"].values()))
    assert str(key.secret) not in repr(key)


# -- audit ---------------------------------------------------------------------------------------------------------


def noted(db, vault, *events):
    db.write_now(lambda conn: record(conn, vault, events, NOW))


def exported(db, vault, **values):
    return db.read_now(lambda conn: list(export(conn, vault, **values)))


def test_an_event_tells_facts_openly_persons_beside_commitments_and_seals_the_rest(db, vault):
    noted(
        db,
        vault,
        Event(
            EventKind.BOX_READ,
            "default",
            box_id="b1",
            facts={"pages": 3},
            persons={"guest": "bob@there.test"},
            private={"file": "Befund Müller.docx"},
        ),
    )
    row = db.read_now(lambda conn: conn.execute(select(audit_events)).one())
    assert "Müller" not in str(row)
    salted = row.persons["guest"]
    assert row.commitments == {"guest": commitment(salted["salt"], "guest", "bob@there.test")}
    (event,) = exported(db, vault)
    assert event["persons"] == {"guest": "bob@there.test"}
    assert event["sealed"] is True
    assert "private" not in event
    assert event["at"] == "2026-01-01T12:00:00.000Z"
    (event,) = exported(db, vault, reveal=True)
    assert event["private"] == {"file": "Befund Müller.docx"}


def test_two_events_about_one_person_have_different_commitments(db, vault):
    noted(db, vault, *[Event(EventKind.BOX_READ, "default", persons={"guest": "bob@there.test"})] * 2)
    one, two = exported(db, vault)
    assert one["commitments"] != two["commitments"]


def test_a_person_is_erased_and_the_commitments_stay(db, vault):
    vault.ensure("other")
    noted(
        db,
        vault,
        Event(EventKind.BOX_READ, "default", persons={"guest": "Bob@There.test", "owner": "al@x.test"}),
        Event(EventKind.BOX_READ, "default", persons={"guest": "bob@there.test"}),
        Event(EventKind.BOX_READ, "default"),
        Event(EventKind.BOX_READ, "other", persons={"guest": "bob@there.test"}),
    )
    before = [event["commitments"] for event in exported(db, vault)]
    assert db.write_now(lambda conn: erase_person(conn, "default", "bob@there.test")) == 2
    after = exported(db, vault)
    assert [event["commitments"] for event in after] == before
    assert [event["persons"] for event in after] == [{"owner": "al@x.test"}, {}, {}, {"guest": "bob@there.test"}]
    rows = db.read_now(lambda conn: conn.execute(select(audit_events.c.persons)).scalars().all())
    assert rows[1] is None


def test_export_goes_on_after_a_number(db, vault):
    noted(db, vault, *[Event(EventKind.BOX_READ, "default", facts={"n": n}) for n in range(1203)])
    whole = exported(db, vault)
    assert [event["facts"]["n"] for event in whole] == list(range(1203))
    assert exported(db, vault, after=whole[1200]["id"]) == whole[1201:]


def test_an_event_and_its_act_are_one(db, vault):
    def act(conn):
        record(conn, vault, [Event(EventKind.BOX_READ, "default")], NOW)
        raise LookupError("the act failed")

    with pytest.raises(LookupError):
        db.write_now(act)
    assert exported(db, vault) == []


def test_a_sealed_field_moved_to_another_event_does_not_open(db, vault):
    noted(
        db,
        vault,
        Event(EventKind.BOX_READ, "default", private={"a": 1}),
        Event(EventKind.BOX_READ, "default", private={"a": 2}),
    )

    def move(conn):
        sealed = conn.execute(select(audit_events.c.sealed).order_by(audit_events.c.id)).scalars().first()
        conn.execute(update(audit_events).values(sealed=sealed))

    db.write_now(move)
    with pytest.raises(KeysUnavailable):
        exported(db, vault, reveal=True)
    db.write_now(lambda conn: conn.execute(delete(audit_events)))
