"""`sealgate completion`: the shell's completion script, or the man pages."""

from pathlib import Path

import click
from click.shell_completion import get_completion_class

from gateway.cli.context import CommandGroup, fail, first_sentence, said


@click.group(cls=CommandGroup)
def command() -> None:
    """Print the shell's completion script, or write the man pages.

    \b
    bash:  sealgate completion shell bash > /etc/bash_completion.d/sealgate
    zsh:   sealgate completion shell zsh > "${fpath[1]}/_sealgate"
    fish:  sealgate completion shell fish > ~/.config/fish/completions/sealgate.fish
    """


@command.command()
@click.argument("name", type=click.Choice(["bash", "zsh", "fish"]))
def shell(name: str) -> None:
    """Print the completion script of a shell."""
    from gateway.cli.main import main

    completion = get_completion_class(name)
    if completion is None:
        fail(f"no completion for {name}", "bash, zsh and fish have one")
    click.echo(completion(main, {}, "sealgate", "_SEALGATE_COMPLETE").source())


@command.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
def man(folder: Path) -> None:
    """Write a man page for every command into FOLDER."""
    from gateway.cli.main import main

    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, page in _pages(main, "sealgate"):
            path = folder / f"{name.replace(' ', '-')}.1"
            path.write_text(page, encoding="utf-8")
            click.echo(path)
    except OSError as error:
        fail(said(error), "name a folder that can be written")


def _pages(group: click.Command, name: str) -> list[tuple[str, str]]:
    with click.Context(group, info_name=name) as ctx:
        pages = [(name, _page(ctx, group, name))]
        if isinstance(group, click.Group):
            for child in group.list_commands(ctx):
                found = group.get_command(ctx, child)
                if found is not None and not found.hidden:
                    pages += _pages(found, f"{name} {child}")
    return pages


def _page(ctx: click.Context, command: click.Command, name: str) -> str:
    """troff: the same words as --help."""
    help_text = command.get_help(ctx).replace("\\", "\\e")
    lines = [("\\&" + line if line.startswith((".", "'")) else line) for line in help_text.splitlines()]
    short = first_sentence(command).replace("\\", "\\e")
    title = name.replace(" ", "-").upper()
    return "\n".join(
        [
            f'.TH "{title}" 1',
            ".SH NAME",
            f"{name.replace(' ', '-')} \\- {short}",
            ".SH DESCRIPTION",
            ".nf",
            *lines,
            ".fi",
            "",
        ]
    )
