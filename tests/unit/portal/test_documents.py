"""Downloads: whole, in pieces, as a zip, by names of all kinds."""

import asyncio
import io
import threading
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delivery.errors import StoreUnavailable
from keys.errors import SealBroken
from portal.web.downloads import clean_name, disposition, in_threads, safe_type
from portal.web.ranges import NoSuchPiece, piece_of
from portal.web.zipping import Entry, unique_names, zipped

CONTENT = bytes(range(256)) * 2000


async def closed(portal, times: int) -> None:
    """Every reader that was opened is closed, at the latest just after the last byte."""
    for _ in range(500):
        if portal.boxes.acts.count(("closed", "")) == times:
            return
        await asyncio.sleep(0.01)
    raise AssertionError("a reader stays open")


@pytest.fixture
async def shown(portal, box, guest):
    """A document of 512,000 bytes and the guest who may read it: (path, id)."""
    document = box.add_document("Befund Ä 2026.pdf", CONTENT)
    await guest.open_by_code(portal.boxes, box)
    return f"{box.here}/documents/{document.id}", document.id


async def test_a_document_is_downloaded_whole(portal, guest, shown) -> None:
    path, ident = shown
    assert await guest.get(path) == 200
    assert guest.body == CONTENT
    headers = guest.response.headers
    assert headers["Content-Disposition"] == (
        "attachment; filename=\"Befund A 2026.pdf\"; filename*=UTF-8''Befund%20%C3%84%202026.pdf"
    )
    assert headers["Content-Type"] == "application/pdf" and headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Content-Length"] == "512000" and headers["Accept-Ranges"] == "bytes"
    assert "sandbox" in headers["Content-Security-Policy"] and "no-store" in headers["Cache-Control"]
    assert portal.boxes.acts.count(("downloaded", ident)) == 1
    await closed(portal, 1)


async def test_head_says_what_get_would_and_reads_nothing(portal, guest, shown) -> None:
    path, ident = shown
    response = await guest.go("HEAD", path, headers={"Range": "bytes=0-1"})
    assert response.status == 200 and response.headers["Content-Length"] == "512000" and guest.body == b""
    assert portal.boxes.bytes_read == 0 and ("downloaded", ident) not in portal.boxes.acts


@pytest.mark.parametrize(
    ("asked", "status", "piece"),
    [
        ("bytes=0-0", 206, slice(0, 1)),
        ("bytes=100-199", 206, slice(100, 200)),
        ("bytes=511999-", 206, slice(511999, None)),
        ("bytes=-5", 206, slice(-5, None)),
        ("bytes=-999999999", 206, slice(None)),
        ("bytes=0-99999999999", 206, slice(None)),
        ("Bytes = 65535 - 65537", 206, slice(65535, 65538)),
        ("bytes=512000-", 416, None),
        ("bytes=-0", 416, None),
        ("bytes=9-1", 200, slice(None)),
        ("bytes=0-1,5-6", 200, slice(None)),
        ("bytes=a-b", 200, slice(None)),
        ("bytes=-", 200, slice(None)),
        ("items=0-1", 200, slice(None)),
        ("bytes=0-" + "9" * 40, 206, slice(None)),
        ("bytes=" + "9" * 40 + "-", 416, None),
        ("bytes=" + "9" * 400 + "-", 200, slice(None)),
        ("bytes=１-２", 200, slice(None)),
    ],
)
async def test_a_range_is_answered_with_its_piece_or_refused(
    guest, shown, asked: str, status: int, piece: slice | None
) -> None:
    path, _ = shown
    await guest.go("GET", path, headers={"Range": asked})
    assert guest.status == status
    if piece is None:
        assert guest.response.headers["Content-Range"] == "bytes */512000"
        return
    assert guest.body == CONTENT[piece]
    if status == 206:
        start, stop, _ = piece.indices(len(CONTENT))
        assert guest.response.headers["Content-Range"] == f"bytes {start}-{stop - 1}/512000"
        assert guest.response.headers["Content-Length"] == str(len(guest.body))


async def test_conditions(guest, shown) -> None:
    path, _ = shown
    await guest.go("HEAD", path)
    etag = guest.response.headers["ETag"]
    for headers, status in (
        ({"If-None-Match": etag}, 304),
        ({"If-None-Match": f'"x", W/{etag}'}, 304),
        ({"If-None-Match": '"x"'}, 200),
        ({"If-Match": '"x"'}, 412),
        ({"If-Match": etag}, 200),
        ({"Range": "bytes=5-9", "If-Range": etag}, 206),
        ({"Range": "bytes=5-9", "If-Range": '"x"'}, 200),
        ({"Range": "bytes=5-9", "If-Range": f"W/{etag}"}, 200),
        ({"Range": "bytes=5-9", "If-Range": "Sat, 21 Nov 2026 10:00:00 GMT"}, 200),
    ):
        await guest.go("GET", path, headers=headers)
        assert guest.status == status, headers


