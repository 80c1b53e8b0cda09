"""A clock that may be ahead closes and destroys nothing until somebody had the time to see it."""

import asyncio
import itertools
from datetime import timedelta
from unittest import mock

import pytest
from sqlalchemy import insert

from delivery.doubting import is_doubted
from delivery.safebox import clockwork
from delivery.store import throttles
from delivery.store.boxes import BoxState
from delivery.store.doubts import gap_before
from delivery.store.schema_audit import audit_checkpoints


async def _keep_for_a_while(world) -> None:
    """As a worker does, until a round is over."""
    stop, over = asyncio.Event(), asyncio.Event()
    with mock.patch.object(clockwork, "_EVERY", 0.001), mock.patch.object(world.boxes, "_doubts", _told(world, over)):
        keeping = asyncio.create_task(world.boxes.run(stop))
        async with asyncio.timeout(30):
            await over.wait()
        stop.set()
        await keeping


def _told(world, over):
    """The second look tells that the round behind the first is over."""
    looks, inner = [], world.boxes._doubts

    async def look(now):
        looks.append(now)
        if len(looks) > 1:
            over.set()
        return await inner(now)

    return look


def _sign(world) -> None:
    """What the trail's keeper does while something happens."""
    row = {"number": next(_NUMBERS), "link": b"", "at": world.clock.now, "complete": 0, "key_id": "", "signature": b""}
    world.db.write_now(lambda conn: conn.execute(insert(audit_checkpoints), [row]))


_NUMBERS = itertools.count(1)


async def test_a_clock_that_is_years_ahead_destroys_nothing(kept) -> None:
    _sign(kept)
    began = kept.clock.now
    kept.clock.pass_(days=4000)
    _sign(kept)  # mail goes on meanwhile
    for _ in range(3):
        await _keep_for_a_while(kept)
        kept.clock.pass_(hours=7)
    kept.clock.now = began + timedelta(hours=21)
    await _keep_for_a_while(kept)
    assert (await kept.boxes.list())[0].state is BoxState.OPEN
    assert "box.closed" not in kept.events()
    assert "box.reminded" not in kept.events()


@pytest.mark.parametrize("busy", [True, False])
async def test_after_days_without_a_worker_a_day_is_waited(kept, busy) -> None:
    _sign(kept)
    kept.clock.pass_(days=4000)
    if busy:
        _sign(kept)
    await _keep_for_a_while(kept)
    kept.clock.pass_(hours=23)
    await _keep_for_a_while(kept)
    assert kept.events().count("box.deleted") == 0
    kept.clock.pass_(hours=2)
    await _keep_for_a_while(kept)
    assert kept.events().count("box.deleted") == 1


async def test_an_idle_weekend_is_no_reason_to_wait(kept) -> None:
    kept.clock.pass_(days=28, hours=12)
    _sign(kept)
    kept.clock.pass_(days=2)
    await _keep_for_a_while(kept)
    assert kept.events().count("box.closed") == 1


async def test_a_clock_that_is_set_ahead_while_nothing_happens_destroys_nothing(kept) -> None:
    """The idle days were waited for already: what is ahead of them is another gap."""
    _sign(kept)
    for _ in range(5):
        kept.clock.pass_(days=1)
        await _keep_for_a_while(kept)
    before = kept.clock.now
    kept.clock.pass_(days=4000)
    for _ in range(3):
        await _keep_for_a_while(kept)
        kept.clock.pass_(hours=7)
    kept.clock.now = before
    assert (await kept.boxes.list())[0].state is BoxState.OPEN
    assert "box.closed" not in kept.events()


async def test_a_gateway_that_idles_for_weeks_waits_once(kept) -> None:
    """What was waited for is not forgotten with old counts of tries, and the time is believed from then on."""
    _sign(kept)
    believed = []
    for _ in range(15):
        kept.clock.pass_(days=1)
        kept.db.write_now(lambda conn: throttles.sweep(conn, kept.clock.now))
        believed.append(not await is_doubted(kept.db, kept.clock.now))
    assert believed == [True] * 3 + [False] + [True] * 11


async def test_whether_the_clock_is_doubted_is_known_without_reading_all_of_a_long_trail(kept) -> None:
    """It is asked for every item that would be bounced for its age."""
    at = kept.clock.now
    rows = [
        {"number": 1000 + n, "link": b"", "at": at + timedelta(hours=n), "complete": 0, "key_id": "", "signature": b""}
        for n in range(24 * 60)
    ]
    kept.db.write_now(lambda conn: conn.execute(insert(audit_checkpoints), rows))
    now = rows[-1]["at"]
    steps = []

    def asked(conn):
        raw = conn.connection.driver_connection
        raw.set_progress_handler(lambda: steps.append(None), 10)
        try:
            return gap_before(conn, now)
        finally:
            raw.set_progress_handler(None, 0)

    assert kept.db.read_now(asked) is None
    assert len(steps) < 24 * 60 / 4
