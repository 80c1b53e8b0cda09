"""A lease that was taken by somebody else, or anew, counts for nothing; nor is a file taken away that may be needed."""

import pytest

from delivery.claims import OurLease
from delivery.couriers.courier import Stored
from delivery.errors import StoreUnavailable
from delivery.items import Reply, State
from delivery.sealed import INLINE
from delivery.store import items as rows
from delivery.store.schema import items


async def leased_anew(store, recipients=1):
    """Claims, the tokens under which items were leased at first, and under which they are leased now."""
    claims = store.claims()
    await claims.register()
    await store.accept(*(store.item(f"r{number}@there.test") for number in range(recipients)))
    old = {one.item.id: one.token for one in await claims.lease(recipients, [])}
    await claims.give_back(old)
    new = {one.item.id: one.token for one in await claims.lease(recipients, [])}
    assert old.keys() == new.keys()
    assert all(new[item] > token for item, token in old.items())
    return claims, old, new


async def test_an_older_lease_of_our_own_gives_nothing_back_renews_nothing_and_moves_nothing(store):
    claims, old, new = await leased_anew(store)
    ((item, token),) = old.items()
    until = (await store.db.read(lambda conn: conn.execute(items.select()).one())).lease_until
    store.clock.advance(seconds=30)
    await claims.give_back(old)
    await claims.renew(old)
    assert not await store.db.write(lambda conn: rows.move(conn, item, State.LEASED, State.DUE, token))
    row = await store.db.read(lambda conn: conn.execute(items.select()).one())
    assert (row.state, row.lease_token, row.lease_until) == (State.LEASED, new[item], until)
    assert not await OurLease(claims, old).confirm()
    assert await OurLease(claims, new).confirm()
    await claims.retire()


async def test_a_delivery_goes_only_if_every_item_of_it_is_still_ours(store):
    claims, old, new = await leased_anew(store, recipients=2)
    lost = next(iter(new))
    assert not await OurLease(claims, new | {lost: old[lost]}).confirm()
    await claims.retire()


async def test_what_a_late_result_asks_for_is_not_done(store):
    """Another worker makes the SafeBox: the one that lost the lease makes no second one."""
    done = []

    def kept(item):
        return Stored(Reply(250, "2.0.0", "kept"), lambda _conn, _now: done.append(item.recipient))

    async def taken_meanwhile(_delivery):
        theirs = {"lease_token": 9, "lease_worker": "x"}
        await store.db.write(
            lambda conn: conn.execute(items.update().where(items.c.recipient == "bob@there.test").values(theirs))
        )

    store.courier.answers |= {"bob@there.test": kept, "carol@there.test": kept}
    store.courier.before = taken_meanwhile
    message_id = await store.accept(store.item(), store.item("carol@there.test"))
    async with store.working():
        await store.until_state(message_id, State.LEASED, State.STORED)
    assert done == ["carol@there.test"]


@pytest.mark.parametrize("certain", [True, False])
async def test_a_file_stays_where_its_message_may_have_been_kept(store, tmp_path, monkeypatch, certain):
    """A commit whose answer was lost may have happened: then there is a row that needs the file."""
    write_one = store.db.write_one

    async def cut(*given, **more):
        if not certain:
            await write_one(*given, **more)
        raise StoreUnavailable("the connection was cut", certain=certain)

    monkeypatch.setattr(store.db, "write_one", cut)
    with pytest.raises(StoreUnavailable):
        await store.accept(raw=b"x" * (INLINE + 1))
    files = [path for path in (tmp_path / "data" / "blobs").rglob("*") if path.is_file()]
    assert len(files) == (0 if certain else 1)
    monkeypatch.undo()
    await store.conserved()
