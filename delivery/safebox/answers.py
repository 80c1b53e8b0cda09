"""A guest's answer, sealed part by part while it arrives."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, ParamSpec, Protocol, TypeVar

from delivery.safebox.boxkey import DOCUMENT, FACTS, BoxKey
from delivery.safebox.limits import AnswerLimits, AnswerRefused, TooMuch
from delivery.safebox.making import INLINE, document_facts
from delivery.safebox.names import clean_name, clean_type, kind_of
from delivery.safebox.reading import read_document
from delivery.safebox.uploads import UploadGone
from delivery.store.blobs import Blobs, BlobWriter
from delivery.store.box_contents import DocumentRow
from keys.sealing import SealingStream
from keys.tokens import derive_id, is_id, new_id, time_prefix

Given = ParamSpec("Given")
Done = TypeVar("Done")

HEAD: Final = 4096  # bytes that tell what a file is, where its first bytes do
_HOP: Final = 2**20  # bytes read in one visit to a thread


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer is kept. `stays_in_box`: some documents were too large for the mail to the owner, which names them.
    `again`: the same answer had been kept before, and nothing was done.
    """

    message_id: str
    stays_in_box: bool
    again: bool = False


@dataclass(frozen=True, slots=True)
class Draft:
    """An answer as `keep_answer` gets it. `only_for`: the id of the one guest who reads it; empty: all who may."""

    message_id: str
    text: str = field(repr=False)
    documents: tuple[DocumentRow, ...]
    only_for: str = ""
    uploads: tuple[str, ...] = ()  # ids of those it brings: no other answer may bring them again
    is_whole: bool = True  # False: an upload is not there (any more), so only an answer kept before will do
    is_late: bool = False  # the box took nothing when it was begun: the same


class UploadedFile(Protocol):
    """A file that was uploaded whole before the answer."""

    name: str
    type: str

    def read(self) -> Iterator[bytes]:
        """Its bytes, in pieces. Blocks."""
        ...


Find = Callable[[str], UploadedFile]
Keep = Callable[[Draft], Awaitable[Answered | None]]
Kept = Callable[[str], Awaitable[bool]]


@dataclass(slots=True)
class _Upload:
    """One document under way. Small ones stay in memory, larger ones go sealed into a blob file as they arrive."""

    id: str
    name: str
    type: str
    stream: SealingStream
    head: bytearray = field(default_factory=bytearray)
    held: bytearray = field(default_factory=bytearray)
    writer: BlobWriter | None = None
    size: int = 0
    sha256: "hashlib._Hash" = field(default_factory=hashlib.sha256)


async def finish_in_thread(work: Callable[Given, Done], *given: Given.args, **named: Given.kwargs) -> Done:
    """As `asyncio.to_thread`, but a cancellation waits until the thread has ended: it works on a file, which nobody may
    close or write meanwhile.
    """
    running = asyncio.ensure_future(asyncio.to_thread(work, *given, **named))
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        await asyncio.wait([running])
        raise


def _some(pieces: Iterator[bytes]) -> bytes:
    """The next pieces, joined: about a megabyte; empty at the end."""
    gathered = bytearray()
    while len(gathered) < _HOP and (piece := next(pieces, b"")):
        gathered += piece
    return bytes(gathered)


