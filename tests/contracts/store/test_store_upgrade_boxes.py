"""Boxes of an older schema live on: their people keep their links, and may take part in a second role."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, text

from delivery.store.boxes import get_box, get_participant, guest_by_link, participants_of
from delivery.store.database import Database
from delivery.store.upgrade import MIGRATIONS, migrate, upgrade

BOX = """INSERT INTO boxes (id, namespace, message_id, audience, profile_name, profile, owner, state, by_fallback,
  created_at, closes_at)
  VALUES ('b', 'default', 'm', 'all', 'standard', '{}', 'alice@example.com', 'open', false, 1, 2)"""
PERSON = """INSERT INTO participants (id, box_id, namespace, address, address_key, role, state, reference, created_at,
  by_fallback) VALUES (:id, 'b', 'default', :address, :address, :role, 'notified', :reference, 1, false)"""
LINK = "INSERT INTO links (digest, namespace, participant_id, created_at) VALUES (:digest, 'default', 'p1', 1)"
AGAIN = PERSON.replace("by_fallback) VALUES", "by_fallback, reminders) VALUES").replace("1, false)", "1, false, 0)")


@pytest.fixture
def before(tmp_path: Path) -> Path:
    """The steps up to the one before people could take part twice."""
    folder = tmp_path / "before"
    shutil.copytree(MIGRATIONS, folder, ignore=shutil.ignore_patterns("__pycache__"))
    names = sorted(path for path in (folder / "versions").glob("[0-9]*.py"))
    mine = next(index for index, path in enumerate(names) if "boxes_as_used" in path.name)
    for path in names[mine:]:
        path.unlink()
    return folder


@pytest.fixture
def old(request: pytest.FixtureRequest, store_url: str, tmp_path: Path, before: Path) -> Iterator[Database]:
    """A database of the older schema, with a box in it."""
    url = f"sqlite:///{tmp_path}/old.db"
    if not store_url.startswith("sqlite"):
        server = request.getfixturevalue("postgres_server")
        url = server.url(server.new_database(template="template0"))
    else:
        (tmp_path / "old.db").touch()

    def fill(conn: Connection) -> None:
        migrate(conn, before)
        conn.execute(text("INSERT INTO namespaces (name, created_at) SELECT 'default', 1 WHERE NOT EXISTS"
                          " (SELECT 1 FROM namespaces)"))  # fmt: skip
        conn.execute(text(BOX))
        people = [("p0", "alice@example.com", "owner"), ("p1", "bob@guest.example", "guest")]
        for ident, address, role in people:
            values = {"id": ident, "address": address, "role": role, "reference": ident.encode()}
            conn.execute(text(PERSON), values)
        conn.execute(text(LINK), {"digest": b"d"})

    with Database.open(url) as db:
        db.write_now(fill)
        yield db


def test_people_keep_their_links_and_may_have_two_roles(old: Database) -> None:
    assert upgrade(old) is not None
    assert old.read_now(lambda conn: guest_by_link(conn, "default", b"d")).id == "p1"
    bob = old.read_now(lambda conn: get_participant(conn, "default", "p1"))
    assert (bob.reminders, bob.removed_at, bob.consented_version) == (0, None, None)
    box = old.read_now(lambda conn: get_box(conn, "default", "b"))
    assert (box.acted_at, box.expiring_at) == (box.created_at, None)
    again = {"id": "p2", "address": "alice@example.com", "role": "guest", "reference": b"p2"}
    old.write_now(lambda conn: conn.execute(text(AGAIN), again))
    assert len(old.read_now(lambda conn: participants_of(conn, "default", "b"))) == 3
