"""Children that read documents: what they may do, and what becomes of those that misbehave."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import zipfile
from collections.abc import AsyncIterator
from functools import cache
from io import BytesIO
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from gateway.children import keeper
from gateway.children.keeper import NurseryKeeper, PoolLimits
from gateway.children.pool import ChildPool, ChildrenDown
from gateway.children.words import Tesseract
from policy.extraction.collected import File
from policy.reader.limits import Limits
from rules.content import FileKind

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform != "linux", reason="the sandbox is Linux")]

_W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"


def docx(text: str = "SSN 536-22-1234") -> bytes:
    out = BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr(
            "word/document.xml", f'<w:document xmlns:w="{_W}"><w:p><w:r><w:t>{text}</w:t></w:r></w:p></w:document>'
        )
    return out.getvalue()


def a_file(text: str = "SSN 536-22-1234") -> File:
    return File("notes.docx", docx(text), "notes.docx")


@cache
def bomb() -> File:
    """Cheap to send, seconds to read."""
    out = BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        paragraphs = "".join(f"<w:p><w:r><w:t>{n * n}</w:t></w:r></w:p>" for n in range(300_000))
        archive.writestr("word/document.xml", f'<w:document xmlns:w="{_W}">{paragraphs}</w:document>')
    return File("big.docx", out.getvalue(), "big.docx")


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


async def until(claim, tries: int = 1200) -> bool:  # type: ignore[no-untyped-def]  # any callable
    for _ in range(tries):
        if claim():
            return True
        await asyncio.sleep(0.05)
    return False


@pytest.fixture
async def pool() -> AsyncIterator[ChildPool]:
    async with ChildPool(2) as made:
        yield made


async def test_a_document_is_read(pool: ChildPool) -> None:
    content = (await pool.read(a_file())).content
    assert [part.text for part in content.parts] == ["SSN 536-22-1234"]
    assert content.files[0].kind is FileKind.DOCUMENT


async def test_many_at_once_are_each_read(pool: ChildPool) -> None:
    contents = await asyncio.gather(*(pool.read(a_file(f"number {n}")) for n in range(60)))
    assert [outcome.content.parts[0].text for outcome in contents] == [f"number {n}" for n in range(60)]


async def test_a_killed_child_costs_one_file_and_is_replaced(pool: ChildPool) -> None:
    await pool.read(a_file())
    task = asyncio.create_task(pool.read(bomb()))
    await asyncio.sleep(0.1)
    killed = pool.pids
    for pid in killed:
        os.kill(pid, signal.SIGKILL)
    (fact,) = (await task).content.files
    assert fact.unreadable
    assert await until(lambda: not any(is_alive(pid) for pid in killed))  # the kernel takes its time where it is busy
    assert (await pool.read(a_file())).content.parts


async def test_a_child_that_takes_too_long_is_killed() -> None:
    async with ChildPool(1, pool=PoolLimits(seconds=0.2)) as pool:
        assert await until(lambda: bool(pool.pids))
        first = pool.pids
        content = (await pool.read(bomb())).content
        assert [(fact.unreadable, fact.reason) for fact in content.files] == [(True, "it took too long to read")]
        assert (await pool.read(a_file())).content.parts[0].text == "SSN 536-22-1234"
        assert await until(lambda: not any(is_alive(pid) for pid in first))


async def test_a_child_that_wants_too_much_memory_costs_one_file() -> None:
    async with ChildPool(1, pool=PoolLimits(memory_bytes=48 * 1024 * 1024)) as pool:
        content = (await pool.read(bomb())).content
        assert any(fact.unreadable for fact in content.files)
        assert (await pool.read(a_file())).content.parts


async def test_children_are_replaced_after_their_share() -> None:
    async with ChildPool(1, pool=PoolLimits(files=3)) as pool:
        seen: set[int] = set()
        for _ in range(12):
            await pool.read(a_file())
            seen.update(pool.pids)
        assert len(seen) >= 4


async def test_too_many_in_line_are_turned_away() -> None:
    async with ChildPool(1, pool=PoolLimits(waiting=1)) as pool:
        results = await asyncio.gather(*(pool.read(a_file()) for _ in range(10)), return_exceptions=True)
    assert any(isinstance(result, ChildrenDown) for result in results)
    assert not any(isinstance(result, Exception) and not isinstance(result, ChildrenDown) for result in results)


async def test_waiting_has_an_end() -> None:
    async with ChildPool(1, pool=PoolLimits(wait_seconds=0.3)) as pool:
        await until(lambda: bool(pool.pids))
        with pytest.raises(ExceptionGroup) as ended:
            async with asyncio.TaskGroup() as readers:  # the first that waited for nothing ends the others
                for _ in range(4):
                    readers.create_task(pool.read(bomb()))
    assert ended.group_contains(ChildrenDown)


async def test_limits_reach_the_children() -> None:
    async with ChildPool(1, limits=Limits(unpacked_bytes=10)) as pool:
        content = (await pool.read(a_file())).content
        assert any(fact.unreadable for fact in content.files)


async def test_closing_leaves_no_process_behind() -> None:
    async with ChildPool(2) as pool:
        await pool.read(a_file())
        await until(lambda: len(pool.pids) == 2)
        pids = pool.pids
        assert all(is_alive(pid) for pid in pids)
    assert await until(lambda: not any(is_alive(pid) for pid in pids))


async def test_a_lost_nursery_is_started_again(pool: ChildPool) -> None:
    await pool.read(a_file())
    await until(lambda: len(pool.pids) == 2)
    parents = {int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1]) for pid in pool.pids}
    for pid in parents:
        os.kill(pid, signal.SIGKILL)
    assert (await pool.read(a_file())).content.parts


async def test_a_nursery_that_pools_share_outlives_each_of_them_and_is_started_again() -> None:
    nursery = NurseryKeeper()
    nursery.start()
    async with ChildPool(1, nursery=nursery) as one:
        async with ChildPool(1, nursery=nursery) as other:
            assert (await one.read(a_file())).content.parts
            assert (await other.read(a_file())).content.parts
            assert await until(lambda: len(one.pids) == len(other.pids) == 1)
            gone, first = other.pids, nursery.pid
            parents = {
                Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1] for pid in (*one.pids, *gone)
            }
            assert parents == {str(first)}
        assert await until(lambda: not any(is_alive(pid) for pid in gone))
        assert all(is_alive(pid) for pid in one.pids)
        assert first is not None
        os.kill(first, signal.SIGKILL)
        assert await until(lambda: nursery.look() or nursery.pid != first)
        assert (await one.read(a_file())).content.parts
    assert nursery.is_up
    await asyncio.to_thread(nursery.close)
    assert not nursery.is_up


async def test_a_cancelled_read_leaves_the_pool_whole(pool: ChildPool) -> None:
    await pool.read(a_file())
    for _ in range(5):
        task = asyncio.create_task(pool.read(bomb()))
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert (await pool.read(a_file())).content.parts


_PARENT = """
import asyncio, json, sys
from gateway.children.pool import ChildPool
from policy.extraction.collected import File
async def main():
    async with ChildPool(2) as pool:
        while len(pool.pids) < 2:
            await asyncio.sleep(0.01)
        print(json.dumps(pool.pids), flush=True)
        await asyncio.sleep(60)
