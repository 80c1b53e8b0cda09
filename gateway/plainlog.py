"""Writes the few log lines of the parent of the workers, as `telemetry` writes all others.

Needs nothing but the standard library: structlog, which the others are made with, takes as much memory as all else
that the parent has.
"""

import json
import sys
import time
from contextlib import suppress
from typing import Protocol, TextIO


class Log(Protocol):
    """A logger of structlog, or a PlainLog."""

    def info(self, event: str, **facts: object) -> object:
        """An event with its facts."""

    def error(self, event: str, **facts: object) -> object:
        """Something went wrong."""


class PlainLog:
    """Lines on stderr, or on `out`. A line that cannot be written is lost."""

    def __init__(self, form: str = "json", out: TextIO | None = None) -> None:
        """`form`: json, or text."""
        self._form, self._out = form, out

    def info(self, event: str, **facts: object) -> None:
        """As `Log`."""
        self._write("info", event, facts)

    def error(self, event: str, **facts: object) -> None:
        """As `Log`."""
        self._write("error", event, facts)

    def _write(self, level: str, event: str, facts: dict[str, object]) -> None:
        if isinstance(error := facts.pop("exc_info", None), BaseException):
            facts["error"] = type(error).__name__  # its text could hold anything
        now = time.time()
        at = f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(now))}.{int(now % 1 * 1_000_000):06}Z"
        if self._form == "json":
            line = json.dumps({**facts, "event": event, "level": level, "timestamp": at}, ensure_ascii=False)
        else:
            shown = " ".join(f"{name}={facts[name]}" for name in sorted(facts))
            line = f"{at} [{level:<9}] {event:<30} {shown}".rstrip()
        out = self._out or sys.stderr
        with suppress(OSError, ValueError):  # a full disk, or a reader that went away
            out.write(f"{line}\n")
            out.flush()
