"""`sealgate db`: the schema of the database."""

import click

from gateway.cli.context import NO, CommandGroup, Invocation, config_after, fail, json_option, print_json
from gateway.cli.stores import as_owner_of, settings_of


@click.group(cls=CommandGroup)
def command() -> None:
    """Upgrade the database."""


@command.command("upgrade")
@config_after
@json_option
@click.pass_obj
def upgrade_(invocation: Invocation, as_json: bool) -> None:
    """Bring the database's schema up to this version. Stop every `sealgate serve` on it first.

    An SQLite file is copied before it is changed; make a backup of a PostgreSQL database yourself.
    """
    settings = settings_of(invocation, keyring=False)
    from delivery.errors import DeliveryError
    from delivery.store.upgrade import newest, upgrade
    from gateway.stores import open_database

    try:
        with as_owner_of(settings.data), open_database(settings) as db:
            done = upgrade(db)
    except DeliveryError as error:
        fail(str(error), "nothing was changed", NO)
    after = newest() if done is None else done.after
    if as_json:
        print_json(
            {
                "before": after if done is None else done.before,
                "after": after,
                "copy": str(done.copy) if done is not None and done.copy is not None else None,
            }
        )
    elif done is None:
        click.echo(f"The schema is {after}, as this version needs it.")
    else:
        click.echo(f"The schema is {after} now; it was {done.before or 'missing'}.")
        if done.copy is not None:
            click.echo(f"As it was before: {done.copy}")
