"""Opens database, keys and blob files, and the services over them; for `serve` and for commands."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Final

from delivery.bounce import compose_dsn
from delivery.notices.compose import Composer
from delivery.notices.facts import NoticeSender
from delivery.queue import Queue
from delivery.reporting import Reporter
from delivery.safebox.box import SafeBoxes
from delivery.store.accounts import Accounts
from delivery.store.blobs import Blobs
from delivery.store.database import Database
from delivery.store.upgrade import prepare
from delivery.store.vault import Vault
from gateway.orders import way_to
from gateway.settings import Settings
from keys.keyring import KeyRing
from portal.settings import OWNERS

NAMESPACE: Final = "default"


def now() -> datetime:
    """The time, in UTC: the clock that everything is given, unless the caller hands in another."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Stores:
    """The opened stores, and the services over them."""

    settings: Settings
    db: Database
    vault: Vault
    blobs: Blobs
    queue: Queue
    boxes: SafeBoxes
    composer: Composer
    accounts: Accounts
    clock: Callable[[], datetime]


def open_database(settings: Settings) -> Database:
    """The database alone, its schema as it is: for `db upgrade`. A context manager; connects on first use."""
    return Database.open(settings.database_url)


@contextmanager
def open_stores(
    settings: Settings, keyring: KeyRing | None = None, *, make: bool = True, clock: Callable[[], datetime] = now
) -> Iterator[Stores]:
    """Open database, keys and blobs; make (unless told not to) or upgrade the embedded schema.

    Raises DeliveryError and KeysError.
    """
    keyring = keyring or KeyRing.load(settings.keyring_path)
    with open_database(settings) as db:
        prepare(db, make=make)
        vault = Vault(db, keyring, clock)
        vault.ensure(NAMESPACE)
        blobs = Blobs(settings.data / "blobs")
        destination_for = partial(way_to, directory=settings.directory())
        write_dsn = partial(compose_dsn, hostname=settings.hostname)
        reporter = Reporter(write_dsn, destination_for)
        queue = Queue(db, vault, blobs, settings.queue, clock, reporter=reporter, destination_for=destination_for)
        composer = Composer(
            NoticeSender.of(
                settings.notice_sender,
                hostname=settings.hostname,
                portal_url=settings.portal.url,
                bounces=settings.notices.bounces,
                owner_boxes=f"{OWNERS}/",
                zone=settings.zone,
                # the default sender's name, `Secure mail`, is nobody's: the domain says whose
                organisation="" if settings.notices.sender else settings.domains[0].removeprefix("*."),
            ),
            settings.languages[0],
            is_ours=lambda address: destination_for(address).inside,
        )
        boxes = SafeBoxes(db, vault, blobs, queue, composer=composer, clock=clock, mail_bytes=settings.limits.message)
        yield Stores(settings, db, vault, blobs, queue, boxes, composer, Accounts(db, vault), clock)
