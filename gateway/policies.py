"""The policy in force: loaded with its rule packs, tested, watched for changes, and never replaced by a bad one."""

import asyncio
import os
import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import structlog

from delivery.errors import DeliveryError
from gateway.policyfile import UNREAD, Loaded, PolicyInvalid, PolicyPlace, beside_of, load_policy
from gateway.repeats import SealedRepeats
from gateway.settings import Settings, SettingsInvalid
from policy.engine import Policy
from policy.extraction.message import read_message
from policy.problem import Problem
from policy.trial import ReadMessage
from rules.detector import Detector
from rules.matching import Cache, Matcher

LOADED: Final = "policy.loaded"
REFUSED: Final = "policy.refused"

Told = Callable[[str, dict[str, str]], Awaitable[None]]
Note = Callable[["Known"], None]  # writes down what is in force, for a process that takes over; raises OSError
_Stamp = tuple[tuple[str, int, int, int], ...]  # of each file: path, time of change in ns, size, inode

_AGAIN: Final = 5.0  # seconds until a file is tried again that could not be read
_MOST_UNTOLD: Final = 1000  # events kept for when the database is back

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class InForce:
    """A policy and the matcher of its packs. They belong together: neither may be used with another's."""

    policy: Policy
    matcher: Matcher


@dataclass(frozen=True, slots=True)
class Known:
    """A policy that was loaded and found good, for a keeper in another process: all but the compiled patterns."""

    policy: Policy
    detectors: tuple[Detector, ...]
    seen: _Stamp
    beside: Path | None


