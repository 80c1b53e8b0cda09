"""Replaying on all cores: processes that each load both policies and read their share of the messages."""

import asyncio
import multiprocessing
import signal
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from types import TracebackType
from typing import Final, Self

from gateway.children.pool import ChildPool
from gateway.extractors import Reader
from gateway.policyfile import PolicyInvalid, PolicyPlace, load_policy, read_policy_file
from gateway.recognition import log_to_stderr, pictures_for, tesseract_for
from gateway.repeats import SealedRepeats
from gateway.replay.compare import Comparison, Replayed
from gateway.replay.envelopes import Overrides
from gateway.replay.sources import Source
from gateway.tesseract import ReadingSettings
from policy.engine import Policy
from policy.message import Message
from policy.route import Directory
from rules.matching import Cache, Matcher

CHUNK: Final = 16  # messages handed over at once
FEW: Final = 300  # messages for which no process is started: reading them takes less than starting does
_AHEAD: Final = 2  # chunks that a process has in hand, so that it never waits


class PoolFailed(Exception):
    """The processes cannot be started, or see other policies than were loaded here."""


@dataclass(slots=True)
class Compiled:
    """Compiled patterns on their way to other processes of ours: a Cache, in front of one that lasts (or None)."""

    lasting: Cache | None = None
    kept: dict[str, bytes] = field(default_factory=dict, repr=False)

    def get(self, key: str) -> bytes | None:
        """What was compiled for the key; None: nothing yet."""
        if key not in self.kept and self.lasting is not None:
            value = self.lasting.get(key)
            if value is not None:
                self.kept[key] = value
        return self.kept.get(key)

    def put(self, key: str, value: bytes) -> None:
        """Keep `value` under `key`."""
        self.kept[key] = value
        if self.lasting is not None:
            self.lasting.put(key, value)


@dataclass(frozen=True, slots=True)
class ReplayJob:
    """Where the two policies lie, and what a process must know to take part."""

    before: PolicyPlace
    after: PolicyPlace
    directory: Directory
    given: Overrides
    compiled: Compiled = field(default_factory=Compiled, repr=False)
    reading: ReadingSettings = field(default_factory=ReadingSettings)

    def load(self) -> tuple[Policy, Policy, Matcher]:
        """Both policies; their detectors are the same. Raises PolicyInvalid."""
        first = load_policy(self.before, self.directory, cache=self.compiled, repeats=SealedRepeats())
        second, _ = read_policy_file(self.after, self.directory)
        return first.policy, second, first.matcher


class _Reading:
    """A reader whose children start with the first document that needs one."""

    def __init__(self, stack: AsyncExitStack, settings: ReadingSettings) -> None:
        self._stack = stack
        self._settings = settings
        self._reader: Reader | None = None

    async def __call__(self, raw: bytes, passwords: tuple[str, ...]) -> Message:
        if self._reader is None:
            pool = ChildPool(1, tesseract=tesseract_for(self._settings))
            await self._stack.enter_async_context(pool)
            self._reader = Reader(pool, pictures=pictures_for(pool, self._settings))
        return await self._reader.read(raw, passwords)


def replay_here(job: ReplayJob, sources: Sequence[Source], told: Callable[[Replayed], None]) -> None:
    """In this process, one after the other. Raises PolicyInvalid."""
    before, after, matcher = job.load()
    log_to_stderr()

    async def run() -> None:
        async with AsyncExitStack() as stack:
            comparison = Comparison(before, after, matcher, _Reading(stack, job.reading), job.given)
            for source in sources:
                told(await comparison.replay(source))

    asyncio.run(run())


@dataclass(slots=True, eq=False)
class _Process:
    """One process of ours: `chunks` are those it has not answered. `ready`: it has loaded the same policies."""

    process: multiprocessing.process.BaseProcess
    pipe: Connection
    ready: bool = False
    chunks: deque[list[Source]] = field(default_factory=deque)


class ReplayPool:
    """`size` processes. A context manager; leaves none behind. Each message given comes back once, whatever happens."""

    def __init__(self, job: ReplayJob, size: int) -> None:
        before, after, _ = job.load()
        self._job = job
        self._shas = (before.sha256, after.sha256)
        self._size = size
        self._processes: list[_Process] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for one in self._processes:
            one.pipe.close()  # the sign to end, and its children with it
            if kind is not None:
                one.process.terminate()
        for one in self._processes:
            one.process.join(5)
            if one.process.is_alive():
                one.process.kill()
                one.process.join()
        self._processes.clear()

    def replay(self, sources: Sequence[Source]) -> Iterator[Replayed]:
        """In whatever order they come. Raises PoolFailed."""
        waiting = deque([list(sources[at : at + CHUNK]) for at in range(0, len(sources), CHUNK)])
        for _ in range(min(self._size, len(waiting))):
            self._start()
        for one in self._processes:
            self._feed(one, waiting)
        while any(one.chunks for one in self._processes):
            ready = wait([one.pipe for one in self._processes if one.chunks])
            for one in [each for each in self._processes if each.pipe in ready]:
                try:
                    answers = one.pipe.recv()
                except (EOFError, OSError):
                    yield from self._lost(one, waiting)
                    continue
                if not one.ready:
                    self._greet(one, answers)
                    continue
                one.chunks.popleft()
                self._feed(one, waiting)
                yield from answers

    def _start(self) -> _Process:
        context = multiprocessing.get_context("spawn")  # a fork would take threads' locks with it
        ours, theirs = context.Pipe()
        process = context.Process(target=_work, args=(theirs, self._job), daemon=False)
        # Ctrl-C goes to every process of the terminal: blocked here while one starts, it stays blocked there.
        blocked = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            process.start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
            theirs.close()
        one = _Process(process, ours)
        self._processes.append(one)
        return one

    def _greet(self, one: _Process, shas: object) -> None:
        if shas != self._shas:
            raise PoolFailed("a policy was changed while it was read")
        one.ready = True

    def _feed(self, one: _Process, waiting: deque[list[Source]]) -> None:
        while waiting and len(one.chunks) < _AHEAD:
            chunk = waiting.popleft()
            one.chunks.append(chunk)
            with suppress(OSError):  # it is gone: the next look at its pipe tells
                one.pipe.send(chunk)

    def _lost(self, one: _Process, waiting: deque[list[Source]]) -> Iterator[Replayed]:
        """A process died. What it had in hand is done again, its first chunk message by message."""
        self._processes.remove(one)
        one.pipe.close()
        one.process.join()
        if not one.ready:
            raise PoolFailed("a process to read messages does not start")
        first, *others = one.chunks
        if len(first) == 1:
            yield Replayed(first[0].name, error="the program that reads it failed")
        else:
            others = [[source] for source in first] + others
        waiting.extendleft(reversed(others))
        self._feed(self._start(), waiting)


def _work(pipe: Connection, job: ReplayJob) -> None:
    """One process: answer chunk after chunk until the pipe is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    log_to_stderr()
    with suppress(EOFError, OSError):  # the other end is gone: nobody waits any more
        try:
            before, after, matcher = job.load()
        except PolicyInvalid:
            pipe.send(None)
            return
        pipe.send((before.sha256, after.sha256))
        asyncio.run(_answer(pipe, before, after, matcher, job))


async def _answer(pipe: Connection, before: Policy, after: Policy, matcher: Matcher, job: ReplayJob) -> None:
    async with AsyncExitStack() as stack:
        comparison = Comparison(before, after, matcher, _Reading(stack, job.reading), job.given)
        while True:
            pipe.send([await comparison.replay(source) for source in pipe.recv()])
