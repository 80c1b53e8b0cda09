"""The keyring: the root keys that wrap all others, from wherever the configuration says they are kept."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Self
from urllib.parse import unquote, urlsplit

from keys.backends.backend import Backend, RootInfo
from keys.backends.file import FileBackend
from keys.errors import KeyringInvalid
from keys.sealing import Dek, WrappedKey

SCHEMES: Final = ("file",)  # of URLs that `load` takes


class KeyRing:
    """Wraps and unwraps keys by the roots of one backend. Safe to use from several threads."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    def __repr__(self) -> str:
        return "<KeyRing>"

    @classmethod
    def load(cls, where: str | Path) -> Self:
        """The keyring at a path or `file:///path` URL. Raises KeyringInvalid, with a hint, if it cannot be used."""
        return cls(FileBackend.load(keyring_path(where)))

    @classmethod
    def create(cls, where: str | Path) -> Self:
        """A new keyring with one root; never over a file that exists. Raises KeyringInvalid."""
        return cls(FileBackend.create(keyring_path(where), datetime.now(UTC)))

    def rotate(self, created: datetime | None = None) -> str:
        """Make a new root the primary one; returns its id. What older roots wrapped still unwraps."""
        return self._backend.rotate(created or datetime.now(UTC)).id

    def wrap(self, secret: bytes, bound_to: bytes) -> WrappedKey:
        """32 secret bytes, wrapped by the primary root; `bound_to` must be given again to unwrap them."""
        return self._backend.wrap(Dek(secret), bound_to)

    def unwrap(self, wrapped: WrappedKey, bound_to: bytes) -> bytes:
        """The secret bytes. Raises KeyMissing, WrongKey, SealBroken, BackendDown."""
        return self._backend.unwrap(wrapped, bound_to).reveal()

    def ids(self) -> tuple[str, ...]:
        """Ids of all roots, oldest first."""
        return tuple(root.id for root in self.roots())

    @property
    def primary(self) -> str:
        """Id of the root that wraps from now on."""
        return next(root.id for root in self.roots() if root.primary)

    def roots(self) -> tuple[RootInfo, ...]:
        """What may be told of all roots, oldest first."""
        return self._backend.roots()


def keyring_path(where: str | Path) -> Path:
    """The file that a path or `file://` URL names. Raises KeyringInvalid for any other URL."""
    if isinstance(where, Path):
        return where
    if "://" not in where and not where.startswith("file:"):
        return Path(where)
    parts = urlsplit(where)
    if parts.scheme not in SCHEMES:
        raise KeyringInvalid(
            f"keys: {parts.scheme}: is none of the key backends of this version ({', '.join(SCHEMES)})",
            "write a path or file:///etc/sealgate/keyring.json",
        )
    if parts.netloc not in ("", "localhost") or parts.query or parts.fragment or parts.path[:1] != "/":
        raise KeyringInvalid(
            "keys: a file URL has an absolute path and nothing else",
            "write three slashes: file:///etc/sealgate/keyring.json",
        )
    return Path(unquote(parts.path))
