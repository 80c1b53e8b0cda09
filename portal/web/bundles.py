"""Sends all documents of a box as one zip, which is written while they are read, one after the other."""

import asyncio
from collections.abc import Iterator, Sequence

from aiohttp import hdrs, web

from delivery.safebox.contents import BoxDocument, BoxMessage, DocumentReader, OpenBox
from portal.web.downloads import clean_name, download_headers, in_threads, or_abort, write
from portal.web.framed import Fetch
from portal.web.zipping import Entry, unique_names, zipped

Listed = Sequence[tuple[BoxMessage, BoxDocument]]


def documents_in(box: OpenBox) -> Listed:
    """What the zip of a box holds: everything that was not taken back."""
    return [(message, one) for message in box.messages for one in message.documents if one.recalled_at is None]


async def send_zip(request: web.Request, subject: str, listed: Listed, fetch: Fetch) -> web.StreamResponse:
    """The zip; HEAD: its head. Raises ConnectionResetError where it breaks off: then the browser says so."""
    headers = download_headers(f"{clean_name(subject, 'documents')[:80].strip()}.zip")
    response = web.StreamResponse(headers=headers)
    response.content_type = "application/zip"
    await response.prepare(request)
    if request.method != hdrs.METH_HEAD:
        async with or_abort(request):
            with in_threads(zipped(_entries(listed, fetch))) as pieces:
                async for chunk in pieces:
                    await write(response, chunk)
        await response.write_eof()
    return response


async def _fetched(fetch: Fetch, document_id: str) -> DocumentReader | None:
    return await fetch(document_id)  # a coroutine of its own, as the loop wants it from another thread


def _entries(listed: Listed, fetch: Fetch) -> list[Entry]:
    loop = asyncio.get_running_loop()
    names = unique_names([one.name for _, one in listed])

    def pieces(document_id: str) -> Iterator[bytes]:
        """Runs in a thread, when the document's turn has come."""
        reader = asyncio.run_coroutine_threadsafe(_fetched(fetch, document_id), loop).result()
        if reader is None:
            raise ConnectionResetError("recalled or deleted while it was read")
        try:
            yield from reader.read(0, reader.size)
        finally:
            reader.close()

    return [
        Entry(name, one.size, message.written_at, lambda document_id=one.id: pieces(document_id))  # type: ignore[misc]  # mypy cannot infer a lambda with a default
        for name, (message, one) in zip(names, listed, strict=True)
    ]
