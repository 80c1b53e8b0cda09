"""Mail built to hide a number from a scanner: what real programs display of it is found (README.md)."""

import asyncio
import importlib.util
import json
import sys
import threading
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from gateway.children.pool import ChildPool
from gateway.extractors import Reader
from policy.message import Message
from rules.finding import Confidence
from rules.matching import Matcher
from rules.pack import load_builtin

HERE = Path(__file__).parent
MESSAGES = sorted(HERE.glob("*/*.eml"))
SCRIPTS = sorted(HERE.glob("make_*.py"))
LEAST_PROGRAMS = 2


class Reading:
    """A Reader with real children, in a loop and thread of its own."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        assert self._ready.wait(60)

    def _run(self) -> None:
        self._loop.run_until_complete(self._serve())
        self._loop.close()

    async def _serve(self) -> None:
        async with ChildPool(1) as pool:
            self._reader = Reader(pool)
            self._ready.set()
            await self._stop.wait()

    def read(self, raw: bytes) -> Message:
        """A whole message, as the gateway reads it."""
        return asyncio.run_coroutine_threadsafe(self._reader.read(raw), self._loop).result(60)

    def close(self) -> None:
        """End the children and the thread."""
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()


@pytest.fixture(scope="module")
def reading() -> Iterator[Reading]:
    started = Reading()
    yield started
    started.close()


@cache
def matcher() -> Matcher:
    return Matcher(load_builtin())


def found(message: Message) -> dict[str, int]:
    """Distinct values of each detector at medium or surer, and the files that nobody can read."""
    findings = matcher().scan(message.content).findings
    counts = {finding.detector: len(finding.values(Confidence.MEDIUM)) for finding in findings}
    counts["encrypted"] = sum(fact.encrypted for fact in message.content.files)
    counts["unreadable"] = sum(fact.unreadable for fact in message.content.files)
    return counts


def bare(value: str) -> str:
    """Letters and digits alone."""
    return "".join(sign for sign in value.upper() if sign.isalnum())


@pytest.mark.parametrize("path", MESSAGES, ids=[f"{path.parent.name}/{path.stem}" for path in MESSAGES])
def test_what_programs_display_is_found(path: Path, reading: Reading) -> None:
    facts = json.loads(path.with_suffix(".json").read_text())
    message = reading.read(path.read_bytes())
    counts = found(message)
    missed = {name: least for name, least in facts["found"].items() if counts.get(name, 0) < least}
    assert not missed, facts["why"]
    if not {"encrypted", "unreadable"}.issuperset(facts["found"]):  # that number, and not one that chance made of it
        findings = matcher().scan(message.content).findings
        assert bare(facts["value"]) in {bare(value) for each in findings for value in each.values(Confidence.MEDIUM)}


@pytest.mark.parametrize("path", MESSAGES, ids=[f"{path.parent.name}/{path.stem}" for path in MESSAGES])
def test_each_was_seen_in_two_programs(path: Path) -> None:
    facts = json.loads(path.with_suffix(".json").read_text())
    assert facts["why"] and facts["at"] and facts["found"]
    if not {"encrypted", "unreadable"}.issuperset(facts["found"]):
        assert len(set(facts["shown_by"])) >= LEAST_PROGRAMS


@pytest.mark.parametrize("script", SCRIPTS, ids=[script.stem for script in SCRIPTS])
def test_the_scripts_write_what_is_here(script: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(HERE))
    for evasion in module(script).evasions():
        path = HERE / f"{evasion.name}.eml"
        assert path.read_bytes() == evasion.raw, path.name
        facts = json.loads(path.with_suffix(".json").read_text())
        assert facts.items() >= module(HERE / "corpus.py").expected(evasion).items(), path.name


def module(script: Path) -> Any:
    """A script as a module."""
    if script.stem in sys.modules:
        return sys.modules[script.stem]
    spec = importlib.util.spec_from_file_location(script.stem, script)
    assert spec is not None and spec.loader is not None
    loaded = importlib.util.module_from_spec(spec)
    sys.modules[script.stem] = loaded
    spec.loader.exec_module(loaded)
    return loaded
