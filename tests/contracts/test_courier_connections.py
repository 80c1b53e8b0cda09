"""Kept connections: used again, bounded, and never the reason that mail fails."""

import asyncio

import pytest

from delivery.couriers.connections import ConnectionLimits, Connections
from delivery.couriers.courier import Deferred, Refused, Sent
from delivery.couriers.dialling import Dialler
from delivery.couriers.relay import RelayCourier
from delivery.couriers.session import Timeouts
from delivery.couriers.targets import Target
from delivery.hops import HopSettings
from delivery.mx import OwnServer
from delivery.resolving import DnsResolver
from delivery.sections import Endpoint
from delivery.tls import TlsDemand


def courier(peer, **limits) -> RelayCourier:
    return RelayCourier(
        "gate.example.com", HopSettings(host=f"127.0.0.1:{peer.port}"), limits=ConnectionLimits(**limits)
    )


async def send(out: RelayCourier, delivery, to: str = "bob@example.org"):
    return (await out.deliver(delivery(to)))[to]


async def until(claim) -> None:
    async with asyncio.timeout(10):
        while not claim():
            await asyncio.sleep(0.005)


async def test_many_messages_go_over_one_connection(start_peer, delivery) -> None:
    peer = await start_peer()
    async with courier(peer) as out:
        for _ in range(20):
            assert isinstance(await send(out, delivery), Sent)
    assert len(peer.arrived) == 20
    assert peer.connections == 1
    await until(lambda: peer.open == 0)
    assert peer.lines[-1] == "QUIT"


async def test_a_refused_message_leaves_the_connection_usable(start_peer, delivery) -> None:
    replies = {"RCPT TO:<gone@example.org>": "550 5.1.1 no", "DOT": ["554 5.7.1 spam"], "MAIL": ["451 4.0.0 later"]}
    peer = await start_peer(replies=replies)
    async with courier(peer) as out:
        assert isinstance(await send(out, delivery), Deferred)
        assert isinstance(await send(out, delivery), Refused)
        assert isinstance(await send(out, delivery, "gone@example.org"), Refused)
        assert isinstance(await send(out, delivery), Sent)
    assert peer.connections == 1


async def test_messages_at_once_share_no_connection_and_keep_the_bound(start_peer, delivery) -> None:
    async def slowly() -> None:
        await asyncio.sleep(0.01)

    peer = await start_peer(before_reply=slowly)
    async with courier(peer, per_destination=3) as out:
        outcomes = await asyncio.gather(*(send(out, delivery) for _ in range(30)))
    assert all(isinstance(each, Sent) for each in outcomes)
    assert peer.most_open == 3
    assert peer.connections == 3


async def test_the_bound_in_all_lets_idle_ones_go_first(start_peer, delivery) -> None:
    peers = [await start_peer() for _ in range(4)]
    limits = ConnectionLimits(total=2)
    connections = Connections(Dialler(OwnServer("gate.example.com"), DnsResolver(), Timeouts()).dial, limits)
    for peer in peers:
        async with connections.borrow(Target(TlsDemand(clear_allowed=True), Endpoint("127.0.0.1", peer.port))):
            assert sum(each.open for each in peers) <= 3  # the one that gave way may still be saying QUIT
    await until(lambda: sum(each.open for each in peers) == 2)
    connections.close()
    await until(lambda: sum(each.open for each in peers) == 0)


async def test_a_kept_connection_that_the_peer_closed_is_not_a_failure(start_peer, delivery) -> None:
    peer = await start_peer()
    async with courier(peer) as out:
        assert isinstance(await send(out, delivery), Sent)
        peer.hang_up()
        assert isinstance(await send(out, delivery), Sent)
        await until(lambda: peer.open == 1)
        peer.hang_up()
        await until(lambda: peer.open == 0)
        await asyncio.sleep(0.02)
        assert isinstance(await send(out, delivery), Sent)
    assert len(peer.arrived) == 3
    assert peer.connections == 3


@pytest.mark.parametrize("verb", ["MAIL", "RCPT", "DATA"])
@pytest.mark.parametrize("reply", ["421 4.4.2 idle too long", "cut"])
async def test_a_kept_connection_that_dies_in_use_is_tried_once_more(
    start_peer, delivery, verb: str, reply: str
) -> None:
    peer = await start_peer()
    async with courier(peer) as out:
        assert isinstance(await send(out, delivery), Sent)
        peer.replies[verb] = [reply]
        assert isinstance(await send(out, delivery), Sent)
        assert peer.connections == 2
        peer.replies[verb] = [reply, reply]
        assert isinstance(await send(out, delivery), Deferred)
    assert peer.connections == 3
    assert len(peer.arrived) == 2


async def test_after_the_dot_nothing_is_tried_again_at_once(start_peer, delivery) -> None:
    peer = await start_peer()
    async with courier(peer) as out:
        assert isinstance(await send(out, delivery), Sent)
        peer.replies["DOT"] = ["cut"]
        assert isinstance(await send(out, delivery), Deferred)
    assert peer.lines.count("DATA") == 2


async def test_idle_connections_close_by_themselves(start_peer, delivery) -> None:
    peer = await start_peer()
    async with courier(peer, idle_seconds=0.02) as out:
        assert isinstance(await send(out, delivery), Sent)
        await until(lambda: peer.open == 0)
        assert peer.lines[-1] == "QUIT"
        assert isinstance(await send(out, delivery), Sent)
    assert peer.connections == 2


async def test_a_connection_has_an_end(start_peer, delivery) -> None:
    peer = await start_peer()
    async with courier(peer, messages=2) as out:
        for _ in range(4):
            assert isinstance(await send(out, delivery), Sent)
    assert peer.connections == 2


async def test_waiting_for_a_place_has_an_end(start_peer, delivery) -> None:
    never = asyncio.Event()

    async def wait() -> None:
        await never.wait()

    peer = await start_peer(before_reply=wait)
    async with courier(peer, per_destination=1, wait_seconds=0.05) as out:
        first = asyncio.ensure_future(send(out, delivery))
        await until(lambda: "DATA" in peer.lines)
        busy = await send(out, delivery)
        assert isinstance(busy, Deferred)
        assert busy.reply.status == "4.4.5"
        never.set()
        assert isinstance(await first, Sent)


async def test_a_failed_connection_frees_its_place(delivery, free_port) -> None:
    class Nobody:
        port = free_port()

    async with courier(Nobody, per_destination=1, wait_seconds=1.0) as out:
        for _ in range(3):
            failed = await send(out, delivery)
            assert failed.reply.status == "4.4.1"


async def test_a_cancelled_delivery_frees_its_place(start_peer, delivery, lease) -> None:
    peer = await start_peer(replies={"GREETING": "220-slow"})
    async with courier(peer, per_destination=1, wait_seconds=1.0) as out:
        task = asyncio.ensure_future(send(out, delivery))
        await until(lambda: peer.connections == 1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        peer.replies.clear()
        assert isinstance(await send(out, delivery), Sent)
