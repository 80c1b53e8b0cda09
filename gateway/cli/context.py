"""What every command shares: where the configuration is, how results and errors are printed."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NoReturn, TypeVar

import click

CONFIG_DEFAULT: Final = "/etc/sealgate/config.yaml"
NO: Final = 1  # exit code: it was asked rightly, and the answer is no, or it failed
WRONG: Final = 2  # exit code: wrong use, configuration or policy
MOST: Final = 2**63 - 1  # that a database counts to

Command = TypeVar("Command", bound=Callable[..., Any])


class CommandGroup(click.Group):
    """A group whose --help lists each command with the whole first sentence of its docstring."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list in --help; click's own would cut each sentence at the end of the line."""
        found = [(name, self.get_command(ctx, name)) for name in self.list_commands(ctx)]
        with formatter.section("Commands"):
            formatter.write_dl(
                [(name, first_sentence(one)) for name, one in found if one is not None and not one.hidden]
            )


def first_sentence(command: click.Command) -> str:
    """What a command does, in one sentence."""
    return command.get_short_help_str(limit=1000)


@dataclass(slots=True)
class Invocation:
    """One run of the command; `config` may be set again by --config after the command's name."""

    config: Path


def _set_config(ctx: click.Context, _param: click.Parameter, value: Path | None) -> Path | None:
    if value is not None and isinstance(ctx.obj, Invocation):
        ctx.obj.config = value
    return value


def config_option(command: Command) -> Command:
    """--config before the command's name (the value reaches `main`)."""
    return click.option(
        "--config",
        type=click.Path(path_type=Path),
        callback=_set_config,
        help="The configuration file.",
        metavar="FILE",
    )(command)


def config_after(command: Command) -> Command:
    """--config behind the command's name; read it from `Invocation`."""
    return click.option(
        "--config",
        type=click.Path(path_type=Path),
        callback=_set_config,
        expose_value=False,
        help="The configuration file.",
        metavar="FILE",
    )(command)


def json_option(command: Command) -> Command:
    """--json: one object a line."""
    return click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line.")(command)


def print_json(value: object) -> None:
    """One object, one line, to stdout. Control characters and those that change the text direction are escaped."""
    line = json.dumps(value, ensure_ascii=False, default=str)
    click.echo(line if line.isprintable() else "".join(c if c.isprintable() else json.dumps(c)[1:-1] for c in line))


def first_cause(failed: Exception) -> Exception:
    """The first error inside the ExceptionGroups that task groups wrap errors in."""
    while isinstance(failed, ExceptionGroup):
        failed = failed.exceptions[0]
    return failed


def hint_of(error: BaseException | None) -> str:
    """What to do about it: the `hint` of the error, or of the nearest cause that has one; else empty."""
    while error is not None:
        if hint := getattr(error, "hint", ""):
            return str(hint)
        error = error.__cause__
    return ""


def said(error: Exception) -> str:
    """An error in words for people: the file's name and what is wrong with it, without the errno."""
    if not isinstance(error, OSError) or not error.strerror:
        return str(error)
    return f"{error.filename}: {error.strerror}" if error.filename else error.strerror


def fail(message: str, hint: str = "", code: int = WRONG) -> NoReturn:
    """Print what is wrong and what to do on stderr, and end the program with exit code `code`."""
    click.echo(f"sealgate: {message}", err=True)
    if hint:
        click.echo(f"  hint: {hint}", err=True)
    raise SystemExit(code)
