"""Compiled patterns, kept for all tests of a run and the large ones for the next run too."""

from pathlib import Path

import pytest

from gateway.matchcache import FileCache

_LARGE = 100_000  # bytes: the shipped packs take seconds to compile, a pattern or two of a test do not


class Kept:
    """A `rules.engine.Cache` for tests: in memory, and on disk where pytest keeps its own things (if it does)."""

    def __init__(self, config: pytest.Config) -> None:
        self._memory: dict[str, bytes] = {}
        cache = getattr(config, "cache", None)  # none with -p no:cacheprovider
        # The file is taken only for the very same patterns, engine and processor.
        self._files = FileCache(Path(cache.mkdir("matcher")), b"tests" * 8) if cache else None

    def get(self, key: str) -> bytes | None:
        if key not in self._memory and self._files and (found := self._files.get(key)):
            self._memory[key] = found
        return self._memory.get(key)

    def put(self, key: str, value: bytes) -> None:
        self._memory[key] = value
        if self._files and len(value) >= _LARGE:
            self._files.put(key, value)
