"""A process that is killed, and a server that goes away: nothing of what was promised is lost."""

import asyncio
import signal
import subprocess
import sys
import textwrap
import time
from datetime import UTC, datetime

import pytest
from sqlalchemy import insert, select, update

from delivery.errors import StoreUnavailable
from delivery.items import State
from delivery.store.schema import workers

GATEWAY = textwrap.dedent(
    """
    import asyncio, sys
    from datetime import UTC, datetime
    from pathlib import Path

    from delivery.couriers.courier import Sent
    from delivery.items import Destination, NewItem, NewMessage, Reply
    from delivery.queue import Queue
    from delivery.settings import QueueSettings
    from delivery.store.blobs import Blobs
    from delivery.store.database import Database
    from delivery.store.vault import Vault
    from delivery.worker import DeliveryWorker
    from keys.keyring import KeyRing
    from policy.decision import Route

    url, folder = sys.argv[1], Path(sys.argv[2])

    class Courier:
        async def deliver(self, delivery):
            if not await delivery.lease.confirm():
                return {}
            await asyncio.sleep(0.02)
            with (folder / "sent").open("a") as sink:  # what the other side got
                for item in delivery.items:
                    sink.write(f"{delivery.message.id} {item.recipient}\\n")
            return {item.id: Sent(Reply(250, "2.0.0", "ok")) for item in delivery.items}

    async def main():
        db = Database.open(url)
        vault = Vault(db, KeyRing.load(folder / "keyring.json"))
        queue = Queue(db, vault, Blobs(folder / "data" / "blobs"), QueueSettings(), lambda: datetime.now(UTC))
        asyncio.create_task(DeliveryWorker(queue, {Route.RELAY: Courier()}).run(asyncio.Event()))
        await asyncio.sleep(0.2)

        async def client(number):
            while True:
                size = 200_000 if number == 0 else 2000
                message = NewMessage("default", "a@x.test", "a@x.test", "s", b"x" * size, datetime.now(UTC))
                items = [NewItem(f"r{n}@y.test", Destination(Route.RELAY)) for n in range(2)]
                print(await queue.accept(message, items), flush=True)  # the 250

        await asyncio.gather(*(client(number) for number in range(10)))

    asyncio.run(main())
    """
)


def promised(output):
    """Ids of every 250 that was said: whole lines only."""
    return [line.split()[-1] for line in output.split("\n")[:-1] if line and " " not in line]


@pytest.mark.slow
async def test_killed_at_any_moment_nothing_is_lost(store, tmp_path):
    said, leased_at_kill = [], []
    for delay in (0.9, 1.3, 1.7):
        with (tmp_path / "out").open("w+") as out:
            process = subprocess.Popen(
                [sys.executable, "-c", GATEWAY, store.url, str(tmp_path)], stdout=out, stderr=subprocess.DEVNULL
            )
            give_up = time.monotonic() + 30
            while not (tmp_path / "out").stat().st_size and time.monotonic() < give_up:
                time.sleep(0.05)
            time.sleep(delay)
            process.send_signal(signal.SIGKILL)
            process.wait()
            out.seek(0)
            said += promised(out.read())
        leased_at_kill.append(len(await store.admin.items(states=[State.LEASED])))
    assert said
    assert any(leased_at_kill), leased_at_kill
    store.clock.now = datetime.now(UTC)
    async with store.working():

        async def empty():
            seen = store.queue.measure()
            return seen is not None and not any(seen.states.values())

        await store.until(empty)
    proof = await store.conserved()
    assert proof.counts[State.SENT] == proof.recipients
    for message_id in said:
        assert await store.states(message_id) == [State.SENT, State.SENT]


@pytest.mark.postgres
async def test_the_server_goes_away_and_comes_back(postgres_server, open_store):
    name = postgres_server.new_database()
    store = open_store(postgres_server.url(name))
    async with store.working():
        before = await store.accept()
        await store.until_state(before, State.SENT)
        postgres_server.stop()
        try:
            with pytest.raises(StoreUnavailable):
                await store.accept()
            with pytest.raises(StoreUnavailable):
                await store.admin.items()
        finally:
            postgres_server.start()

        async def accepted():
            try:
                return await store.accept()
            except StoreUnavailable:
                return None

        after = None
        async with asyncio.timeout(30):
            while after is None:
                after = await accepted()
        await store.until_state(after, State.SENT)
    await store.conserved()


@pytest.mark.postgres
async def test_works_that_block_each_other_both_happen(postgres_server, open_store):
    store = open_store(postgres_server.url(postgres_server.new_database()))
    for name in ("a", "b"):
        await store.db.write(
            lambda conn, name=name: conn.execute(insert(workers).values(id=name, host="", started_at=store.clock()))
        )
    tries = []

    def both(first, second, mark):
        def work(conn):
            tries.append(mark)
            for name in (first, second):
                conn.execute(update(workers).where(workers.c.id == name).values(host=workers.c.host + mark))
                time.sleep(0.2)

        return work

    # each in a group, and so a transaction, of its own
    one = asyncio.create_task(store.db.write(both("a", "b", "1")))
    await store.until(lambda: tries)
    two = asyncio.create_task(store.db.write(both("b", "a", "2")))
    await asyncio.gather(one, two)
    hosts = await store.db.read(lambda conn: conn.execute(select(workers.c.host)).scalars().all())
    assert [sorted(host) for host in hosts] == [["1", "2"], ["1", "2"]]
    assert len(tries) >= 2