asyncio.run(main())
"""


async def test_children_die_with_a_killed_gateway() -> None:
    process = subprocess.Popen([sys.executable, "-c", _PARENT], stdout=subprocess.PIPE)
    try:
        assert process.stdout
        pids = json.loads(await asyncio.to_thread(process.stdout.readline))
        assert all(is_alive(pid) for pid in pids)
    finally:
        process.kill()
        process.wait()
        if process.stdout:
            process.stdout.close()
    assert await until(lambda: not any(is_alive(pid) for pid in pids))


_LOCKED = """
import json, os, resource, socket
from gateway.children import sandbox
alone = sandbox.leave_network()
sandbox.limit_resources(512 * 1024 * 1024)
granted = sandbox.lock_down()
def tried(what):
    try:
        what()
    except OSError as error:
        return type(error).__name__
    return "done"
found = {
    "granted": granted,
    "open": tried(lambda: os.open("/etc/hostname", os.O_RDONLY)),
    "write": tried(lambda: os.open("/tmp/x", os.O_CREAT | os.O_WRONLY)),
    "socket": tried(lambda: socket.socket()),
    "exec": tried(lambda: os.execv("/bin/true", ["true"])),
    "fork": tried(os.fork),
    "signal": tried(lambda: os.kill(os.getppid(), 0)),
    "core": resource.getrlimit(resource.RLIMIT_CORE)[0],
    "fsize": resource.getrlimit(resource.RLIMIT_FSIZE)[0],
}
print(json.dumps(found))
"""


def test_a_locked_down_process_can_do_nothing_else() -> None:
    done = subprocess.run([sys.executable, "-c", _LOCKED], capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    assert (found["core"], found["fsize"]) == (0, 0)
    if "seccomp" in found["granted"]:
        assert {found[name] for name in ("open", "write", "socket", "exec", "fork", "signal")} == {"PermissionError"}
    elif "landlock" in found["granted"]:
        assert {found[name] for name in ("open", "write")} == {"PermissionError"}
    else:
        pytest.skip("this kernel grants neither landlock nor seccomp")


_PRYING = """#!/bin/sh
wc -c
cat /etc/hostname 2>&- && echo opened
touch "$0.made" 2>&- && echo made
ulimit -f
echo "$OMP_THREAD_LIMIT $@"
"""


async def test_the_program_for_pictures_reads_nothing_else_and_writes_nothing(tmp_path: Path) -> None:
    program = tmp_path / "tesseract"
    program.write_text(_PRYING)
    program.chmod(0o755)
    async with ChildPool(1, tesseract=Tesseract(str(program), ("eng", "deu"))) as pool:
        said = await pool.recognise(b"picture", 20)
        granted = pool.sandbox
    assert said is not None
    assert said.splitlines()[-2:] == ["0", "1 stdin stdout -l eng+deu"]
    assert not (tmp_path / "tesseract.made").exists()
    if "landlock" in granted:
        assert "opened" not in said


async def test_a_program_for_pictures_that_fails_or_lingers_reads_nothing(tmp_path: Path) -> None:
    program = tmp_path / "tesseract"
    program.write_text("#!/bin/sh\nread -r kind\n[ $kind = linger ] && sleep 60\nexit 1\n")
    program.chmod(0o755)
    async with ChildPool(1, tesseract=Tesseract(str(program))) as pool:
        assert await pool.recognise(b"fail\n", 20) is None
        assert await pool.recognise(b"linger\n", 0.5) is None
        assert (await pool.read(a_file())).content.parts
    async with ChildPool(1) as pool:  # nobody asked for pictures
        assert await pool.recognise(b"fail\n", 0.5) is None


def test_where_it_may_not_be_modest_the_nursery_begins_all_the_same() -> None:
    begin = f"""
import os, sys, types
def refuse(_by):
    raise PermissionError
os.nice = refuse
names = ("gateway", "gateway.children", "gateway.children.nursery")
sys.modules |= {{name: types.ModuleType(name) for name in names}}
sys.modules[names[-1]].main = lambda *told: print(*told)
sys.argv = ["", "[]", "7", "told"]
exec({keeper._BOOT!r})
"""
    done = subprocess.run([sys.executable, "-c", begin], capture_output=True, text=True, check=True)
    assert done.stdout == "7 told\n"


async def test_the_log_tells_how_children_are_held() -> None:
    with capture_logs() as logs:
        async with ChildPool(1) as pool:
            await pool.log_sandbox()
            held = pool.sandbox
    (told,) = (line for line in logs if line["event"] == "document.readers_ready")
    assert told["sandbox"] == held
