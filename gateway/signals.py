"""What signals ask for. SIGTERM and SIGINT: to stop. SIGHUP: to read the policy and the doors' certificates again.

The configuration is read at start alone. Whoever changed it and reloads is told so here: which settings wait for a
restart, or what would keep the gateway from starting.
"""

import asyncio
import signal
from collections.abc import Callable, Iterator, Mapping
from typing import TypeGuard

from structlog import get_logger

from delivery.sections import Section
from gateway.settings import Settings, SettingsInvalid, load_settings
from policy.problem import Path as Place
from policy.problem import dotted

log = get_logger(__name__)


def stop_on_signals() -> asyncio.Event:
    """An event that SIGTERM or SIGINT sets."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    return stop


def on_hangup(*acts: Callable[[], None]) -> None:
    """Do these on SIGHUP, from now on; in the running loop's thread."""

    def do_all() -> None:
        for act in acts:
            act()

    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, do_all)


class ConfigurationWatch:
    """Tells, when it is asked to, in what the file differs from the `settings` that the gateway runs by."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._asked = asyncio.Event()

    def tell_soon(self) -> None:
        """Read the file and tell; to be called in the loop's thread."""
        self._asked.set()

    async def run(self) -> None:
        """Whenever it was asked, for ever."""
        while True:
            await self._asked.wait()
            self._asked.clear()
            await asyncio.to_thread(self.tell)

    def tell(self) -> None:
        """Read the file and tell by the log: nothing of it is put in force. Blocks."""
        file = self._settings.file
        if file is None:
            return
        try:
            # the policy tells of itself, and its problems are its own
            found = load_settings(file, policy=False)
        except SettingsInvalid as invalid:
            for problem in invalid.problems:
                if not problem.warning:
                    where = {"file": problem.file, "line": problem.line, "column": problem.column}
                    log.error("config.refused", **where, problem=str(problem))
            log.error("config.refused", file=str(file), in_force="the configuration of the start")
        except Exception as error:  # noqa: BLE001 - the top of a load: no file may end a gateway that runs
            log.error("config.refused", file=str(file), error=type(error).__name__)
        else:
            keys = [dotted(place) for place in differences(self._settings, found)]
            if keys:
                log.warning("config.waits_for_restart", file=str(file), keys=keys)
            else:
                log.info("config.unchanged", file=str(file))


def differences(before: object, after: object, place: Place = ()) -> Iterator[Place]:
    """The settings that are not the same, by their names in the file. Values may be secrets: they are not told."""
    if isinstance(before, Section) and type(before) is type(after):
        for name, field in type(before).model_fields.items():
            yield from differences(getattr(before, name), getattr(after, name), (*place, field.alias or name))
    elif isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in {**before, **after}:
            if key in before and key in after:
                yield from differences(before[key], after[key], (*place, str(key)))
            else:
                yield (*place, str(key))
    elif _sections(before) and _sections(after) and len(before) == len(after):
        for index, (one, other) in enumerate(zip(before, after, strict=True)):
            yield from differences(one, other, (*place, index))
    elif before != after:
        yield place


def _sections(value: object) -> TypeGuard[tuple[Section, ...]]:
    return isinstance(value, tuple) and all(isinstance(one, Section) for one in value)
