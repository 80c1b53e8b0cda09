"""Takes renewed certificates into use while the server runs: the portal's, and those of the SMTP doors.

Whoever renews one writes two files, one after the other: for a moment they do not belong together. So files are read
once they have rested for a look. A pair that is broken is refused, the old one stays in use, and the next change is
looked at again: of the files, their owner or their mode. Files that cannot be opened are tried again at every look,
since what stands in the way (no descriptor left, a folder's mode) may pass without a change of theirs.
"""

import asyncio
import ssl
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

import structlog
from cryptography import x509

from delivery.doors.inforce import FilesInForce, State, state_of

log = structlog.get_logger()

EVERY: Final = 5.0  # seconds between looks at the files


class Renewal:
    """The files of one context, the certificate first. `make` is told where to read them; `use` is handed each context
    made of them, one at once.

    `door` says whose it is; `event` begins the names of the log's events. `in_force` has the files as other workers use
    them. Raises OSError and ssl.SSLError where the first context cannot be made.
    """

    def __init__(
        self,
        make: Callable[[Sequence[Path]], ssl.SSLContext],
        files: Sequence[Path],
        use: Callable[[ssl.SSLContext], None],
        *,
        door: str,
        event: str,
        in_force: FilesInForce | None = None,
    ) -> None:
        self._make, self._files, self._use, self._event = make, tuple(files), use, event
        self._in_force = in_force or FilesInForce()
        self.door = door
        self._unread = ""  # why the files could not be opened, until they can
        self._seen: tuple[State | None, ...] = tuple(map(self._in_force.state, self._files))
        self._last = self._stamp()
        with self._in_force.first(*self._files) as paths:
            use(make(paths))
            self.until = _end_of(paths[0])  # when the certificate in use expires; None: it does not say

    def read(self) -> None:
        """Read them again, changed or not (SIGHUP). What is broken is refused, and the context before it stays."""
        self._unread = ""
        self._read()

    def look(self) -> None:
        """Read them again if one has changed since they were read last, and none since the last look; or if they could
        not be opened.
        """
        last, self._last = self._last, self._stamp()
        if self._last == last and (self._seen != last or self._unread):
            self._read()

    def _read(self) -> None:
        self._seen, before = self._stamp(), self._unread
        try:
            with self._in_force.anew(*self._files) as paths:
                context = self._make(paths)
        except OSError as error:  # ssl.SSLError is one
            reason = getattr(error, "reason", None) or error.strerror or type(error).__name__
            self._unread = "" if isinstance(error, ssl.SSLError) else reason
            if reason != before:
                log.error(f"{self._event}_refused", door=self.door, error=reason)
        else:
            self._unread = ""
            self._use(context)
            self.until = _end_of(self._files[0])
            log.info(f"{self._event}_loaded", door=self.door, until=str(self.until))

    async def watch(self, tell: Callable[[str, datetime], None], every: float = EVERY) -> None:
        """Look now and then, for ever; `tell` hears whose certificate expires when, at first and when that changes."""
        told = None
        while True:
            if self.until is not None and self.until != told:
                told = self.until
                tell(self.door, told)
            await asyncio.sleep(every)
            self.look()

    def _stamp(self) -> tuple[State | None, ...]:
        return tuple(map(state_of, self._files))


def _end_of(certificate: Path) -> datetime | None:
    try:
        return x509.load_pem_x509_certificate(certificate.read_bytes()).not_valid_after_utc
    except (OSError, ValueError):
        return None
