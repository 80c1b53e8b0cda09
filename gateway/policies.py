"""The policy in force: loaded with its rule packs, tested, watched for changes, and never replaced by a bad one."""

import asyncio
from collections.abc import Awaitable, Callable

from gateway.settings import Settings
from policy.engine import Policy
from rules.matching import Matcher


class PolicyKeeper:
    """Keeps `current` and `matcher`, which change together. Use `keeper.in_force` to get both at one moment."""

    def __init__(self, settings: Settings, *, told: Callable[[str, dict[str, str]], Awaitable[None]] | None = None) -> None:
        """`told(event, facts)` is awaited with policy.loaded and policy.refused, to be put into the audit trail."""
        self._settings = settings
        self._told = told

    @property
    def current(self) -> Policy:
        """The policy that decides now."""

    @property
    def matcher(self) -> Matcher:
        """The matcher of the packs that belong to `current`."""

    def load(self) -> None:
        """The first load, at start; raises SettingsInvalid."""

    def reload_soon(self) -> None:
        """Read everything again (SIGHUP); safe to call from a signal handler of the loop."""

    async def run(self, stop: asyncio.Event) -> None:
        """Watch the files each second until told to stop."""
