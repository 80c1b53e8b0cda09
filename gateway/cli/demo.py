"""`sealgate demo`: everything on loopback, without root or DNS."""

import asyncio
from pathlib import Path

import click

from gateway.cli.context import fail


@click.command()
@click.option(
    "--folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("demo-data"),
    show_default=True,
    help="Where the demo's configuration, policy and data are written.",
)
def command(folder: Path) -> None:
    """Run everything on this machine's loopback, with sample mail.

    Gateway, portal, a partner's gateway and a page with everyone's mailboxes start, three sample mails take their
    three ways, and what to look at is said. Ctrl-C ends it.
    """
    from gateway.demo.run import DemoFailed, run

    try:
        asyncio.run(run(folder.absolute()))
    except KeyboardInterrupt:
        click.echo("\nThe demo has ended.")
    except (DemoFailed, ExceptionGroup, OSError) as failed:
        fail(f"the demo could not be brought up: {failed}", "the folder's log says more")
