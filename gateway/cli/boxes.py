"""All of `sealgate box`."""

from gateway.cli import proof  # noqa: F401 - adds its commands to the group
from gateway.cli.box import command

__all__ = ["command"]
