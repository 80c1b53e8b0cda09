"""The whole way on PostgreSQL: schema by `db upgrade` only, then relay, SafeBox, and a kill in the middle."""

from collections.abc import Callable
from pathlib import Path

import pytest
from mailhosts import Sink, wait_for
from postgres import Server

pytestmark = pytest.mark.postgres


def test_the_three_ways_on_postgresql(
    world: Sink, make_gateway: Callable, letter: Callable, postgres_server: Server
) -> None:
    name = postgres_server.new_database(template="template0")
    gateway = make_gateway(world.port, database=f"database: {postgres_server.url(name)}")
    refused = gateway.refused_to_start()
    assert "sealgate db upgrade" in refused, "a server's schema is never changed by serve"
    gateway.command("db", "upgrade")
    gateway.start()
    gateway.send(letter(), "alice@example.com", "bob@friends.example")
    gateway.send(letter(text="SSN 536-22-1234\n"), "alice@example.com", "dora@post.example")
    world.wait("bob@friends.example")
    [notice] = world.wait("dora@post.example")
    assert b"/b/" in notice.raw and b"536-22" not in notice.raw
    world.replies["later"] = "451 4.3.2 later"
    gateway.send(letter(), "alice@example.com", "later@friends.example")
    gateway.kill()
    world.replies.clear()
    gateway.start()
    for item in gateway.rows("queue", "list", "--state", "due"):  # else it was leased when the kill came: taken over
        gateway.command("queue", "retry", item["id"])
    world.wait("later@friends.example")
    wait_for(lambda: not gateway.rows("queue", "list"), why="the queue is empty")
    gateway.command("queue", "audit")
    assert not [path for path in Path(gateway.folder / "data").rglob("sealgate.db*") if path.is_file()]
