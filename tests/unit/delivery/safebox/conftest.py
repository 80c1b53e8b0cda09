"""A small world around SafeBoxes: a real SQLite file, real keys and blobs, a real queue that nobody empties."""

import email
import email.policy
import shutil
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import Connection, text

from delivery.couriers.courier import Delivery, Outcome, Stored
from delivery.couriers.safebox import SafeBoxCourier
from delivery.items import Destination, Item, Kind, OpenMessage, State
from delivery.notices.compose import Composer
from delivery.notices.facts import NoticeSender
from delivery.queue import Queue
from delivery.safebox.box import SafeBoxes
from delivery.safebox.participants import Access, Way
from delivery.safebox.profile import Profile
from delivery.sealed import open_message
from delivery.settings import QueueSettings
from delivery.store.blobs import Blobs
from delivery.store.database import Database
from delivery.store.messages import find_message
from delivery.store.upgrade import prepare
from delivery.store.vault import Vault
from keys.keyring import KeyRing
from keys.tokens import new_id
from policy.decision import Changes, Route

NAMESPACE = "default"


class Clock:
    """Time stands still until it is moved."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 21, 10, 15, 2, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def pass_(self, **amount: float) -> None:
        self.now += timedelta(**amount)


class Lease:
    async def confirm(self) -> bool:
        return True


@dataclass(frozen=True)
class Posted:
    """One mail of ours in the queue."""

    recipient: str
    kind: str
    participant_id: str | None
    inside: bool
    sender: str | None
    lasts: timedelta
    raw: bytes

    @property
    def mail(self) -> EmailMessage:
        parsed = email.message_from_bytes(self.raw, policy=email.policy.default)
        assert isinstance(parsed, EmailMessage)
        return parsed

    @property
    def text(self) -> str:
        body = self.mail.get_body(("plain",))
        assert body is not None
        content: str = body.get_content()
        return content

    @property
    def link(self) -> str:
        return next(line.strip() for line in self.text.splitlines() if "/b/" in line)


def destination_for(address: str) -> Destination:
    return Destination(Route.RELAY, inside=address.endswith("@example.com"))


@dataclass
class World:
    db: Database
    vault: Vault
    blobs: Blobs
    queue: Queue
    boxes: SafeBoxes
    courier: SafeBoxCourier
    clock: Clock
    folder: Path
    code: Access = field(default_factory=lambda: Access(Way.CODE, "192.0.2.7", "Browser"))
    account: Access = field(default_factory=lambda: Access(Way.ACCOUNT, "192.0.2.7", "Browser", "acc1"))

    def delivery(self, raw: bytes, recipients: Sequence[str], **item: object) -> Delivery:
        """A mail on its way into SafeBoxes."""
        message_id = str(item.pop("message_id", new_id()))
        message = OpenMessage(message_id, NAMESPACE, "alice@example.com", "alice@example.com", raw, self.clock.now)
        values: dict[str, object] = {"destination": Destination(Route.SAFEBOX), "changes": Changes(), **item}
        items = tuple(
            Item(
                id=new_id(),
                message_id=message_id,
                namespace=NAMESPACE,
                recipient=recipient,
                state=State.LEASED,
                attempts=0,
                created_at=self.clock.now,
                next_at=self.clock.now,
                expires_at=self.clock.now + timedelta(days=5),
                rule="test",
                decision_id="d",
                **values,  # type: ignore[arg-type]  # what a test says about its items
            )
            for recipient in recipients
        )
        return Delivery(message, items, Destination(Route.SAFEBOX), Lease())

    async def keep(self, raw: bytes, recipients: Sequence[str], **item: object) -> list[Outcome]:
        """Deliver, and end the items the way the worker does."""
        outcomes = list((await self.courier.deliver(self.delivery(raw, recipients, **item))).values())
        await self.end(outcomes)
        return outcomes

    async def end(self, outcomes: Sequence[Outcome]) -> None:
        def work(conn: Connection) -> None:
            for outcome in outcomes:
                if isinstance(outcome, Stored):
                    outcome.work(conn, self.clock.now)

        await self.db.write(work)

    def posted(self, recipient: str = "") -> list[Posted]:
        """What waits in the queue, in the order it was put there."""
        rows = self.rows(
            "select message_id, recipient, kind, participant_id, inside, expires_at, created_at from items order by id"
        )
        found = []
        for row in rows:
            stored = self.db.read_now(partial(find_message, message_id=row.message_id))
            assert stored is not None
            opened = open_message(self.vault, self.blobs, stored)
            lasts = timedelta(microseconds=row.expires_at - row.created_at)
            found.append(
                Posted(row.recipient, row.kind, row.participant_id, bool(row.inside), opened.sender, lasts, opened.raw)
            )
        return [one for one in found if not recipient or one.recipient == recipient]

    def rows(self, sql: str) -> list:  # type: ignore[type-arg]  # whatever the query gives
        return self.db.read_now(lambda conn: list(conn.execute(text(sql))))

    def events(self) -> list[str]:
        return [row.kind for row in self.rows("select kind from audit_events order by id")]

    async def guest(self, address: str = "bob@guest.example") -> str:
        """The participant id of the newest invitation to an address."""
        letters = await self.boxes.for_address(NAMESPACE, address)
        return letters[0].invitation.participant_id

    def files(self) -> list[Path]:
        return [path for path in (self.folder / "blobs").rglob("*") if path.is_file()]

    def item(self, participant_id: str) -> Item:
        """An ended notice item of a guest."""
        delivery = self.delivery(b"", ["bob@guest.example"], kind=Kind.NOTICE, participant_id=participant_id)
        return delivery.items[0]


Build = Callable[..., World]


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with its schema and its namespaces' keys, to be copied: making one takes longer than most tests."""
    folder = tmp_path_factory.mktemp("safebox")
    with Database.open(f"sqlite:///{folder / 'sealgate.db'}") as db:
        prepare(db)
        vault = Vault(db, KeyRing.create(folder / "keyring.json"), Clock())
        vault.ensure(NAMESPACE)
        vault.ensure("other")
    return folder


