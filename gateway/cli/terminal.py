"""Output for people: as wide as their terminal, in colour where they want it, and steered by nobody else's text."""

import io
import os
import shutil
import sys
import textwrap
from typing import Any, Final

import click

_WIDE: Final = 110  # a line longer than that is hard to read
_NARROW: Final = 40


def width() -> int:
    """How many columns the output may fill."""
    return max(_NARROW, min(_WIDE, shutil.get_terminal_size((_WIDE, 24)).columns))


def paint(text: str, **style: Any) -> str:
    """Text in a style of `click.style`, unless NO_COLOR says no; where the output is no terminal click takes it off."""
    return str(text) if os.environ.get("NO_COLOR") else click.style(str(text), **style)


def bold(text: str) -> str:
    """Text that stands out."""
    return paint(text, bold=True)


def dim(text: str) -> str:
    """Text of less importance, in a paler colour."""
    return paint(text, dim=True)


def fill_streams() -> None:
    """Open those of the three standard streams that whoever started us had closed: what is said there goes nowhere.

    Else the next file or socket would have their numbers, and a program that is started would take it for its output.
    """
    for number, (name, mode) in enumerate((("stdin", "r"), ("stdout", "w"), ("stderr", "w"))):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # the lowest number that is free
        if getattr(sys, name) is None:
            setattr(sys, name, open(number, mode, encoding="utf-8", closefd=False))  # noqa: SIM115 - as long as we run


def show_everything() -> None:
    """From now on signs that the output's encoding does not have, as in a file's name that is no UTF-8, are escaped."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def is_text(argument: str) -> bool:
    """Whether what was typed is UTF-8: Python hands over other bytes as halves of characters."""
    return not any("\ud800" <= char <= "\udfff" for char in argument)


def printable(text: str) -> str:
    """Text of a message, without what would steer a terminal or turn the direction of writing."""
    shown = (char if char.isprintable() else " " if char.isspace() else "\N{REPLACEMENT CHARACTER}" for char in text)
    return "".join(shown)


def printable_lines(text: str) -> str:
    """The same for a text of ours with such text in it: its line ends stay."""
    return "\n".join(map(printable, text.split("\n")))


def say(text: str, *, lead: str = "", indent: int = 0, **style: Any) -> None:
    """A paragraph: `lead` in front of its first line, `indent` spaces before the others, wrapped at words."""
    room = max(_NARROW // 2, width() - indent)
    lines = textwrap.wrap(printable(text), room, break_on_hyphens=False) or [""]
    for number, line in enumerate(lines):
        front = lead if number == 0 else " " * indent
        click.echo(front + (paint(line, **style) if style else line))


def many(number: int, what: str, several: str = "") -> str:
    """`1 rule`, `2 rules`; `several` is the plural where adding an `s` does not make it."""
    return f"{number:,} {what if number == 1 else several or what + 's'}"
