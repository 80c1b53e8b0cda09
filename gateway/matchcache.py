"""The matcher's compiled patterns kept in a file, so that a start takes milliseconds; and the portal's templates.

Loading what was compiled is running code that lies on disk. So a file counts only if it is ours alone (own user, mode
0600, no link) and its MAC proves that we wrote it, under this name, for this library and this processor. Anything else
is as if there were no file: all is compiled again.
"""

import contextlib
import hashlib
import hmac
import os
import platform
import stat
import time
from pathlib import Path
from typing import Final

import structlog

_MAC_BYTES: Final = 32
_LARGEST: Final = 256 * 2**20
_KEPT: Final = 16  # files: the present patterns and a few before them, for an admin who goes back and forth
_SUFFIX: Final = ".matcher"
_ABANDONED: Final = 3600  # seconds after which nobody writes a draft any more
_log = structlog.get_logger()


class FileCache:
    """Keeps what `rules.matching.Matcher` compiles in `folder`. `key`: 32 secret bytes for the MAC, always the same."""

    def __init__(self, folder: Path, key: bytes) -> None:
        if len(key) < 16:
            raise ValueError("a key of 16 bytes or more is needed")
        self._folder = folder
        self._key = key

    def get(self, key: str) -> bytes | None:
        """What was put under `key` by us on a machine like this one; None where that is not proven."""
        path = self._path(key)
        try:
            reason, kept = _read(path)
        except FileNotFoundError:
            return None
        except OSError as error:
            _log.warning("matcher.cache_unreadable", file=path.name, error=error.strerror)
            return None
        if reason is None and not hmac.compare_digest(kept[:_MAC_BYTES], self._mac(path.name, kept[_MAC_BYTES:])):
            reason = "its MAC is not ours"
        if reason is not None:
            _log.warning("matcher.cache_refused", file=path.name, reason=reason)
            return None
        return kept[_MAC_BYTES:]

    def put(self, key: str, value: bytes) -> None:
        """Keep `value`; where that fails the next start compiles again."""
        path = self._path(key)
        draft = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with contextlib.suppress(FileNotFoundError):
                draft.unlink()
            descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(self._mac(path.name, value) + value)
            draft.replace(path)
            self._forget_old(path)
        except OSError as error:
            _log.warning("matcher.cache_not_written", file=path.name, error=error.strerror)
            with contextlib.suppress(OSError):
                draft.unlink()  # on a full disk half of it would take the last room

    def _path(self, key: str) -> Path:
        return self._folder / (hashlib.sha256(f"{key}\0{_processor()}".encode()).hexdigest() + _SUFFIX)

    def _mac(self, name: str, value: bytes) -> bytes:
        return hmac.digest(self._key, b"sealgate matcher 1\0" + name.encode() + b"\0" + value, "sha256")

    def _forget_old(self, latest: Path) -> None:
        files = sorted(self._folder.glob(f"*{_SUFFIX}"), key=lambda file: file.stat().st_mtime_ns, reverse=True)
        for file in [file for file in files if file != latest][_KEPT - 1 :]:
            file.unlink(missing_ok=True)
        for draft in self._folder.glob(f".*{_SUFFIX}.*"):  # of processes that were killed while they wrote
            if draft.stat().st_mtime < time.time() - _ABANDONED:
                draft.unlink(missing_ok=True)


def _read(path: Path) -> tuple[str | None, bytes]:
    """Why a file is not taken, or what is in it. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)  # a pipe would be waited for
    try:
        status = os.fstat(descriptor)
        reason = _mistrust(status)
        if reason is not None:
            return reason, b""
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            return None, file.read(status.st_size)  # for so much is memory taken, however little is there
    finally:
        os.close(descriptor)


def _mistrust(status: os.stat_result) -> str | None:
    """Why a file is not taken; None where it is ours alone."""
    if not stat.S_ISREG(status.st_mode):
        return "it is no file"
    if status.st_uid != os.geteuid():
        return "it belongs to somebody else"
    if status.st_mode & 0o077:
        return "others may read or write it"
    return None if _MAC_BYTES < status.st_size <= _LARGEST else "its size cannot be"


def _processor() -> str:
    """What a compiled database depends on: the machine's kind and what its processor can do."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text("utf-8", "replace").splitlines():
            name, _, value = line.partition(":")
            if name.strip() in ("flags", "Features"):
                return f"{platform.machine()} {' '.join(sorted(value.split()))}"
    return f"{platform.machine()} {platform.processor()}"
