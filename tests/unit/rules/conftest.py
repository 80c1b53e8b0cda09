"""The built-in matcher, made once, and packs made from a few words."""

from collections.abc import Callable
from typing import Any

import pytest

from rules.detector import Detector
from rules.matching import Matcher
from rules.pack import PackSource, load_builtin, load_packs


@pytest.fixture(scope="session")
def builtin() -> tuple[Detector, ...]:
    return load_builtin()


@pytest.fixture(scope="session")
def matcher(builtin: tuple[Detector, ...]) -> Matcher:
    return Matcher(builtin)


@pytest.fixture(scope="session")
def make_detectors() -> Callable[..., tuple[Detector, ...]]:
    """Detectors from keyword arguments: `make_detectors(x={"patterns": [...]})`."""

    def make(**entries: dict[str, Any]) -> tuple[Detector, ...]:
        filled = {
            name: {"title": name, "groups": ["identity"], "samples": {"found": ["x"]}, **entry}
            for name, entry in entries.items()
        }
        return load_packs([PackSource("test.yaml", {"detectors": filled})], builtin=False)

    return make
