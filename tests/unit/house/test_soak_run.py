"""What runs the long runs: everything is in it, what is done stays done, and a fault is told."""

import json
import re
import signal
import threading
from pathlib import Path

import pytest
import soak_run
from soak_run import ROOT, Numbers, Piece, State, coming, pieces, run_all, told, tree_key


def shell(name: str, script: str, **more: object) -> Piece:
    return Piece(name, ("sh", "-c", script), 1, **more)  # type: ignore[arg-type]


def test_every_test_that_only_soaking_runs_is_in_a_piece(tmp_path: Path) -> None:
    words = [word for piece in pieces(Numbers(), tmp_path) for word in piece.command]
    for file in (ROOT / "tests").rglob("test_*.py"):
        if re.search(r"mark\.soak", file.read_text()) and file != Path(__file__):
            by_itself = file.name == "test_fuzz.py" and any(word.endswith("fuzz_run.py") for word in words)
            assert by_itself or any(str(file.relative_to(ROOT)).startswith(word) for word in words), file


def test_ranges_are_whole_and_no_name_is_there_twice(tmp_path: Path) -> None:
    found = pieces(Numbers(streams=220_001, seeds=70_000, first=5), tmp_path)
    assert sum(piece.counts.get("streams", 0) for piece in found) == 220_001
    assert sum(piece.counts.get("seeds", 0) for piece in found) == 70_000 + len(soak_run.CHILDREN)
    assert len({piece.file for piece in found}) == len(found)


def test_what_went_well_is_not_done_again_and_a_fault_is_told(tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    line = json.dumps({"test": "t", "faults": 3, "lost": 0})
    wanted = [
        shell("good", f"echo good >>{ran}; echo '{line}' >>$SEALGATE_BOOKS", books=True, counts={"streams": 7}),
        shell("bad", f"echo bad >>{ran}; echo what is wrong; exit 3"),
        shell("last", f"echo last >>{ran}"),
    ]
    state, said = State(tmp_path / "tree"), []
    assert run_all(wanted, state, said.append, anew=False) == 1
    assert "what is wrong" in "\n".join(said)
    table = told(wanted, State(tmp_path / "tree"))
    assert re.search(r"bad +FAILED", table)
    assert "7 random streams without a fault" in table
    assert "2 of 3 pieces" in table
    wanted[1] = shell("bad", f"echo mended >>{ran}")
    assert "1 of 3 pieces to do" in coming(wanted, state)
    assert run_all(wanted, State(tmp_path / "tree"), said.append, anew=False) == 0
    assert ran.read_text().split() == ["good", "bad", "last", "mended"]


def test_a_piece_that_counted_nothing_did_not_go_well(tmp_path: Path) -> None:
    state = State(tmp_path)
    assert run_all([shell("nothing", "exit 0", books=True)], state, lambda _said: None, anew=False) == 1
    assert "Nothing was counted" in (tmp_path / "nothing.log").read_text()


def test_stopped_it_says_so_and_goes_on_with_that_piece(tmp_path: Path) -> None:
    ran, said = tmp_path / "ran", []
    slow = shell(
        "slow", f"echo x >>{ran}; test -e {tmp_path}/again || kill -TERM $PPID; test -e {tmp_path}/again || sleep 60"
    )
    assert run_all([slow], State(tmp_path), said.append, anew=False) == 130
    assert "not done" in said[-1]
    (tmp_path / "again").touch()
    assert run_all([slow], State(tmp_path), said.append, anew=False) == 0


def test_what_it_ends_is_asked_to_end_in_order_even_in_the_background(tmp_path: Path) -> None:
    script = f"trap 'touch {tmp_path}/asked; exit 1' INT; kill -TERM $PPID; while :; do sleep 0.01; done"
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        assert run_all([shell("deaf", script)], State(tmp_path), lambda _said: None, anew=False) == 130
    finally:
        signal.signal(signal.SIGINT, before)
    assert (tmp_path / "asked").exists()


@pytest.mark.timeout(30)
def test_it_stops_also_where_another_thread_gets_the_signal(tmp_path: Path) -> None:
    """The kernel chooses the thread; the one that waits for a piece was not woken, and went on for as long as that."""
    done = threading.Event()
    other = threading.Thread(target=done.wait)
    other.start()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    try:
        endless = shell("endless", "kill -TERM $PPID; while :; do sleep 0.01; done")
        assert run_all([endless], State(tmp_path), lambda _said: None, anew=False) == 130
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        done.set()
        other.join()


def test_a_change_is_another_tree(tmp_path: Path) -> None:
    (tmp_path / "tests/__pycache__").mkdir(parents=True)
    file = tmp_path / "tests/a.py"
    file.write_text("one")
    before = tree_key(tmp_path, ["tests"])
    (tmp_path / "tests/__pycache__/a.pyc").write_text("made")
    assert tree_key(tmp_path, ["tests"]) == before
    file.write_text("two")
    assert tree_key(tmp_path, ["tests"]) != before
