"""One type that is measured: how it is made, written and called, and what only looks like it."""

import random
from collections.abc import Callable
from dataclasses import dataclass

from detection.digits import Maker, other_last

Names = tuple[tuple[str, str], ...]  # language and name


def plain(rng: random.Random, value: str) -> str:
    return value


def en(*names: str) -> Names:
    return tuple(("en", name) for name in names)


@dataclass(frozen=True, slots=True)
class Kind:
    """One type. `bare`: how often it stands without its name; `others`: whether the same form means something else."""

    label: str
    detector: str
    names: Names
    make: Maker
    miss: Maker
    written: Callable[[random.Random, str], str] = plain
    bare: float = 0.0
    others: bool = True


def wrong(make: Maker) -> Maker:
    return lambda rng: other_last(rng, make(rng))
