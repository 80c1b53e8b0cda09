"""Compiled patterns kept for a user, so that the second command answers at once, and the first start after it.

The service keeps its own in `data`, under a key of the keyring, which the user of a command may not be able to read.
A user's lie in their own cache folder, with a key beside them; both are readable by that user alone, so nothing is
trusted but their own account. The service looks there too, if its user has such a folder, so that what `config check`
compiled need not be compiled again.
"""

import os
import secrets
import stat
from contextlib import suppress
from pathlib import Path
from typing import Final

from gateway.matchcache import FileCache

_KEY: Final = "key"
_BYTES: Final = 32


class WithUsers:
    """The service's own cache first, then its user's; what is found there, or new, is kept in both."""

    def __init__(self, own: FileCache) -> None:
        self._own = own
        self._users = kept_for_user()

    def get(self, key: str) -> bytes | None:
        """As `rules.engine.Cache`."""
        found = self._own.get(key)
        if found is None and self._users is not None:
            found = self._users.get(key)
            if found is not None:
                self._own.put(key, found)
        return found

    def put(self, key: str, value: bytes) -> None:
        """As `rules.engine.Cache`."""
        for cache in (self._own, self._users):
            if cache is not None:
                cache.put(key, value)


def kept_for_user() -> FileCache | None:
    """The cache of this user; None where there is no folder that is theirs alone."""
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.environ.get("HOME") or "", ".cache")  # noqa: PTH118 - may be empty
    if not os.path.isabs(base):  # noqa: PTH117 - as above
        return None
    folder = Path(base) / "sealgate"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        about = folder.lstat()
        if not stat.S_ISDIR(about.st_mode) or about.st_uid != os.geteuid() or about.st_mode & 0o077:
            return None
        return FileCache(folder, _key(folder / _KEY))
    except (OSError, ValueError):
        return None


def _key(path: Path) -> bytes:
    """The key in the file, made where there is none. OSError where it is not ours alone."""
    with suppress(FileExistsError):
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(_BYTES))
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        about = os.fstat(descriptor)
        if about.st_uid != os.geteuid() or about.st_mode & 0o077:
            raise PermissionError
        return file.read(_BYTES)
