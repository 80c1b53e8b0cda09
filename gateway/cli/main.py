"""The command `sealgate`: loads the module of the command that was asked for, and no other."""

import difflib
import errno
import importlib
import os
from pathlib import Path
from typing import Any, Final

import click

from gateway.cli.context import CONFIG_DEFAULT, NO, Invocation, config_option, fail, said
from gateway.cli.crash import leave_nothing
from gateway.cli.loglines import log_apart
from gateway.cli.terminal import fill_streams, is_text, printable, show_everything

GROUPS: Final = {
    "demo": ("gateway.cli.demo", "Run everything on this machine's loopback, with sample mail."),
    "serve": ("gateway.cli.serve", "Run the gateway."),
    "config": ("gateway.cli.config", "Check the configuration, print an example or its schema."),
    "policy": ("gateway.cli.policy", "Check, test and explain the policy."),
    "rules": ("gateway.cli.rules", "List, show, test detectors, and scan files with them."),
    "queue": ("gateway.cli.queue", "See and steer what waits, and prove that nothing was lost."),
    "box": ("gateway.cli.boxes", "See SafeBoxes and what became of them; close, extend, recall, delete them."),
    "user": ("gateway.cli.user", "See guests' accounts, and help where they cannot help themselves."),
    "keys": ("gateway.cli.keys", "Make, list and rotate the keys that wrap all others."),
    "dkim": ("gateway.cli.dkim", "Make keys that sign mail, and print their DNS records."),
    "audit": ("gateway.cli.audit", "Export the trail of events, and prove it."),
    "db": ("gateway.cli.db", "Upgrade the database."),
    "completion": ("gateway.cli.completion", "Print the shell's completion script, or write the man pages."),
}


class LazyGroup(click.Group):
    """Imports a command's module only when it is used, so that `--help` and completion answer at once."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order of GROUPS, which is the order of importance."""
        return list(GROUPS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The module's `command`."""
        if cmd_name not in GROUPS:
            return None
        module = importlib.import_module(GROUPS[cmd_name][0])
        command = module.command
        assert isinstance(command, click.Command)
        return command

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Bytes that are no UTF-8 may name a file; nothing else that we keep or compare has any."""
        for arg in args:
            if not is_text(arg) and not os.path.lexists(arg.partition("=")[2] or arg):
                ctx.fail(f"{printable(arg)!r} is no text in UTF-8")
        return super().parse_args(ctx, args)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """With a suggestion for a word that is nearly a command: click knows only commands that are loaded."""
        if args[0] not in GROUPS and (near := difflib.get_close_matches(args[0], GROUPS, 1)):
            ctx.fail(f"No such command '{args[0]}'. Did you mean '{near[0]}'?")
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Show an error of the system as a message, not a traceback. A closed pipe (`| head`) ends it silently."""
        leave_nothing()
        os.umask(os.umask(0o077) & 0o077)  # whatever it was: what we make is ours to use
        fill_streams()
        log_apart()
        show_everything()
        try:
            return super().invoke(ctx)
        except OSError as error:
            if error.errno == errno.EPIPE:
                raise
            fail(said(error), code=NO)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list in --help, without importing anything."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, about) for name, (_, about) in GROUPS.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="sealgate", prog_name="sealgate", message="%(prog)s %(version)s")
@config_option
@click.pass_context
def main(ctx: click.Context, config: Path | None) -> None:
    """Sealgate relays an organisation's outgoing mail: as it is, over proven TLS, or kept sealed in a SafeBox.

    The configuration is read from --config, else $SEALGATE_CONFIG, else /etc/sealgate/config.yaml.

    Exit codes: 0 done; 1 the answer is no, or it could not be done; 2 wrong use, configuration or policy.
    """
    ctx.obj = Invocation(config or Path(os.environ.get("SEALGATE_CONFIG") or CONFIG_DEFAULT))
