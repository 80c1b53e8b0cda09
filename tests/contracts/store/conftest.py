"""A store of each kind, a queue over it, a clock that stands still, couriers that do as they are told."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from postgres import Server

from delivery.claims import Claims
from delivery.couriers.courier import Delivery, Outcome, Sent
from delivery.errors import StoreUnavailable
from delivery.items import Destination, Item, NewItem, NewMessage, OpenMessage, Reply, Report, State
from delivery.lanes import Limits
from delivery.queue import Queue
from delivery.queueadmin import QueueAdmin
from delivery.reporting import Reporter
from delivery.settings import QueueSettings
from delivery.store.audit import export
from delivery.store.blobs import Blobs
from delivery.store.database import Database
from delivery.store.upgrade import upgrade
from delivery.store.vault import Vault
from delivery.store.views import Conservation, stories
from delivery.worker import DeliveryWorker
from keys.keyring import KeyRing
from policy.decision import Route

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


class Clock:
    """Stands still until told."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **by: float) -> None:
        self.now += timedelta(**by)


@dataclass
class FakeCourier:
    """Says what `answers` has for a recipient (a value, a list to use up, or a function of the delivery), else Sent."""

    answers: dict[str, Any] = field(default_factory=dict)
    deliveries: list[Delivery] = field(default_factory=list)
    gate: asyncio.Event | None = None  # deliveries wait for it
    before: Callable[[Delivery], Any] | None = None
    confirmed: list[bool] = field(default_factory=list)

    async def deliver(self, delivery: Delivery) -> Mapping[str, Outcome]:
        self.deliveries.append(delivery)
        if self.before is not None:
            await self.before(delivery)
        if self.gate is not None:
            await self.gate.wait()
        self.confirmed.append(await delivery.lease.confirm())
        return {item.id: self.answer(item) for item in delivery.items if self.answer(item) is not None}

    def answer(self, item: Item) -> Any:
        answer = self.answers.get(item.recipient, Sent(Reply(250, "2.0.0", "ok")))
        return answer(item) if callable(answer) else answer

    @property
    def recipients(self) -> list[str]:
        return [item.recipient for delivery in self.deliveries for item in delivery.items]


@dataclass(frozen=True)
class FakeDsn:
    raw: bytes
    subject: str = "Undelivered"
    eight_bit: bool = False
    smtputf8: bool = False


class FakeReports:
    """Remembers what each DSN was to say."""

    def __init__(self) -> None:
        self.written: list[tuple[OpenMessage, Sequence[Report], bool]] = []

    def __call__(
        self, message: OpenMessage, reports: Sequence[Report], *, now: datetime, confidential: bool
    ) -> FakeDsn:
        self.written.append((message, reports, confidential))
        lines = [f"{report.fate} {report.item.recipient} {report.reply}" for report in reports]
        return FakeDsn("\r\n".join(["Subject: Undelivered", "", *lines]).encode())