@pytest.fixture
def build(tmp_path: Path, empty_store: Path) -> Iterator[Build]:
    """Makes worlds; `bounces` and `profiles` as in the settings."""
    opened: list[Database] = []

    def make(bounces: str | None = None, profiles: dict[str, Profile] | None = None, **more: int) -> World:
        clock = Clock()
        shutil.copy(empty_store / "sealgate.db", tmp_path)
        shutil.copy(empty_store / "keyring.json", tmp_path)
        db = Database.open(f"sqlite:///{tmp_path}/sealgate.db")
        opened.append(db)
        vault = Vault(db, KeyRing.load(tmp_path / "keyring.json"), clock)
        blobs = Blobs(tmp_path / "blobs")
        queue = Queue(db, vault, blobs, QueueSettings(), clock, destination_for=destination_for)
        voice = NoticeSender.of(
            "Example secure mail <secure@example.com>",
            hostname="gate.example.com",
            portal_url="https://secure.example.com/",
            bounces=bounces,
        )
        composer = Composer(voice, is_ours=lambda address: destination_for(address).inside)
        boxes = SafeBoxes(db, vault, blobs, queue, composer=composer, clock=clock, **more)
        courier = SafeBoxCourier(boxes, profiles or {"standard": Profile()})
        return World(db, vault, blobs, queue, boxes, courier, clock, tmp_path)

    yield make
    for db in opened:
        db.close()


@pytest.fixture
def world(build: Build) -> World:
    return build()


@pytest.fixture
async def kept(world: World) -> AsyncIterator[World]:
    """A world with one box: alice's mail to bob, a document in it."""
    await world.keep(LETTER, ["bob@guest.example"])
    yield world


def mail(
    to: str = "Bob Guest <bob@guest.example>",
    *,
    subject: str = "Your results of Tuesday",
    text: str = "Dear Bob, SECRETTEXT inside.\n",
    files: Sequence[tuple[str, bytes]] = (),
    **headers: str,
) -> bytes:
    """A mail of alice's."""
    message = EmailMessage(policy=email.policy.SMTP)
    message["From"] = "Alice Muster <alice@example.com>"
    message["To"] = to
    message["Subject"] = subject
    message["Message-ID"] = "<original@example.com>"
    for name, value in headers.items():
        message[name.replace("_", "-")] = value
    message.set_content(text)
    for name, content in files:
        message.add_attachment(content, maintype="application", subtype="pdf", filename=name)
    return message.as_bytes()


@pytest.fixture
def write_mail() -> Callable[..., bytes]:
    return mail


LETTER = mail(files=[("SECRETNAME report.pdf", b"%PDF SECRETFILE " * 20)])
