"""`sealgate demo`: everything on loopback, without root or DNS."""

import asyncio
from pathlib import Path

import click

from gateway.cli.context import NO, fail, first_cause, said


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
    try:
        from gateway.demo.folder import DemoFailed
        from gateway.demo.run import run

        asyncio.run(run(folder.absolute()))
    except KeyboardInterrupt:  # before there was anything to end
        click.echo("\nThe demo has ended.")
    except (OSError, DemoFailed, ExceptionGroup) as failed:
        cause = first_cause(failed)
        if not isinstance(cause, (OSError, DemoFailed)):
            raise
        fail(f"the demo cannot go on: {said(cause)}", getattr(cause, "hint", ""), NO)
