"""Logins: a file of `name:argon2-hash` lines, checked in threads; Throttle blocks those who guess."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError, VerifyMismatchError
from structlog import get_logger

from delivery.doors.inforce import FilesInForce, state_of

log = get_logger(__name__)

_AT_ONCE: Final = 2  # an Argon2 check takes 64 MiB and a core: more at once would be an attack on ourselves
_FREE_FAILURES: Final = 10  # of one client's address or one login, until it has to wait
_FORGET_SECONDS: Final = 600.0  # one failure is forgotten after so long
_RESTS: Final = 1.0  # seconds from the last change of the file until it is taken for whole; a little ahead is as fresh
_REMEMBERED: Final = 10_000  # addresses and logins with failures; the oldest are forgotten first


class LoginsInvalid(Exception):
    """The file cannot be read, or has lines that are no `name:argon2-hash`; `flaws` names each with its line."""

    def __init__(self, *flaws: str) -> None:
        super().__init__("; ".join(flaws))
        self.flaws = flaws


class Throttle:
    """Counts failures per key; each is forgotten after a while. `clock` gives seconds that only grow."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._failures: OrderedDict[str, tuple[float, float]] = OrderedDict()  # count, and when it was true
        self._known: OrderedDict[str, None] = OrderedDict()

    def keys(self, client: str, login: str) -> tuple[str, ...]:
        """What a try of this client at this login counts for. A client that was let in by it before has tries of its
        own: nobody who guesses elsewhere, or beside it, stands in its way.
        """
        both = f"{client} {login}"
        return (both,) if both in self._known else (client, login)

    def let_in(self, client: str, login: str) -> None:
        """It was the right password."""
        both = f"{client} {login}"
        self._known[both] = None
        self._known.move_to_end(both)
        if len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)

    def is_blocked(self, *keys: str) -> bool:
        """Has any of these failed too often?"""
        return any(self._count(key) > _FREE_FAILURES - 1 for key in keys)  # less one: failures fade from the start

    def failed(self, *keys: str) -> None:
        """One more failure for each of these."""
        for key in keys:
            self._failures[key] = (self._count(key) + 1, self._clock())
            self._failures.move_to_end(key)
        while len(self._failures) > _REMEMBERED:
            self._failures.popitem(last=False)

    def forgive(self, *keys: str) -> None:
        """Take one failure back: it turned out to be a success."""
        for key in keys:
            self._failures[key] = (max(0.0, self._count(key) - 1), self._clock())

    def _count(self, key: str) -> float:
        count, since = self._failures.get(key, (0.0, 0.0))
        return max(0.0, count - (self._clock() - since) / _FORGET_SECONDS)


class Logins:
    """Who may sign in. The file is read again when it has changed and rested for a moment: what an editor has written
    so far may be a list without those who are yet to come. A broken one is refused and the old list stays.
    """

    def __init__(
        self, path: Path, files: FilesInForce | None = None, *, seconds: Callable[[], float] = time.time
    ) -> None:
        """Read the file; raise LoginsInvalid. `files` has it as other workers use it.

        `seconds`: the time since 1970, as files have it.
        """
        self._path = path
        self._files = files or FilesInForce()
        self._seconds = seconds
        self._state = self._files.state(path)
        with self._files.first(path) as (file,):
            self._hashes = read_logins(file, path)
        self._hasher = PasswordHasher()
        self._nobody = self._hasher.hash("nobody")  # checked for unknown names: they take as long as known ones
        self.turns = asyncio.Semaphore(_AT_ONCE)

    async def check(self, name: str, password: str) -> bool:
        """Is this the password of this login? To be asked within one of `turns`."""
        return await asyncio.to_thread(self._check, name, password)

    def _check(self, name: str, password: str) -> bool:
        self._refresh()
        known = self._hashes.get(name.lower())
        try:
            self._hasher.verify(known or self._nobody, password)
        except VerifyMismatchError:
            return False
        except (Argon2Error, InvalidHashError) as error:
            log.error("smtp.login_unverifiable", error=type(error).__name__)
            return False
        return known is not None

    def _refresh(self) -> None:
        try:
            state = state_of(self._path)
            if state is None:
                raise LoginsInvalid(f"{self._path}: cannot be read")
            if state != self._state and abs(self._seconds() - state.written / 1e9) >= _RESTS:
                with self._files.anew(self._path):
                    self._hashes, self._state = read_logins(self._path), state
                log.info("smtp.logins_loaded", count=len(self._hashes))
        except LoginsInvalid as error:
            log.error("smtp.logins_refused", error=str(error))


def read_logins(file: Path, path: Path | None = None) -> dict[str, str]:
    """Names, lower case, and their Argon2 hashes; raise LoginsInvalid. Empty lines and `#` lines are skipped.

    `path` is what the file is called in what is said of it.
    """
    path = path or file
    try:
        text = file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as cause:
        raise LoginsInvalid(f"{path}: cannot be read as UTF-8 text") from cause
    found: dict[str, str] = {}
    flaws: list[str] = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        name, colon, secret = line.strip().partition(":")
        if not colon or not name or not secret.startswith("$argon2"):
            flaws.append(f"{path}:{number}: expected name:argon2-hash")
        elif name.lower() in found:
            flaws.append(f"{path}:{number}: this login stands in the file twice")
        else:
            found[name.lower()] = secret
    if flaws:
        raise LoginsInvalid(*flaws)
    return found
