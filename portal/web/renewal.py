"""Takes renewed certificates into use while the server runs: the portal's, and those of the SMTP doors.

Whoever renews one writes two files, one after the other: for a moment they do not belong together. So files are read
once they have rested for a look. A pair that is broken is refused, the old one stays in use, and the next change is
looked at again.
"""

import asyncio
import ssl
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import structlog

log = structlog.get_logger()

EVERY: Final = 5.0  # seconds between looks at the files


class Renewal:
    """The files of one context. `use` is handed each context made of them, the first one at once.

    `event` begins the names of the log's events. Raises OSError and ssl.SSLError where the first cannot be made.
    """

    def __init__(
        self,
        make: Callable[[], ssl.SSLContext],
        files: Sequence[Path],
        use: Callable[[ssl.SSLContext], None],
        *,
        event: str,
    ) -> None:
        self._make, self._files, self._use, self._event = make, tuple(files), use, event
        self._seen = self._last = self._stamp()
        use(make())

    def read(self) -> None:
        """Read them again, changed or not (SIGHUP). What is broken is refused, and the context before it stays."""
        self._seen = self._stamp()
        try:
            context = self._make()
        except OSError as error:  # ssl.SSLError is one
            reason = getattr(error, "reason", None) or error.strerror or type(error).__name__
            log.error(f"{self._event}_refused", files=[str(file) for file in self._files], error=reason)
        else:
            self._use(context)
            log.info(f"{self._event}_loaded", file=str(self._files[0]))

    def look(self) -> None:
        """Read them again if one has changed since they were read last, and none since the last look."""
        last, self._last = self._last, self._stamp()
        if self._seen != self._last == last:
            self.read()

    async def watch(self, every: float = EVERY) -> None:
        """Look now and then; for ever."""
        while True:
            await asyncio.sleep(every)
            self.look()

    def _stamp(self) -> tuple[object, ...]:
        return tuple(_state(file) for file in self._files)


def _state(file: Path) -> tuple[int, int, int] | None:
    try:
        status = file.stat()
    except OSError:
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns
