"""`sealgate keys`: the root keys that wrap all others."""

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gateway.cli.context import NO, CommandGroup, Invocation, config_after, fail, json_option, print_json
from gateway.cli.stores import as_owner_of, roots_in_use, settings_of
from keys.errors import KeysError
from keys.keyring import KeyRing, keyring_path

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from gateway.settings import Settings


@click.group(cls=CommandGroup)
def command() -> None:
    """Make, list and rotate the root keys that wrap all others.

    They lie in the keyring file that `keys` in the configuration names. Without it nothing that was sealed can be
    opened again: keep a copy of it, apart from the backups of the data.
    """


@command.command()
@config_after
@click.option(
    "--path", type=click.Path(path_type=Path), metavar="FILE", help="Make this file; no configuration is read."
)
@json_option
@click.pass_obj
def init(invocation: Invocation, path: Path | None, as_json: bool) -> None:
    """Make the keyring with its first root key. A file that exists is never overwritten.

    Where something is stored already, its own keyring is needed, and no new one is made.
    """
    where = path if path is not None else _new_place(settings_of(invocation, keyring=False))
    try:
        ring = KeyRing.create(where)
    except KeysError as error:
        fail(str(error), error.hint, NO)
    if as_json:
        print_json({"keyring": str(where), "id": ring.primary})
        return
    click.echo(f"Made {where} with the root key {ring.primary}.")
    click.echo("Copy it to a safe place apart from the data: without it nothing sealed can be opened again.")
    if os.geteuid() == 0 and where.stat().st_uid == 0:
        click.echo("It belongs to root: give it to the user that runs sealgate, or hand it over by LoadCredential.")


def _new_place(settings: "Settings") -> Path:
    where = keyring_path(settings.keys)
    if not where.exists() and (roots := roots_in_use(settings)):
        fail(
            f"the data is sealed by another keyring, with the root key {' and '.join(sorted(roots))}",
            f"restore {where} from its copy: a new one opens nothing of what is stored. To begin anew, move "
            "the data away first",
            NO,
        )
    return where


@command.command("list")
@config_after
@json_option
@click.pass_obj
def list_(invocation: Invocation, as_json: bool) -> None:
    """List the root keys, oldest first; the primary one wraps from now on."""
    for root in _ring(settings_of(invocation)).roots():
        if as_json:
            print_json({"id": root.id, "created": root.created.isoformat(), "primary": root.primary})
        else:
            click.echo(f"{root.id}  {root.created:%Y-%m-%d %H:%M}{'  primary' if root.primary else ''}")


@command.command()
@config_after
@click.option(
    "--rewrap-only", is_flag=True, help="Make no new root key; only bring the stored keys under the primary one."
)
@json_option
@click.pass_obj
def rotate(invocation: Invocation, rewrap_only: bool, as_json: bool) -> None:
    """Make a new primary root key, and wrap the keys of every namespace by it.

    A running gateway that reads the keyring file notices by itself; one that has it as a systemd credential must be
    restarted. Older root keys stay in the keyring: backups of the database need them.
    """
    settings = settings_of(invocation)
    ring = _ring(settings)
    if foreign := roots_in_use(settings) - frozenset(ring.ids()):
        fail(
            f"the data is sealed by another keyring, with the root key {' and '.join(sorted(foreign))}",
            f"put back the file that was {settings.keyring_path}; nothing was changed",
            code=NO,
        )
    try:
        primary = ring.primary if rewrap_only else ring.rotate()
    except KeysError as error:
        fail(str(error), error.hint, NO)
    rewrapped = _rewrap(settings, primary)
    if as_json:
        print_json({"id": primary, "rewrapped": rewrapped})
    else:
        click.echo(f"The root key {primary} is primary; {rewrapped} stored keys were wrapped by it.")


def _rewrap(settings: "Settings", primary: str) -> int:
    from delivery.errors import DeliveryError
    from delivery.store.audit import Event, EventKind, record
    from gateway.stores import open_stores

    now = datetime.now(UTC)
    try:
        keyring = KeyRing.load(settings.keyring_path)
        with as_owner_of(settings.data), open_stores(settings, keyring) as stores:
            vault = stores.vault

            def tell(conn: "Connection", rewrapped: int) -> None:
                event = Event(EventKind.KEY_ROTATED, "default", facts={"root": primary, "rewrapped": rewrapped})
                record(conn, vault, [event], now)

            rewrapped: int = vault.rotate(tell)
    except (DeliveryError, KeysError) as error:
        fail(
            f"the root key {primary} is primary, but the stored keys are not wrapped by it yet: {error}",
            "the older root keys stay in the keyring, so this harms nothing; run `sealgate keys rotate --rewrap-only` "
            "when the cause is gone",
            code=NO,
        )
    return rewrapped


def _ring(settings: "Settings") -> KeyRing:
    try:
        return KeyRing.load(settings.keyring_path)
    except KeysError as error:
        fail(str(error), error.hint)