async def test_a_download_in_pieces_is_recorded_once(portal, guest, shown) -> None:
    path, ident = shown
    for start in range(0, 512_000, 128_000):
        await guest.go("GET", path, headers={"Range": f"bytes={start}-{start + 127_999}"})
    assert portal.boxes.acts.count(("downloaded", ident)) == 1
    thief = portal.browser()
    thief.cookies = dict(guest.cookies)
    portal.client.app[next(key for key in portal.client.app if "continuations" in str(key))]._begun.clear()
    await thief.go("GET", path, headers={"Range": "bytes=1-"})
    assert portal.boxes.acts.count(("downloaded", ident)) == 2, "leaving out the first byte hides nothing"


@pytest.mark.parametrize("failure", [SealBroken("torn"), StoreUnavailable("gone")])
async def test_what_breaks_on_the_way_is_cut_off_not_completed(portal, guest, shown, failure: Exception) -> None:
    path, _ = shown
    original = portal.boxes._reader

    def breaking(name: str, kind: str, content: bytes):
        reader = original(name, kind, content)

        def read(start: int, stop: int):
            yield content[:65536]
            raise failure

        return type(reader)(reader.name, reader.type, reader.size, read, reader.close)

    portal.boxes._reader = breaking
    from aiohttp import ClientError

    with pytest.raises((ClientError, ConnectionError)):
        await guest.get(path)


