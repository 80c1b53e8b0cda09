"""Reads a whole message: MIME and text in this process, documents in child processes (`children/`)."""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from typing import Any, Final, TypeVar

import hyperscan

from gateway.children.pool import ChildPool, ChildrenDown
from gateway.knownfiles import KnownFiles
from gateway.recognition import PictureReader, log_to_stderr, pictures_for, tesseract_for, with_pictures
from gateway.tesseract import ReadingSettings
from policy.extraction.collected import File
from policy.extraction.extract import LIGHT, Outcome
from policy.extraction.kind import kind_of
from policy.extraction.message import Prepared, extract_file, prepare
from policy.message import Message
from policy.reader.limits import DEFAULT_LIMITS, Limits
from rules.content import Content

_INLINE: Final = 128 * 1024  # larger messages are read in a thread, so that no connection waits for them
_BRIEF: Final = 1024  # what is shorter takes some milliseconds at most, whatever it holds
_SLOW: Final = (rb"html", rb"</[a-z]", rb"begin:v")  # signs of HTML and of vCards, which take longest to read
_SMALL: Final = 12 * 1024  # what is shorter is quick in any charset
# More MIME delimiters, encoded words, header fields or messages within messages than this take long, too.
_MANY: Final = ((rb"\n--", 30), (rb"=\?", 60), (rb"\n[a-z0-9-]{1,40}:", 100), (rb"message/", 4))


class _Signs(threading.local):
    """Looks in one pass for what makes a message slow to read. (`in` and `count` take ten times as long.)"""

    def __init__(self) -> None:
        patterns = [*_SLOW, *(pattern for pattern, _ in _MANY)]
        each = hyperscan.HS_FLAG_CASELESS
        once = each | hyperscan.HS_FLAG_SINGLEMATCH
        self.scanner = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
        self.scanner.compile(
            expressions=patterns,
            ids=list(range(len(patterns))),
            elements=len(patterns),
            flags=[once] * len(_SLOW) + [each] * len(_MANY),
        )

    def are_in(self, raw: bytes) -> bool:
        """Is one of _SLOW in it, or more of one of _MANY than its number?"""
        left = [0] * len(_SLOW) + [most for _, most in _MANY]

        def seen(sign: int, *_: object) -> bool:
            left[sign] -= 1
            return left[sign] < 0

        try:
            self.scanner.scan(raw, match_event_handler=seen)
        except hyperscan.ScanTerminated:
            return True
        return False


_SIGNS: Final = _Signs()


def _is_quick(raw: bytes) -> bool:
    """Whether a message is read so fast that the event loop may do it itself."""
    if len(raw) <= _BRIEF or len(raw) > _INLINE:
        return len(raw) <= _BRIEF
    return (len(raw) <= _SMALL or raw.isascii()) and not _SIGNS.are_in(raw)


class Reader:
    """Reads messages. One for the whole process; safe to use from many tasks at once.

    `async with ChildPool() as pool: reader = Reader(pool)`.
    """

    def __init__(
        self, pool: ChildPool, limits: Limits = DEFAULT_LIMITS, *, pictures: PictureReader | None = None
    ) -> None:
        self._pool = pool
        self._limits = limits
        self._pictures = pictures
        self._known = KnownFiles()

    async def read(self, raw: bytes, passwords: Sequence[str] = ()) -> Message:
        """Headers, texts and files of a message as received. Raises ChildrenDown only when our own children fail us.

        `passwords` are tried on locked files, and then words of the message itself.
        """
        wanted = self._pictures is not None
        if _is_quick(raw):
            prepared = prepare(raw, self._limits, pictures=wanted)
        else:
            prepared = await asyncio.to_thread(prepare, raw, self._limits, pictures=wanted)
        outcomes = await self._read_waiting(prepared, passwords, pictures=wanted)
        contents = [outcome.content for outcome in outcomes]
        if len(raw) <= _INLINE:
            message = prepared.complete(contents)
        else:
            message = await asyncio.to_thread(prepared.complete, contents)
        pictures = [*prepared.pictures, *(picture for outcome in outcomes for picture in outcome.pictures)]
        if self._pictures is None or not pictures:
            return message
        return replace(message, content=with_pictures(message.content, await self._pictures.read(pictures)))

    async def _read_waiting(self, prepared: Prepared, passwords: Sequence[str], *, pictures: bool) -> Sequence[Outcome]:
        waiting = prepared.waiting()
        if not waiting:
            return ()
        tried = (*passwords, *prepared.words())
        try:
            async with asyncio.TaskGroup() as tasks:
                reads = [tasks.create_task(self._read_known(file, tried, pictures=pictures)) for file in waiting]
        except BaseExceptionGroup as group:
            if group.split(ChildrenDown)[1] is None:
                raise ChildrenDown("some files of a message could not be read") from group
            raise
        return [read.result() for read in reads]

    async def _read_known(self, file: File, passwords: Sequence[str], *, pictures: bool) -> Outcome:
        async def read() -> Outcome:
            return await self._pool.read(file, passwords, pictures=pictures)

        return await self._known.read(file, read, pictures=pictures)

    async def read_file(self, data: bytes, name: str, passwords: Sequence[str] = ()) -> Content:
        """One file by its true type."""
        file = File(name, data, name)
        if LIGHT.issuperset(kind_of(data).formats):
            return await asyncio.to_thread(extract_file, file, self._limits, tuple(passwords))
        return (await self._pool.read(file, passwords)).content


def read_message(
    raw: bytes,
    limits: Limits = DEFAULT_LIMITS,
    passwords: Sequence[str] = (),
    reading: ReadingSettings = ReadingSettings(),  # noqa: B008 (frozen)
) -> Message:
    """A message for a command: children are started for this call only."""
    log_to_stderr()

    async def read() -> Message:
        async with ChildPool(1, limits=limits, tesseract=tesseract_for(reading)) as pool:
            return await Reader(pool, limits, pictures=pictures_for(pool, reading)).read(raw, passwords)

    return _in_own_loop(read)


def read_file(data: bytes, name: str, limits: Limits = DEFAULT_LIMITS, passwords: Sequence[str] = ()) -> Content:
    """One file by its true type, for a command (`rules scan`)."""
    file = File(name, data, name)
    if LIGHT.issuperset(kind_of(data).formats):
        return extract_file(file, limits, tuple(passwords))

    async def read() -> Content:
        async with ChildPool(1, limits=limits) as pool:
            return (await pool.read(file, passwords)).content

    return _in_own_loop(read)


Read = TypeVar("Read")


def _in_own_loop(read: Callable[[], Coroutine[Any, Any, Read]]) -> Read:
    """Run to the end here. Raises RuntimeError inside an event loop, where `Reader` is to be used."""
    return asyncio.run(read())
