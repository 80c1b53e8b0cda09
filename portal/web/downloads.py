"""Sends documents: decrypted piece by piece in threads, never more than a few pieces in memory.

Downloads have a few threads of their own: hundreds of them take turns there, and pages wait for none of them.
"""

import asyncio
import re
import unicodedata
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import ClassVar, Final, Protocol
from urllib.parse import quote

import structlog
from aiohttp import hdrs, web

from delivery.errors import DeliveryError
from delivery.threads import Threads
from keys.errors import KeysError
from portal.web.headers import DOCUMENT_POLICY
from portal.web.ranges import NoSuchPiece, Piece, listed, piece_of, still_same

log = structlog.get_logger()

_HOP: Final = 256 * 1024  # bytes decrypted in one visit to a thread, and held for each reader who is slow
_FIRST: Final = 64 * 1024  # … in the first one: whoever clicked sees that it begins
_LARGE: Final = 1024 * 1024  # … for who takes them quickly: each visit costs a turn of threads
_MOST_LARGE: Final = 16  # of those held at once
_QUICK: Final = 0.5  # seconds in which a piece is taken
# Decrypting holds the interpreter: more threads than these bring no more, and only stand in the way of the event loop.
_THREADS: Final = Threads(4, thread_name_prefix="download")
_STALLED: Final = 120.0  # seconds that a reader may take nothing before we let go
_TYPE: Final = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,62}/[a-z0-9][a-z0-9!#$&^_.+-]{0,62}")
_UNSEEN: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_LONGEST_NAME: Final = 180  # bytes of UTF-8: file systems take 255, and browsers add to it


class Readable(Protocol):
    """A document opened for reading: `read` blocks, so it is driven from a thread."""

    @property
    def size(self) -> int:
        """Bytes of plaintext."""
        ...

    def read(self, start: int, stop: int) -> Iterator[bytes]:
        """The plaintext of that range, in chunks."""
        ...


def clean_name(name: str, fallback: str = "document") -> str:
    """A file name that no system trips over: no folders, control or direction marks, no reserved names."""
    flat = unicodedata.normalize("NFC", name).replace("\\", "/").rpartition("/")[2]
    # Cc, Cf: line ends, and marks that turn the reading direction round, so that `exe.pdf` could be `fdp.exe`
    shown = "".join(char for char in flat if unicodedata.category(char) not in _UNSEEN)
    shown = re.sub(r'[<>:"|?*/]', "_", shown).strip(" .")
    stem, dot, ending = shown.rpartition(".")
    if re.fullmatch(r"(?i)(con|prn|aux|nul|com\d|lpt\d)", stem or shown):
        shown = f"_{shown}"
        stem = f"_{stem}" if stem else stem
    if len(shown.encode()) > _LONGEST_NAME:
        ending = f"{dot}{ending}" if stem and len(ending) <= 10 else ""
        kept = (stem if ending else shown).encode()[: _LONGEST_NAME - len(ending.encode())]
        shown = kept.decode("utf-8", "ignore").rstrip(" .") + ending
    return shown or fallback


def disposition(name: str) -> str:
    """Content-Disposition (RFC 6266): a plain name for old programs, the real one as RFC 8187 writes it."""
    clean = clean_name(name)
    plain = unicodedata.normalize("NFKD", clean).encode("ascii", "ignore").decode()
    plain = re.sub(r"[^A-Za-z0-9 ._()\[\]+,=@~-]", "_", plain).strip(" .") or "document"
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(clean, safe='')}"


def safe_type(declared: str) -> str:
    """The declared type, where it is well formed and nothing that a browser would run or show as a page."""
    bare = declared.partition(";")[0].strip().lower()
    if not _TYPE.fullmatch(bare) or bare.startswith(("text/html", "multipart/", "message/external")):
        return "application/octet-stream"
    if any(word in bare for word in ("html", "xml", "script", "svg")) and "openxmlformats" not in bare:
        return "application/octet-stream"
    return bare


def download_headers(name: str) -> dict[str, str]:
    """What every download says: save it under this name, and do not run it."""
    return {
        hdrs.CONTENT_DISPOSITION: disposition(name),
        "Content-Security-Policy": DOCUMENT_POLICY,
        "X-Download-Options": "noopen",
    }


