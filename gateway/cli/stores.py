"""What commands on stored things share: opening the stores, and saying plainly why that fails."""

import getpass
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from gateway.cli.context import NO, Invocation, fail, hint_of

if TYPE_CHECKING:
    from delivery.errors import DeliveryError
    from gateway.settings import Settings
    from gateway.stores import Stores
    from keys.errors import KeysError

_NEXT_TO_NOTHING: Final = 1 << 16  # bytes: SQLite's index of its log grows by half as much


def settings_of(invocation: Invocation, *, keyring: bool = True) -> "Settings":
    """The configuration, without trying the policy; ends the command with every problem where it is not sound.

    `keyring` False: it may be missing, and so may keys of DKIM.
    """
    from gateway.settings import SettingsInvalid, load_settings

    try:
        return load_settings(invocation.config, keyring=keyring, policy=False)
    except SettingsInvalid as invalid:
        for problem in invalid.problems:
            click.echo(str(problem), err=True)
        fail("the configuration is not sound", "sealgate config check says the same")


@contextmanager
def stores_of(invocation: Invocation) -> Iterator["Stores"]:
    """The stores of the configuration, open; ends the command where they, or something done with them, fail."""
    settings = settings_of(invocation)
    from delivery.errors import DeliveryError
    from gateway.stores import open_stores
    from keys.errors import KeysError
    from keys.keyring import KeyRing

    try:
        keyring = KeyRing.load(settings.keyring_path)
        with as_owner_of(settings.data), open_stores(settings, keyring, make=False) as stores:
            yield stores
    except (DeliveryError, KeysError) as error:
        fail(str(error), hint_about(error, settings), NO)


def hint_about(error: "DeliveryError | KeysError", settings: "Settings") -> str:
    """What to do where the stores fail; empty where the error itself says it."""
    from delivery.errors import DeliveryError, SchemaOutdated, StoreFull

    if isinstance(error, SchemaOutdated):
        return ""
    if isinstance(error, StoreFull) or (settings.database is None and _is_full(settings.data)):
        return "free some space there: mail is refused with 452 until then"
    hint = hint_of(error)
    if hint or not isinstance(error, DeliveryError):
        return hint
    if settings.database is not None:
        return "does PostgreSQL run, and let this user in, where `database` says?"
    return "is the data folder there, and does this user own it?"


def _is_full(data: Path) -> bool:
    """Whether next to nothing fits there: SQLite tells some of what it cannot write then as a fault of the disk."""
    try:
        return shutil.disk_usage(data).free < _NEXT_TO_NOTHING
    except OSError:
        return False


@contextmanager
def as_owner_of(data: Path) -> Iterator[None]:
    """Root acts as the owner of the data folder: a file that root made there, the service could not open.

    Afterwards it is root again, who alone may read the keyring.
    """
    before = os.geteuid(), os.getegid()
    try:
        _become_owner_of(data)
        yield
    finally:
        os.seteuid(before[0])
        os.setegid(before[1])


def _become_owner_of(data: Path) -> None:
    try:
        owner = data.stat()
    except OSError:
        return
    if os.geteuid() == 0 and owner.st_uid != 0:
        os.setegid(owner.st_gid)
        os.seteuid(owner.st_uid)
        if not os.access(__file__, os.R_OK, effective_ids=True):
            who = f"the owner of {data} (user {owner.st_uid})"
            fail(f"{who} cannot read this program", "install it where they can, for instance below /opt")


def roots_in_use(settings: "Settings") -> frozenset[str]:
    """The root keys that what is stored is wrapped by; none where nothing is stored yet, or it cannot be asked."""
    from delivery.errors import DeliveryError
    from delivery.store.vault import Vault
    from gateway.stores import open_database

    if settings.database is None and not (settings.data / "sealgate.db").exists():
        return frozenset()
    try:
        with as_owner_of(settings.data), open_database(settings) as db:
            return Vault.roots_in_use(db)
    except DeliveryError:
        return frozenset()


def actor() -> str:
    """Who acts, for the audit trail: the user behind sudo, if there is one."""
    return os.environ.get("SUDO_USER") or getpass.getuser()


def shown(at: datetime | None) -> str | None:
    """A time as JSON shows it: RFC 3339, UTC, to the second."""
    return None if at is None else at.isoformat(timespec="seconds").replace("+00:00", "Z")
