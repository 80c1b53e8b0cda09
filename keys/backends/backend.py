"""The seam between the keyring and what keeps its root keys."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from keys.sealing import Dek, WrappedKey


@dataclass(frozen=True, slots=True)
class RootInfo:
    """What may be told of a root key."""

    id: str
    created: datetime
    primary: bool  # wraps what is wrapped from now on


class Backend(Protocol):
    """Root keys that wrap keys, and never leave. Every method may raise BackendDown."""

    def roots(self) -> tuple[RootInfo, ...]:
        """All root keys, oldest first; one of them is primary."""

    def wrap(self, dek: Dek, bound_to: bytes) -> WrappedKey:
        """Wrap by the primary root."""

    def unwrap(self, wrapped: WrappedKey, bound_to: bytes) -> Dek:
        """Unwrap by the root it names. Raises KeyMissing, WrongKey, SealBroken."""

    def rotate(self, created: datetime) -> RootInfo:
        """Make a new root and let it be primary; the others go on unwrapping. Durable when it returns."""
