"""Keeping the chain: one process of all chains what is committed, signs its end, and ships the signatures."""

import asyncio
import json
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

import structlog
from sqlalchemy import Connection

from delivery.errors import DeliveryError, StoreConflict
from delivery.store import links
from delivery.store.backing import WorkerLock
from delivery.store.database import Database
from delivery.store.links import Checkpoint, Head, Unlinked
from delivery.store.vault import Vault
from delivery.trail.places import Place

DUTY: Final = "audit-chain"  # the lock's name: who holds it chains for all
NAMESPACE: Final = "default"  # whose key signs: the chain is the installation's
_TURN: Final = 1.0  # seconds between looks
_PAGE: Final = 1000
_GAP: Final = 600.0  # seconds; no transaction lives that long: a row missing since then was taken back

log = structlog.get_logger()


def signed_text(number: int, link: bytes, at: datetime) -> bytes:
    """What a checkpoint's signature is over."""
    stamp = at.isoformat(timespec="microseconds").replace("+00:00", "Z")
    return f"sealgate/audit-checkpoint/1\n{number}\n{link.hex()}\n{stamp}\n".encode()


def shown(vault: Vault, made: Checkpoint) -> dict[str, Any]:
    """A checkpoint as it is shipped and printed; whoever has it can check it without us."""
    return {
        "number": made.number,
        "link": made.link.hex(),
        "at": made.at.isoformat(timespec="microseconds").replace("+00:00", "Z"),
        "key": made.key_id,
        "public_key": vault.public_key(NAMESPACE, made.key_id).hex(),
        "signature": made.signature.hex(),
    }


class TrailKeeper:
    """Chains events, signs checkpoints and ships them while this process holds the duty; else waits for the duty."""

    def __init__(
        self,
        db: Database,
        vault: Vault,
        clock: Callable[[], datetime],
        *,
        every: timedelta,
        ship: Sequence[tuple[str, Place]] = (),
    ) -> None:
        self._db = db
        self._vault = vault
        self._clock = clock
        self._every = every
        self._ship = ship
        self._in_order = db.backing.name == "sqlite"  # one writer at a time: rows are committed in their order
        self._lock: WorkerLock | None = None
        self._head = Head()
        self._seen = 0  # every event up to this row is linked, but for the gaps
        self._gaps: dict[int, float] = {}  # rows that are not there (yet), and since when
        self._signed: Checkpoint | None = None
        self._troubles: set[str] = set()

    async def run(self) -> None:
        """Until cancelled. What fails is tried again."""
        try:
            while True:
                await asyncio.sleep(_TURN)
                try:
                    await self.turn()
                except DeliveryError as error:
                    log.warning("audit.chain_waits", error=str(error))
                    await self._let_go()
        finally:
            await self._let_go()

    async def turn(self) -> bool:
        """One round: chain new events, sign and ship if it is time. False: another process has the duty."""
        if not await self._on_duty():
            return False
        while await self._extend() == _PAGE:
            pass
        await self._sign()
        for name, place in self._ship:
            await self._send(name, place)
        return True

    # -- the duty --------------------------------------------------------------------------------------------------

    async def _on_duty(self) -> bool:
        lock = self._lock
        if lock is not None and await asyncio.to_thread(lock.held):
            return True
        await self._let_go()
        self._lock = await asyncio.to_thread(self._db.backing.lock, DUTY)
        if self._lock is None:
            return False
        await self._db.read(self._take_over)
        return True

    def _take_over(self, conn: Connection) -> None:
        self._head, self._signed = links.head(conn), links.last_checkpoint(conn)
        complete = self._signed.complete if self._signed else 0
        self._seen, missing = links.newest_linked(conn, complete)
        self._gaps = dict.fromkeys(missing, time.monotonic())

    async def _let_go(self) -> None:
        if self._lock is not None:
            lock, self._lock = self._lock, None
            await asyncio.to_thread(lock.release)

    # -- chaining --------------------------------------------------------------------------------------------------

    async def _extend(self) -> int:
        """Chain up to a page of events; how many."""
        gaps, seen = list(self._gaps), self._seen
        found = await self._db.read(lambda conn: links.unlinked(conn, seen, gaps, _PAGE))
        if not found:
            self._forget_gaps()
            return 0
        before = self._head
        try:
            self._head = await self._db.write(lambda conn: links.append(conn, before, found))
        except StoreConflict:
            await self._let_go()  # someone else chained: begin anew from what is there
            raise
        self._note(found)
        return len(found)

    def _note(self, found: Sequence[Unlinked]) -> None:
        """Rows that were passed over may belong to transactions that are not committed yet."""
        now, there = time.monotonic(), {event.id for event in found}
        newest = max(self._seen, *there)
        if not self._in_order:
            missing = (row for row in range(self._seen + 1, newest) if row not in there)
            self._gaps.update((row, now) for row in missing)
        for row in there:
            self._gaps.pop(row, None)
        self._seen = newest
        self._forget_gaps()

    def _forget_gaps(self) -> None:
        if self._gaps:
            old = time.monotonic() - _GAP
            self._gaps = {row: since for row, since in self._gaps.items() if since > old}

    # -- checkpoints -----------------------------------------------------------------------------------------------

    async def _sign(self) -> None:
        now, last = self._clock(), self._signed
        if self._head.number == (last.number if last else 0):
            return
        if last is not None and last.at <= now < last.at + self._every:
            return
        head, complete = self._head, min(self._gaps, default=self._seen + 1) - 1
        key_id, signature = await asyncio.to_thread(
            self._vault.sign, NAMESPACE, signed_text(head.number, head.link, now)
        )
        made = Checkpoint(head.number, head.link, now, complete, key_id, signature)
        await self._db.write(lambda conn: links.add_checkpoint(conn, made))
        self._signed = made

    async def _send(self, name: str, place: Place) -> None:
        """Every checkpoint that a place has not got yet; one that fails is sent again later, and said once."""
        try:
            sent = await self._db.read(lambda conn: links.shipped(conn, name))
            if self._signed is None or self._signed.number <= sent:
                return
            for made in await self._db.read(lambda conn: links.checkpoints(conn, sent, _PAGE)):
                await place.send(json.dumps(await asyncio.to_thread(shown, self._vault, made)))
                await self._db.write(partial(links.note_shipped, destination=name, number=made.number))
            self._troubles.discard(name)
        except DeliveryError as error:
            if name not in self._troubles:
                log.warning("audit.checkpoint_not_shipped", to=name, error=str(error))
            self._troubles.add(name)