@dataclass
class Store:
    """One store with its queue, and what tests ask of it."""

    url: str
    folder: Path
    db: Database
    keyring: KeyRing
    vault: Vault
    blobs: Blobs
    clock: Clock
    reports: FakeReports
    queue: Queue
    courier: FakeCourier = field(default_factory=FakeCourier)
    couriers: dict[Route, FakeCourier] = field(default_factory=dict)
    workers: list[DeliveryWorker] = field(default_factory=list)

    @property
    def admin(self) -> QueueAdmin:
        return QueueAdmin(self.queue)

    @property
    def sqlite(self) -> bool:
        return self.url.startswith("sqlite")

    def message(self, raw: bytes = b"Subject: x\r\n\r\nhello\r\n", **values: Any) -> NewMessage:
        given = {
            "namespace": "default",
            "sender": "alice@example.com",
            "owner": "alice@example.com",
            "subject": "the subject",
            "raw": raw,
            "received_at": self.clock(),
        }
        return NewMessage(**(given | values))

    def item(self, recipient: str = "bob@there.test", route: Route = Route.RELAY, **values: Any) -> NewItem:
        name = values.pop("partner", "")
        return NewItem(recipient, Destination(route, name), **values)

    async def accept(self, *items: NewItem, **values: Any) -> str:
        return await self.queue.accept(self.message(**values), items or [self.item()])

    async def stories(self, message_id: str) -> list[Any]:
        return await self.db.read(lambda conn: stories(conn, message_id))

    async def states(self, message_id: str) -> list[State]:
        return [story.line.item.state for story in await self.stories(message_id)]

    async def only(self, message_id: str) -> Any:
        (story,) = await self.stories(message_id)
        return story

    async def conserved(self) -> Conservation:
        proof = await self.admin.audit()
        assert proof.holds, proof
        return proof

    async def events(self, *, reveal: bool = True) -> list[dict[str, Any]]:
        return await self.db.read(lambda conn: list(export(conn, self.vault, reveal=reveal)))

    async def kinds(self) -> list[str]:
        return [event["kind"] for event in await self.events()]

    def worker(self, **values: Any) -> DeliveryWorker:
        couriers = {route: self.couriers.get(route, self.courier) for route in Route}
        couriers |= values.pop("couriers", {})
        worker = DeliveryWorker(self.queue, couriers, jitter=lambda: 0.5, **values)
        self.workers.append(worker)
        return worker

    def claims(self) -> Claims:
        """The clock that nobody sets goes with the one that a test sets."""
        seconds = lambda: self.clock().timestamp()  # noqa: E731
        return Claims(self.db, self.clock, self.queue.settings.longest_retry, seconds=seconds)

    @contextlib.asynccontextmanager
    async def working(self, **values: Any) -> AsyncIterator[DeliveryWorker]:
        """A worker at work; at the end it is stopped and must have ended in order."""
        worker, stop = self.worker(**values), asyncio.Event()
        running = asyncio.create_task(worker.run(stop))
        try:
            await self.until(lambda: worker._taking or running.done())
            yield worker
        finally:
            stop.set()
            await asyncio.wait_for(running, 30)

    async def until(self, claim: Callable[[], Any]) -> None:
        """Wait until a claim holds; a test that waits for nothing fails by time-out."""
        async with asyncio.timeout(30):
            while True:
                holds = claim()
                if asyncio.iscoroutine(holds):
                    holds = await holds
                if holds:
                    return
                await asyncio.sleep(0.01)

    async def until_state(self, message_id: str, *states: State) -> None:
        async def there() -> bool:
            try:
                return sorted(await self.states(message_id)) == sorted(states)
            except StoreUnavailable:
                return False

        await self.until(there)

    def again(self, **by: float) -> None:
        """Let time pass, and the worker look."""
        self.clock.advance(**by)
        for worker in self.workers:
            worker.wake()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database of each kind, empty but for its schema."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path}/data/sealgate.db"
        with Database.open(url) as db:
            upgrade(db)
        yield url
        return
    server: Server = request.getfixturevalue("postgres_server")
    name = server.new_database()
    yield server.url(name)
    server.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """An SQLite database alone."""
    url = f"sqlite:///{tmp_path}/data/sealgate.db"
    with Database.open(url) as db:
        upgrade(db)
    return url


@pytest.fixture
def open_store(tmp_path: Path) -> Iterator[Callable[..., Store]]:
    """Opens a store at a URL; several at one URL are as several processes."""
    opened: list[Store] = []
    keyring_path = tmp_path / "keyring.json"

    def open_it(url: str, *, patience: float = 5.0, **settings: Any) -> Store:
        keyring = KeyRing.load(keyring_path) if keyring_path.exists() else KeyRing.create(keyring_path)
        db = Database.open(url, patience=timedelta(seconds=patience))
        clock, reports = (opened[0].clock, opened[0].reports) if opened else (Clock(), FakeReports())
        vault = Vault(db, keyring, clock)
        vault.ensure("default")
        blobs = Blobs(tmp_path / "data" / "blobs")
        reporter = Reporter(reports, lambda address: Destination(Route.RELAY, inside=True))
        queue = Queue(db, vault, blobs, QueueSettings(**settings), clock, reporter=reporter)
        store = Store(url, tmp_path, db, keyring, vault, blobs, clock, reports, queue)
        opened.append(store)
        return store

    yield open_it
    for store in opened:
        store.db.close()


@pytest.fixture
def store(store_url: str, open_store: Callable[..., Store]) -> Store:
    """A store of each kind."""
    return open_store(store_url)


@pytest.fixture
def sqlite_store(sqlite_url: str, open_store: Callable[..., Store]) -> Store:
    """A store on SQLite alone."""
    return open_store(sqlite_url)


@pytest.fixture
def make() -> Any:
    """Constructors that tests share."""
    return SimpleNamespace(courier=FakeCourier, limits=Limits)
