"""All of `sealgate box`."""

from gateway.cli import boxproof
from gateway.cli.box import command

__all__ = ["command"]

command.add_command(boxproof.phone)
command.add_command(boxproof.question)
