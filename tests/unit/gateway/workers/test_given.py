"""A worker that is started again works as the others do, whatever the files say by now."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import pytest
from smallest import write_config

from gateway.cli.serve import replace
from gateway.policies import Known, PolicyKeeper
from gateway.settings import Settings, load_settings
from gateway.workers.given import Given, memory_for_files, program
from policy.engine import Policy


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings(write_config(tmp_path, "rules: [local/*.yaml]"))


def test_what_was_loaded_at_the_start_counts_and_not_what_the_files_say_now(settings: Settings) -> None:
    keeper = PolicyKeeper(settings)
    keeper.load()
    descriptor = Given(settings, keeper.known).write()
    settings.policy.write_text("this is: no policy\n")
    given = Given.read(descriptor)
    assert Given.read(descriptor) == given  # each worker that is started again reads it
    os.close(descriptor)
    assert given.settings == settings
    later = PolicyKeeper(given.settings)
    later.take_over(given.known)
    assert later.current == keeper.current
    assert later.known == keeper.known


async def test_what_was_put_in_force_since_counts_and_not_what_was_loaded_at_the_start(settings: Settings) -> None:
    keeper = PolicyKeeper(settings)
    keeper.load()
    descriptor = Given(settings, keeper.known).write()
    keeper.on_change(lambda known: Given(settings, known).replace(descriptor))
    for otherwise in ("safebox", "hold", "relay", "safebox"):
        settings.policy.write_text(f"version: 1\notherwise: {otherwise}\n")
        await keeper.look()  # a change counts once the files stand still
        assert await keeper.look()
        assert Given.read(descriptor).known == keeper.known
    assert keeper.current.text.otherwise.action == "safebox"
    settings.policy.write_text("this is: no policy\n")
    assert not any([await keeper.look(), await keeper.look()])
    assert Given.read(descriptor).known.policy == keeper.current
    os.close(descriptor)


def test_who_is_killed_while_writing_leaves_what_was_there(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    keeper = PolicyKeeper(settings)
    keeper.load()
    given, write, cut_off = Given(settings, keeper.known), os.pwrite, [False]
    descriptor = given.write()

    def half(to: int, data: bytes, at: int) -> int:
        if cut_off[0]:
            raise KeyboardInterrupt
        cut_off[0] = True
        return write(to, bytes(data)[: len(data) // 2], at)

    for _ in range(3):
        cut_off[0] = False
        monkeypatch.setattr(os, "pwrite", half)
        with pytest.raises(KeyboardInterrupt):
            given.replace(descriptor)
        monkeypatch.undo()
        assert Given.read(descriptor) == given
        given.replace(descriptor)
    assert os.fstat(descriptor).st_size < 4 * len(os.pread(descriptor, 1 << 24, 4096))
    os.close(descriptor)


async def test_a_change_since_then_is_found_as_every_change_is(settings: Settings) -> None:
    keeper = PolicyKeeper(settings)
    keeper.load()
    later = PolicyKeeper(settings)
    later.take_over(keeper.known)
    assert not await later.look()
    settings.policy.write_text("version: 1\notherwise: safebox\n")
    await later.look()  # a change counts once the files stand still
    assert await later.look()
    assert later.current != keeper.current


def test_another_version_on_disk_is_another_program(tmp_path: Path) -> None:
    for package in ("gateway", "portal", "delivery", "policy", "rules", "keys"):
        (tmp_path / package / "inner").mkdir(parents=True)
        (tmp_path / package / "inner" / "part.py").write_text("one = 1\n")
    before = program(tmp_path)
    assert program(tmp_path) == before
    (tmp_path / "keys" / "inner" / "part.py").write_text("one = 1  # now\n")
    changed = program(tmp_path)
    (tmp_path / "rules" / "more.py").touch()
    assert len({before, changed, program(tmp_path)}) == 3
    assert program() == program() != before


_REPLACE = """
import json, sys
from gateway.cli.serve import replace
replace(json.loads(sys.argv[1]), 0)
"""


def test_a_worker_of_another_program_does_not_begin() -> None:
    """It takes nothing in hand, and its exit code tells the parent to have all end."""
    from gateway.workers.parent import Handover
    from gateway.workers.processes import OTHER_PROGRAM

    handover = Handover(
        path=[], form="json", shutdown=1.0, with_stdin=False, program="another", given=-1, files=-1, processes=2,
        seats=-1, sockets={}, nursery=[], nursery_runs=True, nursery_settings="", tallies=("", -1), workers=[],
        bell=(-1, -1),
    )  # fmt: skip
    done = subprocess.run([sys.executable, "-c", _REPLACE, handover.to_json()], capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (OTHER_PROGRAM, b"")


def test_one_that_is_started_again_takes_no_file_that_may_be_half_written(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half of a policy may be a valid one, without the rules that are yet to come: the one in force is taken."""
    from gateway.workers.parent import Handover

    def load(settings: Settings, known: Known | None = None) -> PolicyKeeper:
        keeper = PolicyKeeper(settings)
        if known is None:
            keeper.load()
        else:
            keeper.take_over(known)
        return keeper

    def work(_settings: Settings, inherited: Callable[[], Any]) -> int:
        taken.append(inherited().keeper.current)
        return 0

    taken: list[Policy] = []
    in_force = load(settings)
    monkeypatch.setattr("gateway.app.load_keeper", load)
    monkeypatch.setattr("gateway.telemetry.start_logging", lambda *_form, **_facts: None)
    monkeypatch.setattr("gateway.memory.pause_collector", lambda: None)
    monkeypatch.setattr("gateway.children.keeper.NurseryKeeper", MagicMock())
    monkeypatch.setattr("gateway.children.words.NurserySettings", MagicMock())
    monkeypatch.setattr("gateway.workers.seats.Seats", MagicMock())
    monkeypatch.setattr("gateway.cli.serve._work", work)
    descriptor, files = Given(settings, in_force.known).write(), memory_for_files()
    handover = Handover(
        path=[], form="json", shutdown=1.0, with_stdin=False, program=program(), given=descriptor, files=files,
        processes=2, seats=descriptor, sockets={}, nursery=[], nursery_runs=True, nursery_settings="{}",
        tallies=("", descriptor), workers=[], bell=(descriptor, descriptor),
    )  # fmt: skip
    settings.policy.write_text("version: 1\notherwise: safebox\n")
    with pytest.raises(SystemExit) as ended:
        replace(json.loads(handover.to_json()), 0)
    os.close(descriptor)
    assert (ended.value.code, taken) == (0, [in_force.current])
