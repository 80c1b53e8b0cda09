"""`sealgate audit`: the trail of every act."""

from datetime import UTC, datetime

import click
from sqlalchemy import Connection

from gateway.cli.context import Invocation, config_after, print_json
from gateway.cli.stores import actor, stores_of


@click.group()
def command() -> None:
    """The append-only trail of every decision, delivery, sign-in, view, answer and admin act."""


@command.command("export")
@config_after
@click.option("--reveal", is_flag=True, help="Open the sealed fields too: subjects, file names, excerpts, reasons.")
@click.option("--after", type=click.IntRange(0), default=0, metavar="N", help="Only events after the one numbered N.")
@click.option("--json", "_as_json", is_flag=True, help="One JSON object a line: it always is.")
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
