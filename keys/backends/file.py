"""Root keys in a JSON file that its owner alone may read.

    {"sealgate": "keyring", "format": 1, "primary": "r…",
     "roots": [{"id": "r…", "created": "2025-01-31T12:00:00+00:00", "secret": "base64 of 32 bytes"}]}

The file is replaced whole: written beside, fsynced, renamed, and the folder fsynced, so that a crash leaves the old
file or the new one. Writers lock the folder, so that of two rotations at once neither is lost. Who loses the file loses
everything that was sealed: the command that makes it says so.
"""

import base64
import binascii
import fcntl
import json
import os
import secrets
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Self

from keys.backends.backend import RootInfo
from keys.errors import BackendDown, KeyMissing, KeyringInvalid
from keys.sealing import KEY_BYTES, Dek, Kek, WrappedKey
from keys.tokens import new_id

_FORMAT: Final = 1
_MAX_BYTES: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class _Root:
    id: str
    created: datetime
    secret: bytes = field(repr=False)
    kek: Kek


@dataclass(frozen=True, slots=True)
class _Ring:
    """What the file holds. Replaced as one, so that readers in other threads see the old one or the new one."""

    primary: str
    roots: dict[str, _Root]


class FileBackend:
    """The keyring file. Another process may rotate it: a root not known yet is looked for in the file again."""

    def __init__(self, path: Path, ring: _Ring) -> None:
        self._path = path
        self._ring = ring
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"<FileBackend {self._path}>"

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read the file. Raises KeyringInvalid (with a hint) if it is missing, malformed, or open to others."""
        return cls(path, _read(path))

    @classmethod
    def create(cls, path: Path, created: datetime) -> Self:
        """Make the file with one root, and its folder (0700) where missing. Raises KeyringInvalid if it exists."""
        root = _new_root(created)
        ring = _Ring(root.id, {root.id: root})
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with _locked_folder(path.parent):
                if os.path.lexists(path):
                    raise KeyringInvalid(
                        f"{path} exists already, and is not overwritten: what it wraps would be lost",
                        "`sealgate keys rotate` adds a new root key to it",
                    )
                _write(path, ring)
        except OSError as error:
            raise _unwritable(path, error) from None
        return cls(path, ring)

    def roots(self) -> tuple[RootInfo, ...]:
        """All roots, oldest first."""
        ring = self._ring
        return tuple(RootInfo(root.id, root.created, root.id == ring.primary) for root in ring.roots.values())

    def wrap(self, dek: Dek, bound_to: bytes) -> WrappedKey:
        """Wrap by the root that is primary as far as this process knows."""
        ring = self._ring
        return ring.roots[ring.primary].kek.wrap(dek, bound_to)

    def unwrap(self, wrapped: WrappedKey, bound_to: bytes) -> Dek:
        """Unwrap by the root it names."""
        return self._find(wrapped.key_id).kek.unwrap(wrapped, bound_to)

    def rotate(self, created: datetime) -> RootInfo:
        """Add a root and make it primary. Roots that another process added meanwhile are kept."""
        path, root = self._path.resolve(), _new_root(created)
        try:
            with self._lock, _locked_folder(path.parent):
                before = _read(path)
                ring = _Ring(root.id, {**before.roots, root.id: root})
                _write(path, ring)
                self._ring = ring
        except OSError as error:
            raise _unwritable(self._path, error) from None
        return RootInfo(root.id, root.created, True)

    def _find(self, key_id: str) -> _Root:
        root = self._ring.roots.get(key_id)
        if root is not None:
            return root
        with self._lock:
            if key_id not in self._ring.roots:
                try:
                    self._ring = _read(self._path)
                except KeyringInvalid as error:
                    raise BackendDown(
                        f"the root key {key_id} is not known yet, and {self._path} cannot be read", error.hint
                    ) from error
        try:
            return self._ring.roots[key_id]
        except KeyError:
            raise KeyMissing(
                f"the root key {key_id} is not in {self._path}", "was the keyring replaced? Put the former file back"
            ) from None


def _new_root(created: datetime) -> _Root:
    ident, secret = f"r{new_id()}", secrets.token_bytes(KEY_BYTES)
    return _Root(ident, created, secret, Kek(ident, secret))


def _unwritable(path: Path, error: OSError) -> KeyringInvalid:
    return KeyringInvalid(
        f"{path}: cannot be written: {error.strerror or error}", "run the command as the user who owns the folder"
    )


def check_access(path: Path, status: os.stat_result, euid: int, credentials: Path | None) -> None:
    """Refuse a keyring that someone else could read or have written. Raises KeyringInvalid.

    systemd's LoadCredential gives files of root (or the unit's user) with mode 0400 or 0440, in a folder that only the
    unit sees, named by $CREDENTIALS_DIRECTORY: there, and only there, the group may read. Root may read anyone's.
    """
    mode = stat.S_IMODE(status.st_mode)
    if not stat.S_ISREG(status.st_mode):
        raise KeyringInvalid(f"{path}: is not a plain file")
    if euid != 0 and status.st_uid not in (0, euid):
        raise KeyringInvalid(
            f"{path}: belongs to user {status.st_uid}, not to the user that runs sealgate ({euid})",
            f"run: chown {euid} {path}",
        )
    is_credential = credentials is not None and credentials in path.parents
    if mode & (0o337 if is_credential else 0o077):
        raise KeyringInvalid(
            f"{path}: others than its owner may read or change it (mode {mode:04o})", f"run: chmod 600 {path}"
        )


def _read(path: Path) -> _Ring:
    credentials = os.environ.get("CREDENTIALS_DIRECTORY")
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            check_access(path, os.fstat(handle), os.geteuid(), Path(credentials) if credentials else None)
            with os.fdopen(handle, "rb", closefd=False) as file:
                text = file.read(_MAX_BYTES + 1)
        finally:
            os.close(handle)
    except FileNotFoundError:
        raise KeyringInvalid(f"{path}: there is no keyring", "`sealgate keys init` makes one") from None
    except PermissionError:
        raise KeyringInvalid(
            f"{path}: the user that runs sealgate ({os.geteuid()}) may not read it",
            f"run this as root; where that user is the service's own: chown {os.geteuid()} {path}",
        ) from None
    except OSError as error:
        raise KeyringInvalid(f"{path}: cannot be read: {error.strerror or error}") from None
    if len(text) > _MAX_BYTES:
        raise KeyringInvalid(f"{path}: larger than a keyring can be")
    return _parse(path, text)


def _parse(path: Path, text: bytes) -> _Ring:
    # The cause is dropped on purpose: json's and base64's errors hold the text, which is secret.
    try:
        value = json.loads(text)
        if value["sealgate"] != "keyring":
            raise ValueError
        if value["format"] != _FORMAT:
            raise KeyringInvalid(f"{path}: format {value['format']!r:.20} is not known to this version of sealgate")
        roots = [_parse_root(root) for root in value["roots"]]
        ring = _Ring(str(value["primary"]), {root.id: root for root in roots})
        if len(ring.roots) != len(roots) or ring.primary not in ring.roots:
            raise ValueError
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError):
        raise KeyringInvalid(
            f"{path}: is not a keyring of sealgate, or was damaged", "restore it from a copy"
        ) from None
    return ring


def _parse_root(value: Any) -> _Root:
    ident, created = str(value["id"]), datetime.fromisoformat(value["created"])
    try:
        secret = base64.b64decode(value["secret"], validate=True)
    except binascii.Error:
        raise ValueError from None
    if created.tzinfo is None or not ident or len(ident) > 64 or "\0" in ident:
        raise ValueError
    return _Root(ident, created, secret, Kek(ident, secret))


@contextmanager
def _locked_folder(folder: Path) -> Iterator[None]:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
        os.fsync(handle)
    finally:
        os.close(handle)


def _write(path: Path, ring: _Ring) -> None:
    """Replace the file; the caller holds the folder's lock, whose release makes the new name durable.

    What a writer left that was killed holds root keys, too: it goes.
    """
    for left in path.parent.iterdir():
        if left.name.startswith(f".{path.name}.") and len(left.name) == len(f".{path.name}.{new_id()}"):
            left.unlink(missing_ok=True)
    roots = [
        {"id": root.id, "created": root.created.isoformat(), "secret": base64.b64encode(root.secret).decode()}
        for root in ring.roots.values()
    ]
    value = {"sealgate": "keyring", "format": _FORMAT, "primary": ring.primary, "roots": roots}
    beside = path.with_name(f".{path.name}.{new_id()}")
    try:
        handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "wb") as file:
            if os.geteuid() == 0 and path.exists():  # root rotates the service's file: it stays the service's
                before = path.stat()
                os.fchown(file.fileno(), before.st_uid, before.st_gid)
            file.write(json.dumps(value, indent=1).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
