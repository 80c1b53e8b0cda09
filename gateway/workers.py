"""A warm pool of child processes that read documents."""

from dataclasses import dataclass
from types import TracebackType
from typing import Self

from rules.content import Content


class WorkersDown(Exception):
    """Our own children cannot be started or are all busy for too long: the mail is to be tried again (451)."""


@dataclass(frozen=True, slots=True)
class Job:
    """One file to read."""

    name: str
    data: bytes
    place: str
    media_type: str = ""
    charset: str = ""
    depth: int = 0


class WorkerPool:
    """`size` children kept warm (None: one a core, at least 2). An async context manager; leaves no process behind."""

    def __init__(self, size: int | None = None) -> None:
        self.size = size or 2

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        """Kill what is left."""

    async def read(self, job: Job) -> Content:
        """Read one file in a child. A child that crashes, hangs or eats memory costs one `unreadable` file."""
        raise WorkersDown