class PolicyKeeper:
    """Keeps the policy in force up to date. Ask for `in_force` once per message, so that policy and matcher match."""

    def __init__(
        self,
        settings: Settings,
        *,
        told: Told | None = None,
        cache: Cache | None = None,
        read: ReadMessage = read_message,
        every_seconds: float = 1.0,
    ) -> None:
        """`told(event, facts)` is awaited with `policy.loaded` and `policy.refused`, for the audit trail.

        `cache` keeps compiled patterns; `read` reads the messages of the tests inside the file.
        """
        self._place: PolicyPlace = settings.policy_place()
        self._directory = settings.directory()
        self._told = told
        self._note: Note = lambda _known: None
        self._cache = cache
        self._read = read
        self._every = every_seconds
        self._asked = asyncio.Event()
        self._seen: _Stamp = ()  # of what is in force, or was refused
        self._last_look: _Stamp = ()
        self._in_force: InForce | None = None
        self._detectors: tuple[Detector, ...] = ()
        self._beside: Path | None = None  # the file of passwords that the policy names
        self._refused: tuple[Problem, ...] = ()  # why the files were, as they are
        self._again_at: float | None = None  # by time.monotonic: when they are tried again though they stay as they are
        self._untold: deque[tuple[str, dict[str, str]]] = deque(maxlen=_MOST_UNTOLD)

    @property
    def in_force(self) -> InForce:
        """What decides now. Only after `load`."""
        if self._in_force is None:
            raise RuntimeError("PolicyKeeper.load was not called")
        return self._in_force

    @property
    def current(self) -> Policy:
        """The policy that decides now."""
        return self.in_force.policy

    @property
    def matcher(self) -> Matcher:
        """The matcher that belongs to `current`."""
        return self.in_force.matcher

    def report_to(self, told: Told) -> None:
        """From now on, `told` hears of loads and refusals (see `__init__`)."""
        self._told = told

    def on_change(self, note: Note) -> None:
        """From now on, call `note` with each policy that is put in force."""
        self._note = note

    def load(self) -> None:
        """The first load, at start; raises SettingsInvalid with every problem. Blocks until its tests have run."""
        self._seen = stamp(self._place)
        try:
            self._put(self._good(), self._seen)
        except PolicyInvalid as invalid:
            raise SettingsInvalid(invalid.problems) from invalid

    @property
    def known(self) -> Known:
        """What is in force now, for `take_over`."""
        return Known(self.current, self._detectors, self._seen, self._beside)

    def take_over(self, known: Known) -> None:
        """In place of `load`: put in force what another keeper has loaded, whatever the files say by now.

        Where they say something else, `run` finds that as it finds every change. Blocks while patterns are compiled,
        or taken from the cache.
        """
        self._in_force = InForce(known.policy, Matcher(known.detectors, self._cache, repeats=SealedRepeats()))
        self._detectors, self._seen, self._beside = known.detectors, known.seen, known.beside

    def reload_soon(self) -> None:
        """Read everything again (SIGHUP), changed or not; to be called in the loop's thread."""
        self._asked.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Until told to stop, look every second for a changed file, and put the new policy in force if it is good."""
        ends = asyncio.ensure_future(stop.wait())
        try:
            await self._tell((LOADED, {"sha256": self.current.sha256}))
            while not stop.is_set():
                asked = asyncio.ensure_future(self._asked.wait())
                await asyncio.wait((ends, asked), timeout=self._every, return_when=asyncio.FIRST_COMPLETED)
                asked.cancel()
                if not stop.is_set():
                    await self.look()
                    await self._tell()
        finally:
            ends.cancel()

    async def look(self) -> bool:
        """Load the policy if its files changed (or `reload_soon` asked); True if a new one is in force afterwards.

        A change counts only once the files have stayed the same between two looks, and while they were read: half of a
        file that an editor is still writing may be a valid policy, without the rules that are yet to come. Files that
        could not be read are tried again: a worker short of descriptors must not go on by an older policy than others.
        """
        now = await asyncio.to_thread(stamp, self._place, self._beside)
        asked, still = self._asked.is_set(), now == self._last_look
        self._last_look = now
        if not asked and self._again_at is not None and now == self._seen:
            asked = time.monotonic() >= self._again_at
        elif asked or now != self._seen:
            self._refused = ()
        if not asked and (now == self._seen or not still):
            return False
        self._asked.clear()
        try:
            loaded = await asyncio.to_thread(self._good)
        except PolicyInvalid as invalid:
            if await asyncio.to_thread(stamp, self._place, self._beside) == now:
                self._saw(now, invalid.beside or self._beside)
                await self._refuse(invalid.problems, passing=any(map(_was_unread, invalid.problems)))
            return False
        except Exception as error:  # noqa: BLE001 - the top of a load: no file may end a gateway that runs
            self._saw(now, self._beside)
            cause = f"reading it failed in a way that nobody foresaw ({type(error).__name__})"
            problem = Problem(str(self._place.file), 0, 0, "", cause, "`sealgate policy test` shows where")
            await self._refuse((problem,), passing=isinstance(error, OSError | MemoryError))
            return False
        if await asyncio.to_thread(stamp, self._place, self._beside) != now:
            return False
        self._put(loaded, now)
        try:
            await asyncio.to_thread(self._note, self.known)
        except OSError as error:
            log.error("policy.not_noted", error=type(error).__name__)
        log.info(LOADED, sha256=loaded.policy.sha256, rules=len(loaded.policy.text.rules))
        await self._tell((LOADED, {"sha256": loaded.policy.sha256}))
        return True

    async def _refuse(self, problems: tuple[Problem, ...], *, passing: bool) -> None:
        """Log and report why the files were refused, once for each state of them.

        `passing`: the cause may go away without a change of the files, so they are tried again in a few seconds.
        """
        self._again_at = time.monotonic() + _AGAIN if passing else None
        before, self._refused = self._refused, problems
        if before == problems:
            return
        for problem in problems:
            log.error(REFUSED, file=problem.file, line=problem.line, column=problem.column, problem=str(problem))
        log.error(REFUSED, problems=len(problems), in_force=self.current.sha256)
        facts = {"in_force": self.current.sha256, "problems": str(len(problems)), "first": str(problems[0])}
        await self._tell((REFUSED, facts))

    async def _tell(self, *events: tuple[str, dict[str, str]]) -> None:
        """Tell these events and those that could not be told before; keep them for later if the database is away."""
        if self._told is None:
            return
        self._untold += events
        while self._untold:
            try:
                await self._told(*self._untold[0])
            except DeliveryError as error:
                log.warning("policy.untold", event_kind=self._untold[0][0], cause=type(error).__name__)
                return
            self._untold.popleft()

    def _good(self) -> Loaded:
        """Load, and run the tests inside; raises PolicyInvalid."""
        loaded = load_policy(self._place, self._directory, cache=self._cache, repeats=SealedRepeats())
        failures = loaded.failures(loaded.trial(self._read))
        if failures:
            raise PolicyInvalid(failures)
        return loaded

    def _put(self, loaded: Loaded, seen: _Stamp) -> None:
        self._in_force = InForce(loaded.policy, loaded.matcher)
        self._detectors, self._refused, self._again_at = loaded.detectors, (), None
        self._saw(seen, beside_of(loaded.place, loaded.policy.text))

    def _saw(self, seen: _Stamp, beside: Path | None) -> None:
        """Remember the files as they were, with the password file, which only the policy's text names."""
        if beside != self._beside:
            seen = seen[:-1] if self._beside is not None else seen
            seen = (*seen, _file_stamp(beside)) if beside is not None else seen
            self._beside = beside
        self._seen = seen


def _was_unread(problem: Problem) -> bool:
    return problem.cause.startswith(UNREAD)


def stamp(place: PolicyPlace, beside: Path | None = None) -> _Stamp:
    """What tells that a file was changed, replaced, added or taken away."""
    return tuple(map(_file_stamp, (place.file, *place.packs(), *([beside] if beside is not None else []))))


def _file_stamp(path: Path) -> tuple[str, int, int, int]:
    try:
        about = os.stat(path)  # noqa: PTH116 - one call for all three
    except OSError:
        return str(path), 0, 0, 0
    return str(path), about.st_ctime_ns, about.st_size, about.st_ino  # ctime: who may read it may change, too