class AnswerDraft:
    """One answer under way. Use: (add_document, write*, finish_document)*, then send; or abort.

    Nothing is visible to anyone before `send`; what is aborted or forgotten is swept.
    """

    def __init__(
        self,
        key: BoxKey,
        place: tuple[str, str, str],
        blobs: Blobs,
        limits: AnswerLimits,
        *,
        keep: Keep,
        find: Find,
        kept: Kept,
        today: int | None = None,
        is_late: bool = False,
    ) -> None:
        """`place`: the ids of the namespace, the box and the author. `keep` stores the finished draft. `find` gives an
        upload of the author by its id; it blocks, and raises UploadGone. `kept`: does the author have a message in the
        box whose id begins with this text? `today`: bytes that the author may still send today; None: no limit.
        `is_late`: the box takes no answers now, so only one that was kept before is accepted again.
        """
        self.limits, self.is_late = limits, is_late
        self._kept = kept
        self._today = today
        self._key = key
        self._namespace, self._box_id, self._author_id = place
        self._blobs = blobs
        self._keep = keep
        self._find = find
        self._uploads: list[str] = []
        self._is_whole = True
        self._digests: list[bytes] = []  # of the documents that came with the form
        self._message_id = new_id()
        self._documents: list[DocumentRow] = []
        self._total = 0
        self._upload: _Upload | None = None
        self._over = False

    async def is_over(self, form_id: str) -> bool:
        """Whether what the form with this id sends is refused in any case: it is late, and nothing it sent was kept."""
        return self.is_late and not (is_id(form_id) and await self._kept(time_prefix(form_id)))

    async def add_document(self, name: str, content_type: str = "") -> None:
        """Begin a document; raises AnswerRefused past the count."""
        if self._over or self._upload is not None:
            raise ValueError("a document is begun after the one before is finished, and before the answer is sent")
        position = len(self._documents) + 1
        content_type = clean_type(content_type)
        name = clean_name(name, content_type, position)
        if position > self.limits.documents:
            raise AnswerRefused(TooMuch.DOCUMENTS, self.limits.documents, name)
        self.limits.check_name(name, content_type)
        document_id = new_id()
        self._upload = _Upload(document_id, name, content_type, self._key.stream(DOCUMENT, document_id))

    async def write(self, chunk: bytes) -> None:
        """More of the document; raises AnswerRefused as soon as a limit is passed."""
        upload = self._current()
        if upload.size + len(chunk) > self.limits.document_bytes:
            raise AnswerRefused(TooMuch.DOCUMENT_BYTES, self.limits.document_bytes, upload.name)
        if self._total + len(chunk) > self.limits.total_bytes:
            raise AnswerRefused(TooMuch.TOTAL_BYTES, self.limits.total_bytes, upload.name)
        if self._today is not None and self._total + len(chunk) > self._today:
            raise AnswerRefused(TooMuch.DAY, self.limits.daily_bytes, upload.name)
        if len(upload.head) < HEAD:  # however small the pieces are that it comes in
            upload.head += chunk[: HEAD - len(upload.head)]
            if len(upload.head) == HEAD:
                self.limits.check_head(bytes(upload.head), upload.name)
        upload.size += len(chunk)
        self._total += len(chunk)
        if upload.writer is None and upload.size <= INLINE:
            upload.held += chunk
        else:
            await finish_in_thread(self._to_disk, upload, chunk)

    async def finish_document(self) -> None:
        """The document is whole. Raises AnswerRefused where that shows a kind which the box does not take."""
        upload = self._current()
        if len(upload.head) < HEAD:
            self.limits.check_head(bytes(upload.head), upload.name)
        row = await finish_in_thread(self._finished, upload)
        self._documents.append(row)
        self._upload = None
        await finish_in_thread(self._check_whole, row, upload.name)

    async def add_upload(self, upload_id: str) -> None:
        """A document that came before the answer. Raises AnswerRefused as any document does.

        One that is not there may have gone with this very answer, sent before: `send` sees to it.
        """
        if upload_id in self._uploads:
            return  # named twice in one form
        self._uploads.append(upload_id)
        try:
            whole = await asyncio.to_thread(self._find, upload_id)
            await self.add_document(whole.name, whole.type)
            pieces = whole.read()
            while chunk := await asyncio.to_thread(_some, pieces):
                await self.write(chunk)
        except UploadGone:
            self._is_whole = False
            upload, self._upload = self._upload, None
            await asyncio.to_thread(self._throw_away, upload, [])
            return
        await self.finish_document()
        self._digests.pop()  # its id stands for it: sent again, its bytes are there no more

    async def send(self, text: str, only_for: str = "", form_id: str = "") -> Answered | None:
        """Keep the answer and mail it to the owner. None: the box was closed, recalled or declined meanwhile, or the
        guest `only_for` no longer takes part. Raises UploadGone and AnswerRefused.

        `only_for`, for messages of the owner's side: the id of the one guest who is to read it. `form_id` makes sending
        idempotent: the same answer sent twice from one form (the button was pressed twice, or our reply was lost) is
        kept once; a different answer from that form is kept as well.
        """
        if self._over or self._upload is not None:
            raise ValueError("an answer is sent once, when its documents are finished")
        if len(text) > self.limits.text:
            raise AnswerRefused(TooMuch.TEXT, self.limits.text)
        if is_id(form_id):
            said = (self._author_id, text, only_for, *self._uploads)
            self._message_id = derive_id(
                form_id, *(one.encode("utf-8", "replace") for one in said), b"", *self._digests
            )
        documents = tuple(replace(one, box_message_id=self._message_id) for one in self._documents)
        draft = Draft(self._message_id, text, documents, only_for, tuple(self._uploads), self._is_whole, self.is_late)
        answered = await self._keep(draft)
        if answered is None or answered.again:
            await self.abort()
        self._over = True
        return answered

    async def abort(self) -> None:
        """Throw away what was sealed so far. May be called twice, and after send (then it does nothing)."""
        if self._over:
            return
        self._over = True
        upload, self._upload = self._upload, None
        await asyncio.to_thread(self._throw_away, upload, [row.blob for row in self._documents if row.blob])

    def _current(self) -> _Upload:
        if self._over or self._upload is None:
            raise ValueError("no document is begun")
        return self._upload

    def _to_disk(self, upload: _Upload, chunk: bytes) -> None:
        if upload.writer is None:
            upload.writer = self._blobs.create()
            upload.sha256.update(upload.held)
            upload.writer.write(upload.stream.update(upload.held))
            upload.held.clear()
        upload.sha256.update(chunk)
        upload.writer.write(upload.stream.update(chunk))

    def _finished(self, upload: _Upload) -> DocumentRow:
        blob, inline = None, None
        if upload.writer is not None:
            upload.writer.write(upload.stream.finish())
            blob = upload.writer.commit()
        else:
            upload.sha256.update(upload.held)
            inline = upload.stream.update(upload.held) + upload.stream.finish()
        digest = upload.sha256.digest()
        self._digests.append(digest + upload.name.encode("utf-8", "replace"))
        kind = kind_of(upload.name, upload.type)
        facts = document_facts(upload.name, upload.type, kind, digest.hex())
        return DocumentRow(
            upload.id,
            self._box_id,
            self._message_id,
            self._namespace,
            len(self._documents),
            self._key.seal(FACTS, upload.id, facts),
            upload.size,
            inline,
            blob,
        )

    def _check_whole(self, row: DocumentRow, name: str) -> None:
        if not self.limits.kinds:
            return
        reader = read_document(row, self._key, self._blobs)
        assert reader is not None, "a document that was just written is there"
        try:
            self.limits.check_whole(lambda at, length: b"".join(reader.read(at, at + length)), reader.size, name)
        finally:
            reader.close()

    def _throw_away(self, upload: _Upload | None, blobs: Sequence[str]) -> None:
        if upload is not None and upload.writer is not None:
            upload.writer.abort()
        for name in blobs:
            self._blobs.delete(name)
