"""A warm pool of child processes that read documents."""

import asyncio
import contextlib
import json
import math
import os
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from types import TracebackType
from typing import Final, Self

import structlog

from gateway.children.answers import ChildAnswer, ChildAnswerInvalid
from gateway.children.keeper import Line, NurseryKeeper, PoolLimits, hand_over, is_cut, settings_for
from gateway.children.words import FORK, JOB, KILL, PID, RECOGNISE, REPLY, Tesseract
from policy.extraction.collected import PICTURE_BYTES, File
from policy.extraction.extract import Outcome
from policy.reader.limits import DEFAULT_LIMITS, Limits
from rules.content import Content, FileFact, FileKind

log = structlog.get_logger()

_HELLO: Final = 4096  # bytes
_START_SECONDS: Final = 30.0
_MOST_RECOGNISED: Final = 1024 * 1024  # bytes of text in one picture
_PAUSES: Final = (0.1, 0.5, 2.0, 5.0)  # between tries to start what does not start


class ChildrenDown(Exception):
    """Children cannot be started, or all have been busy for too long: the client is to try again (451)."""


class _Misbehaved(Exception):
    """A child has ended, or has said something it should not."""


@dataclass(slots=True, eq=False)
class _Child:
    """One child and our end of its socket."""

    socket: socket.socket
    line: Line  # to its nursery
    pid: int = 0
    sandbox: tuple[str, ...] = ()
    files: int = field(default=0)

    def is_alive(self) -> bool:
        """Whether an idle child still holds its end, and is silent: one that speaks unasked is not to be trusted."""
        if is_cut(self.line):
            return False  # it dies with its nursery, if it has not yet
        try:
            self.socket.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return True
        except OSError:
            return False
        return False

    async def hello(self) -> None:
        """Wait until the child has locked itself in."""
        try:
            described, _ = REPLY.unpack(await self._exactly(REPLY.size))
            if described > _HELLO:
                raise _Misbehaved("a greeting without end")
            said = json.loads(await self._exactly(described))
            self.pid = int(said["pid"])
            self.sandbox = tuple(str(name) for name in said["sandbox"])
        except (ValueError, KeyError, TypeError) as cause:
            raise _Misbehaved("an answer that is none") from cause

    async def read(self, file: File, most: int, passwords: Sequence[str], *, pictures: bool) -> Outcome:
        """Hand over one file and wait for what is in it."""
        loop = asyncio.get_running_loop()
        about = {
            name: getattr(file, name) for name in ("name", "place", "depth", "media_type", "charset", "flowed", "delsp")
        }
        described = json.dumps({**about, "passwords": passwords, "pictures": pictures}).encode()
        try:
            await loop.sock_sendall(self.socket, JOB.pack(len(described), len(file.data)) + described)
            await loop.sock_sendall(self.socket, file.data)
        except OSError as cause:
            raise _Misbehaved("ended") from cause
        self.files += 1
        return await self._answer(most)

    async def _answer(self, most: int) -> Outcome:
        """Piece by piece, with a turn for everybody else between them."""
        answer = ChildAnswer()
        while True:
            described, size = REPLY.unpack(await self._exactly(REPLY.size))
            most -= REPLY.size + described + size
            if most < 0:
                raise _Misbehaved("an answer without end")
            if not described:
                return answer.outcome()
            about, texts = await self._exactly(described), await self._exactly(size)
            try:
                answer.add(about, texts)
            except ChildAnswerInvalid as cause:
                raise _Misbehaved("an answer that is none") from cause
            await asyncio.sleep(0)

    async def recognise(self, picture: bytes) -> str | None:
        """Hand a picture to a process that runs tesseract, and wait for the text."""
        loop = asyncio.get_running_loop()
        self.pid = PID.unpack(await self._exactly(PID.size))[0]
        await loop.sock_sendall(self.socket, picture)
        self.socket.shutdown(socket.SHUT_WR)
        out = bytearray()
        while chunk := await loop.sock_recv(self.socket, 65536):
            out += chunk
            if len(out) > _MOST_RECOGNISED:
                return None
        return out[:-1].decode("utf-8", "replace") if out.endswith(b"\0") else None

    async def _exactly(self, size: int) -> bytearray:
        loop = asyncio.get_running_loop()
        buffer = bytearray(size)
        view = memoryview(buffer)
        got = 0
        while got < size:
            try:
                count = await loop.sock_recv_into(self.socket, view[got:])
            except OSError as cause:
                raise _Misbehaved("ended") from cause
            if not count:
                raise _Misbehaved("ended")
            got += count
        return buffer


