"""The clock jumps by days, forth and back: mail expires when it should, and no item waits for a day that was wrong."""

from collections.abc import Callable
from contextlib import suppress

from faults_ledger import Ledger, balances, rows_in, states_in
from faults_load import Refused, send_once
from faults_peer import Peer
from faults_rig import TIMES, FaultyGateway
from mailhosts import wait_for

TO = ["friends.example"]


def attempts(gateway: FaultyGateway, name: str) -> int:
    """How often an item was tried."""
    query = f"select attempts from items where recipient = '{name}@friends.example'"
    return sum(int(row[0]) for row in rows_in(gateway.store, query))


def test_days_forward_and_back(
    make_faulty: Callable[..., FaultyGateway], peer: Peer, ledger: Ledger, idle: Callable[..., None]
) -> None:
    gateway = make_faulty(peer.port)
    clock = gateway.folder / "clock"
    clock.write_text("0")
    gateway.arm |= {"clock": str(clock), "retry": 0.5}
    gateway.start()
    takes = peer.manners.recipient
    peer.manners.recipient = lambda address: takes(address) if "alice" in address else "451 4.2.1 later"
    assert send_once(gateway.smtp, ledger, "waits", "clock", TO)
    wait_for(lambda: attempts(gateway, "waits") >= 1, why="it is tried")

    clock.write_text("3")  # somebody set the clock wrong: three days ahead, within the time that mail may wait
    assert send_once(gateway.smtp, ledger, "ahead", "clock", TO)
    before = attempts(gateway, "waits")
    wait_for(lambda: attempts(gateway, "ahead") >= 1 and attempts(gateway, "waits") > before, why="both are tried")
    clock.write_text("0")  # and right again: what is to be tried "in three days" is tried when it should
    before = attempts(gateway, "ahead"), attempts(gateway, "waits")
    wait_for(
        lambda: attempts(gateway, "ahead") > before[0] and attempts(gateway, "waits") > before[1],
        why="both are tried again though the clock went back",
    )
    gateway.kill()
    clock.write_text("-3")  # three days back, across a crash
    gateway.start()
    before = attempts(gateway, "ahead"), attempts(gateway, "waits")
    wait_for(
        lambda: attempts(gateway, "ahead") > before[0] and attempts(gateway, "waits") > before[1],
        why="both are tried again after a start in the past",
    )
    peer.manners.recipient = takes
    with suppress(Refused):
        assert send_once(gateway.smtp, ledger, "early", "clock", TO)
    idle(gateway)
    assert balances(ledger.check(states_in(gateway.store), peer.arrivals()))
    gateway.command("queue", "audit")


def test_mail_expires_once_with_a_report(
    make_faulty: Callable[..., FaultyGateway], peer: Peer, ledger: Ledger, idle: Callable[..., None]
) -> None:
    gateway = make_faulty(peer.port)
    clock = gateway.folder / "clock"
    clock.write_text("0")
    gateway.arm |= {"clock": str(clock), "retry": 0.5, "times": TIMES | {"delivery.store.doubts:GAP": 1e9}}
    gateway.start()
    takes = peer.manners.recipient
    peer.manners.recipient = lambda address: takes(address) if "alice" in address else "451 4.2.1 later"
    assert send_once(gateway.smtp, ledger, "expires", "expiry", TO)
    wait_for(lambda: attempts(gateway, "expires") >= 1, why="it is tried")
    clock.write_text("6")
    idle(gateway)
    assert states_in(gateway.store) == {"expires@friends.example": ["bounced"]}
    reports = [got for got in peer.arrivals()["alice@example.com"] if b"Action: failed" in got.raw]
    assert len(reports) == 1 and reports[0].sender == ""
    assert b"expires@friends.example" in reports[0].raw
    gateway.command("queue", "audit")


def test_years_ahead_by_mistake(
    make_faulty: Callable[..., FaultyGateway], peer: Peer, ledger: Ledger, idle: Callable[..., None]
) -> None:
    """Nothing expires, closes or is destroyed; when the clock is right again, all goes on as if nothing had been."""
    gateway = make_faulty(peer.port)
    clock = gateway.folder / "clock"
    clock.write_text("0")
    gateway.arm |= {
        "clock": str(clock), "retry": 0.5, "times": TIMES | {"delivery.safebox.clockwork:_EVERY": 0.2},
    }  # fmt: skip
    gateway.start()
    takes = peer.manners.recipient
    peer.manners.recipient = lambda address: takes(address) if "waits" not in address else "451 4.2.1 later"
    assert send_once(gateway.smtp, ledger, "waits", "years", TO)
    assert send_once(gateway.smtp, ledger, "kept", "years", ["box.example"])
    wait_for(lambda: rows_in(gateway.store, "select 1 from audit_checkpoints"), why="the trail is signed")
    wait_for(lambda: rows_in(gateway.store, "select 1 from boxes"), why="the box is there")

    clock.write_text("4000")
    before = attempts(gateway, "waits")
    wait_for(lambda: attempts(gateway, "waits") > before + 1, why="it is tried on")
    gateway.kill()
    gateway.start()
    before = attempts(gateway, "waits")
    wait_for(lambda: attempts(gateway, "waits") > before + 1, why="it is tried on, after a start too")
    wait_for(lambda: "safebox.clock_doubted" in gateway.log.read_text(), why="an admin is told")
    assert rows_in(gateway.store, "select state from boxes") == [("open",)]

    clock.write_text("0")
    peer.manners.recipient = takes
    idle(gateway)
    assert rows_in(gateway.store, "select state from boxes") == [("open",)]
    assert balances(ledger.check(states_in(gateway.store), peer.arrivals()))
    assert not [got for got in peer.arrivals().get("alice@example.com", ()) if b"Action: failed" in got.raw]
    gateway.command("queue", "audit")
