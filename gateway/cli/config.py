"""`sealgate config`: check the configuration, print an example or its schema."""

from dataclasses import asdict

import click

from gateway.cli.context import WRONG, CommandGroup, Invocation, config_after, json_option, print_json
from policy.problem import Problem


@click.group(cls=CommandGroup)
def command() -> None:
    """Check the configuration, print an example or its schema."""


@command.command()
@config_after
@json_option
@click.pass_obj
def check(invocation: Invocation, as_json: bool) -> None:
    """Read everything that `serve` reads, the policy and its tests too, and tell every mistake at once."""
    from gateway.settings import SettingsInvalid, load_settings
    from gateway.usercache import kept_for_user

    warnings: list[Problem] = []
    try:
        settings = load_settings(invocation.config, cache=kept_for_user(), warn=warnings.append)
    except SettingsInvalid as invalid:
        print_problems(invalid.problems, as_json)
        raise SystemExit(WRONG) from None
    if as_json:
        print_json(
            {"file": str(invocation.config), "sound": True, "warnings": [asdict(warning) for warning in warnings]}
        )
        return
    for warning in warnings:
        click.echo(str(warning), err=True)
    click.echo(f"{invocation.config}: sound")
    for listener in settings.listeners:
        click.echo(f"  {listener.accepts} mail comes in at {listener.address}")
    if settings.proven:
        published = " or ".join(settings.proven)
        click.echo(f"  secure mail goes by proven TLS, not by SafeBox, to every domain that publishes {published}")
    click.echo(f"  guests read at {settings.portal.url}, served at {settings.portal.address}")


@command.command()
def example() -> None:
    """Print the commented config.example.yaml."""
    from gateway.example import example as written

    click.echo(written(), nl=False)


@command.command()
def schema() -> None:
    """Print the JSON Schema of the configuration, for editors."""
    from gateway.example import schema as written

    click.echo(written())


def print_problems(problems: tuple[Problem, ...], as_json: bool) -> None:
    """Each on a line: as JSON to stdout, else to stderr with their number."""
    if as_json:
        for problem in problems:
            print_json(asdict(problem))
        return
    for problem in problems:
        click.echo(str(problem), err=True)
    click.echo(f"{len(problems)} problem{'s' * (len(problems) != 1)}", err=True)
