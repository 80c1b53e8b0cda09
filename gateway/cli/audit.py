"""`sealgate audit`: the trail of every act."""

from dataclasses import asdict
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, TextIO

import click
from sqlalchemy import Connection

from gateway.cli.context import MOST, NO, WRONG, CommandGroup, Invocation, config_after, fail, print_json
from gateway.cli.stores import actor, stores_of

if TYPE_CHECKING:
    from delivery.store.database import Database
    from delivery.store.erasing import SearchProgress
    from delivery.trail.proof import Shipped


@click.group(cls=CommandGroup)
def command() -> None:
    """The append-only trail of every decision, delivery, sign-in, view, answer and admin act."""


@command.command("export")
@config_after
@click.option("--reveal", is_flag=True, help="Open the sealed fields too: subjects, file names, excerpts, reasons.")
@click.option(
    "--after", type=click.IntRange(0, MOST), default=0, metavar="N", help="Only events after the one numbered N."
)
@click.option("--json", "_as_json", is_flag=True, help="Changes nothing: the output is always one JSON object a line.")
@click.pass_obj
def export_(invocation: Invocation, reveal: bool, after: int, _as_json: bool) -> None:
    """Print every event, oldest first, one JSON object a line. Revealing sealed fields is itself an event."""
    from delivery.store.audit import Event, EventKind, export, record

    with stores_of(invocation) as stores:
        if reveal:
            event = Event(EventKind.AUDIT_EXPORTED, "default", facts={"after": after}, persons={"actor": actor()})
            stores.db.write_now(lambda conn: record(conn, stores.vault, [event], datetime.now(UTC)))

        def print_all(conn: Connection) -> None:
            for shown in export(conn, stores.vault, reveal=reveal, after=after):
                print_json(shown)

        stores.db.read_now(print_all)


@command.command("verify")
@config_after
@click.option(
    "--checkpoints",
    "shipped",
    type=click.File("r", encoding="utf-8", errors="replace"),
    metavar="FILE",
    help="Checkpoints that were shipped away: a trail cut off or written anew shows against them. - is standard input.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@click.pass_obj
def verify_(invocation: Invocation, shipped: TextIO | None, as_json: bool) -> None:
    """Prove that no event was changed, taken away, cut off or slipped in. Exit 1 where one was."""
    from delivery.trail.proof import verify

    elsewhere = _shipped(shipped) if shipped is not None else []
    with stores_of(invocation) as stores:
        proof = stores.db.read_now(lambda conn: verify(conn, stores.vault, datetime.now(UTC), elsewhere))
    if as_json:
        print_json(asdict(proof) | {"holds": proof.holds})
    else:
        click.echo(
            f"{proof.events} events chained, {proof.waiting} not yet; "
            f"{proof.checkpoints} checkpoints" + (f" and {proof.shipped} shipped ones" if elsewhere else "")
        )
        for fault in proof.faults:
            click.echo(f"  {fault}")
        click.echo("the trail is whole" if proof.holds else "THE TRAIL IS NOT WHOLE")
    if not proof.holds:
        raise SystemExit(NO)


@command.command("checkpoints")
@config_after
@click.option(
    "--after", type=click.IntRange(0, MOST), default=0, metavar="N", help="Only checkpoints of more than N links."
)
@click.option("--json", "_as_json", is_flag=True, help="Changes nothing: the output is always one JSON object a line.")
@click.pass_obj
def checkpoints_(invocation: Invocation, after: int, _as_json: bool) -> None:
    """Print the signed checkpoints, as they are shipped: keep them where this machine cannot change them."""
    from delivery.store.links import checkpoints
    from delivery.trail.keeping import shown

    with stores_of(invocation) as stores:
        for made in stores.db.read_now(lambda conn: checkpoints(conn, after)):
            print_json(shown(stores.vault, made))


@command.command("erase")
@click.argument("address", required=False, default="")
@click.option(
    "--documents-of", "box", metavar="ID", default="", help="Names and digests of the documents of this deleted box."
)
@config_after
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def erase_(invocation: Invocation, address: str, box: str, yes: bool) -> None:
    """Forget a person: their address goes from every event, and so do names and digests of documents they wrote; the
    chain still proves that no event was changed.
    """
    from delivery.store.audit import Event, EventKind, record
    from delivery.store.erasing import erase_documents, erase_person
    from delivery.store.upgrade import DEFAULT_NAMESPACE

    if bool(address) == bool(box):
        raise click.UsageError("name an address, or a box with --documents-of")
    if not yes:
        what = f"Forget {address} in every event?" if address else f"Forget what documents {box} held?"
        click.confirm(f"{what} It cannot be undone.", abort=True)
    with stores_of(invocation) as stores:
        looked = _look_through(stores.db, address)

        def erase(conn: Connection) -> int:
            if address:
                touched = erase_person(conn, DEFAULT_NAMESPACE, address, looked)
            else:
                touched = erase_documents(conn, DEFAULT_NAMESPACE, box)
            done = Event(
                EventKind.PERSON_ERASED,
                DEFAULT_NAMESPACE,
                box_id=box or None,
                facts={"events": touched},
                persons={"actor": actor()},
            )
            record(conn, stores.vault, [done], datetime.now(UTC))
            return touched

        click.echo(f"forgotten in {stores.db.write_now(erase)} events")


def _look_through(db: "Database", address: str) -> "SearchProgress":
    """Every event that tells of a person, found before anybody has to wait for us; none without an address."""
    from delivery.store.erasing import SearchProgress, search_further
    from delivery.store.upgrade import DEFAULT_NAMESPACE

    looked = SearchProgress()
    while address:
        further = db.read_now(partial(search_further, namespace=DEFAULT_NAMESPACE, value=address, looked=looked))
        if further == looked:
            break
        looked = further
    return looked


def _shipped(file: TextIO) -> "list[Shipped]":
    from delivery.trail.proof import read_shipped

    try:
        shipped = read_shipped(file)
    except ValueError as cause:
        fail(f"{file.name}: {cause}", "a checkpoint is a line of JSON as `sealgate audit checkpoints` prints it", WRONG)
    if not shipped:  # as where the command before a pipe failed
        fail(f"{file.name} holds no checkpoint: nothing can be proven by it", "see where `audit.ship` sends them", NO)
    return shipped
