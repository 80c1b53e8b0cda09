"""What is drawn in pictures, read by tesseract within limits, without a file."""

import asyncio
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Final, Protocol

import structlog

from gateway.children.words import Tesseract
from gateway.tesseract import ReadingSettings, find_tesseract
from keys.remembered import Remembered
from policy.extraction.collected import Picture, clean_text, inner_place
from policy.extraction.pictures import is_recognisable, picture_size
from rules.content import Content, FileFact, FileKind, Part

log = structlog.get_logger()

_WAIT_SECONDS: Final = 30.0  # for other messages' pictures to be read
_SMALLEST: Final = 16  # pixels of a side; what is smaller shows no text
_MOST_PIXELS: Final = 100_000_000
_REMEMBERED: Final = 1 << 20  # bytes of texts of pictures that come again, such as logos
_LATE: Final = "a picture that was not read in time"
_STRANGE: Final = "a picture of a type whose text is not read"


class Recognises(Protocol):
    """gateway.children.pool.ChildPool."""

    async def recognise(self, picture: bytes, seconds: float) -> str | None:
        """The text in a picture; None when it could not be read in that time."""


@dataclass(slots=True)
class PictureReader:
    """Reads the pictures of messages, a few at a time, and remembers what it has read.

    `seconds` for all pictures of one message.
    """

    recogniser: Recognises
    seconds: float
    at_once: int = 1
    _turn: asyncio.Semaphore = field(init=False)
    _known: Remembered = field(default_factory=partial(Remembered, _REMEMBERED), repr=False)

    def __post_init__(self) -> None:
        self._turn = asyncio.Semaphore(self.at_once)

    async def read(self, pictures: Sequence[Picture]) -> Content:
        """The texts, and a fact for every picture that could not be read."""
        parts: list[Part] = []
        facts: list[FileFact] = []
        left = self.seconds
        for picture in pictures:
            size = picture_size(picture.data)
            if size is not None and min(size) < _SMALLEST:
                continue
            started = time.monotonic()
            text, reason = await self._text(picture, size, left)
            left -= time.monotonic() - started
            if text:
                parts.append(Part(inner_place(picture.place, "text in the picture"), text))
            if reason:
                told = FileFact(picture.name, FileKind.IMAGE, len(picture.data), picture.place, picture.depth)
                facts.append(replace(told, unreadable=True, reason=reason))
        return Content(tuple(parts), tuple(facts))

    async def _text(self, picture: Picture, size: tuple[int, int] | None, left: float) -> tuple[str, str]:
        """What it says, and why that is not known."""
        if not is_recognisable(picture.data):
            return "", _STRANGE
        name = self._known.name([picture.data])
        known = self._known.get(name)
        if known is not None:
            return known.decode(), ""
        if left <= 0 or (size is not None and size[0] * size[1] > _MOST_PIXELS):
            return "", _LATE
        try:
            async with asyncio.timeout(_WAIT_SECONDS):
                await self._turn.acquire()
        except TimeoutError:
            return "", _LATE
        try:
            text = await self.recogniser.recognise(picture.data, left)
        finally:
            self._turn.release()
        if text is None:
            log.info("picture.not_read", size=len(picture.data))
            return "", _LATE
        text = clean_text(text)
        self._known.put(name, text.encode())
        return text, ""


class _Stderr:
    """A logger that prints to what is stderr at that moment."""

    def msg(self, message: str) -> None:
        """One line."""
        sys.stderr.write(f"{message}\n")

    debug = info = warning = error = critical = msg


def log_to_stderr() -> None:
    """For commands, before anything else has set up logging: what they print to stdout is read by programs."""
    if not structlog.is_configured():
        structlog.configure(logger_factory=lambda *_: _Stderr())


def tesseract_for(reading: ReadingSettings) -> Tesseract | None:
    """The program, where the admin wants pictures to be read and it is there."""
    program = find_tesseract() if reading.pictures else None
    return Tesseract(program, reading.languages, os.environ.get("TESSDATA_PREFIX", "")) if program else None


def pictures_for(pool: Recognises, reading: ReadingSettings) -> PictureReader | None:
    """What reads the pictures of messages, where the admin wants that; on half of the cores."""
    at_once = max(1, (os.cpu_count() or 1) // 2)
    return PictureReader(pool, reading.seconds, at_once) if reading.pictures else None


def with_pictures(content: Content, read: Content) -> Content:
    """A message's content and what its pictures say; a picture that was not read is told in its own fact."""
    told = {(fact.place, fact.depth): fact for fact in read.files}
    files = [told.pop((fact.place, fact.depth), fact) for fact in content.files]
    return Content(content.parts + read.parts, (*files, *told.values()))
