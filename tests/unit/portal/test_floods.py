"""A few bytes that cost much: bodies made to keep everybody else waiting."""

import asyncio

import pytest
from aiohttp import web

from portal.web.door import Crowd, Runner

FORM = {"Content-Type": "multipart/form-data; boundary=xx"}


@pytest.fixture
async def counting():
    """Where a server listens that tells how many bytes came."""

    async def tell(request: web.Request) -> web.Response:
        return web.Response(text=f"{len(await request.read())} bytes")

    async def tell_slowly(request: web.Request) -> web.Response:
        count = 0
        async for piece in request.content.iter_chunked(2**15):
            count += len(piece)
            await asyncio.sleep(0.001)
        return web.Response(text=f"{count} bytes")

    app = web.Application(client_max_size=10**7)
    app.router.add_post("/", tell)
    app.router.add_post("/slowly", tell_slowly)
    runner = Runner(app, Crowd(), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield runner.addresses[-1][:2]
    await runner.cleanup()


async def answer_to(
    address: tuple[str, int], body: bytes, coding: bytes = b"Transfer-Encoding: chunked", path: bytes = b"/"
) -> bytes:
    reader, writer = await asyncio.open_connection(*address)
    writer.write(b"POST " + path + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" + coding + b"\r\n\r\n" + body)
    try:
        return await asyncio.wait_for(reader.read(), 20)
    except ConnectionResetError:
        return b""
    finally:
        writer.close()


@pytest.mark.parametrize(
    "crumbs",
    [b"1\r\nx\r\n" * 100_000, b"2;" + b"y" * 50 + b"\r\nxx\r\n", b"1000\r\n" + b"x" * 4096 + b"\r\n"],
    ids=range(3),
)
async def test_chunks_that_are_hardly_anything_but_sizes_are_cut_off(counting, crumbs: bytes) -> None:
    """The third are chunks of a good size, with crumbs behind them."""
    after = b"1\r\nx\r\n" * 100_000 if crumbs.startswith(b"1000") else b""
    whole = crumbs * (100 if after else 1 if len(crumbs) > 1000 else 20_000)
    assert await answer_to(counting, whole + after + b"0\r\n\r\n") == b""


@pytest.mark.parametrize(
    ("chunk", "times"),
    [(b"1\r\nx\r\n", 300), (b"10\r\n" + b"x" * 16 + b"\r\n", 20_000), (b"8000\r\n" + b"x" * 32768 + b"\r\n", 50)],
)
async def test_chunks_as_programs_write_them_are_taken(counting, chunk: bytes, times: int) -> None:
    size = int(chunk.split(b"\r")[0], 16) * times
    assert (await answer_to(counting, chunk * times + b"0\r\n\r\n")).endswith(f"\r\n{size} bytes".encode())


@pytest.mark.parametrize("coding", ["length", "chunks"])
async def test_what_waited_for_a_slow_reader_is_read_to_its_end(counting, coding: str) -> None:
    """aiohttp holds back what nobody reads yet, and asks for it by bytes that are none."""
    body = bytes(4 * 2**20)
    if coding == "length":
        answer = await answer_to(counting, body, b"Content-Length: %d" % len(body), b"/slowly")
    else:
        answer = await answer_to(counting, b"100000\r\n" + body[: 2**20] + b"\r\n0\r\n\r\n", path=b"/slowly")
    assert answer.endswith(b" bytes") and int(answer.split()[-2]) == (len(body) if coding == "length" else 2**20)


async def test_a_body_with_a_length_is_taken_whatever_is_in_it(counting) -> None:
    body = b"1\r\nx\r\n" * 100_000
    answer = await answer_to(counting, body, b"Content-Length: %d" % len(body))
    assert answer.endswith(f"{len(body)} bytes".encode())


@pytest.mark.parametrize("kind", ["(" * 8000, '"' * 8000, "a/b;" + " c=d;" * 50])
async def test_a_type_that_takes_long_to_read_is_not_read(counting, kind: str) -> None:
    """Eight kilobytes of brackets or quotes took a second and a half, or were a mistake of ours."""
    answer = await answer_to(counting, b"a=b", f"Content-Length: 3\r\nContent-Type: {kind}".encode())
    assert b" 400 " in answer.splitlines()[0] and answer.endswith(b"\r\nThis is no request that we can read.\n")


@pytest.mark.parametrize("before", [b"\r\n", b"x\n" * 1000, b"--xy\r\n"])
async def test_nothing_stands_before_the_first_part_of_a_form(portal, box, guest, before: bytes) -> None:
    """Its lines would be read one by one, without a turn for anybody else."""
    await guest.open_by_code(portal.boxes, box)
    answer = _answer(guest.csrf)
    await guest.go("POST", f"{box.here}/answer", data=before + answer, headers=FORM)
    assert guest.status == 400 and portal.boxes.drafts == []
    await guest.go("POST", f"{box.here}/answer", data=answer, headers=FORM)
    assert guest.status == 303 and portal.boxes.drafts[0].sent is not None


async def test_what_stands_between_parts_is_a_short_line(portal, box, guest) -> None:
    await guest.open_by_code(portal.boxes, box)
    long = _answer(guest.csrf).replace(b"--xx\r\n", b"--xx" + b" " * 10_000 + b"\r\n")
    await guest.go("POST", f"{box.here}/answer", data=long, headers=FORM)
    assert guest.status == 400 and portal.boxes.drafts == []


def _answer(csrf: str) -> bytes:
    parts = {"csrf": csrf, "text": "x"}
    return (
        b"".join(
            f'--xx\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
            for name, value in parts.items()
        )
        + b"--xx--\r\n"
    )
