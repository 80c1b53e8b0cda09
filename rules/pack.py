"""Packs: detectors read from parsed YAML, strictly, with every problem at once."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from rules.detector import Detector


class Where(Protocol):
    """Finds a place of the parsed data in its file."""

    def __call__(self, path: tuple[str | int, ...]) -> tuple[int, int] | None:
        """Line and column, from 1, of the value at `path` (keys and indices from the root); None if not known."""
        ...


def nowhere(path: tuple[str | int, ...]) -> tuple[int, int] | None:
    """Where no places are known."""
    return None


@dataclass(frozen=True, slots=True)
class PackSource:
    """A pack as parsed: `name` for messages (its file), `data` as plain dicts, lists, strings and numbers."""

    name: str
    data: object
    where: Where = nowhere


def load_builtin() -> tuple[Detector, ...]:
    """The detectors that come with the product."""
    return ()


def load_packs(sources: Iterable[PackSource], builtin: bool = True) -> tuple[Detector, ...]:
    """The built-in detectors (if wanted) and those of `sources`; raise PackInvalid with all problems of all sources."""
    return ()
