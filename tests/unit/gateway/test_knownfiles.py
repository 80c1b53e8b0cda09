"""Documents that come again: read once, given again whole, and never where that would say more than reading does."""

import asyncio
import base64
import json
import pickle
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.children.pool import ChildPool, ChildrenDown
from gateway.extractors import Reader
from gateway.knownfiles import KnownFiles
from policy.extraction.collected import File, Picture
from policy.extraction.extract import Outcome
from rules.content import Content, FileFact, FileKind, Part

FILE = File("report.pdf", b"%PDF the report", "report.pdf")
FACT = FileFact("report.pdf", FileKind.PDF, 15, "report.pdf")
READ = Outcome(
    Content((Part("report.pdf", "SSN 536-22-1234", ((0, "page 1"),)),), (FACT,)),
    (Picture("logo.png", b"png", "report.pdf > logo.png"),),
)


def reading(outcome: Outcome, times: list[int]) -> Callable[[], Awaitable[Outcome]]:
    async def read() -> Outcome:
        times.append(1)
        await asyncio.sleep(0)
        return outcome

    return read


async def test_it_is_read_once_and_given_again_whole() -> None:
    known, times = KnownFiles(), list[int]()
    for _ in range(4):
        assert await known.read(FILE, reading(READ, times), pictures=True) == READ
    assert len(times) == 1


@pytest.mark.parametrize(
    "other",
    [
        replace(FILE, data=b"%PDF the repord"),
        replace(FILE, name="report.txt"),
        replace(FILE, place="papers.zip > report.pdf"),
        replace(FILE, depth=1),
        replace(FILE, media_type="text/plain"),
        replace(FILE, charset="utf-16"),
        replace(FILE, flowed=True),
        replace(FILE, delsp=True),
        replace(FILE, is_body=True),
    ],
)
async def test_whatever_tells_files_apart_has_them_read(other: File) -> None:
    known, times = KnownFiles(), list[int]()
    await known.read(FILE, reading(READ, times), pictures=False)
    await known.read(other, reading(READ, times), pictures=False)
    assert len(times) == 2


async def test_with_its_pictures_it_is_another() -> None:
    known, times = KnownFiles(), list[int]()
    await known.read(FILE, reading(READ, times), pictures=False)
    await known.read(FILE, reading(READ, times), pictures=True)
    assert len(times) == 2


@pytest.mark.parametrize(
    "outcome",
    [
        replace(READ, met_a_lock=True),
        Outcome(Content(READ.content.parts, (FACT, replace(FACT, unreadable=True, reason="took too long to read")))),
    ],
)
async def test_what_depends_on_passwords_or_time_ran_out_for_is_read_again(outcome: Outcome) -> None:
    known, times = KnownFiles(), list[int]()
    for _ in range(3):
        assert await known.read(FILE, reading(outcome, times), pictures=False) == outcome
    assert len(times) == 3


async def test_a_result_that_cannot_be_kept_is_given_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> bytes:
        raise MemoryError

    known, times = KnownFiles(), list[int]()
    monkeypatch.setattr("gateway.knownfiles.pickle.dumps", fails)
    for _ in range(2):
        assert await known.read(FILE, reading(READ, times), pictures=False) == READ


async def test_after_an_hour_it_is_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr("keys.remembered.time.monotonic", lambda: now)
    known, times = KnownFiles(), list[int]()
    for _ in range(4):
        await known.read(FILE, reading(READ, times), pictures=False)
        now += 1500
    assert len(times) == 2


async def test_large_sheets_are_read_again() -> None:
    known, times = KnownFiles(), list[int]()
    marks = tuple((place, f"A{place}") for place in range(30_000))
    outcome = Outcome(Content((Part("a.xlsx", "1 " * 30_000, marks),), (FACT,)))
    for _ in range(2):
        assert await known.read(FILE, reading(outcome, times), pictures=False) == outcome
    assert len(times) == 2


async def test_many_that_come_at_once_are_read_once() -> None:
    known, times = KnownFiles(), list[int]()
    async with asyncio.TaskGroup() as tasks:
        all_of_them = [tasks.create_task(known.read(FILE, reading(READ, times), pictures=False)) for _ in range(20)]
    assert {task.result() for task in all_of_them} == {READ}
    assert len(times) == 1
    assert not known._reading


async def test_a_reader_that_fails_or_is_stopped_holds_nobody_up() -> None:
    known, times = KnownFiles(), list[int]()

    async def down() -> Outcome:
        raise ChildrenDown("no readers")

    async def never() -> Outcome:
        await asyncio.Event().wait()
        raise AssertionError

    with pytest.raises(ChildrenDown):
        await known.read(FILE, down, pictures=False)
    stuck = asyncio.create_task(known.read(FILE, never, pictures=False))
    waiting = asyncio.create_task(known.read(FILE, reading(READ, times), pictures=False))
    await asyncio.sleep(0.05)
    stuck.cancel()
    assert await waiting == READ


async def test_what_was_read_is_not_kept_in_clear() -> None:
    known = KnownFiles()
    await known.read(FILE, reading(READ, []), pictures=False)
    held = pickle.dumps((known._kept._kept, known._kept._salt))
    assert b"536-22-1234" not in held
    assert b"report" not in held


async def test_a_document_in_mail_after_mail_goes_to_a_child_once() -> None:
    rtf = rb"{\rtf1 Her SSN is 536-22-1234.}"
    head = b"From: a@example.com\r\nSubject: %d\r\nContent-Type: application/rtf; name=a.rtf\r\n\r\n"
    async with ChildPool(1) as pool:
        reader, asked = Reader(pool), list[str]()
        whole = pool.read

        async def counted(file: File, *words: object, **more: object) -> Outcome:
            asked.append(file.name)
            return await whole(file, *words, **more)  # type: ignore[arg-type]

        pool.read = counted  # type: ignore[method-assign]
        messages = [await reader.read(head % number + rtf) for number in range(4)]
    assert asked == ["a.rtf"]
    for message in messages:
        assert any("536-22-1234" in part.text for part in message.content.parts)
        assert message.content.files == messages[0].content.files


DOCUMENTS = Path(__file__).parents[2] / "messages" / "documents"
LOCKED = {
    place.parent / name: (said["password"], said["number"])
    for place in sorted(DOCUMENTS.rglob("expected.json"))
    for name, said in json.loads(place.read_text()).items()
    if said.get("password")
}


def with_file(said: str, place: Path) -> bytes:
    packed = base64.encodebytes(place.read_bytes()).replace(b"\n", b"\r\n").decode()
    return (
        "From: a@example.com\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
        f"--b\r\n\r\n{said}\r\n--b\r\nContent-Type: application/octet-stream; name={place.name}\r\n"
        f"Content-Transfer-Encoding: base64\r\n\r\n{packed}--b--\r\n"
    ).encode()


@pytest.mark.parametrize("blank_first", [True, False])
async def test_what_a_password_opens_is_for_the_mail_that_has_it(blank_first: bool) -> None:
    """Whichever comes first: the mail that names the password, or the one that does not."""
    assert LOCKED
    async with ChildPool(1) as pool:
        reader = Reader(pool)
        for place, (password, number) in LOCKED.items():
            digits = number.replace("-", "")
            for named in (False, True, False) if blank_first else (True, False, True):
                said = f"The password is {password}" if named else "Please see attached."
                message = await reader.read(with_file(said, place))
                seen = any(digits in part.text.replace("-", "") for part in message.content.parts)
                assert seen == named, place.name
