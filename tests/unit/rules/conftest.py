"""The built-in matcher, made once, and packs made from a few words."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gateway.matchcache import FileCache
from rules.detector import Detector
from rules.matching import Matcher
from rules.pack import PackSource, load_builtin, load_packs


@pytest.fixture(scope="session")
def builtin() -> tuple[Detector, ...]:
    return load_builtin()


@pytest.fixture(scope="session")
def matcher(builtin: tuple[Detector, ...], request: pytest.FixtureRequest) -> Matcher:
    """Compiled once for all runs on this machine: the file is taken only for the very same patterns and engine."""
    cache = getattr(request.config, "cache", None)  # none with -p no:cacheprovider
    return Matcher(builtin, FileCache(Path(cache.mkdir("matcher")), b"tests" * 8) if cache else None)


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