class ChildPool:
    """Keeps `size` children ready (None: one a core, at least 2); one that is lost is replaced within milliseconds.

    An async context manager. No child outlives it, even if this process is killed.
    """

    def __init__(
        self,
        size: int | None = None,
        *,
        limits: Limits = DEFAULT_LIMITS,
        pool: PoolLimits | None = None,
        tesseract: Tesseract | None = None,
        nursery: NurseryKeeper | None = None,
    ) -> None:
        """`nursery`: one that the caller keeps up; its limits and its tesseract then count. None: one of our own."""
        self.size = size or max(2, os.cpu_count() or 2)
        self._pool = pool or PoolLimits()
        self._nursery = nursery or NurseryKeeper(settings_for(limits, self._pool, tesseract))
        self._is_ours = nursery is None
        self._most = 4 * limits.text_chars + 16 * 1024 * 1024 + PICTURE_BYTES
        self._idle: asyncio.LifoQueue[_Child] = asyncio.LifoQueue()
        self._turn = asyncio.Semaphore(self.size)
        self._waiting = 0
        self._children: set[_Child] = set()
        self._wanted = asyncio.Event()
        self._up = asyncio.Event()  # there is a line to the process that others are forked from
        self._grown = asyncio.Event()  # there was a child
        self._line: socket.socket | None = None
        self._stack = AsyncExitStack()
        self._keeper: asyncio.Task[None] | None = None

    @property
    def pids(self) -> tuple[int, ...]:
        """Process ids of the children."""
        return tuple(child.pid for child in self._children)

    @property
    def sandbox(self) -> tuple[str, ...]:
        """Which restrictions the kernel put on the children: some of `network`, `landlock`, `seccomp`."""
        return next((child.sandbox for child in self._children), ())

    async def log_sandbox(self) -> None:
        """Once there is a child, log which restrictions the kernel put on it."""
        await self._grown.wait()
        log.info("document.readers_ready", sandbox=self.sandbox)

    async def __aenter__(self) -> Self:
        tasks = await self._stack.enter_async_context(asyncio.TaskGroup())
        self._wanted.set()
        self._keeper = tasks.create_task(self._keep(), name="document readers")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._keeper:
            self._keeper.cancel()
        try:
            await self._stack.aclose()
        finally:
            self._hang_up()
            if self._is_ours:
                await asyncio.shield(asyncio.to_thread(self._nursery.close))

    async def read(self, file: File, passwords: Sequence[str] = (), *, pictures: bool = False) -> Outcome:
        """Read one file in a child. A child that crashes, hangs or eats memory costs one `unreadable` file.

        `passwords` are tried on what is locked; with `pictures` those in it are given back, for their drawn text to be
        read. Raises ChildrenDown when no child can be had.
        """
        if self._waiting >= self._pool.waiting:
            raise ChildrenDown("too many files are waiting to be read")
        for _ in range(3):  # once more if all children were lost together, which no file can do
            async with self._borrowed() as child:
                reason = await self._read(child, file, passwords, pictures)
                if isinstance(reason, Outcome):
                    return reason
            if not is_cut(child.line):
                log.warning("document.reader_lost", reason=reason, size=len(file.data))
                return Outcome(_unreadable(file, reason))
        raise ChildrenDown("the readers of documents were lost")

    async def recognise(self, picture: bytes, seconds: float) -> str | None:
        """What tesseract reads in a picture; None when it could not in that time, or not at all."""
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        run: _Child | None = None
        try:
            async with asyncio.timeout(seconds):
                await self._up.wait()
                if self._line is None:
                    return None
                run = _Child(ours, self._line)
                hand_over(self._line, RECOGNISE + str(math.ceil(seconds)).encode(), theirs)
                theirs.close()
                return await run.recognise(picture)
        except (OSError, TimeoutError, _Misbehaved):
            return None
        finally:
            ours.close()
            theirs.close()
            if run and run.pid:
                with contextlib.suppress(OSError):
                    run.line.send(KILL + str(run.pid).encode())  # no harm where it has ended

    async def _read(self, child: _Child, file: File, passwords: Sequence[str], pictures: bool) -> Outcome | str:
        """What is in it, or why there is nothing."""
        good = False
        try:
            async with asyncio.timeout(self._pool.seconds):
                outcome = await child.read(file, self._most, passwords, pictures=pictures)
            good = child.files < self._pool.files
            return outcome
        except TimeoutError:
            return "it took too long to read"
        except _Misbehaved:
            return "the program that reads it failed"
        finally:
            if good:
                self._idle.put_nowait(child)
            else:
                self._lose(child)

    @contextlib.asynccontextmanager
    async def _borrowed(self) -> AsyncIterator[_Child]:
        """A child that is alive; whoever borrows gives it back or loses it."""
        self._waiting += 1
        try:
            async with asyncio.timeout(self._pool.wait_seconds):
                await self._turn.acquire()
        except TimeoutError as cause:
            raise ChildrenDown("no reader of documents came free in time") from cause
        finally:
            self._waiting -= 1
        try:
            yield await self._alive()
        finally:
            self._turn.release()

    async def _alive(self) -> _Child:
        try:
            async with asyncio.timeout(self._pool.wait_seconds):
                while not (child := await self._idle.get()).is_alive():
                    self._lose(child)
        except TimeoutError as cause:
            raise ChildrenDown("the readers of documents do not start") from cause
        return child

    def _lose(self, child: _Child) -> None:
        """Kill a child, if it still lives, and have another made."""
        self._children.discard(child)
        child.socket.close()
        if child.pid:
            with contextlib.suppress(OSError):
                child.line.send(KILL + str(child.pid).encode())
        self._wanted.set()

    async def _keep(self) -> None:
        """Keep as many children as there should be."""
        failures = 0
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            try:
                while len(self._children) < self.size:
                    await self._grow()
                failures = 0
            except (OSError, TimeoutError, _Misbehaved) as error:
                log.error("document.readers_do_not_start", error=type(error).__name__)
                await asyncio.sleep(_PAUSES[min(failures, len(_PAUSES) - 1)])
                failures += 1
                self._wanted.set()

    async def _grow(self) -> None:
        """Start one more child and wait until it is ready."""
        line = self._reach()
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        child = _Child(ours, line)
        try:
            with theirs:
                hand_over(line, FORK, theirs)
            async with asyncio.timeout(_START_SECONDS):
                await child.hello()
        except BaseException:
            ours.close()
            raise
        self._children.add(child)
        self._idle.put_nowait(child)
        self._grown.set()

    def _reach(self) -> socket.socket:
        """The line to the nursery; where that was lost, a new one, and a new line."""
        if self._line is None or is_cut(self._line):
            self._hang_up()
            if self._is_ours:
                self._nursery.start()
            self._line = self._nursery.connect()
            self._up.set()
        return self._line

    def _hang_up(self) -> None:
        """End every child of this pool: their parent kills them when the line closes."""
        self._up.clear()
        for child in self._children:
            with contextlib.suppress(OSError):
                child.socket.shutdown(socket.SHUT_RDWR)  # whoever waits on it is told; they close it
        self._children.clear()
        while not self._idle.empty():
            self._idle.get_nowait().socket.close()
        if self._line is not None:
            self._line.close()
            self._line = None


def _unreadable(file: File, reason: str) -> Content:
    fact = FileFact(file.name, FileKind.UNKNOWN, len(file.data), file.place, file.depth, unreadable=True, reason=reason)
    return Content((), (fact,))
