"""The matcher: detectors over a content, in one pass a text."""

from collections.abc import Sequence
from typing import Protocol

from rules.content import Content
from rules.detector import Detector
from rules.finding import Finding


class Cache(Protocol):
    """Where compiled databases are kept. What `get` gives must be proven to be what `put` took: it is run as code."""

    def get(self, key: str) -> bytes | None:
        """The bytes kept under `key`, or None."""
        ...

    def put(self, key: str, value: bytes) -> None:
        """Keep `value`; a failure to keep is no error."""
        ...


class Matcher:
    """Finds. Safe to use from several threads at once. `told`: a sentence for each pattern that runs slower."""

    told: tuple[str, ...]

    def __init__(self, detectors: Sequence[Detector], cache: Cache | None = None) -> None: ...

    def scan(self, content: Content) -> tuple[Finding, ...]:
        """All findings of all parts, in the order of the detectors; empty findings are left out."""
        return ()

    def scan_text(self, text: str, place: str = "text") -> tuple[Finding, ...]:
        """The findings of one text."""
        return ()
