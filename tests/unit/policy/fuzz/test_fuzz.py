"""Structural mutations of every message and document of the tests: nothing raises, hangs, dies or counts as clean.

`make test` looks at some thousands, `make soak` at 200,000. One that is told is seen again, its file kept, by
`python tests/support/fuzz_run.py SEED SEED+1 --keep FOLDER`.
"""

import os

import fuzz_planted
import pytest
from fuzz_run import BLOCK, run, run_children
from fuzz_trial import attempt, case, corpus

SOME = range(7_500)
THROUGH_CHILDREN = range(1_000_000, 1_001_000)
ALL = 200_000


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_some_seeds() -> None:
    report = run(SOME.start, SOME.stop)
    assert report.cases == len(SOME)
    assert not report.faults, str(report)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_no_child_is_lost() -> None:
    report = run_children(THROUGH_CHILDREN.start, THROUGH_CHILDREN.stop)
    assert report.cases > 200
    assert not report.faults, str(report)


@pytest.mark.soak
@pytest.mark.parametrize("first", range(0, ALL, BLOCK))
def test_all_seeds(first: int) -> None:
    """In blocks, so that a run that was stopped can go on: `-k 'all_seeds and 45000'`."""
    report = run(first, first + BLOCK)
    assert report.cases == BLOCK
    assert not report.faults, str(report)


@pytest.mark.soak
@pytest.mark.parametrize("first", range(1_000_000, 1_020_000, BLOCK))
def test_no_child_is_lost_over_many(first: int) -> None:
    report = run_children(first, first + BLOCK, size=os.cpu_count() or 2)
    assert not report.faults, str(report)


def test_a_seed_is_the_same_file_every_time() -> None:
    assert [case(number) for number in range(20)] == [case(number) for number in range(20)]
    assert {item.mail for item in corpus()} == {True, False}


def planted(reads: str, numbers: range) -> set[str]:
    """The kinds of faults that are found in a reader with a bug."""
    faults = (attempt(number, getattr(fuzz_planted, reads), fuzz_planted.ITEMS) for number in numbers)
    return {fault.kind for fault in faults if fault is not None}


@pytest.mark.parametrize(("reads", "kind"), [("raises", "exception"), ("loses", "lost")])
def test_a_planted_bug_is_found(reads: str, kind: str) -> None:
    assert planted("sound", range(300)) == set()
    assert kind in planted(reads, range(300))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("reads", "kinds"), [("hangs", {"hang"}), ("grows", {"memory"}), ("crashes", {"crash"}), ("sound", set())]
)
def test_a_planted_bug_is_found_from_outside(reads: str, kinds: set[str]) -> None:
    """In a process of its own, which it may take with it; the seeds behind it are read all the same."""
    # To clear the memory that one of them asks for takes a slow machine a second and more.
    report = run(0, 240, jobs=1, target=f"fuzz_planted:{reads}", hangs=0.3 if reads == "hangs" else 60.0)
    assert report.cases == 240
    assert {fault.kind for fault in report.faults} == kinds, str(report)