async def test_all_documents_as_a_zip(portal, box, guest, shown) -> None:
    box.add_document("befund ä 2026.PDF", b"second")
    box.add_document("../..\\evil\r\n.txt", b"third", "text/plain")
    box.add_document("", b"fourth")
    assert await guest.get(f"{box.here}/documents.zip") == 200
    assert guest.response.headers["Content-Type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(guest.body)) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ["Befund Ä 2026.pdf", "befund ä 2026 (2).PDF", "evil.txt", "document"]
        assert archive.read("Befund Ä 2026.pdf") == CONTENT and archive.read("evil.txt") == b"third"
    [listed] = [what for act, what in portal.boxes.acts if act == "downloaded"]
    assert len(listed.split(",")) == 4
    await closed(portal, 4)


async def test_the_whole_mail_is_saved(portal, box, guest) -> None:
    box.contents["original"] = b"From: a\r\n\r\nbody"
    await guest.open_by_code(portal.boxes, box)
    assert await guest.get(f"{box.here}/message.eml") == 200
    assert guest.body == b"From: a\r\n\r\nbody"
    assert guest.response.headers["Content-Type"] == "message/rfc822"
    assert "Discharge%20report" in guest.response.headers["Content-Disposition"]
    assert ("downloaded", "original") in portal.boxes.acts


@pytest.mark.parametrize(
    ("declared", "sent"),
    [
        ("application/pdf", "application/pdf"),
        ("text/html", "application/octet-stream"),
        ("TEXT/HTML; charset=utf-8", "application/octet-stream"),
        ("image/svg+xml", "application/octet-stream"),
        ("application/xhtml+xml", "application/octet-stream"),
        ("text/javascript", "application/octet-stream"),
        ("application/vnd.openxmlformats-officedocument.wordprocessingml.document",
         "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
        ("text/plain\r\nX-Evil: 1", "application/octet-stream"),
        ("", "application/octet-stream"),
        ("multipart/mixed", "application/octet-stream"),
    ],
)  # fmt: skip
async def test_types_that_a_browser_would_run_are_not_sent(portal, box, guest, declared: str, sent: str) -> None:
    document = box.add_document("x.bin", b"x", declared)
    await guest.open_by_code(portal.boxes, box)
    assert await guest.get(f"{box.here}/documents/{document.id}") == 200
    assert guest.response.headers["Content-Type"] == sent
    assert "X-Evil" not in guest.response.headers


@pytest.mark.parametrize(
    ("given_", "clean"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\me\\a.txt", "a.txt"),
        ("a\r\nSet-Cookie: x=y.pdf", "aSet-Cookie_ x=y.pdf"),
        ("in\u202efdp.exe", "infdp.exe"),
        ("...", "document"),
        ("", "document"),
        ("CON.txt", "_CON.txt"),
        ("nul", "_nul"),
        ('a<b>:c|d?e*f"g.pdf', "a_b__c_d_e_f_g.pdf"),
        ("  .hidden  ", "hidden"),
        ("Ä" * 300 + ".docx", "Ä" * 87 + ".docx"),
    ],
)
def test_names_are_cleaned(given_: str, clean: str) -> None:
    assert clean_name(given_) == clean


@given(st.text(max_size=400))
def test_no_name_breaks_a_header_or_a_folder(name: str) -> None:
    clean, header = clean_name(name), disposition(name)
    assert clean and len(clean.encode()) <= 200 and not set(clean) & set('/\\\r\n\0:*?"<>|')
    assert clean not in {".", ".."} and not clean.endswith((" ", "."))
    assert header.isascii() and header.isprintable()
    assert unquote(header.rpartition("''")[2]) == clean
    assert header.count('"') == 2


@given(st.text(max_size=60), st.integers(0, 2**40))
def test_no_range_leads_outside(header: str, size: int) -> None:
    for asked in (header, f"bytes={header}"):
        try:
            piece = piece_of(asked, size)
        except NoSuchPiece:
            continue
        assert piece is None or 0 <= piece.start < piece.stop <= size


@given(st.integers(0, 2**40), st.integers(0, 2**41), st.integers(0, 2**41))
def test_well_formed_ranges(size: int, first: int, last: int) -> None:
    try:
        piece = piece_of(f"bytes={first}-{last}", size)
    except NoSuchPiece:
        assert first >= size
        return
    if first > last:
        assert piece is None
    else:
        assert piece is not None and (piece.start, piece.stop) == (first, min(last + 1, size))


@given(st.lists(st.text(max_size=12), max_size=30))
def test_names_of_a_zip_differ(names: list[str]) -> None:
    unique = unique_names(names)
    assert len({name.casefold() for name in unique}) == len(names)


def test_many_documents_of_one_name_are_told_apart_in_one_go() -> None:
    unique = unique_names(["scan.pdf", "Scan (2).pdf", *["SCAN.pdf"] * 20_000])  # counted anew for each: minutes
    assert len({name.casefold() for name in unique}) == 20_002
    assert unique[2] == "SCAN (3).pdf" and unique[-1] == "SCAN (20002).pdf"


def test_safe_type_of_what_is_not_ascii() -> None:
    assert safe_type("application/pdſ") == "application/octet-stream"


@pytest.mark.slow
def test_a_zip_says_64_where_sizes_need_it_and_keeps_pieces_small() -> None:
    piece, number = bytes(1 << 20), 2060
    entry = Entry("big.bin", number << 20, datetime(1970, 1, 1, tzinfo=UTC), lambda: (piece for _ in range(number)))
    longest, total, tail = 0, 0, b""
    for part in zipped([entry]):
        longest, total, tail = max(longest, len(part)), total + len(part), part or tail
    assert total > number << 20 and longest < 2 << 20
    assert b"PK\x01\x02" in tail and b"big.bin" in tail


async def test_pages_wait_for_no_download() -> None:
    go_on = threading.Event()

    def slowly() -> Iterator[bytes]:
        yield b"a"
        go_on.wait(30)
        yield b"b"

    async def whole() -> bytes:
        with in_threads(slowly()) as pieces:
            return b"".join([chunk async for chunk in pieces])

    downloads = [asyncio.create_task(whole()) for _ in range(40)]  # more than the loop's own threads
    await asyncio.sleep(0)
    try:
        async with asyncio.timeout(20):
            assert await asyncio.to_thread(lambda: "a page") == "a page"
    finally:
        go_on.set()
    assert await asyncio.gather(*downloads) == [b"ab"] * 40


async def test_who_takes_pieces_quickly_gets_large_ones_and_only_so_many_at_once():
    def reader() -> in_threads:
        return in_threads(iter([bytes(2**16)] * 64))

    with ExitStack() as stack:
        readers = [stack.enter_context(reader()) for _ in range(20)]
        assert {len(await anext(one)) for one in readers} == {2**16}
        assert sorted([one._next_size(0.1) for one in readers]) == [2**18] * 4 + [2**20] * 16
        assert readers[0]._next_size(0.6) == 2**18, "slow, and its place is free again"
        assert readers[-1]._next_size(0.1) == 2**20
        assert readers[0]._next_size(0.1) == 2**18
    assert readers[0]._next_size(0.1) == 2**20, "who is gone holds none"
    readers[0].__exit__()
