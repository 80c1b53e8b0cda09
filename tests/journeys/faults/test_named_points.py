"""kill -9 of the whole group at each named point of a message's way: nothing is lost, and twice only where it may."""

import time
from collections.abc import Callable
from typing import Any

import pytest
from faults_armed import OF_THE_PORTAL, POINTS
from faults_ledger import Kill, Ledger, balances, printed, states_in
from faults_load import DOMAINS, LARGE, send_once
from faults_peer import Peer
from faults_rig import TIMES, FaultyGateway
from postgres import Server

ALL, MAIL, BOX = DOMAINS, ("friends.example",), ("box.example",)
# point: who the mail is for, and how large it is
IN_MAIL = {
    "after MAIL": (ALL, 1500),
    "mid-DATA": (ALL, LARGE),
    "in policy": (ALL, 1500),
    "after decision": (ALL, 1500),
    "before the file's fsync": (ALL, LARGE),
    "after the file's fsync": (ALL, LARGE),
    "after the file's rename": (ALL, LARGE),
    "before the commit": (ALL, LARGE),
    "before 250": (ALL, LARGE),
    "after 250": (ALL, LARGE),
    "after connect": (MAIL, 1500),
    "before the dot": (MAIL, 1500),
    "at the dot": (MAIL, 1500),
    "after the dot": (MAIL, LARGE),
    "after the remote 250": (MAIL, 1500),
    "result half written": (MAIL, 1500),
    "after the result": (MAIL, 1500),
    "SafeBox half made": (BOX, LARGE),
    "after SafeBox, before notice": (BOX, 1500),
    "after notice": (BOX, 1500),
    "in cleanup, before the file goes": (MAIL, LARGE),
    "in cleanup, after the file went": (MAIL, LARGE),
}
ON_A_SERVER = ("before the commit", "before 250", "after the remote 250", "result half written", "SafeBox half made")
BY_ITSELF = ("in cleanup, history", "in cleanup, before the log is cut", "in cleanup, after the log is cut")
IN_ROTATION = tuple(point.name for point in POINTS if point.name.startswith("in key rotation"))
FAILING_ONLY = {"file written", "key asked for", "key opened"}
TWICE = {"after the dot", "after the remote 250", "result half written"}  # after the dot, before our record of it
UNHEARD = {"before 250"}  # on disk, and the client was not told
CLOSED = {"dsn": "sent", "notice": "sent"}


def test_every_point_is_tried() -> None:
    assert {point.name for point in POINTS} == {*IN_MAIL, *BY_ITSELF, *IN_ROTATION} | OF_THE_PORTAL | FAILING_ONLY


@pytest.mark.timeout(900)
def test_killed_at_each_named_point(
    make_faulty: Callable[..., FaultyGateway], peer: Peer, ledger: Ledger, idle: Callable[..., None], capsys
) -> None:
    gateway = make_faulty(peer.port)
    gateway.arm["times"] = TIMES | {"delivery.housekeeping:TIDY": 0.3, "delivery.housekeeping:PURGE": 0.5}
    gateway.start()
    for point, (domains, size) in IN_MAIL.items():
        peer.hang_up()
        _kill_at(gateway, ledger, point, domains, size)
        idle(gateway)
    for point in BY_ITSELF:
        _kill_at(gateway, ledger, point, ALL, LARGE)
        idle(gateway)
    _rotate(gateway, ledger)
    idle(gateway)
    _settle(gateway, peer, ledger, capsys)
    assert gateway.fired() == [*IN_MAIL, *BY_ITSELF, *IN_ROTATION]
    kept = [path.name for path in (gateway.folder / "data" / "blobs").rglob("*") if path.is_file()]
    assert all(name.startswith("partial-") or len(name) > 20 for name in kept)


@pytest.mark.postgres
@pytest.mark.parametrize(
    "points", [ON_A_SERVER, pytest.param(tuple(IN_MAIL), marks=pytest.mark.soak)], ids=["few", "all"]
)
def test_killed_at_named_points_on_postgresql(
    make_faulty: Callable[..., FaultyGateway], peer: Peer, ledger: Ledger, idle: Callable[..., None],
    postgres_server: Server, points: tuple[str, ...], capsys: Any,
) -> None:  # fmt: skip
    """Where a database has a part in it; the rest is the same code."""
    gateway = make_faulty(peer.port, database=f"database: {postgres_server.url(postgres_server.new_database())}")
    gateway.arm["times"] = TIMES | {"delivery.housekeeping:TIDY": 0.3, "delivery.housekeeping:PURGE": 0.5}
    gateway.start()
    for point in points:
        peer.hang_up()
        _kill_at(gateway, ledger, point, *IN_MAIL[point])
        idle(gateway)
    if len(points) == len(IN_MAIL):
        _rotate(gateway, ledger)
        idle(gateway)
    _settle(gateway, peer, ledger, capsys)


def _kill_at(gateway: FaultyGateway, ledger: Ledger, point: str, domains: tuple[str, ...], size: int) -> None:
    """Send until the point is reached; start again, and send what was not heard to be taken."""
    name = f"m{len(ledger.sent)}"
    gateway.trigger(point)
    heard = send_once(gateway.smtp, ledger, name, point, domains, size)
    gateway.dies()
    ledger.kills.append(Kill(time.monotonic(), point))
    gateway.start()
    if not heard:
        assert send_once(gateway.smtp, ledger, name, point, domains, size), "it takes mail again"


def _settle(gateway: FaultyGateway, peer: Peer, ledger: Ledger, capsys: Any) -> None:
    """The books: nothing lost, and twice only at the points where it may."""
    table = ledger.check(states_in(gateway.store), peer.arrivals())
    with capsys.disabled():
        print("\n" + printed(table))
    assert balances(table)
    for point, row in table.items():
        assert row.accepted == row.messages, point
        # What is named here may fall at any moment of a mail: within the windows, too.
        if point not in BY_ITSELF:
            assert bool(row.twice_by_client) == (point in UNHEARD), point
        if point not in (*BY_ITSELF, *IN_ROTATION):
            assert bool(row.twice_by_dot) == (point in TWICE), point
    gateway.command("queue", "audit")


def _rotate(gateway: FaultyGateway, ledger: Ledger) -> None:
    """The command is killed, then the gateway: what was sealed before, between and after opens."""
    for point in IN_ROTATION:
        held = f"m{len(ledger.sent)}"
        assert send_once(gateway.smtp, ledger, held, point, ALL, LARGE)
        gateway.trigger(point)
        config = str(gateway.config)
        command = gateway.zygote.start(["keys", "rotate", "--config", config], gateway.log, gateway.arm)
        assert gateway.zygote.wait(command, 60) == -9, gateway.log.read_text()[-2000:]
        assert send_once(gateway.smtp, ledger, f"m{len(ledger.sent)}", point, ALL, LARGE)
        gateway.kill()
        ledger.kills.append(Kill(time.monotonic(), point))
        gateway.start()
    gateway.command("keys", "rotate", "--rewrap-only")
    gateway.command("keys", "rotate")