def asked_piece(request: web.Request, size: int, etag: str) -> Piece | None:
    """The piece that a GET asks for; None: the whole. Raises NoSuchPiece. HEAD has no pieces (RFC 9110, 14.2)."""
    if request.method != hdrs.METH_GET or not still_same(request.headers.get(hdrs.IF_RANGE), etag):
        return None
    return piece_of(request.headers.get(hdrs.RANGE), size)


@dataclass(slots=True)
class Progress:
    """How much of a document has been sent: the bytes from `start` up to `stop`."""

    start: int = 0
    stop: int = 0


async def send_document(
    request: web.Request,
    document: Readable,
    *,
    etag: str,
    content_type: str,
    headers: dict[str, str],
    progress: Progress | None = None,
) -> web.StreamResponse:
    """The document, or the piece of it that is asked for; HEAD: what GET would say. `progress` is kept up to date."""
    whole = {hdrs.ETAG: etag, hdrs.ACCEPT_RANGES: "bytes", hdrs.CACHE_CONTROL: "private, no-store", **headers}
    if listed(request.headers.get(hdrs.IF_NONE_MATCH), etag):
        return web.Response(status=304, headers=whole)
    if hdrs.IF_MATCH in request.headers and not listed(request.headers[hdrs.IF_MATCH], etag):
        return web.Response(status=412, headers=whole)
    try:
        piece = asked_piece(request, document.size, etag)
    except NoSuchPiece:
        return web.Response(status=416, headers={**whole, hdrs.CONTENT_RANGE: f"bytes */{document.size}"})
    response = web.StreamResponse(status=200 if piece is None else 206, headers=whole)
    response.content_type = content_type
    start, stop = (piece.start, piece.stop) if piece else (0, document.size)
    if piece is not None:
        response.headers[hdrs.CONTENT_RANGE] = f"bytes {start}-{stop - 1}/{document.size}"
    response.content_length = stop - start
    progress = progress or Progress()
    progress.start = progress.stop = start
    await response.prepare(request)
    if request.method != hdrs.METH_HEAD:
        async with or_abort(request):
            with in_threads(document.read(start, stop)) as pieces:
                async for chunk in pieces:
                    await write(response, chunk)
                    progress.stop += len(chunk)
        await response.write_eof()
    return response


@asynccontextmanager
async def or_abort(request: web.Request) -> AsyncIterator[None]:
    """While a response goes out: what breaks now cannot become a page any more, so the connection is cut, and the
    browser says that the download is not whole.
    """
    try:
        yield
    except (DeliveryError, KeysError) as broken:
        log.error("portal.download_broke_off", route=request.match_info.route.name, error=type(broken).__name__)
        if request.transport is not None:
            request.transport.abort()
        raise ConnectionResetError("broke off") from broken


class in_threads:
    """Drive a blocking iterator from the threads of downloads, some pieces a visit: `with in_threads(…) as pieces`."""

    _large: ClassVar[set["in_threads"]] = set()  # those with a large piece

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._wanted = _FIRST
        self._given_at = 0.0

    def __enter__(self) -> "in_threads":
        return self

    def __exit__(self, *_: object) -> None:
        self._large.discard(self)

    def __aiter__(self) -> "in_threads":
        return self

    async def __anext__(self) -> bytes:
        loop = asyncio.get_running_loop()
        if self._given_at:
            self._wanted = self._next_size(loop.time() - self._given_at)
        chunk = await loop.run_in_executor(_THREADS, self._some)
        self._given_at = loop.time()
        if not chunk:
            raise StopAsyncIteration
        return chunk

    def _next_size(self, taken_in: float) -> int:
        """How large the next piece is, after the last one was taken in so many seconds."""
        self._large.discard(self)
        if taken_in > _QUICK or len(self._large) >= _MOST_LARGE:
            return _HOP
        self._large.add(self)
        return _LARGE

    def _some(self) -> bytes:
        gathered: list[bytes] = []
        length = 0
        for piece in self._pieces:
            gathered.append(piece)
            length += len(piece)
            if length >= self._wanted:
                break
        return gathered[0] if len(gathered) == 1 else b"".join(gathered)


async def write(response: web.StreamResponse, chunk: bytes) -> None:
    """Write, and wait until the reader takes it; ConnectionError for one that takes nothing for too long."""
    try:
        async with asyncio.timeout(_STALLED):
            await response.write(chunk)
    except TimeoutError as stalled:
        raise ConnectionResetError("the reader takes nothing") from stalled
