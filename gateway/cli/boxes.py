"""Puts `sealgate box` together from `box.py` and `boxproof.py`; this is the module that `main.py` loads for it."""

from gateway.cli import boxproof
from gateway.cli.box import command

__all__ = ["command"]

command.add_command(boxproof.phone)
command.add_command(boxproof.question)
